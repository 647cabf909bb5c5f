"""What both production dialects rely on, asked of the vendors' own sandboxes."""

import json
from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

import httpx
import pytest

from flows.engine.run import system_clock
from sources import json_text
from sources.assumptions import of_streams
from sources.errors import Validation
from tests.contracts.schemas import answer_misfits
from tests.vendor.conftest import Vendor

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTRACTS = {"boond": ("boond_live", ""), "bill": ("bill_live", "/v3")}
"""Vendor → its contracts, and what stands before their paths."""
BOTH = pytest.mark.parametrize("vendor", CONTRACTS, indirect=True)
DETAILS = 3
INVOICE = "boond.invoice.create"


async def rows_of(vendor: Vendor, stream: str) -> list[Any]:
    """The first page of a stream that has any rows."""
    async for page in vendor.door.pages(stream):
        told = json_text.exact(page.body)
        rows = told if isinstance(told, list) else next(iter(told.values()))
        if rows:
            return list(rows)
    return []


@BOTH
async def test_the_credentials_are_taken(vendor: Vendor) -> None:
    """The login goes well, and a second one is not made."""
    await vendor.door.login()
    await vendor.door.login()
    logins = [path for path, *_ in vendor.exchanges() if path.endswith(("/dictionary", "/login"))]
    assert len(logins) == 1


@BOTH
async def test_every_answer_fits_its_contract(vendor: Vendor) -> None:
    """The first rows of each list, and what is composed of some of them."""
    for name, stream in vendor.door.streams.items():
        rows = await rows_of(vendor, name)
        for row in islice((row for row in rows if stream.one), DETAILS):
            assert await vendor.door.one(name, row["id"]) is not None
    contracts, below = CONTRACTS[vendor.door.source]
    misfits = [
        f"{request.method} {path}: {said}"
        for path, request, response in vendor.exchanges()
        if response.is_success
        for said in answer_misfits(
            contracts, path.removeprefix(below), json.loads(response.content), request.method
        )
    ]
    assert misfits == []


@BOTH
async def test_filters_are_honoured(vendor: Vendor) -> None:
    """Lists that are asked for what changed since yesterday give nothing older."""
    since = system_clock() - timedelta(days=1)
    found = [one async for one in of_streams(vendor.door, since)]
    assert found
    assert [f"{one.what}: {one.said}" for one in found if not one.holds] == []


async def test_what_the_doctor_takes_for_granted_of_boondmanager(boond: Vendor) -> None:
    """States can be told, lists be read, reports are in days."""
    await boond.door.login()
    wrong = [one async for one in boond.door.assumptions() if one.refused or one.holds is False]
    assert [f"{one.what}: {one.said}" for one in wrong] == []


async def test_bills_session_stands_in_headers(bill: Vendor) -> None:
    """Both headers with every call but the login, and no secret in a URL."""
    await rows_of(bill, "vendors")
    calls = [request for path, request, _ in bill.exchanges() if path != "/v3/login"]
    secrets = {request.headers[name] for request in calls for name in ("sessionId", "devKey")}
    assert calls
    assert not [one for one in secrets for request in calls if one in str(request.url)]


async def test_bill_refuses_a_session_that_is_none(bill: Vendor) -> None:
    """An error array with BDC_1109: what the door renews its session by."""
    key = bill.settings.BILL_COM_DEV_KEY
    headers = {"sessionId": "no-session", "devKey": key.get_secret_value() if key else ""}
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{bill.base_url}/v3/bills", headers=headers)
    assert answer.json()[0]["code"] == "BDC_1109"


async def test_a_draft_invoice_is_kept_as_it_was_sent(boond: Vendor, may_write: None) -> None:
    """One euro on the first order that takes it: what is read back is what was sent."""
    payload, held = await _sent(boond)
    read = await boond.door.read(INVOICE, str(held["id"]))
    assert read is not None
    assert boond.door.differences(INVOICE, payload, read) == []


async def _sent(boond: Vendor) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """An invoice of the first project that can be billed for the month, and what was made of it."""
    refused = []
    for contract in await rows_of(boond, "contracts"):
        payload = _one_euro(contract["id"], contract["client"]["id"])
        try:
            return payload, await boond.door.send(INVOICE, "", payload)
        except Validation as error:
            refused.append(error.message)
    raise AssertionError(f"no project can be billed: {refused[:DETAILS]}")


def _one_euro(contract_id: str, client_id: str) -> Mapping[str, Any]:
    today = system_clock().date()
    line = {"description": f"Test · {today:%Y-%m} · 1", "quantity": "1", "unit_price": "1.00"}
    return {
        "reference": f"TEST-{system_clock():%Y%m%d%H%M%S}",
        "client_id": client_id,
        "contract_id": contract_id,
        "issue_date": str(today),
        "due_date": str(today + timedelta(days=30)),
        "lines": [line | {"total_excl_tax": "1.00"}],
        "total_excl_tax": "1.00",
        "total_tax": "0.20",
        "total_incl_tax": "1.20",
        "currency": "EUR",
        "status": "draft",
    }
