"""Invoices and credit notes out of the rows to bill (reconciliation.md 1.4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from transforms.clients.ledger import OUR_PREFIX
from transforms.clients.payment_terms import due_date, terms_readable
from transforms.money import MONEY, product
from transforms.words.figures import money_figure, plain_figure, sentence

PROPOSED = "proposed"
CREDIT_NOTE = "credit_note"

_KEYS = ["contract_id", "billing_key"]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What every invoice of a run has in common.

    Attributes:
        as_of: issue date.
        tax_rate: rate where the contract tells none, as a fraction.
        used: references that were ever used.
    """

    as_of: date
    tax_rate: Decimal
    used: frozenset[str]


def invoices(rows: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """One invoice a contract and billing date (month, quarter, end).

    Args:
        rows: rows of `billing` that are billed now.
        terms: what the run's invoices have in common.

    Returns:
        recon.invoice_proposals with the columns that `Billing.proposals` names.
    """
    return _documents(rows, terms, PROPOSED, "")


def credit_notes(rows: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Proposals of what was billed too much, for a person; negative, and never sent."""
    return _documents(rows, terms, CREDIT_NOTE, "-CN")


def _line() -> pl.Expr:
    """One line as JSON keeps it, decimals as text; the ledger is rebuilt from its description."""
    person = pl.concat_str("first_name", "last_name", separator=" ")
    return pl.struct(
        consultant_id="consultant_id",
        period="period",
        description=sentence("{} · {} · {}", person, "period", "consultant_id"),
        quantity=plain_figure(pl.col("rest_days")),
        unit_price=money_figure(pl.col("daily_rate")),
        total_excl_tax=money_figure(pl.col("rest_amount")),
        break_id="break_id",
    )


def _documents(rows: pl.DataFrame, terms: Terms, status: str, mark: str) -> pl.DataFrame:
    rate = pl.coalesce("tax_rate", pl.lit(terms.tax_rate, dtype=pl.Decimal(9, 4)))
    tax = product(pl.col("total_excl_tax"), rate)
    documents = (
        rows.sort("period", "consultant_id")
        .group_by(_KEYS, maintain_order=True)
        .agg(
            pl.col("client_id", "contract_reference", "tax_rate", "payment_terms").first(),
            period=pl.col("period").max(),
            total_excl_tax=pl.col("rest_amount").sum().cast(MONEY),
            currency=pl.col("bill_currency").first(),
            lines=_line().implode(),
            break_ids=pl.col("break_id"),
        )
        .sort(_KEYS)
        .with_columns(total_tax=tax)
        .with_columns(
            total_incl_tax=(pl.col("total_excl_tax") + pl.col("total_tax")).cast(MONEY),
            base=sentence(f"{OUR_PREFIX}{{}}-{{}}{mark}", "billing_key", "contract_reference"),
        )
    )
    return documents.select(
        pl.Series("reference", _unused(documents["base"], terms.used), dtype=pl.String),
        "client_id",
        "contract_id",
        _last_month(),
        "total_excl_tax",
        "total_tax",
        "total_incl_tax",
        "currency",
        lines=_json(),
        status=pl.lit(status),
        issue_date=pl.lit(terms.as_of),
        due_date=due_date(pl.col("payment_terms"), terms.as_of),
        terms_readable=terms_readable(pl.col("payment_terms")),
        break_ids="break_ids",
        cra_ids=pl.lit([], dtype=pl.List(pl.String)),
    )


def _last_month() -> pl.Expr:
    """The month of the reference: of a quarter its last one, else as it stands in the key."""
    year, quarter = pl.col("billing_key").str.head(4), pl.col("billing_key").str.slice(-1)
    last = (quarter.cast(pl.Int32, strict=False) * 3).cast(pl.String).str.zfill(2)
    is_quarter = pl.col("billing_key").str.contains("-Q")
    return pl.when(is_quarter).then(year + "-" + last).otherwise("billing_key").alias("period")


def _json() -> pl.Expr:
    """The list of lines as JSON text."""
    lines = pl.struct(lines="lines").struct.json_encode()
    return lines.str.strip_prefix('{"lines":').str.strip_suffix("}")


def _unused(bases: Iterable[str], used: frozenset[str]) -> list[str]:
    """For each base the first of `base`, `base-2`, `base-3`… that was never used.

    One after the other, since two contracts may bear one reference.
    """
    taken, chosen = set(used), []
    for base in bases:
        number, reference = 1, base
        while reference in taken:
            number += 1
            reference = f"{base}-{number}"
        taken.add(reference)
        chosen.append(reference)
    return chosen
