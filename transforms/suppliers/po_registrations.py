"""What BoondManager holds of suppliers' invoices, by supplier and plain number."""

import polars as pl

from transforms.suppliers.po_duplicates import plain_number
from transforms.suppliers.receipts import units
from transforms.words.figures import sentence

_CENT = 100
_OF_BILL = {
    "id": pl.String,
    "registered": pl.Boolean,
    "paid_out": pl.Boolean,
    "registered_as": pl.String,
}


def registrations(supplier_invoices: pl.DataFrame) -> pl.DataFrame:
    """Every registration of `core.supplier_invoices`, cancelled ones included.

    Returns:
        `supplier_id`, `number` (plain), `reference`, `registration` (its id), `purchase_order_id`,
        `issue_date`, `total`, `total_currency`, `cancelled` (or deleted), `paid_out` (flagged or
        paid).
    """
    return supplier_invoices.select(
        "supplier_id",
        "purchase_order_id",
        "issue_date",
        registration="id",
        number=plain_number(pl.col("reference")),
        reference="reference",
        total="total_excl_tax",
        total_currency="currency",
        cancelled=(pl.col("status") == "cancelled") | pl.col("deleted_at").is_not_null(),
        paid_out=pl.col("status").is_in(["flagged_for_payment", "paid"]),
    )


def of_bills(bills: pl.DataFrame, supplier_invoices: pl.DataFrame) -> pl.DataFrame:
    """What BoondManager holds under each bill's number.

    Returns:
        `id` (of the bill), `registered` (one stands), `paid_out` (one is flagged or paid),
        `registered_as` (the sum of one that stands and is of another amount, else null).
    """
    if supplier_invoices.is_empty():
        return pl.DataFrame(schema=_OF_BILL)
    other = (units(pl.col("total")) - units(pl.col("amount"))).abs() > _CENT
    unlike = other.fill_null(value=False) | (pl.col("total_currency") != pl.col("currency"))
    amount = sentence("{} {}", "total", pl.coalesce("total_currency", "currency"))
    stands = ~pl.col("cancelled")
    return (
        bills.select(
            "id", "supplier_id", "amount", "currency", number=plain_number(pl.col("invoice_number"))
        )
        .join(registrations(supplier_invoices), on=["supplier_id", "number"])
        .sort("id", "registration")
        .group_by("id", maintain_order=True)
        .agg(
            registered=stands.any(),
            paid_out=(stands & pl.col("paid_out")).any(),
            registered_as=amount.filter(stands & unlike).first(),
        )
    )
