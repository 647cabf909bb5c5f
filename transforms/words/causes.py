"""The smallest explanation of each gap between declared and CRA days (reconciliation.md 1.2).

The gap of a row is declared − CRA, a side that says nothing counting as zero here. A cause explains
a gap only when its figures make it up exactly. Of several, the first of these stages counts, in a
stage the one with the fewest facts, then the one that stands first in its line:

1. the row's own lines and dates: `mission_end`, `mission_start`, `public_holiday` (worked),
   `absence`, `half_days`, `neighbouring_month` (a CRA that reaches into it), `second_mission`;
2. another row that stage 1 leaves open as well, with the opposite gap: `second_mission` (the same
   person), `neighbouring_month` (of the same person and client), `swap` (another person of client
   and month, each with the days of the other);
3. the calendar, and what stands beside a missing CRA: `public_holiday` (counted by the client),
   `mission_end` and `mission_start` (likewise), `draft_elsewhere`, `second_mission`;
4. `swap`: one whose other side has an explanation of its own, or one that only the gap tells.

Nothing of these is `none_found`.
"""

from datetime import date

import holidays
import polars as pl

from transforms.clients.cra_matching import CraFacts
from transforms.clients.cra_outcomes import (
    HELD,
    MISSING_CRA,
    MISSING_ENTRY,
    OVER,
    UNDECLARED,
    UNDER,
)
from transforms.clients.rates import month_start
from transforms.money import DAYS
from transforms.words.cra_lines import elsewhere_lines, own_lines
from transforms.words.evidence import CAUSES, best, said, summed

NONE_FOUND = "none_found"
_BROKEN = [OVER, UNDER, MISSING_CRA, UNDECLARED, MISSING_ENTRY, HELD]
_UNKNOWN = "unknown"
_ZERO = pl.lit(0, dtype=DAYS)
_HALF = pl.lit("0.5").cast(DAYS)
_OVER, _UNDER = pl.col("gap") > 0, pl.col("gap") < 0
_INSIDE = pl.col("date").is_between("first", "last")
_PRODUCTION = pl.col("type_code") == "production"
_ABSENCE = pl.col("type_code") == "absence"
_SATURDAY = 6
_PLACE = {"others": "places", "ids": "cra_ids", "days": "total"}


def find_causes(rows: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """The cause of each row that differs.

    Args:
        rows: rows of recon.cra_matches, those of other months included that may explain one.
        facts: what the rows were compared on.

    Returns:
        CAUSES, one row a difference of days; of people that nobody knows only where one is found.
    """
    broken = _broken(rows, facts)
    if broken.is_empty():
        return pl.DataFrame(schema=CAUSES)
    lines, elsewhere = own_lines(broken, facts), elsewhere_lines(broken, facts)
    own = best(_own_causes(broken, lines, elsewhere, facts))
    left = broken.join(own, on="break_id", how="anti")
    paired = best([*_of_the_person(left), _swapped(left)])
    left = left.join(paired, on="break_id", how="anti")
    beside = best(_calendar_causes(left, lines, elsewhere, facts))
    left = left.join(beside, on="break_id", how="anti")
    swapped = best([_swapped(broken).join(left, on="break_id", how="semi"), _opposed(left)])
    left = left.join(swapped, on="break_id", how="anti").filter(pl.col("outcome") != MISSING_ENTRY)
    none = said(left, NONE_FOUND).drop("facts")
    return pl.concat([own, paired, beside, swapped, none]).sort("break_id")


def _broken(rows: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """Rows with a gap, with the first and the last day of their month."""
    declared = pl.col("declared_days").fill_null(_ZERO)
    reported = pl.col("cra_days").fill_null(_ZERO)
    known = (pl.col("consultant_id") != _UNKNOWN) | (pl.col("outcome") == MISSING_ENTRY)
    first = month_start(pl.col("period"))
    contracts = facts.contracts.select(contract_id="id", contract_reference="reference")
    differing = rows.filter(
        pl.col("outcome").is_in(_BROKEN), known, declared != reported, pl.col("client_id") != ""
    )
    return differing.join(contracts, on="contract_id", how="left").select(
        "break_id",
        "period",
        "client_id",
        "consultant_id",
        "contract_id",
        "outcome",
        "cra_ids",
        client_name=pl.coalesce("client_name", "client_id"),
        contract_name=pl.coalesce("contract_reference", "contract_id", "client_name"),
        who=pl.coalesce("consultant_name", "declared_name", "consultant_id"),
        declared=declared,
        reported=reported,
        gap=(declared - reported).cast(DAYS),
        first=first,
        last=first.dt.month_end(),
    )


# The person's own lines


def _own_causes(
    broken: pl.DataFrame, lines: pl.DataFrame, elsewhere: pl.DataFrame, facts: CraFacts
) -> list[pl.DataFrame]:
    """Stage 1: what the person's own lines and the contract's dates say."""
    worked = lines.filter(_PRODUCTION)
    closed = pl.col("date").is_in(sorted(_holidays(broken)))
    by_day = worked.group_by(pl.exclude("quantity")).agg(pl.col("quantity").sum())
    before, after = pl.col("date") < pl.col("first"), pl.col("date") > pl.col("last")
    return [
        summed(worked.filter(_UNDER, _INSIDE, closed), "public_holiday"),
        summed(lines.filter(_OVER, _INSIDE, _ABSENCE), "absence"),
        summed(by_day.filter(_OVER, _INSIDE, pl.col("quantity") == _HALF), "half_days"),
        summed(worked.filter(_OVER, before), "neighbouring_month"),
        summed(worked.filter(_OVER, after), "neighbouring_month"),
        *_outside(worked.filter(_UNDER, _INSIDE), facts),
        *_on_other_reports(elsewhere),
    ]


def _on_other_reports(elsewhere: pl.DataFrame) -> list[pl.DataFrame]:
    """Days of the person in CRAs of other missions, clients or of none."""
    over = elsewhere.filter(_OVER)
    absent = (
        over.filter(_ABSENCE)
        .group_by("break_id", "gap", "outcome", "date")
        .agg(pl.col("quantity").max())
    )
    away = (
        absent.filter(pl.col("outcome") == MISSING_CRA)
        .group_by("break_id", "gap")
        .agg(total=pl.col("quantity").sum().cast(DAYS), date=pl.col("date").unique().sort())
        .filter(pl.col("total") >= pl.col("gap"))
    )
    exact = _by_place(over).filter(pl.col("total") == pl.col("gap"))
    return [
        summed(absent, "absence"),
        said(away, "absence", dates="date", days="total"),
        said(exact.filter(~pl.col("draft")), "second_mission", **_PLACE),
        said(exact.filter("draft"), "draft_elsewhere", **_PLACE),
    ]


def _by_place(elsewhere: pl.DataFrame) -> pl.DataFrame:
    """Production days in other CRAs by where they are: another contract, client or mission."""
    same = (pl.col("other_client") == pl.col("client_id")).fill_null(value=False)
    place = (
        pl.when(same).then("other_contract").otherwise(pl.coalesce("other_name", "other_contract"))
    )
    keys = ["break_id", "gap", "place", "same", "draft"]
    return (
        elsewhere.filter(_PRODUCTION)
        .with_columns(place=place, same=same, draft=pl.col("status") == "draft")
        .group_by(keys)
        .agg(total=pl.col("quantity").sum().cast(DAYS), cra_ids=pl.col("cra_id").unique().sort())
        .with_columns(places=pl.concat_list("place"))
    )


# The calendar and the dates of contracts


def _holidays(broken: pl.DataFrame) -> set[date]:
    """French public holidays of the years of the rows and of those beside them."""
    years = broken.get_column("first").dt.year().unique()
    return set(holidays.country_holidays("FR", years=years.to_list()))


def _limits(facts: CraFacts) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The dates of contracts by contract, and of employment by person."""
    contracts = facts.contracts.select(contract_id="id", start="start_date", end="end_date")
    people = facts.consultants.select(
        consultant_id="id", start="main_contract_start_date", end="main_contract_end_date"
    )
    return contracts, people


def _dated(rows: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """The rows once for each start and end that may bound them."""
    contracts, people = _limits(facts)
    return pl.concat(
        [
            rows.join(contracts, on="contract_id").select(*rows.columns, "start", "end"),
            rows.join(people, on="consultant_id").select(*rows.columns, "start", "end"),
        ]
    )


def _outside(worked: pl.DataFrame, facts: CraFacts) -> list[pl.DataFrame]:
    """Days in the CRA before the start or after the end, that the client has not declared."""
    bounded = _dated(worked, facts)
    late = bounded.filter(pl.col("date") > pl.col("end"))
    early = bounded.filter(pl.col("date") < pl.col("start"))
    return [
        summed(late, "mission_end", "end", dates=pl.concat_list("end"), facts=pl.lit(1)),
        summed(early, "mission_start", "start", dates=pl.concat_list("start"), facts=pl.lit(1)),
    ]


def _calendar_causes(
    left: pl.DataFrame, lines: pl.DataFrame, elsewhere: pl.DataFrame, facts: CraFacts
) -> list[pl.DataFrame]:
    """Stage 3: weekdays that the client has counted, and what there is beside a missing CRA."""
    both = left.filter(_OVER, pl.col("outcome").is_in([OVER, HELD]))
    unworked = _weekdays_without_work(both, lines)
    closed = pl.col("date").is_in(sorted(_holidays(left)))
    bounded = _dated(unworked.filter(~closed), facts)
    late = bounded.filter(pl.col("date") > pl.col("end"), pl.col("end") >= pl.col("first"))
    early = bounded.filter(pl.col("date") < pl.col("start"), pl.col("start") <= pl.col("last"))
    return [
        summed(unworked.filter(closed), "public_holiday"),
        summed(late, "mission_end", "end", dates=pl.concat_list("end"), facts=pl.lit(1)),
        summed(early, "mission_start", "start", dates=pl.concat_list("start"), facts=pl.lit(1)),
        *_beside_nothing(left.filter(pl.col("outcome") == MISSING_CRA), elsewhere, facts),
    ]


def _weekdays_without_work(rows: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """What the row's CRAs leave of each day from Monday to Friday of its month."""
    keys = ["break_id", "first", "last", "gap", "contract_id", "consultant_id"]
    done = lines.filter(_PRODUCTION).group_by("break_id", "date").agg(pl.col("quantity").sum())
    return (
        rows.select(*keys, date=pl.date_ranges("first", "last"))
        .explode("date")
        .filter(pl.col("date").dt.weekday() < _SATURDAY)
        .join(done, on=["break_id", "date"], how="left")
        .with_columns(quantity=(1 - pl.col("quantity").fill_null(_ZERO)).cast(DAYS))
        .filter(pl.col("quantity") > 0)
    )


def _beside_nothing(
    missing: pl.DataFrame, elsewhere: pl.DataFrame, facts: CraFacts
) -> list[pl.DataFrame]:
    """Why there is no CRA: another contract's, a draft, or a mission that is over or not begun."""
    beside = _by_place(elsewhere.join(missing, on="break_id", how="semi"))
    bounded = _dated(missing, facts)
    over, unbegun = pl.col("end") < pl.col("first"), pl.col("start") > pl.col("last")
    return [
        said(beside.filter("draft"), "draft_elsewhere", **_PLACE),
        said(beside.filter("same", ~pl.col("draft")), "second_mission", **_PLACE),
        said(bounded.filter(over), "mission_end", dates=pl.concat_list("end")),
        said(bounded.filter(unbegun), "mission_start", dates=pl.concat_list("start")),
    ]


# Other rows


def _matched_up(
    rows: pl.DataFrame, mine: dict[str, pl.Expr], theirs: dict[str, pl.Expr]
) -> pl.DataFrame:
    """Each row beside the one whose key is its own the other way round, one to one.

    Of several alike the first by id goes with the first, so that no group is multiplied.
    """
    numbered = rows.sort("break_id").with_columns(**mine)
    place = pl.int_range(pl.len()).over(list(mine))
    left = numbered.with_columns(place=place)
    right = left.select(
        **theirs,
        place="place",
        other_id="break_id",
        other_person="consultant_id",
        other_who="who",
        other_period="period",
        other_client="client_id",
        other_client_name="client_name",
        other_contract="contract_name",
    )
    return left.join(right, on=[*mine, "place"]).filter(pl.col("break_id") != pl.col("other_id"))


def _turned(*names: str) -> tuple[dict[str, pl.Expr], dict[str, pl.Expr]]:
    """Keys of rows of the same `names` and opposite gaps."""
    same = {f"key_{name}": pl.col(name) for name in names}
    keys = {name: pl.col(name) for name in same}
    return same | {"key_gap": pl.col("gap")}, keys | {"key_gap": -pl.col("gap")}


def _of_the_person(left: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows of the same person with the opposite gap: another contract, or the month beside."""
    known = left.filter(pl.col("consultant_id") != _UNKNOWN)
    month = _matched_up(known, *_turned("consultant_id", "period"))
    beside = [
        _matched_up(
            known.with_columns(other_month=pl.col("first").dt.offset_by(f"{away}mo")),
            {**_turned("consultant_id", "client_id")[0], "key_month": pl.col("first")},
            {**_turned("consultant_id", "client_id")[1], "key_month": pl.col("other_month")},
        )
        for away in (-1, 1)
    ]
    month_of = pl.concat_list("other_period")
    same = pl.col("client_id") == pl.col("other_client")
    place = pl.when(same).then("other_contract").otherwise("other_client_name")
    return [
        said(month, "second_mission", others=pl.concat_list(place), facts=pl.lit(2)),
        *(said(rows, "neighbouring_month", others=month_of, facts=pl.lit(2)) for rows in beside),
    ]


def _swapped(rows: pl.DataFrame) -> pl.DataFrame:
    """Two people of a client and month, each of whom has been declared with the other's days.

    `side` is `both`, or who alone has the days of the one that the other side does not name.
    """
    same = {"key_client": pl.col("client_id"), "key_period": pl.col("period")}
    keys = {name: pl.col(name) for name in same}
    mine = same | {"key_declared": pl.col("declared"), "key_reported": pl.col("reported")}
    theirs = keys | {"key_declared": pl.col("reported"), "key_reported": pl.col("declared")}
    side = (
        pl.when(pl.col("reported") == 0)
        .then(pl.lit("client"))
        .when(pl.col("declared") == 0)
        .then(pl.lit("cra"))
        .otherwise(pl.lit("both"))
    )
    return _between_people(_matched_up(rows, mine, theirs), side)


def _opposed(rows: pl.DataFrame) -> pl.DataFrame:
    """Two people of a client and month whose gaps make each other up; `side` is null."""
    compared = rows.filter(pl.col("outcome").is_in([OVER, UNDER, HELD]))
    pairs = _matched_up(compared, *_turned("client_id", "period"))
    return _between_people(pairs, pl.lit(None, dtype=pl.String))


def _between_people(pairs: pl.DataFrame, side: pl.Expr) -> pl.DataFrame:
    apart = pairs.filter(pl.col("consultant_id") != pl.col("other_person"))
    named = {"others": pl.concat_list("other_who"), "ids": pl.concat_list("other_id")}
    return said(apart, "swap", **named, side=side, facts=pl.lit(2))
