"""What holds for any history of orders, receipts, invoices, credit notes and decisions."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.supplier_facts import (
    NOVEMBER,
    bill,
    bill_line,
    cra,
    frame,
    matched,
    order_line,
    worked,
    world,
)
from transforms.overrides import OVERRIDES
from transforms.suppliers.po_matching import BillFacts, BillMatching
from transforms.suppliers.po_replay import replay_bill

ON = datetime(2026, 12, 10, tzinfo=UTC)
NONE = Decimal(0)
NOTHING = matched(world())
DAYS = st.integers(0, 10)
QUANTITIES = st.sampled_from([1, 2, 4, "2.5", -1, -3])
PRICES = st.sampled_from([450, 450, 450, 500])


@dataclass(frozen=True)
class Night:
    """What changes before a look: bills that came, days that count, what a person says."""

    more: int
    days: tuple[int, int]
    said: dict[int, str]


@st.composite
def histories(draw: st.DrawFn) -> BillFacts:
    """Two order lines of two people, their days, and bills over one or both."""
    orders = [
        order_line(line_no=n, consultant_id=f"C{n}", consultant=None, estimated_days=draw(DAYS))
        for n in (1, 2)
    ]
    bills, lines = [], []
    for number in range(draw(st.integers(1, 5))):
        mine = [
            bill_line(f"B{number}", draw(QUANTITIES), draw(PRICES), line_no=n)
            for n in range(1, draw(st.integers(1, 2)) + 1)
        ]
        lines += mine
        on = NOVEMBER + timedelta(days=draw(st.integers(0, 9)))
        total = sum(line["amount"] for line in mine)
        status = draw(st.sampled_from(["approved", "approved", "approved", "paid"]))
        bills.append(bill(f"B{number}", amount=total, invoice_date=on, status=status))
    return world(
        bills=bills,
        bill_lines=lines,
        purchase_order_lines=orders,
        cras=[cra(f"R{n}", f"C{n}") for n in (1, 2)],
        cra_days=_days(draw(DAYS), draw(DAYS)),
    )


def _days(*counts: int) -> list[dict[str, Any]]:
    return [
        day for n, count in enumerate(counts, 1) for day in worked(f"R{n}", count, duration="0.5")
    ]


NIGHTS = st.lists(
    st.builds(
        Night,
        more=st.integers(0, 9),
        days=st.tuples(DAYS, DAYS),
        said=st.dictionaries(
            st.integers(0, 4), st.sampled_from(["approved", "up to 400", "rejected"]), max_size=1
        ),
    ),
    min_size=1,
    max_size=2,
)


def _shuffled(facts: BillFacts, random: Random) -> BillFacts:
    frames: dict[str, Any] = {
        name: value.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
        for name, value in vars(facts).items()
        if isinstance(value, pl.DataFrame) and not value.is_empty()
    }
    return replace(facts, **frames)


def _said(found: BillMatching, said: dict[int, str]) -> pl.DataFrame:
    """A person's decisions on bills as they stand in a look."""
    prints = dict(found.inputs.select("break_id", "fingerprint").iter_rows())
    rows = [
        {
            "break_id": f"bill/B{number}",
            "decision": "rejected" if decision == "rejected" else "approved",
            "amount": Decimal(400) if decision == "up to 400" else None,
            "fingerprint": prints[f"bill/B{number}/1"],
            "decided_by": "Ann",
            "reason": "agreed",
            "decided_at": ON,
        }
        for number, decision in said.items()
        if f"bill/B{number}/1" in prints
    ]
    return pl.DataFrame(rows, schema=OVERRIDES, orient="row")


@pytest.mark.properties
@given(
    histories(), st.sampled_from([{}, {}, {}, {}, {0: "approved"}, {1: "rejected"}]), st.randoms()
)
def test_p27_row_order_decides_nothing_of_bills(
    facts: BillFacts, said: dict[int, str], random: Random
) -> None:
    """The same rows in another order give the same matches, holds, consumption and inputs."""
    decided = replace(facts, overrides=_said(matched(facts), said)) if said else facts
    one, two = matched(decided), matched(_shuffled(decided, random))
    for name in ("matches", "holds", "consumption", "links", "tolerances", "decided", "inputs"):
        assert getattr(one, name).equals(getattr(two, name))


@dataclass
class _Story:
    """Several looks in a row: what matched is flagged, what is partial registered, as in a night.

    `rows` and `consumed` are what was written of every bill, `standing` all consumption as the
    warehouse has it, `moved` the bills that a person decided on.
    """

    facts: BillFacts
    tolerance: dict[str, Any]
    rows: pl.DataFrame
    consumed: pl.DataFrame
    waiting: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    upto: date = NOVEMBER
    standing: pl.DataFrame = field(default_factory=pl.DataFrame)

    def night(self, night: Night) -> BillMatching:
        """One look, what is written of it, and what a person says for the next one."""
        self.upto += timedelta(days=night.more)
        here = replace(
            self.facts,
            bills=self.facts.bills.filter(pl.col("invoice_date") <= self.upto),
            cra_days=frame("core.cra_days", _days(*night.days)),
            settled=self.rows,
            consumed=self.consumed,
            waiting=self.waiting,
            supplier_invoices=self._registered(),
        )
        found = matched(here, self.tolerance)
        said = _said(found, night.said)
        self.facts = replace(self.facts, overrides=pl.concat([self.facts.overrides, said]))
        self._write(found)
        return found

    def _write(self, found: BillMatching) -> None:
        """Registers what was accepted; what is looked at again replaces what stood."""
        again = found.matches.get_column("bill_id").unique().to_list()
        done = found.matches.filter(
            pl.col("status").is_in(["matched", "partial"]) | pl.col("bill_id").is_in(self.waiting)
        )
        kept = self.rows.filter(~pl.col("bill_id").is_in(again))
        self.rows = pl.concat([kept, done.select(kept.columns)], how="vertical_relaxed")
        consumed = self.consumed.filter(~pl.col("bill_id").is_in(again))
        taken = found.consumption.join(done, on="bill_id", how="semi")
        self.consumed = pl.concat([consumed, taken])
        self.standing = pl.concat([consumed, found.consumption])
        unended = done.filter(pl.col("status") != "matched").get_column("bill_id")
        self.waiting = self.waiting.difference(again) | frozenset(unended)
        moved = found.decided.join(found.matches, on="break_id").get_column("bill_id")
        self.moved |= frozenset(moved)

    def _registered(self) -> pl.DataFrame:
        ours = self.rows.unique("bill_id")
        return frame(
            "core.supplier_invoices",
            [
                {
                    "id": f"X-{row['bill_id']}",
                    "supplier_id": "S1",
                    "reference": row["invoice_number"],
                    "status": "registered"
                    if row["bill_id"] in self.waiting
                    else "flagged_for_payment",
                }
                for row in ours.to_dicts()
            ],
        )


def _told(facts: BillFacts, tolerance: dict[str, Any]) -> _Story:
    return _Story(facts, tolerance, NOTHING.matches, NOTHING.consumption)


def _accepted_days() -> pl.Expr:
    """Days of a line that is paid: all of a matched one, what is proven of a short one."""
    short = (pl.col("status") == "partial") & (pl.col("holds").list.len() > 0)
    return pl.when(short).then("matchable_qty").otherwise("invoiced_qty")


def _beyond(story: _Story, most: dict[int, int], limit: int) -> list[Any]:
    """Order lines of which rapproche by itself accepted more than ordered and ever received."""
    ordered = {
        row["line_no"]: row["estimated_days"] for row in story.facts.purchase_order_lines.to_dicts()
    }
    # A credit frees days whoever accepted it.
    alone = story.rows.filter(
        (pl.col("accepted_amount") != 0)
        & (~pl.col("bill_id").is_in(story.moved) | (pl.col("accepted_amount") < 0))
        & pl.col("po_line").is_not_null()
    )
    paid = dict(alone.group_by("po_line").agg(_accepted_days().sum()).iter_rows())
    ceiling = {n: min(ordered[n], Decimal(most[n]) / 2) + limit for n in ordered}
    return [(n, days, ceiling[n]) for n, days in paid.items() if days > ceiling[n]]


def _left_over(story: _Story, found: BillMatching) -> list[Any]:
    """Order lines on which a bill waits for days, while fewer are taken than are received.

    Credit notes of days that were never proven would leave it so: the days would be paid again.
    A line of credit on an invoice counts only with that invoice, which may come later. What is paid
    keeps its days, proven or not.
    """
    beside = (pl.col("invoiced_amount") > 0).any().over("bill_id") & (pl.col("invoiced_amount") < 0)
    apart = found.matches.filter(beside).get_column("po_line").to_list()
    bills = story.facts.bills
    paid = pl.col("bill_id").is_in(bills.filter(status="paid").get_column("id").implode())
    waits = ((pl.col("status") == "pending_receipt") | paid) & (pl.col("invoiced_amount") > 0)
    held = pl.when(pl.col("holds").list.len() > 0).then("matchable_qty").otherwise("invoiced_qty")
    reserved = found.matches.filter(waits).group_by("po_line").agg(held.sum())
    short = found.matches.filter(
        (pl.col("status") == "partial") & pl.col("holds").list.contains("QTY_RECEIVED")
    )
    received = dict(short.select("po_line", "received_qty").iter_rows())
    lines = story.rows.filter(pl.col("po_line").is_not_null())
    taken = Counter(dict(reserved.iter_rows()))
    taken.update(dict(lines.group_by("po_line").agg(_accepted_days().sum()).iter_rows()))
    open_lines = {n: days for n, days in received.items() if n not in apart}
    return [(n, taken[n], days) for n, days in open_lines.items() if taken[n] < days]


def _twice(standing: pl.DataFrame, *, first: bool) -> pl.DataFrame:
    """Days of which more was consumed than was ever worked, or less than nothing in one look.

    A credit that was written gave back days of a bill that later looks may leave out again.
    """
    spent = standing.group_by("cra_id", "date").agg(pl.col("quantity").sum())
    least = NONE if first else Decimal(-99)
    return spent.filter(~pl.col("quantity").is_between(least, Decimal("0.5")))


@pytest.mark.properties
@given(histories(), NIGHTS, st.sampled_from([0, 1]))
def test_p28_nothing_is_accepted_beyond_order_and_receipt(
    facts: BillFacts, nights: list[Night], tolerance: int
) -> None:
    """Over any nights, corrections and decisions, no day is paid twice by rapproche itself."""
    story = _told(facts, {"quantity_days": tolerance})
    most = {1: 0, 2: 0}
    for night in nights:
        most = {n: max(most[n], night.days[n - 1]) for n in most}
        found = story.night(night)
        positive = found.matches.filter(pl.col("invoiced_amount") > 0)
        assert positive.filter(pl.col("accepted_amount") < 0).is_empty()
        above = positive.filter(pl.col("accepted_amount") > pl.col("invoiced_amount"))
        assert above.is_empty()
        assert _beyond(story, most, tolerance) == []
        assert _left_over(story, found) == []
        assert _twice(story.standing, first=night is nights[0]).is_empty()


@pytest.mark.properties
@settings(max_examples=100)
@given(histories())
def test_decisions_on_bills_replay(facts: BillFacts) -> None:
    """Every row has the status that its inputs and policy give."""
    found = matched(facts)
    policies = dict(found.tolerances.iter_rows())
    replayed = {
        break_id: replay_bill(inputs, policies[break_id])
        for break_id, _, inputs in found.inputs.iter_rows()
    }
    assert replayed == dict(found.matches.select("break_id", "status").iter_rows())


def test_the_properties_see_payments() -> None:
    """The generated world can match: otherwise the properties above would say nothing."""
    facts = world(
        bills=[bill(amount=900, invoice_date=date(2026, 11, 5))],
        bill_lines=[bill_line(quantity=2)],
        cra_days=worked(days=10, duration="0.5"),
    )
    assert matched(facts).matches.get_column("status").to_list() == ["matched"]
