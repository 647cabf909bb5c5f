"""One run at a time (write-back.md: two runs at once)."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.lock import LockedError, holder, run_lock, waited_lock
from store.warehouse import StoreError

HOLD = """
import sys, time
from pathlib import Path
from store.lock import run_lock
with run_lock(Path(sys.argv[1]), "r1", "nightly"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_told_which_one_holds_the_lock(tmp_path: Path) -> None:
    """Who finds the lock taken learns run, command and process of the one that holds it."""
    path = tmp_path / "r.lock"
    with (
        run_lock(path, "r1", "nightly"),
        pytest.raises(LockedError, match=rf"run r1 \(nightly, process {os.getpid()}\)"),
        run_lock(path, "r2", "sync"),
    ):
        pass


async def test_who_waits_in_vain_is_told_how_long(tmp_path: Path) -> None:
    """After the wait the message names the run that holds the lock, and the seconds."""
    path = tmp_path / "r.lock"
    with (
        run_lock(path, "r1", "nightly"),
        pytest.raises(LockedError, match=r"run r1 .* waited 0\.3 s"),
    ):
        await waited_lock(path, "r2", "sync", wait_seconds=0.3)


async def test_who_waits_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    """The second run goes on as soon as the first has ended, and is named then."""
    path = tmp_path / "r.lock"
    with run_lock(path, "r1", "nightly"):
        second = asyncio.create_task(waited_lock(path, "r2", "sync", wait_seconds=60))
        await asyncio.sleep(0.01)
        assert not second.done()
    with await second:
        assert "r2" in holder(path)
    assert holder(path) == "another run"


async def test_who_waits_can_be_interrupted(tmp_path: Path) -> None:
    """A waiting run that is cancelled ends at once, and the lock stays with the other."""
    path = tmp_path / "r.lock"
    with run_lock(path, "r1", "nightly"):
        second = asyncio.create_task(waited_lock(path, "r2", "sync", wait_seconds=600))
        await asyncio.sleep(0.01)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert "r1" in holder(path)


def test_the_lock_is_free_again_after_the_run(tmp_path: Path) -> None:
    """A run that failed frees the lock and leaves no name behind."""
    path = tmp_path / "r.lock"
    with pytest.raises(ZeroDivisionError), run_lock(path, "r1", "nightly"):
        _ = 1 / 0
    assert holder(path) == "another run"
    with run_lock(path, "r2", "sync"):
        assert "r2" in holder(path)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    """The lock of a process that was killed blocks nobody, and its name is not believed."""
    path = tmp_path / "r.lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.kill()
    assert "r1" in path.with_suffix(".holder.json").read_text()
    with run_lock(path, "r2", "sync"):
        assert "r2" in holder(path)


@pytest.mark.parametrize(
    "left", [b"", b"{", b"[]", b"{}", b"7", b"\xff\xfe", b'{"run_id": "r0", "pid": 1}']
)
def test_what_stands_in_the_holder_file_harms_nobody(tmp_path: Path, left: bytes) -> None:
    """Garbage where the holder is named stops neither who waits nor who takes the lock."""
    path = tmp_path / "r.lock"
    path.with_suffix(".holder.json").write_bytes(left)
    assert holder(path) == "another run"
    with run_lock(path, "r2", "sync"):
        path.with_suffix(".holder.json").write_bytes(left)
        with pytest.raises(LockedError, match="another run holds the lock"), run_lock(path, "", ""):
            pass


def test_lock_and_holder_are_private_whatever_the_mask(tmp_path: Path) -> None:
    """0600 even where the process lets everybody read what it makes."""
    mask = os.umask(0)
    try:
        with run_lock(tmp_path / "r.lock", "r1", "nightly"):
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(mask)
    assert modes == {"r.lock": 0o600, "r.holder.json": 0o600}


def test_a_place_that_cannot_be_is_said(tmp_path: Path) -> None:
    """A lock below a file is refused in one line that names the place."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(StoreError, match="file cannot be written"),
        run_lock(tmp_path / "file" / "r.lock", "r1", "sync"),
    ):
        pass
