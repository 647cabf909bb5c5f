"""Runs and their calls are recorded whole, also those of runs that were killed."""

import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import runs
from store.journal import Journal, take_over
from store.warehouse import Places, Warehouse

START = datetime(2026, 11, 3, 3, tzinfo=UTC)


def _call(nth: int, **other: Any) -> dict[str, Any]:
    about = {"source": "boond", "method": "GET", "path": "/clients", "status": 200, "bytes": 10}
    timing = {"duration_ms": 20.0, "attempt": 1, "cached": False}
    return about | timing | {"called_at": START + timedelta(seconds=nth)} | other


def _begin(warehouse: Warehouse, run_id: str, hours: int = 0) -> Journal:
    runs.begin(warehouse, run_id, "sync", {}, START + timedelta(hours=hours))
    return Journal(warehouse.places.journal, run_id, "me")


def _run(warehouse: Warehouse, run_id: str) -> dict[str, Any]:
    return warehouse.frame("SELECT * FROM ops.runs WHERE run_id = ?", [run_id]).to_dicts()[0]


def _calls(warehouse: Warehouse, run_id: str = "dead") -> int:
    told = "SELECT count(*) FROM ops.api_calls WHERE run_id = ?"
    return int(warehouse.rows(told, [run_id])[0][0])


@pytest.fixture
def killed(published: Path, tmp_path: Path) -> Iterator[Any]:
    """Does something in a run `dead`, and opens what a kill would have left of its folder."""
    opened: list[Warehouse] = []

    def kill(work: Any) -> Warehouse:
        with Warehouse.open(published) as warehouse:
            work(warehouse, _begin(warehouse, "dead"))
            shutil.copytree(published.parent, tmp_path / "after")
        opened.append(Warehouse.open(tmp_path / "after" / published.name))
        return opened[0]

    yield kill
    for warehouse in opened:
        warehouse.connection.close()


def test_calls_of_a_killed_run_are_in_the_audit(killed: Any) -> None:
    """Those that no commit had, too; and the run's counts are theirs."""

    def work(warehouse: Warehouse, journal: Journal) -> None:
        journal.add(_call(1))
        journal.settle(warehouse)
        journal.add(_call(2, status=429))
        journal.add(_call(3, attempt=2, status=None, bytes=None))
        journal.add(_call(4, cached=True, status=None))

    warehouse = killed(work)
    _begin(warehouse, "next", hours=1)
    assert _calls(warehouse) == 4
    run = _run(warehouse, "dead")
    assert (run["state"], run["requests"], run["retries"]) == ("crashed", 3, 1)
    assert run["rate_limited"] == 1
    assert run["ended_at"] == START + timedelta(seconds=4, milliseconds=20)


def test_rows_of_a_killed_run_are_those_of_its_last_commit(killed: Any) -> None:
    """A count that was rolled back is none."""

    def work(warehouse: Warehouse, _: Journal) -> None:
        with warehouse.transaction():
            runs.count(warehouse, "dead", rows_read=5, rows_changed=2, quarantined=1)
        with suppress(ZeroDivisionError), warehouse.transaction():
            runs.count(warehouse, "dead", rows_read=70)
            raise ZeroDivisionError

    warehouse = killed(work)
    _begin(warehouse, "next", hours=1)
    run = _run(warehouse, "dead")
    assert (run["rows_read"], run["rows_changed"], run["quarantined"]) == (5, 2, 1)


def test_a_run_of_which_nothing_is_known_ended_as_it_began(killed: Any) -> None:
    """Not when the next one found it."""
    warehouse = killed(lambda *_: None)
    _begin(warehouse, "next", hours=9)
    assert _run(warehouse, "dead")["ended_at"] == START


def test_a_kill_between_moving_and_emptying_brings_no_call_twice(killed: Any) -> None:
    """The rows that stand say how many calls of the journal do."""

    def work(warehouse: Warehouse, journal: Journal) -> None:
        journal.add(_call(1))
        journal.add(_call(2))
        left = warehouse.places.journal.read_bytes()
        journal.settle(warehouse)
        warehouse.places.journal.write_bytes(left)

    warehouse = killed(work)
    _begin(warehouse, "next")
    assert _calls(warehouse) == 2


def test_a_kill_while_taking_over_loses_and_doubles_nothing(killed: Any) -> None:
    """Whoever takes over again finds the same."""

    def work(_: Warehouse, journal: Journal) -> None:
        journal.add(_call(1))

    warehouse = killed(work)
    left = warehouse.places.journal.read_bytes()
    for _ in range(3):
        warehouse.places.journal.write_bytes(left)
        take_over(warehouse)
    assert _calls(warehouse) == 1


def test_a_line_that_a_kill_cut_short_is_no_call(killed: Any) -> None:
    """The others are taken over."""

    def work(warehouse: Warehouse, journal: Journal) -> None:
        journal.add(_call(1))
        with warehouse.places.journal.open("ab") as file:
            file.write(b'{"n": 1, "run_id": "dead", "called_at": "2026-')

    warehouse = killed(work)
    _begin(warehouse, "next")
    assert _calls(warehouse) == 1


@pytest.mark.parametrize("line", ["[]", "7", '{"n": 0}', "\0\0", '{"n": 9, "status": "x"}'])
def test_a_line_that_is_none_of_ours_stops_no_run(warehouse: Warehouse, line: str) -> None:
    """A power cut or a hand may leave anything: the calls beside it are kept."""
    journal = _begin(warehouse, "dead")
    journal.add(_call(1))
    file = warehouse.places.journal
    whole = json.loads(file.read_text())
    odd = json.dumps(whole | json.loads(line)) if line[:1] == "{" and "status" in line else line
    file.write_text(f"{odd}\n{file.read_text()}")
    runs.begin(warehouse, "next", "sync", {}, START)
    assert _calls(warehouse) == 1
    assert not file.exists()


def test_the_journal_is_private_and_gone_after_a_whole_run(warehouse: Warehouse) -> None:
    """Nothing but the owner reads it, and nothing is left to take over."""
    journal = _begin(warehouse, "whole")
    journal.add(_call(1))
    file = warehouse.places.journal
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["path"] == "/clients"
    journal.settle(warehouse)
    assert file.read_text() == ""
    journal.close()
    assert not file.exists()


def test_a_journal_that_cannot_be_written_stops_no_call(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is kept in memory, and the file keeps whole lines alone."""
    journal = _begin(warehouse, "full")
    journal.add(_call(1))
    before = warehouse.places.journal.read_bytes()
    monkeypatch.setattr("store.journal.os.write", lambda *_: 3)
    journal.add(_call(2))
    monkeypatch.undo()
    journal.add(_call(3))
    assert warehouse.places.journal.read_bytes() == before
    journal.settle(warehouse)
    assert _calls(warehouse, "full") == 3


@pytest.mark.properties
@given(steps=st.lists(st.sampled_from(["call", "settle", "half"]), max_size=12))
def test_p22_every_call_of_a_killed_run_is_recorded_once(
    shared: Warehouse, steps: list[str]
) -> None:
    """Whenever it is killed: in a call, between calls, or between moving and emptying."""
    journal = Journal(shared.places.journal, "dead", "me")
    told, left = 0, b""
    for step in steps:
        left = shared.places.journal.read_bytes()
        if step == "call":
            told += 1
            journal.add(_call(told))
        else:
            journal.settle(shared)
    if steps and steps[-1] == "half":
        shared.places.journal.write_bytes(left)
    os.close(journal._file)
    take_over(shared)
    rows = shared.rows("SELECT called_at FROM ops.api_calls ORDER BY called_at")
    shared.execute("DELETE FROM ops.api_calls")
    assert [row[0] for row in rows] == [_call(n + 1)["called_at"] for n in range(told)]


@pytest.fixture(scope="module")
def shared(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One warehouse for all examples."""
    path = tmp_path_factory.mktemp("runs") / "r.duckdb"
    shutil.copyfile(empty_file, Places(path).working)
    with Warehouse.open(path) as warehouse:
        yield warehouse
