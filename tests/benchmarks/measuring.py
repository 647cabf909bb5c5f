"""What every benchmark here does: run a process apart, time it, and print what came of it."""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
ROUNDS = 3
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
"""Nothing that a benchmark starts may reach out on its own."""

_START_S = 120
OURS = ("RAPPROCHE_", "BOOND_", "BILL_COM_", "PREFECT_", "WAREHOUSE_")


def environment(**more: str) -> dict[str, str]:
    """The environment of a process apart: nothing of ours that is not told here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, "PYTHONPATH": str(ROOT), **QUIET, **more}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def server(command: Sequence[str], ready: str, **more: str) -> Iterator[None]:
    """A server in a process of its own, once `ready` answers; it ends with the block.

    Raises:
        RuntimeError: it ended, or did not answer in time; the message is what it said.
    """
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        command,
        cwd=ROOT,
        env=environment(**more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _await(process, ready)
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _await(process: subprocess.Popen[str], ready: str) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(ready, timeout=5).status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                return
        time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"no answer from {ready}: {process.communicate()[1][-2000:]}")


def apart(module: str, *arguments: str, **more: str) -> dict[str, Any]:
    """Runs `python -m MODULE ARGUMENTS` and returns the JSON object of its last line.

    Raises:
        RuntimeError: it failed; the message is the end of what it said.
    """
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module}: {done.stderr[-4000:]}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def median(measured: Sequence[Mapping[str, Any]], key: str) -> float:
    """The median of one figure over the rounds."""
    return statistics.median(float(one[key]) for one in measured)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Prints a small table; the first column says what was measured."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(width=110).print(table)
