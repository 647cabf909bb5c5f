"""Which contract covers a month, and which rate is a consultant's (reconciliation.md 1.4)."""

import polars as pl

from transforms.names import plain

RATE_MISSING = "RATE_MISSING"
RATE_AMBIGUOUS = "RATE_AMBIGUOUS"
PRICED = ["contract_id", "consultant_id", "period"]
"""What has one rate: a person's month on a contract."""


def month_start(period: pl.Expr) -> pl.Expr:
    """The first day of a month `YYYY-MM`."""
    return (period + "-01").str.to_date("%Y-%m-%d")


def covering(contracts: pl.DataFrame, periods: list[str]) -> pl.DataFrame:
    """The months that a contract has a day in: `period`, `client_id`, `contract_id`, `reference`.

    A contract that is `ended` and tells no end covers nothing: when it ended is not known.
    """
    return _covering(contracts.filter(pl.col("deleted_at").is_null()), periods)


def last_covering(contracts: pl.DataFrame, periods: list[str]) -> pl.DataFrame:
    """As `covering`, and contracts that are gone where no other of the client covers the month."""
    standing = covering(contracts, periods)
    gone = _covering(contracts.filter(pl.col("deleted_at").is_not_null()), periods)
    return pl.concat([standing, gone.join(standing, on=["period", "client_id"], how="anti")])


def _covering(contracts: pl.DataFrame, periods: list[str]) -> pl.DataFrame:
    months = pl.DataFrame({"period": periods}, schema={"period": pl.String})
    first = month_start(pl.col("period"))
    open_end = pl.col("end_date").is_null() & (pl.col("status") != "ended").fill_null(value=True)
    return (
        contracts.join(months, how="cross")
        .filter(
            pl.col("start_date") <= first.dt.month_end(), (pl.col("end_date") >= first) | open_end
        )
        .select("period", "client_id", "reference", contract_id="id")
    )


def in_force() -> pl.Expr:
    """Whether a rate has a day in `period`; one without dates is as long as its contract.

    Of rows with `start_date` and `end_date` of the rate.
    """
    first = month_start(pl.col("period"))
    begun = pl.col("start_date") <= first.dt.month_end()
    return begun.fill_null(value=True) & (pl.col("end_date") >= first).fill_null(value=True)


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


def with_rates(
    rows: pl.DataFrame, contract_rates: pl.DataFrame, consultants: pl.DataFrame
) -> pl.DataFrame:
    """The rate of each row's contract, consultant and month.

    Of the rates with a day in the month: the one naming the consultant, else the one whose profile
    is theirs, else the only one. A rate that names somebody else is never taken; like rates count
    as one. A price that changes inside the month is several rates: which day has which is not
    guessed.

    Args:
        rows: with the columns PRICED.
        contract_rates: core.contract_rates.
        consultants: core.consultants.

    Returns:
        The rows, in their order, with `daily_rate`, `currency` and `rate_problem` (a hold code or
        null; without a contract there is none).
    """
    dates = pl.any_horizontal(pl.col("start_date", "end_date").is_not_null())
    dated = contract_rates.select(dates.any()).item()
    # rates without dates are those of every month, and people on contracts are far fewer
    keys = PRICED if dated else PRICED[:2]
    rates = _rates(rows.drop_nulls("contract_id"), keys, contract_rates, consultants)
    return rows.join(rates, on=keys, how="left", maintain_order="left")


def _rates(
    rows: pl.DataFrame, keys: list[str], contract_rates: pl.DataFrame, consultants: pl.DataFrame
) -> pl.DataFrame:
    wanted = rows.select(keys).unique()
    rates = contract_rates.select(
        "contract_id",
        "daily_rate",
        "currency",
        "start_date",
        "end_date",
        rate_profile="profile",
        rate_consultant_id="consultant_id",
    )
    prices = (
        wanted.join(rates, on="contract_id")
        .filter(in_force() if "period" in keys else pl.lit(value=True))
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
