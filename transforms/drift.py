"""Facts that changed after they were validated, billed or accepted (reconciliation.md 4).

Each is a break of its own that names both values, open until the value returns, what we wrote
follows it (a correction is billed, a credit note made), or a person decides.

| code | what was relied on | what it is held against |
|---|---|---|
| `CRA_CHANGED` | CRA days with which we validated a CRA of the row | the row's CRA days now |
| `RATE_CHANGED` | what is billed for a person on a contract | the days billed at today's rate |
| `PO_CHANGED` | price and days of an order's line when a bill was accepted on it | the line now |
| `RECEIPT_REDUCED` | days received when bills were settled on an order's line | those now |
| `BILL_CHANGED` | amount and number under which a bill was accepted | the bill now |
| `BILL_CHANGED` | our registration of an accepted bill | cancelled or deleted by a person |
| `INVOICE_CHANGED` | total that we invoiced | the total at the vendor; cancelled ones aside |
| `RECORD_GONE` | what is open on a client, contract, vendor or supplier | that it is gone |

Deleted and archived are one thing, and a break only where something is still open: an order whose
accepted bills are all paid, and a bill that is paid, may go (decision 0035).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from transforms.clients.rates import PRICED, with_rates
from transforms.gone import open_bills, open_invoices
from transforms.holds import HOLDS
from transforms.money import MONEY, product
from transforms.suppliers.po_duplicates import plain_number
from transforms.suppliers.po_facts import vanished
from transforms.suppliers.po_registrations import registrations
from transforms.words.drift_words import FIGURES, WORDS
from transforms.words.languages import Language, month_said

_DAYS_NONE = pl.lit(Decimal(0), dtype=pl.Decimal(9, 4))
_ACCEPTED = ["matched", "partial"]
_CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class DriftFacts:
    """What was relied on, and what it is now.

    Attributes:
        cra_matches: recon.cra_matches, all months.
        validated: `break_id`, `cra_days` with which its CRAs were last validated by us.
        billed: recon.billing_ledger.
        contract_rates: core.contract_rates.
        consultants: core.consultants.
        accepted: recon.po_matches of bills that were registered or flagged, as decided then.
        registered: `bill_id`, `amount` of the registrations that we made.
        purchase_orders: core.purchase_orders.
        purchase_order_lines: core.purchase_order_lines.
        reduced: order lines with fewer days received than settled bills took
            (`BillMatching.reduced`).
        bills: core.bills.
        supplier_invoices: core.supplier_invoices.
        invoiced: `reference`, `invoice_id`, `total_excl_tax`, `currency` of the invoices we made.
        client_invoices: core.client_invoices.
        clients: core.clients.
        contracts: core.contracts.
        vendors: core.vendors.
        suppliers: core.suppliers.
    """

    cra_matches: pl.DataFrame
    validated: pl.DataFrame
    billed: pl.DataFrame
    contract_rates: pl.DataFrame
    consultants: pl.DataFrame
    accepted: pl.DataFrame
    registered: pl.DataFrame
    purchase_orders: pl.DataFrame
    purchase_order_lines: pl.DataFrame
    reduced: pl.DataFrame
    bills: pl.DataFrame
    supplier_invoices: pl.DataFrame
    invoiced: pl.DataFrame
    client_invoices: pl.DataFrame
    clients: pl.DataFrame
    contracts: pl.DataFrame
    vendors: pl.DataFrame
    suppliers: pl.DataFrame


def find_drift(facts: DriftFacts, language: Language) -> pl.DataFrame:
    """Holds (recon.holds) of everything that is not any more what we relied on.

    Args:
        facts: what was relied on, and what it is now.
        language: of `detail`.

    Returns:
        One row a break, sorted by `break_id`; `expected` is what was, `actual` what is.
    """
    rows = [
        *_said(_cras(facts), "CRA_CHANGED", "cra", language),
        *_said(_rates(facts), "RATE_CHANGED", "invoice", language),
        *_said(_orders(facts), "PO_CHANGED", "bill", language),
        *_said(_receipts(facts), "RECEIPT_REDUCED", "bill", language),
        *_said(_bills(facts), "BILL_CHANGED", "bill", language),
        *_said(_withdrawn(facts), "BILL_CHANGED", "bill", language, "REGISTRATION"),
        *_said(_invoices(facts), "INVOICE_CHANGED", "invoice", language),
        *_gone(facts, language),
    ]
    return pl.DataFrame(rows, schema=HOLDS, orient="row").sort("break_id")


def _said(
    rows: pl.DataFrame, code: str, subject: str, language: Language, words_of: str | None = None
) -> Iterable[dict[str, Any]]:
    """The holds of the changed rows; they are few, so their texts are made one by one."""
    show = FIGURES[words_of or code]
    for row in rows.to_dicts():
        was, now = show(row, "was", language), show(row, "now", language)
        period = month_said(row["period"], language) if row.get("period") else ""
        words = WORDS[words_of or code][language]
        yield {
            "break_id": f"drift/{row['key']}",
            "subject": subject,
            "subject_id": row["subject_id"],
            "code": code,
            "severity": "warning",
            "expected": was,
            "actual": now,
            "tolerance": None,
            "amount_at_stake": row["stake"],
            "currency": row["currency"],
            "detail": words.format(who=row["who"], period=period, was=was, now=now),
        }


def _gone(facts: DriftFacts, language: Language) -> Iterable[dict[str, Any]]:
    """Records that are gone and on which money is still open."""
    clients, contracts = open_invoices(facts.clients, facts.contracts, facts.client_invoices)
    vendors, suppliers = open_bills(
        facts.vendors, facts.suppliers, facts.bills, facts.accepted, facts.supplier_invoices
    )
    yield from _said(clients, "RECORD_GONE", "invoice", language, "CLIENT")
    yield from _said(contracts, "RECORD_GONE", "invoice", language, "CONTRACT")
    yield from _said(vendors, "RECORD_GONE", "bill", language, "VENDOR")
    yield from _said(suppliers, "RECORD_GONE", "bill", language, "SUPPLIER")


def _cras(facts: DriftFacts) -> pl.DataFrame:
    """Rows whose CRA days moved since we validated them, and were not billed anew since."""
    net = facts.billed.group_by("contract_id", "consultant_id", "period").agg(
        billed_days=pl.col("days").sum().cast(pl.Decimal(9, 4))
    )
    now = pl.coalesce("cra_days", _DAYS_NONE)
    return (
        facts.cra_matches.join(
            facts.validated.select("break_id", was="cra_days"), on="break_id", how="inner"
        )
        .join(net, on=["contract_id", "consultant_id", "period"], how="left")
        .filter(now != pl.col("was"), now.ne_missing(pl.col("billed_days")))
        .select(
            "period",
            "was",
            "currency",
            key="break_id",
            subject_id=pl.coalesce(pl.col("cra_ids").list.first(), "consultant_id"),
            who=pl.coalesce("consultant_name", "declared_name", "consultant_id"),
            now="cra_days",
            stake=product((now - pl.col("was")).cast(pl.Decimal(9, 4)), pl.col("daily_rate")).abs(),
        )
    )


def _rates(facts: DriftFacts) -> pl.DataFrame:
    """Months of a person on a contract that are not billed at the rate of today."""
    keys = PRICED
    net = (
        facts.billed.group_by(*keys, "currency")
        .agg(pl.col("days").sum().cast(pl.Decimal(9, 4)), was=pl.col("amount").sum().cast(MONEY))
        .filter(pl.col("days") > Decimal(0))
    )
    full = pl.concat_str("first_name", "last_name", separator=" ")
    names = facts.consultants.select(consultant_id="id", name=full)
    now = product(pl.col("days"), pl.col("daily_rate"))
    return (
        with_rates(net, facts.contract_rates, facts.consultants)
        .join(names, on="consultant_id", how="left")
        .filter(now.is_not_null() & (now != pl.col("was")))
        .select(
            "period",
            "currency",
            "was",
            key=pl.concat_str(
                pl.lit("rate"), "period", "contract_id", "consultant_id", separator="/"
            ),
            subject_id="contract_id",
            who=pl.coalesce("name", "consultant_id"),
            now=now,
            stake=(now - pl.col("was")).abs(),
        )
    )


def _last_accepted(facts: DriftFacts) -> pl.DataFrame:
    """Price and days of each order line when a bill was last accepted on it, and all amounts."""
    paid = facts.bills.select(bill_id="id", paid=pl.col("status") == "paid")
    is_paid = pl.col("paid").fill_null(value=False)
    return (
        facts.accepted.filter(pl.col("status").is_in(_ACCEPTED), pl.col("po_line").is_not_null())
        .join(paid, on="bill_id", how="left")
        .sort("decided_at", "bill_id", "bill_line")
        .group_by("po_id", "po_line", maintain_order=True)
        .agg(
            pl.col("po_price", "ordered_qty", "currency").last(),
            accepted_amount=pl.col("accepted_amount").sum().cast(MONEY),
            all_paid=is_paid.all(),
            open_amount=pl.col("accepted_amount").filter(~is_paid).sum().cast(MONEY),
        )
    )


def _orders(facts: DriftFacts) -> pl.DataFrame:
    """Lines of orders whose price or days moved since a bill was last accepted on them.

    One that is deleted matters for the bills that are not paid, one that is cancelled for all.
    """
    lines = facts.purchase_order_lines.select(
        "daily_rate", "estimated_days", po_id="purchase_order_id", po_line="line_no"
    )
    heads = facts.purchase_orders.select(
        "reference",
        po_id="id",
        cancelled=pl.col("status") == "cancelled",
        dead=(pl.col("status") == "cancelled") | pl.col("deleted_at").is_not_null(),
    )
    put_away = (pl.col("dead") & ~pl.col("cancelled")).fill_null(value=False)
    moved = pl.any_horizontal(
        pl.col("dead").fill_null(value=True),
        pl.col("daily_rate").ne_missing(pl.col("po_price")),
        pl.col("estimated_days").ne_missing(pl.col("ordered_qty")),
    )
    then = product(pl.col("ordered_qty"), pl.col("po_price"))
    today = product(pl.col("estimated_days"), pl.col("daily_rate"))
    gone = pl.col("dead").fill_null(value=True) | pl.col("daily_rate").is_null()
    return (
        _last_accepted(facts)
        .join(heads, on="po_id", how="left")
        .join(lines, on=["po_id", "po_line"], how="left")
        .filter(moved, ~(put_away & pl.col("all_paid")))
        .select(
            "currency",
            "dead",
            "po_price",
            "ordered_qty",
            "daily_rate",
            "estimated_days",
            key=pl.concat_str(pl.lit("order"), "po_id", "po_line", separator="/"),
            subject_id="po_id",
            who=pl.coalesce("reference", "po_id"),
            stake=pl.when(put_away)
            .then("open_amount")
            .when(gone)
            .then("accepted_amount")
            .otherwise((today - then).abs()),
        )
    )


def _receipts(facts: DriftFacts) -> pl.DataFrame:
    """Lines of orders with fewer days received than settled bills took: the rest is to claim."""
    return facts.reduced.select(
        "currency",
        "was",
        "now",
        key=pl.concat_str(pl.lit("receipt"), "po_id", "po_line", separator="/"),
        subject_id="po_id",
        who=pl.coalesce("po_reference", "po_id"),
        stake=product(pl.col("unproven"), pl.col("po_price")),
    )


def _cancelled(facts: DriftFacts) -> pl.DataFrame:
    """Accepted lines of bills whose registrations are all cancelled."""
    keys = ["supplier_id", "number"]
    by_number = registrations(facts.supplier_invoices).group_by(*keys)
    return facts.accepted.with_columns(number=plain_number(pl.col("invoice_number"))).join(
        by_number.agg(gone=pl.col("cancelled").all()).filter("gone"), on=keys, how="semi"
    )


def _withdrawn(facts: DriftFacts) -> pl.DataFrame:
    """Accepted bills whose registrations a person cancelled all; those looked at are held there."""
    held = pl.col("holds").list.contains("INVOICE_CANCELLED").any().over("bill_id")
    alive = facts.bills.filter(~vanished())
    return (
        _cancelled(facts)
        .filter(~held)
        .join(alive, left_on="bill_id", right_on="id", how="semi")
        .group_by("bill_id", maintain_order=True)
        .agg(
            pl.col("currency").first(),
            was=pl.col("invoiced_amount").sum().cast(MONEY),
            who=pl.coalesce("invoice_number", "bill_id").first(),
        )
        .with_columns(
            key=pl.concat_str(pl.lit("registration"), "bill_id", separator="/"),
            subject_id="bill_id",
            stake=pl.col("was").abs(),
        )
    )


def _bills(facts: DriftFacts) -> pl.DataFrame:
    """Accepted bills that carry another amount or number now, or are gone.

    One that is gone on both sides is settled: nothing of it is paid.
    """
    then = (
        facts.accepted.group_by("bill_id")
        .agg(
            pl.col("invoice_number", "currency").first(),
            lines=pl.len(),
            sum_of_lines=pl.col("invoiced_amount").sum().cast(MONEY),
        )
        .join(facts.registered.select("bill_id", "amount"), on="bill_id", how="left")
        .with_columns(was=pl.coalesce("amount", "sum_of_lines"))
    )
    now = facts.bills.select(
        gone=vanished(), bill_id="id", now_number="invoice_number", now_amount="amount"
    )
    ended = _cancelled(facts).get_column("bill_id").unique().implode()
    # without a registration of ours only the lines are known, and their sum has its tolerance
    slack = pl.when(pl.col("amount").is_null()).then(pl.col("lines") * pl.lit(_CENT)).otherwise(0)
    moved = pl.any_horizontal(
        pl.col("gone"),
        (pl.col("now_amount") - pl.col("was")).abs() > slack,
        pl.col("now_number").ne_missing(pl.col("invoice_number")),
    )
    alive = pl.when(~pl.col("gone"))
    return (
        then.join(now, on="bill_id", how="inner")
        .filter(moved, ~(pl.col("gone") & pl.col("bill_id").is_in(ended)))
        .select(
            "currency",
            "was",
            was_number="invoice_number",
            now_number=alive.then("now_number"),
            key=pl.concat_str(pl.lit("bill"), "bill_id", separator="/"),
            subject_id="bill_id",
            who=pl.coalesce("invoice_number", "bill_id"),
            now=alive.then("now_amount"),
            stake=pl.coalesce((alive.then("now_amount") - pl.col("was")).abs(), "was"),
        )
    )


def _invoices(facts: DriftFacts) -> pl.DataFrame:
    """Invoices of ours that carry another total at the vendor, or are gone."""
    now = facts.client_invoices.filter(pl.col("status") != "cancelled").select(
        "deleted_at", invoice_id="id", now_total="total_excl_tax", now_currency="currency"
    )
    alive = pl.when(pl.col("deleted_at").is_null())
    moved = pl.any_horizontal(
        pl.col("deleted_at").is_not_null(),
        pl.col("now_total") != pl.col("total_excl_tax"),
        (pl.col("now_currency") != pl.col("currency")).fill_null(value=False),
    )
    return (
        facts.invoiced.join(now, on="invoice_id", how="inner")
        .filter(moved)
        .select(
            "currency",
            "now_currency",
            was="total_excl_tax",
            key=pl.concat_str(pl.lit("invoice"), "reference", separator="/"),
            subject_id="invoice_id",
            who="reference",
            now=alive.then("now_total"),
            stake=pl.coalesce(
                (alive.then("now_total") - pl.col("total_excl_tax")).abs(), "total_excl_tax"
            ),
        )
    )
