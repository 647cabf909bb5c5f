"""What each invoice line takes of its order line and of the receipts (reconciliation.md 2.2).

Bills are decided in their order, credit notes first: a line sees what the lines before it have
taken, and a credit note is used up by what waits before its days go to a later bill. A bill with a
line beyond the open order is held and then takes nothing at all, so a bill with lines on several
order lines couples them. Said over whole frames instead of bill by bill:

- Matched so far is a running sum of the takes. It counts credit notes in full, so it is below zero
  where more is credited than was taken: that covers what a bill invoices without receipts, and the
  days that it has stay its own. The ceiling is in the takes: without a tolerance a line takes
  `min(wanted, received - M)`.
- What a line takes is known as an interval. At first a line takes between nothing and all that it
  wants. Each round sums the low and the high ends (the sum grows with each take, so they bound
  what is matched before each line) and narrows: a line that fits under the high end takes all, one
  that does not fit over the low end is cut, a bill held over the low end takes nothing.

Correct: every round keeps the true takes inside the intervals. Ends: of the lines that are still
open the first bill's have nothing open before them, both ends agree there and decide it. Only
order lines with something open are looked at again, and in practice three rounds do.
"""

import polars as pl

UNLIMITED = 2**62
"""A tolerance that is `off`, in ten-thousandths of a day."""

_WANTED = pl.col("wanted")
_POSITIVE = pl.col("wanted") > 0
_LINE = "order_line"


def take(lines: pl.DataFrame) -> pl.DataFrame:
    """What each line finds open and takes.

    Args:
        lines: one row a bill line with an order line, in any row order, all quantities as Int64
            ten-thousandths of a day: `turn` (order of the bills, from 0), `order_line` (a bill has
            at most one line on each), `wanted` (invoiced; negative for a credit), `live` (false
            where the bill is held for another reason), `ordered`, `received`, `base` (matched by
            what was settled before, below zero where more was credited), `limit` (tolerance,
            `UNLIMITED` when off), `closed` (whether the order is closed), `paid` (money went out:
            cut to what is open and never held, for its days must not be paid again to another).

    Returns:
        The rows sorted by `order_line`, `turn`, with `before` (matched and consumed before the
        line), `over` (beyond the open order), `nothing_open` (closed order with nothing open),
        `short` (beyond the open receipts), `matchable` and `taken`.
    """
    ordered = lines.sort(_LINE, "turn")
    open_lines = _first_bounds(ordered)
    known = [open_lines.clear().select(_LINE, "turn", "high")]
    while not open_lines.is_empty():
        open_lines = _narrowed(open_lines)
        unknown = (~pl.col("decided") | (pl.col("low") < pl.col("high"))).any().over(_LINE)
        open_lines = open_lines.with_columns(unknown=unknown)
        known.append(open_lines.filter(~pl.col("unknown")).select(_LINE, "turn", "high"))
        open_lines = open_lines.filter("unknown")
    taken = pl.concat(known).sort(_LINE, "turn").get_column("high")
    return (
        ordered.with_columns(taken=taken)
        .with_columns(before=matched_before(pl.col("taken")))
        .with_columns(outcome(pl.col("before"), pl.col("received")))
    )


def matched_before(takes: pl.Expr) -> pl.Expr:
    """Days of the order line matched before each line, for rows sorted by order line and turn."""
    return pl.col("base") + takes.cum_sum().over(_LINE) - takes


def _first_bounds(lines: pl.DataFrame) -> pl.DataFrame:
    may_take = pl.when("live").then(_WANTED).otherwise(0)
    return lines.with_columns(
        low=pl.min_horizontal(may_take, 0),
        high=pl.max_horizontal(may_take, 0),
        decided=~pl.col("live"),
        held=~pl.col("live"),
    )


def _ceiling() -> pl.Expr:
    return pl.when("paid").then(pl.min_horizontal("ordered", "received")).otherwise("received")


def _over(before: pl.Expr) -> pl.Expr:
    """Whether the line asks for more than the order leaves, or a closed order leaves nothing."""
    room = pl.col("ordered") - before
    return _POSITIVE & ((room + pl.col("limit") < _WANTED) | (pl.col("closed") & (room <= 0)))


def _cut(before: pl.Expr) -> pl.Expr:
    return pl.max_horizontal(0, _ceiling() - before)


def _narrowed(lines: pl.DataFrame) -> pl.DataFrame:
    """One round: tighter bounds of every line that is still open."""
    low, high = pl.col("before_low"), pl.col("before_high")
    bounds = lines.with_columns(
        before_low=matched_before(pl.col("low")),
        before_high=matched_before(pl.col("high")),
    )
    # a bill of one line is its line: no window is needed
    alone = not lines.get_column("turn").is_duplicated().any()
    beyond = (_over(before) & ~pl.col("paid") for before in (low, high))
    over, may_be_over = (x if alone else x.any().over("turn") for x in beyond)
    judged = bounds.with_columns(
        held=pl.col("held") | over,
        passed=~may_be_over,
    ).with_columns(decided=pl.col("decided") | pl.col("held") | pl.col("passed"))
    fits = _ceiling() - high + pl.col("limit") >= _WANTED
    cut = _ceiling() - low + pl.col("limit") < _WANTED
    least = pl.when(fits).then(_WANTED).otherwise(pl.min_horizontal(_WANTED, _cut(high)))
    most = pl.when(cut).then(pl.min_horizontal(_WANTED, _cut(low))).otherwise(_WANTED)
    unsure = pl.when("decided")
    return judged.with_columns(
        low=pl.when("held")
        .then(0)
        .otherwise(pl.when(_POSITIVE).then(unsure.then(least).otherwise(0)).otherwise(_WANTED)),
        high=pl.when("held")
        .then(0)
        .otherwise(pl.when(_POSITIVE).then(most).otherwise(unsure.then(_WANTED).otherwise(0))),
    )


def outcome(before: pl.Expr, received: pl.Expr) -> list[pl.Expr]:
    """What a line finds when `before` was taken: `over`, `nothing_open`, `short`, `matchable`."""
    room, receipts = pl.col("ordered") - before, received - before
    matchable = pl.max_horizontal(0, pl.min_horizontal(_WANTED, room, receipts))
    return [
        (_POSITIVE & (room + pl.col("limit") < _WANTED)).alias("over"),
        (_POSITIVE & pl.col("closed") & (room <= 0)).alias("nothing_open"),
        (_POSITIVE & (receipts + pl.col("limit") < _WANTED)).alias("short"),
        pl.when(_POSITIVE).then(matchable).otherwise(_WANTED).alias("matchable"),
    ]
