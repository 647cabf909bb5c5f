"""The vendors' own sandboxes, as the environment names them; `.env` is not read.

    BOOND_DIALECT=live BOOND_USER_TOKEN=… pytest tests/vendor

Reads alone, and one login a vendor; `--vendor-writes` also makes a draft invoice of one euro at
BoondManager. Never point this at books that somebody keeps.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from flows.engine.run import system_clock
from flows.engine.wiring import World, doors
from flows.settings import LIVE, Settings
from sources.streams import Door
from sources.wiring import tls_context
from transforms.policy import Policy

# Every other test hides the environment from what it tests; it is noted before they do.
TOLD = {name: value for name, value in os.environ.items() if name in Settings.model_fields}
WRITES = "--vendor-writes"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one option: without it nothing is written."""
    parser.addoption(WRITES, action="store_true", help="lets the vendor tests write")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder bears the marker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.vendor)


@dataclass
class Heard(httpx.AsyncBaseTransport):
    """A transport that keeps what goes over it."""

    inner: httpx.AsyncBaseTransport
    kept: list[tuple[httpx.Request, httpx.Response]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers as the vendor does; the body is read, so that it can be looked at later."""
        response = await self.inner.handle_async_request(request)
        await response.aread()
        self.kept.append((request, response))
        return response

    async def aclose(self) -> None:
        """Ends all connections."""
        await self.inner.aclose()


@dataclass(frozen=True)
class Vendor:
    """A vendor's sandbox: the door to it, where it is, and what was said so far."""

    door: Door
    base_url: str
    heard: list[tuple[httpx.Request, httpx.Response]]
    settings: Settings

    def exchanges(self) -> Iterator[tuple[str, httpx.Request, httpx.Response]]:
        """What was said to it: the path below the base URL, the request and the answer."""
        root = httpx.URL(self.base_url)
        for request, response in self.heard:
            below = request.url.path.removeprefix(root.path.rstrip("/"))
            if request.url.netloc == root.netloc and below != request.url.path:
                yield below, request, response


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mapping[str, Vendor]]:
    """The doors whose credentials the environment has, in the production dialects."""
    settings = Settings(_env_file=None, **TOLD)  # type: ignore[call-arg]
    heard = Heard(httpx.AsyncHTTPTransport(verify=tls_context(tls12=settings.RAPPROCHE_TLS12)))
    world = World(system_clock, heard, tmp_path_factory.mktemp("limits"))
    found = doors(settings, world, Policy())
    live = {"boond": settings.BOOND_DIALECT, "bill": settings.BILL_COM_DIALECT}
    bases = {"boond": settings.BOOND_BASE_URL, "bill": settings.BILL_COM_BASE_URL}
    yield {
        source: Vendor(door, bases[source], heard.kept, settings)
        for source, door in found.items()
        if live[source] == LIVE
    }
    await asyncio.gather(*(door.aclose() for door in found.values()))


@pytest.fixture
def boond(opened: Mapping[str, Vendor]) -> Vendor:
    """BoondManager's sandbox."""
    return _wanted(opened, "boond", "BOOND_DIALECT=live and its credentials are not set")


@pytest.fixture
def bill(opened: Mapping[str, Vendor]) -> Vendor:
    """BILL's sandbox."""
    return _wanted(opened, "bill", "BILL_COM_DIALECT=live and its credentials are not set")


@pytest.fixture
def vendor(request: pytest.FixtureRequest) -> Any:
    """The sandbox that a test is parametrised with."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def may_write(request: pytest.FixtureRequest) -> None:
    """Skips what writes, unless it is asked for."""
    if not request.config.getoption(WRITES, default=False):
        pytest.skip(f"{WRITES} was not given")


def _wanted(opened: Mapping[str, Vendor], source: str, why_not: str) -> Vendor:
    if source not in opened:
        pytest.skip(why_not)
    return opened[source]
