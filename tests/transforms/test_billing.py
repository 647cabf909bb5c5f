"""What is billed, validated and invalidated."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

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
    schema,
)
from transforms.clients.billing import Billing
from transforms.policy import Policy

PAUL = person("P2", "Paul Martin")
TEAM = [person(), PAUL]
BOTH = [line("20"), line("10", "Paul Martin")]
OURS = invoice("I1", "RAP-2026-10-R-CT1", invoice_line("Jean Dupont · 2026-10 · P1", "20", "10000"))
SPANNING = {"period_start_date": date(2026, 10, 28), "period_end_date": date(2026, 11, 10)}
NOVEMBER = "2026-11"


def lines_of(found: Billing) -> list[dict[str, Any]]:
    """The lines of the only proposal."""
    read: list[dict[str, Any]] = json.loads(only(found.proposals, "lines"))
    return read


def held(found: Billing) -> object:
    """Outcome and hold codes of the only row, of which nothing may be billed."""
    assert found.proposals.is_empty()
    assert found.to_validate.is_empty()
    return only(found.matches, "outcome", "holds")


# The invoice


def test_matched_days_are_invoiced_with_tax() -> None:
    """Days times rate, 20 % on the sum, both together."""
    found = proposed(facts([line("20.5")], [cra("20.5")])).proposals
    totals = only(found, "total_excl_tax", "total_tax", "total_incl_tax")
    assert totals == (Decimal(10250), Decimal(2050), Decimal(12300))
    assert only(found, "reference", "status") == ("RAP-2026-10-R-CT1", "proposed")


def test_a_line_reads_so_that_the_ledger_can_be_rebuilt() -> None:
    """Name, month and id stand in its text; decimals are text."""
    told = lines_of(proposed(facts([line("20")], [cra("20")])))[0]
    assert told["description"] == "Jean Dupont · 2026-10 · P1"
    assert (told["quantity"], told["unit_price"], told["total_excl_tax"]) == (
        "20",
        "500.00",
        "10000.00",
    )


def test_a_contract_and_month_is_one_invoice() -> None:
    """Two people of one contract are two lines."""
    found = proposed(facts(BOTH, [cra("20"), cra("10", "P2")], people=TEAM))
    assert [told["consultant_id"] for told in lines_of(found)] == ["P1", "P2"]


def test_lines_round_half_up() -> None:
    """Half a cent goes up."""
    found = proposed(facts([line("0.5")], [cra("0.5")], rates=[rate("450.01")]))
    assert only(found.proposals, "total_excl_tax") == Decimal("225.01")


def test_tax_is_rounded_once_an_invoice() -> None:
    """20 % of 200.04, not twice 20 % of 100.02."""
    both = [line("1"), line("1", "Paul Martin")]
    found = proposed(facts(both, [cra("1"), cra("1", "P2")], people=TEAM, rates=[rate("100.02")]))
    assert only(found.proposals, "total_tax") == Decimal("40.01")


def test_an_invoice_waits_for_every_line_of_the_contract() -> None:
    """One line that differs keeps all back."""
    found = proposed(facts(BOTH, [cra("20"), cra("9.5", "P2")], people=TEAM))
    assert found.proposals.is_empty()
    actions = dict(found.matches.select("consultant_id", "action").iter_rows())
    assert actions["P1"] == "wait for the other lines of the contract"


def test_partial_billing_bills_the_matched_lines() -> None:
    """The policy may let matched lines go ahead."""
    given_facts = facts(BOTH, [cra("20"), cra("9.5", "P2")], people=TEAM)
    found = proposed(given_facts, policy=policy(partial=True))
    assert [told["consultant_id"] for told in lines_of(found)] == ["P1"]


def test_an_undeclared_person_stops_no_invoice() -> None:
    """A CRA that the client did not declare is no line of the invoice."""
    found = proposed(facts([line("20")], [cra("20"), cra("5", "P2")], people=TEAM))
    assert found.proposals.height == 1


@pytest.mark.parametrize("partial", [True, False])
def test_somebody_unknown_blocks_the_clients_month(partial: bool) -> None:
    """Nothing of that month is billed, whatever the policy."""
    given_facts = facts([line("20"), line("3", "Zoé Nobody")], [cra("20")])
    assert proposed(given_facts, policy=policy(partial=partial)).proposals.is_empty()


def test_somebody_unknown_lets_invalidations_go_on() -> None:
    """Only billing is blocked."""
    found = proposed(facts([line("20"), line("3", "Zoé Nobody")], [cra("19")]))
    assert only(found.to_invalidate, "cra_id") == "cra1"


def test_somebody_unknown_keeps_no_cra_of_a_billed_month() -> None:
    """What is billed already is validated all the same."""
    lines = [line("20"), line("3", "Zoé Nobody")]
    found = proposed(facts(lines, [cra("20")], billed=[billed("20", "10000")]))
    assert found.to_validate.rows() == [("cra1", None)]


def test_an_unreadable_line_keeps_the_clients_month() -> None:
    """What could not be read may be a line of the invoice."""
    given_facts = facts([line("20"), line(None, "Zoé", problem="?")], [cra("20")])
    assert proposed(given_facts).proposals.is_empty()


@pytest.mark.parametrize("status", ["draft", "rejected", "invalidated"])
def test_unfit_cras_are_never_billed(status: str) -> None:
    """Days that tie are not enough."""
    found = proposed(facts([line("20")], [cra("20", status=status)]))
    assert found.proposals.is_empty()
    assert found.to_validate.is_empty()


@pytest.mark.parametrize(("limit", "awaits"), [("11999.99", True), ("12000", False)])
def test_a_policy_may_want_a_person_above_an_amount(limit: str, *, awaits: bool) -> None:
    """An invoice above it awaits approval; one of just that amount does not."""
    rules = Policy.model_validate({"approval": {"boond.invoice.create": limit}})
    found = proposed(facts([line("20")], [cra("20")]), policy=rules)
    assert only(found.proposals, "awaiting_approval") is awaits


# To bill: what is matched less what was billed


def test_a_second_run_bills_nothing() -> None:
    """What the ledger has is not billed again."""
    found = proposed(facts([line("20")], [cra("20")], [OURS], billed=[billed("20", "10000")]))
    assert found.proposals.is_empty()
    assert only(found.matches, "action") == "validate the CRA"


def test_a_lost_ledger_is_rebuilt_from_our_invoices() -> None:
    """The vendor's lines prove what was billed."""
    found = proposed(facts([line("20")], [cra("20")], [OURS]))
    assert found.proposals.is_empty()
    assert only(found.ledger, "consultant_id", "period", "days", "amount", "invoice_id") == (
        "P1",
        OCTOBER,
        Decimal(20),
        Decimal(10000),
        "I1",
    )


def test_a_correction_bills_the_rest_under_the_next_reference() -> None:
    """The line is the whole rounded, less what was billed."""
    found = proposed(facts([line("20.5")], [cra("20.5")], [OURS], rates=[rate("500.01")])).proposals
    assert only(found, "reference", "total_excl_tax") == (
        "RAP-2026-10-R-CT1-2",
        Decimal("250.21"),
    )


def test_billed_too_much_is_a_credit_note_for_a_person() -> None:
    """It is negative, never sent, and validates nothing."""
    found = proposed(facts([line("18")], [cra("18")], [OURS]))
    assert only(found.proposals, "status", "total_excl_tax") == ("credit_note", Decimal(-1000))
    assert only(found.matches, "action") == "a person decides on the credit note"
    assert found.to_validate.is_empty()


def test_a_credit_note_by_lines_is_billed_again() -> None:
    """What was credited is left to bill."""
    note = invoice("I2", "AV-1", invoice_line("Jean Dupont · 2026-10 · P1", "-2", "-1000"))
    found = proposed(facts([line("20")], [cra("20")], [OURS, note]))
    assert only(found.proposals, "total_excl_tax") == Decimal(1000)
    assert found.ledger["days"].to_list() == [Decimal(20), Decimal(-2)]


def test_a_credit_note_of_positive_lines_is_negative() -> None:
    """The total tells the sign, however the lines are written."""
    text = invoice_line("Jean Dupont · 2026-10 · P1", "2", "1000")
    note = invoice("I2", "AV-1", text, total_excl_tax=Decimal(-1000))
    found = proposed(facts([line("18")], [cra("18")], [OURS, note]))
    assert found.ledger["amount"].to_list() == [Decimal(10000), Decimal(-1000)]
    assert found.proposals.is_empty()


def test_a_credit_note_without_such_lines_is_held() -> None:
    """Nobody guesses what it credits, even when nothing is left to bill."""
    note = invoice("I2", "AV 2026-10", invoice_line("Remise", "-1", "-1000"))
    found = proposed(facts([line("20")], [cra("20")], [OURS, note]))
    assert held(found) == ("matched", ["CREDIT_NOTE_UNASSIGNED"])


def test_an_invoice_in_flight_counts_as_billed() -> None:
    """Its days, its reference, and the row says so."""
    found = proposed(facts([line("20")], [cra("20")], in_flight=[billed("20", "10000")]))
    assert found.proposals.is_empty()
    assert only(found.matches, "action") == "wait for the invoice in flight"
    assert only(found.to_validate, "reference") == "RAP-2026-10-R-CT1"


def test_a_reference_in_flight_is_used() -> None:
    """The rest takes the next one."""
    found = proposed(facts([line("20")], [cra("20")], in_flight=[billed("8", "4000")]))
    assert only(found.proposals, "reference") == "RAP-2026-10-R-CT1-2"


def test_a_copy_of_our_invoice_is_a_second_invoice() -> None:
    """Somebody who copied it at the vendor billed the days twice, which a person must see."""
    ledger = [billed("20", "10000", invoice_id="I1")]
    found = proposed(facts([line("20")], [cra("20")], [OURS, OURS | {"id": "I2"}], billed=ledger))
    assert only(found.proposals, "status", "total_excl_tax") == ("credit_note", Decimal(-10000))


def test_an_invoice_in_flight_that_has_arrived_counts_once() -> None:
    """Its command stores it; the vendor's copy of it is not stored beside that."""
    flight = [billed("20", "10000")]
    found = proposed(facts([line("20")], [cra("20")], [OURS], in_flight=flight))
    assert (found.proposals.height, found.ledger.height) == (0, 0)
    assert only(found.to_validate, "reference") == "RAP-2026-10-R-CT1"


def test_a_leavers_last_month_is_billed() -> None:
    """Somebody deleted in BoondManager is known while a CRA of theirs is looked at."""
    gone = [person(deleted_at=datetime(2026, 11, 1, tzinfo=UTC))]
    assert proposed(facts([line("20")], [cra("20")], people=gone)).proposals.height == 1


def test_partial_billing_waits_for_an_unreadable_line_of_the_person() -> None:
    """It may correct what an older file says, or add to it."""
    lines = [line("20", file="a"), line(None, file="b", sent=5, problem="?")]
    found = proposed(facts(lines, [cra("20")]), policy=policy(partial=True))
    assert found.proposals.is_empty()


def test_two_contracts_of_one_reference_get_two_invoices() -> None:
    """A reference is given once, also within a run."""
    twins = [contract(reference="X"), contract("CT2", reference="X")]
    lines = [line("20", contract="CT1"), line("10", contract="CT2")]
    cras = [cra("20", contract_id="CT1"), cra("10", contract_id="CT2")]
    rates = [rate(), rate(contract="CT2")]
    found = proposed(facts(lines, cras, contracts=twins, rates=rates)).proposals
    assert found["reference"].to_list() == ["RAP-2026-10-X", "RAP-2026-10-X-2"]


# CRAs


def test_a_submitted_cra_is_validated_after_its_invoice() -> None:
    """The validation names the invoice that it waits for."""
    found = proposed(facts([line("20")], [cra("20")]))
    assert found.to_validate.rows() == [("cra1", "RAP-2026-10-R-CT1")]
    assert only(found.proposals, "cra_ids") == ["cra1"]


def test_a_validated_cra_stays_as_it_is() -> None:
    """It is billed, and nothing is written to it."""
    found = proposed(facts([line("20")], [cra("20", status="validated")]))
    assert found.to_validate.is_empty()
    assert only(found.matches, "action") == "bill"


def test_a_cra_of_two_months_waits_for_both() -> None:
    """A month that is not declared yet keeps it submitted."""
    assert proposed(facts([line("4")], [cra("9", **SPANNING)])).to_validate.is_empty()


def test_a_cra_of_two_settled_months_is_validated_after_both_invoices() -> None:
    """Each month's invoice is waited for."""
    both = facts([line("4"), line("5", period=NOVEMBER)], [cra("9", **SPANNING)])
    found = proposed(both, OCTOBER, NOVEMBER)
    assert found.to_validate.rows() == [
        ("cra1", "RAP-2026-10-R-CT1"),
        ("cra1", "RAP-2026-11-R-CT1"),
    ]


def test_a_cra_that_differs_is_invalidated_once() -> None:
    """Its days are kept, by which a resubmission is known."""
    found = proposed(facts([line("20")], [cra("19")])).to_invalidate
    assert found.rows() == [("cra1", "cra/2026-10/C1/P1/CT1", False, Decimal(19))]


def test_a_large_gap_awaits_approval() -> None:
    """A person first, before anything is written."""
    found = proposed(facts([line("20")], [cra("10")]))
    assert only(found.to_invalidate, "awaiting_approval") is True


def test_a_difference_of_unknown_worth_awaits_approval() -> None:
    """Without a rate nobody knows whether it is under the limit of the policy."""
    rules = Policy.model_validate({"approval": {"boond.cra.invalidate": 100_000}})
    found = proposed(facts([line("20")], [cra("19")], rates=[]), policy=rules)
    assert only(found.to_invalidate, "awaiting_approval") is True


@pytest.mark.parametrize("status", ["validated", "draft", "rejected", "invalidated"])
def test_only_submitted_cras_are_invalidated(status: str) -> None:
    """The others are a person's, or the consultant's."""
    found = proposed(facts([line("20")], [cra("19", status=status)]))
    assert found.to_invalidate.is_empty()


def test_a_confirmed_cra_is_not_invalidated_again() -> None:
    """A person asks the client."""
    past = [{"cra_id": "cra1", "cra_days": Decimal(19)}]
    assert proposed(facts([line("20")], [cra("19")], invalidated=past)).to_invalidate.is_empty()


def test_days_of_a_cra_that_goes_back_are_not_billed() -> None:
    """The month that ties waits for the consultant too."""
    both = facts([line("4"), line("6", period=NOVEMBER)], [cra("9", **SPANNING)])
    found = proposed(both, OCTOBER, NOVEMBER)
    assert found.proposals.is_empty()
    assert found.matches["action"][0] == "wait for the consultant"


def test_nothing_follows_from_what_was_not_checked() -> None:
    """No invoice, no validation, no invalidation."""
    found = proposed(facts(BOTH, [cra("20"), cra("9", "P2")], people=TEAM, unread=["boond.cras"]))
    assert found.proposals.is_empty()
    assert found.to_validate.is_empty()
    assert found.to_invalidate.is_empty()


# Form and properties


@pytest.mark.parametrize("lines", [[], [line("20")]])
def test_results_have_the_columns_of_the_warehouse(lines: list[dict[str, object]]) -> None:
    """Matches, holds, proposals and ledger can be stored, also when empty."""
    found = proposed(facts(lines, [cra("20")]))
    for rows, table in (
        (found.matches, "cra_matches"),
        (found.holds, "holds"),
        (found.proposals, "invoice_proposals"),
        (found.ledger, "billing_ledger"),
    ):
        for name, kind in schema(f"recon.{table}").items():
            assert name in ("run_id", "decided_at") or rows.schema[name] == kind
