"""Purchase orders: BoondManager's purchases, with the dates and the person of their delivery."""

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Any

from sources.boond_envelope import PAGE_SIZE
from sources.boond_live.access import DELIVERIES, PROJECTS, PURCHASES, Access, log
from sources.boond_live.composing import (
    Pages,
    Part,
    Told,
    composed,
    currency,
    day,
    instant,
    latest,
    put,
    state,
    whole,
)
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.jsonapi import Item
from sources.boond_live.streams import Reader
from sources.exchange import path_segment
from sources.streams import Page

_STREAM = "purchase_orders"
_ONCE = 0
"""`subscription` of a purchase whose amount is one of a unit, and not of a month or longer."""

_ORDER = (
    Told("id", "purchase", "id"),
    Told("reference", "purchase", "reference"),
    Told("supplier.id", "purchase", ">company"),
    Told("startDate", "dated", "startDate", day),
    Told("endDate", "dated", "endDate", day),
    Told("totalAmount", "purchase", "totalAmountExcludingTax"),
    Told("currency", "purchase", "currency", currency),
    Told("status", "purchase", "state", state("purchase")),
    Told("updatedAt", "purchase", "updateDate", instant),
)
_LINE = (
    Told("consultantId", "delivery", ">dependsOn"),
    Told("dailyRate", "purchase", "amountExcludingTax"),
    Told("estimatedDays", "purchase", "quantity"),
)


async def _pages(access: Access, _since: datetime | None) -> AsyncGenerator[Page, None]:
    purchases = await access.purchases(_STREAM)
    ordered = [one for one in purchases.values() if _is_of_days(one)]
    if len(ordered) < len(purchases):
        log.info("purchases that order no days left out=%d", len(purchases) - len(ordered))
    pages = Pages()
    for start in range(0, len(ordered), PAGE_SIZE):
        chosen = ordered[start : start + PAGE_SIZE]
        yield pages.of([await _composed(access, purchase) for purchase in chosen])
    yield pages.of((), Part((), missing=access.missing(PURCHASES)))


async def _one(access: Access, id_: str) -> Mapping[str, Any] | None:
    purchase = (await access.purchases()).get(id_)
    if purchase is not None and not _is_of_days(purchase):
        return None
    purchase = purchase or await access.item(
        f"{PURCHASES}/{path_segment(id_)}/information", id_=id_
    )
    return None if purchase is None else await _composed(access, purchase)


def _is_of_days(purchase: Item) -> bool:
    """Whether it may order days: it is for a project, and no subscription by the month."""
    of_project = purchase.at(">delivery") or purchase.at(">project")
    return bool(of_project) and purchase.at("subscription") in {None, _ONCE}


async def _composed(access: Access, purchase: Item) -> Mapping[str, Any]:
    documents = {"purchase": purchase, **await _surroundings(access, purchase)}
    found = composed(_ORDER, documents, access.dictionary)
    found |= {
        "reference": found.get("reference") or f"ACH{purchase.id}",
        "lines": [_line(documents, access.dictionary)],
    }
    documents.pop("dated", None)
    version = latest(*(one.at("updateDate") for one in documents.values()))
    return whole(found, documents, version=version or "")


async def _surroundings(access: Access, purchase: Item) -> dict[str, Item]:
    """The delivery of a purchase, which dates it; without one the project does."""
    named = purchase.at(">delivery")
    name, path = ("delivery", DELIVERIES) if named else ("project", PROJECTS)
    listed = await (access.deliveries if named else access.projects)(_STREAM)
    found = listed.get(purchase.at(f">{name}") or "")
    if found is None:
        access.proven_absent(path)
        return {}
    return {name: found, "dated": found}


def _line(documents: Mapping[str, Item], words: Dictionary) -> dict[str, Any]:
    """The one line of an order: a person, a price, days."""
    found: dict[str, Any] = {}
    delivery = documents.get("delivery")
    if delivery and delivery.type_of("dependsOn") == "resource":
        names = (delivery.at(">dependsOn.firstName"), delivery.at(">dependsOn.lastName"))
        put(found, "consultant", " ".join(str(name) for name in names if name) or None)
    return found | composed(_LINE, documents, words)


READER = Reader(_pages, _one)
