"""A long drain keeps to what the vendor allows, and uses it."""

import asyncio
import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sources.wiring import Wiring
from store import outbox
from store.warehouse import Warehouse
from tests.benchmarks.limit_server import Counter
from tests.flows.validating import START, door, drain, validations
from tests.virtual_time import VirtualLoop

pytestmark = pytest.mark.nights

COMMANDS = 600


class Far:
    """A vendor 50 to 300 ms away that counts arrivals in sliding windows and enforces them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a network's jitter is no secret
        self.held: dict[str, dict[str, Any]] = {}
        self.counter = Counter(((60.0, 100), (1.0, 20)))

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """The way there, the answer, the way back."""
        whole = self.chance.uniform(0.05, 0.3)
        there = self.chance.uniform(0, whole)
        await asyncio.sleep(there)
        answer = self._answer(request, asyncio.get_running_loop().time())
        await asyncio.sleep(whole - there)
        return answer

    def _answer(self, request: httpx.Request, at: float) -> httpx.Response:
        if not self.counter.admits(at):
            return httpx.Response(429, headers={"Retry-After": "60"})
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "granted", "expires_in": 3600})
        id_ = request.url.path.rsplit("/", 1)[1]
        held = self.held.setdefault(id_, {"id": id_, "status": "submitted"})
        if request.method == "PUT":
            held |= json.loads(request.content)
        return httpx.Response(200, json={"data": held})


def test_a_drain_of_600_meets_no_429_and_uses_the_allowance(tmp_path: Path) -> None:
    """No arrival is one too many in any window, and 95 % of what the minute allows is used."""
    vendor = Far(seed=600)
    with (
        Warehouse.open(tmp_path / "rapproche.duckdb") as warehouse,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        loop = runner.get_loop()

        def now() -> datetime:
            return START + timedelta(seconds=loop.time())

        outbox.put(warehouse, validations(COMMANDS), "before", START)
        wiring = Wiring(now, tmp_path / "limits", httpx.MockTransport(vendor.handle))
        runner.run(drain(warehouse, tmp_path, door(wiring, "https://boond.test"), now))
        assert set(outbox.commands(warehouse)["state"]) == {"done"}
    assert len(vendor.counter.arrivals) > 2 * COMMANDS
    assert vendor.counter.refused == 0
    assert vendor.counter.used() >= 0.95
