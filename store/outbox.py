"""The outbox: commands to vendors, planned with the findings that caused them (write-back.md)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from store.warehouse import Warehouse

_KEEP = (
    "INSERT INTO ops.outbox_history SELECT o.command_id, o.state, o.payload, o.attempts,"
    " o.last_error, o.run_id, ?, o.planned_at FROM ops.outbox o"
)


def commands(warehouse: Warehouse, command_id: str | None = None) -> pl.DataFrame:
    """All commands, or one, as `ops.outbox` has them."""
    return warehouse.frame(
        "SELECT * FROM ops.outbox WHERE command_id = coalesce(?, command_id)"
        " ORDER BY planned_at, kind, command_id",
        [command_id],
    )


def states(warehouse: Warehouse) -> list[dict[str, str]]:
    """How far each command is: `command_id`, `kind`, `state`."""
    names = ["command_id", "kind", "state"]
    rows = warehouse.rows(f"SELECT {', '.join(names)} FROM ops.outbox")
    return [dict(zip(names, row, strict=True)) for row in rows]


def put(warehouse: Warehouse, changes: pl.DataFrame, run_id: str, now: datetime) -> None:
    """Writes planned, renewed and cancelled commands; what they were stays in the history.

    Args:
        warehouse: the open working file, inside the transaction of the findings.
        changes: rows of `ops.outbox` without `run_id`.
        run_id: the run that planned them.
        now: when.
    """
    if changes.is_empty():
        return
    keep_history(warehouse, changes.get_column("command_id"), now)
    warehouse.upsert("ops.outbox", changes, run_id=run_id)


def keep_history(warehouse: Warehouse, command_ids: pl.Series, now: datetime) -> None:
    """Copies commands as they stand into `ops.outbox_history`."""
    warehouse.connection.register("touched", command_ids.to_frame("command_id"))
    warehouse.execute(f"{_KEEP} SEMI JOIN touched t USING (command_id)", [now])
    warehouse.connection.unregister("touched")


def mark(warehouse: Warehouse, command_id: str, run_id: str, now: datetime, **values: Any) -> None:
    """Moves one command on: `state`, `attempts`, `vendor_id`, `last_error`, `sent_at`, …."""
    warehouse.execute(f"{_KEEP} WHERE o.command_id = ?", [now, command_id])
    changes = ", ".join(f'"{name}" = ?' for name in values)
    warehouse.execute(
        f"UPDATE ops.outbox SET run_id = ?, {changes} WHERE command_id = ?",
        [run_id, *values.values(), command_id],
    )


def approve(warehouse: Warehouse, command_ids: Sequence[str], run_id: str, now: datetime) -> None:
    """Moves many planned commands on to `approved` at once; the caller holds the transaction."""
    if not command_ids:
        return
    keep_history(warehouse, pl.Series(command_ids, dtype=pl.String), now)
    warehouse.execute(
        "UPDATE ops.outbox SET state = 'approved', run_id = ?"
        " WHERE command_id IN (SELECT unnest(?::VARCHAR[]))",
        [run_id, list(command_ids)],
    )


def made_by(warehouse: Warehouse, command_ids: Sequence[str]) -> str | None:
    """Id of the object that the vendor made for one of some commands, if any is done."""
    rows = warehouse.rows(
        "SELECT vendor_id FROM ops.outbox WHERE state = 'done'"
        " AND command_id IN (SELECT unnest(?::VARCHAR[]))",
        [list(command_ids)],
    )
    return rows[0][0] if rows else None


def registered(warehouse: Warehouse, key: str) -> str | None:
    """Id of the supplier invoice that BoondManager has under `supplier id|number`, if any.

    Supplier ids are compared as they are, numbers without case and punctuation; the same number
    comes before one that is only alike.
    """
    rows = warehouse.rows(
        f"SELECT id FROM core.supplier_invoices, (SELECT ? AS key)"
        f" WHERE starts_with(key, supplier_id || '|') AND {_plain('reference')} ="
        f" {_plain('substr(key, length(supplier_id) + 2)')}"
        " AND status <> 'cancelled' AND deleted_at IS NULL"
        " ORDER BY supplier_id || '|' || reference = key DESC, id LIMIT 1",
        [key],
    )
    return rows[0][0] if rows else None


def _plain(number: str) -> str:
    return f"nullif(regexp_replace(upper({number}), '[^\\p{{L}}\\p{{N}}]', '', 'g'), '')"


def payload(row: Mapping[str, Any]) -> dict[str, Any]:
    """A command's body; amounts and days are decimal texts."""
    body: dict[str, Any] = json.loads(row["payload"])
    return body
