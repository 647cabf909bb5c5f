"""What the rows of a bill amount to: holds, a person's decision, status (reconciliation.md 2.2).

| a person said | the bill |
|---|---|
| approved | its holds are dropped, but for those that nobody can override: it is accepted in full |
| approved, up to an amount below the bill's | likewise, as `partial`: that amount is accepted |
| rejected | is closed: nothing is planned, accepted or taken |

What a bill takes that a person accepted is all that it invoices: days that come later are not paid
a second time to another.
"""

import polars as pl

from transforms.money import MONEY, product
from transforms.overrides import APPROVED, REJECTED
from transforms.suppliers.po_holds import DYNAMIC, PAID_UNPROVEN, STATIC, held
from transforms.suppliers.po_quantities import UNLIMITED, outcome, take
from transforms.suppliers.po_tolerances import OFF
from transforms.suppliers.receipts import days, units

MATCHED, PARTIAL, PENDING, NOT_CHECKED, REVIEW = range(5)
STATUSES = ("matched", "partial", "pending_receipt", "not_checked", "review")
"""Statuses of a line, the worst last; a bill has that of its worst line."""

PROVEN_IN_PART = ["PRICE", "QTY_ORDERED", "QTY_RECEIVED", "LINE_TOTAL", "TOTAL"]
"""Holds of a bill that leave no doubt who sent it and what it is for."""

_CREDITS_FIRST = 2**40

APPROVED_NOW = pl.col("stands") & (pl.col("decision") == APPROVED)
REJECTED_NOW = pl.col("stands") & (pl.col("decision") == REJECTED)


def status_of(rank: pl.Expr) -> pl.Expr:
    """The name of a rank."""
    return rank.replace_strict(dict(enumerate(STATUSES)), return_dtype=pl.String)


def decide(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Holds, takes and status of every row.

    Args:
        rows: as `rows_to_decide` returns them, with the columns of `overrides.DECISION` and
            `made_on` (the holds that a person approved, as `{line}.{code}`).

    Returns:
        The rows with `before`, `taken`, `matchable`, `proven`, `given` (what a person accepts),
        `line_rank`, `rank`; the holds that stand; and all holds, those overridden included.
    """
    rows = rows.with_columns(
        wanted=units(pl.col("quantity")),
        limit=pl.when(pl.col("quantity_days") == OFF).then(UNLIMITED).otherwise("quantity_days"),
        given=_given(),
    )
    static = held(rows, STATIC)
    while True:
        taken = _taken(rows, standing_holds(static, rows))
        found = pl.concat([static, held(taken, DYNAMIC)])
        lapsed = _lapsed(rows, found).implode()
        if lapsed.explode().is_empty():
            break
        # what these gave up changes what others find open, and each round one approval fewer stands
        rows = rows.with_columns(stands=pl.col("stands") & ~pl.col("turn").is_in(lapsed))
    holds = standing_holds(found, taken)
    judged = ranked(taken, holds)
    claims = held(_paid(judged), (PAID_UNPROVEN,))
    claimed = claims.get_column("turn").implode()
    judged = judged.with_columns(claimed=pl.col("turn").is_in(claimed)).with_columns(
        rank=pl.when("claimed").then(REVIEW).otherwise("rank")
    )
    return judged, pl.concat([holds, claims]), found


def _given() -> pl.Expr:
    """What a person accepts of each line of a bill approved up to an amount: the first lines first.

    Credits beside count in full. Null where nobody said an amount below that of the bill.
    """
    amount = pl.col("amount")
    asked = pl.max_horizontal(amount, pl.lit(0).cast(MONEY))
    credited = pl.min_horizontal(amount, pl.lit(0).cast(MONEY)).sum().over("turn")
    left = pl.col("decision_amount") - credited - (asked.cum_sum() - asked).over("turn")
    share = pl.min_horizontal(asked, pl.max_horizontal(left, pl.lit(0).cast(MONEY)))
    return (
        pl.when(pl.col("decision_amount") < amount.sum().over("turn"))
        .then(pl.when(amount < 0).then(amount).otherwise(share))
        .cast(MONEY)
    )


def standing_holds(holds: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The holds that a person's decision leaves standing; a rejected bill has none."""
    if holds.is_empty():
        return holds
    approved = rows.filter(APPROVED_NOW).get_column("turn").unique().implode()
    closed = rows.filter(REJECTED_NOW).get_column("turn").unique().implode()
    return holds.filter(
        ~pl.col("turn").is_in(closed) & (~pl.col("turn").is_in(approved) | pl.col("stays"))
    )


def _lapsed(rows: pl.DataFrame, found: pl.DataFrame) -> pl.Series:
    """Bills that were approved with other holds than they have now."""
    approved = rows.filter(APPROVED_NOW).select("break_id", "bill_line", "made_on")
    if approved.is_empty():
        return found.get_column("turn").clear()
    line = pl.col("bill_line").cast(pl.String)
    return (
        found.join(approved, on="break_id")
        .filter(~(line + pl.lit(".") + pl.col("code")).is_in(pl.col("made_on")))
        .get_column("turn")
        .unique()
    )


def _taken(rows: pl.DataFrame, static: pl.DataFrame) -> pl.DataFrame:
    """The rows with what they find open and take; a bill with a hold of its own takes nothing.

    A credit note counts before all bills: what it credits is nobody's days to prove.

    One that money went out on takes what of it is proven, unless it is doubtful as a whole; one
    that is registered does even then, for it keeps what it consumed.
    """
    held_bills = static.get_column("turn").unique().implode()
    doubtful = static.filter(~pl.col("code").is_in(PROVEN_IN_PART)).get_column("turn")
    held = pl.col("turn").is_in(held_bills) & (~pl.col("paid_out") | (pl.col("wanted") < 0))
    free = pl.col("checked") & ~held & ~pl.col("turn").is_in(doubtful.unique().implode())
    lines = rows.filter(pl.col("order_line").is_not_null() & pl.col("wanted").is_not_null()).select(
        "row",
        "order_line",
        "ordered",
        "base",
        "wanted",
        turn=pl.when(pl.col("wanted").max().over("turn") < 0)
        .then(pl.col("turn") - _CREDITS_FIRST)
        .otherwise("turn"),
        closed=pl.col("closed") & ~APPROVED_NOW.fill_null(value=False),
        claimed=pl.col("paid"),
        live=(free & ~REJECTED_NOW.fill_null(value=False))
        | (pl.col("on_file") & (pl.col("wanted") >= 0)),
        paid=pl.col("paid_out") | pl.col("on_file"),
        received=pl.col("received").fill_null(0),
        limit=pl.when(APPROVED_NOW).then(UNLIMITED).otherwise("limit"),
    )
    found = _take_registered(lines).select("row", "before", "taken", place="turn")
    return judged_quantities(
        rows.join(found, on="row", how="left", maintain_order="left")
    ).with_columns(bill_over=pl.col("over").fill_null(value=False).any().over("turn"))


def credited() -> pl.Expr:
    """Whether a bill has more days than are ordered and received, and credit notes cover them."""
    proven = pl.min_horizontal("ordered", pl.col("received").fill_null(0))
    leans = (pl.col("before") < 0) & (proven + pl.col("limit") < pl.col("wanted"))
    return leans.fill_null(value=False).any().over("turn") & ~APPROVED_NOW.fill_null(value=False)


def judged_quantities(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with what `before` leaves open for them, as days."""
    received = pl.col("received").fill_null(0)
    return rows.with_columns(outcome(pl.col("before"), received)).with_columns(
        room=days(pl.col("ordered") - pl.col("before")),
        open_receipt=days(received - pl.col("before")),
        matchable=days(pl.col("matchable")),
    )


def _take_registered(lines: pl.DataFrame) -> pl.DataFrame:
    """What the lines take, where no bill that waits or is to be claimed back gives days back.

    Such a bill is not accepted, so what it credits beside must not be paid to another. Each round
    bars more credits and opens no day, so it ends.
    """
    while True:
        found = take(lines)
        nothing = pl.col("short") & (pl.col("matchable") <= 0)
        unproven = pl.col("claimed") & (pl.col("short") | pl.col("over"))
        waits = (nothing | unproven).any().over("turn")
        early = found.filter(waits & (pl.col("taken") < 0)).get_column("row")
        if early.is_empty():
            return found
        lines = lines.with_columns(live=pl.col("live") & ~pl.col("row").is_in(early.implode()))


def ranked(rows: pl.DataFrame, holds: pl.DataFrame) -> pl.DataFrame:
    """The rows with `proven`, the rank of each line, and that of the worst line of its bill.

    Args:
        rows: rows with what they find open and a person's decision.
        holds: `break_id`, `code` of the holds that stand.
    """
    codes = holds.group_by("break_id").agg(
        only_receipt=(pl.col("code") == "QTY_RECEIVED").all(),
        claimable=pl.col("code").is_in(PROVEN_IN_PART).all(),
    )
    whole = pl.col("amount") < 0
    proven = pl.when(whole).then("amount").otherwise(product(pl.col("matchable"), pl.col("price")))
    in_part = APPROVED_NOW & pl.col("given").is_not_null()
    rank = (
        pl.when(~pl.col("checked"))
        .then(NOT_CHECKED)
        .when(REJECTED_NOW)
        .then(REVIEW)
        .when(pl.col("only_receipt").is_null() & in_part)
        .then(PARTIAL)
        .when(pl.col("only_receipt").is_null())
        .then(MATCHED)
        .when(pl.col("only_receipt") & (pl.col("matchable") > 0))
        .then(PARTIAL)
        .when("only_receipt")
        .then(PENDING)
        .otherwise(REVIEW)
    )
    return (
        rows.join(codes, on="break_id", how="left", maintain_order="left")
        .with_columns(
            proven=pl.when(pl.col("order_line").is_not_null()).then(proven), line_rank=rank
        )
        .with_columns(rank=pl.col("line_rank").max().over("turn"))
    )


def unproven() -> pl.Expr:
    """Whether a bill is paid and not proven, so that a person has to claim."""
    closed = REJECTED_NOW.fill_null(value=False)
    return pl.col("paid") & (pl.col("rank") > MATCHED) & (pl.col("bill_amount") > 0) & ~closed


def _paid(judged: pl.DataFrame) -> pl.DataFrame:
    """Paid bills that are not proven, with what of them is: the rest is to claim back.

    Nothing counts as proven of a bill that is held for who sent it or what it is for. What a paid
    bill has taken stays taken: its days must not be paid again to another.
    """
    claimable = pl.col("claimable").fill_null(value=True).all().over("turn")
    price = pl.min_horizontal("price", "unit_price")
    of_line = (
        pl.when(APPROVED_NOW & pl.col("given").is_not_null())
        .then("given")
        .when(pl.col("amount") < 0)
        .then("amount")
        .otherwise(product(pl.col("matchable"), price))
    )
    proven = of_line.fill_null(0).sum().over("turn").cast(MONEY)
    return judged.filter(unproven()).with_columns(
        bill_proven=pl.when(claimable).then(proven).otherwise(pl.lit(0).cast(MONEY))
    )


def accepted() -> pl.Expr:
    """What may be paid of the line, never more than it asks; nothing while its bill waits."""
    return (
        pl.when(pl.col("rank") > PARTIAL)
        .then(pl.lit(0).cast(MONEY))
        .when(APPROVED_NOW & pl.col("given").is_not_null())
        .then("given")
        .when(pl.col("line_rank") == MATCHED)
        .then("amount")
        .otherwise(pl.min_horizontal("proven", "amount"))
    )
