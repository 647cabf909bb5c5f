"""What a run shows to people: the month, what is open, what is to be written, how far it read.

Tables are frames of what stands in the warehouse; how they look is the driver's and the
terminal's business.
"""

import json
from collections.abc import Mapping
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
    commands.EMAIL: "send mail",
    commands.SMS: "send SMS",
}
MESSAGES = (commands.EMAIL, commands.SMS)
PLAN: dict[str, Any] = {
    "do": pl.String,
    "what": pl.String,
    "who": pl.String,
    "target": pl.String,
    "before": pl.String,
    "after": pl.String,
    "amount": pl.Decimal(18, 4),
    "currency": pl.String,
    "state": pl.String,
    "why": pl.String,
}
_WHO = (
    "SELECT o.command_id, coalesce(o.payload->>'$.to', r.consultant_first_name || ' ' ||"
    " r.consultant_last_name, c.name, s.name, '') AS who FROM ops.outbox o"
    " LEFT JOIN core.cras r ON o.kind IN ('boond.cra.validate', 'boond.cra.invalidate')"
    " AND r.id = o.target"
    " LEFT JOIN core.clients c ON o.kind = 'boond.invoice.create'"
    " AND c.id = o.payload->>'$.client_id'"
    " LEFT JOIN core.suppliers s ON o.kind IN ('boond.supplier_invoice.register',"
    " 'boond.supplier_invoice.flag') AND s.id = split_part(o.target, '|', 1)"
)
"""Whom each command concerns, by name: whose CRA, which client or supplier, whose mailbox."""
OPEN_BREAKS_SHOWN = 50

LINKED = "Names that people linked, for the next run"


@dataclass(frozen=True)
class Table:
    """A table with its title, for a person.

    Attributes:
        total: columns that add up; a person is shown their sums, by currency.
    """

    key: str
    title: str
    rows: pl.DataFrame
    empty: str
    total: tuple[str, ...] = ()

    def totals(self) -> pl.DataFrame:
        """One row a currency with the sums, in the columns of the table; none of a single row."""
        if not self.total or self.rows.height < 2:  # noqa: PLR2004 - one row is its own total
            return self.rows.clear()
        schema = self.rows.schema
        by = [name for name in ("currency",) if name in schema]
        sums = [
            pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).cast(schema[name])
            for name in self.total
        ]
        summed = self.rows.group_by(by).agg(sums).sort(by) if by else self.rows.select(sums)
        known = pl.any_horizontal(pl.col(self.total).is_not_null())
        first = next(name for name, dtype in schema.items() if dtype == pl.String)
        named = summed.filter(known).with_columns(pl.lit("total").alias(first))
        return pl.concat([self.rows.clear(), named], how="diagonal").select(self.rows.columns)


def summary(warehouse: Warehouse) -> Table:
    """The months at a glance."""
    rows = warehouse.frame("SELECT * FROM recon.v_month_summary")
    return Table("month-summary", "The month", rows, "Nothing was compared yet.")


def billed(warehouse: Warehouse) -> Table:
    """What our confirmed invoices billed, by client and contract, in this run or earlier."""
    rows = warehouse.frame(
        "SELECT l.period, c.name AS client, l.reference, sum(l.days) AS days,"
        " sum(l.amount) AS amount, l.currency, CASE WHEN max(l.billed_at) >="
        " (SELECT max(started_at) FROM ops.runs) THEN 'this run' ELSE 'earlier' END AS billed"
        " FROM recon.billing_ledger l LEFT JOIN core.contracts k ON k.id = l.contract_id"
        " LEFT JOIN core.clients c ON c.id = k.client_id"
        " GROUP BY l.period, client, l.reference, l.currency"
        " ORDER BY l.period, client, l.reference"
    )
    return Table("billed", "Billed", rows, "Nothing is billed yet.", ("days", "amount"))


def held(warehouse: Warehouse) -> Table:
    """What is held, by reason, with the money at stake."""
    rows = warehouse.frame(
        "SELECT kind, code, count(*) AS breaks, sum(amount_at_stake) AS at_stake, currency"
        " FROM recon.v_open_breaks GROUP BY ALL ORDER BY at_stake DESC NULLS LAST, code"
    )
    return Table("held", "Held, and why", rows, "Nothing is held.", ("breaks", "at_stake"))


def open_breaks(warehouse: Warehouse, limit: int = OPEN_BREAKS_SHOWN) -> Table:
    """Open breaks, the most money first."""
    rows = warehouse.frame(
        "SELECT amount_at_stake, currency, code, who, explanation, period, age_days, owner,"
        " break_id FROM recon.v_open_breaks"
    )
    shown = f" (the first {limit} of {rows.height})" if rows.height > limit else ""
    return Table("open-breaks", f"Open breaks{shown}", rows.head(limit), "No break is open.")


def decided(warehouse: Warehouse) -> Table:
    """What became of the breaks and commands that people decided on in the last run."""
    rows = warehouse.frame(
        "WITH decided AS (SELECT * FROM ops.approvals"
        " WHERE decided_at >= (SELECT max(started_at) FROM ops.runs))"
        " SELECT b.break_id AS decided_on, a.decision, b.status,"
        " coalesce(o.code, '') AS still_held,"
        " coalesce(c.explanation, p.explanation, b.closing_fact) AS explanation"
        " FROM decided a JOIN recon.breaks b USING (break_id)"
        " LEFT JOIN recon.v_open_breaks o USING (break_id)"
        " LEFT JOIN recon.cra_matches c USING (break_id)"
        " LEFT JOIN recon.po_matches p USING (break_id)"
        " WHERE a.command_id IS NULL"
        " UNION ALL SELECT command_id, a.decision, o.state, '', a.reason"
        " FROM decided a JOIN ops.outbox o USING (command_id) ORDER BY 1"
    )
    return Table("decided", "Decided", rows, "Nothing was decided.")


def decided_plan(warehouse: Warehouse) -> Table:
    """What is planned now by what people decided in the last run."""
    rows = warehouse.rows(
        "WITH decided AS (SELECT * FROM ops.approvals"
        " WHERE decided_at >= (SELECT max(started_at) FROM ops.runs)), subjects AS ("
        " SELECT break_id AS id FROM decided UNION"
        " SELECT 'bill/' || bill_id FROM recon.po_matches SEMI JOIN decided USING (break_id) UNION"
        " SELECT 'invoice/' || period || '/' || contract_id FROM recon.cra_matches"
        " SEMI JOIN decided USING (break_id))"
        " SELECT command_id FROM ops.outbox WHERE state <> 'cancelled' AND (command_id IN"
        " (SELECT command_id FROM decided) OR subject_id IN (SELECT id FROM subjects))"
    )
    shown = plan(warehouse, frozenset(row[0] for row in rows))
    return Table("decided-plan", "Planned by it", shown.rows, "It plans nothing.")


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
    who = dict(warehouse.rows(_WHO))
    open_states = {"planned", "awaiting_approval", "approved", "sending", "unknown", "refused"}
    rows = [
        _planned(row, who, statuses, breaks)
        for row in outbox.commands(warehouse).sort("kind", "target").to_dicts()
        if (row["command_id"] in wanted if wanted is not None else row["state"] in open_states)
    ]
    frame = pl.DataFrame(rows, schema=PLAN, orient="row")
    return Table("write-back-plan", "Write-back plan", frame, "Nothing is to be written.")


def _planned(
    row: Mapping[str, Any],
    who: Mapping[str, str],
    statuses: Mapping[str, str],
    breaks: Mapping[str, str],
) -> dict[str, Any]:
    payload = outbox.payload(row)
    total = payload.get("total_excl_tax")
    creates = row["kind"] in {commands.INVOICE, commands.REGISTER}
    message = row["kind"] in MESSAGES
    waits = row["state"] == "awaiting_approval"
    does = "create" if creates else "send" if message else "update"
    said = row["last_error"] or breaks.get(row["subject_id"]) or ""
    decide = f"rapproche approve {row['command_id']} --by NAME --reason TEXT"
    return {
        "do": "skip" if waits or row["state"] == "refused" else does,
        "what": VERBS.get(row["kind"], row["kind"]),
        "who": who[row["command_id"]],
        "target": row["target"],
        "before": "–" if creates or message else statuses.get(row["target"], "registered"),
        "after": payload["status"] if "status" in payload else _level(payload),
        "amount": Decimal(total) if total is not None else None,
        "currency": payload.get("currency"),
        "state": row["state"],
        "why": " · ".join(filter(None, (decide, said))) if waits else said,
    }


def planned(warehouse: Warehouse) -> Table:
    """The write-back plan by kind and state: what a person reads before its rows."""
    rows = plan(warehouse).rows.group_by("what", "state", "currency", maintain_order=True)
    told = pl.col("amount").is_not_null().any()
    counted = rows.agg(
        pl.len().alias("commands"), pl.when(told).then(pl.col("amount").sum()).alias("amount")
    )
    shown = counted.select("what", "state", "commands", "amount", "currency")
    return Table("planned", "The plan, by kind", shown, "Nothing is to be written.")


def _level(message: Mapping[str, Any]) -> str:
    """What a message is, and of which level."""
    refs = message["refs"]
    return " ".join(dict.fromkeys((refs["notice"], str(refs["level"]).partition("|")[0])))


def awaiting(warehouse: Warehouse) -> Table:
    """Commands that wait for a person."""
    waiting = outbox.commands(warehouse).filter(pl.col("state") == "awaiting_approval")
    ids = waiting.get_column("command_id")
    shown = plan(warehouse, frozenset(ids)).rows.drop("do", "state", "why")
    rows = waiting.sort("kind", "target").select("command_id").hstack(shown)
    return Table("awaiting", "Commands that wait for a person", rows, "No command waits.")


def written(warehouse: Warehouse) -> Table:
    """What the last run wrote, by kind."""
    rows = warehouse.frame(
        "SELECT kind, count(*) AS commands,"
        " sum((payload->>'$.total_excl_tax')::DECIMAL(18,4)) AS amount"
        " FROM ops.outbox WHERE state = 'done' AND run_id ="
        " (SELECT arg_max(run_id, started_at) FROM ops.runs) GROUP BY kind ORDER BY kind"
    )
    named = rows.with_columns(pl.col("kind").replace(VERBS).alias("kind"))
    return Table("written", "Written and sent", named, "This run wrote and sent nothing.")


def linked_people(warehouse: Warehouse) -> Table:
    """Whom people said that declared names mean."""
    rows = warehouse.frame(
        "SELECT l.declared_name, l.consultant_id,"
        " c.first_name || ' ' || c.last_name AS consultant, k.name AS client, l.decided_by,"
        " l.reason"
        " FROM core.person_links l LEFT JOIN core.consultants c ON c.id = l.consultant_id"
        " LEFT JOIN core.clients k ON k.id = l.client_id"
        " WHERE l.method = 'person' ORDER BY l.declared_name, client"
    )
    return Table("linked-people", LINKED, rows, "Nobody linked a name.")


def linked_vendors(warehouse: Warehouse) -> Table:
    """Which suppliers people said that vendors are."""
    rows = warehouse.frame(
        "SELECT l.vendor_id, v.name AS vendor, l.supplier_id, s.name AS supplier, l.decided_by,"
        " l.reason FROM core.party_links l LEFT JOIN core.vendors v ON v.id = l.vendor_id"
        " LEFT JOIN core.suppliers s ON s.id = l.supplier_id"
        " WHERE l.method = 'person' ORDER BY vendor, l.vendor_id"
    )
    return Table("linked-vendors", LINKED, rows, "Nobody linked a name.")


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
        "SELECT command_id, kind, who, target, state, attempts, last_error, planned_at"
        f" FROM ops.outbox JOIN ({_WHO}) USING (command_id)"
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


def as_json(table: Table) -> str:
    """A table as a JSON list; amounts and days are decimal texts."""
    return rows_as_json(table.rows)


def rows_as_json(rows: pl.DataFrame) -> str:
    """Rows as a JSON list; amounts and days are decimal texts."""
    return json.dumps(rows.to_dicts(), default=_plain, ensure_ascii=False, indent=2)


def _plain(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else value.isoformat()
