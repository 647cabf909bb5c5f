"""What the live dialect tells of a world, the door composes to what `v3` tells of it."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox import boond_shapes as shapes
from sandbox import events
from sandbox.boond_live_shapes import BIRTH, SALARY
from sandbox.domain import Activity
from sandbox.server import Sandbox
from sandbox.trading import line_of, register
from sandbox.world import World
from sources import json_text
from sources.boond_live.door import BoondLive
from sources.wiring import Wiring
from tests.contracts.schemas import answer_misfits
from tests.sources.boond_live_tenant import records_of

TOLD: dict[str, tuple[str, Callable[[World, Any], dict[str, Any]]]] = {
    "consultants": ("consultants", shapes.consultant),
    "clients": ("clients", shapes.client),
    "contracts": ("contracts", shapes.contract),
    "cras": ("cras", shapes.cra),
    "client_invoices": ("client_invoices", shapes.client_invoice),
    "suppliers": ("suppliers", shapes.supplier),
    "purchase_orders": ("orders", shapes.purchase_order),
    "supplier_invoices": ("supplier_invoices", shapes.supplier_invoice),
}
OF_LIVE = {"version", "archived", "served"}
UNTOLD = {"description", "quantity", "unitPrice"}
"""A provider invoice has payments instead of lines: an amount each, and no more."""


def busy() -> World:
    """A world with every status, both signs, odd lines, and two prices of one person."""
    world = World.build(portable=True)
    _invoice(world)
    _buy(world)
    _report(world)
    _change_price(world)
    list(world.contracts.values())[-1].status = "ended"
    return world


def _change_price(world: World) -> None:
    employed = {m.consultant_id for m in world.missions.values() if m.order_id is None}
    contract, old = next(
        (contract, contract.rates[-1])
        for contract in world.contracts.values()
        if contract.rates and contract.rates[-1].consultant_id in employed
    )
    old.start, old.end = contract.start, world.scope.as_of
    later = old.end + timedelta(days=1)
    contract.rates.append(replace(old, daily_rate=old.daily_rate + 60, start=later, end=None))


def _invoice(world: World) -> None:
    for number, invoice in enumerate(world.client_invoices.values()):
        invoice.status = ("draft", "sent", "paid", "cancelled")[number % 4]
        invoice.paid = {1: Decimal(100), 2: invoice.gross}.get(number % 4, Decimal(0))
    for consultant_id in list(world.consultants)[:8]:
        events.credit_client(world, consultant_id, world.scope.month, Decimal(2))


def _buy(world: World) -> None:
    references = {order.reference for order in world.orders.values()}
    bills = [bill for bill in world.bills.values() if bill.order_number in references]
    for bill in bills:
        register(world, bill)
    for number, invoice in enumerate(world.supplier_invoices.values()):
        invoice.status = ("registered", "flagged_for_payment", "paid", "cancelled")[number % 4]
        invoice.lines = [line_of("Prestations", Decimal(1), invoice.net)]
        invoice.tax = -Decimal(20) if invoice.net < 0 else Decimal(20)
        invoice.gross = invoice.net + invoice.tax
        invoice.order_id = None if number % 5 == 0 else invoice.order_id
    for number, order in enumerate(world.orders.values()):
        order.status = ("draft", "approved", "closed", "cancelled")[number % 4]
        order.currency = (None, "USD", "EUR")[number % 3]


def _report(world: World) -> None:
    kinds = ("production", "absence", "internal")
    for number, cra in enumerate(world.cras.values()):
        day = cra.activities[2].day
        cra.activities.append(Activity(day, Decimal("0.5"), "production", "Mise en service"))
        cra.activities.append(Activity(day, Decimal("0.25"), "internal", "Astreinte de nuit"))
        cra.activities.sort(key=lambda a: (a.day, kinds.index(a.kind)))
        cra.total_days = cra.production_days(cra.start, cra.end)
        cra.status = ("draft", "submitted", "validated", "rejected")[number % 4]
        done = cra.status == "validated"
        cra.validated_at = cra.updated_at if done else None
        cra.validator = "900" if done else None


@dataclass
class Crawl:
    """A world, each stream's records as the live door composes them, and what it was answered."""

    world: World
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def transport(self) -> httpx.MockTransport:
        """The sandbox, whose first answer of each form of path is kept."""
        sandbox = Sandbox(self.world, boond="live")

        def answer(request: httpx.Request) -> httpx.Response:
            response = sandbox.answer(request)
            path = request.url.path.removeprefix("/boond/api")
            self.answers.setdefault(re.sub(r"\d+", "N", path), (path, response.content))
            return response

        return httpx.MockTransport(answer)

    async def read(self) -> None:
        """Reads all streams."""
        wiring = Wiring(
            now=self.world.now,
            transport=self.transport(),
            requests_per_minute=100_000,
            burst_per_second=100_000,
        )
        door = BoondLive(
            wiring,
            base_url="https://sandbox/boond/api",
            user_token="sandbox-user-token",
            client_token="sandbox-client-token",
            client_key="sandbox-client-key",
            states={},
            today=lambda: self.world.now().date(),
        )
        self.records = {stream: await records_of(door, stream) for stream in TOLD}
        await door.aclose()


@pytest.fixture(scope="module")
def crawl() -> Crawl:
    """What is read of a busy world."""
    found = Crawl(busy())
    asyncio.run(found.read())
    return found


def plain(value: Any) -> Any:
    """A value without what is absent, its numbers as decimals."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return Decimal(value) if is_number else value


def expected(stream: str, told: dict[str, Any]) -> Any:
    """What `v3` tells, as far as the live dialect can."""
    if stream == "supplier_invoices":
        lines = [{k: v for k, v in line.items() if k not in UNTOLD} for line in told["lines"]]
        told = told | {"lines": lines}
    return plain(told)


def beginning(body: dict[str, Any]) -> dict[str, Any]:
    """A body with the first rows of its lists alone."""
    return {key: item[:9] if isinstance(item, list) else item for key, item in body.items()}


@pytest.mark.parametrize("stream", TOLD)
def test_both_dialects_tell_the_same(crawl: Crawl, stream: str) -> None:
    """Each record of a stream is composed to what `v3` tells of it, key by key."""
    world, (table, shape) = crawl.world, TOLD[stream]

    found = {
        record["id"]: plain({k: v for k, v in record.items() if k not in OF_LIVE})
        for record in crawl.records[stream]
    }

    wanted = {r.id: expected(stream, shape(world, r)) for r in getattr(world, table).values()}
    assert found == wanted


def test_nothing_private_is_kept(crawl: Crawl) -> None:
    """Neither a salary nor a date of birth, both of which are served, is in any record."""
    everything = json_text.encode(crawl.records)

    assert str(SALARY).encode() not in everything
    assert BIRTH.encode() not in everything


def test_answers_fit_their_contracts(crawl: Crawl) -> None:
    """Each answer fits the schema that was written of it from the vendor's references alone."""
    misfits = {
        form: answer_misfits("boond_live", path, beginning(json.loads(body)))
        for form, (path, body) in crawl.answers.items()
    }

    assert misfits == {form: [] for form in crawl.answers}
    assert len(misfits) >= 18
