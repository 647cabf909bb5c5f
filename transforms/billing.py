"""What to bill, what to validate and what to invalidate (reconciliation.md 1.2 and 1.4).

A row is billed for what is matched and not billed yet. `invoicing` makes the invoices of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from transforms import cra_outcomes as say
from transforms.billing_holds import billing_holds, foreign
from transforms.cra_matching import CraFacts, CraMatching
from transforms.cra_outcomes import HOLDS, MATCHES, conform
from transforms.figures import sentence
from transforms.invoicing import Terms, credit_notes, invoices
from transforms.ledger import Ledger, read_ledger
from transforms.money import DAYS, MONEY, product
from transforms.names import prepared
from transforms.payment_terms import due_date
from transforms.policy import Approval, Policy
from transforms.rates import covering, month_start

__all__ = ["Billing", "due_date", "propose_invoices"]

_GROUP = ["contract_id", "billing_key"]
_ZERO = Decimal(0)
_HOLD_ORDER = list(say.HOLD_ACTION)


@dataclass(frozen=True, kw_only=True)
class Billing:
    """What follows from the matching.

    Attributes:
        matches: recon.cra_matches with the holds and actions of billing.
        holds: recon.holds of comparison and billing.
        proposals: recon.invoice_proposals and `issue_date`, `due_date`, `terms_readable`,
            `break_ids`, `cra_ids` (to validate after it), `awaiting_approval`. Credit notes
            (`status` `credit_note`, negative) are for a person and never sent.
        to_validate: `cra_id`, `reference` of each invoice that it waits for; null: none.
        to_invalidate: `cra_id`, `break_id`, `awaiting_approval`, `cra_days` (production days of
            the whole CRA, by which a resubmission is recognised).
        ledger: recon.billing_ledger rows that the vendor's invoices prove and that are not stored.
    """

    matches: pl.DataFrame
    holds: pl.DataFrame
    proposals: pl.DataFrame
    to_validate: pl.DataFrame
    to_invalidate: pl.DataFrame
    ledger: pl.DataFrame


def propose_invoices(
    facts: CraFacts,
    matching: CraMatching,
    *,
    periods: Sequence[str],
    policy: Policy,
    as_of: date,
    tax_rate: Decimal,
    currency: str,
) -> Billing:
    """Proposes the invoices of the months asked for, and what follows for their CRAs.

    Args:
        facts: what is known.
        matching: what `match_cras` said of the same facts and months.
        periods: months `YYYY-MM` to bill.
        policy: partial billing and approvals.
        as_of: the run's date: issue date of invoices, and what billing dates are measured by.
        tax_rate: rate of French clients whose contract tells none, as a fraction.
        currency: code where a rate tells none.
    """
    ledger = read_ledger(
        facts.billed, facts.in_flight, facts.client_invoices, facts.client_invoice_lines
    )
    asked = pl.col("period").is_in(list(periods))
    to_invalidate = _to_invalidate(matching.rows.filter(asked), matching.reports, policy)
    rows = _billable(_measured(facts, matching, ledger, to_invalidate), currency)
    found = billing_holds(rows, ledger)
    rows = _grouped(_blocked(rows, found, matching), policy, as_of)
    terms = Terms(as_of=as_of, tax_rate=tax_rate, used=ledger.references)
    due = rows.filter("bill_now", asked.any().over(_GROUP))
    proposals = invoices(due, terms)
    rows = _with_references(rows, proposals)
    to_validate = _to_validate(rows, matching.reports, periods)
    notes = credit_notes(rows.filter("credit", asked), terms)
    done = _acted(rows.filter(asked), to_validate)
    return Billing(
        matches=conform(done, MATCHES).sort("break_id"),
        holds=pl.concat([matching.holds, found.join(done, on="break_id", how="semi")]).sort(
            list(HOLDS)[:4]
        ),
        proposals=_approved(pl.concat([_with_cras(proposals, to_validate), notes]), policy),
        to_validate=to_validate,
        to_invalidate=to_invalidate,
        ledger=ledger.new,
    )


def _measured(
    facts: CraFacts, matching: CraMatching, ledger: Ledger, to_invalidate: pl.DataFrame
) -> pl.DataFrame:
    """Rows with their contract, client and what was billed of them already."""
    contracts = facts.contracts.filter(pl.col("deleted_at").is_null()).select(
        "billing_frequency",
        "payment_terms",
        "tax_rate",
        "start_date",
        "end_date",
        contract_id="id",
        contract_reference="reference",
    )
    clients = facts.clients.select("vat_number", "billing_country", client_id="id")
    active = covering(facts.contracts, matching.rows["period"].unique().to_list()).select(
        "period", "client_id", "contract_id", active=pl.lit(value=True)
    )
    people = facts.consultants.select("first_name", "last_name", consultant_id="id")
    elsewhere = _billed_elsewhere(facts, matching, ledger)
    refused = to_invalidate["cra_id"].to_list()
    leaving = pl.col("cra_ids").list.eval(pl.element().is_in(refused)).list.any()
    return (
        matching.rows.join(contracts, on="contract_id", how="left")
        .join(clients, on="client_id", how="left")
        .join(active, on=["period", "client_id", "contract_id"], how="left")
        .join(people, on="consultant_id", how="left")
        .join(ledger.net, on=["contract_id", "consultant_id", "period"], how="left")
        .join(elsewhere, on=["client_id", "consultant_id", "period"], how="left")
        .with_columns(
            active=pl.col("active").fill_null(value=False),
            foreign=foreign(pl.col("vat_number"), pl.col("billing_country")),
            # nothing billed is a known zero here: the ledger was read whole
            billed_days=pl.coalesce("billed_days", pl.lit(_ZERO, dtype=DAYS)),
            billed_amount=pl.coalesce("billed_amount", pl.lit(_ZERO, dtype=MONEY)),
            waiting=pl.col("waiting") | leaving,
        )
    )


def _billed_elsewhere(facts: CraFacts, matching: CraMatching, ledger: Ledger) -> pl.DataFrame:
    """What was billed of a person's month on a contract that no CRA of theirs is on any more.

    The CRA has moved to another contract; billing that one too would bill the days twice.
    """
    key = ["contract_id", "consultant_id", "period"]
    reporting = matching.rows.filter(pl.col("cra_days").is_not_null())
    return (
        ledger.net.filter(pl.col("billed_days") > _ZERO)
        .join(reporting, on=key, how="anti")
        .join(facts.contracts.select("client_id", contract_id="id"), on="contract_id")
        .group_by("client_id", "consultant_id", "period")
        .agg(
            elsewhere_id=pl.col("contract_id").min(),
            elsewhere_days=pl.col("billed_days").sum().cast(DAYS),
        )
    )


def _billable(rows: pl.DataFrame, currency: str) -> pl.DataFrame:
    """Adds what is left to bill: matched days and money less what was billed."""
    target = product(pl.col("declared_days"), pl.col("daily_rate"))
    key = pl.col("billing_frequency").replace_strict(
        {"quarterly": "quarterly", "end": "end"}, default="monthly", return_dtype=pl.String
    )
    return (
        rows.with_columns(
            could_bill=(pl.col("outcome") == say.MATCHED) & ~pl.col("waiting"),
            rest_days=(pl.col("declared_days") - pl.col("billed_days")).cast(DAYS),
            rest_amount=(target - pl.col("billed_amount")).cast(MONEY),
            bill_currency=pl.coalesce("currency", pl.lit(currency)),
            frequency=key,
        )
        .with_columns(billing_key=_billing_key())
        .with_columns(
            currencies=pl.col("bill_currency")
            .filter("could_bill", pl.col("daily_rate").is_not_null())
            .n_unique()
            .over(_GROUP),
            # money billed in another currency cannot be taken off
            currency_changed=(pl.col("billed_amount") != _ZERO)
            & (pl.col("billed_currency") != pl.col("bill_currency")).fill_null(value=False),
        )
    )


def _billing_key() -> pl.Expr:
    """The month, the quarter or the contract's last month under which a row is invoiced."""
    first = month_start(pl.col("period"))
    quarter = sentence("{}-Q{}", first.dt.year(), first.dt.quarter())
    last = pl.col("end_date").dt.strftime("%Y-%m")
    return (
        pl.when(pl.col("frequency") == "quarterly")
        .then(quarter)
        .when(pl.col("frequency") == "end")
        .then(pl.coalesce(last, pl.lit("open")))
        .otherwise("period")
    )


def _due(as_of: date) -> pl.Expr:
    """Whether the billing date has come: after the quarter, after the end, or at once."""
    first = month_start(pl.col("period"))
    today = pl.lit(as_of)
    after_quarter = today >= first.dt.truncate("1q").dt.offset_by("3mo")
    after_end = (today > pl.col("end_date")).fill_null(value=False)
    return (
        pl.when(pl.col("frequency") == "quarterly")
        .then(after_quarter)
        .when(pl.col("frequency") == "end")
        .then(after_end)
        .otherwise(pl.lit(value=True))
    )


def _blocked(rows: pl.DataFrame, found: pl.DataFrame, matching: CraMatching) -> pl.DataFrame:
    """Adds the hold codes of billing, and what blocks the client's month.

    Somebody unknown blocks all of it; a line that no contract can be told for, or that cannot be
    read, may belong to any contract of the client. One that cannot be read and names the row's
    person (`unsaid`) may correct the row, or add to it.
    """
    codes = found.group_by("break_id").agg(billing_codes=pl.col("code").unique().sort())
    month = ["period", "client_id"]
    entries = rows.filter(pl.col("outcome") == say.MISSING_ENTRY).select(month)
    loose = rows.filter(
        pl.col("declared_days").is_not_null(),
        pl.col("contract_id").is_null(),
        pl.col("outcome") != say.MATCHED,
    ).select(month)
    unread = matching.unread.select(month)
    named = matching.unread.select(*month, "name_key", unsaid=pl.lit(value=True)).unique()
    return (
        rows.with_columns(name_key=prepared(pl.col("declared_name")))
        .join(codes, on="break_id", how="left")
        .join(named, on=[*month, "name_key"], how="left")
        .join(entries.unique().with_columns(entry=pl.lit(value=True)), on=month, how="left")
        .join(
            pl.concat([loose, unread]).drop_nulls().unique().with_columns(loose=pl.lit(value=True)),
            on=month,
            how="left",
        )
        .with_columns(
            billing_codes=pl.col("billing_codes").fill_null([]),
            entry=pl.col("entry").fill_null(value=False),
            loose=pl.col("loose").fill_null(value=False),
            unsaid=pl.col("unsaid").fill_null(value=False),
        )
    )


def _grouped(rows: pl.DataFrame, policy: Policy, as_of: date) -> pl.DataFrame:
    """Adds what is billed now: rows of which every line of the invoice is matched and due."""
    unheld = pl.col("could_bill") & (pl.col("billing_codes").list.len() == 0)
    clear = unheld & ~pl.col("entry") & ~pl.col("unsaid")
    declared = pl.col("declared_days").is_not_null()
    complete = ((pl.col("clear") | ~declared) & ~pl.col("loose")).all().over(_GROUP)
    together = pl.lit(value=True) if policy.billing.partial else complete
    more = pl.col("rest_days") > _ZERO
    less = (pl.col("rest_days") < _ZERO) | (more & (pl.col("rest_amount") < _ZERO))
    return (
        rows.with_columns(clear=clear, due=_due(as_of))
        .with_columns(
            credit=(pl.col("clear") & less).fill_null(value=False),
            settled=(unheld & (pl.col("rest_days") == _ZERO)).fill_null(value=False),
        )
        .with_columns(
            bill_now=(
                pl.col("clear") & more & (pl.col("rest_amount") >= _ZERO) & pl.col("due") & together
            ).fill_null(value=False),
            waits_date=pl.col("clear") & more & ~pl.col("due"),
        )
    )


def _with_references(rows: pl.DataFrame, proposals: pl.DataFrame) -> pl.DataFrame:
    """Adds whether a row is settled, and the invoice that its CRAs wait for."""
    billed_by = proposals.select("reference", "break_ids").explode("break_ids")
    return rows.join(
        billed_by.rename({"break_ids": "break_id", "reference": "invoice_reference"}),
        on="break_id",
        how="left",
    ).with_columns(
        waits_for=pl.coalesce(
            "invoice_reference", pl.when("settled").then(pl.col("flight_reference"))
        ),
        ready=pl.col("settled")
        | pl.col("waits_date").fill_null(value=False)
        | pl.col("invoice_reference").is_not_null(),
    )


def _to_validate(rows: pl.DataFrame, reports: pl.DataFrame, periods: Sequence[str]) -> pl.DataFrame:
    """Submitted CRAs of the months asked for, every month of which is settled.

    A month without a row asks for nothing where the CRA has no production days in it.
    """
    months = reports.filter(pl.col("status") == "submitted").join(
        rows.select("break_id", "ready", "waits_for", "outcome"), on="break_id", how="left"
    )
    idle = pl.col("outcome").is_null() & (pl.col("month_days") == _ZERO)
    asked = pl.col("period").is_in(list(periods)) & pl.col("outcome").is_not_null()
    settled = (pl.col("ready").fill_null(value=False) | idle).all().over("cra_id")
    return (
        months.filter(settled, asked.any().over("cra_id"))
        .group_by("cra_id")
        .agg(reference=pl.col("waits_for").drop_nulls().unique().sort())
        .explode("reference", empty_as_null=True)
        .sort("cra_id", "reference")
    )


def _to_invalidate(rows: pl.DataFrame, reports: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Submitted CRAs that differ, each once; a person first if any of its rows says so."""
    approval = policy.approval.get("boond.cra.invalidate", "never")
    person = pl.col("holds").list.contains("GAP_TOO_LARGE") | _above(
        pl.col("difference_amount").abs(), approval
    )
    days = reports.select("production_days", cra_id="cra_id").unique()
    return (
        rows.filter(pl.col("action").is_in([say.INVALIDATE, say.APPROVE_INVALIDATE]))
        .select("break_id", cra_id="submitted_ids", awaiting_approval=person)
        .explode("cra_id")
        .drop_nulls("cra_id")
        .group_by("cra_id")
        .agg(break_id=pl.col("break_id").min(), awaiting_approval=pl.col("awaiting_approval").any())
        .join(days, on="cra_id")
        .rename({"production_days": "cra_days"})
        .sort("cra_id")
    )


def _above(amount: pl.Expr, approval: Approval) -> pl.Expr:
    """Whether a person decides on a command of this amount; one not known goes to a person."""
    if isinstance(approval, Decimal):
        return (amount > approval).fill_null(value=True)
    return pl.lit(value=approval == "always")


def _approved(proposals: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    approval = policy.approval.get("boond.invoice.create", "never")
    return proposals.with_columns(
        awaiting_approval=_above(pl.col("total_incl_tax"), approval)
    ).sort("reference")


def _with_cras(proposals: pl.DataFrame, to_validate: pl.DataFrame) -> pl.DataFrame:
    waiting = (
        to_validate.drop_nulls("reference")
        .group_by("reference")
        .agg(cra_ids=pl.col("cra_id").sort())
    )
    return (
        proposals.drop("cra_ids")
        .join(waiting, on="reference", how="left")
        .with_columns(cra_ids=pl.col("cra_ids").fill_null([]))
        .select(proposals.columns)
    )


def _acted(rows: pl.DataFrame, to_validate: pl.DataFrame) -> pl.DataFrame:
    """Completes holds and action of the matched rows; the others keep those of the comparison."""
    validated = to_validate["cra_id"].unique().to_list()
    follows = pl.col("cra_ids").list.eval(pl.element().is_in(validated)).list.any()
    held = pl.lit(None, dtype=pl.String)
    for code in reversed(_HOLD_ORDER):
        said = pl.lit(say.HOLD_ACTION[code])
        held = pl.when(pl.col("billing_codes").list.contains(code)).then(said).otherwise(held)
    action = (
        pl.when(pl.col("outcome") != say.MATCHED)
        .then("action")
        .when("waiting")
        .then(pl.lit(say.WAIT_CONSULTANT))
        .when(held.is_not_null())
        .then(held)
        .when(pl.col("entry") & ~pl.col("settled"))
        .then(pl.lit(say.WAIT_ENTRY))
        .when("credit")
        .then(pl.lit(say.CREDIT))
        .when(pl.col("bill_now") & follows)
        .then(pl.lit(say.BILL_AND_VALIDATE))
        .when("bill_now")
        .then(pl.lit(say.BILL))
        .when(pl.col("settled") & pl.col("flight_reference").is_not_null())
        .then(pl.lit(say.WAIT_INVOICE))
        .when(pl.col("settled") & follows)
        .then(pl.lit(say.VALIDATE))
        .when("settled")
        .then(pl.lit(say.SETTLED))
        .when("waits_date")
        .then(pl.lit(say.WAIT_DATE))
        .otherwise(pl.lit(say.WAIT_LINES))
    )
    return rows.with_columns(
        action=action, holds=pl.col("holds").list.set_union("billing_codes").list.sort()
    )
