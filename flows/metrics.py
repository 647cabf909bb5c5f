"""Metrics for Prometheus, out of what the warehouse holds (docs/decisions/0030).

Runs are short and their processes end: so counters are counted from `ops.api_calls`, `ops.runs`
and `ops.outbox`, which only grow, and are the same whoever counts them.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest, push_to_gateway
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from flows.engine import measures
from flows.settings import Settings
from store.warehouse import Warehouse

log = logging.getLogger("rapproche.metrics")

READABLE = 0o644
"""Of the textfile: the exporter that reads it is another user. It holds counts alone."""
SOURCES = ("boond", "bill")
OUTBOX_STATES = (
    *("planned", "awaiting_approval", "approved", "sending"),
    *("unknown", "refused", "done", "cancelled"),
)
_PUSH_SECONDS = 5


def leave(warehouse: Warehouse, settings: Settings) -> None:
    """Writes the textfile and pushes, where the settings ask for it; a failure is only logged."""
    if not (settings.RAPPROCHE_METRICS_FILE or settings.PUSHGATEWAY_URL):
        return
    try:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Taken(list(collected(warehouse))))
        if settings.RAPPROCHE_METRICS_FILE:
            _write(settings.RAPPROCHE_METRICS_FILE, generate_latest(registry))
        if settings.PUSHGATEWAY_URL:
            _push(settings, registry)
    except Exception as error:  # noqa: BLE001 - what is measured must never fail what is done
        log.warning("metrics could not be left error=%s", type(error).__name__)


class _Taken(Collector):
    """Metrics that were taken once."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _write(file: Path, content: bytes) -> None:
    """Puts the file in place whole: a reader sees the last one or this one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.next")
    fresh.write_bytes(content)
    fresh.chmod(READABLE)
    fresh.replace(file)


def _push(settings: Settings, registry: CollectorRegistry) -> None:
    """Replaces what the gateway has of this warehouse."""
    warehouse = {"warehouse": settings.WAREHOUSE_PATH.stem}
    push_to_gateway(
        str(settings.PUSHGATEWAY_URL), "rapproche", registry, warehouse, timeout=_PUSH_SECONDS
    )


def collected(warehouse: Warehouse) -> Iterator[Metric]:
    """All metrics as the warehouse has them now."""
    calls = measures.calls(warehouse)
    for source in SOURCES:
        yield from _of_source(source, [row for row in calls if row["source"] == source])
    yield _hits(warehouse)
    yield from _of_runs(warehouse)
    yield _gauge(
        *("rapproche_outbox_commands", "Commands of the outbox by state", ["state"]),
        {(state,): 0 for state in OUTBOX_STATES}
        | _counts(warehouse, "SELECT state, count(*) FROM ops.outbox GROUP BY state"),
    )
    yield _gauge(
        *("rapproche_quarantine_records", "Records in quarantine by stream", ["source", "stream"]),
        _streams(warehouse)
        | _counts(
            warehouse,
            "SELECT source, stream, count(DISTINCT payload) FROM ops.quarantine"
            " WHERE resolved_at IS NULL GROUP BY source, stream",
        ),
    )
    yield _gauge(
        *("rapproche_breaks_open", "Open breaks by code", ["code"]),
        _counts(warehouse, "SELECT code, count(*) FROM recon.v_open_breaks GROUP BY code"),
    )


def _streams(warehouse: Warehouse) -> dict[tuple[str, ...], float]:
    """A zero for each stream that was read: a line that begins at one alerts nobody."""
    return _counts(warehouse, "SELECT source, stream, 0 FROM ops.sync_state")


def _of_source(source: str, calls: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    yield _called(source, calls)
    yield _took(source, calls)
    logins = [row for row in calls if row["login"]]
    well = sum(row["calls"] for row in logins if row["ok"])
    tried = sum(row["calls"] for row in logins)
    yield _counter(
        *(f"{source}_logins", "Logins by outcome", ["outcome"]),
        {("ok",): well, ("failed",): tried - well},
    )
    for name, said, column in (
        ("session_expiries", "Calls whose session or token the vendor refused", "expiries"),
        ("rate_limited", "Answers 429", "limited"),
        ("retries", "Requests sent again", "retries"),
    ):
        yield _counter(f"{source}_{name}", said, [], {(): sum(row[column] for row in calls)})


def _called(source: str, calls: Sequence[Mapping[str, Any]]) -> Metric:
    counts: dict[tuple[str, ...], float] = {}
    for row in calls:
        status = "none" if row["status"] is None else str(row["status"])
        counts[row["method"], row["endpoint"], status] = row["calls"]
    labels = ["method", "endpoint", "status"]
    return _counter(f"{source}_api_calls", "Calls; status none had no answer", labels, counts)


def _took(source: str, calls: Sequence[Mapping[str, Any]]) -> Metric:
    family = HistogramMetricFamily(
        f"{source}_api_call_duration_seconds",
        "Seconds until the answer was read or given up",
        labels=["method", "endpoint"],
    )
    by_endpoint: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in calls:
        by_endpoint.setdefault((row["method"], row["endpoint"]), []).append(row)
    for labels, rows in sorted(by_endpoint.items()):
        bounds = [str(bound) for bound in measures.BUCKETS] + ["+Inf"]
        counts = [sum(row["within"][at] for row in rows) for at in range(len(bounds))]
        seconds = sum(row["seconds"] for row in rows)
        family.add_metric(list(labels), list(zip(bounds, counts, strict=True)), sum_value=seconds)
    return family


def _hits(warehouse: Warehouse) -> Metric:
    """Streams that were fresh when they were asked for."""
    hits = {(source,): 0.0 for source in SOURCES} | _counts(
        warehouse, "SELECT source, count(*) FROM ops.api_calls WHERE cached GROUP BY source"
    )
    return _counter("cache_hits", "Readings spared because a stream was fresh", ["source"], hits)


def _of_runs(warehouse: Warehouse) -> Iterator[Metric]:
    yield _counter(
        *("rapproche_runs", "Runs by command and how they ended", ["flow", "state"]),
        _counts(warehouse, "SELECT flow, state, count(*) FROM ops.runs GROUP BY flow, state"),
    )
    succeeded = warehouse.rows(
        "SELECT flow, max(ended_at) FROM ops.runs WHERE starts_with(state, 'completed')"
        " GROUP BY flow"
    )
    yield _gauge(
        "rapproche_last_success_timestamp_seconds",
        "When a run of each command last ended other than failed or crashed",
        ["flow"],
        {(flow,): _seconds(ended_at) for flow, ended_at in succeeded},
    )
    yield _gauge(
        "rapproche_stream_read_timestamp_seconds",
        "When each stream was last read to its end",
        ["source", "stream"],
        {
            (source, stream): _seconds(read_at)
            for source, stream, read_at in warehouse.rows(
                "SELECT source, stream, last_synced_at FROM ops.sync_state"
                " WHERE complete AND last_synced_at IS NOT NULL ORDER BY ALL"
            )
        },
    )
    yield _gauge(
        *("rapproche_breaker_open", "1 where the last 5 calls of the last run failed", ["source"]),
        {(source,): int(measures.breaker_is_open(warehouse, source)) for source in SOURCES},
    )


def _seconds(instant: datetime) -> float:
    return instant.timestamp()


Values = Mapping[tuple[str, ...], float]


def _counts(warehouse: Warehouse, sql: str) -> dict[tuple[str, ...], float]:
    return {row[:-1]: row[-1] for row in warehouse.rows(f"{sql} ORDER BY ALL")}


def _counter(name: str, said: str, labels: Sequence[str], values: Values) -> Metric:
    return _filled(CounterMetricFamily(name, said, labels=labels), values)


def _gauge(name: str, said: str, labels: Sequence[str], values: Values) -> Metric:
    return _filled(GaugeMetricFamily(name, said, labels=labels), values)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, values: Values) -> Metric:
    for labels, value in values.items():
        family.add_metric(list(labels), value)
    return family
