"""Metrics are what the warehouse holds, in Prometheus's own form, and fail no run."""

import stat
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from flows.engine import measures
from flows.engine.run import Run
from store.publishing import read_published
from tests.flows.house import START, House

pytestmark = pytest.mark.nights

STREAMS = ["boond", "bill"]


def _measured(house: House, **settings: object) -> Path:
    """Asks for metrics; where they are left."""
    file = house.folder / "metrics" / "rapproche.prom"
    asked = {"RAPPROCHE_METRICS_FILE": file, "RAPPROCHE_RETRY_BASE": 0} | settings
    house.settings = house.settings.model_copy(update=asked)
    return file


def _sync(house: House, *, full: bool = False) -> None:
    house.run("sync", sources=STREAMS, full=full)


def _read(file: Path) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(file.read_text())}


def _values(metric: Metric) -> dict[tuple[str, ...], float]:
    return {
        (each.name, *(each.labels[key] for key in sorted(each.labels))): each.value
        for each in metric.samples
    }


def test_every_call_is_counted_by_method_endpoint_and_status(synced: House) -> None:
    """As `ops.api_calls` has them, ids templated."""
    file = _measured(synced)
    _sync(synced, full=True)
    metrics = _read(file)
    for source in STREAMS:
        calls = metrics[f"{source}_api_calls"]
        assert {tuple(each.labels) for each in calls.samples} == {("endpoint", "method", "status")}
        told = synced.one("SELECT count(*) FROM ops.api_calls WHERE source = ?", source)
        assert sum(each.value for each in calls.samples) == told
    values = _values(metrics["boond_api_calls"])
    assert values["boond_api_calls_total", "/crm/activities", "GET", "200"] >= 2
    assert values["boond_api_calls_total", "/token", "POST", "200"] == 2
    endpoints = {each.labels["endpoint"] for each in metrics["bill_api_calls"].samples}
    assert endpoints == {"/login", "/v3/invoices", "/v3/vendors"}


def test_durations_are_a_histogram(synced: House) -> None:
    """Buckets that grow, up to all calls of the endpoint, and the target among their bounds."""
    file = _measured(synced)
    _sync(synced)
    samples = _read(file)["boond_api_call_duration_seconds"].samples
    buckets = [
        s for s in samples if s.labels.get("endpoint") == "/crm/activities" and "le" in s.labels
    ]
    assert [s.value for s in buckets] == sorted(s.value for s in buckets)
    assert {"0.5", "+Inf"} <= {s.labels["le"] for s in buckets}
    [count] = [
        s.value for s in samples
        if s.name.endswith("_count") and s.labels["endpoint"] == "/crm/activities"
    ]  # fmt: skip
    assert buckets[-1].value == count


def test_counters_only_grow_over_runs(synced: House) -> None:
    """A run counts what earlier ones did, too."""
    file = _measured(synced)
    _sync(synced)
    before = _read(file)
    _sync(synced)
    after = _read(file)
    counters = [name for name, metric in before.items() if metric.type == "counter"]
    assert len(counters) > 8
    for name in counters:
        for key, value in _values(before[name]).items():
            assert _values(after[name])[key] >= value
    grown = _values(after["rapproche_runs"])["rapproche_runs_total", "sync", "completed"]
    assert (
        grown == _values(before["rapproche_runs"])["rapproche_runs_total", "sync", "completed"] + 1
    )


def test_troubles_of_a_vendor_are_counted(synced: House) -> None:
    """Refused sessions, failed logins, 429s, retries, and the open breaker."""
    file = _measured(synced)
    synced.sandbox.set_faults("down")
    _sync(synced)
    metrics = _read(file)
    assert _values(metrics["boond_logins"])["boond_logins_total", "failed"] >= 1
    assert _values(metrics["boond_retries"])["boond_retries_total",] >= 1
    assert _values(metrics["rapproche_runs"])["rapproche_runs_total", "sync", "failed"] == 1
    assert {each.labels["source"] for each in metrics["rapproche_breaker_open"].samples} == {
        "boond",
        "bill",
    }


def test_what_is_open_and_what_succeeded_are_gauges(planned: House) -> None:
    """Outbox by state, breaks by code, last success by command."""
    file = _measured(planned)
    _sync(planned)
    metrics = _read(file)
    states = Counter(row[0] for row in planned.rows("SELECT state FROM ops.outbox"))
    outbox = _values(metrics["rapproche_outbox_commands"])
    assert {key[1]: value for key, value in outbox.items() if value} == states
    last = _values(metrics["rapproche_last_success_timestamp_seconds"])
    assert {key[1] for key in last} == {"sync", "nightly"}
    hits = _values(metrics["cache_hits"])
    assert hits["cache_hits_total", "boond"] == planned.one(
        "SELECT count(*) FROM ops.api_calls WHERE cached AND source = 'boond'"
    )
    assert hits["cache_hits_total", "boond"] > 0


def test_quarantine_and_the_reading_of_streams_are_gauges(synced: House) -> None:
    """Each stream has its records in quarantine, none of them too, and when it was last read."""
    person = next(iter(synced.vendors.consultants.values()))
    person.last_name = None  # type: ignore[assignment]
    synced.vendors.touch(person)
    file = _measured(synced)
    _sync(synced, full=True)
    metrics = _read(file)
    waiting = _values(metrics["rapproche_quarantine_records"])
    assert {key[1:]: value for key, value in waiting.items() if value} == {
        ("boond", "consultants"): 1
    }
    read = _values(metrics["rapproche_stream_read_timestamp_seconds"])
    assert {key[1:] for key in read} == {key[1:] for key in waiting}


def test_the_textfile_keeps_the_rules_of_prometheus(synced: House) -> None:
    """One HELP and TYPE a metric, before its samples; no sample twice; whole, readable to all."""
    file = _measured(synced)
    _sync(synced)
    lines = file.read_text().splitlines()
    heads = [line.split()[:3] for line in lines if line.startswith("#")]
    assert all(times == 1 for times in Counter(map(tuple, heads)).values())
    samples = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert all(times == 1 for times in Counter(samples).values())
    assert not any(line.startswith("# HELP") and len(line.split(maxsplit=3)) < 4 for line in lines)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_file_that_cannot_be_written_fails_no_run(
    synced: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so."""
    (synced.folder / "metrics").write_text("in the way")
    _measured(synced)
    assert synced.run("sync", sources=["bill"], full=False).exit_code == 0
    assert "metrics could not be left" in caplog.text


@pytest.fixture
def gateway() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A Pushgateway's address, and what was pushed to it."""
    pushed: list[tuple[str, str, bytes]] = []

    class Taking(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            pushed.append((self.command, self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Taking)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}", pushed
    server.shutdown()
    serving.join()
    server.server_close()


def test_metrics_are_pushed(
    synced: House, gateway: tuple[str, list[tuple[str, str, bytes]]]
) -> None:
    """They replace what the gateway has of this warehouse."""
    url, pushed = gateway
    _measured(synced, PUSHGATEWAY_URL=url, RAPPROCHE_METRICS_FILE=None)
    _sync(synced)
    [(method, path, body)] = pushed
    assert (method, path) == ("PUT", "/metrics/job/rapproche/warehouse/rapproche")
    assert "boond_api_calls_total" in body.decode()


def test_a_gateway_that_is_down_fails_no_run(
    synced: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The file is left all the same."""
    file = _measured(synced, PUSHGATEWAY_URL="http://127.0.0.1:1")
    assert synced.run("sync", sources=["bill"], full=False).exit_code == 0
    assert file.exists()
    assert "metrics could not be left error=URLError" in caplog.text


def test_ids_never_make_endpoints(synced: House) -> None:
    """Whatever a vendor calls its records, an endpoint is one of a few."""

    async def odd(run: Run) -> None:
        assert run.journal
        for id_ in ("x", "clients2", "%2e", "réf", "token", "a b"):
            run.journal.add(_call(f"/boond/api/v3/clients/{id_}"))
            run.journal.add(_call(f"/{id_}/elsewhere"))

    synced.opened(odd)
    with read_published(synced.settings.WAREHOUSE_PATH) as warehouse:
        seen = {row["endpoint"] for row in measures.calls(warehouse) if row["status"] == 299}
    assert seen == {"/clients/{id}", "other"}


def _call(path: str) -> dict[str, object]:
    about: dict[str, object] = {
        "called_at": START,
        "source": "boond",
        "method": "GET",
        "path": path,
    }
    return about | {"status": 299, "duration_ms": 1.0, "attempt": 1, "bytes": 1, "cached": False}


def test_targets_stand_beside_what_is_measured(synced: House) -> None:
    """P95, pool and hit rate, each with whether it is met."""
    for _ in range(3):
        _sync(synced)
    with read_published(synced.settings.WAREHOUSE_PATH) as warehouse:
        rows = measures.targets(warehouse).rows.to_dicts()
    said = {(row["what"], row["source"]): row for row in rows}
    assert said["P95 of calls", "boond"]["target"] == "< 500 ms"
    assert said["P95 of calls", "boond"]["state"] == "met"
    assert said["use of pool", "bill"]["state"] == "met"
    hits = said["hit rate of syncs", ""]
    assert (hits["target"], hits["state"]) == ("> 60 %", "met")
