"""Who still owes a CRA, how late it is, and the euros that it keeps back (reconciliation.md 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from transforms.clients.cra_matching import CraFacts
from transforms.clients.cra_outcomes import MISSING_CRA, REMIND, conform
from transforms.clients.rates import PRICED, covering, in_force, month_start, with_rates
from transforms.clients.reported import OWN, by_month, reported
from transforms.money import DAYS, MONEY, product
from transforms.suppliers.receipts import people
from transforms.working_days import business_days, due_day, month_before

LOW, MEDIUM, HIGH, CRITICAL = "low", "medium", "high", "critical"
RISKS = (LOW, MEDIUM, HIGH, CRITICAL)

_HIGH_UNDER, _MEDIUM_UNDER = 3, 7
_ALERT = ["period", "consultant_id", "cra_id"]

ALERTS: dict[str, Any] = {
    "period": pl.String(),
    "consultant_id": pl.String(),
    "cra_id": pl.String(),
    "due_date": pl.Date(),
    "days_left": pl.Int32(),
    "risk": pl.String(),
    "manager_email": pl.String(),
    "blocked_amount": MONEY,
    "currency": pl.String(),
    "cra_status": pl.String(),
}
DEADLINES: dict[str, Any] = {
    "contract_id": pl.String(),
    "client_id": pl.String(),
    "contract_reference": pl.String(),
    "billing_deadline": pl.Date(),
    "days_left": pl.Int32(),
    "pending_cras": pl.Int32(),
    "unpriced_cras": pl.Int32(),
    "blocked_amount": MONEY,
    "currency": pl.String(),
}
_BLOCKED: dict[str, Any] = {
    "period": pl.String(),
    "consultant_id": pl.String(),
    "cra_id": pl.String(),
    "row": pl.String(),
    "contract_id": pl.String(),
    "amount": MONEY,
    "currency": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """What is still owed.

    Attributes:
        alerts: recon.activity_alerts without run, and `cra_status` (null: no CRA was begun).
        deadlines: recon.billing_deadlines without run, the most euros first.
    """

    alerts: pl.DataFrame
    deadlines: pl.DataFrame


def monitor(
    facts: CraFacts,
    purchase_orders: pl.DataFrame,
    purchase_order_lines: pl.DataFrame,
    matches: pl.DataFrame,
    *,
    as_of: date,
    periods: Sequence[str],
) -> Monitoring:
    """The CRAs that are owed and not there, and the billing deadlines that they keep back.

    Args:
        facts: what is known of the client side.
        purchase_orders: core.purchase_orders.
        purchase_order_lines: core.purchase_order_lines.
        matches: recon.cra_matches of the months watched; of other months only the rows whose
            action is to remind the consultant count.
        as_of: the run's date.
        periods: the months to watch (`watched`).
    """
    looked = sorted({*periods, *map(month_before, periods)})
    reports = reported(
        facts.cras,
        facts.cra_days,
        by_month(facts.cra_days),
        facts.contracts,
        facts.invalidated,
        looked,
    ).with_columns(contract_id=pl.coalesce("contract_id", "mission_contract_id"))
    standing = pl.col("deleted_at").is_null()
    present = facts.consultants.filter(standing).select(consultant_id="id")
    expected = _expected(facts, purchase_orders, purchase_order_lines, reports, periods)
    pending = _pending(expected.join(present, on="consultant_id", how="semi"), reports, periods)
    pending = pl.concat([pending, _reminded(pending, matches, periods)])
    blocked = _blocked(pending, reports, matches, facts)
    alerts = _alerts(pending, blocked, facts, as_of)
    return Monitoring(alerts=alerts, deadlines=_deadlines(facts.contracts, blocked, as_of))


def _expected(
    facts: CraFacts,
    purchase_orders: pl.DataFrame,
    purchase_order_lines: pl.DataFrame,
    reports: pl.DataFrame,
    periods: Sequence[str],
) -> pl.DataFrame:
    """`period`, `consultant_id` of everyone with an active mission in the month."""
    months = list(periods)
    by_rate = _named_by_rates(facts, months)
    first = month_start(pl.col("period"))
    spans = purchase_orders.filter(
        pl.col("deleted_at").is_null(), pl.col("status") == "approved"
    ).select("start_date", "end_date", purchase_order_id="id")
    by_order = (
        people(purchase_order_lines, facts.consultants)
        .drop_nulls("consultant_id")
        .join(spans, on="purchase_order_id")
        .join(pl.DataFrame({"period": months}, schema={"period": pl.String}), how="cross")
        .filter(pl.col("start_date") <= first.dt.month_end(), pl.col("end_date") >= first)
    )
    carried = pl.DataFrame(
        [{"period": month, "reported": said} for month in months for said in _two(month)],
        schema={"period": pl.String, "reported": pl.String},
    )
    by_report = carried.join(reports, left_on="reported", right_on="period")
    keys = ["period", "consultant_id"]
    return pl.concat([by_rate.select(keys), by_order.select(keys), by_report.select(keys)]).unique()


def _named_by_rates(facts: CraFacts, periods: list[str]) -> pl.DataFrame:
    """`period`, `contract_id`, `consultant_id` of everyone whom a rate of the month names."""
    named = facts.contract_rates.drop_nulls("consultant_id")
    months = named.join(covering(facts.contracts, periods), on="contract_id")
    return months.filter(in_force()).select(*PRICED)


def _two(month: str) -> tuple[str, str]:
    return month, month_before(month)


def _pending(expected: pl.DataFrame, reports: pl.DataFrame, periods: Sequence[str]) -> pl.DataFrame:
    """What is not submitted, or refused and not resubmitted; and who has not begun at all."""
    ours = reports.filter(pl.col("period").is_in(list(periods)))
    begun = ours.filter((pl.col("status") == "draft") | pl.col("dead"))
    absent = expected.join(ours, on=["period", "consultant_id"], how="anti")
    return pl.concat(
        [
            begun.select(*_ALERT, cra_status="status"),
            absent.select(
                "period",
                "consultant_id",
                cra_id=pl.lit(None, pl.String),
                cra_status=pl.lit(None, pl.String),
            ),
        ]
    ).unique()


def _reminded(pending: pl.DataFrame, matches: pl.DataFrame, periods: Sequence[str]) -> pl.DataFrame:
    """What the comparison waits for and the calendar did not tell: a client's missing CRA."""
    asked = matches.filter(pl.col("action") == REMIND)
    drafts = asked.filter(pl.col("outcome") != MISSING_CRA).select(
        "period", "consultant_id", cra_id="cra_ids"
    )
    none = asked.filter(pl.col("outcome") == MISSING_CRA).select(
        "period", "consultant_id", cra_id=pl.lit(None, pl.String)
    )
    rows = pl.concat(
        [
            drafts.explode("cra_id").with_columns(cra_status=pl.lit("draft")),
            none.with_columns(cra_status=pl.lit(None, pl.String)),
        ]
    )
    # of the months watched the calendar knows every draft already
    loose = pl.col("cra_id").is_null() | ~pl.col("period").is_in(list(periods))
    return rows.filter(loose).unique().join(pending, on=_ALERT, how="anti", nulls_equal=True)


def _blocked(
    pending: pl.DataFrame, reports: pl.DataFrame, matches: pl.DataFrame, facts: CraFacts
) -> pl.DataFrame:
    """What each pending CRA keeps back, by contract: declared days, else those to be expected.

    Of a CRA whose lines name contracts those are the days that it says itself: a month's working
    days are not those of each. `row` tells what is the same money under two pending CRAs.
    """
    declared = _declared(pending, matches)
    known = pl.concat([declared, _said_by_lines(pending, reports, declared, facts)])
    rest = pending.join(known, on=_ALERT, how="anti", nulls_equal=True)
    rows = pl.concat([known, _to_expect(rest, reports, facts)])
    return conform(rows, _BLOCKED)


def _declared(pending: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    said = matches.filter(pl.col("declared_days").is_not_null()).select(
        "period",
        "consultant_id",
        "contract_id",
        "currency",
        "cra_ids",
        row="break_id",
        amount=product(pl.col("declared_days"), pl.col("daily_rate")),
    )
    begun = said.explode("cra_ids").rename({"cra_ids": "cra_id"}).drop_nulls("cra_id")
    none = said.filter(pl.col("cra_ids").list.len() == 0).with_columns(
        cra_id=pl.lit(None, pl.String)
    )
    both = pl.concat([begun, none.drop("cra_ids").select(begun.columns)])
    return pending.join(both, on=_ALERT, nulls_equal=True).select(list(_BLOCKED))


def _said_by_lines(
    pending: pl.DataFrame, reports: pl.DataFrame, declared: pl.DataFrame, facts: CraFacts
) -> pl.DataFrame:
    """The days of CRAs whose lines name contracts, on the contracts that nobody declared."""
    lines = reports.filter(pl.col("part") != OWN)
    parts = (
        reports.join(lines, on="cra_id", how="semi")
        .select(*_ALERT, "contract_id", "part", "month_days")
        .join(pending, on=_ALERT, how="semi")
        .join(declared, on=[*_ALERT, "contract_id"], how="anti", nulls_equal=True)
    )
    return (
        with_rates(parts, facts.contract_rates, facts.consultants)
        .select(
            "period",
            "consultant_id",
            "cra_id",
            row=pl.concat_str(pl.lit("reported"), "period", "cra_id", "part", separator="/"),
            contract_id="contract_id",
            amount=product(pl.col("month_days"), pl.col("daily_rate")),
            currency="currency",
        )
        .select(list(_BLOCKED))
    )


def _to_expect(rest: pl.DataFrame, reports: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """The working days of the month on the one contract that can be meant, at its rate."""
    own = reports.select(*_ALERT, own_id="contract_id").unique(_ALERT)
    one = _only_contracts(rest, reports, facts)
    placed = (
        rest.join(own, on=_ALERT, how="left", nulls_equal=True)
        .join(one, on=["period", "consultant_id"], how="left")
        .with_columns(contract_id=pl.coalesce("own_id", "only_id"))
    )
    days = _contract_days(facts.contracts, rest["period"].unique().to_list())
    return (
        with_rates(placed, facts.contract_rates, facts.consultants)
        .join(days, on=["period", "contract_id"], how="left")
        .with_columns(
            amount=product(pl.col("expected_days"), pl.col("daily_rate")),
            row=pl.concat_str(
                pl.lit("expected"), "period", "consultant_id", "contract_id", separator="/"
            ),
        )
        .select(list(_BLOCKED))
    )


def _only_contracts(rest: pl.DataFrame, reports: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """The contract that names the person in the month, else that of the last month's CRAs."""
    periods = rest["period"].unique().to_list()
    named = _named_by_rates(facts, periods)
    last = pl.DataFrame(
        [(month, month_before(month)) for month in periods],
        schema={"period": pl.String, "before": pl.String},
        orient="row",
    )
    earlier = last.join(reports, left_on="before", right_on="period").drop_nulls("contract_id")
    keys = ["period", "consultant_id"]

    def only(rows: pl.DataFrame, name: str) -> pl.DataFrame:
        grouped = rows.group_by(keys).agg(pl.col("contract_id").unique())
        one = grouped.filter(pl.col("contract_id").list.len() == 1)
        return one.select(*keys, pl.col("contract_id").list.first().alias(name))

    by_rate, by_report = only(named, "named_id"), only(earlier, "earlier_id")
    several = named.select(keys).unique().join(by_rate, on=keys, how="anti")
    return (
        by_rate.join(
            by_report.join(several, on=keys, how="anti"), on=keys, how="full", coalesce=True
        )
        .with_columns(only_id=pl.coalesce("named_id", "earlier_id"))
        .select(*keys, "only_id")
    )


def _contract_days(contracts: pl.DataFrame, periods: list[str]) -> pl.DataFrame:
    """Working days of each month inside each contract: `period`, `contract_id`, `expected_days`."""
    calendar = pl.DataFrame(
        [(period, day) for period in periods for day in business_days(period)],
        schema={"period": pl.String, "date": pl.Date},
        orient="row",
    )
    spans = contracts.select("start_date", "end_date", contract_id="id")
    inside = (pl.col("date") >= pl.col("start_date")) & (
        pl.col("end_date").is_null() | (pl.col("date") <= pl.col("end_date"))
    )
    return (
        covering(contracts, periods)
        .select("period", "contract_id")
        .join(spans, on="contract_id")
        .join(calendar, on="period")
        .filter(inside)
        .group_by("period", "contract_id")
        .agg(expected_days=pl.len().cast(DAYS))
    )


def _alerts(
    pending: pl.DataFrame, blocked: pl.DataFrame, facts: CraFacts, as_of: date
) -> pl.DataFrame:
    keys = [pl.col(name) for name in _ALERT]
    one_currency = pl.col("currency").drop_nulls().n_unique() == 1
    known = one_currency & pl.col("amount").is_not_null().any()
    money = blocked.group_by(keys).agg(
        blocked_amount=pl.when(known).then(pl.col("amount").sum()),
        currency=pl.when(known).then(pl.col("currency").drop_nulls().first()),
    )
    periods = pending["period"].unique().to_list()
    due = pl.DataFrame(
        [(period, due_day(period)) for period in periods],
        schema={"period": pl.String, "usual_date": pl.Date},
        orient="row",
    )
    managers = facts.consultants.select("manager_email", consultant_id="id")
    left = (pl.col("due_date") - pl.lit(as_of)).dt.total_days()
    rows = (
        pending.join(money, on=_ALERT, how="left", nulls_equal=True)
        .join(due, on="period")
        .join(facts.cras.select("due_date", cra_id="id"), on="cra_id", how="left")
        .join(managers, on="consultant_id", how="left")
        .with_columns(due_date=pl.coalesce("due_date", "usual_date"))
        .with_columns(days_left=left.cast(pl.Int32))
        .with_columns(
            risk=pl.when(pl.col("days_left") < 0)
            .then(pl.lit(CRITICAL))
            .when(pl.col("days_left") < _HIGH_UNDER)
            .then(pl.lit(HIGH))
            .when(pl.col("days_left") < _MEDIUM_UNDER)
            .then(pl.lit(MEDIUM))
            .otherwise(pl.lit(LOW))
        )
    )
    return conform(rows, ALERTS).sort(_ALERT)


def _deadlines(contracts: pl.DataFrame, blocked: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The billing dates to come; money under two pending CRAs is counted once."""
    coming = contracts.filter(
        pl.col("deleted_at").is_null(), pl.col("billing_deadline") >= pl.lit(as_of)
    ).select("client_id", "billing_deadline", contract_id="id", contract_reference="reference")
    ended = month_start(pl.col("period")).dt.month_end()
    kept_back = (
        blocked.join(coming, on="contract_id")
        .filter(ended <= pl.col("billing_deadline"))
        .with_columns(counted=pl.col("row").is_first_distinct())
        .group_by("contract_id")
        .agg(
            pending_cras=pl.struct(_ALERT).n_unique(),
            unpriced_cras=pl.col("amount").is_null().sum(),
            known=pl.col("amount").is_not_null().any(),
            blocked_amount=pl.col("amount").filter("counted").sum(),
            currency=pl.col("currency").drop_nulls().first(),
        )
    )
    none = pl.col("pending_cras").is_null()
    rows = coming.join(kept_back, on="contract_id", how="left").with_columns(
        days_left=(pl.col("billing_deadline") - pl.lit(as_of)).dt.total_days(),
        # no pending CRA is a known zero; a pending one without a price is not
        blocked_amount=pl.when(none).then(0).when("known").then("blocked_amount"),
        pending_cras=pl.col("pending_cras").fill_null(0),
        unpriced_cras=pl.col("unpriced_cras").fill_null(0),
    )
    return conform(rows, DEADLINES).sort(
        "blocked_amount",
        "billing_deadline",
        "contract_id",
        descending=[True, False, False],
        nulls_last=True,
    )
