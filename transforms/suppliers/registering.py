"""Proven bills to commands: registered in BoondManager, then flagged for payment."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from transforms.commands import (
    FLAG,
    REGISTER,
    as_wanted,
    bill_subject,
    make_command,
    wants_person,
)
from transforms.policy import Policy
from transforms.suppliers.po_duplicates import plain_number
from transforms.suppliers.po_matching import REGISTER_CREDITED


def supplier_commands(
    matches: pl.DataFrame,
    bills: pl.DataFrame,
    bill_lines: pl.DataFrame,
    supplier_invoices: pl.DataFrame,
    policy: Policy,
) -> pl.DataFrame:
    """Commands of the supplier side: register what is proven, then flag what is matched.

    A bill that somebody has registered in BoondManager is adopted: it is only flagged, and not even
    that when one under its number is flagged or paid. A bill paid in full or in part and a credit
    note are registered and never flagged (reconciliation.md 2).

    Args:
        matches: `recon.po_matches` of this look.
        bills: `core.bills`.
        bill_lines: `core.bill_lines`.
        supplier_invoices: `core.supplier_invoices`.
        policy: who must approve what.

    Returns:
        Wanted commands (WANTED).
    """
    proven = matches.filter(
        pl.col("status").is_in(["matched", "partial"])
        & pl.col("supplier_id").is_not_null()
        & pl.col("invoice_number").is_not_null()
    )
    proven = proven.with_columns(number=plain_number(pl.col("invoice_number")))
    texts = bill_lines.select("bill_id", pl.col("line_no").alias("bill_line"), "description")
    held_by_vendor = _registered(supplier_invoices)
    rows: list[dict[str, Any]] = []
    of_bill = (
        proven.join(texts, on=["bill_id", "bill_line"], how="left")
        .sort("bill_id", "bill_line")
        .partition_by("bill_id", as_dict=True, maintain_order=True)
    )
    heads = {
        row["id"]: row
        for row in bills.join(proven, left_on="id", right_on="bill_id", how="semi").to_dicts()
    }
    for (bill_id,), lines in of_bill.items():
        rows += _bill(heads[bill_id], lines.to_dicts(), held_by_vendor, policy)
    return as_wanted(rows)


def _bill(
    bill: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    held_by_vendor: Mapping[tuple[str, str], bool],
    policy: Policy,
) -> list[dict[str, Any]]:
    first = lines[0]
    supplier_id, number = first["supplier_id"], first["invoice_number"]
    key = f"{supplier_id}|{number}"
    subject = bill_subject(bill["id"])
    paid_out = held_by_vendor.get((supplier_id, first["number"]))
    commands = []
    if paid_out is None:
        awaits = wants_person(policy, REGISTER, bill["amount"])
        payload = _registration(bill, lines)
        commands.append(make_command(REGISTER, key, key, subject, payload, awaits=awaits))
    proven = all(line["action"] != REGISTER_CREDITED for line in lines)
    if first["status"] == "matched" and proven and _unpaid(bill) and not paid_out:
        commands.append(
            make_command(
                FLAG,
                key,
                f"{key}|flagged_for_payment",
                subject,
                {"status": "flagged_for_payment"},
                depends_on=[c["command_id"] for c in commands],
                awaits=wants_person(policy, FLAG, bill["amount"]),
            )
        )
    return commands


def _unpaid(bill: Mapping[str, Any]) -> bool:
    """Whether all of a bill is still to be paid; a credit note is nothing to pay."""
    rest = bill["remaining_balance"]
    untouched = rest is None or rest >= bill["amount"]
    return bool(bill["status"] != "paid" and bill["amount"] > 0 and untouched)


def _registration(bill: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    orders = {line["po_id"] for line in lines}
    payload = {
        "supplier_id": lines[0]["supplier_id"],
        "purchase_order_id": orders.pop() if len(orders) == 1 else None,
        "reference": lines[0]["invoice_number"],
        "issue_date": bill["invoice_date"],
        "due_date": bill["due_date"],
        "lines": [
            {
                "description": line["description"] or bill["description"] or "",
                "quantity": line["invoiced_qty"],
                "unit_price": line["invoiced_price"],
                "total_excl_tax": line["invoiced_amount"],
            }
            for line in lines
        ],
        "total_excl_tax": bill["amount"],
        "currency": lines[0]["currency"],
        "status": "registered",
    }
    return {name: value for name, value in payload.items() if value is not None}


def _registered(supplier_invoices: pl.DataFrame) -> dict[tuple[str, str], bool]:
    """What stands in BoondManager by supplier and plain number: whether any is flagged or paid."""
    alive = supplier_invoices.filter(
        (pl.col("status") != "cancelled") & pl.col("deleted_at").is_null()
    )
    by_number = alive.group_by("supplier_id", number=plain_number(pl.col("reference"))).agg(
        (pl.col("status") != "registered").any()
    )
    return {(supplier, number): out for supplier, number, out in by_number.iter_rows()}
