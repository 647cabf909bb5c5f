"""What a person's decision on a client's break does, and when it stands no more."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.transforms.client_facts import (
    OCTOBER,
    billed,
    contract,
    cra,
    facts,
    invoice,
    invoice_line,
    line,
    only,
    person,
    policy,
    proposed,
    rate,
    word,
)
from transforms.clients.billing import Billing
from transforms.overrides import NOT_OVERRIDABLE, fingerprint, with_words

TEAM = [person(), person("P2", "Paul Martin")]
CREDIT = invoice("AV1", "AV1", invoice_line("remise octobre", "-1", "-500"))
BY_HAND = invoice("I9", "F-9", invoice_line("Prestations octobre 2026", "20", "10000"))
OURS = invoice("I1", "RAP-2026-10-R-CT1", invoice_line("Jean Dupont · 2026-10 · P1", "20", "10000"))
GONE = OURS | {"status": "cancelled", "updated_at": datetime(2026, 11, 2, tzinfo=UTC)}

Told = dict[str, Any]


def decided(told: Told, decision: str = "approved", *, later: Told | None = None) -> Billing:
    """What follows once Anne decided on every break of these facts, or of what became of them."""
    first = proposed(facts(**told))
    return proposed(facts(**(told | (later or {}) | {"overrides": word(first, decision)})))


def one(*cras: Told, days: str = "20", **told: Any) -> Told:
    """Jean Dupont declared with 20 days, and these CRAs."""
    return {"lines": [line(days)], "cras": list(cras)} | told


GAP = one(cra("10"))
VALIDATED = one(cra("19", status="validated"))
CONFIRMED = one(cra("19"), invalidated=[{"cra_id": "cra1", "cra_days": Decimal(19)}])


@pytest.mark.parametrize(
    ("told", "code"),
    [(GAP, "GAP_TOO_LARGE"), (VALIDATED, "VALIDATED_CRA_DIFFERS"), (CONFIRMED, "CRA_CONFIRMED")],
)
def test_an_approved_difference_is_invalidated(told: Told, code: str) -> None:
    """The CRA goes back without waiting, and the hold is gone."""
    before, after = proposed(facts(**told)), decided(told)
    assert only(before.matches, "holds") == [code]
    assert after.to_invalidate.select("cra_id", "awaiting_approval").rows() == [("cra1", False)]
    assert only(after.matches, "holds") == []
    assert after.holds.is_empty()
    assert only(after.decided, "stands", "decided_by") == (True, "Anne")


LOW = {"lines": [line("20", confidence=Decimal("0.5"))], "cras": [cra("20")]}
TOTAL = one(cra("20", total_days=Decimal(18)))


@pytest.mark.parametrize(
    "told",
    [
        LOW,
        TOTAL,
        one(cra("20"), contracts=[contract(end_date=date(2026, 9, 30))], declared="CT1"),
        one(cra("20"), invoices=[BY_HAND]),
        one(cra("20"), invoices=[GONE]),
        one(cra("20"), invoices=[CREDIT]),
    ],
    ids=["low confidence", "total", "not active", "already", "cancelled", "credit note"],
)
def test_an_approved_row_is_billed(told: Told) -> None:
    """It goes the way that it would go without the hold, and its CRA after it."""
    told = dict(told)
    if told.pop("declared", None):
        told |= {"lines": [line("20", contract="CT1")]}
    before, after = proposed(facts(**told)), decided(told)
    assert before.proposals.is_empty()
    assert before.holds.height == 1
    assert only(after.proposals, "total_excl_tax", "status") == (Decimal(10000), "proposed")
    assert only(after.to_validate, "cra_id") == "cra1"
    assert after.holds.is_empty()


@pytest.mark.parametrize("told", [LOW, TOTAL, GAP, VALIDATED, one(cra("20"), invoices=[BY_HAND])])
def test_of_a_rejected_row_nothing_is_planned(told: Told) -> None:
    """Neither invoice nor a word to the CRA, and the row says so."""
    after = decided(told, "rejected")
    assert after.proposals.is_empty()
    assert after.to_validate.is_empty()
    assert after.to_invalidate.is_empty()
    assert only(after.matches, "action") == "nothing is written"
    assert only(after.decided, "stands")


def test_a_rejected_line_holds_the_others_of_its_contract() -> None:
    """As a held line does, unless the policy bills in part."""
    told = {
        "lines": [line("20", confidence=Decimal("0.5")), line("10", "Paul Martin")],
        "cras": [cra("20"), cra("10", "P2")],
        "people": TEAM,
    }
    first = proposed(facts(**told))
    on = word(first, "rejected", f"cra/{OCTOBER}/C1/P1/CT1")
    assert proposed(facts(**told, overrides=on)).proposals.is_empty()
    parts = proposed(facts(**told, overrides=on), policy=policy(partial=True))
    assert only(parts.proposals, "total_excl_tax") == Decimal(5000)


def test_an_approved_unknown_name_lets_the_month_be_billed() -> None:
    """The rest of the client's month goes without the line."""
    told = {"lines": [line("20"), line("3", "Zoé Nobody")], "cras": [cra("20")]}
    after = decided(told)
    assert only(after.proposals, "total_excl_tax") == Decimal(10000)
    assert after.holds.is_empty()


def test_an_approved_unreadable_line_stops_nothing_more() -> None:
    """Its break is told all the same, so that it can be followed."""
    told = {"lines": [line("20"), line(None, "?", problem="no days")], "cras": [cra("20")]}
    assert proposed(facts(**told)).proposals.is_empty()
    after = decided(told)
    assert after.proposals.height == 1
    assert after.holds.is_empty()
    assert after.inputs["break_id"].str.starts_with("declaration/").sum() == 1


@pytest.mark.parametrize(
    ("cras", "outcome"), [([], "missing_cra"), ([cra("20"), cra("3", "P2")], "undeclared")]
)
def test_an_acknowledged_row_plans_nothing(cras: Sequence[Told], outcome: str) -> None:
    """Nobody is reminded or asked, and it keeps its outcome."""
    after = decided({"lines": [line("20")], "cras": cras, "people": TEAM})
    row = after.matches.filter(outcome=outcome)
    assert only(row, "action") == "nothing is written"


@pytest.mark.parametrize(
    "told",
    [
        one(cra("20", status="draft")),
        one(cra("20"), rates=[]),
        one(cra("20"), rates=[rate(), rate("600")]),
        {"lines": [line("20", client="Zut")]},
    ],
)
def test_what_is_missing_cannot_be_approved(told: Told) -> None:
    """A figure or a party that nobody knows stays a hold, and its advice says what to do."""
    before, after = proposed(facts(**told)), decided(told)
    assert before.holds.height
    assert after.holds["code"].to_list() == before.holds["code"].to_list()
    assert set(after.holds["code"]) <= set(NOT_OVERRIDABLE)
    assert after.proposals.is_empty()


@pytest.mark.parametrize(
    ("told", "later"),
    [
        (GAP, {"cras": [cra("11")]}),
        (VALIDATED, {"cras": [cra("18", status="validated")]}),
        (LOW, {"lines": [line("21", confidence=Decimal("0.5"))]}),
        (one(cra("20"), invoices=[BY_HAND]), {"rates": [rate("600")]}),
        (one(cra("20"), invoices=[BY_HAND]), {"invoices": [BY_HAND | {"id": "I8"}]}),
    ],
)
def test_a_hold_returns_when_the_facts_change(told: Told, later: Told) -> None:
    """The decision is stale, and the hold says whose it was and of which day."""
    after = decided(told, later=later)
    assert after.holds.height
    assert after.holds["detail"].str.contains("approved by Anne on 2026-11-03 for other").any()
    assert not only(after.decided, "stands")
    assert after.proposals.is_empty()


def test_an_approval_covers_no_hold_that_it_did_not_know() -> None:
    """A line taken as read that differs waits for a person again."""
    told = {"lines": [line("20", confidence=Decimal("0.5"))], "cras": [cra("10")]}
    after = decided(told)
    assert only(after.matches, "outcome", "holds") == ("over_reported", ["GAP_TOO_LARGE"])
    assert only(after.to_invalidate, "awaiting_approval")
    again = proposed(facts(**told, overrides=word(after)))
    assert not only(again.to_invalidate, "awaiting_approval")


def test_an_approval_stands_after_what_it_caused() -> None:
    """Billed and validated, the row keeps the credit note overridden and bills nothing again."""
    told = one(cra("20"), invoices=[CREDIT])
    on = word(proposed(facts(**told)))
    done = told | {"cras": [cra("20", status="validated")], "billed": [billed("20", "10000")]}
    after = proposed(facts(**done, overrides=on))
    assert only(after.matches, "holds", "action") == ([], "nothing: billed")
    assert after.proposals.is_empty()
    assert only(after.decided, "stands")


def test_an_approved_gap_stands_once_its_cra_is_sent_back() -> None:
    """The consultant's turn is no new question."""
    on = word(proposed(facts(**GAP)))
    after = proposed(facts(**one(cra("10", status="invalidated")), overrides=on))
    assert only(after.matches, "holds", "action") == ([], "wait for the consultant")


def test_each_resubmission_is_confirmed_anew() -> None:
    """An approval sends the CRA back once, not for ever."""
    on = word(proposed(facts(**CONFIRMED)))
    again = CONFIRMED | {"cras": [cra("19", updated_at=datetime(2026, 11, 9, tzinfo=UTC))]}
    assert only(proposed(facts(**again, overrides=on)).matches, "holds") == ["CRA_CONFIRMED"]


def test_the_last_word_counts() -> None:
    """A rejection after an approval stops what was approved."""
    first = proposed(facts(**LOW))
    later = pl.col("decided_at") + pl.duration(days=1)
    both = pl.concat([word(first), word(first, "rejected").with_columns(decided_at=later)])
    assert proposed(facts(**LOW, overrides=both)).proposals.is_empty()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "Vu. Approuvé par Anne le 3 novembre 2026 : agreed by phone."),
        ("en", "Vu. Approved by Anne on 3 November 2026: agreed by phone."),
    ],
)
def test_the_explanation_says_who_approved(language: Any, said: str) -> None:
    """Who, when and why, in the language of the run."""
    after = decided(LOW)
    rows = after.matches.with_columns(explanation=pl.lit("Vu."))
    assert only(with_words(rows, after.decided, language), "explanation") == said


def test_a_fingerprint_is_the_same_in_every_run() -> None:
    """It is stored: neither the process nor the version of polars may change it."""
    row = pl.DataFrame({"days": [Decimal("1.50")], "day": [date(2026, 1, 2)], "ids": [["é"]]})
    assert (
        only(row.select(said=fingerprint("days", "day", "ids")), "said") == "c33ffbdefd8324766edc"
    )
