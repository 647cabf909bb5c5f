"""What is billed, validated and invalidated."""

import json
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.client_facts import (
    OCTOBER,
    billed,
    client,
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
from transforms.billing import Billing
from transforms.payment_terms import due_date, terms_readable
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
def test_somebody_unknown_blocks_the_clients_month(partial: bool) -> None:  # noqa: FBT001
    """Nothing of that month is billed, whatever the policy."""
    given_facts = facts([line("20"), line("3", "Zoé Nobody")], [cra("20")])
    assert proposed(given_facts, policy=policy(partial=partial)).proposals.is_empty()


def test_somebody_unknown_lets_invalidations_go_on() -> None:
    """Only billing is blocked."""
    found = proposed(facts([line("20"), line("3", "Zoé Nobody")], [cra("19")]))
    assert only(found.to_invalidate, "cra_id") == "cra1"


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


def test_a_policy_may_want_a_person_above_an_amount() -> None:
    """An invoice above it awaits approval."""
    rules = Policy.model_validate({"approval": {"boond.invoice.create": 11999}})
    found = proposed(facts([line("20")], [cra("20")]), policy=rules)
    assert only(found.proposals, "awaiting_approval") is True


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


def test_two_contracts_of_one_reference_get_two_invoices() -> None:
    """A reference is given once, also within a run."""
    twins = [contract(reference="X"), contract("CT2", reference="X")]
    lines = [line("20", contract="CT1"), line("10", contract="CT2")]
    cras = [cra("20", contract_id="CT1"), cra("10", contract_id="CT2")]
    rates = [rate(), rate(contract="CT2")]
    found = proposed(facts(lines, cras, contracts=twins, rates=rates)).proposals
    assert found["reference"].to_list() == ["RAP-2026-10-X", "RAP-2026-10-X-2"]


# Holds of 1.4: the outcome stays


def test_no_rate_is_held() -> None:
    """A contract without rates bills nothing."""
    assert held(proposed(facts([line("20")], [cra("20")], rates=[]))) == (
        "matched",
        ["RATE_MISSING"],
    )


def test_several_rates_are_held() -> None:
    """Two rates that name nobody are no rate."""
    given_facts = facts([line("20")], [cra("20")], rates=[rate("500"), rate("600")])
    assert held(proposed(given_facts)) == ("matched", ["RATE_AMBIGUOUS"])


@pytest.mark.parametrize(
    ("rates", "price"),
    [
        ([rate("500"), rate("600", consultant_id="P1")], "600"),
        ([rate("500", profile="PM"), rate("600", profile="Dév")], "600"),
        ([rate("700", profile="PM")], "700"),
        ([rate("500", consultant_id="P2"), rate("600")], "600"),
    ],
)
def test_the_rate_is_the_persons_the_profiles_or_the_only_one(
    rates: list[dict[str, object]], price: str
) -> None:
    """In that order; a rate naming somebody else is nobody's."""
    given_facts = facts([line("1")], [cra("1")], rates=rates, people=[person(profile="dev")])
    assert only(proposed(given_facts).matches, "daily_rate") == Decimal(price)


@pytest.mark.parametrize(
    "dates",
    [
        {"end_date": date(2026, 9, 30)},
        {"start_date": date(2026, 11, 1)},
        {"status": "ended"},
    ],
)
def test_no_contract_over_the_month_is_held(dates: dict[str, object]) -> None:
    """A contract outside its dates bills nothing."""
    given_facts = facts([line("20", contract="CT1")], [cra("20")], contracts=[contract(**dates)])
    assert held(proposed(given_facts)) == ("matched", ["CONTRACT_NOT_ACTIVE"])


def test_a_client_without_contract_is_held() -> None:
    """Matched days that no contract covers stay matched."""
    given_facts = facts([line("20")], [cra("20")], contracts=[])
    assert held(proposed(given_facts)) == ("matched", ["CONTRACT_NOT_ACTIVE"])


@pytest.mark.parametrize(
    ("reference", "text", "issued"),
    [
        ("F-2026-10", "Prestation", date(2026, 12, 1)),
        ("F1", "Prestations octobre 2026", date(2026, 12, 1)),
        ("F1", "Consulting October", date(2026, 12, 1)),
        ("F1", "Prestation", date(2026, 11, 24)),
        ("F1", "Prestation", date(2026, 10, 25)),
    ],
)
def test_an_invoice_made_by_hand_is_held(reference: str, text: str, issued: date) -> None:
    """Its month is the one it names, else by its issue date."""
    foreign = invoice("I9", reference, invoice_line(text), issue_date=issued)
    found = proposed(facts([line("20")], [cra("20")], [foreign]))
    assert held(found) == ("matched", ["ALREADY_INVOICED"])
    assert only(found.holds, "subject", "subject_id") == ("invoice", "I9")


@pytest.mark.parametrize(
    "told",
    [
        {"issue_date": date(2026, 11, 25)},
        {"issue_date": date(2026, 10, 24)},
        {"contract_id": "CT9"},
        {"status": "cancelled"},
        {"deleted_at": datetime(2026, 11, 1, tzinfo=UTC)},
    ],
)
def test_an_invoice_of_another_month_or_contract_is_none(told: dict[str, object]) -> None:
    """It keeps nothing back."""
    given_facts = facts([line("20")], [cra("20")], [invoice("I9", "F1", invoice_line("x"), **told)])
    assert proposed(given_facts).proposals.height == 1


def test_an_invoice_of_ours_that_cannot_be_read_is_held() -> None:
    """On a lost ledger, a line that somebody rewrote proves nothing."""
    edited = invoice("I1", "RAP-2026-10-R-CT1", invoice_line("Forfait", "1", "9000"))
    assert held(proposed(facts([line("20")], [cra("20")], [edited]))) == (
        "matched",
        ["ALREADY_INVOICED"],
    )


@pytest.mark.parametrize("ledger", [[], [billed("20", "10000", invoice_id="I1")]])
def test_our_cancelled_invoice_goes_to_a_person(ledger: list[dict[str, object]]) -> None:
    """A person decides whether to bill again, whatever is left of the ledger."""
    given_facts = facts([line("20")], [cra("20")], [OURS | {"status": "cancelled"}], billed=ledger)
    assert held(proposed(given_facts)) == ("matched", ["INVOICE_CANCELLED"])


@pytest.mark.parametrize(
    "told", [{"vat_number": "DE 811"}, {"billing_country": "Belgique"}, {"vat_number": "be1"}]
)
def test_a_foreign_client_without_tax_rate_is_held(told: dict[str, object]) -> None:
    """Nobody guesses the tax of another country."""
    given_facts = facts([line("20")], [cra("20")], clients=[client(**told)])
    assert held(proposed(given_facts)) == ("matched", ["TAX_RATE_MISSING"])


@pytest.mark.parametrize(
    "told", [{}, {"vat_number": "fr 12 345"}, {"billing_country": "France"}, {"vat_number": ""}]
)
def test_a_french_client_has_the_usual_rate(told: dict[str, object]) -> None:
    """So has one that tells nothing."""
    found = proposed(facts([line("1")], [cra("1")], clients=[client(**told)]))
    assert only(found.proposals, "total_tax") == Decimal(100)


def test_a_contracts_tax_rate_is_taken() -> None:
    """Also zero, for a foreign client."""
    given_facts = facts(
        [line("1")],
        [cra("1")],
        clients=[client(vat_number="DE1")],
        contracts=[contract(tax_rate=Decimal(0))],
    )
    assert only(proposed(given_facts).proposals, "total_tax") == Decimal(0)


def test_all_holds_of_a_row_are_told() -> None:
    """Not the first alone."""
    given_facts = facts(
        [line("20")],
        [cra("20")],
        [invoice("I9", "2026-10", invoice_line("x"))],
        rates=[],
        clients=[client(vat_number="DE1")],
    )
    assert held(proposed(given_facts)) == (
        "matched",
        ["ALREADY_INVOICED", "RATE_MISSING", "TAX_RATE_MISSING"],
    )


# Billing dates

QUARTERLY = [contract(billing_frequency="quarterly")]
QUARTER = [line("20"), line("10", period=NOVEMBER)]
QUARTER_CRAS = [
    cra("20"),
    cra("10", period_start_date=date(2026, 11, 1), period_end_date=date(2026, 11, 30)),
]


def test_a_quarter_waits_and_its_cras_do_not() -> None:
    """Until the quarter is over the row is matched, its CRA validated."""
    found = proposed(facts(QUARTER, QUARTER_CRAS, contracts=QUARTERLY))
    assert only(found.matches, "outcome", "action") == ("matched", "wait for billing date")
    assert found.to_validate.rows() == [("cra1", None)]


def test_a_quarter_is_one_invoice_after_its_last_month() -> None:
    """All its months are lines of it."""
    found = proposed(
        facts(QUARTER, QUARTER_CRAS, contracts=QUARTERLY), NOVEMBER, as_of=date(2027, 1, 1)
    )
    assert only(found.proposals, "reference", "period", "total_excl_tax") == (
        "RAP-2026-Q4-R-CT1",
        "2026-12",
        Decimal(15000),
    )


@pytest.mark.parametrize(("as_of", "made"), [(date(2026, 11, 30), 0), (date(2026, 12, 1), 1)])
def test_a_contract_billed_at_its_end_waits_for_it(as_of: date, made: int) -> None:
    """The day after the last one, all months are billed."""
    ending = [contract(billing_frequency="end", end_date=date(2026, 11, 30))]
    found = proposed(facts(QUARTER, QUARTER_CRAS, contracts=ending), NOVEMBER, as_of=as_of)
    assert found.proposals["total_excl_tax"].to_list() == [Decimal(15000)] * made


@pytest.mark.parametrize(
    ("terms", "due", "readable"),
    [
        ("30 days", date(2026, 12, 2), True),
        ("45 days end of month", date(2026, 12, 31), True),
        ("45 jours fin de mois", date(2026, 12, 31), True),
        ("60 jours", date(2027, 1, 1), True),
        ("0 days", date(2026, 11, 2), True),
        ("fin de mois", date(2026, 12, 2), False),
        ("45 days end of month the 10th", date(2026, 12, 2), False),
        (None, date(2026, 12, 2), False),
    ],
)
def test_the_due_date_follows_the_terms(terms: str | None, due: date, readable: bool) -> None:  # noqa: FBT001
    """30 days where they cannot be read, and that is said."""
    said = pl.lit(terms, dtype=pl.String)
    read = pl.select(due=due_date(said, date(2026, 11, 2)), ok=terms_readable(said))
    assert read.row(0) == (due, readable)


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


def cents(amount: Decimal) -> Decimal:
    """Half up, written apart from the code under test."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def after(found: Billing, ledger: list[dict[str, object]]) -> list[dict[str, object]]:
    """The ledger once every proposed invoice is confirmed."""
    sent = found.proposals.filter(pl.col("status") == "proposed").select("reference", "lines")
    return ledger + [
        billed(
            told["quantity"],
            told["total_excl_tax"],
            reference,
            consultant_id=told["consultant_id"],
            period=told["period"],
        )
        for reference, lines in sent.rows()
        for told in json.loads(lines)
    ]


DAYS = st.integers(0, 100).map(lambda quarters: str(Decimal(quarters) / 4))
PRICE = st.decimals("0.01", "1999.9999", places=4).map(str)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=3), PRICE)
def test_p31_what_is_billed_over_all_runs_is_matched_days_times_rate(
    months: list[tuple[str, str]], price: str
) -> None:
    """To the cent, however often days grow, and no run bills twice."""
    grown: dict[str, list[Decimal]] = {"P1": [Decimal(0)], "P2": [Decimal(0)]}
    ledger: list[dict[str, object]] = []
    for step in months:
        days = [
            max(Decimal(told), past[-1]) for told, past in zip(step, grown.values(), strict=True)
        ]
        for past, now in zip(grown.values(), days, strict=True):
            past.append(now)
        lines = [line(str(days[0])), line(str(days[1]), "Paul Martin")]
        cras = [cra(str(days[0])), cra(str(days[1]), "P2")]
        for _ in range(2):
            found = proposed(facts(lines, cras, people=TEAM, rates=[rate(price)], billed=ledger))
            ledger = after(found, ledger)
        assert found.proposals.is_empty()
    for who, past in grown.items():
        own = [row["amount"] for row in ledger if row["consultant_id"] == who]
        assert sum(own, Decimal(0)) == cents(past[-1] * Decimal(price))
    references = [str(row["reference"]) for row in ledger]
    assert len(set(references)) <= len(months)
