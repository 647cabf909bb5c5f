"""What consultants report: which CRAs count for which client and month (reconciliation.md 1.2).

A CRA whose lines name contracts is several parts: the lines of each contract count as a CRA of
their own, and those that name none are for the contract, client or mission of the whole.
"""

from collections.abc import Sequence

import polars as pl

from transforms.clients.rates import month_start
from transforms.money import DAYS
from transforms.standing import answering

DEAD = ["rejected", "invalidated"]
_NOBODY = ""
OWN = ""
"""`part` of lines that name no contract; of the others it is their contract's id."""
_PART = ["cra_id", "part"]
_OLD = {"cra_id_old": "dead_id", "part_old": "dead_part"}
_DESCRIBED = [
    "consultant_id",
    "client_id",
    "contract_id",
    "status",
    "total_days",
    "period_start_date",
    "period_end_date",
    "updated_at",
]


def _alive(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("deleted_at").is_null())


def production(cra_days: pl.DataFrame) -> pl.LazyFrame:
    """Production days only: `cra_id`, `part`, `date`, `duration`."""
    return (
        cra_days.lazy()
        .filter(pl.col("type_code") == "production")
        .select("cra_id", "date", "duration", part=pl.col("contract_id").fill_null(OWN))
    )


def by_month(cra_days: pl.DataFrame) -> pl.DataFrame:
    """Production days by CRA part and month: `cra_id`, `part`, `month` (a number), `month_days`."""
    month, days = _month(pl.col("date")), pl.col("duration").sum().cast(DAYS)
    worked = production(cra_days)
    if cra_days["contract_id"].null_count() < cra_days.height:
        monthly = worked.group_by(*_PART, month=month).agg(month_days=days)
    else:
        # millions of lines of which none names a contract are grouped by one text less
        whole = worked.group_by("cra_id", month=month).agg(month_days=days)
        monthly = whole.select("cra_id", pl.lit(OWN).alias("part"), "month", "month_days")
    return monthly.collect(engine="streaming")


def _month(day: pl.Expr) -> pl.Expr:
    """A month as a number, such that the next month is one more."""
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32)


def _months(periods: Sequence[str]) -> pl.DataFrame:
    """`period` and `month`, its number."""
    asked = pl.DataFrame({"period": list(periods)}, schema={"period": pl.String})
    return asked.with_columns(month=_month(month_start(pl.col("period"))))


def touching(cras: pl.DataFrame, monthly: pl.DataFrame, periods: Sequence[str]) -> pl.LazyFrame:
    """Every CRA part and month of `periods` that it reaches, by its dates or its production days.

    Returns:
        `cra_id`, `part`, `period`, `month_days` (null in a month without production), distinct.
    """
    months = _months(periods)
    # cut to what is asked for, so that a period of a thousand years is no list of its months
    lowest, highest = months.select(pl.col("month").min(), highest=pl.col("month").max()).row(0)
    first = _month(pl.col("period_start_date")).clip(lowest, None)
    last = _month(pl.col("period_end_date")).clip(None, highest)
    spanned = (
        cras.lazy()
        .select(cra_id="id", month=pl.int_ranges(first, last + 1, dtype=pl.Int32))
        .explode("month")
    )
    if (monthly["part"] == OWN).all():
        spanned = spanned.with_columns(part=pl.lit(OWN))
    else:
        parts = monthly.lazy().select(_PART).unique()
        spanned = spanned.join(parts, on="cra_id", how="left").with_columns(
            pl.col("part").fill_null(OWN)
        )
    return (
        spanned.join(monthly.lazy(), on=[*_PART, "month"], how="full", coalesce=True)
        .join(months.lazy(), on="month")
        .select(*_PART, "period", "month_days")
    )


def neighbour_months(cras: pl.DataFrame, monthly: pl.DataFrame, periods: Sequence[str]) -> set[str]:
    """The other months of the CRAs that touch `periods`: a CRA is settled month by month."""
    asked = _months(periods)["month"].to_list()
    dated = pl.col("month").is_in(asked)
    standing = _alive(cras).select(
        cra_id="id",
        first=_month(pl.col("period_start_date")),
        last=_month(pl.col("period_end_date")),
    )
    spans = [(pl.col("first") <= month) & (pl.col("last") >= month) for month in asked]
    spanning = pl.any_horizontal(*spans, pl.lit(value=False)).fill_null(value=False)
    touched = pl.concat(
        [
            standing.filter(spanning),
            standing.filter(~spanning).join(monthly.filter(dated), on="cra_id", how="semi"),
        ]
    )
    beyond = monthly.filter(~dated).join(touched, on="cra_id", how="semi")
    months = pl.concat([touched["first"], touched["last"], beyond["month"]]).unique()
    return {f"{(month - 1) // 12:04}-{(month - 1) % 12 + 1:02}" for month in months.drop_nulls()}


def _mission_contracts(cras: pl.DataFrame, contracts: pl.DataFrame) -> pl.DataFrame:
    """`cra_id`, `mission_contract_id`, `mission_client_id`: the contract that the mission names."""
    told = ("id", "client_id", "deleted_at")
    named = pl.concat(
        [contracts.select(*told, mission="id"), contracts.select(*told, mission="reference")]
    ).unique()
    only = answering(named, "mission").filter(pl.col("id").n_unique().over("mission") == 1)
    missions = pl.concat(
        [cras.select("id", mission="resource_id"), cras.select("id", mission="resource_label")]
    ).rename({"id": "cra_id"})
    return (
        missions.join(only.drop("deleted_at"), on="mission")
        .group_by("cra_id")
        .agg(mission_contract_id=pl.col("id").min(), mission_client_id=pl.col("client_id").min())
    )


def _described(cras: pl.DataFrame, monthly: pl.DataFrame, contracts: pl.DataFrame) -> pl.DataFrame:
    """Parts of standing CRAs with client, days of part and whole, and whether the total says those.

    A part is for the client of the contract that its lines name. A CRA that names no client is for
    its contract's, else its mission's.
    """
    parts = monthly.group_by(_PART).agg(part_days=pl.col("month_days").sum().cast(DAYS))
    owners = contracts.select(contract_id="id", contract_client_id="client_id")
    named = pl.col("part") != OWN
    return (
        _alive(cras)
        .lazy()
        .select(*_DESCRIBED, cra_id="id")
        .join(parts.lazy(), on="cra_id", how="left")
        .with_columns(
            # a CRA without production lines says zero days: it is there, it is not absent
            part_days=pl.coalesce("part_days", pl.lit(0, dtype=DAYS)),
            part=pl.col("part").fill_null(OWN),
        )
        .with_columns(
            production_days=pl.col("part_days").sum().over("cra_id").cast(DAYS),
            contract_id=pl.when(named).then("part").otherwise("contract_id"),
        )
        .join(owners.lazy(), on="contract_id", how="left")
        .join(_mission_contracts(_alive(cras), contracts).lazy(), on="cra_id", how="left")
        .with_columns(
            client_id=pl.coalesce(
                pl.when(named).then("contract_client_id"),
                "client_id",
                "contract_client_id",
                "mission_client_id",
            )
        )
        .with_columns(
            consistent=pl.col("production_days") == pl.col("total_days"),
            dead=pl.col("status").is_in(DEAD),
            client_key=pl.col("client_id").fill_null(_NOBODY),
        )
        .drop("contract_client_id", "mission_client_id")
        .collect(engine="in-memory")
    )


def _replacements(described: pl.DataFrame, worked: pl.LazyFrame) -> pl.DataFrame:
    """Which dead CRA part another one replaces (newer, same person, client, days).

    A CRA that stands replaces a dead one whatever its time stamp, which moves when we invalidate;
    of two dead ones the later changed stands. The days are the same where a date is shared, or, of
    a CRA without production, where the periods overlap. Two contracts are two things.

    Returns:
        `dead_id`, `dead_part`, and `cra_id`, `part` of what stands in its place.
    """
    keys = ["consultant_id", "client_key"]
    side = described.select(
        *keys,
        *_PART,
        "contract_id",
        "dead",
        "updated_at",
        "part_days",
        "period_start_date",
        "period_end_date",
    )
    dead = side.filter("dead")
    if dead.is_empty():
        return pl.DataFrame(schema=dict.fromkeys([*_PART, *_OLD.values()], pl.String))
    empty = (pl.col("part_days") == 0) | (pl.col("part_days_old") == 0)
    overlap = (pl.col("period_start_date") <= pl.col("period_end_date_old")) & (
        pl.col("period_end_date") >= pl.col("period_start_date_old")
    )
    changed = pl.col("updated_at")
    later = (changed > pl.col("updated_at_old")).fill_null(value=False) | (
        changed.eq_missing(pl.col("updated_at_old")) & (pl.col("cra_id") > pl.col("cra_id_old"))
    )
    same_contract = (pl.col("contract_id") == pl.col("contract_id_old")).fill_null(value=True)
    pairs = (
        dead.join(side, on=keys, suffix="_new")
        .rename({name: f"{name}_old" for name in side.columns if name not in keys})
        .rename({f"{name}_new": name for name in side.columns if name not in keys})
        .filter(pl.col("cra_id") != pl.col("cra_id_old"), same_contract, ~pl.col("dead") | later)
    )
    overlapping = pairs.filter(empty & overlap)
    found = [same.select(*_PART, *_OLD) for same in (_of_one_date(pairs, worked), overlapping)]
    return pl.concat(found).unique().rename(_OLD)


def _of_one_date(pairs: pl.DataFrame, worked: pl.LazyFrame) -> pl.DataFrame:
    """The pairs of which both parts have production on some date."""
    sides = pl.concat([pairs["cra_id"], pairs["cra_id_old"]]).unique().implode()
    dates = (
        worked.filter(pl.col("cra_id").is_in(sides))
        .select(*_PART, "date")
        .unique()
        .collect(engine="in-memory")
    )
    return pairs.join(dates, left_on=list(_OLD), right_on=_PART).join(
        dates, on=[*_PART, "date"], how="semi"
    )


def _confirmed(
    described: pl.DataFrame, replacements: pl.DataFrame, invalidated: pl.DataFrame
) -> pl.DataFrame:
    """CRA parts resubmitted with the very days for which we had invalidated them."""
    if invalidated.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(_PART, pl.String))
    before = invalidated.select(
        dead_id="cra_id", dead_part=pl.col("contract_id").fill_null(OWN), refused_days="cra_days"
    )
    itself = described.select(*_PART, dead_id="cra_id", dead_part="part")
    return (
        pl.concat([itself, replacements.select(itself.columns)])
        .join(before, on=["dead_id", "dead_part"])
        .join(described.filter(pl.col("status") == "submitted"), on=_PART)
        .filter(pl.col("refused_days") == pl.col("part_days"))
        .select(_PART)
        .unique()
    )


def reported(
    cras: pl.DataFrame,
    cra_days: pl.DataFrame,
    monthly: pl.DataFrame,
    contracts: pl.DataFrame,
    invalidated: pl.DataFrame,
    periods: Sequence[str],
) -> pl.DataFrame:
    """Every counted CRA part and month of `periods`; production days are split by their date.

    Args:
        cras: core.cras.
        cra_days: core.cra_days.
        monthly: what `by_month` gives of them.
        contracts: core.contracts.
        invalidated: `cra_id`, `contract_id` (null: lines that name none), `cra_days` (production
            days of that part, in all months, when we invalidated it).
        periods: months to look at.

    Returns:
        `cra_id`, `part` (the contract that the lines name, else OWN), `period`, `client_id` (null
        when it cannot be told), `consultant_id`, `contract_id` (as named), `mission_contract_id`,
        `status`, `month_days` and `part_days` (of the part), `production_days` and `total_days` (of
        the whole CRA), `consistent`, `dead`, `confirmed`, `updated_at`. A rejected or invalidated
        part is left out once another stands in its place.
    """
    described = _described(cras, monthly, contracts)
    replacements = _replacements(described, production(cra_days))
    confirmed = _confirmed(described, replacements, invalidated)
    replaced = replacements.lazy().select(cra_id="dead_id", part="dead_part")
    return (
        touching(_alive(cras), monthly, periods)
        .join(described.lazy(), on=_PART)
        .join(replaced, on=_PART, how="anti")
        .join(confirmed.lazy().with_columns(confirmed=pl.lit(value=True)), on=_PART, how="left")
        .select(
            *_PART,
            "period",
            "client_id",
            "consultant_id",
            "contract_id",
            "mission_contract_id",
            "status",
            "part_days",
            "production_days",
            "total_days",
            "consistent",
            "dead",
            "updated_at",
            month_days=pl.coalesce("month_days", pl.lit(0, dtype=DAYS)),
            confirmed=pl.col("confirmed").is_not_null(),
        )
        .sort(*_PART, "period")
        .collect(engine="in-memory")
    )
