"""One run at a time: the lock that a run holds while it works on the warehouse.

The operating system frees the lock when its process dies, however it dies, so a stale lock file
blocks nobody.
"""

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from store.files import PRIVATE, StoreError, advice, write_private

log = logging.getLogger("rapproche.store")

ASK_AGAIN = 0.2
"""Seconds between two tries of a run that waits."""


class LockedError(Exception):
    """Another run holds the lock; the message names it."""


@contextmanager
def run_lock(path: Path, run_id: str, command: str) -> Iterator[None]:
    """Holds the lock at `path` while the block runs, if nobody else does.

    Args:
        path: lock file; who holds it is written beside it.
        run_id: the run that takes the lock.
        command: what the run does, for those who wait.

    Raises:
        LockedError: another run holds it.
        StoreError: the folder cannot be written.
    """
    # A soft lock, which filelock falls back to, would outlive a process that is killed.
    lock = FileLock(path, mode=PRIVATE, fallback_to_soft=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LockedError(f"{holder(path)} holds the lock") from error
    except OSError as error:
        raise StoreError(advice(path, error)) from error
    try:
        _say_holder(path, {"run_id": run_id, "command": command, "pid": os.getpid()})
        yield
    finally:
        _holder_file(path).unlink(missing_ok=True)
        lock.release()


async def waited_lock(path: Path, run_id: str, command: str, *, wait_seconds: float) -> ExitStack:
    """The run lock, held until what is returned is closed; who waits for it can be interrupted.

    Args:
        path: lock file, as of `run_lock`.
        run_id: the run that takes the lock.
        command: what the run does.
        wait_seconds: how long to wait for another run (`RAPPROCHE_RUN_LOCK_WAIT`).

    Raises:
        LockedError: another run held the lock for all that time.
        StoreError: the folder cannot be written.
    """
    held, left = ExitStack(), wait_seconds
    while True:
        try:
            held.enter_context(run_lock(path, run_id, command))
        except LockedError as error:
            if left <= 0:
                raise LockedError(
                    f"{error}; waited {wait_seconds:g} s; try again when it has ended"
                ) from error
            if left == wait_seconds:
                log.info("waits up to seconds=%g: %s", wait_seconds, error)
            await asyncio.sleep(min(ASK_AGAIN, left))
            left -= ASK_AGAIN
        else:
            return held


def holder(path: Path) -> str:
    """The run that holds the lock, in words."""
    try:
        said = json.loads(_holder_file(path).read_text(encoding="utf-8"))
        return f"run {said['run_id']} ({said['command']}, process {said['pid']})"
    except (OSError, ValueError, TypeError, KeyError):
        return "another run"


def _say_holder(path: Path, said: dict[str, object]) -> None:
    try:
        write_private(_holder_file(path), json.dumps(said))
    except OSError as error:
        raise StoreError(advice(path, error)) from error


def _holder_file(path: Path) -> Path:
    return path.with_suffix(".holder.json")
