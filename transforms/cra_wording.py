"""One plain sentence and one next step for each row of the comparison."""

import polars as pl

from transforms import cra_outcomes as say
from transforms.figures import days_text, money_text, sentence
from transforms.policy import Policy


def _has(code: str) -> pl.Expr:
    return pl.col("holds").list.contains(code)


def _apart() -> pl.Expr:
    money = money_text(pl.col("difference_amount").abs(), pl.col("currency"))
    return sentence(
        "declared {}, CRA {}: {} {}{}",
        days_text(pl.col("declared_days")),
        days_text(pl.col("cra_days")),
        days_text(pl.col("difference_days").abs()),
        pl.when(pl.col("outcome") == say.OVER)
        .then(pl.lit("too many declared"))
        .otherwise(pl.lit("too few declared")),
        pl.coalesce(pl.lit(", ") + money, pl.lit("")),
    )


def _no_cra() -> pl.Expr:
    return (
        pl.when("reported_elsewhere")
        .then(pl.lit("the CRA of the month is under another contract"))
        .otherwise(pl.lit("there is no CRA in the month"))
    )


def _unpriced(policy: Policy) -> pl.Expr:
    """Without a rate the gap has no percent: the row says that it was not checked."""
    unknown = pl.col("difference_amount").is_null() & pl.lit(policy.billing.gap_percent != "off")
    said = pl.lit(" (no rate: gap_percent not checked)")
    return pl.when(unknown).then(said).otherwise(pl.lit(""))


def explained(rows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Adds `explanation`: what is seen, in one sentence with its figures.

    Each sentence is made for its own rows only: most rows need the shortest one.
    """
    numbered = rows.with_row_index("at")
    said = pl.concat(
        numbered.filter(pl.col("outcome") == outcome).select("at", explanation=sentence)
        for outcome, sentence in _sentences(policy).items()
    )
    return rows.with_columns(said.sort("at")["explanation"])


def _sentences(policy: Policy) -> dict[str, pl.Expr]:
    """The sentence of each outcome; it says when a gap limit is off."""
    declared, cra = days_text(pl.col("declared_days")), days_text(pl.col("cra_days"))
    limits = {"gap_days": policy.billing.gap_days, "gap_percent": policy.billing.gap_percent}
    off = ", ".join(name for name, limit in limits.items() if limit == "off")
    unlimited = pl.lit(f" ({off} off, not checked)" if off else "") + _unpriced(policy)
    said = pl.coalesce(declared, pl.lit("nothing"))
    reported = pl.coalesce(cra, pl.lit("no CRA"))
    return {
        say.MATCHED: sentence("declared {} and the CRA says the same", declared),
        say.OVER: _apart() + unlimited,
        say.UNDER: _apart() + unlimited,
        say.MISSING_CRA: sentence("declared {}, and {}", declared, _no_cra()),
        say.MISSING_ENTRY: sentence(
            "declared {} for {}, whom BoondManager does not know", declared, "declared_name"
        ),
        say.UNDECLARED: sentence("the CRA says {}, and the client declared others only", cra),
        say.HELD: sentence(
            "declared {}, CRA {}: held by {}", said, reported, pl.col("holds").list.join(", ")
        ),
        say.NOT_CHECKED: pl.lit("not checked: a source that the row needs was not read whole"),
    }


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
