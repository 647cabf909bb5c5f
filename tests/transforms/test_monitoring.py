"""Who owes a CRA, by when, and what it keeps back (reconciliation.md 3)."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.transforms import client_facts as given
from tests.transforms.client_facts import contract, cra, frame, line, person, rate, report
from transforms.clients.cra_matching import CraFacts
from transforms.monitoring import Monitoring, monitor
from transforms.working_days import business_days, due_day, watched

NOV_2 = date(2026, 11, 2)
NAMED = rate(consultant_id="P1")


def _watch(
    facts: CraFacts, *, as_of: date = NOV_2, period: str | None = None, **orders: Any
) -> Monitoring:
    periods = watched(as_of, period)
    return monitor(
        facts,
        frame("core.purchase_orders", orders.get("orders", ())),
        frame("core.purchase_order_lines", orders.get("lines", ())),
        given.matched(facts, *periods).matches,
        as_of=as_of,
        periods=periods,
    )


def _alerts(facts: CraFacts, *columns: str, **more: Any) -> list[tuple[Any, ...]]:
    return _watch(facts, **more).alerts.select(columns).rows()


# Which months, and by when


@pytest.mark.parametrize(
    ("as_of", "months"),
    [
        (date(2026, 11, 2), ["2026-10"]),
        (date(2026, 11, 23), ["2026-10"]),
        (date(2026, 11, 24), ["2026-10", "2026-11"]),
        (date(2026, 12, 1), ["2026-11"]),
        (date(2026, 12, 25), ["2026-11", "2026-12"]),
    ],
)
def test_the_current_month_is_watched_from_its_last_five_working_days(
    as_of: date, months: list[str]
) -> None:
    """The month before always; this one once five working days of it are left."""
    assert watched(as_of) == months


def test_a_month_asked_for_is_watched_alone() -> None:
    """`--period` rules monitoring."""
    assert watched(date(2026, 11, 30), "2026-08") == ["2026-08"]


@pytest.mark.parametrize(
    ("period", "due"),
    [
        ("2026-10", date(2026, 11, 4)),
        ("2026-12", date(2027, 1, 6)),
        ("2026-04", date(2026, 5, 6)),
        ("2026-07", date(2026, 8, 5)),
    ],
)
def test_a_cra_is_due_on_the_third_french_working_day(period: str, due: date) -> None:
    """Weekends and French holidays (1 May, 1 January) do not count."""
    assert due_day(period) == due


def test_french_holidays_are_no_working_days() -> None:
    """November 2026 has 20 working days: 11 November is a holiday."""
    days = business_days("2026-11")
    assert len(days) == 20
    assert date(2026, 11, 11) not in days


@pytest.mark.parametrize(
    ("as_of", "days_left", "risk"),
    [
        (date(2026, 11, 5), -1, "critical"),
        (date(2026, 11, 4), 0, "high"),
        (date(2026, 11, 2), 2, "high"),
        (date(2026, 11, 1), 3, "medium"),
        (date(2026, 10, 29), 6, "medium"),
        (date(2026, 10, 28), 7, "low"),
    ],
)
def test_risk_follows_the_calendar_days_left(as_of: date, days_left: int, risk: str) -> None:
    """Past due critical, under 3 high, under 7 medium, else low."""
    facts = given.facts(rates=[NAMED])
    assert _alerts(facts, "days_left", "risk", as_of=as_of, period="2026-10") == [(days_left, risk)]


def test_the_cra_s_own_due_date_wins() -> None:
    """The calendar's day counts only where the CRA tells none."""
    told = cra("3", status="draft", due_date=date(2026, 11, 20))
    assert _alerts(given.facts(cras=[told]), "due_date", "risk") == [(date(2026, 11, 20), "low")]


# Who owes


@pytest.mark.parametrize(
    ("status", "owed"),
    [
        ("draft", True),
        ("rejected", True),
        ("invalidated", True),
        ("submitted", False),
        ("validated", False),
    ],
)
def test_what_is_not_submitted_or_was_refused_is_owed(status: str, owed: bool) -> None:
    """A CRA stays owed until it is submitted, and again once it is refused."""
    alerts = _alerts(given.facts(cras=[cra("3", status=status)]), "cra_id", "cra_status")
    assert alerts == ([("cra1", status)] if owed else [])


def test_a_refused_cra_that_was_resubmitted_is_not_owed() -> None:
    """The newer one stands in its place."""
    facts = given.facts(cras=[cra("3", status="invalidated"), cra("3")])
    assert _alerts(facts, "cra_id") == []


@pytest.mark.parametrize(
    ("world", "owed"),
    [
        ({"rates": [NAMED]}, True),
        ({"rates": [rate()]}, False),
        ({"rates": [NAMED], "contracts": [contract(end_date=date(2026, 9, 30))]}, False),
        ({"rates": [NAMED], "contracts": [contract(start_date=date(2026, 10, 31))]}, True),
        ({"rates": [rate(consultant_id="P9")]}, False),
        (
            {
                "cras": [
                    cra("1", period_start_date=date(2026, 9, 1), period_end_date=date(2026, 9, 30))
                ]
            },
            True,
        ),
        (
            {
                "cras": [
                    cra("1", period_start_date=date(2026, 8, 1), period_end_date=date(2026, 8, 31))
                ]
            },
            False,
        ),
        ({"rates": [NAMED], "people": [person(deleted_at=given.NOON)]}, False),
        ({"rates": [NAMED | {"end_date": date(2026, 9, 30)}]}, False),
    ],
    ids=[
        "named",
        "unnamed",
        "ended",
        "begins-last-day",
        "other",
        "last-month",
        "earlier",
        "deleted",
        "rate-over",
    ],
)
def test_an_active_mission_owes_a_cra(world: dict[str, Any], owed: bool) -> None:
    """A rate naming the person in a contract of the month, or a CRA of this month or the last."""
    assert _alerts(given.facts(**world), "consultant_id", "cra_id") == (
        [("P1", None)] if owed else []
    )


@pytest.mark.parametrize(
    ("status", "name", "owed"),
    [
        ("approved", "Dupont Jean", True),
        ("draft", "Jean Dupont", False),
        ("approved", "X Y", False),
    ],
)
def test_an_approved_order_line_owes_a_cra(status: str, name: str, owed: bool) -> None:
    """A person is named by an order line as well, by id or name, if the order is approved."""
    dates = {"start_date": date(2026, 10, 30), "end_date": date(2026, 12, 31)}
    order = {"id": "PO1", "reference": "PO", "supplier_id": "S1", "status": status} | dates
    ordered = {"purchase_order_id": "PO1", "line_no": 1, "consultant": name}
    got = _alerts(given.facts(), "consultant_id", orders=[order], lines=[ordered])
    assert got == ([("P1",)] if owed else [])


def test_a_client_s_missing_cra_is_owed_beside_a_submitted_one() -> None:
    """What the comparison reminds of is owed, though the person reported for another client."""
    clients = [given.client(), given.client("C2", "Bolt")]
    lines = [line("5", client="Bolt")]
    facts = given.facts(
        lines, [cra("3")], clients=clients, contracts=[contract(), contract("CT2", "C2")]
    )
    assert _alerts(facts, "consultant_id", "cra_id") == [("P1", None)]


# What it keeps back


def test_declared_days_are_kept_back_at_their_rate() -> None:
    """A missing CRA blocks what the client declared."""
    facts = given.facts([line("20")], rates=[NAMED])
    assert _alerts(facts, "blocked_amount", "currency") == [(Decimal(10000), "EUR")]


def test_without_a_declaration_the_working_days_are_expected() -> None:
    """22 working days in October 2026, those of the contract only."""
    whole = given.facts(rates=[NAMED])
    late = given.facts(rates=[NAMED], contracts=[contract(start_date=date(2026, 10, 26))])
    assert _alerts(whole, "blocked_amount") == [(Decimal(22 * 500),)]
    assert _alerts(late, "blocked_amount") == [(Decimal(5 * 500),)]


def test_what_cannot_be_told_is_not_zero() -> None:
    """Two contracts that name the person, or no rate: no amount."""
    two = [NAMED, rate(contract="CT2", consultant_id="P1")]
    facts = given.facts(rates=two, contracts=[contract(), contract("CT2")])
    assert _alerts(facts, "blocked_amount", "currency") == [(None, None)]
    assert _alerts(given.facts(cras=[cra("3", status="draft")], rates=[]), "blocked_amount") == [
        (None,)
    ]


def test_the_last_month_s_contract_is_expected_to_go_on() -> None:
    """Nobody is named by the rates: the contract of last month's CRA tells the amount."""
    dates = {"period_start_date": date(2026, 9, 1), "period_end_date": date(2026, 9, 30)}
    facts = given.facts(cras=[cra("1", contract_id="CT1", **dates)])
    assert _alerts(facts, "blocked_amount") == [(Decimal(11000),)]


def test_deadlines_come_with_the_most_euros_first() -> None:
    """Each contract whose billing date is to come, nothing pending being a known zero."""
    contracts = [
        contract(billing_deadline=date(2026, 11, 9)),
        contract("CT2", billing_deadline=date(2026, 11, 5)),
        contract("CT3", billing_deadline=date(2026, 11, 1)),
        contract("CT4"),
    ]
    facts = given.facts(rates=[NAMED], contracts=contracts)
    columns = ("contract_id", "days_left", "pending_cras", "blocked_amount")
    assert _watch(facts).deadlines.select(columns).rows() == [
        ("CT1", 7, 1, Decimal(11000)),
        ("CT2", 3, 0, Decimal(0)),
    ]


def test_money_under_two_drafts_is_counted_once() -> None:
    """Two drafts of one declared row keep the same euros back."""
    halves = [
        cra("1", status="draft", period_end_date=date(2026, 10, 15), contract_id="CT1"),
        cra("1", status="draft", period_start_date=date(2026, 10, 16), contract_id="CT1"),
    ]
    contracts = [contract(billing_deadline=date(2026, 11, 9))]
    seen = _watch(given.facts([line("20")], halves, contracts=contracts))
    assert seen.alerts["blocked_amount"].to_list() == [Decimal(10000)] * 2
    assert seen.deadlines.select("pending_cras", "blocked_amount").rows() == [(2, Decimal(10000))]


def test_a_draft_on_several_contracts_keeps_back_what_each_is_worth() -> None:
    """What a client declared of one, and of the other the days that the report says so far."""
    contracts = [
        contract(billing_deadline=date(2026, 11, 9)),
        contract("CT2", billing_deadline=date(2026, 11, 9)),
    ]
    rates = [NAMED, rate("600", "CT2", consultant_id="P1")]
    draft = report(CT1="3", CT2="2") | {"status": "draft"}
    facts = given.facts([line("12", contract="CT1")], [draft], contracts=contracts, rates=rates)
    seen = _watch(facts)
    assert seen.alerts["blocked_amount"].to_list() == [Decimal(12 * 500 + 2 * 600)]
    kept_back = seen.deadlines.select("contract_id", "blocked_amount").rows()
    assert kept_back == [("CT1", Decimal(6000)), ("CT2", Decimal(1200))]


def test_an_unpriced_cra_is_counted_beside_the_deadline() -> None:
    """No euros are told for it, and it is said that it is there."""
    facts = given.facts(
        cras=[cra("3", status="draft", contract_id="CT1")],
        rates=[],
        contracts=[contract(billing_deadline=date(2026, 11, 9))],
    )
    columns = ("pending_cras", "unpriced_cras", "blocked_amount")
    assert _watch(facts).deadlines.select(columns).rows() == [(1, 1, None)]


def test_the_order_of_rows_changes_nothing() -> None:
    """The same facts in another order give the same alerts."""
    facts = given.facts(
        [line("20")],
        [cra("3", status="draft"), cra("1", "P2", status="draft")],
        people=[person(), person("P2", "Anne Roy")],
    )
    turned = CraFacts(
        **{
            name: value.reverse() if isinstance(value, pl.DataFrame) else value
            for name, value in vars(facts).items()
        }
    )
    assert _watch(facts).alerts.equals(_watch(turned).alerts)
