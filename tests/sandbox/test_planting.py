"""A world of several blocks: what is rare, and why days differ."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.months import bounds, closed_days, holidays
from sandbox.planted import Planted
from sandbox.world import World

HOLDS = {
    *("VALIDATED_CRA_DIFFERS", "CRA_NOT_SUBMITTED", "CRA_TOTAL_INCONSISTENT", "GAP_TOO_LARGE"),
    *("CLIENT_UNKNOWN", "NAME_AMBIGUOUS", "MISSING_ENTRY", "CONTRACT_AMBIGUOUS", "LOW_CONFIDENCE"),
    *("SENDER_UNKNOWN", "PERIOD_AMBIGUOUS", "DECLARATION_UNREADABLE", "CONTRACT_NOT_ACTIVE"),
    *("RATE_MISSING", "RATE_AMBIGUOUS", "TAX_RATE_MISSING", "ALREADY_INVOICED"),
    *("INVOICE_CANCELLED", "CREDIT_NOTE_UNASSIGNED", "NO_BILLING_CONTACT"),
    *("PRICE", "PO_MISSING", "PO_AMBIGUOUS", "LINE_UNMATCHED", "LINES_MISSING", "QTY_ORDERED"),
    *("QTY_RECEIVED", "LINE_TOTAL", "TOTAL", "CURRENCY", "DATE", "PO_STATUS", "DUPLICATE"),
    *("SUPPLIER_MISMATCH", "SUPPLIER_UNKNOWN", "SUPPLIER_UNCONFIRMED", "RECEIPT_UNKNOWN"),
    *("NOT_APPROVED", "PAID_UNPROVEN", "NUMBER_MISSING"),
}
OUTCOMES = {
    *("over_reported", "under_reported", "missing_cra", "missing_entry", "undeclared", "held"),
    *("review", "partial", "pending_receipt"),
}
CAUSES = {
    *("public_holiday", "absence", "mission_end", "mission_start", "second_mission"),
    *("half_days", "neighbouring_month", "swap", "none_found"),
}


def broken(world: World) -> list[Planted]:
    """The planted mistakes that a reconciliation must tell as breaks."""
    return [said for said in world.planted if said.holds or said.outcome != "matched"]


@pytest.fixture(scope="module")
def large() -> World:
    """Two hundred consultants in a month with a holiday; tests only read it."""
    return World.build(consultants=200, as_of=date(2026, 12, 3))


def test_two_hundred_consultants_have_breaks_of_all_kinds(large: World) -> None:
    """Every outcome and hold that the wires can express at once, and every cause, is planted."""
    told = broken(large)
    assert len(told) >= 60
    assert {code for said in told for code in said.holds} == HOLDS
    assert {said.outcome for said in told} - {"matched", None} == OUTCOMES
    assert {said.cause for said in told} - {None} == CAUSES


def test_every_break_has_a_subject_of_its_own(large: World) -> None:
    """No two planted breaks are about one row, one bill line or one file."""
    subjects = [said.subject for said in broken(large)]
    assert len(set(subjects)) == len(subjects)
    files = {said.file for said in large.planted if said.file}
    assert files < set(large.declaration_files)


def test_causes_make_up_their_gaps(large: World) -> None:
    """The days that an explanation must name lie in the CRA, are closed, or end a contract."""
    for said in large.planted:
        contract = large.contracts.get(str(said.contract_id))
        cra = large.cras.get(str(said.cra_id))
        days = {a.day for a in cra.activities} if cra else set()
        limits = {contract.start, contract.end} if contract else set()
        assert set(said.dates) <= days | limits | holidays(2026), said.code


@pytest.mark.parametrize("month", ["2026-02", "2026-05", "2026-08", "2026-12"])
def test_any_month_can_have_all_breaks(month: str) -> None:
    """A month without a holiday on a weekday lacks that cause alone; gaps say which are large."""
    first = bounds(month)[1].toordinal() + 4
    world = World.build(consultants=160, month=month, as_of=date.fromordinal(first))
    causes = {said.cause for said in world.planted} - {None}
    assert causes == (CAUSES if closed_days(month) else CAUSES - {"public_holiday"})
    for said in world.planted:
        if said.cause and said.declared_days and said.cra_days is not None:
            gap = abs(said.declared_days - said.cra_days)
            small = gap <= 5 and gap * 10 <= said.declared_days
            assert ("GAP_TOO_LARGE" in said.holds) != small


def test_smaller_worlds_are_as_they_were() -> None:
    """Forty consultants carry the first block's mistakes alone."""
    world = World.build()
    assert len(world.clients) == 8
    assert {said.cause for said in world.planted} == {None, "swap", "none_found"}
    assert sum(i.total_excl_tax for i in world.expected_invoices) > Decimal(0)
