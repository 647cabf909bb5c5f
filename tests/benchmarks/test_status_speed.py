"""How soon a command that only reads answers."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.measuring import ROOT, apart, environment, show
from tests.benchmarks.sandbox_world import AS_OF, sandbox

RUNS = 5
LONGEST_S = 1.0
COMMAND = Path(sys.executable).with_name("rapproche")

pytestmark = pytest.mark.benchmark


@pytest.fixture
def published(tmp_path: Path) -> dict[str, str]:
    """Settings of a warehouse that a night has published."""
    with sandbox(tmp_path) as settings:
        apart("tests.benchmarks.night", "directly", AS_OF, "plan", **settings)
    return settings


def said(command: list[str], **settings: str) -> tuple[float, str, str]:
    """Seconds, standard output and standard error of a command that succeeds."""
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own console script
        command,
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, done.stdout, done.stderr


def test_status_answers_at_once(published: dict[str, str]) -> None:
    """`rapproche status` answers in under a second, interpreter included."""
    runs = sorted(said([str(COMMAND), "status"], **published) for _ in range(RUNS))
    middle = runs[RUNS // 2][0]
    figures = [("fastest", runs[0][0]), ("median", middle), ("slowest", runs[-1][0])]
    show("rapproche status", (f"of {RUNS}", "seconds"), figures)
    assert "nightly" in runs[0][1]
    assert middle < LONGEST_S


def test_status_imports_no_prefect(published: dict[str, str]) -> None:
    """No module of Prefect is imported by `rapproche status`."""
    timed = [sys.executable, "-X", "importtime", str(COMMAND), "status"]
    imported = {
        line.rpartition("|")[2].strip()
        for line in said(timed, **published)[2].splitlines()
        if line.startswith("import time:")
    }
    assert "store.publishing" in imported
    assert not {name for name in imported if name.split(".")[0] == "prefect"}
