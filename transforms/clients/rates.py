"""Which contract covers a month, and which rate is a consultant's (reconciliation.md 1.4)."""

import polars as pl

from transforms.names import plain

RATE_MISSING = "RATE_MISSING"
RATE_AMBIGUOUS = "RATE_AMBIGUOUS"


def month_start(period: pl.Expr) -> pl.Expr:
    """The first day of a month `YYYY-MM`."""
    return (period + "-01").str.to_date("%Y-%m-%d")


def covering(contracts: pl.DataFrame, periods: list[str]) -> pl.DataFrame:
    """The months that a contract has a day in: `period`, `client_id`, `contract_id`, `reference`.

    A contract that is `ended` and tells no end covers nothing: when it ended is not known.
    """
    months = pl.DataFrame({"period": periods}, schema={"period": pl.String})
    first = month_start(pl.col("period"))
    open_end = pl.col("end_date").is_null() & (pl.col("status") != "ended").fill_null(value=True)
    return (
        contracts.filter(pl.col("deleted_at").is_null())
        .join(months, how="cross")
        .filter(
            pl.col("start_date") <= first.dt.month_end(), (pl.col("end_date") >= first) | open_end
        )
        .select("period", "client_id", "reference", contract_id="id")
    )


def _rank() -> pl.Expr:
    """0 for a rate naming the consultant, 1 for one of the same profile, 2 for any other."""
    nobody = pl.col("rate_consultant_id").is_null()
    return (
        pl.when(pl.col("rate_consultant_id") == pl.col("consultant_id"))
        .then(0)
        .when(nobody & (plain(pl.col("rate_profile")) == plain(pl.col("profile"))))
        .then(1)
        .when(nobody)
        .then(2)
    )


def daily_rates(
    pairs: pl.DataFrame, contract_rates: pl.DataFrame, consultants: pl.DataFrame
) -> pl.DataFrame:
    """The rate of each contract and consultant.

    The rate naming the consultant, else the one whose profile is theirs, else the only one. A rate
    that names somebody else is never taken; like rates count as one.

    Args:
        pairs: `contract_id`, `consultant_id`.
        contract_rates: core.contract_rates.
        consultants: core.consultants.

    Returns:
        The distinct pairs with `daily_rate`, `currency` and `rate_problem` (a hold code or null).
    """
    keys = ["contract_id", "consultant_id"]
    wanted = pairs.select(keys).unique()
    rates = contract_rates.select(
        "contract_id",
        "daily_rate",
        "currency",
        rate_profile="profile",
        rate_consultant_id="consultant_id",
    )
    prices = (
        wanted.join(rates, on="contract_id")
        .join(consultants.select("profile", consultant_id="id"), on="consultant_id", how="left")
        .with_columns(rank=_rank())
        .filter(pl.col("rank") == pl.col("rank").min().over(keys))
        .select(*keys, "daily_rate", "currency")
        .unique()
        .group_by(keys)
        .agg(pl.col("daily_rate", "currency").first(), choices=pl.len())
    )
    only = pl.col("choices") == 1
    problem = (
        pl.when(only & pl.col("daily_rate").is_not_null())
        .then(pl.lit(None, dtype=pl.String))
        .when(pl.col("choices") > 1)
        .then(pl.lit(RATE_AMBIGUOUS))
        .otherwise(pl.lit(RATE_MISSING))
    )
    return wanted.join(prices, on=keys, how="left").select(
        *keys,
        pl.when(only).then("daily_rate").alias("daily_rate"),
        pl.when(only).then("currency").alias("currency"),
        rate_problem=problem,
    )
