"""What keeps a matched row from being billed; the outcome stays (reconciliation.md 1.4)."""

from decimal import Decimal

import polars as pl

from transforms.cra_outcomes import HOLDS, holds_of
from transforms.figures import days_text
from transforms.ledger import Ledger
from transforms.names import plain
from transforms.rates import RATE_AMBIGUOUS, RATE_MISSING

_FRENCH = ["fr", "fra", "france"]


def foreign(vat_number: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Whether VAT number or billing country is not French; an absent one says nothing."""
    vat = vat_number.str.replace_all(r"\s", "").str.to_uppercase()
    by_vat = ~vat.str.starts_with("FR") & (vat != "")
    named = plain(country)
    by_country = ~named.is_in(_FRENCH) & (named != "")
    return by_vat.fill_null(value=False) | by_country.fill_null(value=False)


def _touched(rows: pl.DataFrame, invoices: pl.DataFrame) -> pl.DataFrame:
    """`break_id`, `invoice_ids` and `references` of the invoices on the row's contract and month.

    An invoice that names no contract may be for any of the client's.
    """
    month = rows.select("break_id", "contract_id", "client_id", "period")
    named = month.join(invoices.drop("client_id"), on=["contract_id", "period"])
    open_ = month.join(
        invoices.filter(pl.col("contract_id").is_null()).drop("contract_id"),
        on=["client_id", "period"],
    )
    columns = ["break_id", "invoice_id", "reference"]
    return (
        pl.concat([named.select(columns), open_.select(columns)])
        .sort("invoice_id")
        .group_by("break_id")
        .agg(
            touching_id=pl.col("invoice_id").first(),
            touching=pl.col("reference").unique().sort().str.join(", "),
        )
    )


def _invoice_holds(
    rows: pl.DataFrame, code: str, invoices: pl.DataFrame, when: pl.Expr, expected: str
) -> pl.DataFrame:
    touched = rows.join(_touched(rows, invoices), on="break_id")
    return holds_of(
        touched,
        code,
        when,
        subject="invoice",
        subject_id=pl.col("touching_id"),
        expected=expected,
        actual=pl.col("touching"),
    )


def billing_holds(rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """Every hold of 1.4 on the rows that could be billed, as recon.holds.

    Args:
        rows: rows of `billing`, with `could_bill`, `rest_days` and `rest_amount`.
        ledger: what was billed and what stands in the way.
    """
    due = rows.filter("could_bill").with_columns(stake_amount=pl.col("rest_amount").abs())
    to_bill = pl.col("rest_days") != Decimal(0)
    contract = {
        "subject": pl.lit("invoice"),
        "subject_id": pl.coalesce("contract_id", "break_id"),
    }
    problem, mixed = pl.col("rate_problem"), pl.col("currencies") > 1
    found = [
        holds_of(
            due,
            "CONTRACT_NOT_ACTIVE",
            to_bill & ~pl.col("active"),
            **contract,
            expected=pl.lit("a contract that covers ") + pl.col("period"),
            actual=pl.coalesce("contract_id", pl.lit("none")),
        ),
        holds_of(
            due,
            RATE_MISSING,
            to_bill & (problem == RATE_MISSING),
            **contract,
            expected="a rate of the contract for the consultant",
            actual="none",
        ),
        holds_of(
            due,
            RATE_AMBIGUOUS,
            to_bill & ((problem == RATE_AMBIGUOUS) | mixed),
            **contract,
            expected="one rate",
            actual=pl.when(mixed)
            .then(pl.lit("several currencies"))
            .otherwise(pl.lit("several rates")),
        ),
        holds_of(
            due,
            "TAX_RATE_MISSING",
            to_bill & pl.col("tax_rate").is_null() & pl.col("foreign"),
            **contract,
            expected="a tax rate on the contract",
            actual=pl.coalesce("vat_number", "billing_country"),
        ),
        _invoice_holds(
            due, "ALREADY_INVOICED", ledger.by_hand, to_bill, "no other invoice for the month"
        ),
        _invoice_holds(
            due,
            "INVOICE_CANCELLED",
            ledger.cancelled,
            pl.col("rest_days") > Decimal(0),
            "our invoice as we made it",
        ),
        _invoice_holds(
            due,
            "CREDIT_NOTE_UNASSIGNED",
            ledger.unassigned,
            pl.lit(value=True),
            "lines that end in month and consultant id",
        ),
    ]
    rest = days_text(pl.col("rest_days"))
    return (
        pl.concat(found)
        .join(due.select("break_id", rest=pl.lit("to bill: ") + rest), on="break_id", how="left")
        .with_columns(detail=pl.coalesce("detail", "rest"))
        .select(list(HOLDS))
    )
