"""Activity reports as the live API tells them: one a consultant and month, and rows of `/times`.

boond-live.md 3. CRAs of one consultant that begin in one month are one report, under the id of
the first. A production line with a comment is an exceptional one: it stands in `exceptionalTimes`
and, mirrored, among the regular ones. Absences of every third report are told by
`absencesTimes` alone, all others by both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sandbox.boond_live_deliveries import Delivery, of_report
from sandbox.boond_live_shapes import DIRECTOR, managers, project_reduced, resource_reduced
from sandbox.boond_live_wire import (
    Json,
    Tenant,
    chance,
    dated,
    document,
    on,
    record,
    related,
    related_many,
    stamped,
)
from sandbox.domain import Activity, Consultant, Cra
from sandbox.months import month_of
from sandbox.world import World

PRODUCTION, ABSENCE, INTERNAL = "production", "absence", "internal"
EXCEPTIONAL, ON_CALL = "exceptionalTime", "exceptionalCalendar"
ON_CALL_WORD = "astreinte"
STATES = {
    "draft": "savedAndNoValidation",
    "submitted": "waitingForValidation",
    "validated": "validated",
    "rejected": "rejected",
    "invalidated": "rejected",
}
# Of several CRAs, what the whole report is.
WEIGHT = ("rejected", "savedAndNoValidation", "waitingForValidation", "validated")
UNIT_TYPES = {PRODUCTION: 1, ABSENCE: 2, INTERNAL: 3, EXCEPTIONAL: 4, ON_CALL: 5}
ALL_LISTS = ("Validate", "Unvalidate", "Reject")


@dataclass(frozen=True, slots=True)
class Report:
    """What one consultant reported of one month."""

    consultant: Consultant
    term: str
    cras: tuple[Cra, ...]

    @property
    def id(self) -> str:
        """The id of the first CRA."""
        return self.cras[0].id

    @property
    def state(self) -> str:
        """The live word for where it stands: that of the CRA which has come least far."""
        return min((STATES[cra.status] for cra in self.cras), key=WEIGHT.index)

    @property
    def updated_at(self) -> datetime:
        """When its last CRA changed."""
        return max(cra.updated_at for cra in self.cras)

    def lines(self) -> Iterator["Line"]:
        """Yields its lines, in order of CRAs."""
        for cra in self.cras:
            for number, activity in enumerate(cra.activities, 1):
                yield Line(self, cra, activity, f"{cra.id}{number:03d}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a report."""

    report: Report
    cra: Cra
    activity: Activity
    id: str

    @property
    def kind(self) -> str:
        """Its `activityType`."""
        kind, comment = self.activity.kind, self.activity.comment or ""
        if kind == PRODUCTION:
            return EXCEPTIONAL if comment else PRODUCTION
        on_call = kind == INTERNAL and comment.casefold().startswith(ON_CALL_WORD)
        return ON_CALL if on_call else kind

    @property
    def exceptional(self) -> bool:
        """Whether it stands in `exceptionalTimes`."""
        return self.kind in {EXCEPTIONAL, ON_CALL}

    @property
    def hidden(self) -> bool:
        """Whether it stands in `absencesTimes` alone."""
        return self.kind == ABSENCE and chance(self.report.id, 3) == 0


def grouped(tenant: Tenant) -> dict[str, Report]:
    """Returns all reports by id."""
    # Identities: comparing them is quick, and what is remembered keeps them from being reused.
    return tenant.remembered(
        "reports", list(map(id, tenant.world.cras.values())), partial(_group, tenant.world)
    )


def _group(world: World) -> dict[str, Report]:
    parts: dict[tuple[str, str], list[Cra]] = {}
    for cra in world.cras.values():
        parts.setdefault((cra.consultant_id, month_of(cra.start)), []).append(cra)
    reports = (
        Report(world.consultants[consultant_id], term, tuple(cras))
        for (consultant_id, term), cras in parts.items()
    )
    return {report.id: report for report in reports}


def report_of(tenant: Tenant, report_id: str) -> Report | None:
    """Returns a report by id."""
    return grouped(tenant).get(report_id)


# Who may decide


def allowed(tenant: Tenant, report: Report, what: str) -> list[Json]:
    """Returns who may `Validate`, `Unvalidate` or `Reject` a report now."""
    waits = {"Validate": "waitingForValidation", "Reject": "waitingForValidation"}
    if report.state != waits.get(what, "validated"):
        return []
    first_done = first_step(tenant, report) and what == "Validate"
    wanted = [DIRECTOR] if first_done else [report.consultant.manager_id, DIRECTOR]
    people = managers(tenant.world)
    return [
        {"id": who.id, "firstName": who.first_name, "lastName": who.last_name}
        for who in (people[validator] for validator in wanted)
    ]


def first_step(tenant: Tenant, report: Report) -> tuple[str, datetime] | None:
    """Returns who took the first of two steps and when, unless the report changed since."""
    done = tenant.half_validated.get(report.id)
    if done and (report.state == "validated" or done[1] >= report.updated_at):
        return done
    return None


def needs_two(tenant: Tenant, report: Report) -> bool:
    """Whether one validation is not enough for this report."""
    return tenant.two_steps and report.consultant.id.endswith(tenant.two_steps_ending)


# Bodies


def row(tenant: Tenant, report: Report) -> Json:
    """A row of `/times-reports`: month, state and lock, no more."""
    attributes = {
        "term": report.term,
        "state": report.state,
        "closed": report.term in tenant.closed_terms,
    }
    relationships = {
        "resource": related("resource", report.consultant.id),
        "agency": related("agency", "1"),
    }
    return record("timesreport", report.id, attributes, relationships)


def detail(tenant: Tenant, report: Report) -> Json:
    """The body of `/times-reports/{id}`."""
    body = row(tenant, report)
    lines, told = list(report.lines()), Telling(tenant.world)
    body["attributes"] |= {
        "creationDate": on(min(cra.start for cra in report.cras)),
        "updateDate": stamped(report.updated_at),
        "workUnitRate": 1,
        "informationComments": "",
        "regularTimes": [told.line(line) for line in lines if not line.hidden],
        "exceptionalTimes": [told.exceptional(line) for line in lines if line.exceptional],
        "absencesTimes": [told.line(line) for line in lines if line.kind == ABSENCE],
        "plannedTimes": [],
        "workplaceTimes": [],
    }
    validations = list(_validations(tenant, report))
    sold = [delivery for cra in report.cras if (delivery := told.delivery(cra))]
    body["relationships"] |= {
        "createdBy": related("resource", report.consultant.id),
        "files": {"data": []},
        "expensesReport": related("expensesreport", None, report.id),
        "orders": related_many("order", dict.fromkeys(f"8{d.contract.id}" for d in sold)),
        "projects": related_many("project", dict.fromkeys(d.contract.id for d in sold)),
        "validations": related_many("validation", [found["id"] for found in validations]),
        "validationWorkflow": related_many("resource", _workflow(tenant, report)),
    }
    included = [
        resource_reduced(report.consultant),
        *(project_reduced(delivery.contract) for delivery in sold),
        *validations,
    ]
    return document(body, included, _meta(tenant, report))


class Telling:
    """How lines are told; the delivery of each CRA is looked up once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, Delivery | None] = {}

    def delivery(self, cra: Cra) -> Delivery | None:
        """Returns the delivery that a CRA is about."""
        if cra.id not in self._known:
            self._known[cra.id] = of_report(self._world, cra)
        return self._known[cra.id]

    def sold(self, line: Line) -> Delivery | None:
        """Returns the delivery of a line; absences and inner days have none."""
        return None if line.kind in {ABSENCE, INTERNAL} else self.delivery(line.cra)

    def line(self, line: Line) -> Json:
        """A line as it stands among the regular ones."""
        sold, nothing = self.sold(line), {"data": None} if chance(line.id, 2) else None
        return {
            "id": line.id,
            "startDate": line.activity.day.isoformat(),
            "duration": line.activity.duration,
            "row": _row_of(line),
            "workUnitType": _unit(line),
            "delivery": _delivery(line, sold) if sold else nothing,
            "project": _project(sold) if sold else nothing,
            "batch": None,
        }

    def exceptional(self, line: Line) -> Json:
        """A line as it stands among the exceptional ones."""
        return self.line(line) | {
            "endDate": line.activity.day.isoformat(),
            "recovering": False,
            "description": line.activity.comment or "",
        }


def _delivery(line: Line, sold: Delivery) -> Json:
    return {
        "id": sold.id,
        "title": line.cra.mission,
        "startDate": sold.start.isoformat(),
        "endDate": dated(sold.end, sold.id),
    }


def _project(sold: Delivery) -> Json:
    return {"id": sold.contract.id, "reference": sold.contract.reference}


def _unit(line: Line) -> Json:
    names = {PRODUCTION: "Normale", EXCEPTIONAL: "Heures exceptionnelles", ON_CALL: "Astreinte"}
    name = names.get(line.kind) or line.activity.comment or ""
    return {"reference": UNIT_TYPES[line.kind], "activityType": line.kind, "name": name}


def _row_of(line: Line) -> int:
    """Lines of one mission share a row of the sheet, absences and inner days have others."""
    if line.kind in {ABSENCE, INTERNAL}:
        return 100 + UNIT_TYPES[line.kind]
    return line.report.cras.index(line.cra) + 1


def _meta(tenant: Tenant, report: Report) -> Json:
    meta: dict[str, Any] = {"warnings": []}
    for what in ALL_LISTS:
        odd = what == "Unvalidate" and report.id[-1] in "13579"
        name = "UnValidate" if odd else what
        meta[f"expectedValidatorsAllowedFor{name}"] = allowed(tenant, report, what)
    return meta


def _workflow(tenant: Tenant, report: Report) -> list[str]:
    manager = report.consultant.manager_id
    return [manager, DIRECTOR] if needs_two(tenant, report) else [manager]


def _validations(tenant: Tenant, report: Report) -> Iterator[Json]:
    """Yields what validators did or are to do."""
    manager = report.consultant.manager_id
    first = first_step(tenant, report)
    if first:
        yield _validation(report, "1", "validated", manager, *first)
    if report.state == "savedAndNoValidation":
        return
    expected = DIRECTOR if first else manager
    last = max(report.cras, key=lambda cra: cra.updated_at)
    if report.state == "validated":
        real = last.validator if (last.validator or "").isdigit() else None
        yield _validation(report, "2", "validated", expected, real, last.validated_at)
    else:
        yield _validation(report, "2", report.state, expected, None, None)


def _validation(
    report: Report, step: str, state: str, expected: str, real: str | None, at: datetime | None
) -> Json:
    relationships = {
        "expectedValidator": related("resource", expected),
        "realValidator": related("resource", real, report.id),
        "dependsOn": related("timesreport", report.id),
    }
    attributes = {"date": stamped(at), "state": state}
    return record("validation", f"6{report.id}{step}", attributes, relationships)


# Rows of `/times`


def times(tenant: Tenant, first: date, last: date) -> list[Line]:
    """Returns the lines that `/times` has from `first` to `last`, report by report.

    Absences that `absencesTimes` alone has are none of them.
    """
    reports, cras = grouped(tenant), tenant.world.cras.values()
    lines = [(cra.id, cra.updated_at, len(cra.activities), cra.total_days) for cra in cras]
    return tenant.remembered("times", (lines, first, last), partial(_within, reports, first, last))


def _within(reports: dict[str, Report], first: date, last: date) -> list[Line]:
    return [
        line
        for report in reports.values()
        for line in report.lines()
        if first <= line.activity.day <= last and not line.hidden
    ]


def time_row(told: Telling, line: Line) -> Json:
    """A row of `/times`."""
    category = "exceptional" if line.exceptional else "regular"
    sold, seed = told.sold(line), line.id
    attributes = {
        "category": category,
        "startDate": line.activity.day.isoformat(),
        "duration": line.activity.duration,
        "row": _row_of(line),
        "workUnitType": _unit(line),
    }
    relationships = {
        "timesReport": related("timesreport", line.report.id),
        "delivery": related("delivery", sold.id if sold else None, seed),
        "project": related("project", sold.contract.id if sold else None, seed),
        "batch": related("batch", None, seed),
    }
    return record("time", f"{category}_{line.id}", attributes, relationships)
