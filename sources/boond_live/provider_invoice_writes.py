"""Registering suppliers' invoices, and releasing their payments (boond-live.md 4)."""

from collections.abc import Mapping
from typing import Any

from sources import mapping
from sources.boond_live.access import DELIVERIES, PURCHASES, Access
from sources.boond_live.amounts import number, total
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.invoice_writes import same_currency
from sources.boond_live.jsonapi import Item
from sources.boond_live.provider_invoices import (
    PATH,
    PAYMENTS,
    RELEASED,
    STREAM,
    payments,
    profile,
    provider_invoice,
)
from sources.boond_live.unsendable import after, unknown, unsendable
from sources.boond_records import SupplierInvoice
from sources.errors import OutcomeUnknown, Validation
from sources.exchange import path_segment

_POST = f"POST {PATH}"
_PUT = f"PUT {PAYMENTS}/{{id}}"


async def register(access: Access, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Registers a supplier's invoice with one planned payment of its purchase.

    Raises:
        Validation: the purchase, its delivery or the person on it is not known.
    """
    body = await _body(access, payload)
    served = await access.write("POST", PATH, body)
    if not served.id:
        message = "the answer holds no id."
        raise OutcomeUnknown("boond", _POST, "envelope", message)
    return _held(served, access.dictionary)


async def find(access: Access, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The supplier's invoices under a reference; a list that ends short is an error."""
    supplier, reference = str(payload["supplier_id"]), payload["reference"]
    found: dict[str, None] = {}
    async for part in access.listed(PATH, {"companies[]": supplier}, whole=True):
        for row in part.rows:
            if row.related("providerCompany") == supplier and row.at("reference") == reference:
                found[row.id] = None
    held = [await read(access, id_) for id_ in found]
    return [one for one in held if one is not None]


async def read(access: Access, id_: str) -> Mapping[str, Any] | None:
    """What BoondManager holds of a supplier's invoice, as columns; None where it has none."""
    served = await access.item(profile(id_), id_=id_)
    return None if served is None else _held(served, access.dictionary)


async def release(
    access: Access,
    id_: str,
    payload: Mapping[str, Any],  # noqa: ARG001 - which status is meant goes without saying
) -> Mapping[str, Any]:
    """Confirms each payment of an invoice that is neither confirmed nor made.

    Raises:
        Validation: there is no such invoice, it is cancelled, or it has no payment.
    """
    served = await access.item(profile(id_), id_=id_)
    released: list[str] = []
    for payment in _to_release(served, id_, access.dictionary):
        state = _state(access.dictionary, "confirmed", _PUT)
        data = {"id": payment, "type": "payment", "attributes": {"state": state}}
        with after(f"payments confirmed: {', '.join(released)}" if released else ""):
            await access.write("PUT", f"{PAYMENTS}/{path_segment(payment)}", {"data": data})
        released.append(payment)
    # Nothing is read after it that could fail and pass for a refusal.
    return {"id": id_}


def _to_release(served: Item | None, id_: str, words: Dictionary) -> list[str]:
    """Ids of the payments that still wait."""
    if served is None:
        raise _gone(id_)
    if provider_invoice(served, words).get("status") == "cancelled":
        raise unsendable(_PUT, f"provider invoice {id_} is cancelled.")
    found = payments(served)
    if not found or not all(payment.get("id") for payment in found):
        raise unsendable(_PUT, f"provider invoice {id_} has no payment that could be confirmed.")
    asked, owed = (
        total(p.get("amountExcludingTax") for p in found),
        number(served.at("amountExcludingTax")),
    )
    if asked is not None and owed is not None and abs(asked) > abs(owed):
        said = f"it has payments of {asked}, and the invoice {id_} is of {owed}."
        raise unsendable(_PUT, said)
    states = {str(payment["id"]): words.state("payment", payment.get("state")) for payment in found}
    others = {str(one["number"]) for one in found if one.get("number")} - {served.at("reference")}
    if others:
        said = f"a payment of provider invoice {id_} is numbered {', '.join(sorted(others))}."
        raise unsendable(_PUT, f"{said} Its reference is {served.at('reference')}.")
    for payment, state in states.items():
        # A payment that somebody holds back is not ours to release.
        if state not in RELEASED and state != "planned":
            raise unsendable(_PUT, f"payment {payment} is neither planned nor released: {state}.")
    return [payment for payment, state in states.items() if state == "planned"]


def _gone(id_: str) -> Validation:
    return unsendable(_PUT, f"there is no provider invoice {id_}.")


def _held(served: Item, words: Dictionary) -> Mapping[str, Any]:
    return mapping.held_by_vendor(SupplierInvoice, provider_invoice(served, words))


async def _body(access: Access, payload: Mapping[str, Any]) -> dict[str, Any]:
    same_currency(access, _POST, payload)
    delivery = await _delivery(access, payload.get("purchase_order_id"))
    state = _state(access.dictionary, "planned", _POST)
    amount = number(payload["total_excl_tax"])
    attributes = {
        "reference": payload["reference"],
        "invoiceDate": payload.get("issue_date"),
        "startDate": delivery.at("startDate"),
        "endDate": delivery.at("endDate"),
        "amountExcludingTax": amount,
        "amountIncludingTax": number(payload.get("total_incl_tax")),
    }
    payment = {"state": state, "amountExcludingTax": amount, "deliveryId": delivery.id}
    known = {name: value for name, value in attributes.items() if value is not None}
    relations = {
        "resource": {"data": {"id": delivery.related("dependsOn"), "type": "resource"}},
        "providerCompany": {"data": {"id": payload["supplier_id"], "type": "company"}},
    }
    return {
        "data": {
            "type": "providerinvoice",
            "attributes": known | {"payments": [payment]},
            "relationships": relations,
        }
    }


async def _delivery(access: Access, purchase_id: str | None) -> Item:
    """The delivery of a purchase: who worked, and when."""
    if purchase_id is None:
        message = "it is for no single purchase, so nobody's days can be named: have the bill name"
        raise unsendable(_POST, f"{message} one, or register it in BoondManager.")
    purchase = (await access.purchases(STREAM)).get(purchase_id)
    if purchase is None:
        raise unknown(access, _POST, PURCHASES, f"purchase {purchase_id}")
    delivery_id = purchase.related("delivery")
    if delivery_id is None:
        message = f"purchase {purchase_id} names no delivery: link them in BoondManager."
        raise unsendable(_POST, message)
    delivery = (await access.deliveries(STREAM)).get(delivery_id)
    if delivery is None:
        raise unknown(access, _POST, DELIVERIES, f"delivery {delivery_id}")
    if delivery.type_of("dependsOn") != "resource":
        raise unsendable(_POST, f"delivery {delivery_id} is of no person.")
    return delivery


def _state(words: Dictionary, word: str, operation: str) -> int:
    for state in words.numbers_of("payment", word):
        return state
    raise unsendable(operation, f"BoondManager's dictionary names no {word} state of a payment.")
