"""Where the seconds of a night go, and what Prefect adds to them.

Every night runs in a process of its own on an empty warehouse, against a fresh sandbox on loopback
without rate limits.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.measuring import ROUNDS, apart, free_port, median, server, show
from tests.benchmarks.sandbox_world import AS_OF, sandbox

LONGEST_CPU_S = 10.0
GROWTH = (40, 1_000)
LARGEST_GROWTH_S = 5.0
"""What Prefect may add to 1,000 consultants beyond what it adds to 40."""

DONE = {0, 1}
"""Exit codes of a night that ended; the sandbox plants what a person must look at."""

pytestmark = pytest.mark.benchmark


def night(folder: Path, which: str, mode: str, *, consultants: int = 40, **more: str) -> Any:
    """One night in a fresh world; the figures of `tests.benchmarks.night`."""
    folder.mkdir(parents=True)
    with sandbox(folder, consultants=consultants) as settings:
        figures = apart("tests.benchmarks.night", which, AS_OF, mode, **settings, **more)
    assert figures["exit_code"] in DONE
    return figures


@pytest.fixture
def prefect_api(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A Prefect server of its own, with its own home and database."""
    port = free_port()
    home = {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_SERVER_API_PORT": str(port)}
    command = [sys.executable, "-m", "prefect", "server", "start"]
    command += ["--host", "127.0.0.1", "--port", f"{port}", "--no-ui"]
    api = f"http://127.0.0.1:{port}/api"
    with server(command, f"{api}/health", **home):
        yield {**home, "PREFECT_API_URL": api}


def test_night_is_short(tmp_path: Path) -> None:
    """A night of 40 consultants that writes back takes under 10 s of process time."""
    nights = [night(tmp_path / f"{at}", "directly", "apply") for at in range(ROUNDS)]
    steps = {name: median([one["steps"] for one in nights], name) for name in nights[0]["steps"]}
    cpu, whole = median(nights, "cpu"), median(nights, "seconds")
    rows = [(name, took, f"{took / whole:.0%}") for name, took in steps.items()]
    rows += [("the night", whole, "100%"), ("its process time", cpu, "")]
    show("A night of 40 consultants, directly", ("step", "seconds", "share"), rows)
    assert cpu < LONGEST_CPU_S


def test_prefect_adds_the_same_to_any_size(tmp_path: Path, prefect_api: dict[str, str]) -> None:
    """What Prefect adds to 1,000 consultants is what it adds to 40, within 5 s."""
    added, rows = {}, []
    for size in GROWTH:
        direct, orchestrated = [], []
        for round_ in range(ROUNDS):
            at = tmp_path / f"{size}-{round_}"
            direct.append(night(at / "d", "directly", "plan", consultants=size))
            orchestrated.append(night(at / "p", "prefect", "plan", consultants=size, **prefect_api))
        alone, driven = median(direct, "seconds"), median(orchestrated, "seconds")
        added[size] = driven - alone
        rows.append((f"{size:,} consultants", direct[0]["rows"], alone, driven, added[size]))
    columns = ("a night, planned only", "rows", "directly s", "Prefect s", "added s")
    show("What Prefect adds", columns, rows)
    assert added[GROWTH[1]] - added[GROWTH[0]] < LARGEST_GROWTH_S
