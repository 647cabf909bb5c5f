"""What keeps matched days from being billed, and when they are due."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from tests.transforms.client_facts import (
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
    proposed,
    rate,
)
from transforms.clients.billing import Billing
from transforms.clients.payment_terms import due_date, terms_readable

NOVEMBER = "2026-11"
OURS = invoice("I1", "RAP-2026-10-R-CT1", invoice_line("Jean Dupont · 2026-10 · P1", "20", "10000"))


def held(found: Billing) -> object:
    """Outcome and hold codes of the only row, of which nothing may be billed."""
    assert found.proposals.is_empty()
    assert found.to_validate.is_empty()
    return only(found.matches, "outcome", "holds")


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


@pytest.mark.parametrize(("credited", "made"), [([], 0), ([billed("-20", "-10000", "AV")], 1)])
def test_a_cra_that_left_a_billed_contract_is_held(credited: list[object], made: int) -> None:
    """The other contract is billed once the first one is credited."""
    contracts = [contract(), contract("CT2")]
    given_facts = facts(
        [line("20")],
        [cra("20", contract_id="CT2")],
        contracts=contracts,
        rates=[rate(), rate(contract="CT2")],
        billed=[billed("20", "10000"), *credited],
    )
    found = proposed(given_facts)
    assert found.proposals["status"].to_list() == ["proposed" if made else "credit_note"]
    assert only(found.matches, "holds") == ["ALREADY_INVOICED"] * (1 - made)


def test_money_billed_in_another_currency_is_held() -> None:
    """A correction in dollars takes no euros off."""
    dollars = facts(
        [line("21")],
        [cra("21")],
        rates=[rate("600", currency="USD")],
        billed=[billed("20", "10000")],
    )
    assert held(proposed(dollars)) == ("matched", ["RATE_AMBIGUOUS"])


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


def test_a_quarter_of_two_currencies_is_held() -> None:
    """One invoice has one currency, also over its months."""
    team = [person(), person("P2", "Paul Martin")]
    lines = [line("20"), line("10", "Paul Martin", period=NOVEMBER)]
    cras = [QUARTER_CRAS[0], QUARTER_CRAS[1] | {"consultant_id": "P2"}]
    rates = [rate(consultant_id="P1"), rate(consultant_id="P2", currency="USD")]
    given_facts = facts(lines, cras, contracts=QUARTERLY, people=team, rates=rates)
    assert proposed(given_facts, NOVEMBER, as_of=date(2027, 1, 2)).proposals.is_empty()


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"reference": "F-77"}, "ALREADY_INVOICED"),
        ({"reference": "RAP-2026-Q4-R-CT1"}, "ALREADY_INVOICED"),
        ({"reference": "RAP-2026-Q4-R-CT1", "status": "cancelled"}, "INVOICE_CANCELLED"),
    ],
)
def test_an_invoice_of_the_quarter_holds_each_of_its_months(
    told: dict[str, object], code: str
) -> None:
    """One issued in January is for October too."""
    by_hand = invoice("I9", "?", invoice_line("Forfait"), issue_date=date(2027, 1, 5)) | told
    given_facts = facts([line("20")], [cra("20")], [by_hand], contracts=QUARTERLY)
    assert held(proposed(given_facts, as_of=date(2027, 1, 9))) == ("matched", [code])


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
def test_the_due_date_follows_the_terms(terms: str | None, due: date, readable: bool) -> None:
    """30 days where they cannot be read, and that is said."""
    said = pl.lit(terms, dtype=pl.String)
    read = pl.select(due=due_date(said, date(2026, 11, 2)), ok=terms_readable(said))
    assert read.row(0) == (due, readable)
