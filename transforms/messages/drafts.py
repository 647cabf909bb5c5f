"""Letters to suppliers, as drafts for a person: what of an invoice is not proven (2.2, `partial`).

One a bill that is partial or waits for a receipt. Where the days that are missing are reported and
only not validated yet, the letter says what is paid now and what once they are; else it asks for a
credit note of what is not proven. Nothing of it is sent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from transforms.messages.letters import address, written
from transforms.money import MONEY
from transforms.words.languages import Language

CREDIT_NOTE, WAIT = "credit_note", "wait"

DRAFTS: dict[str, Any] = {
    "bill_id": pl.String(),
    "supplier_id": pl.String(),
    "kind": pl.String(),
    "to_email": pl.String(),
    "language": pl.String(),
    "subject": pl.String(),
    "text": pl.String(),
    "html": pl.String(),
    "amount": MONEY,
    "currency": pl.String(),
}

_OPEN = ["partial", "pending_receipt"]
_REPORTED = ["draft", "submitted"]
_NONE = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class DraftFacts:
    """What a letter needs beside the match; frames as in `core`."""

    bills: pl.DataFrame
    suppliers: pl.DataFrame
    purchase_orders: pl.DataFrame
    consultants: pl.DataFrame
    cras: pl.DataFrame
    cra_days: pl.DataFrame


def draft_letters(
    matches: pl.DataFrame, facts: DraftFacts, *, receipts_from: Collection[str], language: Language
) -> pl.DataFrame:
    """A letter for each bill that is not proven in full.

    Args:
        matches: `recon.po_matches` of this look.
        facts: whom the letter is to, and what it names.
        receipts_from: statuses in which a CRA is a receipt.
        language: fr or en.

    Returns:
        DRAFTS, sorted by bill; `amount` is what is to be credited or waited for, `to_email` is null
        where the supplier has no address.
    """
    short = matches.filter(pl.col("status").is_in(_OPEN) & pl.col("supplier_id").is_not_null())
    if short.is_empty():
        return pl.DataFrame(schema=DRAFTS)
    bills = short.sort("bill_id", "bill_line").partition_by(
        "bill_id", as_dict=True, maintain_order=True
    )
    named = _named(short, facts, receipts_from)
    rows = [
        _draft([*named.join(lines, on="break_id", how="semi").to_dicts()], language)
        for lines in bills.values()
    ]
    return pl.DataFrame(rows, schema=DRAFTS, orient="row")


def _named(short: pl.DataFrame, facts: DraftFacts, receipts_from: Collection[str]) -> pl.DataFrame:
    """The lines with whom and what they are about, and the days that wait for a validation."""
    orders = facts.purchase_orders.select(
        "start_date", "end_date", po_id="id", po_reference="reference"
    )
    people = facts.consultants.unique("id").select(
        consultant_id="id", consultant=pl.concat_str("first_name", "last_name", separator=" ")
    )
    suppliers = facts.suppliers.select("email", supplier_id="id", supplier="name")
    bills = facts.bills.select("invoice_date", bill_id="id")
    lines = (
        short.join(orders, on="po_id", how="left")
        .join(people, on="consultant_id", how="left")
        .join(suppliers, on="supplier_id", how="left")
        .join(bills, on="bill_id", how="left")
    )
    reported = _reported(lines, facts, receipts_from)
    return lines.join(reported, on="break_id", how="left").sort("bill_id", "bill_line")


def _reported(
    lines: pl.DataFrame, facts: DraftFacts, receipts_from: Collection[str]
) -> pl.DataFrame:
    """`break_id`, `reported`: days of the person inside the order that are not validated yet."""
    waiting = facts.cras.filter(
        pl.col("deleted_at").is_null()
        & pl.col("status").is_in(_REPORTED)
        & ~pl.col("status").is_in(list(receipts_from))
    ).select("consultant_id", cra_id="id", said_po="purchase_order_id")
    worked = facts.cra_days.filter(pl.col("type_code") == "production")
    inside = pl.col("date").is_between("start_date", "end_date")
    of_order = pl.col("said_po").is_null() | (pl.col("said_po") == pl.col("po_id"))
    return (
        lines.select("break_id", "consultant_id", "po_id", "start_date", "end_date")
        .join(waiting, on="consultant_id")
        .filter(of_order)
        .join(worked.select("cra_id", "date", "duration"), on="cra_id")
        .filter(inside)
        .group_by("break_id")
        .agg(reported=pl.col("duration").sum())
    )


def _draft(lines: Sequence[Mapping[str, Any]], language: Language) -> dict[str, Any]:
    first = lines[0]
    told = [_line(line) for line in lines]
    missing = sum((line["amount"] for line in told), _NONE)
    kind = WAIT if all(line["waits"] for line in told if line["amount"] > 0) else CREDIT_NOTE
    facts = {
        "supplier": first["supplier"],
        "number": first["invoice_number"],
        "date": first["invoice_date"],
        "currency": first["currency"],
        "lines": told,
        "invoiced": sum((line["invoiced_amount"] for line in lines), _NONE),
        "paid": sum((line["accepted_amount"] for line in lines), _NONE),
        "missing": missing,
        "reasons": sorted({line["reason"] for line in told if line["amount"] > 0}),
    }
    letter = written(f"draft_{kind}", language, facts)
    return {
        "bill_id": first["bill_id"],
        "supplier_id": first["supplier_id"],
        "kind": kind,
        "to_email": address(first["email"]),
        "language": language,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "amount": missing,
        "currency": first["currency"],
    }


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """One line of the evidence: days ordered, received, invoiced and proven, and the difference.

    What a bill that waits would be paid for a line without a hold is what the line invoices.
    """
    proven, invoiced = line["matchable_qty"] or _NONE, line["invoiced_qty"] or _NONE
    covered = line["accepted_amount"]
    if line["status"] == "pending_receipt":
        covered = min(line["proven_amount"] or _NONE, line["invoiced_amount"])
        covered = covered if line["holds"] else line["invoiced_amount"]
    missing = line["invoiced_amount"] - covered
    lacking = max(invoiced - proven, _NONE) if line["holds"] else _NONE
    return {
        "line": line["bill_line"],
        "who": line["consultant"] or "",
        "order": line["po_reference"] or "",
        "ordered": line["ordered_qty"],
        "received": line["received_qty"],
        "consumed": line["already_consumed_qty"],
        "invoiced": invoiced,
        "proven": invoiced - lacking,
        "difference": lacking,
        "amount": missing,
        "reason": "days" if line["holds"] else "agreed",
        "waits": bool(line["holds"]) and (line["reported"] or _NONE) >= lacking,
    }
