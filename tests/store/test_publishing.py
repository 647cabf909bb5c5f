"""Publishing, and files that people and crashes leave about (warehouse.md)."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from store.publishing import publish, read_published
from store.warehouse import Places, StoreError, Warehouse

CLI = Path(sys.executable).with_name("duckdb")


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _write(warehouse: Warehouse, name: str) -> None:
    warehouse.execute("INSERT INTO ops.migrations VALUES (?)", [name])


def _names(published: Path) -> set[str]:
    with read_published(published) as warehouse:
        return {row[0] for row in warehouse.rows("FROM ops.migrations")}


def test_the_command_line_reads_what_is_published(warehouse: Warehouse) -> None:
    """Today's DuckDB command line opens the file read-only and reads a view of it."""
    warehouse.execute(
        "INSERT INTO recon.breaks (break_id, kind, code, subject_id, period, owner,"
        " amount_at_stake, currency, status, first_seen_at, last_seen_at, times_seen)"
        " VALUES ('b1', 'cra', 'X', 's', '2026-10', 'finance', 12.5, 'EUR', 'open', now(), now(),"
        " 1)"
    )
    published = publish(warehouse)
    query = (
        "SELECT break_id, amount_at_stake FROM recon.v_open_breaks"
        " UNION ALL SELECT outcome, amount FROM recon.v_month_summary"
    )
    said = subprocess.run(  # noqa: S603 - the command line that people use
        [CLI, "-readonly", "-csv", published, query], capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == ["break_id,amount_at_stake", "b1,12.5000"]


def test_only_the_published_file_is_for_others(warehouse: Warehouse) -> None:
    """The published file is 0440; every other file that holds data is 0600."""
    published = publish(warehouse)
    modes = {path.name: _mode(path) for path in published.parent.iterdir() if path.is_file()}
    assert modes.pop(published.name) == 0o440
    assert set(modes.values()) == {0o600}


def test_a_log_that_somebody_left_is_removed(warehouse: Warehouse) -> None:
    """A .wal beside the published file does not outlive the next publishing."""
    published = publish(warehouse)
    left = published.with_name(f"{published.name}.wal")
    left.write_bytes(b"of another file")
    _write(warehouse, "later")
    publish(warehouse)
    assert not left.exists()
    assert "later" in _names(published)


def test_publishing_does_not_wait_for_readers(warehouse: Warehouse) -> None:
    """A reader keeps the file that it opened; the next one sees the new one."""
    published = publish(warehouse)
    with read_published(published) as reader:
        _write(warehouse, "later")
        publish(warehouse)
        assert ("later",) not in reader.rows("FROM ops.migrations")
    assert "later" in _names(published)


def test_readers_cannot_write(warehouse: Warehouse) -> None:
    """The published file is opened read-only."""
    with (
        read_published(publish(warehouse)) as reader,
        pytest.raises(duckdb.InvalidInputException, match="read-only"),
    ):
        reader.execute("DELETE FROM ops.migrations")


def test_a_lost_working_file_is_taken_from_the_published_one(published: Path) -> None:
    """Without its working file a run goes on from what was published last."""
    with Warehouse.open(published) as warehouse:
        _write(warehouse, "kept")
        publish(warehouse)
    Places(published).working.unlink()
    with Warehouse.open(published) as warehouse:
        assert ("kept",) in warehouse.rows("FROM ops.migrations")
        _write(warehouse, "and written on")
    assert _mode(Places(published).working) == 0o600


def test_a_crash_while_publishing_leaves_the_last_file_whole(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a crash leaves half copied is no published file."""
    published = publish(warehouse)
    _write(warehouse, "later")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("store.publishing.shutil.copyfile", crash)
        with pytest.raises(KeyboardInterrupt):
            publish(warehouse)
    assert "later" not in _names(published)
    publish(warehouse)
    assert "later" in _names(published)


def test_nothing_published_yet_is_said_with_what_to_do(tmp_path: Path) -> None:
    """Reading before the first run names the command to run."""
    with pytest.raises(StoreError, match="run `rapproche nightly` first"):
        read_published(tmp_path / "r.duckdb")


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    """A warehouse below a file is refused in one line that names the place."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/r\.work\.duckdb|file cannot be written"):
        Warehouse.open(tmp_path / "file" / "r.duckdb")


def test_what_fails_in_a_transaction_leaves_nothing(warehouse: Warehouse) -> None:
    """After a failed statement nothing of its transaction is kept, and the error is the first."""

    def half() -> None:
        with warehouse.transaction():
            _write(warehouse, "half")
            warehouse.execute("INSERT INTO no_such_table VALUES (1)")

    with pytest.raises(duckdb.Error, match="no_such_table"):
        half()
    assert ("half",) not in warehouse.rows("FROM ops.migrations")


def test_a_refused_frame_is_said_as_what_refused_it(warehouse: Warehouse) -> None:
    """A broken key inside a transaction names the key, not the aborted transaction."""
    names = warehouse.table("ops.migrations")
    with pytest.raises(duckdb.ConstraintException, match="Duplicate key"), warehouse.transaction():
        warehouse.insert("ops.migrations", names)
    warehouse.upsert("ops.migrations", names)
    assert warehouse.table("ops.migrations").height == names.height
