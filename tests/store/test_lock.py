"""One run at a time (write-back.md: two runs at once)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.lock import LockedError, holder, run_lock

HOLD = """
import sys, time
from pathlib import Path
from store.lock import run_lock
with run_lock(Path(sys.argv[1]), "r1", "nightly", wait_seconds=0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_told_which_one_holds_the_lock(tmp_path: Path) -> None:
    """Who waits in vain learns run, command and process of the one that holds the lock."""
    path = tmp_path / "r.lock"
    with (
        run_lock(path, "r1", "nightly", wait_seconds=0),
        pytest.raises(LockedError, match=rf"run r1 \(nightly, process {os.getpid()}\)"),
        run_lock(path, "r2", "sync", wait_seconds=0.05),
    ):
        pass


def test_the_lock_is_free_again_after_the_run(tmp_path: Path) -> None:
    """A run that failed frees the lock and leaves no name behind."""
    path = tmp_path / "r.lock"
    with pytest.raises(ZeroDivisionError), run_lock(path, "r1", "nightly", wait_seconds=0):
        _ = 1 / 0
    assert holder(path) == "another run"
    with run_lock(path, "r2", "sync", wait_seconds=0):
        assert "r2" in holder(path)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    """The lock of a process that was killed blocks nobody."""
    path = tmp_path / "r.lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.kill()
    with run_lock(path, "r2", "sync", wait_seconds=5):
        assert "r2" in holder(path)
