"""What the sandbox's live BoondManager tells of its records (boond-live.md 3)."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.boond_live_shapes import SALARY
from sandbox.domain import Activity
from sandbox.world import World
from tests.sandbox.boond_live_desk import MONTHS, OCTOBER, Desk, registered, report_ids


@pytest.fixture
def desk() -> Desk:
    """A small clean world."""
    return Desk(World.build(consultants=5, mistakes=False, portable=True))


@pytest.fixture(scope="module")
def large() -> Desk:
    """Forty people and no mistakes, to be read alone."""
    return Desk(World.build(consultants=40, mistakes=False, portable=True))


def test_odd_company(desk: Desk) -> None:
    """Clients, suppliers, a prospect and a partner stand in one list; an archived one says so."""
    client, supplier = (next(iter(t)) for t in (desk.world.clients, desk.world.suppliers))
    desk.world.clients[client].archived = True

    rows = desk.get("/companies", maxResults=500)["data"]

    states = {row["id"]: row["attributes"]["state"] for row in rows}
    assert tuple(states[i] for i in (client, supplier, "90001", "90002")) == (8, 9, 0, 7)


def test_untended_states(large: Desk) -> None:
    """Some companies with business are still called prospect or partner."""
    states = {
        row["id"]: row["attributes"]["state"]
        for row in large.get("/companies", maxResults=500)["data"]
    }

    assert {states[i] for i in large.world.clients} == {0, 1}
    assert {states[i] for i in large.world.suppliers} == {7, 9}


def test_products_and_former_orders(large: Desk) -> None:
    """Some deliveries are of a product, some orders are archived."""
    deliveries = large.get("/deliveries-groupments", maxResults=500)["data"]
    orders = large.get("/orders", maxResults=500)["data"]

    kinds = {row["relationships"]["dependsOn"]["data"]["type"] for row in deliveries}
    assert kinds == {"resource", "product"}
    assert {row["attributes"]["state"] for row in orders} == {0, 1}


def test_two_rates_of_a_person_are_two_deliveries(desk: Desk) -> None:
    """A person with two rates on a project has two deliveries, the second one's id ending in 9."""
    contract = next(c for c in desk.world.contracts.values() if c.rates)
    rate = contract.rates[0]
    contract.rates.insert(1, replace(rate, daily_rate=rate.daily_rate + 60))
    mission = desk.world.missions[str(rate.consultant_id)]

    rows = desk.get("/deliveries-groupments", keywords=f"COMP{rate.consultant_id}")["data"]

    prices = {row["id"]: row["attributes"]["averageDailyPriceExcludingTax"] for row in rows}
    assert prices == {mission.id: rate.daily_rate, f"{mission.id}9": rate.daily_rate + 60}


def test_salaries_are_there_to_leak(desk: Desk) -> None:
    """The administrative tab carries salaries, so that a leak would show."""
    who = next(c for c in desk.world.consultants.values() if c.supplier_id)

    body = desk.get(f"/resources/{who.id}/administrative")

    company = body["data"]["relationships"]["providerCompany"]["data"]["id"]
    assert (SALARY, who.supplier_id) == (
        body["included"][0]["attributes"]["monthlySalary"],
        company,
    )


def test_every_state_has_a_word(large: Desk) -> None:
    """Every number that a list tells has its word in the dictionary."""
    words = large.get("/application/dictionary")["data"]["setting"]["state"]
    kinds = {
        "/resources": "resource",
        "/companies": "company",
        "/projects": "project",
        "/deliveries-groupments": "delivery",
        "/orders": "order",
        "/purchases": "purchase",
        "/invoices": "invoice",
    }
    for path, kind in kinds.items():
        rows = large.get(path, maxResults=500)["data"]
        known = {entry["id"] for entry in words[kind]}
        assert {row["attributes"]["state"] for row in rows} <= known, path


# Activity reports


def report_of(desk: Desk, *activities: Activity) -> Any:
    """The detail of the first report of October, made of these lines."""
    cra = next(c for c in desk.world.cras.values() if c.start.month == 10)
    cra.activities = list(activities)
    desk.world.touch(cra)
    return desk.get(f"/times-reports/{cra.id}")["data"]["attributes"]


def test_exceptional_lines_are_mirrored(desk: Desk) -> None:
    """An exceptional line stands in both lists of the detail, and once among the rows of times."""
    day, half = date(2026, 10, 5), Decimal("0.5")
    on_call = Activity(day, half, "internal", "Astreinte de nuit")

    told = report_of(desk, Activity(day, half, "production", "Mise en service"), on_call)

    kinds = ["exceptionalTime", "exceptionalCalendar"]
    for name in ("regularTimes", "exceptionalTimes"):
        assert [line["workUnitType"]["activityType"] for line in told[name]] == kinds
    rows = desk.get("/times", **OCTOBER, maxResults=500)["data"]
    same_day = [r for r in rows if r["attributes"]["startDate"] == "2026-10-05"]
    assert sum(row["id"].startswith("exceptional_") for row in same_day) == 2


def test_absences_stand_in_one_list_or_two(large: Desk) -> None:
    """Every absence stands in `absencesTimes`; only those of some reports in `regularTimes` too."""
    both = {True: 0, False: 0}
    for report_id in report_ids(large):
        told = large.get(f"/times-reports/{report_id}")["data"]["attributes"]
        mirrored = [
            line
            for line in told["regularTimes"]
            if line["workUnitType"]["activityType"] == "absence"
        ]
        assert mirrored in ([], told["absencesTimes"])
        both[bool(mirrored)] += bool(told["absencesTimes"])
    assert all(both.values())


def test_one_report_a_consultant_and_month(desk: Desk) -> None:
    """Several CRAs of a consultant and month are one report, which has come as far as the last."""
    first = next(c for c in desk.world.cras.values() if c.status == "validated")
    contract = list(desk.world.contracts.values())[-1]
    other = replace(
        first, id="79999", contract_id=contract.id, mission_id="39999", status="submitted"
    )
    desk.world.cras[other.id] = other

    found = desk.get(f"/times-reports/{first.id}")["data"]

    projects = {
        line["project"]["id"]
        for line in found["attributes"]["regularTimes"]
        if line["project"] and "id" in line["project"]
    }
    assert {first.contract_id, contract.id} == projects
    assert found["attributes"]["state"] == "waitingForValidation"
    assert other.id not in report_ids(desk)


def test_rows_of_times_are_the_lines(large: Desk) -> None:
    """`/times` has each regular line of the window once, by page as at once."""
    rows = large.rows("/times", **OCTOBER, maxResults=100)

    ids = [row["id"] for row in rows]
    told = [
        f"regular_{line['id']}"
        for report_id in large.ids("/times-reports", startMonth="2026-10", endMonth="2026-10")
        for line in large.get(f"/times-reports/{report_id}")["data"]["attributes"]["regularTimes"]
    ]
    assert (len(ids), sorted(ids)) == (len(set(ids)), sorted(told))


def test_times_follow_the_books(desk: Desk) -> None:
    """Rows of `/times` are those of the books as they are now."""
    before = desk.get("/times", **OCTOBER)["meta"]["totals"]["rows"]
    cra = next(c for c in desk.world.cras.values() if c.start.month == 10)
    kept = len([a for a in cra.activities if a.kind == "production"])

    cra.activities = [a for a in cra.activities if a.kind != "production"]
    desk.world.touch(cra)

    assert desk.get("/times", **OCTOBER)["meta"]["totals"]["rows"] == before - kept


def test_validators_are_listed(desk: Desk) -> None:
    """The detail says who may decide now; odd ids spell one list otherwise."""
    spelt = set()
    for report_id in report_ids(desk):
        body = desk.get(f"/times-reports/{report_id}")
        lists = {k: v for k, v in body["meta"].items() if k.startswith("expectedValidators")}
        state = body["data"]["attributes"]["state"]
        able = {k.removeprefix("expectedValidatorsAllowedFor") for k, v in lists.items() if v}
        spelt |= able
        assert able <= {"Validate", "Reject"} if state == "waitingForValidation" else len(able) == 1
    assert spelt == {"Validate", "Reject", "Unvalidate", "UnValidate"}


def test_closed_months(desk: Desk) -> None:
    """Reports of a month that accounting has locked say so, in the list as in the detail."""
    desk.boond.closed_terms.add("2026-09")

    rows = desk.get("/times-reports", **MONTHS)["data"]

    assert {row["attributes"]["term"] for row in rows if row["attributes"]["closed"]} == {"2026-09"}
    for row in rows:
        told = desk.get(f"/times-reports/{row['id']}")["data"]["attributes"]
        assert told["closed"] == row["attributes"]["closed"]


def test_a_first_step_lasts_until_the_report_changes(desk: Desk) -> None:
    """After the first of two steps the director alone may validate, until days change."""
    cra = next(c for c in desk.world.cras.values() if c.status == "submitted")
    manager = desk.world.consultants[cra.consultant_id].manager_id
    desk.boond.half_validated[cra.id] = (manager, cra.updated_at)

    def able() -> list[str]:
        meta = desk.get(f"/times-reports/{cra.id}")["meta"]
        return [who["id"] for who in meta["expectedValidatorsAllowedForValidate"]]

    after_one_step = able()
    desk.world.touch(cra)

    assert (after_one_step, able()) == (["900"], [manager, "900"])


def test_validations_are_told(desk: Desk) -> None:
    """A validated report includes who validated it and when."""
    cra = next(c for c in desk.world.cras.values() if c.status == "validated")

    body = desk.get(f"/times-reports/{cra.id}")

    done = next(found for found in body["included"] if found["type"] == "validation")
    real = done["relationships"]["realValidator"]["data"]["id"]
    at = datetime.strptime(done["attributes"]["date"], "%Y-%m-%dT%H:%M:%S%z")
    assert ("validated", cra.validator, cra.validated_at) == (done["attributes"]["state"], real, at)


# Invoices


def test_credit_notes_come_with_either_sign(desk: Desk) -> None:
    """A credit note says that it is one; its totals bear a minus, or do not."""
    invoices = desk.world.client_invoices
    model = next(iter(invoices.values()))
    note = replace(model, net=Decimal(-100), tax=Decimal(-20), gross=Decimal(-120))
    invoices |= {str(n): replace(note, id=str(n)) for n in range(1, 9)}

    rows = [
        r["attributes"] for r in desk.get("/invoices")["data"] if r["attributes"]["isCreditNote"]
    ]

    assert {100, -100} == {row["turnoverInvoicedExcludingTax"] for row in rows}
    assert {120, -120} == {row["turnoverInvoicedIncludingTax"] for row in rows}


@pytest.mark.parametrize(
    ("status", "paid", "states"),
    [
        ("draft", 0, {0}),
        ("sent", 0, {1}),
        ("sent", 1, {7}),
        ("paid", 1, {3}),
        ("cancelled", 0, {8, 9}),
    ],
)
def test_invoice_states(desk: Desk, status: str, paid: int, states: set[int]) -> None:
    """A status is told by the tenant's number, of which there may be several."""
    invoice = next(iter(desk.world.client_invoices.values()))
    invoice.status, invoice.paid = status, invoice.gross * paid / 2
    invoice.due = desk.world.now().date()

    assert desk.get(f"/invoices/{invoice.id}")["data"]["attributes"]["state"] in states


def test_overdue_invoices(desk: Desk) -> None:
    """What is due and not paid is told as unpaid or reminded."""
    invoices = desk.world.client_invoices
    model = next(iter(invoices.values()))
    model.due = desk.world.now().date() - timedelta(days=1)
    invoices.clear()
    invoices |= {str(n): replace(model, id=str(n)) for n in range(1, 9)}

    states = {row["attributes"]["state"] for row in desk.get("/invoices")["data"]}

    assert states == {2, 4}


def test_invoice_leads_to_its_company(desk: Desk) -> None:
    """An invoice names an order, which is included with its project and company."""
    invoice = next(iter(desk.world.client_invoices.values()))

    body = desk.get(f"/invoices/{invoice.id}/information")

    kinds = {found["type"]: found["id"] for found in body["included"]}
    assert kinds == {
        "order": f"8{invoice.contract_id}",
        "project": invoice.contract_id,
        "company": invoice.client_id,
    }
    line = body["data"]["attributes"]["invoiceRecords"][0]
    assert line["taxRates"] == [20]


def test_payments_of_a_supplier_invoice(desk: Desk) -> None:
    """A provider invoice has one payment, whose number is its reference, linked to a purchase."""
    invoice = desk.world.supplier_invoices[registered(desk)]
    invoice.status = "flagged_for_payment"

    profile = desk.get(f"/provider-invoices/{invoice.id}")["data"]["attributes"]
    listed = desk.get("/payments")["data"][0]

    (payment,) = profile["payments"]
    assert (f"7{invoice.id}", 1, invoice.reference) == (
        payment["id"],
        payment["state"],
        payment["number"],
    )
    assert payment["purchase"]["id"] == listed["relationships"]["purchase"]["data"]["id"]
