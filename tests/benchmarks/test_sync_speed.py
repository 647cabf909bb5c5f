"""How fast a stream comes in: 50,000 CRAs with 1,000,000 day lines, against a bare loop.

The bare loop gets the same pages and puts them into two typed tables, with no check, no history and
no raw copy. Both run in processes of their own, in turn.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.cra_server import LINES
from tests.benchmarks.measuring import ROUNDS, apart, free_port, median, server, show

CRAS = 50_000
LARGEST_RATIO = 3.0
LARGEST_MB = 800.0

pytestmark = pytest.mark.benchmark


def test_sync_is_near_a_bare_loop(tmp_path: Path) -> None:
    """A full sync takes at most 3 times the bare loop, and under 800 MB."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serving = [sys.executable, "-m", "tests.benchmarks.cra_server", str(port), str(CRAS), "500"]
    ours: list[dict[str, Any]] = []
    bare: list[dict[str, Any]] = []
    with server(serving, f"{url}/oauth/token"):
        for round_ in range(ROUNDS):
            for which, measured in (("bare", bare), ("ours", ours)):
                folder = str(tmp_path / f"{which}{round_}")
                measured.append(apart("tests.benchmarks.cra_sync", which, url, folder))
    ratio = median(ours, "seconds") / median(bare, "seconds")
    peak = max(one["peak_mb"] for one in ours)
    show(
        f"{CRAS:,} CRAs with {CRAS * LINES:,} day lines",
        ("sync", "seconds", "ratio", "peak MB"),
        [
            ("bare loop", median(bare, "seconds"), 1.0, max(one["peak_mb"] for one in bare)),
            ("rapproche", median(ours, "seconds"), ratio, peak),
        ],
    )
    assert ours[0]["totals"] == bare[0]["totals"]
    assert ours[0]["totals"][0] == CRAS * LINES
    assert ours[0]["kept"] == CRAS
    assert ratio <= LARGEST_RATIO
    assert peak < LARGEST_MB
