"""What both live vendors are told, and what is relied on in their answers, fits the references."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from sources import bill_records, boond_records
from tests.contracts.schemas import FILES, answer_misfits, misfits, schema

GOLDEN = Path(__file__).parent.parent / "golden"
RECORDS = {
    ("boond_live", "consultants"): boond_records.Consultant,
    ("boond_live", "clients"): boond_records.Client,
    ("boond_live", "contracts"): boond_records.Contract,
    ("boond_live", "cras"): boond_records.Cra,
    ("boond_live", "client_invoices"): boond_records.ClientInvoice,
    ("boond_live", "suppliers"): boond_records.Supplier,
    ("boond_live", "purchase_orders"): boond_records.PurchaseOrder,
    ("boond_live", "supplier_invoices"): boond_records.SupplierInvoice,
    ("bill_live", "invoices"): bill_records.Bill,
    ("bill_live", "vendors"): bill_records.Vendor,
    ("bill_live", "payments"): bill_records.Payment,
}

# Its durations are told in another unit than days.
UNREADABLE = {("boond_live", "cras"): {"1656"}}


def examples() -> list[Any]:
    """The examples of answers: vendor, and path below it."""
    paths = (path.relative_to(GOLDEN).parts for path in sorted(GOLDEN.rglob("*.json")))
    return [
        pytest.param(vendor, "/".join(rest), id="/".join((vendor, *rest)))
        for vendor, *rest in paths
        if not rest[-1].endswith(".expected.json")
    ]


def read(*parts: str) -> Any:
    """An example."""
    return json.loads(GOLDEN.joinpath(*parts).read_bytes())


@pytest.mark.parametrize("name", sorted(FILES))
def test_schemas_are_schemas(name: str) -> None:
    """Every contract is a JSON Schema that says where it stands, and takes not just anything."""
    Draft202012Validator.check_schema(schema(name))

    assert name.endswith("/common") or misfits(name, {})
    assert schema(name)["$id"] == f"https://contracts.example/{name}.json"


@pytest.mark.parametrize(("vendor", "file"), examples())
def test_examples_fit(vendor: str, file: str) -> None:
    """Every example of an answer fits the contract of its path."""
    body = read(vendor, file)
    path = "/" + file.removesuffix(".json").removesuffix(".archived")

    found = (
        misfits(f"{vendor}/errors", body)
        if file.startswith("refused/")
        else answer_misfits(vendor, path, body)
    )

    assert found == []


@pytest.mark.parametrize(("vendor", "stream"), RECORDS)
def test_expectations_are_canonical(vendor: str, stream: str) -> None:
    """Every expected object is one that the stream's record model reads, but for what none can."""
    refused = set()
    for row in read(vendor, f"{stream}.expected.json"):
        try:
            RECORDS[vendor, stream].model_validate_json(json.dumps(row))
        except ValidationError:
            refused.add(row["id"])

    assert refused == UNREADABLE.get((vendor, stream), set())
