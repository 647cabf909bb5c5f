"""Records of any form out of the production dialects: stored, quarantined, or their stream fails.

What these dialects serve is taken apart and put together in Python, so that every field of a list
row, a detail, the dictionary and a login is a way to break it (P32).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import reduce
from operator import getitem
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from flows.engine import pull
from flows.engine.run import Run
from sandbox import trading
from sources.errors import SourceError
from sources.streams import Stream
from tests.flows.house import House
from tests.hostile.mutations import mutated, written

pytestmark = pytest.mark.nights

SMALL = {"consultants": 4, "mistakes": False, "portable": True}
LIVE = ("live", "live")
ROUNDS = 2
"""How often each stream is read; a thousand rounds by hand escaped nowhere."""
ROWS = ("data", "results")
LOGINS = ("/dictionary", "/login")
STREAMS = [("boond", name) for name in pull.BOOND_STREAMS] + [
    ("bill", name) for name in pull.BILL_STREAMS
]
Break = Callable[[httpx.Request, Any], Any]


def a_house(folder: Path) -> House:
    """A house that has read nothing yet; two of the bills are registered and paid."""
    house = House(folder, vendors=SMALL, speaking=LIVE)
    for bill in [*house.vendors.bills.values()][:2]:
        trading.register(house.vendors, bill)
        trading.pay(house.vendors, bill, bill.dated)
    house.vendors.settle()
    return house


def broken(house: House, change: Break) -> None:
    """Lets the vendors' answers be changed on their way."""
    inner = house.sandbox.transport()

    def answer(request: httpx.Request) -> httpx.Response:
        said = inner.handle_request(request)
        body = change(request, json.loads(said.content))
        content = written(body).encode("utf-8", "surrogatepass")
        return httpx.Response(said.status_code, headers=kept(said.headers), content=content)

    house.intercept = answer


def kept(headers: httpx.Headers) -> dict[str, str]:
    """The headers that hold for another content too."""
    return {name: said for name, said in headers.items() if name.lower() != "content-length"}


def fuzzed(random: Random, *, logins: bool = False) -> Break:
    """Breaks some rows, details and what came included; or else what is said at a login."""

    def change(request: httpx.Request, body: Any) -> Any:
        if request.url.path.endswith(LOGINS) is not logins or not isinstance(body, dict):
            return body
        key = next((name for name in ROWS if isinstance(body.get(name), list)), None)
        if key is None:
            return mutated(body, random) if random.random() < 0.7 else body
        rows = [mutated(row, random) if random.random() < 0.3 else row for row in body[key]]
        return {**body, key: rows}

    return change


def play(house: House, source: str, name: str, seeds: Iterable[int]) -> None:
    """Reads one stream, time and again, whose answers are broken."""

    async def part(run: Run) -> Stream:
        door = run.doors[source]
        stream = door.streams[name]
        for seed in seeds:
            broken(house, fuzzed(Random(f"{name} {seed}")))  # noqa: S311 - seeded
            # Nothing is known, so that everything is asked for.
            run.warehouse.execute(f"DELETE FROM raw.{source}_{name}")
            # Only a failure that nobody foresaw leaves a stream.
            await pull.pull_one(run, door, stream, full=True)
            said = run.warehouse.rows(f"SELECT id, payload->>'$.id' FROM raw.{source}_{name}")
            assert all(id_ == told for id_, told in said)
        house.intercept = None
        return stream

    stream = house.opened(part)
    for table in (stream.table, *(child.table for child in stream.columns.children)):
        house.frame(f"FROM core.{table}").to_dicts()  # every value is one that Python has


@pytest.fixture(autouse=True)
def _unstopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams go on however many records are refused, so that the others are stored."""
    monkeypatch.setattr(pull, "stops_stream", lambda *_, **__: False)


@pytest.mark.parametrize(("source", "name"), STREAMS)
def test_p32_nothing_that_is_served_live_escapes_its_stream(
    tmp_path: Path, source: str, name: str
) -> None:
    """Whatever is broken in answers, records are stored or refused, or their stream fails."""
    house = a_house(tmp_path)
    play(house, source, name, range(ROUNDS))


@pytest.mark.parametrize("seed", range(3))
def test_p32_what_is_said_at_a_login_stops_its_vendor_alone(tmp_path: Path, seed: int) -> None:
    """A broken dictionary ends in records or in quarantine, or its vendor is left out."""
    house = a_house(tmp_path)
    broken(house, fuzzed(Random(f"login {seed}"), logins=True))  # noqa: S311 - seeded

    async def part(run: Run) -> int:
        for source, name in (("boond", "contracts"), ("bill", "vendors")):
            if door := run.doors.get(source):
                await pull.pull_one(run, door, door.streams[name])
        return len(run.doors)

    house.opened(part)
    house.frame("FROM core.contracts").to_dicts()


ONE_OF = [
    ("boond", "consultants", "10001"),
    ("boond", "clients", "301"),
    ("boond", "cras", "70001"),
    ("boond", "client_invoices", "60001"),
    ("boond", "supplier_invoices", "80001"),
    ("bill", "invoices", "00n00001"),
    ("bill", "vendors", "00920001"),
]


@pytest.mark.parametrize(("source", "name", "id_"), ONE_OF)
def test_what_is_left_out_of_a_detail_is_never_a_zero(
    tmp_path: Path, source: str, name: str, id_: str
) -> None:
    """Each member, left out or null, costs what is made of it and becomes no amount."""
    house = a_house(tmp_path)
    told: list[Any] = []
    broken(house, lambda request, body: _noted(told, request, body))

    async def part(run: Run) -> None:
        door = run.doors[source]
        found = amounts = _amounts(await door.one(name, id_))
        for document, (*way, last) in [(at, way) for at, body in told for way in _ways(body)]:
            for gone in (_left_out, _nulled):
                broken(house, lambda r, b: gone(b, way, last) if str(r.url) == document else b)  # noqa: B023
                # An answer without any object in it is none at all.
                with suppress(SourceError):
                    found = _amounts(await door.one(name, id_))
                zero = {key for key, said in found.items() if not said and amounts.get(key, 1)}
                assert not zero, (document, way, last)

    house.opened(part)
    assert told


def _noted(told: list[Any], request: httpx.Request, body: Any) -> Any:
    if id_of(request) and not request.url.path.endswith(LOGINS):
        told.append((str(request.url), body))
    return body


def id_of(request: httpx.Request) -> bool:
    """Whether one object is asked for, and no list."""
    return any(part[-1:].isdigit() and len(part) > 2 for part in request.url.path.split("/"))


def _ways(value: Any) -> Iterator[tuple[Any, ...]]:
    """Where each member of a value stands; of a list, those of its first entry alone."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(min(len(value), 1)):
            yield (key,)
            yield from ((key, *way) for way in _ways(value[key]))


def _left_out(body: Any, way: Sequence[Any], last: Any) -> Any:
    holder = reduce(getitem, way, body)
    del holder[last]
    return body


def _nulled(body: Any, way: Sequence[Any], last: Any) -> Any:
    reduce(getitem, way, body)[last] = None
    return body


def _amounts(record: bytes | None) -> dict[tuple[Any, ...], Any]:
    """The numbers of a composed record, but for what was served."""
    composed = {key: said for key, said in json.loads(record or b"{}").items() if key != "served"}
    return {
        way: said
        for way in _ways(composed)
        if type(said := reduce(getitem, way, composed)) in {int, float}
    }
