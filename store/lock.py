"""One run at a time: the lock that a run holds while it works on the warehouse.

The operating system frees the lock when its process dies, however it dies, so a stale lock file
blocks nobody.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from store.warehouse import StoreError

log = logging.getLogger("rapproche.store")


class LockedError(Exception):
    """Another run holds the lock; the message names it."""


@contextmanager
def run_lock(path: Path, run_id: str, command: str, *, wait_seconds: float) -> Iterator[None]:
    """Holds the lock at `path` while the block runs.

    Args:
        path: lock file; who holds it is written beside it.
        run_id: the run that takes the lock.
        command: what the run does, for those who wait.
        wait_seconds: how long to wait for another run (`RAPPROCHE_RUN_LOCK_WAIT`).

    Raises:
        LockedError: another run held the lock for all that time.
        StoreError: the folder cannot be written.
    """
    lock = FileLock(path, mode=0o600)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, path, wait_seconds)
    except Timeout as error:
        raise LockedError(
            f"{holder(path)} holds the lock; waited {wait_seconds:g} s; try again when it has ended"
        ) from error
    except OSError as error:
        raise StoreError(
            f"{path.parent} cannot be written ({error.strerror}); make it writable or set"
            " WAREHOUSE_PATH"
        ) from error
    try:
        _holder_file(path).write_text(
            json.dumps({"run_id": run_id, "command": command, "pid": os.getpid()})
        )
        yield
    finally:
        _holder_file(path).unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, path: Path, wait_seconds: float) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waits up to seconds=%g for %s", wait_seconds, holder(path))
        lock.acquire(timeout=wait_seconds)


def holder(path: Path) -> str:
    """The run that holds the lock, in words."""
    try:
        said = json.loads(_holder_file(path).read_text())
    except (OSError, ValueError):
        return "another run"
    return f"run {said['run_id']} ({said['command']}, process {said['pid']})"


def _holder_file(path: Path) -> Path:
    return path.with_suffix(".holder.json")
