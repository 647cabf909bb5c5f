"""Which day of which CRA each invoice line uses, oldest first (reconciliation.md 2.2).

Receipts and what is taken of them lie on one axis of ten-thousandths of a day; where their spans
overlap, a receipt is consumed.
"""

import polars as pl

from transforms.suppliers.receipts import days, numbered

_DAY = ["cra", "date"]
# longer than any order line's days in ten-thousandths; eight million order lines fit beside it
_AXIS = 2**40

CONSUMPTION = [
    "cra_id",
    "date",
    "purchase_order_id",
    "po_line",
    "bill_id",
    "bill_line",
    "quantity",
]


def consume(receipts: pl.DataFrame, takes: pl.DataFrame, cras: pl.DataFrame) -> pl.DataFrame:
    """Which days each invoice line takes, the oldest first; a credit note gives back the newest.

    Args:
        receipts: as `receive` returns them.
        takes: `row` (order of the rows), `order_line`, `po_id`, `po_line`, `bill_id`,
            `bill_line`, `base` (consumed by what was settled before), `before`, `taken`, `place`
            (order in which they took).
        cras: the frame that `receive` was given.

    Returns:
        `recon.receipt_consumption` without `run_id`; negative quantities give days back.
    """
    spans = _spans(receipts, takes.filter(pl.col("taken") != 0))
    axis = _axis(receipts, takes.select("order_line", "base").unique())
    overlap = pl.min_horizontal("last", "end") - pl.max_horizontal("first", "begin")
    rows = (
        _overlapping(spans.filter(pl.col("first") < pl.col("last")), axis)
        .with_columns(overlap=overlap)
        .filter(pl.col("overlap") > 0)
        .with_columns(quantity=pl.col("overlap") * pl.col("sign"))
    )
    if receipts.get_column("pinned").any():
        # a day may stand twice on the axis: the part consumed before and the rest
        together = rows.group_by("row", "date", "cra").agg(pl.col("quantity").sum())
        rows = together.sort("row", "date", "cra")
    names = takes.select("row", "po_line", "bill_id", "bill_line", purchase_order_id="po_id")
    return (
        rows.select("row", "date", "cra", quantity=days(pl.col("quantity")))
        .with_columns(cra_id=numbered(cras).get_column("id").gather(rows.get_column("cra")))
        .join(names, on="row", how="left", maintain_order="left")
        .select(CONSUMPTION)
    )


def _spans(receipts: pl.DataFrame, takes: pl.DataFrame) -> pl.DataFrame:
    """The stretch of its order line that each take moves over: `first`, `last`, `sign`.

    What was consumed before stays so while no credit of this look gives it back, though credits
    of earlier looks have less matched.
    """
    pinned = receipts.filter("pinned").group_by("order_line").agg(kept=pl.col("quantity").sum())
    credit = (pl.col("taken") < 0).cast(pl.Int64)
    credits_so_far = credit.cum_sum().over("order_line")
    consumed = pl.max_horizontal(0, "base", "kept")
    low = [
        pl.when(given_back == 0).then(consumed).otherwise(0)
        for given_back in (credits_so_far - credit, credits_so_far)
    ]
    start = pl.max_horizontal("before", low[0])
    end = pl.max_horizontal(pl.col("before") + pl.col("taken"), low[1])
    return (
        takes.join(pinned, on="order_line", how="left")
        .sort("order_line", "place")
        .with_columns(
            first=pl.min_horizontal(start, end),
            last=pl.max_horizontal(start, end),
            sign=pl.col("taken").sign(),
        )
    )


def _axis(receipts: pl.DataFrame, bases: pl.DataFrame) -> pl.DataFrame:
    """Each receipt's place among those of its order line, what was consumed first.

    Where more was consumed than there is now, the rest of it stands before them.
    """
    ordered = receipts.join(bases, on="order_line").sort(
        "order_line", pl.col("pinned").not_(), "date", "cra"
    )
    pinned = pl.when("pinned").then(pl.col("quantity")).otherwise(0).sum().over("order_line")
    owed = pl.max_horizontal(0, pl.col("base") - pinned)
    end = pl.col("quantity").cum_sum().over("order_line") + owed
    return (
        ordered.with_columns(end=end)
        .with_columns(begin=pl.col("end") - pl.col("quantity"))
        .select("order_line", "cra", "date", "begin", "end")
        .with_row_index("receipt")
        .with_columns(pl.col("receipt").cast(pl.Int64))
    )


def _place(position: str) -> pl.Expr:
    """Order line and position on its axis as one number that sorts like the two."""
    return pl.col("order_line").cast(pl.Int64) * _AXIS + pl.col(position) + _AXIS // 2


def _overlapping(spans: pl.DataFrame, axis: pl.DataFrame) -> pl.DataFrame:
    """Every (line, receipt) whose stretches may overlap."""
    places = axis.select("receipt", place=_place("begin")).set_sorted("place")
    firsts = axis.group_by("order_line").agg(lowest=pl.col("receipt").min())

    def receipt_at(lines: pl.DataFrame, place: pl.Expr, name: str) -> pl.DataFrame:
        at = lines.with_columns(place=place).sort("place")
        return at.join_asof(places.rename({"receipt": name}), on="place").drop("place")

    found = spans.join(firsts, on="order_line")
    found = receipt_at(found, _place("first"), "from")
    found = receipt_at(found, _place("last") - 1, "upto")
    several = (
        found.filter(pl.col("upto") >= pl.col("lowest"))
        .sort("row")
        .select(
            "row",
            "first",
            "last",
            "sign",
            receipt=pl.int_ranges(pl.max_horizontal("from", "lowest"), pl.col("upto") + 1),
        )
        .explode("receipt")
    )
    days_taken = axis.select("cra", "date", "begin", "end")[several.get_column("receipt")]
    return pl.concat([several, days_taken], how="horizontal")
