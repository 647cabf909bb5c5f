"""What a run shows to people: the month, what is open, what is to be written, how far it read.

Tables are frames of what stands in the warehouse; how they look is the driver's and the
terminal's business.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from store import outbox
from store.warehouse import Warehouse
from transforms import commands

VERBS = {
    commands.INVOICE: "create client invoice",
    commands.REGISTER: "register supplier invoice",
    commands.FLAG: "flag for payment",
    commands.VALIDATE: "validate CRA",
    commands.INVALIDATE: "invalidate CRA",
}
PLAN: dict[str, Any] = {
    "do": pl.String,
    "what": pl.String,
    "target": pl.String,
    "before": pl.String,
    "after": pl.String,
    "amount": pl.Decimal(18, 4),
    "currency": pl.String,
    "state": pl.String,
    "why": pl.String,
}
OPEN_BREAKS_SHOWN = 50


@dataclass(frozen=True)
class Table:
    """A table with its title, for a person."""

    key: str
    title: str
    rows: pl.DataFrame
    empty: str


def summary(warehouse: Warehouse) -> Table:
    """The months at a glance."""
    rows = warehouse.frame("SELECT * FROM recon.v_month_summary")
    return Table("month-summary", "The month", rows, "Nothing was compared yet.")


def billed(warehouse: Warehouse) -> Table:
    """What our confirmed invoices billed, by client and contract."""
    rows = warehouse.frame(
        "SELECT l.period, c.name AS client, l.reference, sum(l.days) AS days,"
        " sum(l.amount) AS amount, l.currency FROM recon.billing_ledger l"
        " LEFT JOIN core.contracts k ON k.id = l.contract_id"
        " LEFT JOIN core.clients c ON c.id = k.client_id"
        " GROUP BY ALL ORDER BY l.period, client, l.reference"
    )
    return Table("billed", "Billed", rows, "Nothing is billed yet.")


def held(warehouse: Warehouse) -> Table:
    """What is held, by reason, with the money at stake."""
    rows = warehouse.frame(
        "SELECT kind, code, count(*) AS breaks, sum(amount_at_stake) AS at_stake, currency"
        " FROM recon.v_open_breaks GROUP BY ALL ORDER BY at_stake DESC NULLS LAST, code"
    )
    return Table("held", "Held, and why", rows, "Nothing is held.")


def open_breaks(warehouse: Warehouse, limit: int = OPEN_BREAKS_SHOWN) -> Table:
    """Open breaks, the most money first."""
    rows = warehouse.frame(
        "SELECT amount_at_stake, currency, code, who, explanation, period, age_days, owner,"
        " break_id FROM recon.v_open_breaks"
    )
    shown = f" (the first {limit} of {rows.height})" if rows.height > limit else ""
    return Table("open-breaks", f"Open breaks{shown}", rows.head(limit), "No break is open.")


def plan(warehouse: Warehouse, wanted: frozenset[str] | None = None) -> Table:
    """The write-back plan: what is to be created, updated or skipped, and why.

    Args:
        warehouse: the open warehouse.
        wanted: ids of the commands asked for; all that are not settled without it.
    """
    statuses = dict(warehouse.rows("SELECT id, status FROM core.cras"))
    breaks = dict(
        warehouse.rows(
            "SELECT break_id, explanation FROM recon.cra_matches UNION ALL"
            " SELECT 'bill/' || bill_id, min(explanation) FROM recon.po_matches GROUP BY bill_id"
        )
    )
    open_states = {"planned", "awaiting_approval", "approved", "sending", "unknown", "refused"}
    rows = [
        _planned(row, statuses, breaks)
        for row in outbox.commands(warehouse).sort("kind", "target").to_dicts()
        if (row["command_id"] in wanted if wanted is not None else row["state"] in open_states)
    ]
    frame = pl.DataFrame(rows, schema=PLAN, orient="row")
    return Table("write-back-plan", "Write-back plan", frame, "Nothing is to be written.")


def _planned(
    row: Mapping[str, Any], statuses: Mapping[str, str], breaks: Mapping[str, str]
) -> dict[str, Any]:
    payload = outbox.payload(row)
    total = payload.get("total_excl_tax")
    creates = row["kind"] in {commands.INVOICE, commands.REGISTER}
    waits = row["state"] == "awaiting_approval"
    said = row["last_error"] or breaks.get(row["subject_id"]) or ""
    return {
        "do": "skip" if waits or row["state"] == "refused" else "create" if creates else "update",
        "what": VERBS.get(row["kind"], row["kind"]),
        "target": row["target"],
        "before": "–" if creates else statuses.get(row["target"], "registered"),
        "after": payload["status"],
        "amount": Decimal(total) if total is not None else None,
        "currency": payload.get("currency"),
        "state": row["state"],
        "why": f"rapproche approve {row['command_id']} --by NAME --reason TEXT" if waits else said,
    }


def written(warehouse: Warehouse) -> Table:
    """What the last run wrote, by kind."""
    rows = warehouse.frame(
        "SELECT kind, count(*) AS commands,"
        " sum((payload->>'$.total_excl_tax')::DECIMAL(18,4)) AS amount"
        " FROM ops.outbox WHERE state = 'done' AND run_id ="
        " (SELECT arg_max(run_id, started_at) FROM ops.runs) GROUP BY kind ORDER BY kind"
    )
    named = rows.with_columns(pl.col("kind").replace(VERBS).alias("kind"))
    return Table("written", "Written to the vendors", named, "This run wrote nothing.")


def last_runs(warehouse: Warehouse) -> Table:
    """The last five runs."""
    rows = warehouse.frame(
        "SELECT run_id, flow, started_at, state, rows_read, rows_changed, requests, quarantined,"
        " commands_done FROM ops.runs ORDER BY started_at DESC LIMIT 5"
    )
    return Table("runs", "Last runs", rows, "No run yet.")


def outbox_table(warehouse: Warehouse) -> Table:
    """Commands that are not settled."""
    rows = warehouse.frame(
        "SELECT command_id, kind, target, state, attempts, last_error, planned_at FROM ops.outbox"
        " WHERE state NOT IN ('done', 'cancelled') ORDER BY state, kind, target"
    )
    return Table("outbox", "Outbox", rows, "No command waits.")


def freshness(warehouse: Warehouse) -> Table:
    """How far each stream was read."""
    rows = warehouse.frame(
        "SELECT source, stream, rows, complete, last_synced_at, cursor, last_full_crawl_at"
        " FROM ops.sync_state ORDER BY source, stream"
    )
    return Table("sync", "Streams", rows, "Nothing was read yet.")


def markdown(table: Table) -> str:
    """A table as Markdown; what stands in cells cannot break out of them."""
    if table.rows.is_empty():
        return f"## {table.title}\n\n{table.empty}\n"
    names = table.rows.columns
    numeric = [dtype.is_numeric() for dtype in table.rows.dtypes]
    lines = [
        _row(name.replace("_", " ") for name in names),
        _row("---:" if number else "---" for number in numeric),
        *(_row(_cell(value) for value in row) for row in table.rows.iter_rows()),
    ]
    return f"## {table.title}\n\n" + "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    said = text(value)
    for character in "\\|<`*[":
        said = said.replace(character, f"\\{character}")
    return " ".join(said.split())


def text(value: Any) -> str:
    """A value as a person reads it: money and days with two decimals, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, list):
        return ", ".join(map(text, value))
    if hasattr(value, "strftime") and hasattr(value, "hour"):
        return f"{value:%Y-%m-%d %H:%M}"
    return str(value)


def as_json(table: Table) -> str:
    """A table as a JSON list; amounts and days are decimal texts."""
    return json.dumps(table.rows.to_dicts(), default=_plain, ensure_ascii=False, indent=2)


def _plain(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else value.isoformat()
