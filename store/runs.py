"""What runs did: their records, their calls to vendors, how far each stream was read."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from store.warehouse import Warehouse

CALLS: dict[str, Any] = {
    "called_at": pl.Datetime("us", "UTC"),
    "run_id": pl.String,
    "actor": pl.String,
    "source": pl.String,
    "method": pl.String,
    "path": pl.String,
    "status": pl.Int32,
    "duration_ms": pl.Float64,
    "attempt": pl.Int32,
    "bytes": pl.Int64,
    "cached": pl.Boolean,
}


def begin(
    warehouse: Warehouse, run_id: str, flow: str, parameters: Mapping[str, Any], now: datetime
) -> None:
    """Records that a run began, and closes those that a crash left running."""
    warehouse.execute(
        "UPDATE ops.runs SET state = 'crashed', ended_at = ? WHERE state = 'running'", [now]
    )
    warehouse.execute(
        "INSERT INTO ops.runs SELECT ?, ?, ?, ?, NULL, 'running', 0, 0, 0, 0, 0, 0, 0, 0",
        [run_id, flow, json.dumps(dict(parameters), default=str), now],
    )


def end(
    warehouse: Warehouse, run_id: str, state: str, counts: Mapping[str, int], now: datetime
) -> None:
    """Records how a run ended, with its counts by column of `ops.runs`."""
    changes = "".join(f", {name} = {int(value)}" for name, value in counts.items())
    warehouse.execute(
        f"UPDATE ops.runs SET state = ?, ended_at = ?{changes} WHERE run_id = ?",
        [state, now, run_id],
    )


def audit(warehouse: Warehouse, calls: Sequence[Mapping[str, Any]]) -> None:
    """Appends calls to `ops.api_calls`."""
    if calls:
        warehouse.insert("ops.api_calls", pl.DataFrame(list(calls), schema=CALLS))


def sync_state(warehouse: Warehouse, source: str, stream: str) -> dict[str, Any]:
    """How far a stream was read; all null when it never was."""
    rows = warehouse.frame(
        "SELECT * FROM ops.sync_state WHERE source = ? AND stream = ?", [source, stream]
    ).to_dicts()
    return rows[0] if rows else dict.fromkeys(warehouse.columns("ops.sync_state"))


def record_sync(warehouse: Warehouse, source: str, stream: str, **values: Any) -> None:
    """Notes how far a stream was read; values left out stay as they were."""
    state = sync_state(warehouse, source, stream) | {"source": source, "stream": stream} | values
    state["complete"] = bool(state["complete"])
    state["rows"] = state["rows"] or 0
    names = ", ".join(f'"{name}"' for name in state)
    marks = ", ".join("?" for _ in state)
    warehouse.execute(
        f"INSERT OR REPLACE INTO ops.sync_state ({names}) VALUES ({marks})", list(state.values())
    )


def is_fresh(
    warehouse: Warehouse, source: str, stream: str, *, minutes: int, now: datetime
) -> bool:
    """Whether what was read of a stream is still good enough (warehouse.md, Sync)."""
    state = sync_state(warehouse, source, stream)
    read_at = state["last_synced_at"]
    return bool(state["complete"] and read_at and now - read_at < timedelta(minutes=minutes))


def complete_streams(warehouse: Warehouse) -> set[str]:
    """Streams whose last reading ended complete, as `source.stream`."""
    rows = warehouse.rows("SELECT source || '.' || stream FROM ops.sync_state WHERE complete")
    return {row[0] for row in rows}


def forget_freshness(warehouse: Warehouse, source: str, stream: str) -> None:
    """Makes the next run read a stream again, because rapproche wrote to it."""
    warehouse.execute(
        "UPDATE ops.sync_state SET last_synced_at = NULL WHERE source = ? AND stream = ?",
        [source, stream],
    )
