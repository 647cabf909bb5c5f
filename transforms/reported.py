"""What consultants report: which CRAs count for which client and month (reconciliation.md 1.2)."""

from collections.abc import Sequence

import polars as pl

from transforms.money import DAYS
from transforms.rates import month_start

DEAD = ["rejected", "invalidated"]
_NOBODY = ""


def _alive(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("deleted_at").is_null())


def production(cra_days: pl.DataFrame) -> pl.DataFrame:
    """Production days only: `cra_id`, `date`, `period`, `duration`."""
    return cra_days.filter(pl.col("type_code") == "production").select(
        "cra_id", "date", "duration", period=pl.col("date").dt.strftime("%Y-%m")
    )


def _by_month(worked: pl.DataFrame) -> pl.DataFrame:
    """Production days of each CRA and month: `cra_id`, `period`, `month_days`."""
    return worked.group_by("cra_id", "period").agg(month_days=pl.col("duration").sum().cast(DAYS))


def _month(day: pl.Expr) -> pl.Expr:
    """A month as a number, such that the next month is one more."""
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32)


def touching(cras: pl.DataFrame, worked: pl.DataFrame, periods: Sequence[str]) -> pl.DataFrame:
    """Every CRA and month of `periods` that it reaches, by its dates or its production days.

    Returns:
        `cra_id`, `period`, distinct.
    """
    asked = pl.DataFrame({"period": list(periods)}, schema={"period": pl.String})
    months = asked.with_columns(month=_month(month_start(pl.col("period"))))
    # cut to what is asked for, so that a period of a thousand years is no list of its months
    lowest, highest = months.select(pl.col("month").min(), highest=pl.col("month").max()).row(0)
    first = _month(pl.col("period_start_date")).clip(lowest, None)
    last = _month(pl.col("period_end_date")).clip(None, highest)
    reports = cras.lazy().select("period_start_date", "period_end_date", cra_id="id")
    spanned = reports.select(
        "cra_id", month=pl.int_ranges(first, last + 1, dtype=pl.Int32)
    ).explode("month")
    dated = worked.lazy().join(reports, on="cra_id", how="semi").join(months.lazy(), on="period")
    return (
        pl.concat([spanned, dated.select("cra_id", "month")])
        .unique()
        .join(months.lazy(), on="month")
        .select("period", "cra_id")
        .collect()
    )


def neighbour_months(
    cras: pl.DataFrame, cra_days: pl.DataFrame, periods: Sequence[str]
) -> set[str]:
    """The other months of the CRAs that touch `periods`: a CRA is settled month by month."""
    standing, worked = _alive(cras), _by_month(production(cra_days))
    touched = touching(standing, worked, periods)["cra_id"].unique()
    inside = standing.filter(pl.col("id").is_in(touched.implode()))
    bounds = pl.concat([inside["period_start_date"], inside["period_end_date"]]).unique()
    months = bounds.dt.strftime("%Y-%m").unique().to_list()
    dated = worked.filter(pl.col("cra_id").is_in(touched.implode()))["period"].unique().to_list()
    return {*months, *dated}


def _mission_contracts(cras: pl.DataFrame, contracts: pl.DataFrame) -> pl.DataFrame:
    """`cra_id`, `mission_contract_id`, `mission_client_id`: the contract that the mission names."""
    known = _alive(contracts)
    named = pl.concat(
        [
            known.select("id", "client_id", mission="id"),
            known.select("id", "client_id", mission="reference"),
        ]
    ).unique()
    only = named.filter(pl.col("id").n_unique().over("mission") == 1)
    missions = pl.concat(
        [cras.select("id", mission="resource_id"), cras.select("id", mission="resource_label")]
    ).rename({"id": "cra_id"})
    return (
        missions.join(only, on="mission")
        .group_by("cra_id")
        .agg(mission_contract_id=pl.col("id").min(), mission_client_id=pl.col("client_id").min())
    )


def _described(cras: pl.DataFrame, by_month: pl.DataFrame, contracts: pl.DataFrame) -> pl.DataFrame:
    """Standing CRAs with client, whole production days and whether their total says the same.

    A CRA that names no client is for its contract's, else its mission's.
    """
    totals = by_month.group_by("cra_id").agg(production_days=pl.col("month_days").sum().cast(DAYS))
    owners = contracts.select(contract_id="id", contract_client_id="client_id")
    return (
        _alive(cras)
        .rename({"id": "cra_id"})
        .join(totals, on="cra_id", how="left")
        .join(owners, on="contract_id", how="left")
        .join(_mission_contracts(_alive(cras), contracts), on="cra_id", how="left")
        .with_columns(
            # a CRA without production lines says zero days: it is there, it is not absent
            production_days=pl.coalesce("production_days", pl.lit(0, dtype=DAYS)),
            client_id=pl.coalesce("client_id", "contract_client_id", "mission_client_id"),
        )
        .with_columns(
            consistent=pl.col("production_days") == pl.col("total_days"),
            dead=pl.col("status").is_in(DEAD),
            client_key=pl.col("client_id").fill_null(_NOBODY),
        )
    )


def _replacements(described: pl.DataFrame, worked: pl.DataFrame) -> pl.DataFrame:
    """Which dead CRA another one replaces: `dead_id`, `cra_id` (newer, same person, client, days).

    A CRA that stands replaces a dead one whatever its time stamp, which moves when we invalidate;
    of two dead ones the later changed stands. The days are the same where a date is shared, or, of
    a CRA without production, where the periods overlap. Two contracts are two things.
    """
    keys = ["consultant_id", "client_key"]
    side = described.select(
        *keys,
        "cra_id",
        "contract_id",
        "dead",
        "updated_at",
        "production_days",
        "period_start_date",
        "period_end_date",
    )
    empty = (pl.col("production_days") == 0) | (pl.col("production_days_old") == 0)
    overlap = (pl.col("period_start_date") <= pl.col("period_end_date_old")) & (
        pl.col("period_end_date") >= pl.col("period_start_date_old")
    )
    changed = pl.col("updated_at")
    later = (changed > pl.col("updated_at_old")).fill_null(value=False) | (
        changed.eq_missing(pl.col("updated_at_old")) & (pl.col("cra_id") > pl.col("cra_id_old"))
    )
    same_contract = (pl.col("contract_id") == pl.col("contract_id_old")).fill_null(value=True)
    pairs = (
        side.filter("dead")
        .join(side, on=keys, suffix="_new")
        .rename({name: f"{name}_old" for name in side.columns if name not in keys})
        .rename({f"{name}_new": name for name in side.columns if name not in keys})
        .filter(pl.col("cra_id") != pl.col("cra_id_old"), same_contract, ~pl.col("dead") | later)
    )
    sides = pl.concat([pairs["cra_id"], pairs["cra_id_old"]]).unique().implode()
    dates = worked.filter(pl.col("cra_id").is_in(sides)).select("cra_id", "date").unique()
    shared = (
        pairs.select("cra_id", "cra_id_old")
        .join(dates, left_on="cra_id_old", right_on="cra_id")
        .join(dates, on=["cra_id", "date"], how="semi")
        .select("cra_id", "cra_id_old")
    )
    overlapping = pairs.filter(empty & overlap).select("cra_id", "cra_id_old")
    return pl.concat([shared, overlapping]).unique().rename({"cra_id_old": "dead_id"})


def _confirmed(
    described: pl.DataFrame, replacements: pl.DataFrame, invalidated: pl.DataFrame
) -> pl.DataFrame:
    """`cra_id` of those resubmitted with the very days for which we had invalidated them."""
    before = invalidated.select(dead_id="cra_id", refused_days="cra_days")
    itself = described.select("cra_id", dead_id="cra_id")
    return (
        pl.concat([itself, replacements.select("cra_id", "dead_id")])
        .join(before, on="dead_id")
        .join(described.filter(pl.col("status") == "submitted"), on="cra_id")
        .filter(pl.col("refused_days") == pl.col("production_days"))
        .select("cra_id")
        .unique()
    )


def reported(
    cras: pl.DataFrame,
    cra_days: pl.DataFrame,
    contracts: pl.DataFrame,
    invalidated: pl.DataFrame,
    periods: Sequence[str],
) -> pl.DataFrame:
    """Every counted CRA and month of `periods`; production days are split by their date.

    Args:
        cras: core.cras.
        cra_days: core.cra_days.
        contracts: core.contracts.
        invalidated: `cra_id`, `cra_days` (production days of the whole CRA when we invalidated it).
        periods: months to look at.

    Returns:
        `cra_id`, `period`, `client_id` (null when it cannot be told), `consultant_id`,
        `contract_id` (as named), `mission_contract_id`, `status`, `month_days`, `production_days`,
        `total_days`, `consistent`, `dead`, `confirmed`. A rejected or invalidated CRA is left out
        once another stands in its place.
    """
    worked = production(cra_days)
    by_month = _by_month(worked)
    described = _described(cras, by_month, contracts)
    replacements = _replacements(described, worked)
    confirmed = _confirmed(described, replacements, invalidated)
    return (
        touching(_alive(cras), by_month, periods)
        .lazy()
        .join(replacements.lazy(), left_on="cra_id", right_on="dead_id", how="anti")
        .join(described.lazy(), on="cra_id")
        .join(by_month.lazy(), on=["cra_id", "period"], how="left")
        .join(confirmed.lazy().with_columns(confirmed=pl.lit(value=True)), on="cra_id", how="left")
        .select(
            "cra_id",
            "period",
            "client_id",
            "consultant_id",
            "contract_id",
            "mission_contract_id",
            "status",
            "production_days",
            "total_days",
            "consistent",
            "dead",
            month_days=pl.coalesce("month_days", pl.lit(0, dtype=DAYS)),
            confirmed=pl.col("confirmed").is_not_null(),
        )
        .sort("period", "cra_id")
        .collect()
    )
