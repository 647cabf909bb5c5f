"""Activity reports of BoondManager live: what they become, and how a changed one is seen."""

from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox import boond_shapes
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.jsonapi import Item
from sources.boond_live.reports import Window, cra
from sources.errors import Transient
from tests.sources.boond_live_books import Books, exact, served_by_v3, shown
from tests.sources.boond_live_tenant import Tenant, records_of, rows_of, thing

WORDS = Dictionary({})


def _line(day: str = "2026-10-05", kind: str = "production", **more: Any) -> dict[str, Any]:
    unit = {"reference": 1, "activityType": kind, "name": kind.title()}
    return {"id": "1", "startDate": day, "duration": 1, "workUnitType": unit, **more}


def _report(*regular: dict[str, Any], **more: Any) -> Item:
    attributes = {
        "term": "2026-10",
        "state": "waitingForValidation",
        "updateDate": "2026-10-31T18:00:00+0100",
        "workUnitRate": 1,
        "regularTimes": list(regular),
        **more,
    }
    return Item(thing("timesreport", "31", {"resource": ("resource", "7")}, **attributes))


def _project(id_: str, mission: str | None = None) -> dict[str, Any]:
    delivery = {"id": mission, "title": f"Mission {mission}"} if mission else {"data": None}
    return {"project": {"id": id_, "reference": "P"}, "delivery": delivery}


async def test_reports_are_those_of_the_other_dialect() -> None:
    """A portable world's reports become the objects that v3 serves of it."""
    books = Books.of()
    records = await records_of(books.door(), "cras")
    assert len(records) == len(books.world.cras)
    for record in records:
        told = served_by_v3(boond_shapes.cra(books.world, books.world.cras[record["id"]]))
        own = {"version", "served", "archived"}
        assert shown({k: v for k, v in record.items() if k not in own}) == shown(told)


@pytest.mark.parametrize(
    ("day", "months", "first", "last"),
    [
        ("2026-11-03", 3, "2026-09-01", "2026-11-30"),
        ("2026-01-31", 3, "2025-11-01", "2026-01-31"),
        ("2026-12-01", 1, "2026-12-01", "2026-12-31"),
        ("2026-02-10", 14, "2025-01-01", "2026-02-28"),
    ],
)
def test_the_window_is_whole_months_up_to_now(day: str, months: int, first: str, last: str) -> None:
    """So many months are read, the current one the last, across years too."""
    window = Window.of(date.fromisoformat(day), months)
    assert (str(window.first), str(window.last)) == (first, last)


def _listed(lines: list[Any], **reports: str) -> Tenant:
    rows = [
        thing("timesreport", id_[1:], {}, term="2026-10", state=state, closed=False)
        for id_, state in reports.items()
    ]
    return Tenant({"/times-reports": rows, "/times": lines})


def _time(id_: str, report: str, **changes: Any) -> dict[str, Any]:
    relations = {"timesReport": ("timesreport", report), "project": ("project", "8")}
    said = {"category": "regular", "startDate": "2026-10-05", "duration": 1, "row": 1} | changes
    return thing("time", id_, relations, **said)


async def _versions(tenant: Tenant) -> dict[str, str]:
    return {row["id"]: row["version"] for row in await rows_of(tenant.door(), "cras")}


LINES = [_time(f"regular_{n}", str(1 + n % 2), startDate=f"2026-10-{n + 1:02d}") for n in range(9)]


async def test_the_order_of_lines_is_no_change() -> None:
    """However /times sorts its rows, the versions are the same."""
    states = {"r1": "validated", "r2": "validated"}
    there, back = (_listed(rows, **states) for rows in (LINES, LINES[::-1]))
    assert await _versions(there) == await _versions(back)


@pytest.mark.parametrize(
    "change",
    [
        [_time("regular_0", "1", startDate="2026-10-01", duration=Decimal("0.5")), *LINES[1:]],
        [_time("regular_0", "1", startDate="2026-10-21"), *LINES[1:]],
        LINES[1:],
        [*LINES, _time("regular_99", "1")],
    ],
)
async def test_a_changed_line_changes_its_report_alone(change: list[Any]) -> None:
    """A line that is another, gone or new gives its report, and no other, a new version."""
    states = {"r1": "validated", "r2": "validated"}
    before, after = [await _versions(_listed(rows, **states)) for rows in (LINES, change)]
    assert [id_ for id_ in before if before[id_] != after[id_]] == ["1"]


async def test_a_changed_state_changes_the_version() -> None:
    """The same lines in another state are another version."""
    before = await _versions(_listed(LINES, r1="waitingForValidation"))
    assert before != await _versions(_listed(LINES, r1="validated"))


async def test_a_detail_bears_the_version_of_the_list() -> None:
    """What is asked for by id says the version that the list said, and the same period."""
    door = Books.of().door()
    [row, *_] = await rows_of(door, "cras")
    one = exact(await door.one("cras", row["id"]) or b"")
    assert (one["version"], one["period"]) == (row["version"], row["period"])
    assert row["version"]


UNTOLD = [
    *((httpx.Response(status, json={"errors": []}), {}) for status in (403, 404, 405)),
    ([_time("regular_1", "1", startDate="2025-01-02")], {}),
    (LINES, {"/times": 99}),
]


@pytest.mark.parametrize(("times", "totals"), UNTOLD)
async def test_without_times_every_report_is_read(
    times: Any, totals: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    """Where /times is refused, short or unfiltered, no version is told, and one line says so."""
    tenant = _listed([], r1="validated", r2="validated")
    tenant.holds["/times"], tenant.totals = times, totals
    assert set((await _versions(tenant)).values()) == {""}
    assert sum("every report is read" in said for said in caplog.messages) == 1


@pytest.mark.parametrize("times", [[], [thing("time", "1", startDate="2026-10-05")], LINES])
async def test_a_report_of_which_times_tells_another_number_has_no_version(times: Any) -> None:
    """Rows that we may not see, or that name no report, hide no change: it is read every night."""
    tenant = _listed(times, r31="validated")
    tenant.holds["/times-reports/31"] = {"data": _report(_line()).data}
    [record] = await records_of(tenant.door(), "cras")
    assert record["version"] == ""


async def test_absences_that_times_does_not_tell_leave_the_version() -> None:
    """Those that stand in `absencesTimes` alone are not among the lines that are counted."""
    tenant = _listed([_time("regular_1", "31")], r31="validated")
    report = _report(_line(), absencesTimes=[_line("2026-10-06", "absence")])
    tenant.holds["/times-reports/31"] = {"data": report.data}
    [record] = await records_of(tenant.door(), "cras")
    assert record["version"]
    assert len(record["activities"]) == 2


async def test_a_failing_times_list_is_no_missing_one() -> None:
    """A vendor that fails at /times fails the stream: nothing is read without versions for it."""
    tenant = _listed([], r1="validated")
    tenant.holds["/times"] = httpx.Response(503)
    with pytest.raises(Transient):
        await _versions(tenant)


async def test_the_list_is_asked_by_months_and_the_lines_by_days() -> None:
    """Both lists are asked for the same window."""
    tenant = _listed(LINES, r1="validated")
    await _versions(tenant)
    [reports], [times] = tenant.asked("/times-reports"), tenant.asked("/times")
    assert (reports.url.params["startMonth"], reports.url.params["endMonth"]) == (
        "2026-09",
        "2026-11",
    )
    assert (times.url.params["startDate"], times.url.params["endDate"]) == (
        "2026-09-01",
        "2026-11-30",
    )


def test_one_project_is_the_contract_of_the_report() -> None:
    """Where all lines name one project, the CRA names it, and so with the delivery."""
    found = cra(_report(_line(**_project("8", "18")), _line("2026-10-06", "absence")), WORDS)
    assert found["contract"] == {"id": "8"}
    assert found["resource"] == {"id": "18", "label": "Mission 18"}
    assert all("contract" not in line for line in found["activities"])


def test_of_several_projects_each_line_names_its_own() -> None:
    """Then the CRA itself names none, and an absence has none."""
    lines = [
        _line(**_project("8", "18")),
        _line("2026-10-06", **_project("9")),
        _line("2026-10-07", "absence"),
    ]
    found = cra(_report(*lines), WORDS)
    assert "contract" not in found
    assert [line.get("contract") for line in found["activities"]] == [
        {"id": "8"},
        {"id": "9"},
        None,
    ]
    assert found["resource"] == {"id": "18", "label": "Mission 18"}


def test_exceptional_lines_count_once() -> None:
    """One that is mirrored among the regular lines is told by its own list, with its words."""
    mirrored = _line("2026-10-10", "exceptionalTime", id="5")
    own = mirrored | {"startDate": "2026-10-10T08:00:00+0200", "description": "Bascule"}
    found = cra(_report(_line(), mirrored, exceptionalTimes=[own]), WORDS)
    assert found["totalDays"] == 2
    assert found["activities"][1] == {
        "date": "2026-10-10",
        "duration": 1,
        "typeCode": "production",
        "comment": "Bascule",
    }


def test_a_mirror_without_its_original_is_kept() -> None:
    """Exceptional work that stands among the regular lines alone is not lost."""
    found = cra(_report(_line(kind="exceptionalTime"), exceptionalTimes=[]), WORDS)
    assert (found["totalDays"], len(found["activities"])) == (1, 1)


def test_on_call_time_is_no_work() -> None:
    """An exceptional calendar counts as internal."""
    found = cra(_report(exceptionalTimes=[_line(kind="exceptionalCalendar")]), WORDS)
    assert found["totalDays"] == 0
    assert [line["typeCode"] for line in found["activities"]] == ["internal"]


def test_absences_of_both_lists_count_once() -> None:
    """An absence of `absencesTimes` is told only on days of which the lines tell none."""
    regular = _line("2026-10-05", "absence")
    both = [_line("2026-10-05", "absence"), _line("2026-10-06", "absence")]
    found = cra(_report(regular, absencesTimes=both), WORDS)
    assert [line["date"] for line in found["activities"]] == ["2026-10-05", "2026-10-06"]


def test_lines_stand_by_day_kind_and_number() -> None:
    """Work before absence before internal, and line 9 before line 10."""
    lines = [
        _line("2026-10-06", id="1"),
        _line("2026-10-05", "internal", id="2"),
        _line("2026-10-05", "absence", id="3"),
        _line("2026-10-05", id="10", duration=Decimal("0.5")),
        _line("2026-10-05", id="9", duration=Decimal("0.25")),
    ]
    found = cra(_report(*lines), WORDS)["activities"]
    assert [line["duration"] for line in found[:2]] == [Decimal("0.25"), Decimal("0.5")]
    assert [line["typeCode"] for line in found[2:]] == ["absence", "internal", "production"]


@pytest.mark.parametrize(
    ("report", "column", "said"),
    [
        (_report(_line(), workUnitRate=Decimal("7.8")), "totalDays", "1 of 7.8 work units"),
        (_report(_line(), workUnitRate=None), "totalDays", "1 of untold work units"),
        (_report(state="paid"), "status", "unknown state paid"),
        (_report(term="octobre"), "period", {"startDate": "octobre", "endDate": "octobre"}),
    ],
)
def test_what_cannot_be_read_is_told_as_served(report: Item, column: str, said: Any) -> None:
    """No unit, state or month is guessed: the words stand where the checks refuse them."""
    assert cra(report, WORDS)[column] == said


@pytest.mark.parametrize("line", [_line(kind="stage"), {"id": "4"}, "nonsense"])
def test_a_line_of_no_known_type_is_kept(line: Any) -> None:
    """It says so in its type, and is not counted."""
    found = cra(_report(line), WORDS)
    assert found["activities"][0]["typeCode"].startswith("unknown type")
    assert found["totalDays"] == 0


def _step(number: int, at: str, state: str = "validated", **people: str) -> dict[str, Any]:
    relations = {name: ("resource", id_) for name, id_ in people.items()}
    return thing("validation", f"6{number}", relations, date=at, state=state)


STEPS = [
    _step(1, "2026-11-02T09:00:00+0100", realValidator="4", expectedValidator="3"),
    _step(2, "2026-11-03T09:00:00+0100", expectedValidator="900"),
    _step(3, "2026-11-04T09:00:00+0100", "waitingForValidation", expectedValidator="5"),
]


def _validated(*steps: dict[str, Any], state: str = "validated") -> dict[str, Any]:
    included = {(step["type"], step["id"]): step for step in steps}
    return cra(Item(_report(state=state).data, included), WORDS)


def test_the_last_validation_tells_who_and_when() -> None:
    """Of several steps the last one taken counts, by who took it, else who was to."""
    found = _validated(*STEPS)
    assert (found["validator"], found["validationDate"]) == ("900", "2026-11-03T09:00:00+01:00")
    assert _validated(*STEPS[:1])["validator"] == "4"


def test_a_report_that_waits_tells_no_validation() -> None:
    """A step taken is no validation while the report waits for another."""
    found = _validated(*STEPS, state="waitingForValidation")
    assert not {"validator", "validationDate"} & found.keys()


async def test_a_report_that_is_not_there_is_none() -> None:
    """A 404 for a report is an answer, and no error."""
    assert await Tenant().door().one("cras", "31") is None


async def test_digits_stay_as_they_were_served() -> None:
    """A duration comes out digit by digit."""
    report = _report(_line(duration=Decimal("0.2500"))).data
    tenant = Tenant({"/times-reports/31": {"data": report}})
    assert b'"duration":0.2500' in (await tenant.door().one("cras", "31") or b"")
