"""Contracts: BoondManager's projects, and their deliveries as rates.

A delivery is one person on one project at one price; a price that is absent or zero is no rate.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sources.boond_envelope import PAGE_SIZE
from sources.boond_live.access import DELIVERIES, PROJECTS, Access
from sources.boond_live.composing import (
    Pages,
    Part,
    Told,
    by_id,
    composed,
    currency,
    day,
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

_STREAM = "contracts"
_PROJECT = (
    Told("id", "project", "id"),
    Told("client.id", "project", ">company"),
    Told("reference", "project", "reference"),
    Told("startDate", "project", "startDate", day),
    Told("endDate", "project", "endDate", day),
    Told("status", "project", "state", state("project")),
)
_RATE = (
    Told("profile", "delivery", ">dependsOn.title"),
    Told("dailyRate", "delivery", "averageDailyPriceExcludingTax"),
    Told("currency", "project", "currency", currency),
    Told("consultant.id", "delivery", ">dependsOn"),
)
_DATES = (
    Told("startDate", "delivery", "startDate", day),
    Told("endDate", "delivery", "endDate", day),
)


async def _pages(access: Access, _since: datetime | None) -> AsyncGenerator[Page, None]:
    projects = await access.projects(_STREAM)
    by_project = _by_project((await _deliveries(access)).values())
    rows = [
        _composed(access, project, by_project.get(project.id, [])) for project in projects.values()
    ]
    pages = Pages()
    for start in range(0, len(rows), PAGE_SIZE):
        yield pages.of(rows[start : start + PAGE_SIZE])
    yield pages.of((), Part((), missing=access.missing(PROJECTS)))


async def _one(access: Access, id_: str) -> Mapping[str, Any] | None:
    project = (await access.projects()).get(id_)
    project = project or await access.item(f"{PROJECTS}/{path_segment(id_)}/information", id_=id_)
    if project is None:
        return None
    deliveries = _by_project((await _deliveries(access)).values())
    return _composed(access, project, deliveries.get(id_, []))


async def _deliveries(access: Access) -> Mapping[str, Item]:
    """All deliveries; a contract without some of its rates would be a wrong one."""
    found = await access.deliveries(_STREAM)
    access.proven_absent(DELIVERIES)
    return found


def _by_project(deliveries: Iterable[Item]) -> dict[str, list[Item]]:
    """The deliveries of each project, in order of their ids."""
    found: dict[str, list[Item]] = {}
    for delivery in sorted(deliveries, key=by_id):
        found.setdefault(delivery.at(">project") or "", []).append(delivery)
    return found


def _composed(access: Access, project: Item, deliveries: Sequence[Item]) -> Mapping[str, Any]:
    found = composed(_PROJECT, {"project": project}, access.dictionary)
    found |= {
        "reference": found.get("reference") or f"PRJ{project.id}",
        "rates": _rates(access, project, deliveries),
    }
    updated = latest(*(one.at("updateDate") for one in (project, *deliveries)))
    put(found, "updatedAt", updated)
    return whole(found, {"project": project, "deliveries": deliveries}, version=updated or "")


def _rates(access: Access, project: Item, deliveries: Sequence[Item]) -> list[dict[str, Any]]:
    """A rate a delivery of a person; with its dates where the person has several."""
    priced = [one for one in deliveries if _is_priced(one, access.dictionary)]
    persons = Counter(one.at(">dependsOn") for one in priced)
    return [
        composed(
            (*_RATE, *_DATES) if persons[one.at(">dependsOn")] > 1 else _RATE,
            {"project": project, "delivery": one},
            access.dictionary,
        )
        for one in priced
    ]


def _is_priced(delivery: Item, words: Dictionary) -> bool:
    """Whether it is a person at a price; what is only forecast has been agreed by nobody."""
    is_person = delivery.type_of("dependsOn") == "resource"
    forecast = words.state("delivery", delivery.at("state")) == "forecast"
    return is_person and not forecast and bool(delivery.at("averageDailyPriceExcludingTax"))


READER = Reader(_pages, _one)
