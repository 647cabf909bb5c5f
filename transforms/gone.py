"""Money still open on records that are deleted or archived at their source (decision 0035).

| record | what is open on it |
|---|---|
| client | its invoices that are neither paid nor cancelled |
| contract | likewise, where its client stands |
| vendor | bills of it that are not paid |
| supplier | accepted bills of it that are not paid, where their vendor stands |
"""

import polars as pl

from transforms.money import MONEY
from transforms.suppliers.po_duplicates import plain_number
from transforms.suppliers.po_facts import vanished

_UNPAID = ["draft", "sent"]
_CENTS_NONE = pl.lit(0, dtype=MONEY)


def _gone(table: pl.DataFrame, named: str) -> pl.DataFrame:
    """Records that are gone: `record_id` and `who`, by what people call them."""
    gone = table.filter(pl.col("deleted_at").is_not_null())
    return gone.select(record_id="id", who=pl.coalesce(named, "id"))


def _open_on(kind: str, gone: pl.DataFrame, owed: pl.DataFrame) -> pl.DataFrame:
    """What is owed on each record that is gone, by currency, as rows of drift.

    Args:
        kind: client, contract, vendor or supplier.
        gone: `record_id`, `who`.
        owed: `record_id`, `amount`, `currency`.
    """
    return (
        owed.join(gone, on="record_id")
        .group_by("record_id", "who", "currency")
        .agg(was=pl.col("amount").sum().cast(MONEY))
        .filter(pl.col("was") != _CENTS_NONE)
        .select(
            "currency",
            "was",
            "who",
            key=pl.concat_str(
                pl.lit(f"gone/{kind}"),
                "record_id",
                pl.col("currency").fill_null("-"),
                separator="/",
            ),
            subject_id="record_id",
            now=pl.lit(None, MONEY),
            stake=pl.col("was").abs(),
        )
    )


def open_invoices(
    clients: pl.DataFrame, contracts: pl.DataFrame, invoices: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What clients that are gone, and contracts, still owe: tax included, less what was paid.

    Args:
        clients: core.clients.
        contracts: core.contracts.
        invoices: core.client_invoices.
    """
    total = pl.coalesce("total_incl_tax", "total_excl_tax")
    owed = invoices.filter(pl.col("deleted_at").is_null(), pl.col("status").is_in(_UNPAID)).select(
        "client_id",
        "contract_id",
        "currency",
        amount=(total - pl.coalesce("paid_amount", _CENTS_NONE)).cast(MONEY),
    )
    lost = _gone(clients, "name")
    others = owed.join(lost, left_on="client_id", right_on="record_id", how="anti")
    return (
        _open_on("client", lost, owed.rename({"client_id": "record_id"})),
        _open_on(
            "contract", _gone(contracts, "reference"), others.rename({"contract_id": "record_id"})
        ),
    )


def open_bills(
    vendors: pl.DataFrame,
    suppliers: pl.DataFrame,
    bills: pl.DataFrame,
    accepted: pl.DataFrame,
    supplier_invoices: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is still to be paid to vendors that are gone, and to suppliers on what was accepted.

    Args:
        vendors: core.vendors.
        suppliers: core.suppliers.
        bills: core.bills.
        accepted: recon.po_matches of bills that were registered or flagged.
        supplier_invoices: core.supplier_invoices; what is paid or cancelled there is not open.
    """
    unpaid = bills.filter(~vanished(), pl.col("status") != "paid")
    lost = _gone(vendors, "name")
    of_vendors = unpaid.select(
        "currency", record_id="vendor_id", amount=pl.coalesce("remaining_balance", "amount")
    )
    others = unpaid.join(lost, left_on="vendor_id", right_on="record_id", how="anti")
    ended = supplier_invoices.filter(pl.col("status").is_in(["paid", "cancelled"])).select(
        "supplier_id", number=plain_number(pl.col("reference"))
    )
    of_suppliers = (
        accepted.with_columns(number=plain_number(pl.col("invoice_number")))
        .join(others, left_on="bill_id", right_on="id", how="semi")
        .join(ended, on=["supplier_id", "number"], how="anti")
        .select("currency", record_id="supplier_id", amount="accepted_amount")
    )
    return (
        _open_on("vendor", lost, of_vendors),
        _open_on("supplier", _gone(suppliers, "name"), of_suppliers),
    )
