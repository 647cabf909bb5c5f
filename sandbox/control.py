"""The control surface `/_sandbox/`: for demos and tests, no vendor has it."""

from typing import TYPE_CHECKING, Any

import httpx

from sandbox import boond_shapes as shapes
from sandbox.wire import answer as json_answer
from sandbox.wire import body_of, invalid, missing, wrong_method
from sandbox.world import World

if TYPE_CHECKING:
    from sandbox.server import Sandbox

MOST_DAYS = 366


def answer(sandbox: "Sandbox", request: httpx.Request, path: str) -> httpx.Response:
    """Answers `state`, `advance`, `faults` and `expire`.

    Raises:
        Refusal: for another path or verb, or a body that says nothing sensible.
    """
    routes = {
        "/state": ("GET", _state),
        "/advance": ("POST", _advance),
        "/faults": ("POST", _faults),
        "/expire": ("POST", _expire),
    }
    if path not in routes:
        raise missing(request.url.path)
    method, handle = routes[path]
    if request.method != method:
        raise wrong_method([method])
    return json_answer(handle(sandbox, request), sandbox.world.now())


def _advance(sandbox: "Sandbox", request: httpx.Request) -> dict[str, Any]:
    days = body_of(request).get("days", 1)
    if isinstance(days, bool) or days not in range(1, MOST_DAYS + 1):
        raise invalid(f"days is no whole number from 1 to {MOST_DAYS}")
    happened = sandbox.world.advance(int(days))
    return {"now": sandbox.world.now().isoformat(), "happened": happened}


def _faults(sandbox: "Sandbox", request: httpx.Request) -> dict[str, Any]:
    wanted = body_of(request).get("profile", "none")
    try:
        sandbox.set_faults(str(wanted))
    except ValueError as error:
        raise invalid(str(error)) from error
    return {"profile": wanted}


def _expire(sandbox: "Sandbox", request: httpx.Request) -> dict[str, Any]:
    """Makes every token and session unknown, as a vendor's restart would."""
    del request
    sandbox.boond.forget_tokens()
    sandbox.bill.forget_sessions()
    return {"expired": True}


def _state(sandbox: "Sandbox", request: httpx.Request) -> dict[str, Any]:
    del request
    world = sandbox.world
    return {
        "now": world.now().isoformat(),
        "month": world.scope.month,
        "client_invoices": [
            shapes.client_invoice(world, i) for i in world.client_invoices.values()
        ],
        "supplier_invoices": [
            shapes.supplier_invoice(world, i) for i in world.supplier_invoices.values()
        ],
        "cras": {cra.id: cra.status for cra in world.cras.values()},
        "bills": {bill.id: bill.status for bill in world.bills.values()},
        "writes": world.writes,
        "requests": dict(sandbox.requests),
        "expected": _expected(world),
    }


def _expected(world: World) -> dict[str, Any]:
    return {
        "invoices": {i.reference: i.total_excl_tax for i in world.expected_invoices},
        "paid_bills": {b.bill_id: b.amount for b in world.expected_paid_bills},
        "planted": len(world.planted),
    }
