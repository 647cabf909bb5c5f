"""What runs did: their records, their calls to vendors, how far each stream was read."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from store import journal
from store.warehouse import Warehouse

_KNOWN_OF = """
SELECT run_id, max(alive_at) AS last_at FROM (
    SELECT run_id, started_at AS alive_at FROM ops.runs
    UNION ALL SELECT run_id, called_at + to_microseconds((duration_ms * 1000)::BIGINT)
        FROM ops.api_calls
    UNION ALL SELECT run_id, greatest(planned_at, sent_at, settled_at) FROM ops.outbox
    UNION ALL SELECT run_id, decided_at FROM recon.cra_matches
    UNION ALL SELECT run_id, decided_at FROM recon.po_matches
    UNION ALL SELECT arg_max(run_id, started_at), (SELECT max(last_synced_at) FROM ops.sync_state)
        FROM ops.runs
) GROUP BY run_id
"""
"""When each run was last known to be alive."""

_CLOSE = f"""
UPDATE ops.runs SET state = 'crashed', ended_at = known.last_at,
    requests = (SELECT count(*) FROM ops.api_calls c
        WHERE c.run_id = runs.run_id AND NOT c.cached),
    retries = (SELECT count(*) FROM ops.api_calls c
        WHERE c.run_id = runs.run_id AND c.attempt > 1),
    rate_limited = (SELECT count(*) FROM ops.api_calls c
        WHERE c.run_id = runs.run_id AND c.status = 429),
    commands_done = (SELECT count(*) FROM ops.outbox o
        WHERE o.run_id = runs.run_id AND o.state = 'done' AND o.subject_id NOT LIKE 'alarm/%')
FROM ({_KNOWN_OF}) AS known
WHERE runs.state = 'running' AND known.run_id = runs.run_id RETURNING runs.run_id
"""


def begin(
    warehouse: Warehouse, run_id: str, flow: str, parameters: Mapping[str, Any], now: datetime
) -> list[str]:
    """Records that a run began, and closes those that a crash left running.

    A crashed run ends when it was last known to be alive. Its calls come from the journal, its
    requests and commands from its calls and the outbox, its rows from its last commit.

    Returns:
        The crashed runs.
    """
    journal.take_over(warehouse)
    with warehouse.transaction():
        left = warehouse.rows("SELECT 1 FROM ops.runs WHERE state = 'running'")
        closed = warehouse.rows(_CLOSE) if left else []
        warehouse.execute(
            "INSERT INTO ops.runs SELECT ?, ?, ?, ?, NULL, 'running', 0, 0, 0, 0, 0, 0, 0, 0",
            [run_id, flow, json.dumps(dict(parameters), default=str), now],
        )
    return [row[0] for row in closed]


def crashed(warehouse: Warehouse, since: datetime) -> list[dict[str, Any]]:
    """Runs that ended without saying so, and why as far as it is known, newest first."""
    return _past(warehouse, "state = 'crashed' AND ended_at >= ?", [since])


def failed_in_a_row(
    warehouse: Warehouse, flows: Collection[str], run_id: str
) -> list[dict[str, Any]]:
    """The run and those just before it that failed or crashed, newest first.

    Args:
        warehouse: the open working file.
        flows: whose runs count.
        run_id: the run that is ending, and has failed.
    """
    ended_well = (
        "SELECT max(started_at) FROM ops.runs WHERE state NOT IN ('failed', 'crashed', 'running')"
        " AND list_contains(?::VARCHAR[], flow)"
    )
    return _past(
        warehouse,
        f"list_contains(?::VARCHAR[], flow) AND started_at > coalesce(({ended_well}),"
        " '-infinity'::TIMESTAMPTZ) AND (state IN ('failed', 'crashed') OR run_id = ?)",
        [list(flows), list(flows), run_id],
    )


def _past(warehouse: Warehouse, where: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    """Runs with what went wrong in their calls; ids, times and counts."""
    return warehouse.frame(
        "SELECT run_id, flow, state, started_at, coalesce(ended_at, started_at) AS ended_at,"
        " coalesce((SELECT string_agg(said, ', ' ORDER BY said) FROM ("
        "  SELECT source || ' ' || coalesce(status::VARCHAR, 'no answer') || ' × ' || count(*)"
        "  AS said FROM ops.api_calls c WHERE c.run_id = r.run_id AND NOT cached"
        "  AND (status IS NULL OR status >= 400) GROUP BY source, status)),"
        " replace(state, 'running', 'failed')) AS why"
        f" FROM ops.runs r WHERE {where} ORDER BY started_at DESC",
        values,
    ).to_dicts()


def count(warehouse: Warehouse, run_id: str, **more: int) -> None:
    """Adds to counts of a run, inside the transaction of what is counted."""
    changes = ", ".join(f"{name} = {name} + {int(value)}" for name, value in more.items())
    warehouse.execute(f"UPDATE ops.runs SET {changes} WHERE run_id = ?", [run_id])


def end(
    warehouse: Warehouse, run_id: str, state: str, counts: Mapping[str, int], now: datetime
) -> None:
    """Records how a run ended, with its counts by column of `ops.runs`."""
    changes = "".join(f", {name} = {int(value)}" for name, value in counts.items())
    warehouse.execute(
        f"UPDATE ops.runs SET state = ?, ended_at = ?{changes} WHERE run_id = ?",
        [state, now, run_id],
    )


def sync_state(warehouse: Warehouse, source: str, stream: str) -> dict[str, Any]:
    """How far a stream was read; all null when it never was."""
    names = ["cursor", "last_full_crawl_at", "last_synced_at", "complete"]
    rows = warehouse.rows(
        f"SELECT {', '.join(names)} FROM ops.sync_state WHERE source = ? AND stream = ?",
        [source, stream],
    )
    return dict(zip(names, rows[0], strict=True)) if rows else dict.fromkeys(names)


def record_sync(warehouse: Warehouse, source: str, stream: str, **values: Any) -> None:
    """Notes how far a stream was read; values left out stay as they were."""
    changes = ", ".join(f'"{name}" = ?' for name in values)
    [[known]] = warehouse.rows(
        f"UPDATE ops.sync_state SET {changes} WHERE source = ? AND stream = ?",
        [*values.values(), source, stream],
    )
    if known:
        return
    first = {"source": source, "stream": stream, "complete": False, "rows": 0} | values
    names, marks = ", ".join(f'"{name}"' for name in first), ", ".join("?" for _ in first)
    warehouse.execute(
        f"INSERT INTO ops.sync_state ({names}) VALUES ({marks})", list(first.values())
    )


def is_fresh(
    warehouse: Warehouse, source: str, stream: str, *, minutes: int, now: datetime
) -> bool:
    """Whether what was read of a stream is still good enough (warehouse.md, Sync)."""
    state = sync_state(warehouse, source, stream)
    read_at = state["last_synced_at"]
    # An instant to come was told by a clock that has been set back since.
    recent = read_at and timedelta(0) <= now - read_at < timedelta(minutes=minutes)
    return bool(state["complete"] and recent)


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
