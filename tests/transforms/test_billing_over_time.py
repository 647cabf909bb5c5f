"""What is billed over any sequence of runs: corrections, credit notes, cancelled invoices."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.transforms.client_facts import (
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

SECOND = datetime(2026, 11, 2, 12, tzinfo=UTC)
LINE = "Jean Dupont · 2026-10 · P1"
Told = dict[str, Any]


def ours(number: int, days: str, day: int, **more: Any) -> Told:
    """An invoice of ours, issued and last changed on that day of November."""
    reference = "RAP-2026-10-R-CT1" + (f"-{number}" if number > 1 else "")
    text = invoice_line(LINE, days, str(Decimal(days) * 500))
    dates = {"issue_date": date(2026, 11, day), "updated_at": SECOND.replace(day=day)}
    return invoice(f"I{number}", reference, text) | dates | more


CANCELLED = ours(1, "20", 2, status="cancelled")


@pytest.mark.parametrize("stored", [True, False])
def test_a_correction_after_a_rebilled_cancelled_invoice_is_billed(stored: bool) -> None:
    """Who billed again has decided on the cancelled one, also on a lost warehouse."""
    again = ours(2, "20", 4)
    ledger = [
        billed("20", "10000", again["reference"], invoice_id="I2", billed_at=SECOND.replace(day=4))
    ]
    found = proposed(
        facts([line("22")], [cra("22")], [CANCELLED, again], billed=ledger if stored else [])
    )
    assert only(found.proposals, "reference", "total_excl_tax") == (
        "RAP-2026-10-R-CT1-3",
        Decimal(1000),
    )


@pytest.mark.parametrize("changed", [2, 9])
def test_an_invoice_cancelled_after_its_correction_is_held(changed: int) -> None:
    """The correction billed the rest only, whenever the vendor last touched it."""
    correction = ours(2, "2", 2, updated_at=SECOND.replace(day=changed))
    gone = ours(1, "20", 2, status="cancelled", updated_at=SECOND.replace(day=5))
    found = proposed(facts([line("22")], [cra("22")], [gone, correction]))
    assert only(found.matches, "holds") == ["INVOICE_CANCELLED"]
    assert found.proposals.is_empty()


def test_an_invoice_cancelled_twice_is_held_twice() -> None:
    """An approval lets it be billed again once."""
    told: Told = {"lines": [line("20")], "cras": [cra("20")]}
    on = word(proposed(facts(**told, invoices=[CANCELLED])))
    second = ours(2, "20", 4, status="cancelled")
    found = proposed(facts(**told, invoices=[CANCELLED, second], overrides=on))
    assert only(found.matches, "holds") == ["INVOICE_CANCELLED"]
    assert found.proposals.is_empty()


def test_too_much_billed_is_a_break_for_a_person() -> None:
    """Its euros are those to credit."""
    found = proposed(facts([line("18")], [cra("18")], billed=[billed("20", "10000")]))
    assert only(found.matches, "holds", "outcome") == (["CREDIT_NOTE_DUE"], "matched")
    hold = only(found.holds, "code", "severity", "subject", "amount_at_stake")
    assert hold == ("CREDIT_NOTE_DUE", "warning", "invoice", Decimal(1000))
    assert only(found.proposals, "status", "total_excl_tax") == ("credit_note", Decimal(-1000))


def test_an_acknowledged_credit_note_is_no_break_until_it_changes() -> None:
    """The proposal stays for whoever writes it; another amount asks again."""
    told: Told = {"lines": [line("18")], "cras": [cra("18")], "billed": [billed("20", "10000")]}
    on = word(proposed(facts(**told)))
    assert proposed(facts(**told, overrides=on)).holds.is_empty()
    more = told | {"billed": [billed("21", "10500")]}
    assert only(proposed(facts(**more, overrides=on)).holds, "code") == "CREDIT_NOTE_DUE"


def test_a_written_credit_note_settles_the_month() -> None:
    """Its lines bring what was billed down to what is matched."""
    note = invoice("AV", "AV-1", invoice_line(LINE, "-2", "-1000"))
    found = proposed(facts([line("18")], [cra("18")], [note], billed=[billed("20", "10000")]))
    assert found.proposals.is_empty()
    assert only(found.matches, "action", "holds") == ("validate the CRA", [])


@pytest.mark.parametrize(("price", "amount"), [("600", "3200"), ("500", "1000"), ("450", "-10000")])
def test_a_rate_that_changed_in_between_is_made_up_for(price: str, amount: str) -> None:
    """The line is the whole at the new rate less what was billed; if less, all goes back."""
    found = proposed(
        facts([line("22")], [cra("22")], rates=[rate(price)], billed=[billed("20", "10000")])
    )
    assert only(found.proposals, "total_excl_tax") == Decimal(amount)
    status = "credit_note" if amount.startswith("-") else "proposed"
    assert only(found.proposals, "status") == status


def test_a_credit_note_of_several_months_counts_in_each() -> None:
    """Each line is taken off its own month."""
    note = invoice(
        "AV",
        "AV-1",
        invoice_line(LINE, "-2", "-1000"),
        invoice_line("Jean Dupont · 2026-11 · P1", "-3", "-1500"),
    )
    november = {"period_start_date": date(2026, 11, 1), "period_end_date": date(2026, 11, 30)}
    found = proposed(
        facts(
            [line("20"), line("10", period="2026-11")],
            [cra("20"), cra("10", **november)],
            [note],
            billed=[
                billed("20", "10000"),
                billed("10", "5000", "RAP-2026-11-R-CT1", period="2026-11"),
            ],
        ),
        "2026-10",
        "2026-11",
    )
    totals = dict(found.proposals.select("period", "total_excl_tax").rows())
    assert totals == {"2026-10": Decimal(1000), "2026-11": Decimal(1500)}


@pytest.mark.parametrize("frequency", ["quarterly", "end"])
@pytest.mark.parametrize(("as_of", "made"), [(date(2026, 12, 31), 0), (date(2027, 1, 1), 1)])
def test_a_correction_waits_for_the_billing_date_like_its_month(
    frequency: str, as_of: date, made: int
) -> None:
    """Before it nothing goes, from it on the rest does."""
    terms = [contract(billing_frequency=frequency, end_date=date(2026, 12, 31))]
    found = proposed(
        facts([line("22")], [cra("22")], contracts=terms, billed=[billed("20", "10000")]),
        as_of=as_of,
    )
    assert found.proposals["total_excl_tax"].to_list() == [Decimal(1000)] * made


def test_a_contract_that_ends_inside_the_month_is_billed() -> None:
    """It covers a day of the month."""
    terms = [contract(end_date=date(2026, 10, 14))]
    found = proposed(facts([line("10")], [cra("10")], contracts=terms))
    assert only(found.proposals, "total_excl_tax") == Decimal(5000)


def test_two_contracts_of_one_person_are_two_invoices() -> None:
    """Each side names its contract; a correction of one leaves the other alone."""
    terms = [contract(), contract("CT2")]
    found = proposed(
        facts(
            [line("12", contract="CT1"), line("8", contract="CT2")],
            [cra("12", contract_id="CT1"), cra("8", contract_id="CT2")],
            contracts=terms,
            rates=[rate(), rate("600", "CT2")],
            billed=[billed("10", "5000")],
        )
    )
    made = found.proposals.select("reference", "total_excl_tax").rows()
    assert made == [("RAP-2026-10-R-CT1-2", Decimal(1000)), ("RAP-2026-10-R-CT2", Decimal(4800))]


def test_part_billing_bills_the_held_line_later_as_a_correction() -> None:
    """The second invoice of the month has the line that was held, alone."""
    team = [person(), person("P2", "Paul Martin")]
    lines, parts = [line("20"), line("10", "Paul Martin")], policy(partial=True)
    first = proposed(facts(lines, [cra("20"), cra("9", "P2")], people=team), policy=parts)
    assert only(first.proposals, "total_excl_tax") == Decimal(10000)
    second = facts(lines, [cra("20"), cra("10", "P2")], people=team, billed=[billed("20", "10000")])
    found = proposed(second, policy=parts)
    assert only(found.proposals, "reference", "total_excl_tax") == (
        "RAP-2026-10-R-CT1-2",
        Decimal(5000),
    )


def test_days_that_left_for_another_rate_are_credited_whole() -> None:
    """Fewer days at a higher rate are no negative line: all is credited, then billed again."""
    told = {"lines": [line("18")], "cras": [cra("18")], "rates": [rate("600")]}
    first = proposed(facts(**told, billed=[billed("20", "10000")]))
    assert only(first.proposals, "status", "total_excl_tax") == ("credit_note", Decimal(-10000))
    credited = [billed("20", "10000"), billed("-20", "-10000", "AV")]
    again = proposed(facts(**told, billed=credited))
    assert only(again.proposals, "status", "total_excl_tax") == ("proposed", Decimal(10800))


def test_a_contract_that_the_cra_has_left_is_credited_whole() -> None:
    """The note names the old contract, and stays due when the new one was billed all the same."""
    told: Told = {
        "lines": [line("20")],
        "cras": [cra("20", contract_id="CT2")],
        "contracts": [contract(), contract("CT2")],
        "rates": [rate(), rate(contract="CT2")],
    }
    first = proposed(facts(**told, billed=[billed("20", "10000")]))
    assert only(first.proposals, "reference", "total_excl_tax") == (
        "RAP-2026-10-R-CT1-CN",
        Decimal(-10000),
    )
    both = [billed("20", "10000"), billed("20", "10000", "RAP-2026-10-R-CT2", contract_id="CT2")]
    after = proposed(facts(**told, billed=both))
    assert only(after.holds, "code", "subject_id") == ("CREDIT_NOTE_DUE", "CT1")
    assert only(after.proposals, "contract_id", "status") == ("CT1", "credit_note")
