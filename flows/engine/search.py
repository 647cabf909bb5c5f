"""What people search in the published file: breaks, and the supplier invoices of Bill.com."""

from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from flows.engine.report import Table
from store.warehouse import Warehouse
from transforms.bill_search import Search, search
from transforms.overrides import NOT_OVERRIDABLE
from transforms.words.languages import Language
from transforms.words.legend import titles

_BREAKS = """
    SELECT b.break_id, b.kind, b.code, coalesce(o.who, c.consultant_name || ' · ' || c.client_name,
            s.supplier_name || ' · ' || s.invoice_number, b.subject_id) AS who, b.period,
        date_diff('day', b.first_seen_at, (SELECT max(started_at) FROM ops.runs)) AS age_days,
        b.owner, b.amount_at_stake, b.currency, b.status, b.first_seen_at, b.times_seen,
        b.closed_at, b.closing_fact, coalesce(o.explanation, b.closing_fact) AS explanation
    FROM recon.breaks b LEFT JOIN recon.v_open_breaks o USING (break_id)
    LEFT JOIN recon.v_client_lines c USING (break_id)
    LEFT JOIN recon.v_supplier_lines s USING (break_id)
    ORDER BY b.status <> 'open', b.amount_at_stake DESC NULLS LAST, b.break_id
"""
_BILLS = """
    SELECT b.id AS bill_id, b.invoice_number, b.vendor_id,
        coalesce(v.name, b.vendor_name) AS vendor_name, b.invoice_date, b.due_date, b.amount,
        coalesce(b.currency, m.currency) AS currency, b.status, m.match_status,
        m.accepted_amount, coalesce(m.holds, []) AS holds, b.deleted_at
    FROM core.bills b
    LEFT JOIN core.vendors v ON v.id = b.vendor_id
    LEFT JOIN (
        SELECT bill_id, min(status) AS match_status, min(currency) AS currency,
            sum(accepted_amount)::DECIMAL(18,4) AS accepted_amount,
            list_sort(list_distinct(flatten(list(holds)))) AS holds
        FROM recon.po_matches GROUP BY bill_id
    ) m ON m.bill_id = b.id
"""
_BILL_SHOWN = (
    "bill_id",
    "invoice_number",
    "vendor_name",
    "invoice_date",
    "amount",
    "currency",
    "status",
    "match_status",
    "accepted_amount",
    "holds",
)


@dataclass(frozen=True, kw_only=True)
class BreaksAsked:
    """Which breaks are asked for; without anything the open ones."""

    kind: str | None = None
    code: str | None = None
    closed_too: bool = False


def breaks(warehouse: Warehouse, asked: BreaksAsked) -> pl.DataFrame:
    """Breaks with all that is known of them; the open ones first, the most money first."""
    rows = warehouse.frame(_BREAKS)
    wanted = [pl.lit(value=True)]
    if not asked.closed_too:
        wanted.append(pl.col("status") == "open")
    if asked.kind:
        wanted.append(pl.col("kind") == asked.kind)
    if asked.code:
        wanted.append(pl.col("code").str.to_lowercase() == asked.code.lower())
    return rows.filter(pl.all_horizontal(wanted))


def breaks_table(warehouse: Warehouse, asked: BreaksAsked, limit: int, language: Language) -> Table:
    """Breaks for a person: an id short enough to type, and what is wrong in words."""
    rows = breaks(warehouse, asked)
    every = [row[0] for row in warehouse.rows("SELECT break_id FROM recon.breaks ORDER BY 1")]
    short = short_ids(every)
    shown = rows.head(limit).select(
        pl.col("break_id").replace_strict(short, return_dtype=pl.String).alias("break"),
        "age_days",
        "owner",
        pl.col("amount_at_stake").alias("euros"),
        "currency",
        pl.col("code").replace(titles(language)).alias("what"),
        "who",
        "period",
        *(["status"] if asked.closed_too else []),
        "explanation",
    )
    first = f" (the first {limit} of {rows.height})" if rows.height > limit else ""
    title = "Breaks" if asked.closed_too else "Open breaks"
    return Table("breaks", f"{title}{first}", shown, "No such break is open.", ("euros",))


def overridable(warehouse: Warehouse, language: Language) -> Table:
    """Open breaks that a person may approve as they stand."""
    held = warehouse.frame("SELECT break_id, code FROM recon.holds")
    barred = held.filter(pl.col("code").is_in(list(NOT_OVERRIDABLE)))
    rows = breaks(warehouse, BreaksAsked()).join(barred, on="break_id", how="anti")
    shown = rows.select(
        "break_id",
        "amount_at_stake",
        "currency",
        pl.col("code").replace(titles(language)).alias("what"),
        "who",
        "explanation",
    )
    return Table("overridable", "Breaks that may be approved", shown, "No break is open.")


def short_ids(ids: list[str]) -> dict[str, str]:
    """The shortest beginning of each id, in whole parts, that no other id shares.

    Args:
        ids: all ids, sorted.
    """
    parts = {break_id: break_id.split("/") for break_id in ids}
    needed = dict.fromkeys(ids, 2)
    for one, other in pairwise(ids):
        shared = _shared(parts[one], parts[other]) + 1
        needed[one], needed[other] = max(needed[one], shared), max(needed[other], shared)
    return {break_id: "/".join(parts[break_id][: needed[break_id]]) for break_id in ids}


def _shared(one: list[str], other: list[str]) -> int:
    equal = (mine == theirs for mine, theirs in zip(one, other, strict=False))
    return next((at for at, same in enumerate(equal) if not same), min(len(one), len(other)))


def bills(warehouse: Warehouse, asked: Search) -> pl.DataFrame:
    """Stored supplier invoices that satisfy what is asked, with what the match says of them."""
    return search(warehouse.frame(_BILLS), asked)


def bills_table(warehouse: Warehouse, asked: Search, limit: int) -> Table:
    """Supplier invoices for a person."""
    rows = bills(warehouse, asked)
    first = f" (the first {limit} of {rows.height})" if rows.height > limit else ""
    shown = rows.head(limit).select(_BILL_SHOWN)
    empty = "No stored invoice is like that."
    return Table("bills", f"Supplier invoices{first}", shown, empty, ("amount", "accepted_amount"))
