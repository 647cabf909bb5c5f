"""Consultants: BoondManager's resources (boond.md, "Dialect live"), without their HR data."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any

from sources.boond_live.access import Access, log
from sources.boond_live.composing import (
    Pages,
    Told,
    composed,
    instant,
    latest,
    put,
    thin,
    whole,
)
from sources.boond_live.dictionary import RESOURCE_TYPE, Dictionary
from sources.boond_live.jsonapi import Item
from sources.boond_live.streams import Reader
from sources.errors import SourceError
from sources.exchange import path_segment
from sources.streams import Page

_STREAM = "consultants"


def _type(value: Any, words: Dictionary) -> str | None:
    return words.resource_type(value)


_TABLE = (
    Told("id", "information", "id"),
    Told("typeResource", "information", "typeOf", _type),
    Told("firstName", "information", "firstName"),
    Told("lastName", "information", "lastName"),
    Told("email", "information", "email1"),
    Told("phone", "information", "phone1"),
    Told("profile", "information", "title"),
    Told("supplier.id", "information", ">providerCompany"),
    Told("supplier.id", "administrative", ">providerCompany"),
    Told("manager.id", "information", ">mainManager"),
    Told("availability", "information", "availability"),
    Told("updatedAt", "information", "updateDate", instant),
)


async def _pages(access: Access, since: datetime | None) -> AsyncGenerator[Page, None]:
    pages = Pages()
    async with aclosing(access.listed("/resources", access.updated(since))) as parts:
        async for part in parts:
            yield pages.of([_thin(access, row) for row in part.rows], part)


def _thin(access: Access, row: Item) -> dict[str, Any]:
    version = _version(access, row)
    access.remember(_STREAM, row.id, version)
    return thin(row, version, updated=latest(row.at("updateDate")))


def _version(access: Access, person: Item) -> str:
    updated = latest(person.at("updateDate"))
    return f"{updated} {access.dictionary.signature(RESOURCE_TYPE)}" if updated else ""


async def _one(access: Access, id_: str) -> Mapping[str, Any] | None:
    where = f"/resources/{path_segment(id_)}"
    information = await access.item(f"{where}/information", id_=id_)
    if information is None:
        return None
    documents = {"information": information}
    if access.dictionary.resource_type(information.at("typeOf")) == "external":
        tab = await _administrative(access, id_)
        documents |= {"administrative": tab} if tab else {}
    found = composed(_TABLE, documents, access.dictionary)
    if "supplier" in found:
        found["typeResource"] = "external"
        access.providers[id_] = found["supplier"]["id"]
    put(found, "manager.email", await _email_of(access, information.at(">mainManager")))
    version = access.version(_STREAM, id_) or _version(access, information)
    return whole(found, documents, version=version)


async def _email_of(access: Access, manager: str | None) -> Any:
    """A manager's email; their file is read once a door."""
    if manager is None:
        return None
    where = f"/resources/{path_segment(manager)}/information"
    file = await access.once(where, lambda: _shown(access, where, manager))
    return file.at("email1") if file else None


async def _administrative(access: Access, id_: str) -> Item | None:
    return await _shown(access, f"/resources/{path_segment(id_)}/administrative", id_)


async def _shown(access: Access, path: str, id_: str) -> Item | None:
    """What a path serves; None where our user may not see it, which is said."""
    try:
        return await access.item(path, id_=id_)
    except SourceError as error:
        if error.code != "forbidden":
            raise
        log.warning("not shown to us: %s. %s", error.operation, error.advice)
        return None


async def learn_providers(access: Access) -> None:
    """Reads the company of each external consultant whose file this door did not read yet."""
    async with aclosing(access.listed("/resources")) as parts:
        async for part in parts:
            types = (
                (row.id, access.dictionary.resource_type(row.at("typeOf"))) for row in part.rows
            )
            unread = [
                id_ for id_, said in types if said == "external" and id_ not in access.providers
            ]
            tabs = await asyncio.gather(*(_administrative(access, id_) for id_ in unread))
            named = (tab.at(">providerCompany") if tab else None for tab in tabs)
            access.providers.update(zip(unread, named, strict=True))


READER = Reader(_pages, _one)
