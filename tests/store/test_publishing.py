"""Publishing, and files that people and crashes leave about (warehouse.md)."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


def test_a_lost_published_file_is_made_from_the_working_one(warehouse: Warehouse) -> None:
    """No night is needed where only the copy is missing."""
    places = warehouse.places
    with pytest.raises(StoreError, match="run `rapproche publish`"):
        read_published(places.published)
    with pytest.raises(StoreError, match="run `rapproche nightly` first"):
        read_published(places.published.with_name("elsewhere.duckdb"))


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
        broken.setattr("store.files.shutil.copyfile", crash)
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


@contextmanager
def _room(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _said(published: Path) -> str:
    with pytest.raises(StoreError) as refused:
        Warehouse.open(published)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_no_room_to_publish_leaves_the_last_file_and_nothing_else(published: Path) -> None:
    """One line that says to make room; no half copy stays, and the next publishing heals."""
    with Warehouse.open(published) as warehouse:
        publish(warehouse)
        _write(warehouse, "later")
        warehouse.execute("CHECKPOINT warehouse")
    before = {path.name for path in published.parent.iterdir()}
    with (
        pytest.raises(StoreError, match=r"no room in .*File too large.*make room"),
        Warehouse.open(published) as warehouse,
        _room(100_000),
    ):
        publish(warehouse)
    assert {path.name for path in published.parent.iterdir()} == before
    assert "later" not in _names(published)
    with Warehouse.open(published) as warehouse:
        publish(warehouse)
    assert "later" in _names(published)


def test_no_room_to_store_keeps_what_was_stored(published: Path) -> None:
    """What failed for want of room is gone whole, what was committed before is there."""
    many = "INSERT INTO ops.migrations SELECT hash(i) || 'x' FROM range(30000) r(i)"

    def store() -> None:
        with Warehouse.open(published) as warehouse:
            _write(warehouse, "before")
            with _room(20_000), warehouse.transaction():
                warehouse.execute(many)

    with pytest.raises(StoreError, match="no room"):
        store()
    with Warehouse.open(published) as warehouse:
        names = {row[0] for row in warehouse.rows("FROM ops.migrations")}
    assert "before" in names
    assert not [name for name in names if name.endswith("x")]


def test_no_room_inside_many_errors_is_found(published: Path) -> None:
    """Where tasks fail together, the one that lies at the disk is what is said."""
    full = OSError(28, "No space left on device")
    with pytest.raises(StoreError, match="No space left"), Warehouse.open(published):
        raise ExceptionGroup("tasks", [ValueError(), ExceptionGroup("more", [full])])


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_folder_that_became_read_only_is_said(published: Path, code: int) -> None:
    """The line names the folder and the setting that moves it."""
    with (
        pytest.raises(StoreError, match=r"data cannot be written .* set WAREHOUSE_PATH"),
        Warehouse.open(published),
    ):
        raise OSError(code, os.strerror(code))


def test_what_is_no_fault_of_the_disk_stays_itself(published: Path) -> None:
    """A defect inside a run leaves as what it is."""
    with pytest.raises(FileNotFoundError), Warehouse.open(published):
        raise FileNotFoundError
    with pytest.raises(duckdb.CatalogException), Warehouse.open(published) as warehouse:
        warehouse.execute("FROM no_such_table")


@pytest.mark.parametrize("left", [0, 100, 12_288, 200_000])
def test_a_damaged_working_file_is_refused_by_name(published: Path, left: int) -> None:
    """A file cut short is named with what to do, and stays as it is."""
    working = Places(published).working
    with Warehouse.open(published) as warehouse:
        publish(warehouse)
    os.truncate(working, left)
    said = _said(published)
    assert f"{working} is damaged" in said
    assert "move it and its .wal aside" in said
    assert working.stat().st_size == left


def test_garbage_in_the_working_file_is_refused(published: Path) -> None:
    """A working file that is none is not made anew: the outbox would be forgotten."""
    working = Places(published).working
    working.write_bytes(b"x" * 50_000)
    assert f"{working} is damaged" in _said(published)
    assert working.read_bytes() == b"x" * 50_000


def test_damage_that_only_reading_shows_is_said(published: Path) -> None:
    """A block that is not what was written ends the run with the file's name."""
    working = Places(published).working
    held = bytearray(working.read_bytes())
    held[3 * 4096 :: 64] = bytes(b ^ 255 for b in held[3 * 4096 :: 64])
    working.write_bytes(held)
    assert f"{working} is damaged" in _said(published)


def test_a_log_of_another_file_is_refused(published: Path) -> None:
    """The .wal of a lost working file that went on after publishing is not dropped silently."""
    places = Places(published)
    log = places.working.with_name(f"{places.working.name}.wal")
    with Warehouse.open(published) as warehouse:
        publish(warehouse)
        warehouse.execute("CHECKPOINT warehouse")
        _write(warehouse, "later")
        warehouse.execute("CHECKPOINT warehouse")
        _write(warehouse, "latest")
        kept = log.read_bytes()
    places.working.unlink()
    log.write_bytes(kept)
    assert "its .wal aside" in _said(published)


def test_the_log_of_a_lost_working_file_is_taken_over_where_it_fits(published: Path) -> None:
    """What was committed since the last publishing is there again."""
    places = Places(published)
    log = places.working.with_name(f"{places.working.name}.wal")
    with Warehouse.open(published) as warehouse:
        publish(warehouse)
        _write(warehouse, "committed")
        kept = log.read_bytes()
    places.working.unlink()
    log.write_bytes(kept)
    with Warehouse.open(published) as warehouse:
        assert ("committed",) in warehouse.rows("FROM ops.migrations")


def test_a_working_file_is_made_whole_or_not_at_all(published: Path) -> None:
    """What a kill left of making it is no working file; the next run makes it."""
    places = Places(published)
    with Warehouse.open(published) as warehouse:
        publish(warehouse)
    places.working.unlink()
    half = places.working.with_suffix(".next.duckdb")
    half.write_bytes(b"half")
    half.chmod(0o400)
    with Warehouse.open(published) as warehouse:
        assert warehouse.rows("SELECT count(*) FROM ops.runs") == [(0,)]
    assert not half.exists()


def test_a_copy_that_a_kill_left_unwritable_is_replaced(warehouse: Warehouse) -> None:
    """The copy is a new file each time: one of mode 0440 could not be written to."""
    left = warehouse.places.published.with_suffix(".next.duckdb")
    left.touch(mode=0o440)
    kept = left.stat().st_ino
    with left.open("rb"):
        assert publish(warehouse).stat().st_ino != kept
    assert not left.exists()


def test_a_copy_is_never_readable_by_others(published: Path) -> None:
    """Working and published file are private from their first byte, whatever the mask."""
    seen: set[int] = set()
    mask = os.umask(0)
    real = os.fsync

    def look(descriptor: int) -> None:
        seen.update(_mode(path) & 0o007 for path in published.parent.iterdir())
        real(descriptor)

    try:
        with pytest.MonkeyPatch.context() as patch, Warehouse.open(published) as warehouse:
            patch.setattr("store.files.os.fsync", look)
            publish(warehouse)
    finally:
        os.umask(mask)
    assert seen == {0}


def test_a_group_that_is_not_there_is_named(warehouse: Warehouse) -> None:
    """An unknown WAREHOUSE_GROUP is one line with the setting's name; nothing is published."""
    with pytest.raises(StoreError, match="WAREHOUSE_GROUP: nobody-has-this"):
        publish(warehouse, group="nobody-has-this")
    assert [path.name for path in warehouse.places.directory.iterdir() if "next" in path.name] == []


def test_a_log_that_does_not_fit_is_named_to_readers(published: Path) -> None:
    """Readers are told which file somebody left beside the published one."""
    with Warehouse.open(published) as warehouse:
        publish(warehouse)
        warehouse.execute("CHECKPOINT warehouse")
        _write(warehouse, "later")
        log = Places(published).working.with_name(f"{Places(published).working.name}.wal")
        kept = log.read_bytes()
        warehouse.execute("CHECKPOINT warehouse")
        publish(warehouse)
    left = published.with_name(f"{published.name}.wal")
    left.write_bytes(kept)
    with pytest.raises(StoreError, match=rf"remove .*{left.name}, which somebody left"):
        read_published(published)


@pytest.mark.processes
def test_somebody_who_writes_the_published_file_is_named(published: Path) -> None:
    """A person who opened it for writing blocks readers until they close it, and no run."""
    with Warehouse.open(published) as warehouse:
        publish(warehouse)
        hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open'); input()"
        with subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-uc", hold, published],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as person:  # fmt: skip
            assert person.stdout is not None
            if person.stdout.readline() == "open\n":  # only root writes a file of mode 0440
                with pytest.raises(StoreError, match="open it with `-readonly`"):
                    read_published(published)
                _write(warehouse, "later")
                publish(warehouse)
                assert "later" in _names(published)
            person.communicate("\n")
    assert not published.with_name(f"{published.name}.wal").exists()
