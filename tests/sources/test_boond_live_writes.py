"""Commands to BoondManager live: chosen, refused, sent, looked up, and never sent twice."""

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from sandbox.domain import Contract, Cra, PurchaseOrder
from sources import json_text
from sources.boond_live.door import BoondLive
from sources.boond_live.writes import FLAG, INVALIDATE, INVOICE, REGISTER, VALIDATE
from sources.errors import Critical, OutcomeUnknown, SourceError, Transient, Validation
from store import outbox
from store.warehouse import Warehouse
from tests.contracts.schemas import misfits
from tests.flows.validating import START, drain
from tests.sources.boond_live_books import Books, exact
from transforms.commands import OUTBOX

DIRECTOR = "900"
VALIDATED, INVALIDATED = {"status": "validated"}, {"status": "invalidated"}


def _cra(books: Books, status: str = "submitted") -> Cra:
    """A report of the world, put into a status."""
    cra = next(iter(books.world.cras.values()))
    cra.status = status
    if status == "validated":
        cra.validator, cra.validated_at = DIRECTOR, books.world.now()
    return cra


async def _differences(door: BoondLive, kind: str, id_: str, payload: Any) -> list[str]:
    held = await door.read(kind, id_)
    assert held is not None
    return door.differences(kind, payload, held)


# Validating


async def test_a_validation_names_who_may() -> None:
    """The first whom the report allows is named, without a body; strictness is asked for."""
    books = Books.of()
    cra, door = _cra(books), books.door()
    held = await door.send(VALIDATE, cra.id, VALIDATED)
    [sent] = books.written()
    manager = books.world.consultants[cra.consultant_id].manager_id
    assert sent.url.raw_path.decode() == (
        f"/api/times-reports/{cra.id}/validate?expectedValidator={manager}"
    )
    assert (sent.method, sent.content) == ("POST", b"")
    assert sent.headers["X-Debug-Boondmanager"] == "true"
    assert (cra.status, held["id"], held["status"]) == ("validated", cra.id, "validated")
    assert await _differences(door, VALIDATE, cra.id, VALIDATED) == []


async def test_the_validator_of_the_settings_is_named_where_allowed() -> None:
    """BOOND_VALIDATOR_ID goes before the first of the list."""
    books = Books.of()
    cra = _cra(books)
    await books.door(validator_id=DIRECTOR).send(VALIDATE, cra.id, VALIDATED)
    assert cra.validator == DIRECTOR


@pytest.mark.parametrize(
    ("validator", "status", "said"),
    [("12", "submitted", "900"), ("system_auto_validator", "draft", "nobody is allowed")],
)
async def test_who_may_not_validate_is_refused_here(validator: str, status: str, said: str) -> None:
    """A validator who is not allowed is refused with those who are, and nothing is sent."""
    books = Books.of()
    cra = _cra(books, status)
    with pytest.raises(Validation, match=f"BOOND_VALIDATOR_ID {validator}.*{said}"):
        await books.door(validator_id=validator).send(VALIDATE, cra.id, VALIDATED)
    assert books.written() == []


@pytest.mark.parametrize(("kind", "status"), [(VALIDATE, "validated"), (INVALIDATE, "rejected")])
async def test_what_is_as_wanted_is_not_sent(kind: str, status: str) -> None:
    """A report that stands as it should is left alone."""
    books = Books.of()
    cra, door = _cra(books, status), books.door()
    await door.send(kind, cra.id, {})
    assert books.written() == []


async def test_a_locked_month_is_the_vendors_refusal() -> None:
    """What accounting has closed is refused in the vendor's words."""
    books = Books.of()
    cra = _cra(books)
    books.vendor.closed_terms.add(f"{cra.start:%Y-%m}")
    with pytest.raises(Validation, match="closed"):
        await books.door().send(VALIDATE, cra.id, VALIDATED)


@pytest.mark.parametrize("kind", [VALIDATE, INVALIDATE])
async def test_what_was_decided_on_other_days_is_refused_here(kind: str) -> None:
    """A report whose days changed since it was compared is left alone."""
    books = Books.of()
    cra, door = _cra(books), books.door()
    days = cra.total_days
    with pytest.raises(Validation, match=f"on {days + 1} days, and the report has {days}"):
        await door.send(kind, cra.id, {"total_days": str(days + 1)})
    assert books.written() == []
    payload = {"status": "validated", "total_days": str(days)}
    await door.send(kind, cra.id, payload)
    assert await _differences(door, kind, cra.id, payload) == []


def _two_steps() -> tuple[Books, Cra]:
    """A report whose first validation leaves it waiting for the director."""
    books = Books.of(30, two_steps=True)
    cra = next(c for c in books.world.cras.values() if c.consultant_id.endswith("7"))
    cra.status = "submitted"
    return books, cra


@pytest.mark.parametrize("by_setting", [True, False])
async def test_our_step_of_two_is_all_that_we_can_do(by_setting: bool) -> None:
    """The report waits for the next validator: that is no difference."""
    books, cra = _two_steps()
    manager = books.world.consultants[cra.consultant_id].manager_id
    door = books.door(**({"validator_id": manager} if by_setting else {}))
    await door.send(VALIDATE, cra.id, VALIDATED)
    assert cra.status == "submitted"
    assert await _differences(door, VALIDATE, cra.id, VALIDATED) == []
    await door.send(VALIDATE, cra.id, VALIDATED)
    assert len(books.written()) == 1


async def test_nobody_signs_twice_where_the_settings_name_no_validator() -> None:
    """The next night leaves the second step to the one whom it waits for."""
    books, cra = _two_steps()
    await books.door().send(VALIDATE, cra.id, VALIDATED)
    tomorrow = books.door()
    await tomorrow.send(VALIDATE, cra.id, VALIDATED)
    assert (cra.status, len(books.written())) == ("submitted", 1)
    assert await _differences(tomorrow, VALIDATE, cra.id, VALIDATED) == []


@pytest.mark.parametrize("fate", ["lost", "stopped"])
async def test_a_lost_first_step_is_seen_for_what_it_was(fate: str) -> None:
    """A look finds the step taken where the call arrived, and not where it never did."""
    books, cra = _two_steps()
    getattr(books, fate).append("/validate")
    door = books.door()
    with pytest.raises(OutcomeUnknown):
        await door.send(VALIDATE, cra.id, VALIDATED)
    differ = await _differences(door, VALIDATE, cra.id, VALIDATED)
    assert bool(differ) == (fate == "stopped")
    assert len(books.written()) == 1


async def test_a_validator_of_both_steps_is_not_done_after_one() -> None:
    """Who may still validate the report has a step left."""
    books, cra = _two_steps()
    door = books.door(validator_id=DIRECTOR)
    await door.send(VALIDATE, cra.id, VALIDATED)
    assert cra.status == "submitted"
    assert await _differences(door, VALIDATE, cra.id, VALIDATED)
    await door.send(VALIDATE, cra.id, VALIDATED)
    assert cra.status == "validated"


# Invalidating


async def test_a_waiting_report_is_rejected() -> None:
    """The same three go in the body and in the query; rejected counts as invalidated."""
    books = Books.of()
    cra, door = _cra(books), books.door()
    await door.send(INVALIDATE, cra.id, INVALIDATED)
    [sent] = books.written()
    body, query = exact(sent.content), dict(sent.url.params)
    assert misfits("boond_live/reject.request", body) == []
    assert {name: str(value) for name, value in body["data"].items()} == query
    assert cra.status == "invalidated"
    assert await _differences(door, INVALIDATE, cra.id, INVALIDATED) == []


@pytest.mark.parametrize("odd", [True, False])
async def test_a_validated_report_is_opened_first(odd: bool) -> None:
    """However the list of who may open it is spelled: unvalidate, then reject."""
    books = Books.of(12)
    found = [c for c in books.world.cras.values() if (c.id[-1] in "13579") == odd]
    found[0].status, found[0].validator = "validated", DIRECTOR
    await books.door().send(INVALIDATE, found[0].id, INVALIDATED)
    assert [path.rsplit("/")[-1] for path in books.paths()] == ["unvalidate", "reject"]
    assert found[0].status == "invalidated"


@pytest.mark.parametrize("fate", ["lost", "stopped"])
@pytest.mark.parametrize("step", ["unvalidate", "reject"])
async def test_a_lost_step_is_not_taken_twice(fate: str, step: str) -> None:
    """After a look, a second send takes the steps that are left, each of them once."""
    books = Books.of()
    cra, door = _cra(books, "validated"), books.door()
    getattr(books, fate).append(f"/{step}")
    with pytest.raises(OutcomeUnknown):
        await door.send(INVALIDATE, cra.id, INVALIDATED)
    if await _differences(door, INVALIDATE, cra.id, INVALIDATED):
        await door.send(INVALIDATE, cra.id, INVALIDATED)
    assert cra.status == "invalidated"
    assert [write["kind"] for write in books.world.writes] == ["cras.update"] * 2


@pytest.mark.parametrize(("status", "error"), [(422, Validation), (403, Critical)])
async def test_a_refused_rejection_says_what_was_done_before(
    status: int, error: type[SourceError]
) -> None:
    """Once opened, the report no longer stands as it did: the refusal says so."""
    books = Books.of()
    cra = _cra(books, "validated")
    refused = httpx.Response(status, json={"errors": [{"detail": "1002 - Wrong"}]})
    books.answers[f"/times-reports/{cra.id}/reject"] = lambda _: refused
    with pytest.raises(error, match="taken back, and then: 1002 - Wrong"):
        await books.door().send(INVALIDATE, cra.id, INVALIDATED)


# Invoices to clients


def _contract(books: Books) -> Contract:
    """A contract that covers a whole month."""
    return next(
        c
        for c in books.world.contracts.values()
        if c.start <= date(2026, 10, 1) and (c.end or date.max) >= date(2026, 10, 31)
    )


def _bill(contract: Contract, **changes: Any) -> dict[str, Any]:
    line = {
        "description": "Ana Roy · 2026-10 · 1001",
        "quantity": "19.5000",
        "unit_price": "550.0000",
        "total_excl_tax": "10725.0000",
    }
    return {
        "reference": "RAP-2026-10-K1",
        "client_id": contract.client_id,
        "contract_id": contract.id,
        "issue_date": "2026-11-03",
        "due_date": "2027-02-01",
        "lines": [line],
        "total_excl_tax": "10725.0000",
        "total_tax": "2145.0000",
        "total_incl_tax": "12870.0000",
        "currency": "EUR",
        "status": "draft",
    } | changes


async def test_an_invoice_goes_out_in_the_vendors_shape() -> None:
    """On the contract's order, for the month of its lines, as a draft; nothing differs then."""
    books = Books.of()
    contract, door = _contract(books), books.door()
    bill = _bill(contract)
    held = await door.send(INVOICE, "", bill)
    [sent] = books.written()
    body = exact(sent.content)
    assert misfits("boond_live/invoice.request", json_text.exact(sent.content)) == []
    assert b'"amountExcludingTax":550.0000,"quantity":19.5000' in sent.content
    attributes, relations = body["data"]["attributes"], body["data"]["relationships"]
    assert (attributes["startDate"], attributes["endDate"]) == ("2026-10-01", "2026-10-31")
    assert (attributes["date"], attributes["state"]) == ("2026-11-03", 0)
    assert attributes["invoiceRecords"][0]["taxRates"] == [20]
    assert relations["order"]["data"]["id"] == f"8{contract.id}"
    assert await _differences(door, INVOICE, held["id"], bill) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"currency": "CHF"}, "in CHF, and BOOND_CURRENCY is EUR"),
        ({"total_tax": "2145.0100"}, "no rate in percent"),
        ({"total_excl_tax": "0", "total_tax": "1"}, "no rate in percent"),
        ({"contract_id": "1"}, "no project 1"),
        ({"client_id": "1"}, "not of this one"),
        ({"issue_date": "1999-05-01", "lines": []}, "no orders of project"),
    ],
)
async def test_what_cannot_be_held_is_refused_here(changes: dict[str, Any], said: str) -> None:
    """A currency, tax, project, client or month that does not fit is refused, nothing is sent."""
    books = Books.of()
    with pytest.raises(Validation, match=said):
        await books.door().send(INVOICE, "", _bill(_contract(books), **changes))
    assert books.written() == []


async def test_a_line_that_is_no_product_is_refused_here() -> None:
    """BoondManager keeps price and days alone: another total would be lost."""
    books = Books.of()
    bill = _bill(_contract(books))
    bill["lines"][0]["total_excl_tax"] = "10724.9900"
    with pytest.raises(Validation, match="line 1"):
        await books.door().send(INVOICE, "", bill)
    assert books.written() == []


@pytest.mark.parametrize(
    ("net", "tax", "percent"),
    [
        ("10725", "2145", "20"),
        ("100", "5.50", "5.5"),
        ("333.33", "7.00", "2.1"),
        ("100", "0", "0"),
        ("0.03", "0.01", "33"),
    ],
)
async def test_the_tax_rate_is_the_one_that_makes_the_tax(net: str, tax: str, percent: str) -> None:
    """The roundest rate that comes to the tax, to the cent."""
    books = Books.of()
    bill = _bill(_contract(books), total_excl_tax=net, total_tax=tax)
    await books.door().send(INVOICE, "", bill)
    record = exact(books.written()[0].content)["data"]["attributes"]["invoiceRecords"][0]
    assert record["taxRates"] == record["taxes"] == [Decimal(percent)]


def _order(id_: str, project: str, start: str, end: str, state: int = 1) -> dict[str, Any]:
    relations = {"project": {"data": {"id": project, "type": "project"}}}
    dates = {"startDate": start, "endDate": end}
    attributes = {"state": state, **dates}
    return {"id": id_, "type": "order", "attributes": attributes, "relationships": relations}


def _orders(books: Books, *orders: dict[str, Any]) -> None:
    body = {"meta": {"totals": {"rows": len(orders)}}, "data": orders}
    books.answers["/orders"] = lambda _: httpx.Response(200, json=body)
    for order in orders:
        where = f"/orders/{order['id']}/information"
        books.answers[where] = lambda _, order=order: httpx.Response(200, json={"data": order})


def _served(books: Books, contract: Contract, *orders: tuple[str, str, str, int]) -> None:
    """Orders of a contract by id, first and last day and state; an invoice that is taken."""
    _orders(books, *(_order(id_, contract.id, *rest) for id_, *rest in orders))
    books.answers["/invoices"] = lambda _: httpx.Response(200, json={"data": {"id": "1"}})


@pytest.mark.parametrize(
    ("orders", "chosen"),
    [
        ([("11", "2026-01-01", "2026-12-31", 1)], "11"),
        ([("11", "", "", 1)], "11"),
        ([("11", "", "2026-09-30", 1), ("12", "2026-10-01", "", 1)], "12"),
        ([("11", "", "", 0), ("12", "", "", 1)], "12"),
    ],
)
async def test_the_one_order_that_covers_the_month(orders: Any, chosen: str) -> None:
    """It is not archived, and a date that is not told is open."""
    books = Books.of()
    contract = _contract(books)
    _served(books, contract, *orders)
    await books.door().send(INVOICE, "", _bill(contract))
    order = exact(books.written()[0].content)["data"]["relationships"]["order"]
    assert order["data"]["id"] == chosen


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        ([("11", "", "", 1), ("12", "", "", 1)], "2 orders.*11 .*12 "),
        ([("11", "2026-10-15", "", 1), ("12", "", "2026-10-14", 1)], "no orders.*11 .*12 "),
        ([("11", "", "", 0)], "no orders.*none"),
    ],
)
async def test_none_or_several_orders_are_a_persons_to_choose(orders: Any, said: str) -> None:
    """The refusal names them with their dates, and nothing is sent."""
    books = Books.of()
    contract = _contract(books)
    _served(books, contract, *orders)
    with pytest.raises(Validation, match=said):
        await books.door().send(INVOICE, "", _bill(contract))
    assert books.written() == []


async def test_an_order_of_another_project_is_not_ours() -> None:
    """A vendor that ignores the filter is not believed."""
    books = Books.of()
    contract = _contract(books)
    _served(books, contract)
    _orders(books, _order("11", "999", "", ""), _order("12", contract.id, "", ""))
    await books.door().send(INVOICE, "", _bill(contract))
    assert b'"order":{"data":{"id":"12"' in books.written()[0].content


async def test_a_project_that_begins_within_the_month_needs_no_earlier_order() -> None:
    """Only what is billed of the month must be covered."""
    books = Books.of()
    contract = _contract(books)
    contract.start = date(2026, 10, 15)
    _served(books, contract, ("11", "2026-10-15", "", 1))
    await books.door().send(INVOICE, "", _bill(contract))
    assert len(books.written()) == 1


async def test_a_quarter_is_billed_from_its_first_day_to_its_last() -> None:
    """The months that lines name are billed whole."""
    books = Books.of()
    contract = _contract(books)
    contract.start = date(2026, 1, 1)
    lines = [
        {"description": f"Ana Roy · 2026-{month} · 1", "quantity": "1", "unit_price": "100"}
        | {"total_excl_tax": "100"}
        for month in ("07", "09")
    ]
    totals = {"total_excl_tax": "200", "total_tax": "40", "total_incl_tax": "240"}
    await books.door().send(INVOICE, "", _bill(contract, lines=lines, **totals))
    attributes = exact(books.written()[0].content)["data"]["attributes"]
    assert (attributes["startDate"], attributes["endDate"]) == ("2026-07-01", "2026-09-30")


@pytest.mark.parametrize("fate", ["lost", "stopped"])
async def test_a_lost_invoice_is_found_or_sent_again(fate: str) -> None:
    """A look finds what arrived as it was meant, and nothing where nothing did."""
    books = Books.of()
    bill, door = _bill(_contract(books)), books.door()
    getattr(books, fate).append("/invoices")
    with pytest.raises(OutcomeUnknown):
        await door.send(INVOICE, "", bill)
    found = await door.find(INVOICE, bill)
    assert [door.differences(INVOICE, bill, one) for one in found] == ([[]] * (fate == "lost"))
    assert len(books.written()) == 1


async def test_an_invoice_dated_ahead_is_found() -> None:
    """It changed when it was made, whatever date it bears."""
    books = Books.of()
    bill, door = _bill(_contract(books), issue_date="2027-03-31"), books.door()
    held = await door.send(INVOICE, "", bill)
    assert [one["id"] for one in await door.find(INVOICE, bill)] == [held["id"]]


async def test_an_invoice_under_another_reference_is_not_found() -> None:
    """What the vendor serves beside it is filtered out on our side."""
    books = Books.of()
    bill, door = _bill(_contract(books)), books.door()
    await door.send(INVOICE, "", bill)
    assert await door.find(INVOICE, bill | {"reference": "RAP-2026-10-K"}) == []


async def test_a_dropped_line_is_a_difference() -> None:
    """What a vendor leaves out with a 200 is seen when it is read back."""
    books = Books.of()
    bill, door = _bill(_contract(books)), books.door()
    held = await door.send(INVOICE, "", bill)
    books.world.client_invoices[held["id"]].lines.clear()
    assert "lines: sent 1, held 0" in await _differences(door, INVOICE, held["id"], bill)


@pytest.mark.parametrize(("states", "state"), [({}, 0), ({"0": "sent", "12": "draft"}, 12)])
async def test_the_tenants_own_draft_is_taken(states: dict[str, str], state: int) -> None:
    """Of the numbers that mean a draft the lowest."""
    books = Books.of()
    _more_states(books, {"id": 12, "value": "En préparation"})
    await books.door(states={"invoice": states}).send(INVOICE, "", _bill(_contract(books)))
    assert exact(books.written()[0].content)["data"]["attributes"]["state"] == state


async def test_pro_forma_is_no_draft() -> None:
    """A tenant without any other draft is told so."""
    books = Books.of()
    door = books.door(states={"invoice": {"0": "sent"}})
    with pytest.raises(Validation, match="no draft state of an invoice"):
        await door.send(INVOICE, "", _bill(_contract(books)))


def _more_states(books: Books, entry: dict[str, Any]) -> None:
    """A tenant with one state of an invoice more."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = books.vendor(request, request.url.path).json()
        body["data"]["setting"]["state"]["invoice"].append(entry)
        return httpx.Response(200, json=body)

    books.answers["/application/dictionary"] = answer
    books.answers["/invoices"] = lambda _: httpx.Response(200, json={"data": {"id": "1"}})


async def test_without_defaults_the_usual_type_of_line_is_taken() -> None:
    """A tenant that does not show what an invoice starts from gets type 1."""
    books = Books.of()
    refused = httpx.Response(403, json={"errors": []})
    books.answers["/invoices/default"] = lambda _: refused
    await books.door().send(INVOICE, "", _bill(_contract(books)))
    record = exact(books.written()[0].content)["data"]["attributes"]["invoiceRecords"][0]
    assert record["invoiceRecordType"] == {"reference": 1}


# Suppliers' invoices


def _purchase(books: Books) -> PurchaseOrder:
    """A purchase of somebody's days."""
    known = {mission.order_id for mission in books.world.missions.values()}
    return next(order for order in books.world.orders.values() if order.id in known)


def _registration(order: PurchaseOrder, **changes: Any) -> dict[str, Any]:
    return {
        "supplier_id": order.supplier_id,
        "purchase_order_id": order.id,
        "reference": "S-2026-77",
        "issue_date": "2026-10-31",
        "due_date": "2026-12-31",
        "lines": [{"description": "Jours", "quantity": "20", "total_excl_tax": "9000.0000"}],
        "total_excl_tax": "9000.0000",
        "currency": "EUR",
        "status": "registered",
    } | changes


async def test_a_registration_goes_out_in_the_vendors_shape() -> None:
    """For the person and the delivery of its purchase, with one planned payment."""
    books = Books.of(20)
    order, door = _purchase(books), books.door()
    payload = _registration(order)
    held = await door.send(REGISTER, "", payload)
    [sent] = books.written()
    body = json_text.exact(sent.content)
    assert misfits("boond_live/providerinvoice.request", body) == []
    [payment] = body["data"]["attributes"]["payments"]
    mission = books.world.missions[order.lines[0].consultant_id or ""]
    assert payment == {"state": 0, "amountExcludingTax": 9000, "deliveryId": mission.id}
    relations = body["data"]["relationships"]
    assert relations["resource"]["data"]["id"] == mission.consultant_id
    assert "amountIncludingTax" not in body["data"]["attributes"]
    assert await _differences(door, REGISTER, held["id"], payload) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"purchase_order_id": None}, "no single purchase"),
        ({"purchase_order_id": "1"}, "no purchase 1"),
        ({"currency": "USD"}, "in USD"),
    ],
)
async def test_a_registration_that_names_nobody_is_refused_here(
    changes: dict[str, Any], said: str
) -> None:
    """Without a purchase and its delivery, or in another currency, nothing is sent."""
    books = Books.of(20)
    with pytest.raises(Validation, match=said):
        await books.door().send(REGISTER, "", _registration(_purchase(books), **changes))
    assert books.written() == []


@pytest.mark.parametrize("fate", ["lost", "stopped"])
async def test_a_lost_registration_is_found_or_sent_again(fate: str) -> None:
    """By supplier and number; another number or supplier is not it."""
    books = Books.of(20)
    payload, door = _registration(_purchase(books)), books.door()
    getattr(books, fate).append("/provider-invoices")
    with pytest.raises(OutcomeUnknown):
        await door.send(REGISTER, "", payload)
    found = await door.find(REGISTER, payload)
    assert [door.differences(REGISTER, payload, one) for one in found] == [[]] * (fate == "lost")
    assert await door.find(REGISTER, payload | {"reference": "S-2026-7"}) == []
    assert await door.find(REGISTER, payload | {"supplier_id": "1"}) == []
    assert len(books.written()) == 1


async def test_a_supplier_filter_that_is_ignored_is_ours() -> None:
    """The same number of another supplier is not found, whatever the vendor serves."""
    books = Books.of(20)
    payload, door = _registration(_purchase(books)), books.door()
    await door.send(REGISTER, "", payload)

    def unfiltered(request: httpx.Request) -> httpx.Response:
        plain = request.url.copy_remove_param("companies[]")
        return books.vendor(httpx.Request("GET", plain, headers=request.headers), plain.path)

    books.answers["/provider-invoices"] = unfiltered
    assert await door.find(REGISTER, payload | {"supplier_id": "1"}) == []
    assert len(await door.find(REGISTER, payload)) == 1


async def test_a_list_that_ends_short_proves_no_absence() -> None:
    """A purchase that a short list lacks may be there: that is no refusal."""
    books = Books.of(20)
    short = {"meta": {"totals": {"rows": 9}}, "data": []}
    books.answers["/purchases"] = lambda _: httpx.Response(200, json=short)
    with pytest.raises(Transient, match="short"):
        await books.door().send(REGISTER, "", _registration(_purchase(books)))


async def test_a_currency_that_is_not_told_is_no_difference() -> None:
    """Only the tenant's own is sent; another one that is told is a difference."""
    books = Books.of(20)
    payload, door = _registration(_purchase(books)), books.door()
    held = await door.send(REGISTER, "", payload)
    for told, differ in ((None, 0), ("EUR", 0), ("USD", 1)):
        books.world.supplier_invoices[held["id"]].currency = told
        assert len(await _differences(door, REGISTER, held["id"], payload)) == differ


async def _registered() -> tuple[Books, BoondLive, str]:
    books = Books.of(20)
    door = books.door()
    held = await door.send(REGISTER, "", _registration(_purchase(books)))
    books.requests.clear()
    return books, door, str(held["id"])


async def test_a_flag_confirms_the_payments() -> None:
    """Each planned payment gets the tenant's confirmed state; a second flag sends nothing."""
    books, door, id_ = await _registered()
    flagged = {"status": "flagged_for_payment"}
    assert await _differences(door, FLAG, id_, flagged)
    await door.send(FLAG, id_, flagged)
    [sent] = books.written()
    body = json_text.exact(sent.content)
    assert misfits("boond_live/payment.request", body) == []
    assert (sent.method, sent.url.path) == ("PUT", f"/api/payments/7{id_}")
    assert body["data"]["attributes"] == {"state": 1}
    assert await _differences(door, FLAG, id_, flagged) == []
    await door.send(FLAG, id_, flagged)
    assert len(books.written()) == 1


def _profile(*states: int, state: int = 0, number: str | None = None) -> httpx.Response:
    payments = [{"id": str(70 + n), "state": one, "number": number} for n, one in enumerate(states)]
    attributes = {"state": state, "paymentState": 0, "payments": payments}
    data = {"id": "80", "type": "providerinvoice", "attributes": attributes}
    return httpx.Response(200, json={"data": data})


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (httpx.Response(404, json={"errors": []}), "no provider invoice 80"),
        (_profile(), "no payment"),
        (_profile(0, state=5), "is cancelled"),
        (_profile(0, 6), "payment 71 is neither planned nor released: unknown state 6"),
        (_profile(0, number="B-7"), "numbered B-7"),
    ],
)
async def test_what_cannot_be_released_is_refused_here(served: httpx.Response, said: str) -> None:
    """Nothing is confirmed of an invoice that is gone, cancelled, empty, held back or mixed up."""
    books = Books.of()
    status, content = served.status_code, served.content
    books.answers["/provider-invoices/80"] = lambda _: httpx.Response(status, content=content)
    with pytest.raises(Validation, match=said):
        await books.door().send(FLAG, "80", {"status": "flagged_for_payment"})
    assert books.written() == []


async def test_a_refused_release_says_what_was_released_before() -> None:
    """Of two payments the first is confirmed for good: the refusal of the second says so."""
    books = Books.of()
    books.answers["/provider-invoices/80"] = lambda _: _profile(0, 0)
    taken = {"data": {"id": "70", "type": "payment"}}
    books.answers["/payments/70"] = lambda _: httpx.Response(200, json=taken)
    refused = httpx.Response(422, json={"errors": [{"detail": "1002 - Wrong"}]})
    books.answers["/payments/71"] = lambda _: refused
    with pytest.raises(Validation, match="payments confirmed: 70, and then: 1002 - Wrong"):
        await books.door().send(FLAG, "80", {"status": "flagged_for_payment"})


async def test_more_is_not_released_than_the_invoice_asks_for() -> None:
    """Payments that add up to more than their invoice are a person's."""
    books = Books.of()
    payments = [{"id": id_, "state": 0, "amountExcludingTax": 600} for id_ in ("70", "71")]
    attributes = {"state": 0, "paymentState": 0, "amountExcludingTax": 1000, "payments": payments}
    data = {"id": "80", "type": "providerinvoice", "attributes": attributes}
    books.answers["/provider-invoices/80"] = lambda _: httpx.Response(200, json={"data": data})
    with pytest.raises(Validation, match="payments of 1200, and the invoice 80 is of 1000"):
        await books.door().send(FLAG, "80", {"status": "flagged_for_payment"})
    assert books.written() == []


async def test_a_payment_of_another_amount_is_a_difference() -> None:
    """What a registration's payments come to is what was registered."""
    books, door, id_ = await _registered()
    payload = _registration(_purchase(books))
    held = dict(await door.read(REGISTER, id_) or {})
    assert door.differences(REGISTER, payload, held) == []
    held["lines"] = [{"total_excl_tax": 1}]
    assert door.differences(REGISTER, payload, held) == [
        f"payments: sent {payload['total_excl_tax']}, held 1"
    ]


# Drained


def _outbox(*commands: tuple[str, str, dict[str, Any]]) -> pl.DataFrame:
    """Approved commands: kind, target and payload."""
    rows = [
        dict.fromkeys(OUTBOX)
        | {"command_id": f"{kind}-{target}", "kind": kind, "target": target, "attempts": 0}
        | {"natural_key": target, "subject_id": target, "payload": json.dumps(payload)}
        | {"depends_on": [], "state": "approved", "planned_at": START}
        for kind, target, payload in commands
    ]
    return pl.DataFrame(rows, schema=dict(OUTBOX), orient="row")


def _drained(
    folder: Path, virtually: Any, clock: Any, door: Any, rows: Any = None
) -> dict[str, Any]:
    """State and last error of each command after one drain."""
    with Warehouse.open(folder / "rapproche.duckdb") as warehouse:
        if rows is not None:
            outbox.put(warehouse, rows, "before", START)
        virtually(lambda: drain(warehouse, folder, door, clock))
        left = outbox.commands(warehouse).select("command_id", "state", "last_error")
        return {id_: (state, said) for id_, state, said in left.iter_rows()}


@pytest.mark.nights
def test_a_drain_ends_right_whatever_was_lost(tmp_path: Path, virtually: Any, clock: Any) -> None:
    """Every command whose answer or call was lost is done in the end, and was done once."""
    books = Books.of(20)
    waiting, wrong, *_ = books.world.cras.values()
    waiting.status, wrong.status, wrong.validator = "submitted", "validated", DIRECTOR
    books.lost += ["/validate", "/unvalidate", "/invoices$"]
    books.stopped += ["/reject", "/provider-invoices"]
    rows = _outbox(
        (VALIDATE, waiting.id, VALIDATED),
        (INVALIDATE, wrong.id, INVALIDATED),
        (INVOICE, "I", _bill(_contract(books))),
        (REGISTER, "R", _registration(_purchase(books))),
    )
    left = _drained(tmp_path, virtually, clock, books.door(), rows)
    assert {state for state, _ in left.values()} <= {"done", "unknown"}
    again = _drained(tmp_path, virtually, clock, books.door())
    assert {state for state, _ in again.values()} == {"done"}
    assert (waiting.status, wrong.status) == ("validated", "invalidated")
    kinds = Counter(write["kind"] for write in books.world.writes)
    assert kinds == {"cras.update": 3, "client_invoices.create": 1, "supplier_invoices.create": 1}


@pytest.mark.nights
def test_a_drain_settles_what_the_door_refuses(tmp_path: Path, virtually: Any, clock: Any) -> None:
    """A refusal before anything was sent is a refusal, with its words, and not an open question."""
    books = Books.of()
    rows = _outbox((INVOICE, "I", _bill(_contract(books), currency="CHF")))
    left = _drained(tmp_path, virtually, clock, books.door(), rows)
    [(state, said)] = left.values()
    assert (state, said) == ("refused", "it is in CHF, and BOOND_CURRENCY is EUR.")


async def test_what_is_not_there_is_read_as_nothing() -> None:
    """Each kind of command looks up its own kind of record."""
    door = Books.of().door()
    for kind in (VALIDATE, INVALIDATE, INVOICE, REGISTER, FLAG):
        assert await door.read(kind, "424242") is None
