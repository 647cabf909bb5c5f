"""What is taken for granted of BoondManager's live API, asked of one tenant with reads alone.

Most of it stands in the vendor's published schemas or was measured by others (boond-live.md);
none of it was tried at this tenant before somebody asked.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

from sources import json_text
from sources.assumptions import answered
from sources.boond_envelope import DEFAULT_PAGE_SIZE, PAGE_SIZE, page_of
from sources.boond_live import jsonapi
from sources.boond_live.access import Access
from sources.boond_live.dictionary import RESOURCE_TYPE, words_of
from sources.boond_live.jsonapi import Item
from sources.boond_live.reports import Window, last_day
from sources.errors import SourceError
from sources.exchange import path_segment
from sources.streams import Assumption

_STATES: Mapping[str, tuple[str, ...]] = {
    "company": ("client",),
    RESOURCE_TYPE: ("external",),
    "project": (),
    "order": ("open",),
    "invoice": ("draft", "sent"),
    "purchase": ("approved",),
    "payment": ("planned", "confirmed"),
    "providerinvoice": (),
}
"""Kinds of state, and what at least one of them must mean: what is looked for or written."""
_LISTS = (
    "/resources",
    "/companies",
    "/contacts",
    "/projects",
    "/deliveries-groupments",
    "/orders",
    "/purchases",
    "/invoices",
    "/provider-invoices",
    "/payments",
)
_SLOW = "each night then reads every report of the months one by one"


async def questions(access: Access) -> AsyncGenerator[Assumption, None]:
    """The assumptions, from what the numbers mean to whether the tabs may be read."""
    for kind, wanted in _STATES.items():
        yield _states(access, kind, wanted)
    lengths = list[str]()
    for path in _LISTS:
        found = await answered(path, _length(access, path))
        if found.refused:
            yield found
        else:
            lengths.append(f"{path} {found.said}")
    if lengths:
        yield Assumption("lists that may be read", holds=True, said=", ".join(lengths))
    what = f"lists give {PAGE_SIZE} rows a page"
    yield await answered(what, _page_size(access, what))
    what = "suppliers of externals"
    yield await answered(what, _supplier_of_external(access, what))
    what = "lines of reports by day"
    yield await answered(what, _dated_lines(access, what), _SLOW)
    what = "reports are in days, and say who may validate them"
    yield await answered(what, _report(access, what))


def _states(access: Access, kind: str, wanted: Iterable[str]) -> Assumption:
    """What the states of a kind are taken for, by their meaning."""
    meanings = access.dictionary.meanings(kind)
    taken: dict[str, list[str]] = {}
    unknown = [number for number, _, word in meanings if word.startswith("unknown")]
    for number, label, word in meanings:
        taken.setdefault("?" if number in unknown else word, []).append(f"{number} {label}".strip())
    missing = [] if not meanings else [word for word in wanted if word not in " ".join(taken)]
    lines = [f"{word}: {', '.join(states)}" for word, states in taken.items()]
    lines += [f"{word}: none" for word in missing]
    return Assumption(
        kind if kind == RESOURCE_TYPE else f"states of {kind}",
        holds=not (unknown or missing) if meanings else None,
        said="; ".join(lines) or "BoondManager's dictionary names none",
        advice=_to_be_named(kind, unknown, missing),
    )


def _to_be_named(kind: str, unknown: list[str], missing: list[str]) -> str:
    section = f"policy.toml, [boond_states.{kind.replace(' ', '_')}]"
    if unknown:
        words = ", ".join(words_of(kind))
        return f'say in {section} what it means: {unknown[0]} = "…" ({words})'
    return f'say in {section} which one it is: NUMBER = "{missing[0]}"' if missing else ""


async def _length(access: Access, path: str) -> Assumption:
    """How many rows a list has, as far as it may be read at all."""
    page = page_of(await access.get(path, {"maxResults": "1"}), 1, f"GET {path}")
    rows = "(untold)" if page.total_rows is None else str(page.total_rows)
    return Assumption(path, holds=True, said=rows)


async def _page_size(access: Access, what: str) -> Assumption:
    asked = {"page": "1", "maxResults": str(PAGE_SIZE)}
    page = page_of(await access.get("/companies", asked), 1, "GET /companies")
    rows, total = len(page.ids), page.total_rows
    cut = rows == DEFAULT_PAGE_SIZE and (total is None or total > rows)
    said = f"{rows} of {'an untold number' if total is None else total} companies came"
    said += f": {DEFAULT_PAGE_SIZE} a page are read, so there are more requests" if cut else ""
    return Assumption(what, holds=not cut, said=said)


async def _supplier_of_external(access: Access, what: str) -> Assumption:
    people = await _rows(access, "/resources", {"maxResults": str(PAGE_SIZE)})
    words = access.dictionary
    external = [one for one in people if words.resource_type(one.at("typeOf")) == "external"]
    if not external:
        said = f"no external among the first {len(people)} resources"
        return Assumption(what, holds=None, said=said)
    return await _on_administrative_tab(access, what, external[0].id)


async def _on_administrative_tab(access: Access, what: str, id_: str) -> Assumption:
    try:
        tab = await access.item(f"/resources/{path_segment(id_)}/administrative")
    except SourceError as error:
        if error.code != "forbidden":
            raise
        said = f"the administrative tab of resource {id_} may not be read"
        advice = "give the user the right to it: an external's supplier stands there"
        return Assumption(what, holds=False, said=said, advice=advice)
    named = tab is not None and tab.at(">providerCompany") is not None
    said = f"resource {id_} " + ("names its company" if named else "names no company")
    advice = "name the company on the administrative tab of each external"
    return Assumption(what, holds=named, said=said, advice=advice)


async def _dated_lines(access: Access, what: str) -> Assumption:
    """Whether /times tells what changed, so that unchanged reports need not be read."""
    window = Window.of(access.terms.today(), 2)
    asked = {"period": "inProgress", "startDate": str(window.first), "maxResults": "100"}
    rows = await _rows(access, "/times", asked | {"endDate": str(last_day(window.first))})
    first = Window(window.first, last_day(window.first))
    outside = sum(1 for row in rows if not first.holds(row.at("startDate")))
    if not rows:
        return Assumption(what, holds=None, said=f"no line in {window.first:%Y-%m}")
    said = f"{len(rows)} lines of {window.first:%Y-%m} looked at, {outside} of other months"
    said += f": the filter is ignored, and {_SLOW}" if outside else ""
    return Assumption(what, holds=not outside, said=said)


async def _report(access: Access, what: str) -> Assumption:
    window = Window.of(access.terms.today(), 2)
    months = {"startMonth": f"{window.first:%Y-%m}", "endMonth": f"{window.last:%Y-%m}"}
    rows = await _rows(access, "/times-reports", months | {"maxResults": "1"})
    if not rows:
        said = f"no report from {months['startMonth']} to {months['endMonth']}"
        return Assumption(what, holds=None, said=said)
    answer = await access.get(f"/times-reports/{path_segment(rows[0].id)}")
    report = jsonapi.item(json_text.exact(answer.body))
    rate = report.at("workUnitRate") if report else None
    named = _names_validators(answer.member("meta"))
    said = f"report {rows[0].id}: work unit rate {rate}, {'' if named else 'no '}validators named"
    advice = "tell us the work unit rate: a report that is not in days waits in quarantine"
    if rate == 1:
        advice = "give the user the right to validate reports, if rapproche is to validate any"
    return Assumption(what, holds=rate == 1 and named, said=said, advice=advice)


def _names_validators(meta: Any) -> bool:
    return any(key.startswith("expectedValidators") for key in meta or {})


async def _rows(access: Access, path: str, asked: dict[str, str]) -> list[Item]:
    return jsonapi.items(json_text.exact((await access.get(path, asked)).body))
