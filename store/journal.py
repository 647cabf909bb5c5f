"""The journal: calls of a run that do not stand in the warehouse yet, in a file beside it.

What a process holds in memory is lost when it is killed; what it has handed to the operating
system is not. So each call is a line of the journal until `ops.api_calls` has it, and the next run
takes over what a dead one left. A call has its number in its run, and calls are moved in their
order, all or none: so those that stand in the warehouse already are as many as its rows, and a
kill between moving and emptying brings no call twice.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from store.warehouse import PRIVATE, Warehouse

CALLS: dict[str, Any] = {
    "called_at": pl.Datetime("us", "UTC"),
    "run_id": pl.String,
    "actor": pl.String,
    "source": pl.String,
    "method": pl.String,
    "path": pl.String,
    "status": pl.Int32,
    "duration_ms": pl.Float64,
    "attempt": pl.Int32,
    "bytes": pl.Int64,
    "cached": pl.Boolean,
}
"""Columns of `ops.api_calls`."""

Row = dict[str, Any]


class Journal:
    """The calls of one run, which holds the run lock.

    Args:
        path: the journal's file; what an earlier run left in it was taken over already.
        run_id: the run.
        actor: operating-system user of the run.
    """

    def __init__(self, path: Path, run_id: str, actor: str) -> None:
        self._path = path
        self._about = {"run_id": run_id, "actor": actor}
        self._waiting: list[Row] = []
        self._told = 0
        self._length = 0
        self._writable = True
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, PRIVATE)

    def add(self, call: Mapping[str, Any]) -> None:
        """Notes a call, by the columns of `ops.api_calls`."""
        row = self._about | dict(call)
        self._waiting.append(row)
        if self._writable:
            self._write(json.dumps({"n": self._told} | row, default=str) + "\n")
        self._told += 1

    def settle(self, warehouse: Warehouse) -> None:
        """Moves the calls noted so far to `ops.api_calls`; outside a transaction."""
        if not self._waiting:
            return
        warehouse.insert("ops.api_calls", _frame(self._waiting))
        os.ftruncate(self._file, 0)
        self._waiting, self._length, self._writable = [], 0, True

    def close(self) -> None:
        """Ends the journal; the file stays where calls still wait in it."""
        os.close(self._file)
        if not self._waiting:
            self._path.unlink(missing_ok=True)

    def _write(self, line: str) -> None:
        """Writes a line whole, or none until the journal is emptied: its calls have no gaps."""
        content = line.encode()
        try:
            whole = os.write(self._file, content) == len(content)
        except OSError:
            whole = False
        if whole:
            self._length += len(content)
        else:
            self._writable = False
            os.ftruncate(self._file, self._length)


def take_over(warehouse: Warehouse) -> None:
    """Moves the calls that dead runs left in the journal to `ops.api_calls`."""
    path = warehouse.places.journal
    if not path.exists():
        return
    left = defaultdict(list)
    for row in _lines(path.read_bytes().splitlines()):
        left[row["run_id"]].append(row)
    for run_id, rows in left.items():
        stands = "SELECT count(*) FROM ops.api_calls WHERE run_id = ?"
        known = warehouse.rows(stands, [run_id])[0][0]
        warehouse.insert("ops.api_calls", _frame(row for row in rows if row.pop("n") >= known))
    path.unlink()


def _lines(lines: Iterable[bytes]) -> Iterable[Row]:
    """The calls as written; a line that a kill cut short, or that is none of ours, is none."""
    for line in lines:
        try:
            row = json.loads(line)
            row |= {"called_at": datetime.fromisoformat(row["called_at"]), "n": int(row["n"])}
            _frame([{name: row[name] for name in CALLS}])
        except (ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
            continue
        yield row


def _frame(rows: Iterable[Row]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=CALLS, orient="row")
