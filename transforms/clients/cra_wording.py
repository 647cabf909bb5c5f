"""What follows from the comparison alone, for each of its rows."""

import polars as pl

from transforms.clients import cra_outcomes as say


def _has(code: str) -> pl.Expr:
    return pl.col("holds").list.contains(code)


def comparison_action() -> pl.Expr:
    """What follows from the comparison alone; billing completes the matched rows."""
    differs = pl.col("outcome").is_in([say.OVER, say.UNDER])
    plain = {
        say.MISSING_CRA: say.REMIND,
        say.MISSING_ENTRY: say.VERIFY,
        say.UNDECLARED: say.ASK_CLIENT,
        say.NOT_CHECKED: say.NOTHING,
        say.MATCHED: say.BILL,
    }
    only_draft = _has("CRA_NOT_SUBMITTED") & (pl.col("holds").list.len() == 1)
    return (
        pl.when(differs & _has("VALIDATED_CRA_DIFFERS"))
        .then(pl.lit(say.DECIDE))
        .when(pl.col("outcome").is_in([say.MATCHED, say.OVER, say.UNDER]) & pl.col("waiting"))
        .then(pl.lit(say.WAIT_CONSULTANT))
        .when(differs & _has("CRA_CONFIRMED"))
        .then(pl.lit(say.ASK_CLIENT))
        .when(differs & _has("GAP_TOO_LARGE"))
        .then(pl.lit(say.APPROVE_INVALIDATE))
        .when(differs)
        .then(pl.lit(say.INVALIDATE))
        .when((pl.col("outcome") == say.MISSING_CRA) & pl.col("reported_elsewhere"))
        .then(pl.lit(say.DECIDE))
        .when((pl.col("outcome") == say.HELD) & only_draft)
        .then(pl.lit(say.REMIND))
        .otherwise(
            pl.col("outcome").replace_strict(plain, default=say.DECIDE, return_dtype=pl.String)
        )
    )
