"""The small file through which the processes of a machine share one rate limit.

Whatever becomes of it (cut short, taken away, not writable, held by a process that stands still),
a run goes on: the file is begun anew, or this process counts alone, and the log says so.
"""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

_NAME = "limits.sqlite"
_BUSY_S = 10.0
_T = TypeVar("_T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    place INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, called_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_time ON calls (source, called_at);
CREATE TABLE IF NOT EXISTS waits (
    source TEXT PRIMARY KEY, told_at REAL NOT NULL, until REAL NOT NULL
);
"""


class LimitFile:
    """An SQLite file of two tables, `calls` and `waits`.

    Args:
        directory: where it lies; None keeps it in memory.
        log: told when the file had to be begun anew.
    """

    def __init__(self, directory: Path | None, log: logging.Logger) -> None:
        self._path = None if directory is None else directory / _NAME
        self._log = log
        self.generation = 0
        self.begun_anew = False
        self._inode = 0
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Closes the file; a later change opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def change(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Does some work in one transaction that no other process is inside of.

        `generation` tells the openings of the file apart; `begun_anew` says that counts were lost.
        """
        try:
            return self._transaction(work)
        except (sqlite3.DatabaseError, OSError) as error:
            self._begin_anew(error)
            return self._transaction(work)

    def _transaction(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            return work(connection)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None or self._inode != _inode(self._path):
            lost = self._connection is not None
            self.close()
            self._connection = self._open()
            self.begun_anew |= lost
        return self._connection

    def _open(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
        connection = sqlite3.connect(
            # A door may be built in one thread and used in another, never in two at once.
            self._path or ":memory:",
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # A count lost with the machine's power is a count that nobody needs any more.
            connection.execute("PRAGMA synchronous = OFF")
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        self.generation += 1
        self._inode = _inode(self._path)
        return connection

    def _begin_anew(self, error: Exception) -> None:
        """Puts the file aside, unless another process has done so; else counts in memory."""
        self._log.warning("the shared rate limit is unusable, begun anew: %s", error)
        ours = self._connection is None or self._inode == _inode(self._path)
        self.close()
        self.begun_anew = True
        try:
            if ours and self._path is not None:
                self._path.unlink(missing_ok=True)
                self._path.with_name(f"{_NAME}-journal").unlink(missing_ok=True)
            self._connection = self._open()
            self._transaction(lambda _: None)
        except (sqlite3.DatabaseError, OSError):
            self._log.warning("the rate limit is counted by this process alone: no shared file")
            self.close()
            self._path = None
            self._connection = self._open()


def _inode(path: Path | None) -> int:
    """The file that stands under a path now; 0 for none."""
    with suppress(OSError):
        return 0 if path is None else path.stat().st_ino
    return 0
