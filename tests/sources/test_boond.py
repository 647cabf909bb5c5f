"""Commands to BoondManager: looked up, sent, read back."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.boond import differences
from sources.boond_v3 import STREAMS, ClientInvoice
from sources.errors import OutcomeUnknown, Transient, Validation
from sources.mapping import held_by_vendor, wire_body

PAYLOAD: dict[str, Any] = {
    "reference": "RAP-2026-10-K1",
    "client_id": "C1",
    "contract_id": "K1",
    "issue_date": "2026-10-31",
    "due_date": "2026-11-30",
    "lines": [
        {
            "description": "Jean Dupont",
            "quantity": "19.5000",
            "unit_price": "550.0000",
            "total_excl_tax": "10725.0000",
        }
    ],
    "total_excl_tax": "10725.0000",
    "total_tax": "2145.0000",
    "total_incl_tax": "12870.0000",
    "currency": "EUR",
    "status": "draft",
}


class Desk:
    """Keeps what is posted, under ids of its own, and ignores every filter."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.bodies: list[tuple[str, str, bytes]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Lists, shows or keeps."""
        path = request.url.path.removeprefix("/api/v3")
        id_ = path.split("/")[-1]
        if request.method == "GET" and path in {stream.path for stream in STREAMS.values()}:
            page = int(request.url.params["page"])
            return httpx.Response(200, json={"data": list(self.kept.values()) if page == 1 else []})
        if request.method == "GET":
            found = self.kept.get(id_)
            return httpx.Response(200 if found else 404, json={"data": found})
        self.bodies.append((request.method, path, request.content))
        body = json.loads(request.content)
        key = id_ if request.method == "PUT" else f"new{len(self.kept)}"
        self.kept[key] = {**self.kept.get(key, {}), **body, "id": key}
        return httpx.Response(201, json={"data": self.kept[key]})


@pytest.fixture
def desk() -> Desk:
    """A vendor's desk with nothing on it."""
    return Desk()


def test_an_invoice_goes_out_in_the_vendors_shape(vendor: Any, virtually: Any, desk: Desk) -> None:
    """Columns become the vendor's keys, decimals exact JSON numbers; so comes the answer."""
    there = vendor(desk.answer)
    held = virtually(lambda: there.boond().send("boond.invoice.create", "", PAYLOAD))
    [(method, path, body)] = desk.bodies
    assert (method, path) == ("POST", "/invoicing/invoices")
    assert b'"client":{"id":"C1"}' in body
    assert b'"totalExclTax":10725.0000' in body
    assert b'"quantity":19.5000' in body
    assert (held["id"], held["client_id"]) == ("new0", "C1")
    assert differences("boond.invoice.create", PAYLOAD, held) == []


UPDATES = [
    (
        "boond.cra.validate",
        "/crm/activities/X%2F1",
        {"status": "validated"},
        {
            "status": "validated",
            "validator": "system_auto_validator",
            "validationDate": "2026-11-03T04:00:00+00:00",
        },
    ),
    (
        "boond.cra.invalidate",
        "/crm/activities/X%2F1",
        {"status": "invalidated"},
        {"status": "invalidated"},
    ),
    (
        "boond.supplier_invoice.flag",
        "/purchases/invoices/X%2F1",
        {"status": "flagged_for_payment"},
        {"status": "flagged_for_payment"},
    ),
]


@pytest.mark.parametrize(("kind", "path", "payload", "body"), UPDATES)
def test_updates_put_what_the_wire_says(
    vendor: Any, virtually: Any, desk: Desk, kind: str, path: str, payload: Any, body: Any
) -> None:
    """Status changes go to the object by its id, a validation with its validator and moment."""
    there = vendor(desk.answer)
    virtually(lambda: there.boond().send(kind, "X/1", payload))
    _, request = there.data_requests[-1]
    assert request.url.raw_path == b"/api/v3" + path.encode()
    assert json.loads(request.content) == body


def test_a_registration_leaves_out_what_is_absent(vendor: Any, virtually: Any, desk: Desk) -> None:
    """Tax that the supplier did not state is not sent, not even as null."""
    payload: dict[str, Any] = {
        "supplier_id": "S1",
        "purchase_order_id": None,
        "reference": "F-77",
        "issue_date": "2026-10-31",
        "lines": [],
        "total_excl_tax": "100",
        "status": "registered",
    }
    there = vendor(desk.answer)
    virtually(lambda: there.boond().send("boond.supplier_invoice.register", "", payload))
    assert set(json.loads(desk.bodies[0][2])) == {
        "supplier",
        "reference",
        "issueDate",
        "lines",
        "totalExclTax",
        "status",
    }


def test_a_look_up_filters_what_the_vendor_did_not(vendor: Any, virtually: Any, desk: Desk) -> None:
    """Only objects with the whole natural key are found, both of two, each once."""
    desk.kept = {
        "1": {"id": "1", "reference": "F-1", "supplier": {"id": "S1"}},
        "2": {"id": "2", "reference": "F-1", "supplier": {"id": "S2"}},
        "3": {"id": "3", "reference": "F-10", "supplier": {"id": "S1"}},
        "4": {"id": "4", "reference": "F-1", "supplier": {"id": "S1"}},
    }
    there = vendor(desk.answer)
    key = {"supplier_id": "S1", "reference": "F-1"}
    found = virtually(lambda: there.boond().find("boond.supplier_invoice.register", key))
    assert sorted(held["id"] for held in found) == ["1", "4"]
    asked = there.data_requests[0][1].url.params
    assert (asked["supplierId"], asked["reference"]) == ("S1", "F-1")


def test_a_look_up_that_ends_short_proves_nothing(vendor: Any, virtually: Any) -> None:
    """When fewer rows come than are stated, "not found" is not said."""
    body = {"data": [], "meta": {"totals": {"rows": 1}}}
    there = vendor(lambda _: httpx.Response(200, json=body))
    with pytest.raises(Transient, match="short"):
        virtually(lambda: there.boond().find("boond.invoice.create", {"reference": "R"}))


def test_reading_back_what_is_gone_is_none(vendor: Any, virtually: Any, desk: Desk) -> None:
    """A 404 is None; what is there comes as columns with exact decimals."""
    desk.kept = {"9": {"id": "9", "totalExclTax": 0.1, "client": None}}
    there = vendor(desk.answer)

    async def work() -> tuple[Any, Any]:
        door = there.boond()
        return (
            await door.read("boond.invoice.create", "8"),
            await door.read("boond.invoice.create", "9"),
        )

    gone, held = virtually(work)
    assert gone is None
    assert (held["total_excl_tax"], held["client_id"]) == (Decimal("0.1"), None)


def test_an_answer_without_the_object_is_unknown(vendor: Any, virtually: Any) -> None:
    """A write that is acknowledged without the object is looked up, not believed."""
    there = vendor(lambda _: httpx.Response(200, json={"data": None}))
    with pytest.raises(OutcomeUnknown):
        virtually(lambda: there.boond().send("boond.cra.invalidate", "1", {"status": "x"}))


def test_a_refusal_keeps_the_vendors_words(vendor: Any, virtually: Any) -> None:
    """A 400 is Validation with what the vendor said and its status."""
    body = {"errors": [{"code": "1002", "detail": "wrong  status"}]}
    there = vendor(lambda _: httpx.Response(400, json=body))
    with pytest.raises(Validation) as caught:
        virtually(lambda: there.boond().send("boond.cra.invalidate", "1", {"status": "x"}))
    assert (caught.value.message, caught.value.status) == ("wrong status; 1002", 400)


AMOUNT = st.decimals(0, 10**9, places=4, allow_nan=False)


@given(sent=AMOUNT, held=AMOUNT)
@settings(max_examples=60)
def test_amounts_differ_exactly_when_they_differ(sent: Decimal, held: Decimal) -> None:
    """An amount that differs by a ten-thousandth is a difference; zeros behind it are none."""
    payload = {**PAYLOAD, "total_tax": str(sent)}
    served = wire_body(ClientInvoice, payload) | {"totalTax": held.normalize()}
    found = differences("boond.invoice.create", payload, held_by_vendor(ClientInvoice, served))
    assert bool(found) == (sent != held)


CHANGES: list[tuple[str, Any, str]] = [
    ("reference", "other", "reference: sent RAP-2026-10-K1, held other"),
    ("currency", None, "currency: sent EUR, held nothing"),
    ("status", "cancelled", "status: sent draft, held cancelled"),
    ("issueDate", "2026-10-30", "issue_date: sent 2026-10-31, held 2026-10-30"),
    ("lines", [], "lines: sent 1, held 0"),
    ("totalTax", "x", "total_tax: sent 2145.0000, held x"),
]


@pytest.mark.parametrize(("key", "value", "phrase"), CHANGES)
def test_differences_are_said_in_words(key: str, value: Any, phrase: str) -> None:
    """Each difference names the column, what was sent and what is held."""
    served = wire_body(ClientInvoice, PAYLOAD) | {key: value}
    held = held_by_vendor(ClientInvoice, served)
    assert differences("boond.invoice.create", PAYLOAD, held) == [phrase]


@pytest.mark.parametrize("status", ["draft", "sent", "paid"])
def test_an_invoice_sent_since_is_the_one_that_was_created(status: str) -> None:
    """A status further on, or midnight behind a date, is no difference."""
    served = wire_body(ClientInvoice, PAYLOAD)
    served |= {"status": status, "issueDate": "2026-10-31T00:00:00+01:00"}
    held = held_by_vendor(ClientInvoice, served)
    assert differences("boond.invoice.create", PAYLOAD, held) == []


@pytest.mark.parametrize("amount", ["NaN", "1e", "", "Infinity"])
def test_an_amount_that_is_none_is_never_sent(amount: str) -> None:
    """What is no decimal does not become JSON."""
    with pytest.raises(ValueError, match="no decimal"):
        wire_body(ClientInvoice, {"total_tax": amount})
