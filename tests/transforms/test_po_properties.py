"""What holds for any history of orders, receipts, invoices, credit notes and decisions.

Each example judges several worlds at once (supplier_histories.py).
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.supplier_facts import (
    NOVEMBER,
    bill,
    bill_line,
    frame,
    matched,
    worked,
    world,
)
from tests.transforms.supplier_histories import (
    HISTORIES,
    TWO_DAYS,
    History,
    facts_of,
    half_days,
    tuples,
)
from tests.worlds import as_many_worlds, side_by_side
from transforms.overrides import OVERRIDES
from transforms.suppliers.po_matching import BillFacts, BillMatching
from transforms.suppliers.po_replay import replay_bill

ON = datetime(2026, 12, 10, tzinfo=UTC)
NONE = Decimal(0)
NOTHING = matched(world())


@dataclass(frozen=True)
class Night:
    """What changes before a look: bills that came, days that count, what a person says."""

    more: int
    days: tuple[int, int]
    said: dict[int, str]


SAID = st.sampled_from([{}, {}, {}, {}, {0: "approved"}, {1: "rejected"}])
NIGHTS = tuples(
    st.builds(
        Night,
        more=st.integers(0, 9),
        days=TWO_DAYS,
        said=st.dictionaries(
            st.integers(0, 4), st.sampled_from(["approved", "up to 400", "rejected"]), max_size=1
        ),
    ),
    2,
)


def _shuffled(facts: BillFacts, random: Random) -> BillFacts:
    frames: dict[str, Any] = {
        name: value.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
        for name, value in vars(facts).items()
        if isinstance(value, pl.DataFrame) and not value.is_empty()
    }
    return replace(facts, **frames)


def _said(found: BillMatching, said: list[dict[int, str]]) -> pl.DataFrame:
    """A person's decisions on each world's bills as they stand in a look."""
    prints = dict(found.inputs.select("break_id", "fingerprint").iter_rows())
    told = [(f"bill/B{k}.{n}", word) for k, one in enumerate(said) for n, word in one.items()]
    rows = [
        {
            "break_id": bill_id,
            "decision": "rejected" if decision == "rejected" else "approved",
            "amount": Decimal(400) if decision == "up to 400" else None,
            "fingerprint": prints[f"{bill_id}/1"],
            "decided_by": "Ann",
            "reason": "agreed",
            "decided_at": ON,
        }
        for bill_id, decision in told
        if f"{bill_id}/1" in prints
    ]
    return pl.DataFrame(rows, schema=OVERRIDES, orient="row")


@pytest.mark.properties
@as_many_worlds()
@given(side_by_side(st.tuples(HISTORIES, SAID)), st.randoms())
def test_p27_row_order_decides_nothing_of_bills(
    worlds: list[tuple[History, dict[int, str]]], random: Random
) -> None:
    """The same rows in another order give the same matches, holds, consumption and inputs."""
    facts = facts_of([history for history, _ in worlds])
    said = [words for _, words in worlds]
    decided = replace(facts, overrides=_said(matched(facts), said)) if any(said) else facts
    one, two = matched(decided), matched(_shuffled(decided, random))
    for name in ("matches", "holds", "consumption", "links", "tolerances", "decided", "inputs"):
        assert getattr(one, name).equals(getattr(two, name))


@dataclass
class _Story:
    """Several looks in a row: what matched is flagged, what is partial registered, as in a night.

    `rows` and `consumed` are what was written of every bill, `standing` all consumption as the
    warehouse has it, `moved` the bills that a person decided on, `upto` until when each world's
    bills have come.
    """

    facts: BillFacts
    tolerance: dict[str, Any]
    upto: list[date]
    rows: pl.DataFrame = field(default_factory=lambda: NOTHING.matches)
    consumed: pl.DataFrame = field(default_factory=lambda: NOTHING.consumption)
    waiting: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    standing: pl.DataFrame = field(default_factory=pl.DataFrame)

    def night(self, nights: list[Night]) -> BillMatching:
        """One look, what is written of it, and what a person says for the next one."""
        self.upto = [
            upto + timedelta(days=one.more) for upto, one in zip(self.upto, nights, strict=True)
        ]
        dates = {f"V{k}": upto for k, upto in enumerate(self.upto)}
        came = pl.col("invoice_date") <= pl.col("vendor_id").replace_strict(
            dates, return_dtype=pl.Date
        )
        here = replace(
            self.facts,
            bills=self.facts.bills.filter(came),
            cra_days=frame("core.cra_days", half_days([one.days for one in nights])),
            settled=self.rows,
            consumed=self.consumed,
            waiting=self.waiting,
            supplier_invoices=self._registered(),
        )
        found = matched(here, self.tolerance)
        if any(one.said for one in nights):
            said = _said(found, [one.said for one in nights])
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
                    "supplier_id": row["supplier_id"],
                    "reference": row["invoice_number"],
                    "status": "registered"
                    if row["bill_id"] in self.waiting
                    else "flagged_for_payment",
                }
                for row in ours.to_dicts()
            ],
        )


def _accepted_days() -> pl.Expr:
    """Days of a line that is paid: all of a matched one, what is proven of a short one."""
    short = (pl.col("status") == "partial") & (pl.col("holds").list.len() > 0)
    return pl.when(short).then("matchable_qty").otherwise("invoiced_qty")


def _beyond(story: _Story, most: dict[tuple[str, int], int], limit: list[int]) -> list[Any]:
    """Order lines of which rapproche by itself accepted more than ordered and ever received."""
    lines = story.facts.purchase_order_lines.to_dicts()
    ordered = {(row["purchase_order_id"], row["line_no"]): row["estimated_days"] for row in lines}
    # A credit frees days whoever accepted it.
    alone = story.rows.filter(
        (pl.col("accepted_amount") != 0)
        & (~pl.col("bill_id").is_in(story.moved) | (pl.col("accepted_amount") < 0))
        & pl.col("po_line").is_not_null()
    )
    paid = _by_line(alone, _accepted_days())
    limits = {f"id-PO{k}": days for k, days in enumerate(limit)}
    ceiling = {at: min(ordered[at], Decimal(most[at]) / 2) + limits[at[0]] for at in ordered}
    return [(at, days, ceiling[at]) for at, days in paid.items() if days > ceiling[at]]


def _by_line(rows: pl.DataFrame, days: pl.Expr) -> dict[Any, Decimal]:
    """Days of each order and line."""
    summed = rows.group_by("po_id", "po_line").agg(days.sum().alias("days"))
    return {(po, line): found for po, line, found in summed.iter_rows()}


def _left_over(story: _Story, found: BillMatching) -> list[Any]:
    """Order lines on which a bill waits for days, while fewer are taken than are received.

    Credit notes of days that were never proven would leave it so: the days would be paid again.
    A line of credit on an invoice counts only with that invoice, which may come later. What is paid
    keeps its days, proven or not.
    """
    beside = (pl.col("invoiced_amount") > 0).any().over("bill_id") & (pl.col("invoiced_amount") < 0)
    apart = set(found.matches.filter(beside).select("po_id", "po_line").iter_rows())
    bills = story.facts.bills
    paid = pl.col("bill_id").is_in(bills.filter(status="paid").get_column("id").implode())
    waits = ((pl.col("status") == "pending_receipt") | paid) & (pl.col("invoiced_amount") > 0)
    held = pl.when(pl.col("holds").list.len() > 0).then("matchable_qty").otherwise("invoiced_qty")
    short = found.matches.filter(
        (pl.col("status") == "partial") & pl.col("holds").list.contains("QTY_RECEIVED")
    )
    taken = Counter(_by_line(found.matches.filter(waits), held))
    lines = story.rows.filter(pl.col("po_line").is_not_null())
    taken.update(_by_line(lines, _accepted_days()))
    received = {
        (po, line): days
        for po, line, days in short.select("po_id", "po_line", "received_qty").iter_rows()
        if (po, line) not in apart
    }
    return [(at, taken[at], days) for at, days in received.items() if taken[at] < days]


def _twice(standing: pl.DataFrame, *, first: bool) -> pl.DataFrame:
    """Days of which more was consumed than was ever worked, or less than nothing in one look.

    A credit that was written gave back days of a bill that later looks may leave out again.
    """
    spent = standing.group_by("cra_id", "date").agg(pl.col("quantity").sum())
    least = NONE if first else Decimal(-99)
    return spent.filter(~pl.col("quantity").is_between(least, Decimal("0.5")))


def _looks(worlds: list[tuple[Night, ...]]) -> list[list[Night]]:
    """What each look sees of each world: one whose nights are over brings nothing new."""
    looks = range(max(len(nights) for nights in worlds))
    return [
        [nights[look] if look < len(nights) else Night(0, nights[-1].days, {}) for nights in worlds]
        for look in looks
    ]


@pytest.mark.properties
@as_many_worlds()
@given(side_by_side(st.tuples(HISTORIES, NIGHTS, st.sampled_from([0, 1]))))
def test_p28_nothing_is_accepted_beyond_order_and_receipt(
    worlds: list[tuple[History, tuple[Night, ...], int]],
) -> None:
    """Over any nights, corrections and decisions, no day is paid twice by rapproche itself."""
    histories, told, limit = (list(each) for each in zip(*worlds, strict=True))
    by_supplier = {f"S{k}": {"quantity_days": days} for k, days in enumerate(limit)}
    story = _Story(facts_of(histories), {"supplier": by_supplier}, [NOVEMBER] * len(worlds))
    looks = _looks(told)
    most: Counter[tuple[str, int]] = Counter()
    for nights in looks:
        most |= Counter(
            {(f"id-PO{k}", n): one.days[n - 1] for k, one in enumerate(nights) for n in (1, 2)}
        )
        found = story.night(nights)
        positive = found.matches.filter(pl.col("invoiced_amount") > 0)
        assert positive.filter(pl.col("accepted_amount") < 0).is_empty()
        above = positive.filter(pl.col("accepted_amount") > pl.col("invoiced_amount"))
        assert above.is_empty()
        assert _beyond(story, most, limit) == []
        assert _left_over(story, found) == []
        assert _twice(story.standing, first=nights is looks[0]).is_empty()


@pytest.mark.properties
@as_many_worlds(100)
@given(side_by_side(HISTORIES))
def test_decisions_on_bills_replay(histories: list[History]) -> None:
    """Every row has the status that its inputs and policy give."""
    found = matched(facts_of(histories))
    policies = dict(found.tolerances.iter_rows())
    replayed = {
        break_id: replay_bill(inputs, policies[break_id])
        for break_id, _, inputs in found.inputs.iter_rows()
    }
    assert replayed == dict(found.matches.select("break_id", "status").iter_rows())


@pytest.mark.properties
@as_many_worlds(50)
@given(side_by_side(HISTORIES))
def test_worlds_side_by_side_are_decided_as_alone(histories: list[History]) -> None:
    """No supplier's bills, orders or days change what becomes of another's."""
    together = matched(facts_of(histories))
    facts = facts_of(histories)
    for k in range(len(histories)):
        alone = matched(replace(facts, bills=facts.bills.filter(vendor_id=f"V{k}")))
        assert alone.matches.equals(together.matches.filter(vendor_id=f"V{k}"))
        held = together.holds.join(alone.matches, on="break_id", how="semi")
        assert alone.holds.equals(held)
        taken = together.consumption.join(alone.matches, on="bill_id", how="semi")
        assert alone.consumption.equals(taken)


def test_the_properties_see_payments() -> None:
    """The generated world can match: otherwise the properties above would say nothing."""
    facts = world(
        bills=[bill(amount=900, invoice_date=date(2026, 11, 5))],
        bill_lines=[bill_line(quantity=2)],
        cra_days=worked(days=10, duration="0.5"),
    )
    assert matched(facts).matches.get_column("status").to_list() == ["matched"]
