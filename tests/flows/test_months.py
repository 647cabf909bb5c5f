"""Two months in a row, with what people change between them: sums stay right after each run."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows.engine.run import Outcome
from sandbox import events
from sandbox.accounts import Accounts
from sandbox.domain import Consultant
from sandbox.world import World
from tests.flows.house import House

pytestmark = pytest.mark.nights

OCTOBER, NOVEMBER = "2026-10", "2026-11"
DAY = Decimal(1)
Sums = dict[Any, Decimal]


class Office:
    """A house of a clean world over time, and what right runs come to."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder, vendors={"consultants": 13, "mistakes": False})
        self.world: World = self.house.vendors
        self.accounts = Accounts(self.world)
        self.outside = externals(self.world)

    @property
    def today(self) -> date:
        """The day of the world."""
        return self.world.now().date()

    def night(self, **parameters: Any) -> Outcome:
        """A night that writes, after the clients' letters of the day; the sums are compared."""
        self.world.write_declarations(self.house.folder / "declarations")
        outcome = self.house.nightly(apply=True, as_of=self.today, **parameters)
        self.accounts.run(self.today)
        assert self.billed() == self.accounts.billed()
        assert self.invoiced() == self.accounts.billed()
        assert self.accepted() == self.accounts.accepted()
        return outcome

    def billed(self) -> Sums:
        """Net euros of the ledger by contract, consultant and month."""
        rows = self.house.rows(
            "SELECT contract_id, consultant_id, period, sum(amount) FROM recon.billing_ledger"
            " GROUP BY ALL HAVING sum(amount) <> 0"
        )
        return {tuple(person): amount for *person, amount in rows}

    def invoiced(self) -> Sums:
        """What BoondManager holds: our invoices, and the credit notes that read like them."""
        net: Sums = defaultdict(Decimal)
        for invoice in self.world.client_invoices.values():
            for line in invoice.lines if invoice.reference[:3] in {"RAP", "AV-"} else []:
                _, period, who = line.description.split(" · ")
                net[invoice.contract_id, who, period] += line.total
        return {person: amount for person, amount in net.items() if amount}

    def accepted(self) -> Sums:
        """Accepted euros by bill."""
        rows = self.house.rows(
            "SELECT bill_id, sum(accepted_amount) FROM recon.po_matches"
            " GROUP BY 1 HAVING sum(accepted_amount) <> 0"
        )
        return dict(rows)

    def rests(self, **parameters: Any) -> None:
        """A night that plans nothing and writes nothing."""
        written = len(self.world.writes)
        self.night(**parameters)
        planned = self.house.one(
            "SELECT commands_planned FROM ops.runs ORDER BY started_at DESC LIMIT 1"
        )
        assert (len(self.world.writes), planned) == (written, 0)

    def corrects(self, who: Consultant, by: Decimal) -> None:
        """The client declares days more or less, and the consultant's CRA is corrected alike."""
        days = self.days(who, OCTOBER) + by
        events.report_again(self.world, who.id, OCTOBER, days)
        events.declare_again(self.world, who.id, OCTOBER, days)

    def of(self, who: Consultant) -> Decimal:
        """Net euros billed of a consultant's October."""
        person = (self.world.missions[who.id].contract_id, who.id, OCTOBER)
        return self.billed().get(person, Decimal(0))

    def lines_of(self, who: Consultant) -> list[Decimal]:
        """Days on the invoices and credit notes of a consultant's October, in their order."""
        text = f" · {OCTOBER} · {who.id}"
        invoices = self.world.client_invoices.values()
        return [x.quantity for i in invoices for x in i.lines if x.description.endswith(text)]

    def days(self, who: Consultant, month: str) -> Decimal:
        """The days that a consultant's CRA tells."""
        return self.world.cra_of(who.id, month).total_days

    def holds(self, subject: str) -> set[str]:
        """The codes on the rows whose break id has this in it."""
        rows = self.house.rows(
            "SELECT DISTINCT code FROM recon.holds WHERE contains(break_id, ?)", subject
        )
        return {code for (code,) in rows}


def externals(world: World) -> list[Consultant]:
    """Externals of contracts of which no other stands here, and whose order names nobody else.

    What happens to one leaves the others alone. The first has the most days left in October.
    """
    alone = {o.id for o in world.orders.values() if len(o.lines) == 1}
    chosen: dict[str, Consultant] = {}
    for who in world.consultants.values():
        mission = world.missions[who.id]
        if who.supplier_id and mission.order_id in alone:
            chosen.setdefault(mission.contract_id, who)
    return sorted(chosen.values(), key=lambda who: world.cra_of(who.id, OCTOBER).total_days)


def test_two_months_with_corrections_between(tmp_path: Path) -> None:
    """Σ billed and Σ accepted are the truth's after each run, and no run over again writes."""
    at = Office(tmp_path)
    world = at.world
    more, late, less, shrunk, other, *_ = at.outside
    missing = events.withhold(world, late.id, OCTOBER)
    at.night()
    assert at.of(late) == 0 < at.of(more)

    events.day_after(world)
    events.hand_in(world, missing)
    at.corrects(more, DAY)
    at.corrects(less, -DAY)
    at.night()
    assert at.of(late) > 0
    assert at.lines_of(more) == [at.days(more, OCTOBER) - DAY, DAY]
    at.rests()

    events.day_after(world)
    events.credit_client(world, less.id, OCTOBER, DAY)
    events.late_bill(world, other.id, OCTOBER, -DAY)
    events.declare_again(world, other.id, OCTOBER, at.days(other, OCTOBER) + DAY)
    events.report_again(world, shrunk.id, OCTOBER, at.days(shrunk, OCTOBER) - 2 * DAY)
    events.validate(world, shrunk.id, OCTOBER)
    at.night()
    assert at.lines_of(less)[-1] == -DAY
    assert "VALIDATED_CRA_DIFFERS" in at.holds(shrunk.id) & at.holds(other.id)

    events.day_after(world)
    again = events.late_bill(world, other.id, OCTOBER, DAY)
    short = events.late_bill(world, shrunk.id, OCTOBER, DAY)
    at.night()
    assert at.accepted()[again.id] == again.amount
    assert at.holds(short.id) == {"QTY_RECEIVED"}
    at.rests(period=OCTOBER)

    events.next_month(world)
    at.night()
    assert {month for *_, month in at.billed()} == {OCTOBER, NOVEMBER}
    for month in (OCTOBER, NOVEMBER):
        at.rests(period=month)
