"""A machine that can be killed at any moment, and the loop that orders what runs on it.

A moment is a callback of the loop, a commit or a file operation in the machine's folder, a call to
a vendor or a mail. To be killed is to leave a byte copy of the folder as it is then: a process that
ends by `kill -9` keeps what it gave to the system. So one run shows many deaths: it leaves a copy
at each of them and lives on. After the last one it is abandoned: it reaches nobody any more, and
what its `finally`s do to its folder is thrown away.
"""

import asyncio
import os
import shutil
import sys
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import duckdb

from tests.virtual_time import VirtualLoop

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
FILE_EVENTS = {"os.rename", "os.remove", "os.chmod", "os.mkdir", "os.rmdir"}
PHASES = (
    *("callback", "before commit", "after commit", "file"),
    *("before call", "after call", "before mail", "after mail"),
)


class KilledError(BaseException):
    """The process was killed."""


class StuckError(Exception):
    """Nothing is left to run, and nothing will ever wake what waits."""


Moment = tuple[str, int]
"""A phase, and the number of a moment in it."""


@dataclass
class Machine:
    """What one process works on.

    Attributes:
        folder: where its data lies.
        kills: the moments at which it is killed.
        leave: keeps how things stand at a kill; it is given the moment.
        lives: whether it also goes on to its end.
        killed: whether it reaches nobody any more.
        moments: how many moments of each phase there were.
    """

    folder: Path
    kills: Collection[Moment] = ()
    leave: Callable[[Moment], None] = lambda _: None
    lives: bool = True
    killed: bool = False
    moments: Counter[str] = field(default_factory=Counter)
    _dead: set[Moment] = field(default_factory=set)
    _last_written: str | None = None

    def moment(self, phase: str) -> None:
        """One more moment of a phase.

        Raises:
            KilledError: this was the last moment that matters, or an earlier one was.
        """
        if self.killed:
            raise KilledError
        self.moments[phase] += 1
        now = phase, self.moments[phase]
        if now not in self.kills:
            return
        self.leave(now)
        self._dead.add(now)
        if not self.lives and len(self._dead) == len(self.kills):
            self.killed = True
            raise KilledError

    def file(self, path: str, *, written: bool) -> None:
        """A file of the folder is about to be written or moved."""
        if self.killed or not path.startswith(f"{self.folder}/"):
            return
        self.moment("file")
        self._last_written = path if written else None

    def copy(self, target: Path, torn: Callable[[int], int] = int) -> None:
        """Copies the folder; what was being written is there in part.

        Args:
            target: where to.
            torn: how many of so many bytes are there.
        """
        shutil.copytree(self.folder, target)
        if self._last_written is None:
            return
        file = target / Path(self._last_written).relative_to(self.folder)
        if file.is_file():
            os.truncate(file, torn(file.stat().st_size))


_running: list[Machine] = []


def _hear(event: str, args: tuple[Any, ...]) -> None:
    """Tells the running machine of file operations; Python tells of each before it happens."""
    if not _running or (event != "open" and event not in FILE_EVENTS):
        return
    path, *rest = args
    if isinstance(path, str) and (event != "open" or rest[-1] & WRITES):
        _running[-1].file(path, written=event == "open")


sys.addaudithook(_hear)


@contextmanager
def watched(machine: Machine) -> Iterator[None]:
    """What happens inside happens on this machine."""
    connect = duckdb.connect

    def opened(*args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        # Statements over a few rows cost half on one thread.
        connection.execute("SET threads = 1")
        return Watched(connection, machine)

    _running.append(machine)
    try:
        with patch("duckdb.connect", opened):
            yield
    finally:
        _running.remove(machine)


class Watched:
    """A connection to DuckDB whose commits are moments."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, machine: Machine) -> None:
        self._connection = connection
        self._machine = machine
        self._inside = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, parameters: Any = None) -> Any:
        """Runs a statement; one that commits is a moment before and after."""
        verb = sql.split(None, 1)[0].upper()
        if verb == "BEGIN":
            self._inside = True
        elif verb in {"COMMIT", "ROLLBACK"}:
            self._inside = False
        if self._machine.killed and verb == "ROLLBACK":
            return self._connection.execute(sql)
        commits = verb == "COMMIT" or (
            not self._inside
            and verb in {"INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "CHECKPOINT"}
        )
        if not commits:
            if self._machine.killed:
                raise KilledError
            return self._connection.execute(sql, parameters)
        self._machine.moment("before commit")
        rows = self._connection.execute(sql, parameters).fetchall()
        self._machine.moment("after commit")
        return Fetched(rows)


@dataclass
class Fetched:
    """The rows of a statement that has run."""

    rows: list[tuple[Any, ...]]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All of them."""
        return self.rows


class Shuffled(deque[Any]):
    """Callbacks that are ready, taken in an order that chance decides."""

    def __init__(self, rng: Random, machine: Machine) -> None:
        super().__init__()
        self._rng, self._machine = rng, machine

    def popleft(self) -> Any:
        """Takes one of them.

        Raises:
            KilledError: the process is killed before it runs.
        """
        if not self._machine.killed:
            self._machine.moment("callback")
        at = self._rng.randrange(len(self))
        self[0], self[at] = self[at], self[0]
        return super().popleft()


class SeededLoop(VirtualLoop):
    """Virtual time, and an order of callbacks that the seed decides."""

    def __init__(self, rng: Random, machine: Machine) -> None:
        super().__init__()
        self._ready = Shuffled(rng, machine)

    def _run_once(self) -> None:
        if not self._ready and not self._scheduled and not self._stopping:
            raise StuckError
        super()._run_once()  # type: ignore[misc]

    def live(self, job: Any, machine: Machine) -> Any:
        """Runs a job to its end.

        Raises:
            KilledError: the machine was killed for good; whatever the job did then went nowhere.
        """
        asyncio.set_event_loop(self)
        try:
            return self.run_until_complete(job)
        except BaseException:
            if machine.killed:
                raise KilledError from None
            raise
        finally:
            # What is left to do is the loop's own: nobody can tell a kill in it from none.
            machine.kills = ()
            self._abandon()
            asyncio.set_event_loop(None)
            self.close()

    def _abandon(self) -> None:
        """Ends what still runs."""
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task.cancel()
        if tasks:
            self.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.run_until_complete(self.shutdown_asyncgens())
