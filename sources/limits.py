"""How fast a vendor may be called, and when it is not called at all.

The rate limit is shared by every task and process of the machine through one small SQLite file:
a row a call, exact sliding windows, and one instant a vendor before which nothing is sent
(boond.md, "Limits and errors"; properties.md P08). The breaker belongs to one process.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

# The vendor's clock and ours agree on a window to a millisecond at best.
_GUARD_S = 0.001
_MINUTE_S = 60.0
_BUSY_S = 10.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (source TEXT NOT NULL, called_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_by_time ON calls (source, called_at);
CREATE TABLE IF NOT EXISTS blocks (source TEXT PRIMARY KEY, until REAL NOT NULL);
"""


class Limiter:
    """The calls to one vendor, counted over any 60 s and any 1 s.

    Args:
        source: the vendor.
        per_minute: calls allowed in any 60 s.
        per_second: calls allowed in any 1 s.
        now: the machine's clock; it must go on while `asyncio.sleep` waits.
        state_dir: directory of the shared file; None counts for this process alone.
    """

    def __init__(
        self,
        source: str,
        per_minute: int,
        per_second: int,
        *,
        now: Callable[[], datetime],
        state_dir: Path | None = None,
    ) -> None:
        self._source = source
        self._windows = ((_MINUTE_S, per_minute), (1.0, per_second))
        self._now = now
        self._turn = asyncio.Lock()
        self._connection = _open(state_dir)

    def close(self) -> None:
        """Closes the shared file."""
        self._connection.close()

    async def acquire(self, patience: float) -> tuple[int | None, float]:
        """Waits for a place in both windows and past any block.

        Args:
            patience: seconds, over 60, that a block may last at most for us to wait it out.

        Returns:
            The number of the place for `settle` and 0, or None and the seconds that the block
            still lasts.
        """
        async with self._turn:
            while True:
                place, wait = self._try()
                if place is not None or wait > patience:
                    return place, wait
                await asyncio.sleep(wait)

    def settle(self, place: int) -> None:
        """Counts a call from its answer on: the vendor saw it at some moment before."""
        with self._connection:
            self._connection.execute(
                "UPDATE calls SET called_at = ? WHERE rowid = ?", (self._at(), place)
            )

    def block(self, seconds: float) -> None:
        """Sends nothing to the vendor for so many seconds, from any task or process."""
        with self._connection:
            self._connection.execute(
                "INSERT INTO blocks VALUES (?, ?) "
                "ON CONFLICT (source) DO UPDATE SET until = max(until, excluded.until)",
                (self._source, self._at() + seconds),
            )

    def _at(self) -> float:
        return self._now().timestamp()

    def _try(self) -> tuple[int | None, float]:
        """One look: a place and 0, or None and the seconds until the next look is worth it."""
        at = self._at()
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            self._forget(at)
            wait = max(self._blocked(at), *(self._full(at, *window) for window in self._windows))
            return (None, wait) if wait > 0 else (self._take(at), 0.0)

    def _forget(self, at: float) -> None:
        # Rows of the future come from a clock that was set back; they would block for ever.
        self._connection.execute(
            "DELETE FROM calls WHERE source = ? AND (called_at < ? OR called_at > ?)",
            (self._source, at - 2 * _MINUTE_S, at + _MINUTE_S),
        )

    def _blocked(self, at: float) -> float:
        row = self._connection.execute(
            "SELECT until FROM blocks WHERE source = ?", (self._source,)
        ).fetchone()
        return 0.0 if row is None else max(0.0, row[0] - at)

    def _full(self, at: float, seconds: float, allowed: int) -> float:
        """Seconds until the window has a place: when its `allowed`-th newest call leaves it."""
        row = self._connection.execute(
            "SELECT called_at FROM calls WHERE source = ? AND called_at > ? "
            "ORDER BY called_at DESC LIMIT 1 OFFSET ?",
            (self._source, at - seconds - _GUARD_S, allowed - 1),
        ).fetchone()
        return 0.0 if row is None else max(_GUARD_S, row[0] + seconds + _GUARD_S - at)

    def _take(self, at: float) -> int:
        cursor = self._connection.execute("INSERT INTO calls VALUES (?, ?)", (self._source, at))
        return cursor.lastrowid or 0


def _open(state_dir: Path | None) -> sqlite3.Connection:
    """The shared file, or one in memory."""
    name = ":memory:"
    if state_dir is not None:
        state_dir.mkdir(parents=True, exist_ok=True)
        path = state_dir / "limits.sqlite"
        path.touch(mode=0o600)
        name = str(path)
    connection = sqlite3.connect(
        # A door may be built in one thread and used in another, never in two at once.
        name,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    # A count lost with the machine's power is a count that nobody needs any more.
    connection.execute("PRAGMA synchronous = OFF")
    with closing(connection.cursor()) as cursor:
        cursor.executescript(_SCHEMA)
    return connection


class Breaker:
    """Stops calling a vendor that failed several times in a row (boond.md).

    Args:
        seconds: how long the circuit stays open before one trial call.
        failures: failures in a row that open it.
    """

    def __init__(self, seconds: float, failures: int = 5) -> None:
        self._seconds = seconds
        self._allowed = failures
        self._failures = 0
        self._open_until = 0.0
        self._trial = False

    def wait(self, at: float) -> float:
        """Seconds for which calls fail at once; 0 lets this call through."""
        if self._failures < self._allowed:
            return 0.0
        if at < self._open_until or self._trial:
            return max(self._open_until - at, _GUARD_S)
        self._trial = True
        return 0.0

    def ended(self, at: float, *, failed: bool | None) -> bool:
        """Records how a call ended (None: it was given up); True when this opens the circuit."""
        self._trial = False
        if failed is None:
            return False
        self._failures = self._failures + 1 if failed else 0
        if self._failures < self._allowed:
            return False
        self._open_until = at + self._seconds
        return True
