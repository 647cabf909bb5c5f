"""Records that a vendor has put away: kept where they were known, and never taken in as new."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from flows.engine.pull import pull
from flows.engine.run import Run
from flows.settings import Settings
from sources.boond_v3 import STREAMS
from sources.streams import Page
from store.warehouse import Warehouse
from transforms.policy import Policy

T = TypeVar("T")
NIGHT = datetime(2026, 11, 3, 3, tzinfo=UTC)
CLIENTS = replace(STREAMS["clients"], detail="$.served", version="$.version", archived="$.archived")


class Quiet:
    """A driver that shows nothing."""

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Does the work at once."""
        del name
        return await work()

    async def progress(self, *told: Any) -> None:
        """Nothing is shown."""

    show = link = progress


class Shelf:
    """A door whose list is thin rows; each record is served whole by its id."""

    source = "boond"

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def put(self, id_: str, version: str, *, archived: bool = False) -> None:
        """Has a client in a version."""
        self.records[id_] = {"id": id_, "version": version, "archived": archived}

    async def pages(
        self, stream: str, *, since: datetime | None = None, parents: Sequence[str] = ()
    ) -> AsyncGenerator[Page, None]:
        """One page of thin rows."""
        del stream, since, parents
        yield Page(json.dumps(list(self.records.values())).encode(), "$", 1, ())

    async def one(self, stream: str, id_: str) -> bytes | None:
        """The whole of a client."""
        del stream
        self.asked.append(id_)
        told = {"reference": id_, "name": "Acme", "updatedAt": "2026-11-01T00:00:00Z"}
        return json.dumps(self.records[id_] | told | {"served": {}}).encode()


class Nights:
    """Full crawls of the shelf, one a night."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.shelf = Shelf()
        self.now = NIGHT

    async def read(self) -> list[str]:
        """Reads the list, and tells which clients were asked for by id."""
        self.now += timedelta(days=1)
        self.shelf.asked = []
        run = Run(
            flow="sync",
            parameters={},
            settings=cast("Settings", None),
            policy=Policy(),
            as_of=date(2026, 11, 3),
            warehouse=self.warehouse,
            doors={},
            driver=Quiet(),
            now=lambda: self.now,
        )
        await pull(run, cast("Any", self.shelf), CLIENTS, full=True)
        return self.shelf.asked

    def alive(self) -> dict[str, bool]:
        """Which clients are stored, and whether they stand."""
        found = {}
        for table in ("raw.boond_clients", "core.clients"):
            found[table] = self.warehouse.rows(f"SELECT id, deleted_at IS NULL FROM {table}")
        assert found["raw.boond_clients"] == found["core.clients"]
        return dict(found["core.clients"])

    def versions(self) -> int:
        """How many versions the history has."""
        return int(self.warehouse.rows("SELECT count(*) FROM core.history")[0][0])


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    """An empty warehouse and a shelf."""
    with Warehouse.open(tmp_path / "r.duckdb") as warehouse:
        yield Nights(warehouse)


async def test_what_was_archived_before_it_was_known_is_not_taken_in(nights: Nights) -> None:
    """It is not stored, and not asked for."""
    nights.shelf.put("1", "v1")
    nights.shelf.put("2", "v1", archived=True)
    assert await nights.read() == ["1"]
    assert nights.alive() == {"1": True}


async def test_what_is_archived_goes_once_and_may_come_back(nights: Nights) -> None:
    """It stays with its mark, makes no version while nothing changes, and stands again then."""
    nights.shelf.put("1", "v1")
    await nights.read()
    nights.shelf.put("1", "v1", archived=True)
    assert await nights.read() == ["1"]
    assert nights.alive() == {"1": False}
    versions = nights.versions()
    assert await nights.read() == []
    assert (nights.alive(), nights.versions()) == ({"1": False}, versions)
    nights.shelf.put("1", "v2", archived=False)
    assert await nights.read() == ["1"]
    assert nights.alive() == {"1": True}


async def test_what_is_archived_while_it_is_read_is_not_taken_in_either(nights: Nights) -> None:
    """Of two rows of one client the later one counts."""
    nights.shelf.put("1", "v1")
    nights.shelf.records["1 again"] = {"id": "1", "version": "v2", "archived": True}
    await nights.read()
    assert nights.alive() == {}
