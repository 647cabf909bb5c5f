"""Every error record says what it is about: run, flow, source, stream and subject (P24)."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows import logs
from tests.flows.house import House

pytestmark = pytest.mark.nights
SMALL = {"consultants": 2, "mistakes": False}


class _Errors(logging.Handler):
    """What is logged at ERROR, as JSON objects."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(json.loads(logs._Json().format(record)))


@pytest.fixture
def errors() -> Iterator[list[dict[str, Any]]]:
    """The error records of a test."""
    logger, kept = logging.getLogger("rapproche"), _Errors()
    logger.addHandler(kept)
    yield kept.records
    logger.removeHandler(kept)


def _failing(house: House, method: str, ending: str, status: int) -> None:
    """Makes one call fail, whenever it is made."""

    def intercept(request: httpx.Request) -> httpx.Response | None:
        fails = request.method == method and request.url.path.endswith(ending)
        return httpx.Response(status, text="no") if fails else None

    house.intercept = intercept


def _about(record: dict[str, Any], house: House) -> dict[str, Any]:
    """What a record is about; its run and flow must be those of the last run."""
    [[run_id, flow]] = house.rows(
        "SELECT run_id, flow FROM ops.runs ORDER BY started_at DESC LIMIT 1"
    )
    assert (record["run"], record["flow"]) == (run_id, flow)
    return {key: record.get(key) for key in ("source", "stream", "subject")}


STREAMS = [
    ("/suppliers", 500, "boond", "suppliers"),
    ("/crm/activities", 403, "boond", "cras"),
    ("/v3/vendors", 404, "bill", "vendors"),
]


@pytest.mark.parametrize(("path", "status", "source", "stream"), STREAMS)
def test_p24_a_stream_that_fails_is_named(
    tmp_path: Path, errors: list[Any], path: str, status: int, source: str, stream: str
) -> None:
    """With run, flow, source and stream, whichever class the failure is of."""
    house = House(tmp_path / "house", vendors=SMALL)
    _failing(house, "GET", path, status)
    assert house.run("sync", sources=["boond", "bill"], full=False).exit_code == 3
    assert [_about(record, house) for record in errors] == [
        {"source": source, "stream": stream, "subject": None}
    ]


def test_p24_a_refused_login_names_its_source(tmp_path: Path, errors: list[dict[str, Any]]) -> None:
    """There is no stream yet."""
    house = House(tmp_path / "house", vendors=SMALL, BILL_COM_PASSWORD="wrong")
    assert house.run("sync", sources=["bill"], full=False).exit_code == 3
    assert [_about(record, house) for record in errors] == [
        {"source": "bill", "stream": None, "subject": None}
    ]


def test_p24_a_command_that_stops_the_drain_is_named(
    tmp_path: Path, errors: list[dict[str, Any]]
) -> None:
    """The subject is the command; its row in the outbox names the run and what was said."""
    house = House(tmp_path / "house", vendors=SMALL)
    _failing(house, "POST", "/invoicing/invoices", 401)
    assert house.nightly(apply=True).exit_code == 3
    told = [_about(record, house) for record in errors]
    waiting = house.rows(
        "SELECT command_id FROM ops.outbox o JOIN ops.runs r USING (run_id)"
        " WHERE last_error LIKE 'boond: POST /invoicing/invoices: unauthorized:%'"
    )
    assert waiting
    assert {record["source"] for record in told} == {"boond"}
    assert {record["subject"] for record in told} <= {command for (command,) in waiting}
    assert None not in {record["subject"] for record in told}


def test_p24_a_record_in_quarantine_names_all_of_it(tmp_path: Path) -> None:
    """Run, source, stream and the record; the run's flow stands in ops.runs."""
    house = House(tmp_path / "house", vendors=SMALL)
    house.sandbox.set_faults("broken-rows")
    house.run("sync", sources=["boond", "bill"], full=False)
    kept = house.rows(
        "SELECT r.flow, q.source, q.stream, q.id FROM ops.quarantine q"
        " JOIN ops.runs r USING (run_id)"
    )
    assert len(kept) == house.one("SELECT count(*) FROM ops.quarantine") > 0
    assert all(None not in row for row in kept)
