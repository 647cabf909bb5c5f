"""What the three-way match is decided on, and what was settled before (reconciliation.md 2)."""

from dataclasses import dataclass, field

import polars as pl

from transforms.overrides import nobody_decided
from transforms.suppliers.po_duplicates import plain_number
from transforms.suppliers.po_registrations import registrations
from transforms.suppliers.receipts import people, units

LEGS = frozenset(
    {
        "bill.invoices",
        "bill.vendors",
        "boond.suppliers",
        "boond.purchase_orders",
        "boond.cras",
        "boond.consultants",
        "boond.supplier_invoices",
    }
)
"""Streams without which no bill is checked."""

GONE = ["draft", "cancelled", "canceled", "void", "voided"]
_IBANS = pl.DataFrame(schema={"supplier_id": pl.String, "accepted_iban": pl.String})


@dataclass(frozen=True, kw_only=True)
class BillFacts:
    """What the three-way match is decided on; frames as in `core` and `recon`.

    Attributes:
        settled: earlier rows of `recon.po_matches` of bills that were registered or flagged: they
            keep what they took, come first, and are not looked at again.
        consumed: earlier rows of `recon.receipt_consumption` of those bills.
        overrides: a person's last decision on each break (overrides.OVERRIDES); its break is a line
            (`bill/{id}/{line}`) or a whole bill (`bill/{id}`).
        quarantined: `stream`, `kind`, `id` of what quarantined rows name.
        unread: streams neither read complete nor found fresh.
        ibans: `supplier_id`, `accepted_iban` (null: there was none) as of the last acceptance; a
            supplier without a row is unknown.
        order_currency: currency of orders that name none.
        waiting: settled bills registered in part: looked at again, before all others.
    """

    bills: pl.DataFrame
    bill_lines: pl.DataFrame
    vendors: pl.DataFrame
    suppliers: pl.DataFrame
    purchase_orders: pl.DataFrame
    purchase_order_lines: pl.DataFrame
    consultants: pl.DataFrame
    cras: pl.DataFrame
    cra_days: pl.DataFrame
    supplier_invoices: pl.DataFrame
    supplier_invoice_lines: pl.DataFrame
    party_links: pl.DataFrame
    settled: pl.DataFrame
    consumed: pl.DataFrame
    quarantined: pl.DataFrame
    unread: frozenset[str]
    ibans: pl.DataFrame = field(default_factory=_IBANS.clear)
    order_currency: str = "EUR"
    waiting: frozenset[str] = frozenset()
    overrides: pl.DataFrame = field(default_factory=nobody_decided)


def vanished() -> pl.Expr:
    """Whether a bill of `core.bills` is there no more: deleted, archived, voided or taken back.

    One that is paid stays whatever became of it: the money is out.
    """
    status = pl.col("status").str.to_lowercase()
    return (pl.col("deleted_at").is_not_null() & (status != "paid")) | status.is_in(GONE)


def kept(facts: BillFacts) -> pl.DataFrame:
    """Settled rows that keep what they took: not those cancelled since, nor looked at again.

    A bill that has gone from Bill.com while its registration stands, in full or in part, is still
    going to be paid, so it keeps its days, unless it was entered there again.
    """
    if facts.settled.is_empty():
        return facts.settled
    number = plain_number(pl.col("invoice_number"))
    entered = facts.bills.select("id", "vendor_id", gone=vanished(), number=number)
    alive = entered.filter(~pl.col("gone"))
    again = alive.drop_nulls("number")
    lost = entered.filter("gone")
    held_by_vendor = registrations(facts.supplier_invoices)
    standing = held_by_vendor.filter(~pl.col("cancelled"))
    looked_at = alive.filter(pl.col("id").is_in(sorted(facts.waiting)))
    settled = facts.settled.join(
        looked_at, left_on="bill_id", right_on="id", how="anti"
    ).with_columns(number=number)
    kept_by_registration = (
        settled.join(lost, left_on="bill_id", right_on="id", how="semi")
        .join(standing, on=["supplier_id", "number"], how="semi")
        .join(again, on=["vendor_id", "number"], how="anti")
    )
    freed = lost.join(kept_by_registration, left_on="id", right_on="bill_id", how="anti")
    cancelled = held_by_vendor.filter(pl.col("cancelled").all().over("supplier_id", "number"))
    return (
        settled.join(freed, left_on="bill_id", right_on="id", how="anti")
        .join(cancelled, on=["supplier_id", "number"], how="anti")
        .drop("number")
    )


def order_lines(facts: BillFacts, settled: pl.DataFrame) -> pl.DataFrame:
    """Lines of purchase orders with who is meant and what was taken of them before.

    An order without lines has one row with a null `po_line`. Quantities are ten-thousandths.
    """
    lines = facts.purchase_order_lines
    who = people(lines, facts.consultants).drop("purchase_order_id", "line_no")
    named = pl.concat(
        [
            lines.select(
                po_id="purchase_order_id",
                po_line="line_no",
                price="daily_rate",
                ordered=units(pl.col("estimated_days")),
            ),
            who,
        ],
        how="horizontal",
    )
    worth = units(pl.col("price")).cast(pl.Int128) * pl.col("ordered")
    total = (worth.sum().over("po_id") // 10_000).cast(pl.Decimal(38, 0)).cast(pl.Decimal(38, 4))
    taken = settled.group_by("po_id", "po_line").agg(base=_settled_quantity().sum())
    return (
        _orders(facts)
        .join(named, on="po_id", how="left")
        .join(taken, on=["po_id", "po_line"], how="left")
        .with_columns(
            po_total=pl.coalesce("po_total", (total / 10_000).cast(pl.Decimal(18, 4))),
            lines_of_po=pl.col("po_line").count().over("po_id"),
            base=pl.col("base").fill_null(0),
        )
        .sort("po_id", "po_line")
        .with_row_index("order_line")
    )


def _orders(facts: BillFacts) -> pl.DataFrame:
    status = pl.col("status").str.to_lowercase()
    return facts.purchase_orders.filter(pl.col("deleted_at").is_null()).select(
        "start_date",
        "end_date",
        po_id="id",
        po_reference="reference",
        po_supplier="supplier_id",
        po_status=status,
        po_currency=pl.col("currency").fill_null(facts.order_currency),
        po_total="total_amount",
        dead=status.is_in(["draft", "cancelled"]),
        closed=status == "closed",
    )


def _settled_quantity() -> pl.Expr:
    """What a settled line took: what was proven in part, else all that it invoiced."""
    partial = (pl.col("status") == "partial") & (pl.col("holds").list.len() > 0)
    return units(pl.when(partial).then(pl.col("matchable_qty")).otherwise(pl.col("invoiced_qty")))
