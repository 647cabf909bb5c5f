"""How much of the vendor's allowance a drain uses in real minutes, and that it meets no 429.

The real drain, over real connections, against a server that enforces 100 in any 60 s and 20 in any
second on what arrives. 150 validations are 301 requests: three whole minutes and a little.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from sources.wiring import Wiring
from store import outbox
from store.warehouse import Warehouse
from tests.benchmarks.measuring import free_port, server, show
from tests.flows.validating import START, door, drain, validations

COMMANDS = 150
LEAST_USED = 0.95

pytestmark = pytest.mark.benchmark


def now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def test_a_drain_uses_what_the_vendor_allows(tmp_path: Path) -> None:
    """No request is one too many for the vendor, and 95 % of the allowance is used."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    serving = [sys.executable, "-m", "tests.benchmarks.limit_server", str(port), "0", "0"]
    with (
        server([*serving, "60:100", "1:20"], f"{url}/report"),
        Warehouse.open(tmp_path / "rapproche.duckdb") as warehouse,
    ):
        outbox.put(warehouse, validations(COMMANDS), "before", START)
        wiring = Wiring(now, tmp_path / "limits")
        asyncio.run(drain(warehouse, tmp_path, door(wiring, url), now))
        states = set(outbox.commands(warehouse)["state"])
        said = httpx.get(f"{url}/report").json()
    show(
        f"a drain of {COMMANDS} commands over a vendor that enforces its limits",
        ("requests", "minutes", "too many", "% of the allowance used"),
        [
            (
                len(said["arrivals"]),
                (said["arrivals"][-1] - said["arrivals"][0]) / 60,
                said["refused"],
                100 * said["used"],
            )
        ],
    )
    assert states == {"done"}
    assert said["refused"] == 0
    assert said["used"] >= LEAST_USED
