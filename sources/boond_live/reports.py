"""Activity reports: /times-reports by month, their lines, and /times for what changed.

A list row says only month, state and lock, so the version of a report is told by a digest of its
lines in /times (boond-live.md 3).
"""

import calendar
import logging
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sources.boond_live.access import OTHER, Access
from sources.boond_live.amounts import number
from sources.boond_live.composing import Pages, Told, composed, instant, put, whole
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.jsonapi import Item, objects
from sources.boond_live.streams import Reader
from sources.boond_live.versions import Tally, confirmed
from sources.errors import SourceError, Validation
from sources.exchange import path_segment
from sources.streams import Page

log = logging.getLogger("rapproche.boond")

STREAM = "cras"
PATH = "/times-reports"
_LINES = "/times"
_NO_LIST = (403, 404, 405)
_UNTOLD = "/times does not tell what changed (%s): every report is read"

_STATES = {
    "savedAndNoValidation": "draft",
    "waitingForValidation": "submitted",
    "validated": "validated",
    "rejected": "rejected",
}
_TYPES = {
    "production": "production",
    "exceptionalTime": "production",
    "absence": "absence",
    "internal": "internal",
    # On-call time is no day of work.
    "exceptionalCalendar": "internal",
}
_EXCEPTIONAL = frozenset({"exceptionalTime", "exceptionalCalendar"})
_ORDER = ("production", "absence", "internal")
_TERM = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def _status(value: Any, _words: Dictionary) -> Any:
    return _STATES.get(str(value), f"unknown state {value}")


_TABLE = (
    Told("id", "report", "id"),
    Told("consultant.id", "report", ">resource"),
    Told("consultant.firstName", "report", ">resource.firstName"),
    Told("consultant.lastName", "report", ">resource.lastName"),
    Told("status", "report", "state", _status),
    Told("updatedAt", "report", "updateDate", instant),
)


@dataclass(frozen=True)
class Window:
    """The months that are read, first and last day."""

    first: date
    last: date

    @classmethod
    def of(cls, today: date, months: int) -> "Window":
        """So many months, today's the last."""
        year, month = divmod(today.year * 12 + today.month - months, 12)
        return cls(date(year, month + 1, 1), last_day(today))

    def holds(self, day: Any) -> bool:
        """Whether a day as served lies within."""
        return isinstance(day, str) and str(self.first) <= day[:10] <= str(self.last)


def last_day(of: date) -> date:
    """The last day of a day's month."""
    return of.replace(day=calendar.monthrange(of.year, of.month)[1])


async def _pages(
    access: Access,
    since: datetime | None,  # noqa: ARG001 - no list of reports is asked for what changed
) -> AsyncGenerator[Page, None]:
    """The reports of the window, without details: their versions tell which of them changed."""
    window = Window.of(access.terms.today(), access.terms.cra_months)
    tallies = await _tallies(access, window)
    asked = {"startMonth": f"{window.first:%Y-%m}", "endMonth": f"{window.last:%Y-%m}"}
    told = Pages()
    async with aclosing(access.listed(PATH, asked)) as parts:
        async for part in parts:
            yield told.of([_thin(access, row, window, tallies) for row in part.rows], part)


async def _one(access: Access, id_: str) -> Mapping[str, Any] | None:
    """A whole report; None where BoondManager has none."""
    report = await access.item(f"{PATH}/{path_segment(id_)}", id_=id_)
    if report is None:
        return None
    named, told = access.reports.get(id_, (None, None)), _whose(report)
    if any(said is not None and said != own for said, own in zip(named, told, strict=True)):
        said = f"report {id_}: the list names (resource, month) {named}, the report {told}."
        raise Validation("boond", f"GET {PATH}/{{id}}", OTHER, said)
    listed = [line for line in _lines(report) if not line.of_absences]
    version = confirmed(access.version(STREAM, id_), len(listed))
    return whole(cra(report, access.dictionary), {"report": report}, version=version)


READER = Reader(_pages, _one)


def _whose(report: Item) -> tuple[Any, Any]:
    """Of whom a report is, and of which month; None where it does not say."""
    return report.related("resource"), report.at("term")


def _thin(
    access: Access, row: Item, window: Window, tallies: Mapping[str, Tally] | None
) -> dict[str, Any]:
    period = _period(row.at("term"))
    known = tallies is not None and window.holds(period.get("startDate"))
    said = [row.at("state"), row.at("closed")]
    version = (tallies or {}).get(row.id, Tally()).version(said) if known else ""
    access.remember(STREAM, row.id, version)
    access.reports[row.id] = _whose(row)
    return {"id": row.id, "version": version, "period": period}


async def _tallies(access: Access, window: Window) -> Mapping[str, Tally] | None:
    """What the lines of each report come to.

    Returns:
        A tally a report; None where /times cannot tell, and all reports must be read.
    """
    asked = {"period": "inProgress", "startDate": str(window.first), "endDate": str(window.last)}
    found: dict[str, Tally] = {}
    try:
        async with aclosing(access.listed(_LINES, asked)) as parts:
            async for part in parts:
                if part.missing or not all(window.holds(row.at("startDate")) for row in part.rows):
                    log.warning(_UNTOLD, "it serves other rows than asked for")
                    return None
                for row in part.rows:
                    found.setdefault(row.related("timesReport") or "", Tally()).add(_content(row))
    except SourceError as error:
        if error.status not in _NO_LIST:
            raise
        log.warning(_UNTOLD, error.code)
        return None
    return found


def _content(row: Item) -> list[Any]:
    said = [row.at(name) for name in ("category", "startDate", "duration", "workUnitType")]
    return said + [row.related(name) for name in ("delivery", "project", "batch")]


@dataclass(frozen=True)
class _Line:
    """One line of a report: what it says, and what it is."""

    said: Mapping[str, Any]
    kind: str
    exceptional: bool = False
    of_absences: bool = False

    def target(self, name: str) -> Mapping[str, Any]:
        """The project or delivery; empty where it names none."""
        found = self.said.get(name)
        inner = found.get("data", found) if isinstance(found, Mapping) else None
        return inner if isinstance(inner, Mapping) and inner.get("id") else {}

    @property
    def day(self) -> Any:
        """Its date; an exceptional line may say the hour too."""
        said = self.said.get("startDate")
        return said[:10] if isinstance(said, str) else said

    @property
    def comment(self) -> str | None:
        """What is said of it: a description, or the name of an absence or of internal work."""
        unit = self.said.get("workUnitType")
        if self.exceptional:
            return self.said.get("description") or None
        if self.kind == "production" or not isinstance(unit, Mapping):
            return None
        return unit.get("name") or None

    def place(self) -> tuple[Any, ...]:
        """Where it stands among the others."""
        id_ = str(self.said.get("id"))
        kind = _ORDER.index(self.kind) if self.kind in _ORDER else len(_ORDER)
        return str(self.day), kind, int(id_) if id_.isdecimal() else 0, id_


def cra(report: Item, words: Dictionary) -> dict[str, Any]:
    """The canonical CRA of a report.

    It names the contract (a project) that all its lines name; where they name several, it names
    none and each line does.
    """
    found = composed(_TABLE, {"report": report}, words)
    found["period"] = _period(report.at("term"))
    lines = sorted(_lines(report), key=_Line.place)
    contracts, missions = (_named(lines, name) for name in ("project", "delivery"))
    if len(contracts) == 1:
        put(found, "contract.id", *contracts)
    for id_, title in missions.items() if len(missions) == 1 else ():
        put(found, "resource.id", id_)
        put(found, "resource.label", title)
    rate = report.at("workUnitRate")
    # A report that says nothing of its lines is no report of no day.
    if report.at("regularTimes") is not None:
        found["activities"] = [_activity(line, rate, alone=len(contracts) > 1) for line in lines]
        found["totalDays"] = _days(_worked(lines), rate)
    if found.get("status") == "validated":
        found |= _validation(report)
    return found


def _period(term: Any) -> dict[str, Any]:
    """First and last day of a month; what is no month stands as it was served."""
    read = _TERM.fullmatch(term) if isinstance(term, str) else None
    if read is None or not int(read[1]):
        return {} if term is None else {"startDate": term, "endDate": term}
    first = date(int(read[1]), int(read[2]), 1)
    return {"startDate": str(first), "endDate": str(last_day(first))}


def _lines(report: Item) -> Iterator[_Line]:
    """Every line once: exceptional ones are mirrored among the regular ones, absences may be."""
    regular = _times(report, "regularTimes")
    mirrored = [said for said in regular if _type(said) in _EXCEPTIONAL]
    for said in regular:
        if _type(said) not in _EXCEPTIONAL:
            yield _Line(said, _kind(said))
    for said in _times(report, "exceptionalTimes") or mirrored:
        yield _Line(said, _kind(said), exceptional=True)
    absent = {str(said.get("startDate")) for said in regular if _kind(said) == "absence"}
    for said in _times(report, "absencesTimes"):
        if str(said.get("startDate")) not in absent:
            yield _Line(said, "absence", of_absences=True)


def _times(report: Item, name: str) -> Sequence[Mapping[str, Any]]:
    """A list of lines; what is no object is a line that says nothing, and is refused as such."""
    return objects(report.at(name))


def _type(said: Mapping[str, Any]) -> Any:
    unit = said.get("workUnitType")
    said_type = unit.get("activityType") if isinstance(unit, Mapping) else None
    return None if said_type is None else str(said_type)


def _kind(said: Mapping[str, Any]) -> str:
    return _TYPES.get(str(_type(said)), f"unknown type {_type(said)}")


def _named(lines: Sequence[_Line], name: str) -> dict[str, Any]:
    """The projects or deliveries that lines name, and their titles."""
    targets = [line.target(name) for line in lines]
    return {str(one["id"]): one.get("title") or None for one in targets if one}


def _activity(line: _Line, rate: Any, *, alone: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"typeCode": line.kind}
    put(found, "date", line.day)
    put(found, "duration", _days(line.said.get("duration"), rate))
    put(found, "comment", line.comment)
    if alone and (project := line.target("project")):
        put(found, "contract.id", str(project["id"]))
    return found


def _worked(lines: Sequence[_Line]) -> Decimal:
    """The production of all lines, in work units; a line that is no number is refused by itself."""
    worked = [number(line.said.get("duration")) for line in lines if line.kind == "production"]
    return sum((units for units in worked if units is not None), Decimal(0))


def _days(units: Any, rate: Any) -> Any:
    """Work units as days; they are days where the rate is 1, and nothing is made up elsewhere."""
    if units is None or number(rate) == 1:
        return units
    return f"{units} of {'untold' if rate is None else rate} work units"


def _validation(report: Item) -> dict[str, Any]:
    """When a validated report was validated last, and by whom."""
    steps = [step for step in validations(report) if step.at("state") == "validated"]
    last = max(steps, key=lambda step: str(step.at("date")), default=None)
    if last is None:
        return {}
    found: dict[str, Any] = {}
    put(found, "validationDate", instant(last.at("date")))
    put(found, "validator", validator_of(last))
    return found


def validations(report: Item) -> list[Item]:
    """What validators did, or are to do, with a report."""
    of = report.included.items()
    return [Item(said, report.included) for (kind, _), said in of if kind == "validation"]


def validator_of(step: Item) -> str | None:
    """Who took a step, or else is to take it."""
    return step.related("realValidator") or step.related("expectedValidator")
