"""Records that a vendor has put away: kept where they were known, and never taken in as new."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from flows.engine.pull import pull, retry_quarantine
from flows.engine.run import Run
from flows.settings import Settings
from sources.boond_v3 import STREAMS
from sources.streams import Page, Stream
from store.warehouse import Warehouse
from transforms.policy import Policy

T = TypeVar("T")
NIGHT = datetime(2026, 11, 3, 3, tzinfo=UTC)
CLIENTS = replace(
    STREAMS["clients"],
    detail="$.served",
    version="$.version",
    archived="$.archived",
    incremental=False,
)


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
    """A door whose list is thin rows, or `whole` ones; each record is served whole by its id."""

    source = "boond"
    streams: Mapping[str, Stream] = {"clients": CLIENTS}

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.whole = False

    def put(self, id_: str, version: str, *, archived: bool = False, **more: Any) -> None:
        """Has a client in a version."""
        self.records[id_] = {"id": id_, "version": version, "archived": archived} | more

    async def pages(
        self, stream: str, *, since: datetime | None = None, parents: Sequence[str] = ()
    ) -> AsyncGenerator[Page, None]:
        """One page of all records."""
        del stream, since, parents
        rows = [_whole(row) if self.whole else row for row in self.records.values()]
        yield Page(json.dumps(rows).encode(), "$", 1, ())

    async def one(self, stream: str, id_: str) -> bytes | None:
        """The whole of a client."""
        del stream
        self.asked.append(id_)
        if id_ not in self.records:
            return None
        return json.dumps(_whole(self.records[id_])).encode()


def _whole(record: dict[str, Any]) -> dict[str, Any]:
    told = {"reference": record["id"], "name": "Acme", "updatedAt": "2026-11-01T00:00:00Z"}
    return told | record | {"served": {}}


class Nights:
    """Full crawls of the shelf, one a night."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.shelf = Shelf()
        self.now = NIGHT

    async def read(self, *, full: bool = False) -> list[str]:
        """Reads the list, and tells which clients were asked for by id."""
        await pull(self.run(), cast("Any", self.shelf), CLIENTS, full=full)
        return self.shelf.asked

    async def retry(self) -> None:
        """Looks again at what was refused."""
        await retry_quarantine(self.run())

    def run(self) -> Run:
        """A run of the next day."""
        self.now += timedelta(days=1)
        self.shelf.asked = []
        return Run(
            flow="sync",
            parameters={},
            settings=cast("Settings", None),
            policy=Policy(),
            as_of=date(2026, 11, 3),
            warehouse=self.warehouse,
            doors={"boond": cast("Any", self.shelf)},
            driver=Quiet(),
            now=lambda: self.now,
        )

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


async def test_what_stays_archived_changes_only_with_what_it_says(nights: Nights) -> None:
    """Where a list says all, too: served again as it was, it makes no version."""
    nights.shelf.whole = True
    nights.shelf.put("1", "v1")
    await nights.read()
    said = []
    for name in ("Acme", "Acme", "Acme SAS"):
        nights.shelf.put("1", "v1", archived=True, name=name)
        await nights.read()
        said.append((nights.alive()["1"], nights.versions()))
    assert said == [(False, 3), (False, 3), (False, 5)]


async def test_what_is_refused_goes_once_it_is_mended(nights: Nights) -> None:
    """Until then the record stands as it was stored."""
    nights.shelf.put("1", "v1")
    await nights.read()
    nights.shelf.put("1", "v2", archived=True, name=None)
    await nights.read()
    assert nights.alive() == {"1": True}
    nights.shelf.put("1", "v2", archived=True)
    await nights.retry()
    assert nights.alive() == {"1": False}


async def test_what_is_archived_while_it_is_read_is_not_taken_in_either(nights: Nights) -> None:
    """Of two rows of one client the later one counts."""
    nights.shelf.put("1", "v1")
    nights.shelf.records["1 again"] = {"id": "1", "version": "v2", "archived": True}
    await nights.read()
    assert nights.alive() == {}


async def test_what_was_not_found_and_is_listed_again_stands_again(nights: Nights) -> None:
    """A record that the vendor hid for a night comes back, though its version is the same."""
    nights.shelf.put("1", "v1")
    await nights.read()
    hidden = nights.shelf.records.pop("1")
    await nights.read()
    assert nights.alive() == {"1": False}
    nights.shelf.records["1"] = hidden
    assert await nights.read() == ["1"]
    assert nights.alive() == {"1": True}


async def test_a_person_may_have_every_detail_read_anew(nights: Nights) -> None:
    """A detail that moves no version is seen by a crawl that a person asks for."""
    nights.shelf.put("1", "v1")
    assert await nights.read() == ["1"]
    assert await nights.read() == []
    assert await nights.read(full=True) == ["1"]
