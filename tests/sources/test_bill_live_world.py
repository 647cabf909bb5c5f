"""The door to BILL's live dialect over the stand-in that others wrote from the same references."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.bill_gateway import BillGateway
from sandbox.bill_live import BillLive as LiveStandIn
from sandbox.wire import Manners
from sandbox.world import World
from sources import json_text
from sources.bill import Bill
from sources.bill_live import BillLive
from sources.wiring import Wiring

Rows = dict[str, dict[str, Any]]
# The door's own, what only one dialect tells, and of what no decision is made.
APART = {"served", "version", "archived", "createdTime", "updatedTime", "vendorName"}


@pytest.fixture(scope="module")
def world() -> World:
    """A world that every dialect can tell."""
    return World.build(portable=True)


def opened(door: type[Bill] | type[BillLive], stand_in: Any, base_url: str) -> Any:
    """A door to a stand-in, which serves its lists seven rows at a time."""

    def handle(request: httpx.Request) -> httpx.Response:
        url = request.url.copy_merge_params({"max": "7"} if "max" in request.url.params else {})
        return stand_in(
            httpx.Request(request.method, url, headers=request.headers, content=request.content),
            url.path,
        )

    login = stand_in.login
    transport = httpx.MockTransport(handle)
    limits = {"requests_per_minute": 100_000, "burst_per_second": 100_000}
    return door(
        Wiring(now=stand_in.world.now, transport=transport, **limits),
        base_url=base_url,
        username=login.username,
        password=login.password,
        organization_id=login.organization_id,
        dev_key=login.dev_key,
    )


def live(stand_in: LiveStandIn) -> BillLive:
    """The door to the live stand-in."""
    door: BillLive = opened(BillLive, stand_in, "https://bill.test/connect")
    return door


async def rows_of(door: Any, stream: str, **asked: Any) -> Rows:
    """All records of a stream, whole."""
    found: Rows = {}
    detail = (door.streams[stream].detail or "$.id").removeprefix("$.")
    async for page in door.pages(stream, **asked):
        for row in json_text.exact(page.body)[page.rows_path.removeprefix("$.")]:
            found[row["id"]] = row | ({"billId": page.parent} if page.parent else {})
    thin = [id_ for id_, row in found.items() if detail not in row]
    return found | {id_: json_text.exact(await door.one(stream, id_)) for id_ in thin}


@pytest.mark.parametrize("stream", ["vendors", "invoices", "payments"])
async def test_both_dialects_tell_one_thing(world: World, stream: str) -> None:
    """What the gateway serves of a world is what is composed out of the live API."""
    gateway = opened(Bill, BillGateway(world), "https://bill.test")
    parents = [id_ async for page in gateway.pages("invoices") for id_ in page.ids]
    theirs = await rows_of(gateway, stream, parents=parents)
    ours = await rows_of(live(LiveStandIn(world)), stream)

    def told(rows: Rows) -> Rows:
        return {
            id_: {key: v for key, v in row.items() if v is not None and key not in APART}
            for id_, row in rows.items()
        }

    assert told(ours) == told(theirs)


@pytest.mark.parametrize(
    "manners",
    [
        Manners(),
        Manners(empty_pages=True),
        Manners(moving_pages=True),
        Manners(ignores_filters=True),
        Manners(broken_stream="*", broken_percent=30),
    ],
    ids=lambda manners: str(manners)[8:50],
)
async def test_no_manners_hide_a_record(world: World, manners: Manners) -> None:
    """However its lists behave, each bill, vendor and payment is read, archived ones too."""
    first, second, *_ = world.bills
    kept = dict(world.bills)
    world.bills[second] = replace(world.bills[second], archived=True)
    stand_in = LiveStandIn(world)
    stand_in.manners = manners
    door = live(stand_in)
    try:
        bills = await rows_of(door, "invoices")
    finally:
        world.bills.update(kept)
    assert set(bills) == set(world.bills)
    assert (bills[first]["archived"], bills[second]["archived"]) == (False, True)
    assert set(await rows_of(door, "vendors")) == set(world.vendors)
    assert set(await rows_of(door, "payments")) == set(world.payments)


async def test_changes_are_what_changed(world: World) -> None:
    """Since an instant, each stream gives what changed from then on."""
    since = world.now() - timedelta(days=2)
    door = live(LiveStandIn(world))
    bills = await rows_of(door, "invoices", since=since)
    changed = {bill.id for bill in world.bills.values() if bill.updated_at >= since}
    assert 0 < len(changed) < len(world.bills)
    assert set(bills) == changed
    payments = await rows_of(door, "payments", since=since)
    moved = [datetime.fromisoformat(row["updatedTime"]) for row in payments.values()]
    assert moved
    assert min(moved) >= since
