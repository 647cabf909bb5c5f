"""What is taken for granted of BoondManager's live API, asked of one tenant with reads alone.

Most of it stands in the vendor's published schemas or was measured by others (boond-live.md);
none of it was tried at this tenant before somebody asked.
"""

from collections.abc import AsyncGenerator

from sources import json_text
from sources.assumptions import answered
from sources.boond_envelope import DEFAULT_PAGE_SIZE, PAGE_SIZE, page_of
from sources.boond_live import jsonapi
from sources.boond_live.access import Access
from sources.boond_live.jsonapi import Item
from sources.boond_live.reports import Window, last_day
from sources.exchange import path_segment
from sources.streams import Assumption

_STATES = (
    "company",
    "project",
    "order",
    "invoice",
    "purchase",
    "payment",
    "providerinvoice",
)
_LISTS = (
    "/contacts",
    "/projects",
    "/deliveries-groupments",
    "/orders",
    "/invoices",
    "/purchases",
    "/payments",
    "/provider-invoices",
)
_WANTED = (("invoice", "draft"), ("payment", "planned"), ("payment", "confirmed"))
_SLOW = "nothing: each night then reads every report of the months one by one"


async def questions(access: Access) -> AsyncGenerator[Assumption, None]:
    """The assumptions, from what the numbers mean to whether the tabs may be read."""
    for kind in _STATES:
        yield _states(access, kind)
    for kind, word in _WANTED:
        yield _state_to_write(access, kind, word)
    what = f"lists give {PAGE_SIZE} rows a page"
    yield await answered(what, _page_size(access, what))
    for path in _LISTS:
        what = f"{path} may be read"
        yield await answered(what, _readable(access, path, what))
    what = "an external's supplier may be read"
    yield await answered(what, _supplier_of_external(access, what))
    what = "lines of reports are listed by day"
    yield await answered(what, _dated_lines(access, what), _SLOW)
    what = "reports are in days, and say who may validate them"
    yield await answered(what, _report(access, what))


def _states(access: Access, kind: str) -> Assumption:
    meanings = access.dictionary.meanings(kind)
    unknown = [number for number, _, word in meanings if word.startswith("unknown")]
    return Assumption(
        f"states of {kind}",
        holds=not unknown if meanings else None,
        said=", ".join(f"{number} {label}: {word}" for number, label, word in meanings) or "none",
        advice=f'policy.toml: [boond_states.{kind}] {unknown[0]} = "…"' if unknown else "",
    )


def _state_to_write(access: Access, kind: str, word: str) -> Assumption:
    numbers = access.dictionary.numbers_of(kind, word)
    said = f"state {numbers[0]} is written" if numbers else "no state means it"
    advice = f'policy.toml: [boond_states.{kind}] NUMBER = "{word}"'
    what = f"a state of {kind} means {word}"
    return Assumption(what, holds=bool(numbers), said=said, advice=advice)


async def _page_size(access: Access, what: str) -> Assumption:
    asked = {"page": "1", "maxResults": str(PAGE_SIZE)}
    page = page_of(await access.get("/companies", asked), 1, "GET /companies")
    rows, total = len(page.ids), page.total_rows
    cut = rows == DEFAULT_PAGE_SIZE and (total is None or total > rows)
    said = f"{rows} of {'an untold number' if total is None else total} companies came"
    return Assumption(what, holds=not cut, said=said, advice="nothing: more pages are read")


async def _readable(access: Access, path: str, what: str) -> Assumption:
    page = page_of(await access.get(path, {"maxResults": "1"}), 1, f"GET {path}")
    said = "the list is there" if page.total_rows is None else f"{page.total_rows} rows"
    return Assumption(what, holds=True, said=said)


async def _supplier_of_external(access: Access, what: str) -> Assumption:
    people = await _rows(access, "/resources", {"maxResults": str(PAGE_SIZE)})
    words = access.dictionary
    external = [one for one in people if words.resource_type(one.at("typeOf")) == "external"]
    if not external:
        return Assumption(what, holds=None, said="no external among the first resources")
    tab = await access.item(f"/resources/{path_segment(external[0].id)}/administrative")
    named = tab is not None and tab.at(">providerCompany") is not None
    advice = "name the company on the administrative tab of each external"
    said = f"resource {external[0].id} " + ("names one" if named else "names none")
    return Assumption(what, holds=named, said=said, advice=advice)


async def _dated_lines(access: Access, what: str) -> Assumption:
    """Whether /times tells what changed, so that unchanged reports need not be read."""
    window = Window.of(access.terms.today(), 2)
    asked = {"period": "inProgress", "startDate": str(window.first), "maxResults": "100"}
    rows = await _rows(access, "/times", asked | {"endDate": str(last_day(window.first))})
    first = Window(window.first, last_day(window.first))
    outside = sum(1 for row in rows if not first.holds(row.at("startDate")))
    if not rows:
        return Assumption(what, holds=None, said="no line in the month before")
    said = f"{len(rows)} lines, {outside} outside the days asked for"
    return Assumption(what, holds=not outside, said=said, advice=_SLOW)


async def _report(access: Access, what: str) -> Assumption:
    window = Window.of(access.terms.today(), 2)
    months = {"startMonth": f"{window.first:%Y-%m}", "endMonth": f"{window.last:%Y-%m}"}
    rows = await _rows(access, "/times-reports", months | {"maxResults": "1"})
    if not rows:
        return Assumption(what, holds=None, said="no report in the last two months")
    path = f"/times-reports/{path_segment(rows[0].id)}"
    answer = await access.get(path)
    meta, report = answer.member("meta"), await access.item(path)
    rate = report.at("workUnitRate") if report else None
    told = sorted(key for key in meta or {} if key.startswith("expectedValidators"))
    said = f"report {rows[0].id}: work unit rate {rate}; {', '.join(told) or 'no validators'}"
    advice = "reports that are not in days go to quarantine; tell us the work unit rate"
    return Assumption(what, holds=rate == 1 and bool(told), said=said, advice=advice)


async def _rows(access: Access, path: str, asked: dict[str, str]) -> list[Item]:
    return jsonapi.items(json_text.exact((await access.get(path, asked)).body))
