"""Invoices of BoondManager live, to clients and of suppliers: what they become."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox import boond_shapes
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.invoices import invoice
from sources.boond_live.jsonapi import Item
from sources.boond_live.provider_invoices import provider_invoice
from sources.errors import Transient
from tests.sources.boond_live_books import Books, exact, served_by_v3, shown
from tests.sources.boond_live_tenant import Tenant, entries, records_of, rows_of, thing

WORDS = Dictionary(
    {
        "state": {
            "invoice": entries(Transmis=1, Payée=3, Payée_partiellement=7, Annulée=9),
            "payment": entries(Planifié=0, Confirmé=1, Réglé=2),
            "providerinvoice": entries(Enregistrée=0, Annulée=5),
        },
        "currency": entries(EUR=0),
    }
)


def _invoice(**changes: Any) -> dict[str, Any]:
    said = {
        "reference": "F-1",
        "date": "2026-10-31",
        "state": 1,
        "turnoverInvoicedExcludingTax": 100,
        "turnoverInvoicedIncludingTax": 120,
        "currency": 0,
        "updateDate": "2026-11-01T08:00:00+0100",
    }
    return invoice(Item(thing("invoice", "60", {}, **(said | changes))), WORDS)


def _record(price: Any, quantity: Any = 1) -> dict[str, Any]:
    return {"description": "Jours", "amountExcludingTax": price, "quantity": quantity}


@pytest.mark.parametrize("stream", ["client_invoices", "supplier_invoices"])
async def test_invoices_are_those_of_the_other_dialect(stream: str) -> None:
    """A portable world's invoices become the objects that v3 serves, but for suppliers' lines."""
    books = Books.of(20)
    table = getattr(books.world, stream)
    shape = getattr(boond_shapes, stream.removesuffix("s"))
    records = await records_of(books.door(), stream)
    assert len(records) == len(table) > 0
    for record in records:
        told = served_by_v3(shape(books.world, table[record["id"]]))
        if stream == "supplier_invoices":
            told["lines"] = [{"totalExclTax": line["totalExclTax"]} for line in told["lines"]]
        own = {"version", "served", "archived"}
        assert shown({k: v for k, v in record.items() if k not in own}) == shown(told)


def test_a_line_comes_to_the_cent() -> None:
    """Quantity times price, halves away from zero."""
    found = _invoice(invoiceRecords=[_record(Decimal("0.33"), Decimal("0.5"))])
    assert found["lines"][0]["totalExclTax"] == Decimal("0.17")


@pytest.mark.parametrize("sign", [1, -1])
def test_a_credit_note_is_negative_whichever_sign_it_has(sign: int) -> None:
    """Totals, tax, what was paid and the lines; a line against the others stays against them."""
    found = _invoice(
        isCreditNote=True,
        turnoverInvoicedExcludingTax=sign * 100,
        turnoverInvoicedIncludingTax=sign * 120,
        invoiceRecords=[_record(sign * 130), _record(sign * -30)],
        invoicePayments=[{"amountIncludingTax": sign * 20}],
    )
    amounts = ("totalExclTax", "totalTax", "totalInclTax", "paidAmount")
    assert [found[name] for name in amounts] == [-100, -20, -120, -20]
    assert [line["totalExclTax"] for line in found["lines"]] == [-130, 30]
    assert [line["unitPrice"] for line in found["lines"]] == [-130, 30]
    assert [line["quantity"] for line in found["lines"]] == [1, 1]


@pytest.mark.parametrize(
    ("state", "payments", "paid"),
    [
        (3, [], 120),
        (7, [{"amountIncludingTax": 20}, {"amountIncludingTax": Decimal("5.50")}], Decimal("25.5")),
        (1, [], 0),
        (1, None, None),
        (1, [{"amountIncludingTax": None}], None),
    ],
)
def test_what_was_paid(state: int, payments: Any, paid: Any) -> None:
    """All of it by the status, else what came in; what is not told is not zero."""
    assert _invoice(state=state, invoicePayments=payments).get("paidAmount") == paid


@pytest.mark.parametrize("told", ["turnoverInvoicedExcludingTax", "turnoverInvoicedIncludingTax"])
def test_tax_is_told_only_by_both_totals(told: str) -> None:
    """With one total alone the tax is absent."""
    assert "totalTax" not in _invoice(**{told: None})


def test_client_and_contract_stand_over_the_order() -> None:
    """The project of the order is the contract, its company the client."""
    included = {
        ("order", "82"): thing("order", "82", {"project": ("project", "8")}),
        ("project", "8"): thing("project", "8", {"company": ("company", "5")}),
    }
    served = Item(thing("invoice", "60", {"order": ("order", "82")}), included)
    found = invoice(served, WORDS)
    assert (found["contract"], found["client"]) == ({"id": "8"}, {"id": "5"})


async def test_a_touched_invoice_is_asked_for_again() -> None:
    """Its version follows all that the list says, also where its instant stands still."""
    row = {"updateDate": "2026-11-01T08:00:00+0100", "state": 1}
    tenant = Tenant({"/invoices": [thing("invoice", "60", {}, **row)]})
    [before] = await rows_of(tenant.door(), "client_invoices")
    tenant.holds["/invoices"] = [thing("invoice", "60", {}, **row | {"state": 3})]
    [after] = await rows_of(tenant.door(), "client_invoices")
    assert before["version"] != after["version"]
    assert before["updatedAt"] == after["updatedAt"] == "2026-11-01T08:00:00+01:00"


# Of suppliers


def _payment(id_: str = "70", state: int = 0, amount: Any = 100, **more: Any) -> dict[str, Any]:
    return {"id": id_, "state": state, "number": "S-1", "amountExcludingTax": amount, **more}


def _provided(*payments: dict[str, Any], **changes: Any) -> dict[str, Any]:
    said = {
        "reference": "S-1",
        "invoiceDate": "2026-10-31",
        "state": 0,
        "paymentState": 0,
        "amountExcludingTax": 100,
        "payments": list(payments),
    }
    relations = {"providerCompany": ("company", "20001")}
    served = Item(thing("providerinvoice", "80", relations, **(said | changes)))
    return provider_invoice(served, WORDS)


@pytest.mark.parametrize(
    ("payments", "changes", "status"),
    [
        ([0], {}, "registered"),
        ([1], {}, "flagged_for_payment"),
        ([1, 2], {}, "flagged_for_payment"),
        ([0, 1], {}, "registered"),
        ([], {}, "registered"),
        ([77], {}, "registered"),
        ([0], {"paymentState": 2}, "paid"),
        ([2], {"paymentState": 1}, "flagged_for_payment"),
        ([2], {"paymentState": 2, "state": 5}, "cancelled"),
        ([1], {"paymentState": 3}, "unknown paymentState 3"),
        ([1], {"paymentState": None}, "flagged_for_payment"),
        ([0], {"state": 44}, "unknown state 44"),
    ],
)
def test_the_state_of_a_suppliers_invoice(
    payments: list[int], changes: dict[str, Any], status: str
) -> None:
    """Cancelled by itself, paid as a whole, else released when all of its payments are."""
    given = [_payment(str(n), state) for n, state in enumerate(payments)]
    assert _provided(*given, **changes)["status"] == status


@pytest.mark.parametrize(
    ("purchases", "named"),
    [(["9"], "9"), (["9", "9"], "9"), (["9", "8"], None), ([None], None), ([], None)],
)
def test_the_purchase_that_all_payments_name(purchases: list[Any], named: str | None) -> None:
    """Payments of several purchases name none."""
    given = [_payment(purchase=one and {"id": one, "delivery": None}) for one in purchases]
    assert _provided(*given).get("purchaseOrder") == (named and {"id": named})


def test_a_suppliers_credit_note_is_negative() -> None:
    """Its totals and lines, whichever sign is served; a total that is not told stays absent."""
    found = _provided(_payment(amount=100), isCreditNote=True, amountIncludingTax=None)
    assert (found["totalExclTax"], found["lines"]) == (-100, [{"totalExclTax": -100}])
    assert not {"totalInclTax", "totalTax"} & found.keys()


def _tenant(state: int = 0, number: str = "S-1") -> Tenant:
    row = thing("providerinvoice", "80", reference="S-1", state=0)
    other = thing("providerinvoice", "81", reference="S-2", state=0)
    payment = thing("payment", "70", number=number, state=state, amountExcludingTax=100)
    return Tenant({"/provider-invoices": [row, other], "/payments": [payment]})


async def _versions(tenant: Tenant, **settings: Any) -> dict[str, str]:
    rows = await rows_of(tenant.door(**settings), "supplier_invoices")
    return {row["id"]: row["version"] for row in rows}


async def test_a_confirmed_payment_changes_the_version_of_its_invoice() -> None:
    """The list row is the same: the payment under its reference tells, of this invoice alone."""
    before, after = await _versions(_tenant(0)), await _versions(_tenant(1))
    assert before["80"] != after["80"]
    assert before["81"] == after["81"]


@pytest.mark.parametrize("kind", ["payment", "providerinvoice"])
async def test_a_corrected_word_composes_suppliers_invoices_anew(kind: str) -> None:
    """What the policy says of a state of theirs, or of their payments, is in the version."""
    before, after = (
        await _versions(_tenant()),
        await _versions(_tenant(), states={kind: {"0": "x"}}),
    )
    assert before["81"] != after["81"]


@pytest.mark.parametrize(("number", "confirmed"), [("S-1", True), ("REF-OF-OURS", False)])
async def test_a_version_is_told_of_the_payments_that_the_invoice_has(
    number: str, confirmed: bool
) -> None:
    """Where payments bear another number than the invoice, it is read every night."""
    tenant = _tenant(number=number)
    payments = [{"id": "70", "state": 0}]
    served = thing("providerinvoice", "80", reference="S-1", state=0, payments=payments)
    tenant.holds |= {"/provider-invoices/80": {"data": served}}
    door = tenant.door()
    [row, _] = await rows_of(door, "supplier_invoices")
    held = exact(await door.one("supplier_invoices", "80") or b"")
    assert held["version"] == (row["version"] if confirmed else "")


@pytest.mark.parametrize("payments", [httpx.Response(403, json={"errors": []}), None])
async def test_without_payments_every_invoice_is_read(payments: Any) -> None:
    """Where the list of payments is refused, no version is told."""
    tenant = _tenant()
    tenant.holds["/payments"] = payments
    assert set((await _versions(tenant)).values()) == {""}


async def test_failing_payments_fail_the_stream() -> None:
    """A vendor that fails is no vendor without payments."""
    tenant = _tenant()
    tenant.holds["/payments"] = httpx.Response(503)
    with pytest.raises(Transient):
        await _versions(tenant)


@pytest.mark.parametrize("stream", ["client_invoices", "supplier_invoices"])
async def test_an_invoice_that_is_not_there_is_none(stream: str) -> None:
    """A 404 for an invoice is an answer, and no error."""
    assert await Tenant().door().one(stream, "60") is None
