"""A whole house in process: the engine over the sandbox's transport, in virtual time."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import polars as pl
from rich.console import Console

from flows import work
from flows.engine.direct import Direct
from flows.engine.run import Outcome, Run
from flows.engine.wiring import World, log_in, open_run
from flows.settings import Settings
from sandbox.__main__ import settings as reaching
from sandbox.server import Sandbox
from sandbox.world import World as Vendors
from store.publishing import read_published
from tests.virtual_time import VirtualLoop

T = TypeVar("T")
AS_OF = date(2026, 11, 3)
START = datetime(2026, 11, 3, 3, tzinfo=UTC)
POLICY = Path(__file__).parents[2] / "policy.toml"
ROOT = "http://127.0.0.1"
Intercept = Callable[[httpx.Request], httpx.Response | None]


class House:
    """Vendors, settings and data of one test; what it runs goes through virtual time.

    Args:
        folder: where its data lies.
        template: a house whose files are taken over; its vendors must be built alike.
        vendors: how the vendors' world is built.
        speaking: the dialects of BoondManager and Bill.com; `live` ones need a portable world.
        settings: settings other than those that reach the sandbox.
    """

    def __init__(
        self,
        folder: Path,
        *,
        template: Path | None = None,
        vendors: dict[str, Any] | None = None,
        speaking: tuple[str, str] = ("v3", "gateway"),
        **settings: Any,
    ) -> None:
        if template:
            shutil.copytree(template, folder, dirs_exist_ok=True)
        self.folder = folder
        self.waited = timedelta()
        self.ticks = 0
        self.loop: VirtualLoop | None = None
        self.vendors = Vendors.build(clock=self.now, **(vendors or {}))
        self.sandbox = Sandbox(self.vendors, boond=speaking[0], bill=speaking[1])
        self.intercept: Intercept | None = None
        self.vendors.write_declarations(folder / "declarations")
        self.settings = Settings(**(reach(self.sandbox, folder) | settings))

    def now(self) -> datetime:
        """The virtual instant: no two are the same."""
        self.ticks += 1
        running = timedelta(seconds=self.loop.time()) if self.loop else timedelta()
        return START + self.waited + running + timedelta(microseconds=self.ticks)

    def today(self) -> datetime:
        """The instant at which the vendors are, days that they advanced included."""
        return self.now() + timedelta(days=self.vendors.advanced_days)

    def run(self, command: str, **parameters: Any) -> Outcome:
        """Runs one command directly."""
        parameters = {"as_of": AS_OF} | parameters
        return self._virtually(work.directly(command, self.settings, self.outside(), **parameters))

    def nightly(self, *, apply: bool = False, **parameters: Any) -> Outcome:
        """One night."""
        return self.run("nightly", **({"period": None, "apply": apply} | parameters))

    def opened(self, part: Callable[[Run], Awaitable[T]], flow: str = "test") -> T:
        """Does some work inside a run that has logged in."""

        async def inside() -> T:
            driver = Direct(self.folder / "artifacts", Console(stderr=True))
            async with open_run(flow, self.settings, driver, self.outside(), as_of=AS_OF) as run:
                await log_in(run)
                return await part(run)

        return self._virtually(inside())

    def outside(self) -> World:
        """The clock and the network."""
        inner = self.sandbox.transport()

        def handle(request: httpx.Request) -> httpx.Response:
            said = self.intercept(request) if self.intercept else None
            return said or inner.handle_request(request)

        return World(self.today, httpx.MockTransport(handle), self.folder / "cache")

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query over the published file."""
        with read_published(self.settings.WAREHOUSE_PATH) as warehouse:
            return warehouse.rows(sql, parameters)

    def one(self, sql: str, *parameters: Any) -> Any:
        """The only value of a query over the published file."""
        [[value]] = self.rows(sql, *parameters)
        return value

    def frame(self, sql: str) -> pl.DataFrame:
        """The frame of a query over the published file."""
        with read_published(self.settings.WAREHOUSE_PATH) as warehouse:
            return warehouse.frame(sql)

    def _virtually(self, job: Any) -> Any:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            loop = runner.get_loop()
            assert isinstance(loop, VirtualLoop)
            self.loop = loop
            try:
                return runner.run(job)
            finally:
                self.waited += timedelta(seconds=loop.time())
                self.loop = None


def reach(sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    """The settings that reach a sandbox in process, with limits that do not bind."""
    said = dict(line.split("=", 1) for line in reaching(sandbox, ROOT).splitlines())
    return said | {
        "WAREHOUSE_PATH": folder / "rapproche.duckdb",
        "DECLARATIONS_DIR": folder / "declarations",
        "POLICY_FILE": POLICY,
        "BOOND_REQUESTS_PER_MINUTE": 1_000_000,
        "BOOND_BURST_PER_SECOND": 1_000_000,
    }
