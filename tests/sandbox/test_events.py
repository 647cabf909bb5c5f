"""What people do between two nights, and the accounts that follow it."""

from decimal import Decimal

import pytest

from sandbox import events
from sandbox.accounts import Accounts
from sandbox.domain import Bill
from sandbox.months import bounds
from sandbox.world import World

MONTH, NEXT = "2026-10", "2026-11"
DAY = Decimal(1)
EMPLOYEE, EXTERNAL = "10002", "10003"


@pytest.fixture
def world() -> World:
    """A small clean world at its first day."""
    return World.build(consultants=6, mistakes=False)


def run(accounts: Accounts, world: World) -> tuple[Decimal, Decimal]:
    """Σ billed and Σ accepted after a run of the world's day."""
    accounts.run(world.now().date())
    return sum(accounts.billed().values()), sum(accounts.accepted().values())


def test_a_clean_world_bills_and_accepts_all(world: World) -> None:
    """Everything declared is billed at its rate, and every bill is accepted in full, once."""
    accounts = Accounts(world)
    wanted = sum(i.total_excl_tax for i in world.expected_invoices)
    assert run(accounts, world) == (wanted, sum(b.amount for b in world.bills.values()))
    assert run(accounts, world)[0] == wanted


def test_a_withheld_cra_holds_its_contract_and_its_bill(world: World) -> None:
    """Neither the contract's month nor the days of the bill count before the CRA is there."""
    accounts, cra = Accounts(world), events.withhold(world, EXTERNAL, MONTH)
    before = run(accounts, world)
    events.hand_in(world, cra)
    assert run(accounts, world)[0] > before[0]
    events.validate(world, EXTERNAL, MONTH)
    assert run(accounts, world)[1] > before[1]


def test_a_correction_bills_the_rest_and_a_credit_note_takes_it_back(world: World) -> None:
    """A day less stays billed until a person's credit note, and is then not billed again."""
    accounts, rate = Accounts(world), world.missions[EMPLOYEE].sale_rate
    days, (billed, _) = world.cra_of(EMPLOYEE, MONTH).total_days, run(accounts, world)
    events.report_again(world, EMPLOYEE, MONTH, days - DAY)
    name = events.declare_again(world, EMPLOYEE, MONTH, days - DAY)
    assert f",{days - DAY}," in world.declaration_files[name].decode()
    assert run(accounts, world)[0] == billed
    events.credit_client(world, EMPLOYEE, MONTH, DAY)
    assert run(accounts, world)[0] == billed - rate
    assert run(accounts, world)[0] == billed - rate


def test_a_suppliers_credit_note_first_covers_what_is_not_proven(world: World) -> None:
    """Beyond what was received nothing is accepted, but with the credit that takes it back."""
    accounts = Accounts(world)
    accepted = run(accounts, world)[1]
    too_much = events.late_bill(world, EXTERNAL, MONTH, DAY)
    assert run(accounts, world)[1] == accepted
    events.late_bill(world, EXTERNAL, MONTH, -DAY)
    assert run(accounts, world)[1] == accepted
    assert accounts.accepted()[too_much.id] == too_much.amount


def test_days_that_the_month_does_not_have_are_refused(world: World) -> None:
    """Nobody reports more days than the month has business days."""
    with pytest.raises(ValueError, match="which has"):
        events.report_again(world, EMPLOYEE, MONTH, Decimal(23))


def test_the_next_month_is_reported_declared_and_billed(world: World) -> None:
    """A month later everyone has a CRA, a declared line and a bill more, with new files."""
    before = len(world.declared), len(world.bills), len(world.cras)
    names = set(world.declaration_files)
    events.next_month(world)
    assert world.now().date().isoformat() == "2026-12-03"
    assert len(world.declared) == before[0] * 2
    assert (len(world.bills) - before[1], len(world.cras) - before[2]) == (before[1] // 2, 6)
    fresh = {NEXT in content.decode() for content in _since(world, names)}
    assert fresh == {True}
    first, last = bounds(NEXT)
    line = world.declared[-1]
    said = world.cra_of(str(line.consultant_id), NEXT).production_days(first, last)
    assert (line.period, line.days) == (NEXT, said)


def _since(world: World, names: set[str]) -> list[bytes]:
    return [content for name, content in world.declaration_files.items() if name not in names]


def test_a_bill_arrives_with_a_new_bank_account() -> None:
    """The supplier's account is another one, and the bill that was on its way is there."""
    world = World.build(consultants=160)
    bill: Bill = world.coming_bills[-1]
    events.change_bank(world, bill)
    order = next(o for o in world.orders.values() if o.reference == bill.order_number)
    assert world.suppliers[order.supplier_id].updated_at == world.now() == bill.updated_at
    assert bill.id in world.bills
    assert (world.planted[-1].code, world.planted[-1].subject[1]) == ("BANK_CHANGED", bill.id)
