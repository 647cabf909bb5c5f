"""Declared days against CRA days: outcomes and holds (reconciliation.md 1.1 and 1.2).

Every row keeps all of its holds. Where a hold and not the comparison decides, the outcome is
`held`; what may not be looked at for want of fresh data is `not_checked` before anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from transforms.clients.cra_decisions import (
    difference,
    judged,
    lifted,
    noted,
    outcome,
    unread_judged,
)
from transforms.clients.cra_holds import comparison_holds, unread_holds
from transforms.clients.cra_outcomes import (
    MATCHES,
    MISSING_CRA,
    MISSING_ENTRY,
    NOT_CHECKED,
    NOTHING,
    OUTCOME_SEVERITY,
    OVER,
    SEVERITIES,
    UNDECLARED,
    UNDER,
    conform,
    severity_of,
)
from transforms.clients.cra_pairing import SPOKEN, Pairing, pair, readable_lines, unread_lines
from transforms.clients.cra_wording import comparison_action
from transforms.clients.declared import People
from transforms.clients.rates import covering, with_rates
from transforms.clients.reported import by_month, neighbour_months, reported
from transforms.declarations.senders import believed
from transforms.holds import HOLDS
from transforms.money import DAYS, MONEY, product
from transforms.overrides import nobody_decided
from transforms.policy import Policy
from transforms.words.figures import sentence

NEEDED = frozenset(
    {
        "boond.consultants",
        "boond.clients",
        "boond.contracts",
        "boond.cras",
        "boond.client_invoices",
        "declarations.files",
    }
)
UNREAD: dict[str, pl.DataType] = {
    "break_id": pl.String(),
    "declaration_id": pl.String(),
    "file_name": pl.String(),
    "line_no": pl.Int32(),
    "line_text": pl.String(),
    "problem": pl.String(),
    "problem_code": pl.String(),
    "period": pl.String(),
    "client_id": pl.String(),
    "consultant": pl.String(),
    "name_key": pl.String(),
    "amount": MONEY,
    "currency": pl.String(),
}
"""What is known of a line that cannot be read."""

INVALIDATED: dict[str, pl.DataType] = {
    "cra_id": pl.String(),
    "contract_id": pl.String(),
    "cra_days": DAYS,
}


def _none_invalidated() -> pl.DataFrame:
    return pl.DataFrame(schema=INVALIDATED)


@dataclass(frozen=True, kw_only=True)
class CraFacts:
    """Everything that the client side is decided on; frames have the columns of the core tables.

    Attributes:
        billed: recon.billing_ledger as stored; empty on a lost warehouse.
        in_flight: the same columns: lines of our invoices that may exist at the vendor.
        quarantined: `stream`, `kind`, `id` of the objects that quarantined rows name.
        unread: streams neither read complete nor found fresh (`boond.cras`).
        invalidated: `cra_id`, `contract_id`, `cra_days` of the CRAs that we invalidated before: the
            production days, at that time, of the lines that name the contract (null: of those that
            name none).
        overrides: what people decided on breaks (`overrides.OVERRIDES`).
    """

    clients: pl.DataFrame
    consultants: pl.DataFrame
    contracts: pl.DataFrame
    contract_rates: pl.DataFrame
    cras: pl.DataFrame
    cra_days: pl.DataFrame
    declarations: pl.DataFrame
    declaration_lines: pl.DataFrame
    person_links: pl.DataFrame
    client_invoices: pl.DataFrame
    client_invoice_lines: pl.DataFrame
    billed: pl.DataFrame
    in_flight: pl.DataFrame
    quarantined: pl.DataFrame
    unread: frozenset[str]
    invalidated: pl.DataFrame = field(default_factory=_none_invalidated)
    overrides: pl.DataFrame = field(default_factory=nobody_decided)


@dataclass(frozen=True, kw_only=True)
class CraMatching:
    """What the comparison says.

    Attributes:
        matches: recon.cra_matches of the months asked for (without run columns).
        holds: recon.holds of those rows and of unreadable lines, of whatever month.
        links: names resolved by likeness: `client_id`, `declared_name`, `consultant_id`, `method`,
            `score`.
        rows: matches and what they were decided on, also of the neighbour months that billing
            looks at (the other months of a CRA, of a quarter, of a contract billed at its end).
        reports: the CRA parts of each row and month, with `break_id`.
        unread: unreadable lines that nothing newer says, with `break_id`, `fingerprint`, and
            `ignored` (by a person's decision).
    """

    matches: pl.DataFrame
    holds: pl.DataFrame
    links: pl.DataFrame
    rows: pl.DataFrame
    reports: pl.DataFrame
    unread: pl.DataFrame


def match_cras(facts: CraFacts, *, periods: Sequence[str], policy: Policy) -> CraMatching:
    """Compares declared days with CRA days, month by month.

    Args:
        facts: what is known.
        periods: months `YYYY-MM` to decide on.
        policy: limits of gaps.
    """
    facts = replace(facts, declaration_lines=_believed(facts))
    monthly = by_month(facts.cra_days)
    paired = _paired(facts, monthly, sorted(_months(facts, monthly, periods)))
    rows = _decided(_priced(_named(paired.rows, facts), facts), facts)
    rows, holds = lifted(rows, comparison_holds(rows, policy))
    rows = _worded(rows, holds)
    asked = pl.col("period").is_in(list(periods))
    matches = conform(rows.select(*MATCHES).filter(asked), MATCHES)
    unread = unread_judged(_unread(facts), facts.overrides)
    asking = unread.filter(~pl.col("ignored"))
    kept = holds.join(matches, on="break_id", how="semi")
    return CraMatching(
        matches=matches,
        holds=pl.concat([kept, noted(unread_holds(asking), asking)]).sort(list(HOLDS)[:4]),
        links=paired.links,
        rows=rows,
        reports=_with_break_id(paired.reports).sort("break_id", "cra_id", "part"),
        unread=unread,
    )


def _believed(facts: CraFacts) -> pl.DataFrame:
    """The declaration lines, those of mails given to the clients whose they are."""
    return believed(
        facts.declaration_lines,
        facts.declarations,
        facts.clients,
        facts.contracts,
        facts.consultants,
    )


def _months(facts: CraFacts, monthly: pl.DataFrame, periods: Sequence[str]) -> set[str]:
    """The months asked for and those that are settled or billed together with them."""
    months = {*periods, *neighbour_months(facts.cras, monthly, periods)}
    frequency = pl.col("billing_frequency")
    asked = covering(facts.contracts, sorted(periods)).select("contract_id").unique()
    ours = facts.contracts.join(asked, left_on="id", right_on="contract_id", how="semi")
    if ours.filter(frequency == "quarterly").height:
        months |= {month for period in periods for month in quarter_months(period)}
    ending = ours.filter(frequency == "end").drop_nulls("end_date")
    if ending.height:
        first, last = ending.select(
            pl.col("start_date").min().dt.strftime("%Y-%m"),
            pl.col("end_date").max().dt.strftime("%Y-%m").alias("last"),
        ).row(0)
        declared = facts.declaration_lines["period"].drop_nulls().unique()
        months |= {month for month in declared if first <= month <= last}
    return months


def quarter_months(period: str) -> list[str]:
    """The three months of the quarter that `YYYY-MM` lies in."""
    year, month = int(period[:4]), int(period[5:])
    first = (month - 1) // 3 * 3 + 1
    return [f"{date(year, number, 1):%Y-%m}" for number in range(first, first + 3)]


def _paired(facts: CraFacts, monthly: pl.DataFrame, months: list[str]) -> Pairing:
    reports = reported(
        facts.cras, facts.cra_days, monthly, facts.contracts, facts.invalidated, months
    )
    spoken = facts.declaration_lines.filter(
        pl.col("period").is_in(months), pl.col("problem").is_null()
    )
    people = People(
        consultants=facts.consultants,
        person_links=facts.person_links,
        present=reports.select("client_id", "period", "consultant_id"),
    )
    lines = readable_lines(spoken, facts.declarations, facts.clients).select(SPOKEN)
    return pair(lines, reports, people, facts.contracts, facts.contract_rates)


def _unread(facts: CraFacts) -> pl.DataFrame:
    """Unreadable lines of all months: what replaced one may be of a month not asked for."""
    lines = facts.declaration_lines
    if lines["problem"].null_count() == lines.height:
        return pl.DataFrame(schema=UNREAD)
    unread = unread_lines(readable_lines(lines, facts.declarations, facts.clients))
    file = pl.col("declaration_id").str.head(12)
    named = unread.with_columns(break_id=sentence("declaration/{}/{}", file, "line_no"))
    return conform(named, UNREAD)


def _with_break_id(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        break_id=sentence("cra/{}/{}/{}/{}", "period", "client_key", "person_key", "contract_key")
    )


def _named(rows: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """Adds `break_id` and the names that people read."""
    full = pl.concat_str("first_name", "last_name", separator=" ")
    # the one sort of the rows: what follows keeps their order
    return (
        _with_break_id(rows)
        .sort("break_id")
        .join(
            facts.clients.select(client_id="id", client_name="name"),
            on="client_id",
            how="left",
            maintain_order="left",
        )
        .join(
            facts.consultants.select(consultant_id="id", consultant_name=full),
            on="consultant_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            client_name=pl.coalesce("client_name", "client"),
            consultant_id=pl.col("consultant_id").fill_null("unknown"),
        )
    )


def _priced(rows: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """Adds the rate, the differences in days and money, and the money at stake."""
    said = pl.coalesce("declared_days", "cra_days")
    return (
        with_rates(rows, facts.contract_rates, facts.consultants)
        .with_columns(
            difference_days=difference(),
            difference_amount=product(difference(), pl.col("daily_rate")),
            row_amount=product(said, pl.col("daily_rate")),
        )
        .with_columns(
            contract_amount=product(pl.col("declared_days"), pl.col("daily_rate"))
            .sum()
            .over("period", "client_key", "contract_key"),
        )
    )


def _not_checked(facts: CraFacts) -> pl.Expr:
    """Whether a stream that the row needs, or a row of it that names this one, was not read."""
    if facts.unread & NEEDED:
        return pl.lit(value=True)
    if facts.quarantined.is_empty():
        return pl.lit(value=False)
    names = {"consultant": "consultant_id", "client": "client_id", "contract": "contract_id"}
    streams = [stream.split(".")[-1] for stream in NEEDED]
    ours = facts.quarantined.filter(pl.col("stream").str.split(".").list.last().is_in(streams))

    def ids(kind: str) -> list[str]:
        return ours.filter(pl.col("kind") == kind)["id"].drop_nulls().to_list()

    touched = [pl.col(column).is_in(ids(kind)) for kind, column in names.items()]
    reports = pl.col("cra_ids").list.eval(pl.element().is_in(ids("cra"))).list.any()
    return pl.any_horizontal(*touched, reports).fill_null(value=False)


def _decided(rows: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """Adds `outcome`, what a person said of the row, and what is at stake in it."""
    told = judged(rows.with_columns(not_checked=_not_checked(facts)), facts.overrides)
    compared = pl.col("outcome").is_in([OVER, UNDER])
    return told.with_columns(outcome=outcome()).with_columns(
        stake_amount=pl.when(compared)
        .then(pl.col("difference_amount").abs())
        .otherwise(pl.coalesce("row_amount", "declared_amount"))
    )


def _action() -> pl.Expr:
    """What follows; nothing of a row that a person rejected, or knows of and lets be."""
    known = pl.col("outcome").is_in([MISSING_ENTRY, MISSING_CRA, UNDECLARED])
    settled = pl.col("rejected") | (pl.col("approved") & known)
    return pl.when(settled).then(pl.lit(NOTHING)).otherwise(comparison_action())


def _worded(rows: pl.DataFrame, holds: pl.DataFrame) -> pl.DataFrame:
    """Adds severity, action, an empty explanation and `waiting` (for the consultant)."""
    held = holds.group_by("break_id").agg(
        holds=pl.col("code").unique().sort(),
        hold_severity=pl.col("severity").cast(pl.Enum(SEVERITIES)).max(),
    )
    own = severity_of(pl.col("outcome"), OUTCOME_SEVERITY).cast(pl.Enum(SEVERITIES))
    looked_at = ~pl.col("outcome").is_in([NOT_CHECKED])
    severity = pl.max_horizontal(
        own.to_physical(), pl.when(looked_at).then(pl.col("hold_severity").to_physical())
    )
    return (
        rows.join(held, on="break_id", how="left", maintain_order="left")
        .with_columns(
            holds=pl.col("holds").fill_null([]),
            severity=severity.replace_strict(dict(enumerate(SEVERITIES)), return_dtype=pl.String),
            waiting=pl.col("dead_ids").list.len() > 0,
        )
        .drop("hold_severity")
        .with_columns(action=_action(), explanation=pl.lit(""))
    )
