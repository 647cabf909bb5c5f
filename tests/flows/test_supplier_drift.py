"""What changes at the vendors after supplier invoices were accepted is a break with its euros."""

from decimal import Decimal

import pytest

from sandbox import events
from sandbox.domain import Bill
from sandbox.world import World
from tests.flows.house import House

pytestmark = pytest.mark.nights

OCTOBER = "2026-10"
WITHDRAWN, AMENDED, CANCELLED, REDUCED = range(4)


class Changed:
    """A house whose accepted bills changed between two nights, each in a way of its own."""

    def __init__(self, house: House) -> None:
        self.house = house
        world: World = house.vendors
        house.nightly(apply=True, as_of=world.now().date())
        self.bills = _flagged(house)
        events.day_after(world)
        self.bills[WITHDRAWN].status = "draft"
        self.bills[AMENDED].amount += 100
        _cancel(world, self.bills[CANCELLED])
        self.lost = _take_back(world, self.bills[REDUCED])
        for bill in self.bills[:CANCELLED]:
            world.touch(bill)
        house.nightly(apply=True, as_of=world.now().date())

    def said_of(self, break_id: str) -> tuple[object, ...]:
        """Code and euros of an open break."""
        [said] = self.house.rows(
            "SELECT code, amount_at_stake FROM recon.breaks WHERE status = 'open' AND break_id = ?",
            break_id,
        )
        return said


def _flagged(house: House) -> list[Bill]:
    """The last flagged bills of orders of one line of which all days received are invoiced."""
    ids = house.rows(
        "SELECT max(m.bill_id) FROM recon.po_matches m JOIN ops.outbox o"
        " ON o.subject_id = 'bill/' || m.bill_id AND o.kind LIKE '%.flag' AND o.state = 'done'"
        " GROUP BY m.po_id HAVING max(m.po_line) = 1 AND max(m.received_qty) = sum(m.invoiced_qty)"
        " ORDER BY 1"
    )
    return [house.vendors.bills[bill_id] for (bill_id,) in ids]


def _cancel(world: World, bill: Bill) -> None:
    found = next(i for i in world.supplier_invoices.values() if i.reference == bill.number)
    found.status = "cancelled"
    world.touch(found)


def _take_back(world: World, bill: Bill) -> Decimal:
    """The consultant's CRA loses three days and is validated again; the euros of them."""
    order = next(o for o in world.orders.values() if o.reference == bill.order_number)
    line = next(o for o in order.lines if o.consultant_name in bill.lines[0].description)
    who = str(line.consultant_id)
    events.report_again(world, who, OCTOBER, world.cra_of(who, OCTOBER).total_days - 3)
    events.validate(world, who, OCTOBER)
    return 3 * line.daily_rate


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """Two nights, and what people did between them."""
    folder = tmp_path_factory.mktemp("drift")
    return Changed(House(folder, vendors={"consultants": 24, "mistakes": False}))


def test_a_bill_taken_back_is_a_break(changed: Changed) -> None:
    """Its registration is still going to be paid."""
    bill = changed.bills[WITHDRAWN]
    assert changed.said_of(f"drift/bill/{bill.id}") == ("BILL_CHANGED", bill.amount)


def test_an_amended_bill_is_a_break(changed: Changed) -> None:
    """The euros are the difference."""
    bill = changed.bills[AMENDED]
    assert changed.said_of(f"drift/bill/{bill.id}") == ("BILL_CHANGED", 100)


def test_a_cancelled_registration_is_a_break(changed: Changed) -> None:
    """What was flagged is not going to be paid."""
    bill = changed.bills[CANCELLED]
    assert changed.said_of(f"drift/registration/{bill.id}") == ("BILL_CHANGED", bill.amount)


def test_days_taken_back_are_to_be_claimed(changed: Changed) -> None:
    """The break says their euros, and the supplier's exposure has them to be claimed back."""
    bill = changed.bills[REDUCED]
    order = next(
        o for o in changed.house.vendors.orders.values() if o.reference == bill.order_number
    )
    said = changed.said_of(f"drift/receipt/{order.id}/1")
    assert said == ("RECEIPT_REDUCED", changed.lost)
    claims = "SELECT sum(to_claim) FROM recon.v_supplier_exposure"
    assert changed.house.one(claims) == changed.lost
