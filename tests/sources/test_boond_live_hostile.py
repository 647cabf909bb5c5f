"""BoondManager live where anything may stand anywhere: odd values cost their own record at most."""

import json
import random
from typing import Any

import httpx
import pytest

from sources.boond_live.streams import STREAMS
from tests.sources.boond_live_tenant import Tenant, records_of, rows_of, thing

_ODD = (None, 3, -1.5, [], {}, "x", True, "", [None], {"data": []}, {"id": 1}, "2026-13-45", 10**30)
_SHARE = 0.04


def _odd(value: Any, chance: random.Random) -> Any:
    """A value in which some parts are others; ids of records stay."""
    if chance.random() < _SHARE:
        return chance.choice(_ODD)
    if isinstance(value, dict):
        return {key: one if key == "id" else _odd(one, chance) for key, one in value.items()}
    return [_odd(one, chance) for one in value] if isinstance(value, list) else value


def _spoiled(seed: int) -> Tenant:
    """The golden tenant, with odd values in the attributes and relations of its objects."""
    tenant, chance = Tenant.golden(), random.Random(seed)  # noqa: S311 - a seeded example
    told = [path for path in tenant.holds if not path.startswith(("/refused", "/application"))]
    for path in told:
        body = json.loads(tenant.holds[path].content)
        served = body["data"]
        for one in served if isinstance(served, list) else [served]:
            for part in ("attributes", "relationships"):
                one[part] = _odd(one.get(part), chance)
        tenant.holds[path] = httpx.Response(200, text=json.dumps(body))
    return tenant


@pytest.mark.parametrize("seed", range(8))
async def test_odd_values_lose_no_other_record(seed: int) -> None:
    """Whatever stands in an object, each record of the stream is given to the checks."""
    spoiled, sound = _spoiled(seed).door(), Tenant.golden().door()
    for stream in ("consultants", "cras", "client_invoices", "contracts", "supplier_invoices"):
        given = {one["id"] for one in await records_of(spoiled, stream)}
        assert given == {one["id"] for one in await rows_of(sound, stream)}


async def test_the_digits_of_an_amount_reach_the_store() -> None:
    """An amount of more digits than a binary float holds is given as it was written."""
    who = {"project": ("project", "5"), "dependsOn": ("resource", "7")}
    price = "12345678901234.5678"
    body = json.dumps(
        {"data": [thing("delivery", "9", who, averageDailyPriceExcludingTax=0)], "meta": {}}
    ).replace('"averageDailyPriceExcludingTax": 0', f'"averageDailyPriceExcludingTax": {price}')
    project = thing("project", "5", {"company": ("company", "1")}, state=1)
    deliveries = httpx.Response(200, text=body)
    tenant = Tenant({"/projects": [project], "/deliveries-groupments": deliveries})
    (contract,) = await rows_of(tenant.door(), "contracts")
    assert contract["rates"][0]["dailyRate"] == price


async def test_rows_without_an_id_are_given_too() -> None:
    """Rows that have no id are not folded into one: the checks are to see each of them."""
    nameless = [thing("project", str(n), reference=f"R{n}") for n in range(3)]
    for one in nameless:
        del one["id"]
    tenant = Tenant({"/projects": nameless, "/deliveries-groupments": []})
    rows = await rows_of(tenant.door(), "contracts")
    assert sorted(row["reference"] for row in rows) == ["R0", "R1", "R2"]


def test_every_stream_is_told_by_thin_rows_and_versions() -> None:
    """All streams are asked for details by what their rows lack, once a version."""
    told = {(one.detail, one.version, one.archived) for one in STREAMS.values()}
    assert told == {("$.served", "$.version", "$.archived")}
