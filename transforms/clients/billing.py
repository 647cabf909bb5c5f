"""What to bill, what to validate and what to invalidate (reconciliation.md 1.2 and 1.4).

A row is billed for what is matched and not billed yet. `invoicing` makes the invoices of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import polars as pl

from transforms.clients import cra_outcomes as say
from transforms.clients.billing_holds import billing_holds, credit_notes_due
from transforms.clients.billing_rows import (
    GROUP,
    billing_date_come,
    rows_to_bill,
    to_credit_elsewhere,
)
from transforms.clients.cra_decisions import decided, inputs, marked, noted, settled
from transforms.clients.cra_matching import CraFacts, CraMatching
from transforms.clients.cra_outcomes import MATCHES, codes_by_row, conform
from transforms.clients.cra_statuses import awaits_person, to_invalidate, to_validate
from transforms.clients.invoicing import Terms, credit_notes, invoices
from transforms.clients.ledger import Ledger, read_ledger
from transforms.clients.payment_terms import due_date
from transforms.holds import HOLDS
from transforms.names import prepared
from transforms.overrides import overridden
from transforms.policy import Policy

__all__ = ["Billing", "due_date", "propose_invoices"]

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
        decided: `break_id` and `overrides.DECISION` of the rows that a person decided on.
        rows: what the matches were decided on.
        reports: the CRAs of each row.
        unread: unreadable lines.
    """

    matches: pl.DataFrame
    holds: pl.DataFrame
    proposals: pl.DataFrame
    to_validate: pl.DataFrame
    to_invalidate: pl.DataFrame
    ledger: pl.DataFrame
    decided: pl.DataFrame
    rows: pl.DataFrame
    reports: pl.DataFrame
    unread: pl.DataFrame

    @cached_property
    def inputs(self) -> pl.DataFrame:
        """What each row was decided on: `break_id`, `fingerprint`, `inputs` (JSON)."""
        return inputs(self.rows, self.reports, self.unread)


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
    sent_back = to_invalidate(matching.rows.filter(asked), matching.reports, policy)
    leaving = sent_back["cra_id"].to_list()
    rows = rows_to_bill(facts, matching, ledger, leaving, currency)
    rows, found, notes_due = _held(rows, ledger)
    rows = _grouped(_blocked(rows, found, matching), policy, as_of)
    terms = Terms(as_of=as_of, tax_rate=tax_rate, used=ledger.references)
    due = rows.filter("bill_now", asked.any().over(GROUP))
    proposals = invoices(due, terms)
    rows = _with_references(rows, proposals)
    validated = to_validate(rows, matching.reports, periods)
    notes = _credit_notes(rows.filter(asked), facts, matching, ledger, terms)
    notes_due = notes_due.join(
        rows.filter("credit", ~pl.col("covers_due")), on="break_id", how="semi"
    )
    found = pl.concat([found, notes_due])
    done = settled(_acted(rows.filter(asked), found, validated))
    return Billing(
        matches=conform(done, MATCHES).sort("break_id"),
        holds=pl.concat([matching.holds, found.join(done, on="break_id", how="semi")]).sort(
            list(HOLDS)[:4]
        ),
        proposals=_approved(pl.concat([_with_cras(proposals, validated), *notes]), policy),
        to_validate=validated,
        to_invalidate=sent_back,
        ledger=ledger.new,
        decided=decided(done),
        rows=done.sort("break_id"),
        reports=matching.reports,
        unread=matching.unread.sort("break_id"),
    )


def _credit_notes(
    rows: pl.DataFrame, facts: CraFacts, matching: CraMatching, ledger: Ledger, terms: Terms
) -> list[pl.DataFrame]:
    """Of what was billed too much on a row's own contract, and on one that its CRA has left."""
    own = rows.filter("credit", "too_much").with_columns(
        rest_days="credit_days", rest_amount="credit_amount"
    )
    leaving = rows.filter("could_bill", pl.col("elsewhere_id").is_not_null())
    if own.is_empty() and leaving.is_empty():
        return []
    left = to_credit_elsewhere(leaving, facts, matching, ledger)
    return [credit_notes(pl.concat([own, left], how="diagonal"), terms)]


def _held(rows: pl.DataFrame, ledger: Ledger) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The rows, the holds that keep them from being billed, and the credit notes that would be due.

    What a person approved is lifted as it stood.
    """
    found, due = billing_holds(rows, ledger), credit_notes_due(rows)
    told = marked(rows, found, due)
    left = overridden(found, told.filter("covers")["break_id"])
    return told, noted(left, told), noted(due, told)


def _blocked(rows: pl.DataFrame, found: pl.DataFrame, matching: CraMatching) -> pl.DataFrame:
    """Adds the hold codes of billing, and what blocks the client's month.

    Somebody unknown blocks all of it; a line that no contract can be told for, or that cannot be
    read, may belong to any contract of the client. One that cannot be read and names the row's
    person (`unsaid`) may correct the row, or add to it.
    """
    codes = found.group_by("break_id").agg(billing_codes=pl.col("code").unique().sort())
    month = ["period", "client_id"]
    entries = rows.filter(pl.col("outcome") == say.MISSING_ENTRY, ~pl.col("approved")).select(month)
    loose = rows.filter(
        pl.col("declared_days").is_not_null(),
        pl.col("contract_id").is_null(),
        pl.col("outcome") != say.MATCHED,
        ~_left_out(),
    ).select(month)
    lines = matching.unread.filter(~pl.col("ignored"))
    unread = lines.select(month)
    named = lines.select(*month, "name_key", unsaid=pl.lit(value=True)).unique()
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


def _left_out() -> pl.Expr:
    """Whether a person lets a line be that names nobody: the others are billed without it."""
    return (pl.col("outcome") == say.MISSING_ENTRY) & pl.col("approved")


def _grouped(rows: pl.DataFrame, policy: Policy, as_of: date) -> pl.DataFrame:
    """Adds what is billed now: rows of which every line of the invoice is matched and due."""
    unheld = pl.col("could_bill") & (pl.col("billing_codes").list.len() == 0)
    clear = unheld & ~pl.col("entry") & ~pl.col("unsaid")
    declared = pl.col("declared_days").is_not_null()
    lines = pl.col("clear") | ~declared | _left_out()
    complete = (lines & ~pl.col("loose")).all().over(GROUP)
    together = pl.lit(value=True) if policy.billing.partial else complete
    more = pl.col("rest_days") > _ZERO
    return (
        rows.with_columns(clear=clear, due=billing_date_come(as_of))
        .with_columns(
            credit=pl.col("clear") & (pl.col("too_much") | pl.col("twice")),
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


def _approved(proposals: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    approval = policy.approval.get("boond.invoice.create", "never")
    return proposals.with_columns(
        awaiting_approval=awaits_person(pl.col("total_incl_tax"), approval)
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


def _acted(rows: pl.DataFrame, found: pl.DataFrame, to_validate: pl.DataFrame) -> pl.DataFrame:
    """Completes holds and action of the matched rows; the others keep those of the comparison."""
    validated = to_validate["cra_id"].unique().to_list()
    codes = codes_by_row(found).rename({"holds": "found_codes"})
    follows = pl.col("cra_ids").list.eval(pl.element().is_in(validated)).list.any()
    held = pl.lit(None, dtype=pl.String)
    for code in reversed(_HOLD_ORDER):
        said = pl.lit(say.HOLD_ACTION[code])
        held = pl.when(pl.col("billing_codes").list.contains(code)).then(said).otherwise(held)
    action = (
        pl.when((pl.col("outcome") != say.MATCHED) | pl.col("rejected"))
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
    return rows.join(codes, on="break_id", how="left").with_columns(
        action=action,
        holds=pl.col("holds").list.set_union(pl.col("found_codes").fill_null([])).list.sort(),
    )
