"""What explains a gap, with its evidence: the form of every cause, and which of several counts."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from transforms.money import DAYS

CAUSES: dict[str, Any] = {
    "break_id": pl.String(),
    "cause": pl.String(),
    "side": pl.String(),
    "days": DAYS,
    "dates": pl.List(pl.Date()),
    "others": pl.List(pl.String()),
    "ids": pl.List(pl.String()),
}
"""A cause of a break with its evidence.

`side` is who has the days in question (`client`, `cra`, of a swap also `both`), `days` how many
they are, `dates` which, `others` the names of people, clients, contracts or bills concerned, `ids`
their CRAs, bills or rows.
"""
CAUSE_ORDER = (
    "mission_end",
    "mission_start",
    "public_holiday",
    "absence",
    "draft_elsewhere",
    "second_mission",
    "half_days",
    "neighbouring_month",
    "swap",
    "receipt_not_validated",
    "receipt_used",
    "outside_order_dates",
    "receipt_missing",
    "other_order_price",
    "earlier_bill_price",
)


def said(rows: pl.DataFrame, cause: str, **told: Any) -> pl.DataFrame:
    """The rows as evidence of a cause: CAUSES and `facts`, how many facts it takes."""
    columns = {
        "cause": pl.lit(cause),
        "side": pl.when(pl.col("gap") > 0).then(pl.lit("client")).otherwise(pl.lit("cra")),
        "days": pl.col("gap"),
        "dates": pl.lit([], dtype=pl.List(pl.Date)),
        "others": pl.lit([], dtype=pl.List(pl.String)),
        "ids": pl.lit([], dtype=pl.List(pl.String)),
        "facts": pl.lit(1),
    } | {name: pl.col(value) if isinstance(value, str) else value for name, value in told.items()}
    columns["days"] = columns["days"].abs()
    return rows.select(
        "break_id",
        *(
            columns[name].cast(dtype).alias(name)
            for name, dtype in CAUSES.items()
            if name in columns
        ),
        columns["facts"].cast(pl.Int64).alias("facts"),
    )


def summed(lines: pl.DataFrame, cause: str, *also: str, **told: Any) -> pl.DataFrame:
    """The rows whose gap is exactly the sum of these lines, by row and the columns of `also`."""
    sums = lines.group_by("break_id", "gap", *also).agg(
        total=pl.col("quantity").sum().cast(DAYS), date=pl.col("date").unique().sort()
    )
    exact = sums.filter(pl.col("total") == pl.col("gap").abs())
    return said(exact, cause, **({"dates": "date", "facts": pl.col("date").list.len()} | told))


def best(found: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Of each row the cause with the fewest facts, then by order, then by what it names."""
    every = pl.concat(found)
    rank = pl.col("cause").replace_strict({cause: at for at, cause in enumerate(CAUSE_ORDER)})
    named = pl.concat_list("others", "ids", pl.col("dates").cast(pl.List(pl.String))).list.join(" ")
    return (
        every.sort("break_id", "facts", rank, named)
        .unique("break_id", keep="first", maintain_order=True)
        .drop("facts")
    )
