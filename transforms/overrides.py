"""What people decided on breaks, and for which facts (reconciliation.md 2.2, write-back.md).

A decision stands while the row's fingerprint is the one it was made on. Then it is stale: the hold
returns and says why. A decision on a bill's line or on the whole bill, on a client's row or on an
unreadable line has the same form.

What an approval does:

| break | approved and standing |
|---|---|
| `GAP_TOO_LARGE` | its commands go without waiting |
| `VALIDATED_CRA_DIFFERS` | the validated CRA is invalidated after all |
| `CRA_CONFIRMED` | the CRA is invalidated again |
| `LOW_CONFIDENCE` | the line is taken as read |
| `CRA_TOTAL_INCONSISTENT` | the CRA is compared by its lines |
| `CONTRACT_NOT_ACTIVE`, `ALREADY_INVOICED` | billed all the same |
| `INVOICE_CANCELLED`, `CREDIT_NOTE_UNASSIGNED` | billed all the same |
| `CREDIT_NOTE_DUE` | acknowledged: a person writes the credit note |
| `MISSING_ENTRY` | the rest of the client's month is billed without the line |
| `DECLARATION_UNREADABLE` | the line stops nothing more |
| outcomes `undeclared`, `missing_cra` | acknowledged; nothing is planned |
| outcomes `over_reported`, `under_reported` | acknowledged; what follows goes on |
| holds of a bill | accepted, in full or up to the amount told |

An approval that leaves a hold overrides no break (`breaks.effective`). The last word counts.

Rejected: nothing is planned for the row, it is neither billed nor paid, and the other lines of its
contract wait as with a held line.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import polars as pl

from transforms.money import MONEY
from transforms.words.languages import Language, day_said

APPROVED = "approved"
REJECTED = "rejected"

OVERRIDES: dict[str, Any] = {
    "break_id": pl.String(),
    "decision": pl.String(),
    "amount": MONEY,
    "fingerprint": pl.String(),
    "decided_by": pl.String(),
    "reason": pl.String(),
    "decided_at": pl.Datetime("us", "UTC"),
}
"""A person's last decision on each break: `decision` is approved or rejected."""

NOT_OVERRIDABLE: dict[str, str] = {
    "CLIENT_UNKNOWN": "name the client in the declaration by id, reference or exact name",
    "SENDER_UNKNOWN": "add the sender's address to the client's contacts in BoondManager",
    "PERIOD_AMBIGUOUS": "ask the client for the mail again, with month and year",
    "NAME_AMBIGUOUS": "say who is meant: `rapproche link consultant`",
    "CONTRACT_AMBIGUOUS": "name the contract in the declaration or in the CRA",
    "CRA_NOT_SUBMITTED": "remind the consultant: a draft is no report",
    "RATE_MISSING": "give the contract a rate for the consultant in BoondManager",
    "RATE_AMBIGUOUS": "let one rate of the contract name the consultant in BoondManager",
    "TAX_RATE_MISSING": "give the contract a tax rate in BoondManager",
    "NO_ADDRESS": "give the person an e-mail address in BoondManager",
    "NO_BILLING_CONTACT": "give the client a contact with an address in BoondManager",
    "SUPPLIER_UNKNOWN": "create the supplier in BoondManager, or `rapproche link vendor`",
    "SUPPLIER_UNCONFIRMED": "confirm the supplier: `rapproche link vendor`",
    "LINES_MISSING": "give the bill its lines, with their days, in Bill.com",
    "NUMBER_MISSING": "give the bill its number in Bill.com",
    "not_checked": "run again when its sources can be read",
}
"""Codes that a person cannot override, since a figure or a party is missing: what to do instead."""

DECISION: dict[str, Any] = {
    "decision": pl.String(),
    "decision_amount": MONEY,
    "decided_by": pl.String(),
    "decision_reason": pl.String(),
    "decided_at": pl.Datetime("us", "UTC"),
    "stands": pl.Boolean(),
}
"""Columns that `with_decisions` adds; null where nobody decided."""

_SAID: dict[Language, dict[str, str]] = {
    "fr": {
        "approved": "Approuvé par {} le {} : {}.",
        "rejected": "Rejeté par {} le {} : {}.",
        "approved_stale": "Approuvé par {} le {} pour d'autres chiffres : à décider de nouveau.",
        "rejected_stale": "Rejeté par {} le {} pour d'autres chiffres : à décider de nouveau.",
    },
    "en": {
        "approved": "Approved by {} on {}: {}.",
        "rejected": "Rejected by {} on {}: {}.",
        "approved_stale": "Approved by {} on {} for other figures: to be decided again.",
        "rejected_stale": "Rejected by {} on {} for other figures: to be decided again.",
    },
}


def nobody_decided() -> pl.DataFrame:
    """No decisions: the default of the facts."""
    return pl.DataFrame(schema=OVERRIDES)


def as_inputs(*columns: pl.Expr | str) -> pl.Expr:
    """The columns of a row as JSON text; decimals, dates and instants as text, without loss.

    `Expr.str.json_decode` with the columns' types gives them back as they were.
    """
    return pl.struct(*columns).struct.json_encode()


def fingerprint(*columns: pl.Expr | str) -> pl.Expr:
    """The hash of the facts in these columns; the same facts have the same one in every run.

    Lists count in the order they have: sort those that have none.
    """
    return as_inputs(*columns).map_batches(_hashed, return_dtype=pl.String)


def _hashed(texts: pl.Series) -> pl.Series:
    return pl.Series(
        texts.name,
        [None if text is None else fingerprint_of(text) for text in texts],
        dtype=pl.String,
    )


def fingerprint_of(*texts: str) -> str:
    """The hash of texts: of one row's facts, or of the fingerprints of a whole bill's rows."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:20]


def with_decisions(rows: pl.DataFrame, overrides: pl.DataFrame) -> pl.DataFrame:
    """Adds a person's decision on each row, and whether it stands.

    Args:
        rows: rows with `break_id` and `fingerprint`; their order stays.
        overrides: OVERRIDES; the last decision on a break counts.

    Returns:
        The rows with the columns of DECISION.
    """
    if overrides.is_empty():
        nobody = [pl.lit(None, dtype).alias(name) for name, dtype in DECISION.items()]
        return rows.with_columns(nobody).with_columns(stands=pl.lit(value=False))
    last = overrides.sort("decided_at").unique("break_id", keep="last")
    told = last.select(
        "break_id",
        "decision",
        "decided_by",
        "decided_at",
        decision_amount="amount",
        decision_reason="reason",
        made_on="fingerprint",
    )
    stands = pl.col("made_on") == pl.col("fingerprint")
    return (
        rows.drop(DECISION, strict=False)
        .join(told, on="break_id", how="left", maintain_order="left")
        .with_columns(stands=stands.fill_null(value=False) & pl.col("decision").is_not_null())
        .drop("made_on")
    )


def standing(rows: pl.DataFrame, overrides: pl.DataFrame) -> pl.DataFrame:
    """The rows on which a person's decision stands, with the columns of DECISION."""
    decided = rows.filter(pl.col("break_id").is_in(overrides["break_id"].to_list()))
    return with_decisions(decided, overrides).filter("stands")


def overridden(holds: pl.DataFrame, approved: Iterable[str]) -> pl.DataFrame:
    """The holds that stay once these breaks are approved: those that nobody can override.

    Args:
        holds: rows with `break_id` and `code`.
        approved: ids of breaks with an approval that stands.
    """
    ids = list(approved)
    if not ids:
        return holds
    dropped = pl.col("break_id").is_in(ids) & ~pl.col("code").is_in(list(NOT_OVERRIDABLE))
    return holds.filter(~dropped)


def stale_note() -> pl.Expr:
    """Why a hold returned (`approved by NAME on 2026-11-03 for other figures`); null if it did not.

    Of rows with the columns of DECISION.
    """
    return pl.when(~pl.col("stands")).then(other_figures())


def other_figures() -> pl.Expr:
    """That somebody decided, but not on this; null where nobody did."""
    return (
        pl.col("decision")
        + " by "
        + pl.col("decided_by")
        + " on "
        + pl.col("decided_at").dt.strftime("%Y-%m-%d")
        + " for other figures"
    )


def with_words(matches: pl.DataFrame, decided: pl.DataFrame, language: Language) -> pl.DataFrame:
    """Adds to `explanation` who decided, when and why, or that the figures have changed since.

    Args:
        matches: rows with `break_id` and `explanation`; their order stays.
        decided: `break_id` and the columns of DECISION, of the rows that somebody decided on.
        language: fr or en.
    """
    said = pl.DataFrame(
        [(row["break_id"], _words(row, language)) for row in decided.to_dicts()],
        schema={"break_id": pl.String, "decision_words": pl.String},
        orient="row",
    )
    joined = matches.join(said, on="break_id", how="left", maintain_order="left")
    words = pl.concat_str("explanation", "decision_words", separator=" ", ignore_nulls=True)
    explained = pl.when(pl.col("decision_words").is_not_null()).then(words).otherwise("explanation")
    return joined.with_columns(explanation=explained).drop("decision_words")


def _words(row: dict[str, Any], language: Language) -> str:
    form = row["decision"] + ("" if row["stands"] else "_stale")
    day = day_said(row["decided_at"].date(), language)
    reason = row["decision_reason"].rstrip(".")
    return _SAID[language][form].format(row["decided_by"], day, reason)
