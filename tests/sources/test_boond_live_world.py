"""Both dialects of BoondManager over one world that both can tell."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox.boond_live_shapes import AVERAGE_COST, BIRTH, SALARY
from sandbox.boond_live_wire import LiveCredentials
from sandbox.server import Sandbox
from sandbox.world import World
from sources import json_text
from sources.boond_live.door import BoondLive
from sources.boond_live.streams import STREAMS
from sources.boond_v3 import STREAMS as STREAMS_OF_V3
from sources.wiring import Wiring

_OWN = {"version", "archived", "served"}
_NOT_TOLD = {"supplier_invoices": {"lines"}}


@pytest.fixture(scope="module")
def world() -> World:
    """A world that every dialect can tell, with its planted mistakes."""
    return World.build(portable=True)


def _door(world: World, served: list[bytes] | None = None) -> BoondLive:
    known, sandbox = LiveCredentials(), Sandbox(world, boond="live")

    def answer(request: httpx.Request) -> httpx.Response:
        response = sandbox.answer(request)
        if served is not None:
            served.append(response.content)
        return response

    wiring = Wiring(
        now=world.now,
        transport=httpx.MockTransport(answer),
        requests_per_minute=100_000,
        burst_per_second=100_000,
    )
    return BoondLive(
        wiring,
        base_url="https://boond.test/boond/api",
        user_token=known.user_token,
        client_token=known.client_token,
        client_key=known.client_key,
        states={},
        today=lambda: world.scope.as_of,
    )


async def _bodies(door: BoondLive, stream: str) -> AsyncGenerator[bytes, None]:
    """The whole rows of a stream as texts."""
    async for page in door.pages(stream):
        yield page.body
        for row in json_text.exact(page.body)["data"]:
            if "served" not in row:
                one = await door.one(stream, row["id"])
                assert one is not None
                yield b'{"data":[%s]}' % one


async def _records(door: BoondLive, stream: str) -> dict[str, dict[str, Any]]:
    bodies = [json_text.exact(body)["data"] async for body in _bodies(door, stream)]
    return {row["id"]: row for rows in bodies for row in rows if "served" in row}


def _as_v3(world: World, stream: str) -> dict[str, dict[str, Any]]:
    sandbox, found = Sandbox(world), dict[str, dict[str, Any]]()
    for page in range(1, 100):
        url = f"https://boond.test/boond/api/v3{STREAMS_OF_V3[stream].path}?page={page}"
        asked = httpx.Request("GET", url, headers={"X-API-Key": "sandbox-api-key"})
        rows = json_text.exact(sandbox.answer(asked).content)["data"]
        if not rows:
            break
        found |= {row["id"]: row for row in rows}
    return found


def _told(value: Any, without: set[str]) -> Any:
    """A value without what is absent or null, and its numbers as decimals."""
    if isinstance(value, dict):
        said = {key: one for key, one in value.items() if one is not None and key not in without}
        return {key: _told(one, set()) for key, one in said.items()}
    if isinstance(value, list):
        return [_told(one, set()) for one in value]
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize("stream", STREAMS)
async def test_live_tells_what_v3_tells(world: World, stream: str) -> None:
    """What is composed of the live API is the object that v3 serves, record by record."""
    without = _OWN | _NOT_TOLD.get(stream, set())
    composed = await _records(_door(world), stream)
    served = _as_v3(world, stream)
    assert {id_: _told(one, without) for id_, one in composed.items()} == {
        id_: _told(one, without) for id_, one in served.items()
    }
    assert composed


async def test_no_hr_data_leaves_the_door() -> None:
    """No salary, cost, birth date or private address is in what is given to the store."""
    served: list[bytes] = []
    door = _door(World.build(portable=True, consultants=6, mistakes=False), served)
    private = [str(SALARY), str(AVERAGE_COST), BIRTH, "rue Privée", "confidentiel", "married"]
    told = b"".join([body for stream in STREAMS async for body in _bodies(door, stream)]).decode()
    heard = b"".join(served).decode()
    assert [word for word in private if word not in heard] == []
    assert [word for word in private if word in told] == []


@pytest.mark.parametrize("stream", STREAMS)
async def test_a_composed_record_has_the_version_of_its_list(world: World, stream: str) -> None:
    """A record is stored under the version that its list row says, so it is not read again."""
    door = _door(world)
    rows = [
        row
        async for page in door.pages(stream)
        for row in json_text.exact(page.body)["data"]
        if "served" not in row
    ][:3]
    for row in rows:
        one = json_text.exact(await door.one(stream, row["id"]) or b"{}")
        assert one["version"] == row["version"] != ""
