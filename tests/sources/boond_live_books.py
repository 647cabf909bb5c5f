"""The door to a sandbox's BoondManager live, over a transport that can lose what passes it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from sandbox.boond_live import BoondLive as Vendor
from sandbox.wire import text_of
from sandbox.world import World
from sources.boond_live.door import BoondLive
from sources.wiring import Wiring


@dataclass
class Books:
    """A portable world, its vendor, and what was asked of it.

    `lost` are writes whose answer does not arrive, `stopped` those that never reach the vendor:
    each names a path by a pattern, once.
    """

    world: World
    vendor: Vendor
    requests: list[httpx.Request] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    answers: dict[str, Callable[[httpx.Request], httpx.Response]] = field(default_factory=dict)

    @classmethod
    def of(cls, consultants: int = 6, **vendor: Any) -> "Books":
        """A world without mistakes."""
        world = World.build(consultants=consultants, mistakes=False, portable=True)
        found = Vendor(world)
        for name, value in vendor.items():
            setattr(found, name, value)
        return cls(world, found)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The vendor's answer, unless it is lost."""
        self.requests.append(request)
        if request.method != "GET" and _taken(self.stopped, request):
            raise httpx.ReadError("cut")
        own = self.answers.get(request.url.path.removeprefix("/api"))
        answered = own(request) if own else self.vendor(request, request.url.path)
        if request.method != "GET" and _taken(self.lost, request):
            raise httpx.ReadError("cut")
        return answered

    def door(self, **changes: Any) -> BoondLive:
        """A door to it."""
        wiring = Wiring(
            now=self.world.now,
            transport=httpx.MockTransport(self.answer),
            retry_base=0.0,
            requests_per_minute=100_000,
            burst_per_second=100_000,
        )
        known = {"basic_user": "sandbox@esn.example", "basic_password": "sandbox-password"}
        given = {"base_url": "https://boond.test/api", "states": {}, **known, **changes}
        return BoondLive(wiring, today=lambda: self.world.now().date(), **given)

    def written(self) -> list[httpx.Request]:
        """The writes that were sent."""
        return [request for request in self.requests if request.method != "GET"]

    def paths(self) -> list[str]:
        """Method and path of what was written, without ids of records."""
        return [f"{one.method} {_plain(one.url.path)}" for one in self.written()]


def _taken(patterns: list[str], request: httpx.Request) -> bool:
    found = next((one for one in patterns if re.search(one, request.url.path)), None)
    if found is not None:
        patterns.remove(found)
    return found is not None


def _plain(path: str) -> str:
    return re.sub(r"/\d+", "/{id}", path.removeprefix("/api"))


def shown(value: Any) -> Any:
    """A record as it can be compared: numbers as decimals, instants as instants."""
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [shown(one) for one in value]
    if isinstance(value, str) and value[10:11] == "T":
        return datetime.fromisoformat(value)
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def exact(text: str | bytes) -> Any:
    """JSON with decimals."""
    return json.loads(text, parse_float=Decimal)


def served_by_v3(shape: Any) -> Any:
    """An object of the other dialect, as it goes over the wire."""
    return exact(text_of(shape))
