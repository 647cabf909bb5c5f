"""Whatever both live doors ask of the sandbox, and are answered, fits the vendors' contracts.

The schemas are written from the references alone. The doors and the stand-in were written apart
from them, and from each other: a word that only those two agree upon is found here.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.events import credit_client
from sandbox.server import Sandbox
from sandbox.trading import register
from sandbox.world import World
from sources import json_text
from sources.bill_live import BillLive
from sources.boond_live.door import BoondLive
from sources.streams import Door
from sources.wiring import Wiring
from tests.contracts.schemas import answer_misfits, misfits

BASES = {"/boond/api": "boond_live", "/bill/connect/v3": "bill_live"}
BODIES = {
    "POST /invoices": "boond_live/invoice.request",
    "POST /provider-invoices": "boond_live/providerinvoice.request",
    "PUT /payments/{id}": "boond_live/payment.request",
    "POST /times-reports/{id}/reject": "boond_live/reject.request",
    "POST /login": "bill_live/login.request",
}
QUERIES = {
    "POST /times-reports/{id}/validate": "boond_live/validate.query",
    "POST /times-reports/{id}/unvalidate": "boond_live/validate.query",
    "POST /times-reports/{id}/reject": "boond_live/reject.query",
}
BAD_REQUEST = 400
# BILL's sessions may count as writes, as they are the only ones.
WRITES = {*BODIES, *QUERIES}


@dataclass(frozen=True)
class Exchanged:
    """A request, and what was answered."""

    request: httpx.Request
    response: httpx.Response

    @property
    def place(self) -> tuple[str, str]:
        """Whose contract it is under, and its path there."""
        path = self.request.url.path
        base = next(base for base in BASES if path.startswith(f"{base}/"))
        return BASES[base], path.removeprefix(base)

    @property
    def call(self) -> str:
        """The call, with `{id}` for ids."""
        parts = ("{id}" if part.isdigit() else part for part in self.place[1].split("/"))
        return f"{self.request.method} {'/'.join(parts)}"


class Overheard(httpx.AsyncBaseTransport):
    """A transport that keeps what goes over it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.inner, self.kept = sandbox.transport(), list[Exchanged]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers as the sandbox does."""
        response = await self.inner.handle_async_request(request)
        self.kept.append(Exchanged(request, response))
        return response


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def overheard() -> AsyncIterator[list[Exchanged]]:
    """Everything that is said while all is read and each command is sent once."""
    world = World.build(consultants=6, mistakes=False, portable=True)
    credit_client(world, "10001", "2026-10", Decimal(2))
    register(world, next(iter(world.bills.values())))
    heard = Overheard(Sandbox(world, boond="live", bill="live"))
    wiring = Wiring(
        now=world.now, transport=heard, requests_per_minute=10**6, burst_per_second=10**6
    )
    boond = BoondLive(
        wiring,
        base_url="https://sandbox.test/boond/api",
        user_token="sandbox-user-token",
        client_token="sandbox-client-token",
        client_key="sandbox-client-key",
        states={},
        today=world.now().date,
    )
    bill = BillLive(
        wiring,
        base_url="https://sandbox.test/bill/connect",
        username="compta@esn.example",
        password="sandbox-password",
        organization_id="org-sandbox",
        dev_key="sandbox-dev-key",
    )
    for door in (boond, bill):
        await _read_all(door)
    await _write_all(boond, world)
    yield heard.kept
    for door in (boond, bill):
        await door.aclose()


async def _read_all(door: Door) -> None:
    for name, stream in door.streams.items():
        async for page in door.pages(name):
            rows = json_text.exact(page.body)
            for row in rows if isinstance(rows, list) else next(iter(rows.values())):
                if "served" not in row and stream.one:
                    assert await door.one(name, row["id"])


async def _write_all(door: BoondLive, world: World) -> None:
    waits = [cra for cra in world.cras.values() if cra.status == "submitted"]
    done = next(cra for cra in world.cras.values() if cra.status == "validated")
    await door.send("boond.cra.validate", waits[0].id, {"status": "validated"})
    for cra in (waits[1], done):
        await door.send("boond.cra.invalidate", cra.id, {"status": "invalidated"})
    await door.send("boond.invoice.create", "", _invoice(world))
    held = await door.send("boond.supplier_invoice.register", "", _supplier_invoice(world))
    await door.send("boond.supplier_invoice.flag", held["id"], {"status": "flagged_for_payment"})
    for kind, payload in (
        ("boond.invoice.create", _invoice(world)),
        ("boond.supplier_invoice.register", _supplier_invoice(world)),
    ):
        assert len(await door.find(kind, payload)) == 1


def _invoice(world: World) -> Mapping[str, Any]:
    contract = next(iter(world.contracts.values()))
    line = {"description": "Ada · 2026-10 · 1", "quantity": "0.5", "unit_price": "333.33"}
    return {
        "reference": "RAP-2026-10-X",
        "client_id": contract.client_id,
        "contract_id": contract.id,
        "issue_date": "2026-11-03",
        "due_date": "2026-12-03",
        "lines": [line | {"total_excl_tax": "166.67"}],
        "total_excl_tax": "166.67",
        "total_tax": "33.33",
        "total_incl_tax": "200.00",
        "currency": "EUR",
        "status": "draft",
    }


def _supplier_invoice(world: World) -> Mapping[str, Any]:
    order = next(iter(world.orders.values()))
    return {
        "supplier_id": order.supplier_id,
        "purchase_order_id": order.id,
        "reference": "S-1",
        "issue_date": "2026-11-02",
        "lines": [],
        "total_excl_tax": "8005.00",
        "currency": "EUR",
        "status": "registered",
    }


def test_everything_was_said(overheard: list[Exchanged]) -> None:
    """All that the doors may write was written, and nothing else; nothing was refused."""
    assert {one.call for one in overheard if one.request.method != "GET"} == WRITES
    assert {one.response.status_code for one in overheard} == {200}


def test_answers_fit(overheard: list[Exchanged]) -> None:
    """Every answer of the stand-in fits the contract of its path."""
    found = [
        f"{one.call}: {said}"
        for one in overheard
        for said in answer_misfits(*one.place, one.response.json(), one.request.method)
    ]

    assert found == []


@pytest.mark.parametrize("call", sorted(WRITES))
def test_bodies_fit(overheard: list[Exchanged], call: str) -> None:
    """What the doors write fits its schema, and where there is none, there is no body."""
    sent = [one.request for one in overheard if one.call == call]
    assert sent
    for request in sent:
        if call in BODIES:
            assert misfits(BODIES[call], json.loads(request.content)) == []
        else:
            assert request.content == b""
        if call in QUERIES:
            assert misfits(QUERIES[call], dict(request.url.params)) == []


def spoiled(body: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """A body with one thing wrong at a time: a key too many, or a value of another type."""
    if isinstance(body, dict):
        yield f"{at}/surplus", body | {"surplus": 1}
        for key, value in body.items():
            for where, worse in spoiled(value, f"{at}/{key}"):
                yield where, body | {key: worse}
    elif isinstance(body, list):
        for place, value in enumerate(body):
            for where, worse in spoiled(value, f"{at}/{place}"):
                yield where, [*body[:place], worse, *body[place + 1 :]]
    yield at, {"surplus": 1} if not isinstance(body, dict) else 1


@pytest.mark.parametrize("call", sorted(BODIES.keys() - {"POST /login"}))
def test_spoiled_bodies_fit_nowhere(overheard: list[Exchanged], call: str) -> None:
    """What breaks a body breaks its schema, and the stand-in refuses it and writes nothing."""
    sent = next(one.request for one in overheard if one.call == call)
    world = World.build(consultants=6, mistakes=False, portable=True)
    taken = []
    for where, body in spoiled(json.loads(sent.content)):
        misfit = misfits(BODIES[call], body)
        answered = _asked(world, sent, body)
        if not misfit or answered.status_code < BAD_REQUEST:
            taken.append((where, misfit, answered.status_code))
        else:
            assert misfits("boond_live/errors", answered.json()) == []

    assert (taken, world.writes) == ([], [])


def _asked(world: World, sent: httpx.Request, body: Any) -> httpx.Response:
    text = json.dumps(body).encode()
    headers = {k: v for k, v in sent.headers.items() if k != "content-length"}
    request = httpx.Request(sent.method, sent.url, headers=headers, content=text)
    return Sandbox(world, boond="live", bill="live").answer(request)


@pytest.mark.parametrize(
    ("vendor", "path", "status"),
    [
        ("boond_live", "/boond/api/resources", 401),
        ("boond_live", "/boond/nothing", 404),
        ("bill_live", "/bill/connect/v3/bills", 401),
        ("bill_live", "/bill/connect/v3/login", 405),
    ],
)
def test_refusals_fit(vendor: str, path: str, status: int) -> None:
    """The stand-in's refusals fit the contract of all refusals."""
    world = World.build(consultants=1, mistakes=False, portable=True)
    request = httpx.Request("GET", f"https://sandbox.test{path}")

    answered = Sandbox(world, boond="live", bill="live").answer(request)

    assert (answered.status_code, misfits(f"{vendor}/errors", answered.json())) == (status, [])


def test_nothing_is_dropped_silently(overheard: list[Exchanged]) -> None:
    """Every write asks BoondManager to refuse what it would otherwise drop."""
    written = [o for o in overheard if o.request.method != "GET" and o.place[0] == "boond_live"]

    assert {one.request.headers.get("X-Debug-Boondmanager") for one in written} == {"true"}


def test_the_get_that_bills_is_never_called(overheard: list[Exchanged]) -> None:
    """No call of ours is one that makes invoices though it is a GET."""
    assert not [one for one in overheard if "/apps/" in one.request.url.path]
