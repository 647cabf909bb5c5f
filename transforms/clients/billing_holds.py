"""What keeps a matched row from being billed; the outcome stays (reconciliation.md 1.4)."""

from decimal import Decimal

import polars as pl

from transforms.clients.cra_outcomes import NO_HOLDS, holds_of
from transforms.clients.ledger import Ledger
from transforms.clients.rates import RATE_AMBIGUOUS, RATE_MISSING, month_start
from transforms.holds import HOLDS
from transforms.names import plain
from transforms.words.figures import days_text, money_text, sentence

_FRENCH = ["fr", "fra", "france"]


def foreign(vat_number: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Whether VAT number or billing country is not French; an absent one says nothing."""
    vat = vat_number.str.replace_all(r"\s", "").str.to_uppercase()
    by_vat = ~vat.str.starts_with("FR") & (vat != "")
    named = plain(country)
    by_country = ~named.is_in(_FRENCH) & (named != "")
    return by_vat.fill_null(value=False) | by_country.fill_null(value=False)


def _touched(rows: pl.DataFrame, invoices: pl.DataFrame) -> pl.DataFrame:
    """`break_id`, `touching_id` and `touching` of the invoices on the row's contract and month.

    An invoice that names no contract may be for any of the client's. Where several months are one
    invoice, one of any month of the quarter, or of the contract's last month, may be for the row.
    """
    month = rows.select(
        "break_id", "contract_id", "client_id", "last_billed_at", period=_invoice_months()
    ).explode("period")
    named = month.join(invoices.drop("client_id"), on=["contract_id", "period"])
    open_ = month.join(
        invoices.filter(pl.col("contract_id").is_null()).drop("contract_id"),
        on=["client_id", "period"],
    )
    columns = ["break_id", "invoice_id", "reference"]
    # who billed again after an invoice was cancelled has decided on that one
    past = (pl.col("gone_at") < pl.col("last_billed_at")).fill_null(value=False)
    return (
        pl.concat([named.filter(~past).select(columns), open_.filter(~past).select(columns)])
        .unique()
        .sort("invoice_id")
        .group_by("break_id")
        .agg(
            touching_id=pl.col("invoice_id").first(),
            touching=pl.col("reference").unique().sort().str.join(", "),
        )
    )


def _invoice_months() -> pl.Expr:
    """The months that an invoice which holds the row may name."""
    first = month_start(pl.col("period"))
    quarter = [first.dt.truncate("1q").dt.offset_by(f"{months}mo") for months in range(3)]
    own, key = pl.col("period"), pl.col("billing_key")
    return (
        pl.when(pl.col("frequency") == "quarterly")
        .then(pl.concat_list(month.dt.strftime("%Y-%m") for month in quarter))
        .otherwise(pl.concat_list(own, key).list.unique())
    )


def _invoice_holds(
    rows: pl.DataFrame, code: str, invoices: pl.DataFrame, when: pl.Expr, expected: str
) -> pl.DataFrame:
    if invoices.is_empty():
        return NO_HOLDS
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
    found = pl.concat([*_contract_holds(due), *_vendor_holds(due, ledger), _moved_holds(due)])
    if found.is_empty():
        return found
    rest = pl.lit("to bill: ") + days_text(pl.col("rest_days"))
    return (
        found.join(due.select("break_id", rest=rest), on="break_id", how="left")
        .with_columns(detail=pl.coalesce("detail", "rest"))
        .select(list(HOLDS))
    )


def _no_contract() -> pl.Expr:
    """What stands in the place of a contract that covers the month."""
    named = sentence("contract {}", "contract_id")
    return (
        pl.when("client_gone")
        .then(sentence("client {} is archived or deleted", "client_name"))
        .when("contract_gone")
        .then(sentence("{} is archived or deleted", named))
        .otherwise(pl.coalesce(named, pl.lit("none")))
    )


def _contract_holds(due: pl.DataFrame) -> list[pl.DataFrame]:
    """What the contract does not tell: that it covers the month, the rate, the tax."""
    to_bill = pl.col("rest_days") != Decimal(0)
    problem = pl.col("rate_problem")
    mixed = (pl.col("currencies") > 1) | pl.col("currency_changed")
    several = pl.when(mixed).then(pl.lit("several currencies")).otherwise(pl.lit("several rates"))
    found: list[tuple[str, pl.Expr, pl.Expr | str, pl.Expr | str]] = [
        (
            "CONTRACT_NOT_ACTIVE",
            ~pl.col("active"),
            pl.lit("a contract that covers ") + pl.col("period"),
            _no_contract(),
        ),
        (RATE_MISSING, problem == RATE_MISSING, "a rate for the consultant", "none"),
        (RATE_AMBIGUOUS, (problem == RATE_AMBIGUOUS) | mixed, "one rate", several),
        (
            "TAX_RATE_MISSING",
            pl.col("tax_rate").is_null() & pl.col("foreign"),
            "a tax rate on the contract",
            pl.coalesce("vat_number", "billing_country"),
        ),
    ]
    subject = {"subject": "invoice", "subject_id": pl.coalesce("contract_id", "break_id")}
    return [
        holds_of(due, code, to_bill & when, expected=expected, actual=actual, **subject)
        for code, when, expected, actual in found
    ]


def _moved_holds(due: pl.DataFrame) -> pl.DataFrame:
    """Days of the month that are billed on a contract that the CRA has left."""
    return holds_of(
        due,
        "ALREADY_INVOICED",
        (pl.col("rest_days") > Decimal(0)) & pl.col("elsewhere_id").is_not_null(),
        subject="invoice",
        subject_id=pl.col("elsewhere_id"),
        expected="no other invoice for the month",
        actual=days_text(pl.col("elsewhere_days")) + sentence(" on {}", "elsewhere"),
        detail="billed on a contract without a CRA of the month any more: to be credited first",
    )


def _vendor_holds(due: pl.DataFrame, ledger: Ledger) -> list[pl.DataFrame]:
    """Invoices and credit notes at the vendor that a person made or cancelled."""
    days = pl.col("rest_days")
    by_hand, cancelled = days != Decimal(0), days > Decimal(0)
    always = pl.lit(value=True)
    found = [
        ("ALREADY_INVOICED", ledger.by_hand, by_hand, "no other invoice for the month"),
        ("INVOICE_CANCELLED", ledger.cancelled, cancelled, "our invoice as we made it"),
        ("CREDIT_NOTE_UNASSIGNED", ledger.unassigned, always, "lines of month and consultant id"),
    ]
    return [_invoice_holds(due, *each) for each in found]


def credit_notes_due(rows: pl.DataFrame) -> pl.DataFrame:
    """`CREDIT_NOTE_DUE` on every row of which more is billed than is matched, as recon.holds.

    It goes to a person, and keeps nothing else back.

    Args:
        rows: rows of `billing_rows`.
    """
    own = _credit_holds(
        rows.filter("could_bill", "too_much"),
        pl.col("credit_days").abs(),
        pl.col("credit_amount").abs(),
        subject_id=pl.col("contract_id"),
        expected=days_text(pl.col("declared_days")) + pl.lit(" matched"),
        actual=days_text(pl.col("billed_days")) + pl.lit(" billed"),
    )
    left = _credit_holds(
        rows.filter("could_bill", "twice"),
        pl.col("elsewhere_days"),
        pl.col("elsewhere_amount"),
        subject_id=pl.col("elsewhere_id"),
        expected="nothing billed on a contract without a CRA",
        actual=days_text(pl.col("elsewhere_days")) + sentence(" on {}", "elsewhere"),
    )
    return pl.concat([own, left])


def _credit_holds(
    rows: pl.DataFrame, days: pl.Expr, amount: pl.Expr, **texts: pl.Expr | str
) -> pl.DataFrame:
    credit = sentence(
        "to credit: {}, {}", days_text(days), money_text(amount, pl.col("bill_currency"))
    )
    return holds_of(
        rows.with_columns(stake_amount=amount, currency="bill_currency"),
        "CREDIT_NOTE_DUE",
        pl.lit(value=True),
        subject="invoice",
        detail=credit,
        **texts,
    )
