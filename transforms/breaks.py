"""Breaks: what every mismatch and hold is over time (reconciliation.md 4).

A break has the id of the row that it keeps back, so the same cause has the same id in every run.
Its euros are its own: what one cause keeps back stands on one break, so that open breaks add up.

| seen on | euros stand on | the others carry |
|---|---|---|
| several holds of one row | the row, the largest of them | – |
| a hold of a whole bill, beside holds of its lines | its first line, never more than the bill | 0 |
| a line without a hold of its own, in a bill that is held | the lines that are held | 0 |
| a name that is not told, and CRAs of its candidates that nobody declared | the name | 0 |
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl

from transforms.money import MONEY, product
from transforms.overrides import APPROVED, DECISION

INSTANT = pl.Datetime("us", "UTC")
NOT_CHECKED = "not_checked"
OPEN, CLOSED, OVERRIDDEN = "open", "closed", "overridden"
FILE_REMOVED = "file removed"

_FOUND: dict[str, Any] = {
    "break_id": pl.String(),
    "kind": pl.String(),
    "code": pl.String(),
    "subject_id": pl.String(),
    "period": pl.String(),
    "owner": pl.String(),
    "amount_at_stake": MONEY,
    "currency": pl.String(),
}
BREAKS = _FOUND | {
    "status": pl.String(),
    "first_seen_at": INSTANT,
    "last_seen_at": INSTANT,
    "closed_at": INSTANT,
    "closing_fact": pl.String(),
    "times_seen": pl.Int32(),
}
STANDING: dict[str, Any] = {"break_id": pl.String()} | DECISION
"""A person's decisions that stand, as `overrides.standing` gives them."""
_CONSULTANT_ACTS = ["over_reported", "under_reported", "missing_cra", "CRA_NOT_SUBMITTED"]
_SEVERITIES = ["info", "warning", "error", "critical"]
_OF_A_WHOLE_BILL = [
    "SUPPLIER_UNKNOWN",
    "SUPPLIER_UNCONFIRMED",
    "DUPLICATE",
    "INVOICE_CANCELLED",
    "NUMBER_MISSING",
    "BANK_CHANGED",
    "NOT_APPROVED",
    "PAID_UNPROVEN",
]
_NAMES_NOT_TOLD = ["NAME_AMBIGUOUS", "MISSING_ENTRY"]
_NOTHING = pl.lit(0).cast(MONEY)


def found(cra_matches: pl.DataFrame, po_matches: pl.DataFrame, holds: pl.DataFrame) -> pl.DataFrame:
    """The breaks that the rows and holds of one look amount to.

    Rows that were not checked say nothing: their breaks stay as they were.

    Args:
        cra_matches: `recon.cra_matches` of this look.
        po_matches: `recon.po_matches` of this look.
        holds: `recon.holds` of this look, those without a row included.

    Returns:
        Columns of `recon.breaks` that a look tells, one row a break, sorted by id.
    """
    gravest = _gravest(holds)
    rows = pl.concat(
        [
            _client_breaks(cra_matches, gravest, _candidates(cra_matches, holds)),
            _supplier_breaks(po_matches, gravest, _whole_bills(po_matches, holds)),
        ]
    )
    silent = pl.concat([cra_matches.select("break_id"), po_matches.select("break_id")])
    loose = _loose_breaks(gravest.join(silent, on="break_id", how="anti"))
    return pl.concat([rows, loose]).sort("break_id")


def _gravest(holds: pl.DataFrame) -> pl.DataFrame:
    ranked = holds.with_columns(
        rank=pl.col("severity").replace_strict(_SEVERITIES, range(4), return_dtype=pl.Int8)
    )
    return (
        ranked.sort("rank", "code", descending=[True, False])
        .group_by("break_id", maintain_order=True)
        .agg(
            pl.col("code", "subject", "subject_id", "currency").first(),
            pl.col("amount_at_stake").max().alias("held_amount"),
        )
    )


def _candidates(matches: pl.DataFrame, holds: pl.DataFrame) -> pl.DataFrame:
    """CRAs that nobody declared of people who may be meant by a name that is not told."""
    rows = matches.select("break_id", "period", "client_id")
    names = holds.filter(pl.col("code").is_in(_NAMES_NOT_TOLD)).select("break_id", "detail")
    untold = rows.join(names, on="break_id").drop("break_id").drop_nulls()
    asked = pl.concat_str(pl.lit("("), "consultant_id", pl.lit(")"))
    return (
        matches.filter(pl.col("outcome") == "undeclared")
        .join(untold, on=["period", "client_id"])
        .filter(pl.col("detail").str.contains(asked, literal=True))
        .select("break_id")
        .unique()
    )


def _client_breaks(
    matches: pl.DataFrame, gravest: pl.DataFrame, meant: pl.DataFrame
) -> pl.DataFrame:
    days = pl.coalesce("difference_days", "declared_days", "cra_days")
    moved = pl.when(pl.col("difference_days") == 0).then(pl.col("declared_days")).otherwise(days)
    broken = matches.filter(
        (pl.col("outcome") != NOT_CHECKED)
        & ((pl.col("outcome") != "matched") | (pl.col("holds").list.len() > 0))
    ).join(gravest.drop("currency", "subject", "subject_id"), on="break_id", how="left")
    own = pl.coalesce("held_amount", product(moved, pl.col("daily_rate")).abs())
    elsewhere = pl.col("break_id").is_in(meant.get_column("break_id").implode())
    return broken.with_columns(code=pl.coalesce("code", "outcome")).select(
        "break_id",
        pl.lit("cra").alias("kind"),
        "code",
        pl.coalesce(pl.col("cra_ids").list.first(), "consultant_id").alias("subject_id"),
        "period",
        pl.when(pl.col("code").is_in(_CONSULTANT_ACTS))
        .then(pl.lit("consultant"))
        .otherwise(pl.lit("finance"))
        .alias("owner"),
        pl.when(elsewhere).then(_NOTHING).otherwise(own).alias("amount_at_stake"),
        "currency",
    )


def _whole_bills(matches: pl.DataFrame, holds: pl.DataFrame) -> pl.DataFrame:
    """Bills held as a whole, with what that keeps back: `bill_id`, `whole_amount`."""
    lines = matches.select("break_id", "bill_id", "invoiced_amount")
    of_bill = pl.col("code").is_in(_OF_A_WHOLE_BILL)
    beyond = pl.col("amount_at_stake") > pl.col("invoiced_amount").abs()
    mismatch = (pl.col("code") == "SUPPLIER_MISMATCH") & beyond
    return (
        holds.join(lines, on="break_id")
        .filter(of_bill | mismatch)
        .group_by("bill_id")
        .agg(whole_amount=pl.col("amount_at_stake").max())
    )


def _supplier_breaks(
    matches: pl.DataFrame, gravest: pl.DataFrame, whole: pl.DataFrame
) -> pl.DataFrame:
    held = pl.col("holds").list.len() > 0
    broken = (
        matches.filter(
            ~pl.col("status").is_in([NOT_CHECKED, "matched"]) | held,
            pl.col("status") != NOT_CHECKED,
        )
        .join(gravest.drop("currency", "subject", "subject_id"), on="break_id", how="left")
        .join(whole, on="bill_id", how="left")
        .sort("bill_id", "bill_line")
    )
    unheld = pl.col("invoiced_amount") - pl.col("accepted_amount")
    beside = held.any().over("bill_id") & ~held
    own = pl.when(beside).then(_NOTHING).otherwise(pl.coalesce("held_amount", unheld.abs()))
    return broken.with_columns(own=own).select(
        "break_id",
        pl.lit("bill").alias("kind"),
        pl.coalesce("code", "status").alias("code"),
        pl.col("bill_id").alias("subject_id"),
        "period",
        pl.lit("purchasing").alias("owner"),
        _own_euros().alias("amount_at_stake"),
        "currency",
    )


def _own_euros() -> pl.Expr:
    """A line's own euros; those of a bill held as a whole stand on its first line."""
    asked = pl.col("invoiced_amount").abs().sum().over("bill_id").cast(MONEY)
    lines = pl.col("own").sum().over("bill_id").cast(MONEY)
    together = pl.max_horizontal("whole_amount", pl.min_horizontal(lines, asked))
    first = pl.int_range(pl.len()).over("bill_id") == 0
    of_whole = pl.when(first).then(together).otherwise(_NOTHING)
    return pl.when(pl.col("whole_amount").is_null()).then("own").otherwise(of_whole)


def _loose_breaks(gravest: pl.DataFrame) -> pl.DataFrame:
    return gravest.select(
        "break_id",
        pl.col("subject").alias("kind"),
        "code",
        "subject_id",
        pl.lit(None, pl.String).alias("period"),
        pl.lit("finance").alias("owner"),
        pl.col("held_amount").alias("amount_at_stake"),
        "currency",
    )


def follow(
    before: pl.DataFrame,
    now_found: pl.DataFrame,
    outcomes: pl.DataFrame,
    standing: pl.DataFrame,
    *,
    in_scope: Callable[[str], bool],
    now: datetime,
) -> pl.DataFrame:
    """Breaks after this look: opened, seen again, re-opened, overridden, or closed by a fact.

    An approval that stands overrides its break, a rejection that stands closes it. One that stands
    no more, because the figures changed, leaves the break open again.

    Args:
        before: `recon.breaks` as stored.
        now_found: breaks of this look (`found`).
        outcomes: `break_id` and `outcome` of the rows of this look, for the closing fact.
        standing: decisions of people that stand in this look (STANDING).
        in_scope: whether a break was looked at; the others stay as they are.
        now: when.

    Returns:
        Rows of `recon.breaks` to put; breaks that did not move are left out.
    """
    history = before.select(
        "break_id", "status", "first_seen_at", "closed_at", "closing_fact", "times_seen"
    )
    seen = now_found.join(history, on="break_id", how="left").with_columns(
        first_seen_at=pl.col("first_seen_at").fill_null(now),
        last_seen_at=pl.lit(now, INSTANT),
        times_seen=(pl.col("times_seen").fill_null(0) + 1).cast(pl.Int32),
        outcome=pl.lit(None, pl.String),
    )
    gone = _gone(before, now_found, outcomes, standing, in_scope)
    kept = [*BREAKS, "outcome"]
    moved = pl.concat([seen.select(kept), gone.select(kept)])
    return _settled(moved.join(_words(standing), on="break_id", how="left"), now).select(
        list(BREAKS)
    )


def _gone(
    before: pl.DataFrame,
    now_found: pl.DataFrame,
    outcomes: pl.DataFrame,
    standing: pl.DataFrame,
    in_scope: Callable[[str], bool],
) -> pl.DataFrame:
    """Breaks that were open or overridden, and that this look found no more, with `outcome`.

    One that is closed comes back where a decision on it stands: somebody thought again.
    The row of a bill that was approved and is paid is not looked at any more: it stays overridden.
    """
    decided = pl.col("break_id").is_in(standing["break_id"].implode())
    alive = before.filter(pl.col("status").is_in([OPEN, OVERRIDDEN]) | decided)
    ids = [break_id for break_id in alive["break_id"] if in_scope(break_id)]
    ended = (
        (pl.col("kind") == "bill") & (pl.col("status") == OVERRIDDEN) & pl.col("outcome").is_null()
    )
    return (
        alive.filter(pl.col("break_id").is_in(ids))
        .join(now_found, on="break_id", how="anti")
        .join(outcomes.unique("break_id"), on="break_id", how="left")
        .filter(pl.col("outcome").fill_null("") != NOT_CHECKED, ~ended)
        .with_columns(outcome=pl.coalesce("outcome", pl.lit("no longer found")))
    )


def effective(decided: pl.DataFrame, matches: pl.DataFrame, whole: str) -> pl.DataFrame:
    """The decisions that stand (STANDING); an approval that leaves a hold overrides nothing.

    Args:
        decided: `break_id` and the columns of DECISION.
        matches: rows of this look with `break_id`, `holds` and `whole`.
        whole: what is written, or not, as one: `break_id`, or `bill_id` for all lines of a bill.
    """
    held = matches.filter((pl.col("holds").list.len() > 0).any().over(whole))
    without = (pl.col("decision") == APPROVED) & pl.col("break_id").is_in(
        held["break_id"].implode()
    )
    return decided.filter("stands", ~without).select(list(STANDING))


def _words(standing: pl.DataFrame) -> pl.DataFrame:
    said = pl.concat_str("decision", pl.lit(" by "), "decided_by", pl.lit(": "), "decision_reason")
    return standing.select("break_id", "decision", said=said).unique("break_id")


def _settled(moved: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The status that each break has now, since when, and by which fact."""
    status = (
        pl.when(pl.col("decision") == APPROVED)
        .then(pl.lit(OVERRIDDEN))
        .when(pl.col("decision").is_not_null() | pl.col("outcome").is_not_null())
        .then(pl.lit(CLOSED))
        .otherwise(pl.lit(OPEN))
    )
    fact = pl.coalesce("said", "outcome")
    again = (pl.col("status") == CLOSED) & (pl.col("closing_fact") == fact)
    since = pl.when(again).then("closed_at").otherwise(pl.lit(now, INSTANT))
    return moved.with_columns(
        status=status,
        closing_fact=fact,
        closed_at=pl.when(status == CLOSED).then(since),
    )
