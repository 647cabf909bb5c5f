"""Clients and suppliers: BoondManager's companies.

A company is what the label of its state says, and what it is used as: one that a purchase or an
external consultant names is a supplier, one that a project names a client. Companies that are put
away are told in both streams, since the label no longer says what they were.
"""

from collections.abc import AsyncGenerator, Container, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sources.boond_live.access import Access, log
from sources.boond_live.composing import (
    Pages,
    Part,
    Told,
    by_id,
    composed,
    instant,
    is_since,
    latest,
    thin,
    whole,
)
from sources.boond_live.dictionary import Dictionary, plain
from sources.boond_live.jsonapi import Item
from sources.boond_live.people import learn_providers
from sources.boond_live.streams import Reader
from sources.exchange import path_segment
from sources.streams import Page

_ARCHIVED = "archived"
_ROLES = (
    ("billing", ("factur", "compta", "billing", "account")),
    ("purchasing", ("achat", "purchas")),
)
_COMMON = (
    Told("id", "information", "id"),
    Told("name", "information", "name"),
    Told("vatNumber", "information", "vatNumber"),
    Told("updatedAt", "information", "updateDate", instant),
)
_CLIENT = (
    *_COMMON,
    Told("reference", "information", "number"),
    Told("billingAddress.street", "information", "address"),
    Told("billingAddress.postcode", "information", "postcode"),
    Told("billingAddress.city", "information", "town"),
    Told("billingAddress.country", "information", "country"),
)
_SUPPLIER = (*_COMMON, Told("registrationNumber", "information", "registrationNumber"))
_CONTACT = (
    Told("email", "contact", "email1"),
    Told("role", "contact", "function", lambda value, _words: _role(str(value))),
)


@dataclass(frozen=True)
class _Side:
    """Companies in one of their two roles; contacts are told of clients alone."""

    stream: str
    role: str
    table: Sequence[Told]
    contacts: bool

    async def pages(self, access: Access, since: datetime | None) -> AsyncGenerator[Page, None]:
        """Thin rows: the companies that changed, and those that a change of others touches."""
        pages = Pages()
        touched, missing = await self._contacts_by_company(access, since)
        named = await self._named(access, since)
        seen: set[str] = set()
        async with aclosing(access.listed("/companies", access.updated(since))) as parts:
            async for part in parts:
                seen.update(row.id for row in part.rows)
                ours = [row for row in part.rows if self._is_ours(access.dictionary, row, named)]
                thin = [self._thin(access, row, touched.get(row.id)) for row in ours]
                yield pages.of(thin, part)
        if since is not None:
            changed = {id_ for id_, at in named.items() if is_since(at, since)}
            others = sorted((touched.keys() | changed) - seen)
            found = [await self._touched(access, id_, named, touched) for id_ in others]
            yield pages.of([row for row in found if row is not None])
        if missing:
            yield pages.of((), Part((), missing=missing))

    async def one(self, access: Access, id_: str) -> Mapping[str, Any] | None:
        """A company with what its tabs say."""
        information = await access.item(_information(id_), id_=id_)
        return None if information is None else await self._composed(access, id_, information)

    async def _composed(self, access: Access, id_: str, information: Item) -> Mapping[str, Any]:
        contacts = await _contacts(access, id_) if self.contacts else []
        found = composed(self.table, {"information": information}, access.dictionary)
        if self.contacts:
            found |= {
                "reference": found.get("reference") or f"CSOC{id_}",
                "contacts": [_contact(one, access.dictionary) for one in contacts],
            }
        changed = (one.at("updateDate") for one in contacts)
        listed = access.version(self.stream, id_)
        return whole(
            found,
            {"information": information, **({"contacts": contacts} if self.contacts else {})},
            version=listed or _version(access, information, *changed),
            archived=_ARCHIVED in _roles(access.dictionary, information),
        )

    def _thin(self, access: Access, row: Item, contact_updated: str | None) -> dict[str, Any]:
        version = _version(access, row, contact_updated)
        access.remember(self.stream, row.id, version)
        archived = _ARCHIVED in _roles(access.dictionary, row)
        return thin(row, version, updated=latest(row.at("updateDate")), archived=archived)

    async def _touched(
        self, access: Access, id_: str, named: Container[str], touched: Mapping[str, str]
    ) -> dict[str, Any] | None:
        """A company that the list did not bring, if it has the role; it did not change itself."""
        information = await access.item(_information(id_))
        if information is not None and information.id != id_:
            return thin(Item({"id": id_}), "")
        if information is None or not self._is_ours(access.dictionary, information, named):
            return None
        row = self._thin(access, information, touched.get(id_))
        return {key: value for key, value in row.items() if key != "updatedAt"}

    def _is_ours(self, words: Dictionary, row: Item, named: Container[str]) -> bool:
        return row.id in named or not {self.role, _ARCHIVED}.isdisjoint(_roles(words, row))

    async def _contacts_by_company(
        self, access: Access, since: datetime | None
    ) -> tuple[dict[str, str], int]:
        """When a contact of each company changed last; and how many were not served."""
        found: dict[str, str] = {}
        missing = 0
        if not self.contacts:
            return found, missing
        async with aclosing(access.listed("/contacts", access.updated(since))) as parts:
            async for part in parts:
                missing += part.missing
                for row in part.rows:
                    company = row.at(">company") or ""
                    found[company] = latest(row.at("updateDate"), found.get(company)) or ""
        found.pop("", None)
        return found, missing

    async def _named(self, access: Access, since: datetime | None) -> dict[str, str]:
        """The companies that others name in this role, and when these others changed last."""
        found: dict[str, str] = {}
        if self.role == "client":
            users = await access.projects(self.stream)
        else:
            users = await access.purchases(self.stream)
            if since is None:
                await learn_providers(access)
            # Whose file was read has changed, or is new.
            found |= {id_: since.isoformat() if since else "" for id_ in _providers(access)}
        for user in users.values():
            company = user.at(">company")
            if company:
                found[company] = latest(user.at("updateDate"), found.get(company)) or ""
        return found


def _providers(access: Access) -> set[str]:
    return {company for company in access.providers.values() if company}


def _information(company: str) -> str:
    return f"/companies/{path_segment(company)}/information"


def _version(access: Access, company: Item, *contacts: Any) -> str:
    """When a company or a contact of it changed last, and what its state means."""
    updated = latest(company.at("updateDate"), *contacts)
    return f"{updated} {access.dictionary.signature('company')}" if updated else ""


async def _contacts(access: Access, company: str) -> list[Item]:
    """The contacts of a company, in order of their ids."""
    path = f"/companies/{path_segment(company)}/contacts"
    found: dict[str, Item] = {}
    async with aclosing(access.listed(path, whole=True)) as parts:
        async for part in parts:
            found.update((row.id, row) for row in part.rows if _is_of(row, company))
    return sorted(found.values(), key=by_id)


def _is_of(contact: Item, company: str) -> bool:
    """Whether a contact is the company's, as far as it says whose it is."""
    told = contact.related("company")
    if told not in {None, company}:
        log.warning("contact %s of company %s stands among those of %s", contact.id, told, company)
    return told in {None, company}


def _contact(contact: Item, words: Dictionary) -> dict[str, Any]:
    names = (contact.at("firstName"), contact.at("lastName"))
    told = composed(_CONTACT, {"contact": contact}, words)
    return {"name": " ".join(str(name) for name in names if name)} | told


def _role(function: str) -> str:
    """What a contact is asked for, by the words of their function."""
    said = plain(function)
    return next((role for role, words in _ROLES if any(word in said for word in words)), said)


def _roles(words: Dictionary, company: Item) -> frozenset[str]:
    return words.company_roles(company.at("state"))


_CLIENTS = _Side("clients", "client", _CLIENT, contacts=True)
_SUPPLIERS = _Side("suppliers", "supplier", _SUPPLIER, contacts=False)
CLIENTS = Reader(_CLIENTS.pages, _CLIENTS.one)
SUPPLIERS = Reader(_SUPPLIERS.pages, _SUPPLIERS.one)
