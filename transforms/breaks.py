"""Breaks and decisions: what every mismatch and hold is over time (reconciliation.md 4).

A break has the id of the row that it keeps back, so the same cause has the same id in every run.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from transforms.money import MONEY, product

INSTANT = pl.Datetime("us", "UTC")
NOT_CHECKED = "not_checked"

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
DECISIONS: dict[str, Any] = {
    "decision_id": pl.String(),
    "subject": pl.String(),
    "subject_id": pl.String(),
    "outcome": pl.String(),
    "inputs": pl.String(),
    "policy": pl.String(),
    "decided_by": pl.String(),
    "supersedes": pl.String(),
    "decided_at": INSTANT,
}

_CONSULTANT_ACTS = ["over_reported", "under_reported", "missing_cra", "CRA_NOT_SUBMITTED"]
_SEVERITIES = ["info", "warning", "error", "critical"]


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
    rows = pl.concat([_client_breaks(cra_matches, gravest), _supplier_breaks(po_matches, gravest)])
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


def _client_breaks(matches: pl.DataFrame, gravest: pl.DataFrame) -> pl.DataFrame:
    days = pl.coalesce("difference_days", "declared_days", "cra_days")
    moved = pl.when(pl.col("difference_days") == 0).then(pl.col("declared_days")).otherwise(days)
    broken = matches.filter(
        (pl.col("outcome") != NOT_CHECKED)
        & ((pl.col("outcome") != "matched") | (pl.col("holds").list.len() > 0))
    ).join(gravest.drop("currency", "subject", "subject_id"), on="break_id", how="left")
    code = pl.coalesce("code", "outcome")
    return broken.with_columns(code=code).select(
        "break_id",
        pl.lit("cra").alias("kind"),
        "code",
        pl.coalesce(pl.col("cra_ids").list.first(), "consultant_id").alias("subject_id"),
        "period",
        pl.when(pl.col("code").is_in(_CONSULTANT_ACTS))
        .then(pl.lit("consultant"))
        .otherwise(pl.lit("finance"))
        .alias("owner"),
        pl.coalesce("held_amount", product(moved, pl.col("daily_rate")).abs()).alias(
            "amount_at_stake"
        ),
        "currency",
    )


def _supplier_breaks(matches: pl.DataFrame, gravest: pl.DataFrame) -> pl.DataFrame:
    broken = matches.filter(
        ~pl.col("status").is_in([NOT_CHECKED, "matched"]) | (pl.col("holds").list.len() > 0),
        pl.col("status") != NOT_CHECKED,
    ).join(gravest.drop("currency", "subject", "subject_id"), on="break_id", how="left")
    return broken.select(
        "break_id",
        pl.lit("bill").alias("kind"),
        pl.coalesce("code", "status").alias("code"),
        pl.col("bill_id").alias("subject_id"),
        "period",
        pl.lit("purchasing").alias("owner"),
        pl.coalesce("held_amount", pl.col("invoiced_amount") - pl.col("accepted_amount")).alias(
            "amount_at_stake"
        ),
        "currency",
    )


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
    *,
    in_scope: Callable[[str], bool],
    now: datetime,
) -> pl.DataFrame:
    """Breaks after this look: opened, seen again, re-opened, or closed by a fact.

    Args:
        before: `recon.breaks` as stored.
        now_found: breaks of this look (`found`).
        outcomes: `break_id` and `outcome` of the rows of this look, for the closing fact.
        in_scope: whether a break was looked at; the others stay as they are.
        now: when.

    Returns:
        Rows of `recon.breaks` to put; breaks that did not move are left out.
    """
    history = before.select(
        "break_id", "status", "first_seen_at", "closed_at", "closing_fact", "times_seen"
    )
    seen = now_found.join(history, on="break_id", how="left").with_columns(
        status=pl.when(pl.col("status") == "overridden").then("status").otherwise(pl.lit("open")),
        first_seen_at=pl.col("first_seen_at").fill_null(now),
        last_seen_at=pl.lit(now, INSTANT),
        closed_at=pl.lit(None, INSTANT),
        closing_fact=pl.lit(None, pl.String),
        times_seen=(pl.col("times_seen").fill_null(0) + 1).cast(pl.Int32),
    )
    ids = [i for i in before.filter(pl.col("status") == "open")["break_id"] if in_scope(i)]
    gone = (
        before.filter(pl.col("break_id").is_in(ids))
        .join(now_found, on="break_id", how="anti")
        .join(outcomes, on="break_id", how="left")
        .filter(pl.col("outcome").fill_null("") != NOT_CHECKED)
        .with_columns(
            status=pl.lit("closed"),
            closed_at=pl.lit(now, INSTANT),
            closing_fact=pl.coalesce("outcome", pl.lit("no longer found")),
        )
    )
    kept = list(BREAKS)
    return pl.concat([seen.select(kept), gone.select(kept)], how="vertical")


def decisions(
    subject: str,
    rows: pl.DataFrame,
    outcome: str,
    policies: dict[str, str],
    last: dict[str, dict[str, Any]],
    now: datetime,
) -> pl.DataFrame:
    """What was decided on each row that is not as it was decided before.

    Args:
        subject: cra or bill.
        rows: rows of recon of this look, keyed by `break_id`.
        outcome: the column that holds the outcome.
        policies: limits that each row was decided with (JSON), by break_id, `*` for the others.
        last: last decision on each subject, by break_id.
        now: when.

    Returns:
        Rows of `recon.decisions` to append.
    """
    taken = []
    for row in rows.to_dicts():
        subject_id = row["break_id"]
        inputs = json.dumps(row, default=_plain, sort_keys=True, ensure_ascii=False)
        policy = policies.get(subject_id, policies["*"])
        before = last.get(subject_id)
        if before and (before["inputs"], before["policy"]) == (inputs, policy):
            continue
        supersedes = before["decision_id"] if before else None
        basis = "\n".join((subject, subject_id, inputs, policy, supersedes or ""))
        taken.append(
            {
                "decision_id": hashlib.sha256(basis.encode()).hexdigest()[:20],
                "subject": subject,
                "subject_id": subject_id,
                "outcome": row[outcome],
                "inputs": inputs,
                "policy": policy,
                "decided_by": "rapproche",
                "supersedes": supersedes,
                "decided_at": now,
            }
        )
    return pl.DataFrame(taken, schema=DECISIONS, orient="row")


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a decision")
