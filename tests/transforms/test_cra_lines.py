"""A CRA whose lines name contracts counts, for each of them, by those lines alone."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.client_facts import (
    Row,
    client,
    contract,
    cra,
    facts,
    line,
    matched,
    only,
    policy,
    proposed,
    rate,
    report,
)
from transforms.clients.billing import Billing
from transforms.clients.cra_matching import CraFacts
from transforms.words.causes import find_causes

CONTRACTS = [contract(), contract("CT2")]
RATES = [rate("500"), rate("600", contract="CT2")]
BOTH = [line("12", contract="CT1"), line("8", contract="CT2")]


def told(lines: list[Row], *reports: Row, **more: Any) -> CraFacts:
    """Facts of client Acme with two contracts, at 500 and 600 EUR."""
    return facts(lines, reports, **{"contracts": CONTRACTS, "rates": RATES} | more)


def rows(found: Billing, *columns: str) -> dict[str, Any]:
    """What the rows of each contract say."""
    said = found.matches.select("contract_id", *columns).rows()
    return {row[0]: row[1] if len(columns) == 1 else row[1:] for row in said}


def test_each_contract_is_compared_and_billed_by_its_own_lines() -> None:
    """Two rows of one report, each with its days and its rate; the report is validated once."""
    found = proposed(told(BOTH, report(CT1="12", CT2="8")))
    assert rows(found, "outcome", "cra_days", "cra_ids") == {
        "CT1": ("matched", Decimal(12), ["cra1"]),
        "CT2": ("matched", Decimal(8), ["cra1"]),
    }
    assert found.proposals["total_excl_tax"].to_list() == [Decimal(6000), Decimal(4800)]
    waits = found.to_validate.rows()
    assert waits == [("cra1", "RAP-2026-10-R-CT1"), ("cra1", "RAP-2026-10-R-CT2")]


@pytest.mark.parametrize("named", [None, "C1"])
def test_lines_are_for_the_client_of_their_contract(named: str | None) -> None:
    """A report on contracts of two clients is compared with what each of them declared."""
    found = proposed(
        facts(
            [line("12"), line("8", client="Beta")],
            [report(CT1="12", CT2="8") | {"client_id": named}],
            clients=[client(), client("C2", "Beta")],
            contracts=[contract(), contract("CT2", "C2")],
            rates=RATES,
        )
    )
    assert rows(found, "client_id", "outcome") == {
        "CT1": ("C1", "matched"),
        "CT2": ("C2", "matched"),
    }


@pytest.mark.parametrize(
    ("lines", "more", "actions"),
    [
        (BOTH[:1], {"contracts": [contract(), contract("CT2", "C2")]}, {"CT1": "bill"}),
        (
            BOTH,
            {"rates": RATES[:1]},
            {"CT1": "bill", "CT2": "not billed: the contract has no rate for the consultant"},
        ),
    ],
    ids=["not declared yet", "held"],
)
def test_a_report_waits_for_all_its_contracts(
    lines: list[Row], more: dict[str, Any], actions: dict[str, str]
) -> None:
    """What ties is billed, and the report is not validated while another part is open."""
    found = proposed(told(lines, report(CT1="12", CT2="8"), **more))
    assert rows(found, "action") == actions
    assert found.proposals["contract_id"].to_list() == ["CT1"]
    assert found.to_validate.is_empty()


def test_a_part_that_differs_sends_the_whole_report_back_once() -> None:
    """Its days on the other contract tie, and wait for the consultant."""
    lines = [line("11.5", contract="CT1"), line("8", contract="CT2")]
    found = proposed(told(lines, report(CT1="12", CT2="8")))
    assert rows(found, "outcome", "action") == {
        "CT1": ("under_reported", "invalidate the CRA, tell the consultant"),
        "CT2": ("matched", "wait for the consultant"),
    }
    assert found.to_invalidate.select("cra_id", "cra_days").rows() == [("cra1", Decimal(20))]
    assert found.proposals.is_empty()


def test_one_contract_resubmitted_with_its_days_is_confirmed() -> None:
    """The same total with other days on the contract is another answer."""
    lines = [line("14", contract="CT1"), line("6", contract="CT2")]
    before = [
        {"cra_id": "cra1", "contract_id": name, "cra_days": Decimal(days)}
        for name, days in (("CT1", 12), ("CT2", 8))
    ]
    wide = policy(gap_days="off", gap_percent="off")
    same = proposed(told(lines, report(CT1="12", CT2="8"), invalidated=before), policy=wide)
    assert rows(same, "holds") == {"CT1": ["CRA_CONFIRMED"], "CT2": ["CRA_CONFIRMED"]}
    other = proposed(told(lines, report(CT1="8", CT2="12"), invalidated=before), policy=wide)
    assert rows(other, "holds") == {"CT1": [], "CT2": []}


def test_lines_without_a_contract_join_the_only_one() -> None:
    """They add up in one row, which names the report once."""
    found = proposed(facts([line("20")], [report(CT1="12", _="8") | {"client_id": "C1"}]))
    assert only(found.matches, "outcome", "cra_days") == ("matched", Decimal(20))
    assert only(found.matches, "cra_ids") == ["cra1"]
    assert found.to_validate["cra_id"].to_list() == ["cra1"]


def test_a_row_is_confirmed_when_all_its_lines_are() -> None:
    """Lines without a contract that came anew are another answer."""
    before = [{"cra_id": "cra1", "contract_id": "CT1", "cra_days": Decimal(12)}]
    mixed = report(CT1="12", _="8") | {"client_id": "C1"}
    found = proposed(facts([line("19")], [mixed], invalidated=before))
    assert only(found.matches, "outcome", "holds") == ("under_reported", [])


def test_a_total_is_of_the_whole_report() -> None:
    """One that adds up is consistent; one that does not holds every contract of it."""
    wrong = report(CT1="12", CT2="8") | {"total_days": Decimal(12)}
    found = proposed(told(BOTH, wrong))
    assert rows(found, "outcome") == {"CT1": "held", "CT2": "held"}
    assert set(found.holds["code"]) == {"CRA_TOTAL_INCONSISTENT"}


def test_a_refused_report_gives_way_contract_by_contract() -> None:
    """A newer one on one of the contracts leaves the other waiting for the consultant."""
    old = report(CT1="11", CT2="8") | {"status": "rejected"}
    found = proposed(told(BOTH, old, report(CT1="12")))
    assert rows(found, "cra_ids") == {"CT1": ["cra2"], "CT2": ["cra1"]}
    assert rows(found, "action")["CT2"] == "wait for the consultant"


def test_a_month_without_lines_on_a_contract_says_no_days_of_it() -> None:
    """The report reaches into September: the contract is told there, it is not missing."""
    september = report(CT1="12", CT2="8") | {"period_start_date": date(2026, 9, 30)}
    found = proposed(told([line("1", contract="CT2", period="2026-09")], september), "2026-09")
    assert rows(found, "outcome", "cra_days")["CT2"] == ("over_reported", Decimal(0))


def test_days_on_another_contract_of_the_report_are_a_second_mission() -> None:
    """The client declared all on one contract; the evidence names the other one."""
    given_facts = told([line("20", contract="CT1")], report(CT1="12", CT2="8"))
    causes = find_causes(matched(given_facts).rows, given_facts)
    said = causes.filter(pl.col("break_id").str.ends_with("CT1"))
    assert only(said, "cause", "days") == ("second_mission", Decimal(8))
    assert only(said, "others") == ["R-CT2"]


def test_lines_of_another_contract_in_the_month_before_explain_nothing() -> None:
    """Only the row's own days beside its month are looked at."""
    early = report(CT2="1", CT1="12") | {"period_start_date": date(2026, 9, 30)}
    given_facts = told([line("13", contract="CT1")], early)
    assert only(find_causes(matched(given_facts).rows, given_facts), "cause") == "none_found"


QUARTERS = st.integers(1, 40).map(lambda quarters: Decimal(quarters) / 4)
SAID = st.sampled_from(["0", "5", "10"])


@settings(max_examples=15)
@given(st.dictionaries(st.sampled_from(["CT1", "CT2"]), QUARTERS, min_size=1), SAID, SAID)
def test_one_report_decides_as_one_for_each_contract_would(
    on: dict[str, Decimal], first: str, second: str
) -> None:
    """The same days in one report or in several are compared and billed alike."""
    lines = [line(first, contract="CT1"), line(second, contract="CT2")]
    one = proposed(told(lines, report(**{name: str(days) for name, days in on.items()})))
    several = [cra(str(days), client=None, contract_id=name) for name, days in on.items()]
    apart = proposed(told(lines, *several))
    figures = ["break_id", "outcome", "cra_days", "difference_amount", "holds"]
    assert one.matches.select(figures).equals(apart.matches.select(figures))
    sent_back = not one.to_invalidate.is_empty()
    assert sent_back == (not apart.to_invalidate.is_empty())
    if not sent_back:
        money = ["reference", "total_incl_tax", "status"]
        assert one.proposals.select(money).equals(apart.proposals.select(money))


OCTOBER_ON = {"start_date": date(2026, 10, 1)}


@pytest.mark.parametrize(
    ("dates", "price", "problem"),
    [
        ([{}, {"start_date": date(2026, 11, 1)}], 500, None),
        ([{"end_date": date(2026, 9, 30)}, OCTOBER_ON], 600, None),
        ([{"end_date": date(2026, 10, 15)}, OCTOBER_ON], None, "RATE_AMBIGUOUS"),
        (
            [{"end_date": date(2026, 9, 30)}, {"start_date": date(2026, 11, 1)}],
            None,
            "RATE_MISSING",
        ),
        ([{"end_date": date(2026, 10, 1)}, {"start_date": date(2026, 11, 1)}], 500, None),
        ([{"end_date": date(2026, 9, 30)}, {"start_date": date(2026, 10, 31)}], 600, None),
    ],
    ids=["later", "earlier", "both", "neither", "first day", "last day"],
)
def test_a_rate_with_dates_is_of_the_months_that_it_has_a_day_in(
    dates: list[Row], price: int | None, problem: str | None
) -> None:
    """Two prices of a month are ambiguous, and none is missing; no dates are all of them."""
    prices = zip(("500", "600"), dates, strict=True)
    rates = [rate(said, consultant_id="P1", **on) for said, on in prices]
    found = proposed(facts([line("20")], [cra("20")], rates=rates))
    assert only(found.matches, "daily_rate") == (price and Decimal(price))
    assert found.holds["code"].to_list() == ([problem] if problem else [])


def test_two_rates_of_one_price_are_one() -> None:
    """A mission that was renewed inside the month at its price is billed."""
    half = date(2026, 10, 15)
    rates = [rate(consultant_id="P1", end_date=half), rate(consultant_id="P1", start_date=half)]
    found = proposed(facts([line("20")], [cra("20")], rates=rates))
    assert found.proposals["total_excl_tax"].to_list() == [Decimal(10000)]


def test_a_rate_that_has_ended_speaks_for_no_contract() -> None:
    """Where nobody names a contract, it is the one that has a rate for the person now."""
    ended = rate("500", consultant_id="P1", end_date=date(2026, 9, 30))
    rates = [ended, rate("600", contract="CT2", consultant_id="P1")]
    found = proposed(told([line("20")], cra("20"), rates=rates))
    assert only(found.proposals, "contract_id", "total_excl_tax") == ("CT2", Decimal(12000))
