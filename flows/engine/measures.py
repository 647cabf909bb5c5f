"""What calls cost and how well limits, caches and connections are used, from `ops.api_calls`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import polars as pl

from flows.engine.report import Table
from sources import CONNECTIONS, TRIPS, bill_gateway, boond_v3
from store.warehouse import Warehouse

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds; 0.5 is the target."""
P95_MS = 500
HIT_PERCENT = 60
POOL_PERCENT = 80
WINDOW = timedelta(days=7)
"""What `rapproche status` measures: the week before the last run."""

_STREAMS = (*boond_v3.STREAMS.values(), *bill_gateway.STREAMS.values())
_HEADS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        source: sorted(
            {stream.path.split("/")[1] for stream in _STREAMS if stream.source == source}
        )
        for source in ("boond", "bill")
    }
)
"""First segments of the paths of each vendor; what stands before them is its base URL."""
_WORDS = sorted({part for stream in _STREAMS for part in stream.path.split("/") if part.isalnum()})
_LOGINS = ("token", "login")
_LISTS = sorted({stream.path.replace("{parent}", "{id}") for stream in _STREAMS})

_ENDPOINTS = """
WITH told AS (
    SELECT * FROM ops.api_calls WHERE {chosen}
), paths AS (
    SELECT DISTINCT source, method, path,
        list_filter(string_split(path, '/'), lambda part: part <> '') AS parts,
        CASE source WHEN 'bill' THEN $bill ELSE $boond END AS heads
    FROM told
), begun AS (
    SELECT *, method = 'POST' AND list_contains($logins, parts[-1]) AS login,
        list_position(list_transform(parts, lambda part: list_contains(heads, part)), true) AS head
    FROM paths
), endpoints AS (
    SELECT source, method, path, login, CASE
        WHEN login THEN '/' || parts[-1]
        WHEN coalesce(head, 0) = 0 THEN 'other'
        ELSE '/' || array_to_string(list_transform(parts[head:], lambda part:
            CASE WHEN list_contains($words, part) THEN part ELSE '{{id}}' END), '/')
        END AS endpoint
    FROM begun
), called AS (
    SELECT * FROM told JOIN endpoints USING (source, method, path)
)
"""
"""Calls with their endpoint, ids templated: as many as the vendor has paths, whatever its ids."""

_CALLS = f"""
{_ENDPOINTS.format(chosen="NOT cached")}
SELECT source, method, endpoint, status, login, coalesce(status IN (200, 201), false) AS ok,
    count(*) AS calls, count(*) FILTER (status = 401 AND NOT login) AS expiries,
    count(*) FILTER (status = 429) AS limited, count(*) FILTER (attempt > 1) AS retries,
    sum(duration_ms) / 1000 AS seconds,
    [{", ".join(f"count(*) FILTER (duration_ms <= {bound * 1000})" for bound in BUCKETS)},
     count(*)] AS within
FROM called GROUP BY ALL ORDER BY ALL
"""
_OF_SYNCS = "run_id IN (SELECT run_id FROM ops.runs WHERE flow = 'sync' AND started_at >= $since)"
_COLUMNS = (
    *("source", "method", "endpoint", "status", "login", "ok", "calls"),
    *("expiries", "limited", "retries", "seconds", "within"),
)


def _named() -> dict[str, Any]:
    return {
        "boond": list(_HEADS["boond"]),
        "bill": list(_HEADS["bill"]),
        "logins": list(_LOGINS),
        "words": _WORDS,
    }


def calls(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Calls by source, method, endpoint and status, with their counts and seconds.

    `within` counts those that took no longer than each of BUCKETS, and all.
    """
    return [dict(zip(_COLUMNS, row, strict=True)) for row in warehouse.rows(_CALLS, _named())]


def breaker_is_open(warehouse: Warehouse, source: str) -> bool:
    """Whether the last calls of the last run that called a vendor all failed."""
    last = warehouse.rows(
        "SELECT status IS NULL OR status = 429 OR status >= 500 FROM ops.api_calls"
        " WHERE source = ? AND NOT cached AND run_id = (SELECT arg_max(run_id, called_at)"
        " FROM ops.api_calls WHERE source = ? AND NOT cached)"
        " ORDER BY called_at DESC LIMIT ?",
        [source, source, TRIPS],
    )
    return len(last) == TRIPS and all(row[0] for row in last)


def targets(warehouse: Warehouse) -> Table:
    """What is measured beside what is wanted (running.md, "Logs and metrics")."""
    end: datetime | None = warehouse.rows("SELECT max(started_at) FROM ops.runs")[0][0]
    rows = _measured(warehouse, end - WINDOW) if end else []
    names = ("what", "source", "measured", "target", "state")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return Table("targets", "Measured in a week, and wanted", frame, "Nothing was called yet.")


def _measured(warehouse: Warehouse, since: datetime) -> list[tuple[str, str, str, str, str]]:
    rows = []
    for source in ("boond", "bill"):
        slow = warehouse.rows(
            "SELECT quantile_cont(duration_ms, 0.95) FROM ops.api_calls"
            " WHERE source = ? AND NOT cached AND called_at >= ?",
            [source, since],
        )[0][0]
        rows.append(_row("P95 of calls", source, slow, "ms", P95_MS))
        rows.append(_row("use of pool", source, _pool(warehouse, source, since), "%", POOL_PERCENT))
    rate = _hit_rate(warehouse, since)
    return [*rows, _row("hit rate of syncs", "", rate, "%", HIT_PERCENT, more=True)]


def _row(
    what: str, source: str, value: float | None, unit: str, bound: int, *, more: bool = False
) -> tuple[str, str, str, str, str]:
    wanted = f"{'>' if more else '<'} {bound} {unit}"
    if value is None:
        return what, source, "", wanted, "not measured"
    met = value > bound if more else value < bound
    return what, source, f"{value:.0f} {unit}", wanted, "met" if met else "missed"


def _pool(warehouse: Warehouse, source: str, since: datetime) -> float | None:
    """Percent of the connections that calls under way together would have taken at most."""
    most = warehouse.rows(
        "WITH edges AS ("
        " SELECT called_at AS edge, 1 AS step FROM ops.api_calls"
        "  WHERE source = ? AND NOT cached AND called_at >= ? UNION ALL"
        " SELECT called_at + to_microseconds((duration_ms * 1000)::BIGINT), -1 FROM ops.api_calls"
        "  WHERE source = ? AND NOT cached AND called_at >= ?)"
        " SELECT max(under_way) FROM (SELECT sum(step) OVER (ORDER BY edge, step"
        " ROWS UNBOUNDED PRECEDING) AS under_way FROM edges)",
        [source, since, source, since],
    )[0][0]
    return None if most is None else int(most) * 100 / CONNECTIONS


def _hit_rate(warehouse: Warehouse, since: datetime) -> float | None:
    """Percent of the streams that hourly syncs asked for and found fresh."""
    [(hits, read)] = warehouse.rows(
        f"{_ENDPOINTS.format(chosen=_OF_SYNCS)} SELECT count(*) FILTER (cached),"
        " count(DISTINCT (run_id, source, endpoint)) FILTER (NOT cached AND method = 'GET'"
        " AND list_contains($lists, endpoint)) FROM called",
        _named() | {"lists": _LISTS, "since": since},
    )
    return hits * 100 / (hits + read) if hits + read else None
