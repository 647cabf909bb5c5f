"""The words of the client side: outcomes, severities, holds, actions, and the result columns."""

from typing import Any

import polars as pl

from transforms.holds import HOLDS
from transforms.money import DAYS, MONEY

MATCHED = "matched"
OVER = "over_reported"
UNDER = "under_reported"
MISSING_CRA = "missing_cra"
MISSING_ENTRY = "missing_entry"
UNDECLARED = "undeclared"
HELD = "held"
NOT_CHECKED = "not_checked"

SEVERITIES = ["info", "warning", "error", "critical"]
OUTCOME_SEVERITY = {
    MATCHED: "info",
    OVER: "warning",
    UNDER: "warning",
    MISSING_CRA: "error",
    MISSING_ENTRY: "critical",
    UNDECLARED: "warning",
    HELD: "warning",
    NOT_CHECKED: "warning",
}
_ERRORS = ("CLIENT_UNKNOWN", "NAME_AMBIGUOUS", "VALIDATED_CRA_DIFFERS", "CRA_TOTAL_INCONSISTENT")
HOLD_SEVERITY = dict.fromkeys(_ERRORS, "error") | {"MISSING_ENTRY": "critical"}

BILL = "bill"
BILL_AND_VALIDATE = "bill, then validate the CRA"
VALIDATE = "validate the CRA"
SETTLED = "nothing: billed"
WAIT_DATE = "wait for billing date"
WAIT_CONSULTANT = "wait for the consultant"
WAIT_LINES = "wait for the other lines of the contract"
WAIT_ENTRY = "wait until everybody declared is known"
WAIT_INVOICE = "wait for the invoice in flight"
CREDIT = "a person decides on the credit note"
INVALIDATE = "invalidate the CRA, tell the consultant"
APPROVE_INVALIDATE = "a person approves, then invalidate the CRA"
REMIND = "remind the consultant"
VERIFY = "a person verifies"
ASK_CLIENT = "ask the client"
DECIDE = "a person decides"
NOTHING = "nothing is written"

HOLD_ACTION = {
    "RATE_MISSING": "not billed: the contract has no rate for the consultant",
    "RATE_AMBIGUOUS": "not billed: the contract has several rates for the consultant",
    "CONTRACT_NOT_ACTIVE": "not billed: no contract covers the month",
    "ALREADY_INVOICED": "not billed: another invoice exists for the month",
    "TAX_RATE_MISSING": "not billed: the tax rate of a foreign client is missing",
    "INVOICE_CANCELLED": "not billed: our invoice was cancelled, a person decides",
    "CREDIT_NOTE_UNASSIGNED": "not billed: a credit note names no consultant and month",
}

MATCHES: dict[str, pl.DataType] = {
    "break_id": pl.String(),
    "period": pl.String(),
    "client_id": pl.String(),
    "client_name": pl.String(),
    "contract_id": pl.String(),
    "consultant_id": pl.String(),
    "consultant_name": pl.String(),
    "declared_name": pl.String(),
    "declared_days": DAYS,
    "cra_days": DAYS,
    "difference_days": DAYS,
    "daily_rate": MONEY,
    "currency": pl.String(),
    "difference_amount": MONEY,
    "outcome": pl.String(),
    "severity": pl.String(),
    "explanation": pl.String(),
    "cra_ids": pl.List(pl.String()),
    "declaration_id": pl.String(),
    "holds": pl.List(pl.String()),
    "action": pl.String(),
}


def conform(rows: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """The rows with exactly the columns and types of a result."""
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def severity_of(code: pl.Expr, severities: dict[str, str]) -> pl.Expr:
    """The severity of an outcome or a hold; `warning` where none is told."""
    return code.replace_strict(severities, default="warning", return_dtype=pl.String)


NO_HOLDS = pl.DataFrame(schema=HOLDS)


def holds_of(rows: pl.DataFrame, code: str, when: pl.Expr, **texts: Any) -> pl.DataFrame:
    """One hold row for each row where `when` is true; texts are made for those only.

    Args:
        rows: rows with `break_id`, `cra_ids`, `declaration_id`, `stake_amount` and `currency`.
        code: code of the hold.
        when: which rows have it.
        texts: expressions or texts of the hold's other columns, over those of the row.
    """
    held = rows.filter(when)
    if held.is_empty():
        return NO_HOLDS
    blank = dict.fromkeys(("expected", "actual", "tolerance", "detail"))
    of_cra = pl.col("cra_ids").list.len() > 0
    columns = {
        "subject": pl.when(of_cra).then(pl.lit("cra")).otherwise(pl.lit("declaration")),
        "subject_id": pl.coalesce(pl.col("cra_ids").list.first(), "declaration_id"),
        "code": pl.lit(code),
        "severity": pl.lit(HOLD_SEVERITY.get(code, "warning")),
        "amount_at_stake": pl.col("stake_amount"),
    }
    for name, text in (blank | texts).items():
        columns[name] = text if isinstance(text, pl.Expr) else pl.lit(text, dtype=pl.String)
    return conform(held.with_columns(**columns), HOLDS)


def codes_by_row(holds: pl.DataFrame) -> pl.DataFrame:
    """`break_id` and its sorted hold codes."""
    return holds.group_by("break_id").agg(holds=pl.col("code").unique().sort())
