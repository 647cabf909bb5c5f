"""What holds for any history of orders, receipts, invoices and credit notes."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.supplier_facts import (
    NOVEMBER,
    bill,
    bill_line,
    cra,
    matched,
    order_line,
    worked,
    world,
)
from transforms.po_matching import BillFacts

TOLERANCE = Decimal(1)


@st.composite
def histories(draw: st.DrawFn) -> BillFacts:
    """Two order lines of two people, their days, and bills over one or both."""
    days = st.integers(0, 10)
    orders = [
        order_line(line_no=n, consultant_id=f"C{n}", consultant=None, estimated_days=draw(days))
        for n in (1, 2)
    ]
    reports = [cra(f"R{n}", f"C{n}") for n in (1, 2)]
    worked_days = [d for n in (1, 2) for d in worked(f"R{n}", draw(days), duration="0.5")]
    bills, lines = [], []
    for number in range(draw(st.integers(1, 6))):
        quantities = [draw(st.sampled_from([1, 2, 4, "2.5", -1])) for _ in range(2)]
        prices = draw(st.sampled_from([(450, 450), (450, 500)]))
        mine = [
            bill_line(f"B{number}", q, p, line_no=n)
            for n, (q, p) in enumerate(zip(quantities, prices, strict=True), start=1)
        ]
        lines += mine
        total = sum(line["amount"] for line in mine)
        on = NOVEMBER + timedelta(days=draw(st.integers(0, 9)))
        bills.append(bill(f"B{number}", amount=total, invoice_date=on))
    return world(
        bills=bills,
        bill_lines=lines,
        purchase_order_lines=orders,
        cras=reports,
        cra_days=worked_days,
    )


def _shuffled(facts: BillFacts, random: Random) -> BillFacts:
    frames = {
        name: value.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
        for name, value in vars(facts).items()
        if isinstance(value, pl.DataFrame) and not value.is_empty()
    }
    return replace(facts, **frames)


@settings(max_examples=6, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_p27_row_order_decides_nothing(facts: BillFacts, random: Random) -> None:
    """The same rows in another order give the same matches, holds and consumption."""
    one, two = matched(facts), matched(_shuffled(facts, random))
    for name in ("matches", "holds", "consumption", "links", "tolerances"):
        assert getattr(one, name).equals(getattr(two, name))


def _worst(facts: BillFacts, rows: pl.DataFrame, consumption: pl.DataFrame) -> list[Any]:
    """Accepted and consumed days of each order line beside what was ordered and received."""
    paid = rows.filter(pl.col("accepted_amount") != 0).with_columns(
        days=pl.when(pl.col("status") == "matched")
        .then("invoiced_qty")
        .otherwise(
            pl.when(pl.col("holds").list.len() > 0).then("matchable_qty").otherwise("invoiced_qty")
        )
    )
    accepted = paid.group_by("po_line").agg(
        pl.col("days").sum(), pl.col("ordered_qty").first(), pl.col("received_qty").first()
    )
    over = accepted.filter(
        pl.col("days") > pl.min_horizontal("ordered_qty", "received_qty") + TOLERANCE
    )
    worked_out = facts.cra_days.select("cra_id", "date", "duration")
    spent = consumption.group_by("cra_id", "date").agg(pl.col("quantity").sum())
    twice = spent.join(worked_out, on=["cra_id", "date"], how="left").filter(
        (pl.col("quantity") > pl.col("duration")) | (pl.col("quantity") < 0)
    )
    return over.rows() + twice.rows()


@settings(max_examples=8, deadline=None)
@given(histories(), st.sampled_from([0, 1]), st.integers(0, 9))
def test_p28_nothing_is_accepted_beyond_order_and_receipt(
    facts: BillFacts, tolerance: int, first_days: int
) -> None:
    """In one look or in two with the first one's bills settled, no day is paid twice."""
    limits = {"quantity_days": tolerance}
    cut = NOVEMBER + timedelta(days=first_days)
    early = replace(facts, bills=facts.bills.filter(pl.col("invoice_date") <= cut))
    first = matched(early, limits)
    settled = first.matches.filter(pl.col("status").is_in(["matched", "partial"]))
    consumed = first.consumption.join(settled, on="bill_id", how="semi")
    second = matched(replace(facts, settled=settled, consumed=consumed), limits)
    rows = pl.concat([settled, second.matches])
    assert _worst(facts, rows, pl.concat([consumed, second.consumption])) == []
    positive = rows.filter(pl.col("invoiced_amount") > 0)
    assert positive.filter(pl.col("accepted_amount") < 0).is_empty()


def test_the_properties_see_payments() -> None:
    """The generated world can match: otherwise the properties above would say nothing."""
    facts = world(
        bills=[bill(amount=900, invoice_date=date(2026, 11, 5))],
        bill_lines=[bill_line(quantity=2)],
        cra_days=worked(days=10, duration="0.5"),
    )
    assert matched(facts).matches.get_column("status").to_list() == ["matched"]
