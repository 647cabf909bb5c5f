"""What explains that a supplier invoices more than is received, or dearer than was ordered.

For more days than are received (`QTY_RECEIVED`), those that make up the whole gap first, then in
this order: `absence` (as many days as are short), `receipt_not_validated`, `receipt_used` (by
another bill), `outside_order_dates`, `receipt_missing`. For a price (`PRICE`): `other_order_price`,
`earlier_bill_price`.
"""

from collections.abc import Collection

import polars as pl

from transforms.clients.rates import month_start
from transforms.money import DAYS
from transforms.suppliers.po_facts import BillFacts
from transforms.words.causes import NONE_FOUND
from transforms.words.evidence import CAUSES, best, said, summed

_ZERO = pl.lit(0, dtype=DAYS)
_IN_ORDER = pl.col("date").is_between("start", "end")
_PRODUCTION = pl.col("type_code") == "production"


def find_bill_causes(
    matches: pl.DataFrame, facts: BillFacts, consumption: pl.DataFrame, receipts: Collection[str]
) -> pl.DataFrame:
    """The cause of each line held by `QTY_RECEIVED` or `PRICE`, where the data show one.

    Args:
        matches: rows of recon.po_matches.
        facts: what they were matched on.
        consumption: recon.receipt_consumption of this look.
        receipts: statuses in which a CRA is a receipt.

    Returns:
        CAUSES; `none_found` for days that nothing explains.
    """
    short = _short(matches, facts)
    lines = _lines(short, facts)
    consumed = pl.concat([facts.consumed, consumption], how="diagonal")
    of_days = best(_day_causes(short, lines, consumed, facts, receipts))
    left = short.join(of_days, on="break_id", how="anti")
    of_price = best(_price_causes(matches, facts)).join(of_days, on="break_id", how="anti")
    none = said(left.join(of_price, on="break_id", how="anti"), NONE_FOUND).drop("facts")
    return pl.concat([of_days, of_price, none]).select(*CAUSES).sort("break_id")


def _short(matches: pl.DataFrame, facts: BillFacts) -> pl.DataFrame:
    """Lines with days that no receipt is open for, with the dates of their order."""
    orders = facts.purchase_orders.select(po_id="id", start="start_date", end="end_date")
    open_days = pl.col("received_qty") - pl.col("already_consumed_qty")
    held = matches.filter(pl.col("holds").list.contains("QTY_RECEIVED")).drop_nulls(
        ["consultant_id", "po_id", "invoiced_qty", "received_qty", "period"]
    )
    first = month_start(pl.col("period"))
    return (
        held.join(orders, on="po_id")
        .select(
            "break_id",
            "bill_id",
            "po_id",
            "po_line",
            "consultant_id",
            "start",
            "end",
            received="received_qty",
            invoiced="invoiced_qty",
            consumed="already_consumed_qty",
            emptied=open_days <= 0,
            gap=(pl.col("invoiced_qty") - pl.max_horizontal(open_days, _ZERO)).cast(DAYS),
            since=first.dt.offset_by("-1mo"),
            until=first.dt.month_end(),
        )
        .filter(pl.col("gap") > 0)
    )


def _lines(short: pl.DataFrame, facts: BillFacts) -> pl.DataFrame:
    """The days of each line's consultant up to the bill's month, by CRA and date."""
    reports = (
        facts.cras.lazy()
        .filter(pl.col("deleted_at").is_null())
        .select("consultant_id", "status", "purchase_order_id", cra_id="id")
    )
    return (
        short.lazy()
        .join(reports, on="consultant_id")
        .join(facts.cra_days.lazy().select("cra_id", "date", "type_code", "duration"), on="cra_id")
        .filter(
            pl.col("date") <= pl.col("until"),
            pl.col("purchase_order_id").is_null()
            | (pl.col("purchase_order_id") == pl.col("po_id")),
        )
        .group_by(pl.exclude("duration"))
        .agg(quantity=pl.col("duration").sum().cast(DAYS))
        .collect()
    )


def _day_causes(
    short: pl.DataFrame,
    lines: pl.DataFrame,
    consumed: pl.DataFrame,
    facts: BillFacts,
    receipts: Collection[str],
) -> list[pl.DataFrame]:
    recent = lines.filter(pl.col("date") >= pl.col("since"))
    worked = lines.filter(_PRODUCTION, pl.col("quantity") > 0)
    valid = pl.col("status").is_in(list(receipts))
    free = worked.filter(valid, ~_IN_ORDER, pl.col("date") >= pl.col("since")).join(
        consumed, on=["cra_id", "date"], how="anti"
    )
    nothing = short.join(recent.filter(_IN_ORDER), on="break_id", how="anti")
    return [
        summed(recent.filter(_IN_ORDER, pl.col("type_code") == "absence"), "absence"),
        _covering(worked.filter(~valid, _IN_ORDER), "receipt_not_validated"),
        _used(short, consumed, facts),
        _covering(free, "outside_order_dates"),
        said(nothing.filter(pl.col("received") == 0), "receipt_missing", facts=pl.lit(2)),
    ]


def _covering(lines: pl.DataFrame, cause: str) -> pl.DataFrame:
    """The lines' days; what makes up the whole gap comes before what explains a part of it."""
    sums = lines.group_by("break_id", "gap").agg(
        total=pl.col("quantity").sum().cast(DAYS),
        date=pl.col("date").unique().sort(),
        cra_ids=pl.col("cra_id").unique().sort(),
    )
    part = pl.when(pl.col("total") >= pl.col("gap")).then(1).otherwise(2)
    return said(sums, cause, days="total", dates="date", ids="cra_ids", facts=part)


def _used(short: pl.DataFrame, consumed: pl.DataFrame, facts: BillFacts) -> pl.DataFrame:
    """Received days that other bills have taken, where they have left nothing.

    Of an order over several months each bill takes its own days: that others have taken theirs
    explains nothing while some are left.
    """
    bills = facts.bills.select("invoice_number", other="id")
    others = (
        consumed.group_by("po_line", po_id="purchase_order_id", other="bill_id")
        .agg(pl.col("quantity").sum())
        .filter(pl.col("quantity") > 0)
        .join(bills, on="other", how="left")
    )
    enough = pl.when(pl.col("received") >= pl.col("invoiced")).then(1).otherwise(2)
    used = (
        short.join(others, on=["po_id", "po_line"])
        .filter(pl.col("other") != pl.col("bill_id"), pl.col("consumed") > 0, pl.col("emptied"))
        .group_by("break_id", "gap", "consumed", "received", "invoiced")
        .agg(
            numbers=pl.coalesce("invoice_number", "other").unique().sort(),
            bill_ids=pl.col("other").unique().sort(),
        )
    )
    told = {"days": "consumed", "others": "numbers", "ids": "bill_ids"}
    return said(used, "receipt_used", **told, facts=enough)


def _price_causes(matches: pl.DataFrame, facts: BillFacts) -> list[pl.DataFrame]:
    """Where else the invoiced price stands."""
    dear = matches.filter(pl.col("holds").list.contains("PRICE")).select(
        "break_id", "bill_id", "supplier_id", "po_id", price="invoiced_price", gap=_ZERO
    )
    orders = facts.purchase_orders.filter(pl.col("deleted_at").is_null()).select(
        "supplier_id", "reference", other="id"
    )
    prices = facts.purchase_order_lines.select(other="purchase_order_id", price="daily_rate")
    elsewhere = dear.join(orders.join(prices, on="other"), on=["supplier_id", "price"]).filter(
        pl.col("other") != pl.col("po_id")
    )
    before = dear.join(
        facts.settled.select(
            "po_id", "invoice_number", price="invoiced_price", other="bill_id"
        ).drop_nulls("invoice_number"),
        on=["po_id", "price"],
    ).filter(pl.col("other") != pl.col("bill_id"))
    return [
        _named(elsewhere, "other_order_price", "reference"),
        _named(before, "earlier_bill_price", "invoice_number"),
    ]


def _named(rows: pl.DataFrame, cause: str, name: str) -> pl.DataFrame:
    names = rows.group_by("break_id", "gap").agg(
        names=pl.col(name).drop_nulls().unique().sort(), other_ids=pl.col("other").unique().sort()
    )
    return said(names, cause, others="names", ids="other_ids")
