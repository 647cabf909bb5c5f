"""How fast a vendor may be called, and when it is not called at all.

The rate limit is shared by every task and process of the machine through one small file: a row a
call, exact sliding windows, and one instant a vendor before which nothing is sent (boond.md,
"Limits and errors"; properties.md P08). The breaker belongs to one process.

A vendor counts a call when it arrives, some time between our sending it and our reading the
answer. So a call under way counts as one of this very instant, and one that has ended as one of
its end: then no jitter of the network presses more calls into a window than it allows.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sources import TRIPS
from sources.limit_file import LimitFile

Place = tuple[int, int]
"""A call that is counted: the opening of the file, and the row in it."""

# Clocks that the network sets are turned by half of this at most.
_DRIFT = 0.001
# No exchange lasts longer, so what a dead process left under way is over by then.
_LONGEST_CALL_S = 45.0
# A request that we gave up may still be on its way for as long.
_ON_ITS_WAY_S = 1.0
# Rows of the future come from a clock that was set back; they would block for ever.
_FUTURE_S = 60.0
_LONG_WAIT_S = 5.0
# Of a window as long as this, calls are no breath to wait for but a budget to plan with.
_BUDGET_S = 3600.0
_SCARCE = 0.9
_COUNT = "INSERT INTO calls (source, called_at) VALUES (?, ?)"


@dataclass
class _Window:
    """A sliding window and how many calls stood in it when they were last counted.

    Counting thousands of rows a call would take longer than the call. Calls leave a window by
    themselves and enter it as new rows alone, so the number of the newest row says how many more
    there can be since.
    """

    seconds: float
    allowed: int
    scarce: bool = False
    generation: int = -1
    calls: int = 0
    newest: int = 0

    def surely_holds(self, generation: int, newest: int) -> bool:
        """Whether one call more has a place for sure."""
        warned_at = self.allowed * _SCARCE if self.seconds >= _BUDGET_S else self.allowed
        enough = self.allowed if self.scarce else warned_at
        return generation == self.generation and self.calls + newest - self.newest < enough

    def counted(self, generation: int, newest: int, calls: int) -> bool:
        """Keeps a count; True when it says for the first time that a long window is nearly full."""
        self.generation, self.newest, self.calls = generation, newest, calls
        before = self.scarce
        self.scarce = self.seconds >= _BUDGET_S and calls >= self.allowed * _SCARCE
        return self.scarce and not before


class Limiter:
    """The calls to one vendor, counted over sliding windows.

    Args:
        source: the vendor.
        windows: seconds, and the calls allowed in any so many seconds.
        now: the machine's clock. It is read once; then the loop's clock counts, so that a clock
            that is set meanwhile shortens no wait and makes none longer.
        state_dir: directory of the shared file; None counts for this process alone.
    """

    def __init__(
        self,
        source: str,
        windows: Sequence[tuple[float, int]],
        *,
        now: Callable[[], datetime],
        state_dir: Path | None = None,
    ) -> None:
        self._source = source
        self._windows = tuple(_Window(*window) for window in windows)
        self._now = now
        self._loop_began_at: float | None = None
        self._blocked_until = 0.0
        self._turn = asyncio.Lock()
        self._log = logging.getLogger(f"rapproche.{source}")
        self._file = LimitFile(state_dir, self._log)

    def close(self) -> None:
        """Closes the shared file."""
        self._file.close()

    async def acquire(self, patience: float) -> tuple[Place | None, float]:
        """Waits for a place in all windows and past any block; a long wait is said once.

        Args:
            patience: seconds that a block may last at most for us to wait it out.

        Returns:
            The place for `settle` and 0, or None and the seconds that the block still lasts.
        """
        async with self._turn:
            told = False
            while True:
                place, wait, blocked = self._file.change(self._look)
                if place is not None or blocked > patience:
                    return place, wait
                if wait >= _LONG_WAIT_S and not told:
                    self._log.warning("rate limit reached, waits seconds=%.0f", wait)
                    told = True
                await asyncio.sleep(wait)

    def settle(self, place: Place, *, answered: bool) -> None:
        """Counts a call from its end on; without an answer the request may still be under way."""
        at = self._at() + (0.0 if answered else _ON_ITS_WAY_S)
        generation, row = place

        def count(held: sqlite3.Connection) -> None:
            number = row if generation == self._file.generation else None
            held.execute(
                "REPLACE INTO calls (place, source, called_at) VALUES (?, ?, ?)",
                (number, self._source, at),
            )

        self._file.change(count)

    def give_back(self, place: Place) -> None:
        """Frees the place of a call that was not sent after all."""
        generation, row = place
        if generation == self._file.generation:
            self._file.change(
                lambda held: held.execute("DELETE FROM calls WHERE place = ?", (row,))
            )

    def block(self, seconds: float) -> None:
        """Sends nothing to the vendor for so many seconds, from any task or process."""
        self._blocked_until = max(self._blocked_until, self._at() + seconds)
        self._file.change(self._share_block)

    def blocked(self) -> float:
        """Seconds for which nothing may be sent."""
        return self._file.change(lambda held: self._block_left(held, self._at()))

    def _at(self) -> float:
        elapsed = asyncio.get_running_loop().time()
        if self._loop_began_at is None:
            self._loop_began_at = self._now().timestamp() - elapsed
        return self._loop_began_at + elapsed

    def _look(self, held: sqlite3.Connection) -> tuple[Place | None, float, float]:
        """One look: a place, or the seconds until the next look is worth it; a block's seconds."""
        at = self._at()
        self._forget(held, at)
        if self._file.begun_anew:
            self._suppose_full(held, at)
        blocked = self._block_left(held, at)
        wait = max(blocked, *(self._full(held, at, window) for window in self._windows))
        return (None if wait > 0 else self._take(held, at)), wait, blocked

    def _forget(self, held: sqlite3.Connection, at: float) -> None:
        longest = max(window.seconds for window in self._windows)
        # Not in one statement: with OR it would look at every row.
        gone = "DELETE FROM calls WHERE source = ? AND called_at"
        held.execute(f"{gone} < ?", (self._source, at - 2 * longest))
        held.execute(f"{gone} > ?", (self._source, at + _FUTURE_S))

    def _suppose_full(self, held: sqlite3.Connection, at: float) -> None:
        """Where counts were lost, waits as long as they could have asked for, but for no hour."""
        self._share_block(held)
        self._file.begun_anew = False
        if held.execute("SELECT 1 FROM calls").fetchone() is None:
            short = [window.allowed for window in self._windows if window.seconds < _BUDGET_S]
            most = max(short, default=0)
            held.executemany(_COUNT, [(self._source, at)] * most)

    def _share_block(self, held: sqlite3.Connection) -> None:
        held.execute(
            "INSERT INTO waits VALUES (?, ?, ?) ON CONFLICT (source) DO UPDATE"
            " SET told_at = excluded.told_at, until = excluded.until WHERE excluded.until > until",
            (self._source, self._at(), self._blocked_until),
        )

    def _block_left(self, held: sqlite3.Connection, at: float) -> float:
        # A clock that has been set back since would make seconds of waiting into days.
        held.execute(
            "UPDATE waits SET told_at = ?, until = until - told_at + ?"
            " WHERE source = ? AND told_at > ?",
            (at, at, self._source, at + _FUTURE_S),
        )
        row = held.execute("SELECT until FROM waits WHERE source = ?", (self._source,)).fetchone()
        return max(0.0, self._blocked_until - at, row[0] - at if row else 0.0)

    def _full(self, held: sqlite3.Connection, at: float, window: _Window) -> float:
        """Seconds until the window has a place: when its `allowed`-th newest call leaves it.

        A call under way leaves it a whole window from now at the earliest.
        """
        newest = _newest(held)
        if window.surely_holds(self._file.generation, newest):
            return 0.0
        seconds = window.seconds * (1 + _DRIFT)
        within = "FROM calls WHERE source = ? AND called_at > ?"
        since = (self._source, at - seconds)
        row = held.execute(
            f"SELECT called_at {within} ORDER BY called_at DESC LIMIT 1 OFFSET ?",
            (*since, window.allowed - 1),
        ).fetchone()
        full = row is not None
        calls = window.allowed if full else _counted(held, within, since)
        if window.counted(self._file.generation, newest, calls):
            left = window.allowed - calls
            self._log.warning("few requests are left this hour: %d of %d", left, window.allowed)
        return float(max(_DRIFT, min(row[0], at) + seconds - at)) if full else 0.0

    def _take(self, held: sqlite3.Connection, at: float) -> Place:
        row = held.execute(_COUNT, (self._source, at + _LONGEST_CALL_S)).lastrowid
        return self._file.generation, row or 0


def _newest(held: sqlite3.Connection) -> int:
    """The number of the newest row there ever was; numbers are never given twice."""
    row = held.execute("SELECT seq FROM sqlite_sequence WHERE name = 'calls'").fetchone()
    return int(row[0]) if row else 0


def _counted(held: sqlite3.Connection, within: str, since: tuple[str, float]) -> int:
    return int(held.execute(f"SELECT count(*) {within}", since).fetchone()[0])


class Breaker:
    """Stops calling a vendor that failed several times in a row (boond.md).

    Args:
        seconds: how long the circuit stays open before one trial call.
        failures: failures in a row that open it.
    """

    def __init__(self, seconds: float, failures: int = TRIPS) -> None:
        self._seconds = seconds
        self._allowed = failures
        self._failures = 0
        self._open_until = 0.0
        self._trial: Place | None = None

    def wait(self, at: float) -> float:
        """Seconds for which calls fail at once; 0 where one may go."""
        if self._failures < self._allowed or (at >= self._open_until and self._trial is None):
            return 0.0
        return max(self._open_until - at, _DRIFT)

    def admit(self, place: Place, at: float) -> float:
        """As `wait`; where the circuit is open and its time is over, this call is the trial."""
        wait = self.wait(at)
        if wait == 0 and self._failures >= self._allowed:
            self._trial = place
        return wait

    def ended(self, place: Place, at: float, *, failed: bool | None) -> bool:
        """Records how a call ended (None: it was given up); True when this opens the circuit."""
        if self._trial == place:
            self._trial = None
        if failed is None:
            return False
        self._failures = self._failures + 1 if failed else 0
        if self._failures < self._allowed:
            return False
        self._open_until = at + self._seconds
        return True
