"""Which CRAs are validated and which go back to their consultants (reconciliation.md 1.2, 1.4)."""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from transforms.clients import cra_outcomes as say
from transforms.money import DAYS
from transforms.policy import Approval, Policy

_INVALIDATED = {
    "cra_id": pl.String(),
    "break_id": pl.String(),
    "awaiting_approval": pl.Boolean(),
    "cra_days": DAYS,
}


def awaits_person(amount: pl.Expr, approval: Approval) -> pl.Expr:
    """Whether a person decides on a command of this amount; one not known goes to a person."""
    if isinstance(approval, Decimal):
        return (amount > approval).fill_null(value=True)
    return pl.lit(value=approval == "always")


def to_validate(rows: pl.DataFrame, reports: pl.DataFrame, periods: Sequence[str]) -> pl.DataFrame:
    """Submitted CRAs of the months asked for, every row of which is settled: months and contracts.

    A month without a row asks for nothing where the CRA has no production days in it.
    """
    months = reports.filter(pl.col("status") == "submitted").join(
        rows.select("break_id", "ready", "waits_for", "outcome"), on="break_id", how="left"
    )
    idle = pl.col("outcome").is_null() & (pl.col("month_days") == Decimal(0))
    asked = pl.col("period").is_in(list(periods)) & pl.col("outcome").is_not_null()
    settled = (pl.col("ready").fill_null(value=False) | idle).all().over("cra_id")
    return (
        months.filter(settled, asked.any().over("cra_id"))
        .group_by("cra_id")
        .agg(reference=pl.col("waits_for").drop_nulls().unique().sort())
        .explode("reference", empty_as_null=True)
        .sort("cra_id", "reference")
    )


def to_invalidate(rows: pl.DataFrame, reports: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Submitted CRAs that differ, each once; a person first if any of its rows says so."""
    sent_back = rows.filter(pl.col("action").is_in([say.INVALIDATE, say.APPROVE_INVALIDATE]))
    if sent_back.is_empty():
        return pl.DataFrame(schema=_INVALIDATED)
    approval = policy.approval.get("boond.cra.invalidate", "never")
    person = pl.col("holds").list.contains("GAP_TOO_LARGE") | awaits_person(
        pl.col("difference_amount").abs(), approval
    )
    submitted = pl.col("submitted_ids")
    # a validated CRA goes back only where a person approved it
    ids = pl.when("approved").then(submitted.list.set_union("validated_ids")).otherwise(submitted)
    days = reports.select("production_days", cra_id="cra_id").unique()
    return (
        sent_back.select("break_id", cra_id=ids, awaiting_approval=person)
        .explode("cra_id")
        .drop_nulls("cra_id")
        .group_by("cra_id")
        .agg(break_id=pl.col("break_id").min(), awaiting_approval=pl.col("awaiting_approval").any())
        .join(days, on="cra_id")
        .rename({"production_days": "cra_days"})
        .sort("cra_id")
    )
