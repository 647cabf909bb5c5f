"""One limit of several real processes, against a vendor that enforces it."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sources.limits import Limiter
from tests.benchmarks.measuring import ROOT, environment, free_port, server

pytestmark = pytest.mark.processes

PROCESSES = 4
TIGHT = ("8:40", "0.5:15")
WIDE = ("60:1000",)


def serving(windows: Sequence[str], quiet_after: int = 0, quiet_s: float = 0) -> Any:
    """The URL of the vendor, and the vendor."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.limit_server", str(port)]
    command += [str(quiet_after), str(quiet_s), *windows]
    return f"http://127.0.0.1:{port}", server(command, f"http://127.0.0.1:{port}/report")


def caller(url: str, folder: Path, calls: int, windows: Sequence[str]) -> subprocess.Popen[str]:
    """A process that calls the vendor."""
    command = [sys.executable, "-m", "tests.benchmarks.limit_caller", url, str(folder), str(calls)]
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [*command, *windows], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )


def called(url: str, folder: Path, calls: int, windows: Sequence[str]) -> Any:
    """The vendor's report after all processes have made their calls."""
    callers = [caller(url, folder, calls, windows) for _ in range(PROCESSES)]
    said = [one.communicate(timeout=120)[0] for one in callers]
    assert [one.returncode for one in callers] == [0] * PROCESSES, said
    return httpx.get(f"{url}/report").json()


def test_four_processes_keep_to_one_limit_and_use_it(tmp_path: Path) -> None:
    """No window at the vendor holds a call too many, and 95 % of the allowance is used."""
    url, vendor = serving(TIGHT)
    with vendor:
        report = called(url, tmp_path, 26, TIGHT)
    assert len(report["arrivals"]) == PROCESSES * 27
    assert report["refused"] == 0
    assert report["used"] >= 0.95, report["used"]


def test_p08_a_429_that_one_process_meets_stops_all_four(tmp_path: Path) -> None:
    """What was not under way when the 429 was given stays away as long as it asks for."""
    url, vendor = serving(WIDE, quiet_after=20, quiet_s=2)
    with vendor:
        report = called(url, tmp_path, 9, WIDE)
    began = report["quiet_from"]
    after = [at - began for at in report["arrivals"] if at > began]
    assert len(report["arrivals"]) >= PROCESSES * 10
    assert not [at for at in after if 0.25 < at < 2]


HOLDING = """
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
count = "INSERT INTO calls (source, called_at) VALUES ('boond', ?)"
held.executemany(count, [(time.time(),)] * 5000)
print("holds", flush=True)
time.sleep(60)
"""


async def test_a_process_killed_inside_the_file_leaves_it_whole(tmp_path: Path) -> None:
    """The lock of a killed process goes with it, and nothing of what it had not finished counts."""
    limiter = Limiter("boond", [(60, 9)], now=lambda: datetime.now(UTC), state_dir=tmp_path)
    async with asyncio.timeout(20):
        await limiter.acquire(0)
        command = [sys.executable, "-c", HOLDING, str(tmp_path / "limits.sqlite")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:  # noqa: ASYNC220, S603
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"holds\n"
            holder.kill()
        for _ in range(8):
            await limiter.acquire(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await limiter.acquire(0)
    limiter.close()
