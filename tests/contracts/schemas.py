"""The contracts with both live vendors: JSON Schemas, and which of them a path answers by."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

HERE = Path(__file__).parent
FILES = {str(path.relative_to(HERE))[: -len(".json")]: path for path in HERE.glob("*/*.json")}

# Path below the base URL, or a call to it → schema of the whole body, of `data`, or of each row.
BODY, DATA, ROWS = "body", "data", "rows"
BOOND = (
    (r"POST /invoices", DATA, "invoice_information"),
    (r"POST /provider-invoices", DATA, "providerinvoice_profile"),
    (r"/application/dictionary", BODY, "dictionary"),
    (r"/invoices/default", BODY, "invoice_default"),
    (r"/resources", ROWS, "resource"),
    (r"/resources/\w+/information", DATA, "resource_information"),
    (r"/resources/\w+/administrative", BODY, "resource_administrative"),
    (r"/companies", ROWS, "company"),
    (r"/companies/\w+/information", DATA, "company_information"),
    (r"(/companies/\w+)?/contacts", ROWS, "contact"),
    (r"/projects", ROWS, "project"),
    (r"/deliveries-groupments", ROWS, "delivery"),
    (r"/orders", ROWS, "order"),
    (r"/orders/\w+/information", DATA, "order_information"),
    (r"/purchases", ROWS, "purchase"),
    (r"/purchases/\w+", DATA, "purchase"),
    (r"/times-reports", ROWS, "timesreport"),
    (r"/times-reports/\w+(/(validate|unvalidate|reject))?", BODY, "timesreport_detail"),
    (r"/times", ROWS, "time"),
    (r"/invoices", ROWS, "invoice"),
    (r"/invoices/\w+/information", DATA, "invoice_information"),
    (r"/provider-invoices", ROWS, "providerinvoice"),
    (r"/provider-invoices/\w+", DATA, "providerinvoice_profile"),
    (r"/payments", ROWS, "payment"),
    (r"/payments/\w+", DATA, "payment"),
)
BILL = (
    (r"/login", BODY, "login"),
    (r"/bills", ROWS, "bill_row"),
    (r"/bills/\w+", BODY, "bill"),
    (r"/vendors", ROWS, "vendor"),
    (r"/vendors/\w+", BODY, "vendor"),
    (r"/vendor-credits", ROWS, "vendor_credit"),
    (r"/vendor-credits/\w+", BODY, "vendor_credit"),
    (r"/payments", ROWS, "payment"),
    (r"/payments/\w+", BODY, "payment"),
)
ANSWERS = {"boond_live": BOOND, "bill_live": BILL}
LISTED = {"boond_live": "data", "bill_live": "results"}


@cache
def schema(name: str) -> dict[str, Any]:
    """A schema by its name, such as `boond_live/invoice.request`."""
    found: dict[str, Any] = json.loads(FILES[name].read_bytes())
    return found


@cache
def _registry() -> Registry[Any]:
    every = (Resource.from_contents(schema(known)) for known in FILES)
    return Registry().with_resources((found.id() or "", found) for found in every)


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name), registry=_registry())


def misfits(name: str, body: Any) -> list[str]:
    """What of a body does not fit a schema, in words; nothing when it fits."""
    return [f"{error.json_path}: {error.message}" for error in _validator(name).iter_errors(body)]


def answer_misfits(vendor: str, path: str, body: Any, method: str = "GET") -> list[str]:
    """What of an answer does not fit the schemas of its call, in words; nothing when it fits.

    Raises:
        LookupError: for a path that no contract speaks of.
    """
    for at, kind, name in ANSWERS[vendor]:
        if re.fullmatch(at, f"{method} {path}") or re.fullmatch(at, path):
            return list(_misfits(vendor, kind, f"{vendor}/{name}", body))
    raise LookupError(f"no contract for {vendor} {path}")


def _misfits(vendor: str, kind: str, name: str, body: Any) -> Iterator[str]:
    if kind == ROWS:
        yield from misfits(f"{vendor}/list", body)
        for row in body[LISTED[vendor]]:
            yield from (f"row {row.get('id')}: {said}" for said in misfits(name, row))
    elif kind == DATA:
        yield from misfits(f"{vendor}/record", body)
        yield from misfits(name, body["data"])
    else:
        yield from misfits(name, body)
