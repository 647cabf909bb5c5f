"""The sandbox's live BoondManager changes what it is told to, in its own odd way (boond-live 4)."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox import boond_writes as v3
from sandbox.domain import ClientInvoice, Cra, SupplierInvoice
from sandbox.world import World
from tests.sandbox.boond_live_caller import Caller

ALL = "correctionForAllValidators"
NO_STAMP = {"updated_at": None}


@pytest.fixture
def caller() -> Caller:
    """A small clean world."""
    return Caller()


def waiting(caller: Caller) -> Cra:
    """A CRA that waits for validation."""
    return next(cra for cra in caller.world.cras.values() if cra.status == "submitted")


def manager(caller: Caller, cra: Cra) -> str:
    """Who manages the consultant of a CRA."""
    return caller.world.consultants[cra.consultant_id].manager_id


def rejection(validator: str, **changes: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """A rejection's body and query."""
    said = {"expectedValidator": int(validator), "reason": "17 jours", "rejectTypeOf": ALL}
    return {"data": said | changes}, {"expectedValidator": validator} | {
        name: str(said[name]) for name in ("reason", "rejectTypeOf")
    }


def records(*items: dict[str, Any]) -> list[dict[str, Any]]:
    """Lines of an invoice; each changes the usual one."""
    usual = {
        "invoiceRecordType": {"reference": 1},
        "description": "Ada · 2026-10 · 1",
        "amountExcludingTax": Decimal("333.33"),
        "quantity": Decimal("0.5"),
        "taxRates": [20],
        "taxes": [20],
    }
    return [usual | item for item in items]


def invoice(order: str | None = "85001", **attributes: Any) -> dict[str, Any]:
    """The body of a client invoice, 166.67 euros without tax."""
    usual = {
        "date": "2026-11-03",
        "startDate": "2026-10-01",
        "endDate": "2026-10-31",
        "reference": "RAP-2026-10-X",
        "state": 0,
        "invoiceRecords": records({}),
    }
    on = {"data": {"id": order, "type": "order"} if order else None}
    return {
        "data": {
            "type": "invoice",
            "attributes": usual | attributes,
            "relationships": {"order": on, "schedule": {"data": None}},
        }
    }


def provider_invoice(caller: Caller, **attributes: Any) -> dict[str, Any]:
    """The body of a supplier's invoice for the first purchase, 8,005 euros without tax."""
    order = next(iter(caller.world.orders.values()))
    who = str(order.lines[0].consultant_id)
    usual = {
        "reference": "S-1",
        "invoiceDate": "2026-11-02",
        "startDate": "2026-09-01",
        "endDate": "2026-12-31",
        "amountExcludingTax": 8005,
        "payments": [
            {
                "state": 0,
                "amountExcludingTax": 8005,
                "deliveryId": caller.world.missions[who].id,
            }
        ],
    }
    relations = {
        "resource": {"data": {"id": who, "type": "resource"}},
        "providerCompany": {"data": {"id": order.supplier_id, "type": "company"}},
    }
    return {
        "data": {
            "type": "providerinvoice",
            "attributes": usual | attributes,
            "relationships": relations,
        }
    }


# Activity reports


def test_a_validation(caller: Caller) -> None:
    """A validation answers 200 with the report, and leaves what one over v3 leaves."""
    cra = waiting(caller)
    twin = World.build(consultants=5, mistakes=False, portable=True)
    who, now = manager(caller, cra), caller.world.now()
    said = {"status": "validated", "validator": who, "validationDate": now.isoformat()}
    v3.change_cra(twin, twin.cras[cra.id], said)

    body = caller.said("POST", f"/times-reports/{cra.id}/validate", expectedValidator=who)

    assert body["data"]["attributes"]["state"] == "validated"
    assert asdict(cra) | NO_STAMP == asdict(twin.cras[cra.id]) | NO_STAMP
    assert (caller.kinds(), cra.updated_at) == (["cras.update"], now)


@pytest.mark.parametrize(
    ("validator", "expected"), [("", "1017"), ("1", "1002"), ("10001", "1002")]
)
def test_wrong_validators(caller: Caller, validator: str, expected: str) -> None:
    """Who is not named, or may not validate, validates nothing."""
    cra = waiting(caller)

    said = caller.refused("POST", f"/times-reports/{cra.id}/validate", expectedValidator=validator)

    assert said == ["422", f"{expected} at expectedValidator"]
    assert (cra.status, caller.kinds()) == ("submitted", [])


@pytest.mark.parametrize(
    ("action", "status"), [("validate", "validated"), ("unvalidate", "submitted")]
)
def test_nobody_may_twice(caller: Caller, action: str, status: str) -> None:
    """A report that has been decided upon, or waits still, cannot be decided upon so again."""
    cra = waiting(caller)
    cra.status = status

    said = caller.refused("POST", f"/times-reports/{cra.id}/{action}", expectedValidator="900")

    assert said == ["422", "1002 at expectedValidator"]


@pytest.mark.parametrize("action", ["validate", "unvalidate", "reject"])
def test_a_closed_month(caller: Caller, action: str) -> None:
    """What accounting has locked is refused, whatever is asked."""
    cra = waiting(caller)
    caller.boond.closed_terms.add("2026-10")
    body, query = rejection("900")

    said = caller.refused("POST", f"/times-reports/{cra.id}/{action}", body, **query)

    assert said == ["422", "1002 at Unprocessable Entity"]
    assert cra.status == "submitted"


def test_two_steps() -> None:
    """Where two must validate, the report waits for the director after the first."""
    caller = Caller(consultants=7)
    caller.boond.two_steps = True
    cra = caller.world.cra_of("10007", "2026-10")
    cra.status = "submitted"
    path, who = f"/times-reports/{cra.id}/validate", manager(caller, cra)

    first = caller.said("POST", path, expectedValidator=who)

    told = first["data"]["attributes"]["state"]
    assert (cra.status, told) == ("submitted", "waitingForValidation")
    assert [v["id"] for v in first["meta"]["expectedValidatorsAllowedForValidate"]] == ["900"]
    assert caller.refused("POST", path, expectedValidator=who)[0] == "422"
    caller.said("POST", path, expectedValidator="900")
    assert (cra.status, cra.validator) == ("validated", "900")


def test_one_step_for_the_others(caller: Caller) -> None:
    """Only consultants whose id ends in 7 need two steps."""
    caller.boond.two_steps = True
    cra = waiting(caller)

    caller.said("POST", f"/times-reports/{cra.id}/validate", expectedValidator="900")

    assert cra.status == "validated"


def test_a_rejection(caller: Caller) -> None:
    """A rejection leaves what an invalidation over v3 leaves, and is told as rejected."""
    cra = waiting(caller)
    body, query = rejection(manager(caller, cra))

    said = caller.said("POST", f"/times-reports/{cra.id}/reject", body, **query)

    assert said["data"]["attributes"]["state"] == "rejected"
    assert (cra.status, cra.validator, cra.validated_at) == ("invalidated", None, None)
    assert caller.kinds() == ["cras.update"]


def test_a_rejection_is_said_twice(caller: Caller) -> None:
    """A rejection needs its three words in the query and in the body, the same in both."""
    cra = waiting(caller)
    path, (body, query) = f"/times-reports/{cra.id}/reject", rejection("900")
    short = {"expectedValidator": "900"}

    assert caller.refused("POST", path, body, **short) == [
        "422",
        "1017 at reason",
        "1017 at rejectTypeOf",
    ]
    assert caller.refused("POST", path, {"data": {}}, **query)[1:] == [
        f"1017 at /data/{name}" for name in ("expectedValidator", "reason", "rejectTypeOf")
    ]
    for change, at in (
        ({"expectedValidator": "900"}, "expectedValidator"),
        ({"reason": "18 jours"}, "reason"),
        ({"rejectTypeOf": "definitiveRefusal"}, "rejectTypeOf"),
    ):
        said = caller.refused("POST", path, rejection("900", **change)[0], **query)
        assert said == ["422", f"1002 at /data/{at}"]
    assert cra.status == "submitted"


def test_an_invalidation_of_what_is_validated(caller: Caller) -> None:
    """A validated report is taken back first; then it waits, and can be rejected."""
    cra = next(c for c in caller.world.cras.values() if c.status == "validated")
    body, query = rejection("900")
    assert caller.refused("POST", f"/times-reports/{cra.id}/reject", body, **query)[0] == "422"

    caller.said("POST", f"/times-reports/{cra.id}/unvalidate", expectedValidator="900")
    assert (cra.status, cra.validator, cra.validated_at) == ("submitted", None, None)
    caller.said("POST", f"/times-reports/{cra.id}/reject", body, **query)

    assert (cra.status, caller.kinds()) == ("invalidated", ["cras.update"] * 2)


def test_a_report_of_two_missions(caller: Caller) -> None:
    """A decision is one on all CRAs of the report, which has the id of the first."""
    first = waiting(caller)
    other = Cra(**asdict(first) | {"id": "79999", "activities": []})
    caller.world.cras[other.id] = other

    caller.said("POST", f"/times-reports/{first.id}/validate", expectedValidator="900")

    assert {first.status, other.status} == {"validated"}
    assert caller.refused("POST", "/times-reports/79999/validate")[0] == "404"


def test_states_are_not_writable(caller: Caller) -> None:
    """A state in a body is ignored without a word, and refused when nothing is to be ignored."""
    cra = waiting(caller)
    body = {"data": {"id": cra.id, "type": "timesreport", "attributes": {"state": "validated"}}}
    path = f"/times-reports/{cra.id}"

    kept = caller.said("PUT", path, body, strict=False)["data"]["attributes"]["state"]

    assert (kept, cra.status, caller.kinds()) == ("waitingForValidation", "submitted", [])
    assert caller.refused("PUT", path, body) == ["422", "1002 at /data/attributes/state"]


# Invoices to clients


def test_an_invoice(caller: Caller) -> None:
    """An invoice takes client and contract from its order and leaves what one over v3 leaves."""
    twin = World.build(consultants=5, mistakes=False, portable=True)
    contract = twin.contracts["5001"]
    line = {"description": "Ada · 2026-10 · 1", "quantity": Decimal("0.5")}
    like = {
        "reference": "RAP-2026-10-X",
        "client": {"id": contract.client_id},
        "contract": {"id": contract.id},
        "issueDate": "2026-11-03",
        "dueDate": "2026-12-03",
        "lines": [
            line | {"unitPrice": Decimal("333.33"), "totalExclTax": Decimal("166.67")},
        ],
        "totalExclTax": Decimal("166.67"),
        "totalTax": Decimal("33.33"),
        "totalInclTax": Decimal("200.00"),
        "currency": "EUR",
    }
    expected = v3.create_client_invoice(twin, like)

    body = caller.said("POST", "/invoices", invoice())

    made = caller.world.client_invoices[body["data"]["id"]]
    assert asdict(made) == asdict(expected)
    assert caller.kinds() == ["client_invoices.create"]
    told = body["data"]["attributes"]
    assert (told["startDate"], told["endDate"]) == ("2026-10-01", "2026-10-31")
    assert [record["quantity"] for record in told["invoiceRecords"]] == [Decimal("0.5")]


def test_posting_twice_makes_two(caller: Caller) -> None:
    """Nothing keeps a caller from making the same invoice twice."""
    ids = {caller.said("POST", "/invoices", invoice())["data"]["id"] for _ in range(2)}

    assert len(ids) == 2


@pytest.mark.parametrize(("order", "expected"), [(None, "1017"), ("12", "1002")])
def test_invoices_need_an_order(caller: Caller, order: str | None, expected: str) -> None:
    """An invoice without an order, or on one that is not there, is refused."""
    said = caller.refused("POST", "/invoices", invoice(order))

    assert said == ["422", f"{expected} at /data/relationships/order"]


@pytest.mark.parametrize(
    ("broken", "at"),
    [
        ({"description": None}, "description"),
        ({"amountExcludingTax": "550"}, "amountExcludingTax"),
        ({"quantity": True}, "quantity"),
        ({"taxRates": 20}, "taxRates"),
        ({"taxes": ["20"]}, "taxes"),
        ({"invoiceRecordType": 1}, "invoiceRecordType"),
        ({"unitPrice": 550}, "unitPrice"),
    ],
)
def test_lines_that_do_not_fit(caller: Caller, broken: dict[str, Any], at: str) -> None:
    """A line that breaks the schema vanishes with a 200; strict callers are told which."""
    body = invoice(invoiceRecords=records({}, broken))

    kept = caller.said("POST", "/invoices", body, strict=False)["data"]["attributes"]
    said = caller.refused("POST", "/invoices", body)

    assert [len(kept["invoiceRecords"]), kept["turnoverInvoicedExcludingTax"]] == [
        1,
        Decimal("166.67"),
    ]
    assert said == ["422", f"1002 at /data/attributes/invoiceRecords/1/{at}"]


@pytest.mark.parametrize("name", ["description", "amountExcludingTax", "quantity"])
def test_lines_that_lack_something(caller: Caller, name: str) -> None:
    """A line without its words, price or quantity vanishes with a 200, or is refused."""
    (line,) = records({})
    body = invoice(invoiceRecords=[{k: v for k, v in line.items() if k != name}])

    kept = caller.said("POST", "/invoices", body, strict=False)["data"]["attributes"]

    assert (kept["invoiceRecords"], kept["turnoverInvoicedExcludingTax"]) == ([], 0)
    assert caller.refused("POST", "/invoices", body) == [
        "422",
        f"1002 at /data/attributes/invoiceRecords/0/{name}",
    ]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("date", "demain"), ("reference", 7), ("state", 6), ("state", "0"), ("invoiceRecords", {})],
)
def test_values_that_cannot_stand(caller: Caller, attribute: str, value: Any) -> None:
    """A value that is no such thing is refused, strict or not, and nothing is made."""
    for strict in (True, False):
        said = caller.refused("POST", "/invoices", invoice(**{attribute: value}), strict=strict)
        assert said == ["422", f"1002 at /data/attributes/{attribute}"]
    assert caller.kinds() == []


@pytest.mark.parametrize("body", [{}, {"data": {"type": "order"}}, {"data": {"attributes": 1}}])
def test_bodies_that_are_something_else(caller: Caller, body: dict[str, Any]) -> None:
    """A body of another kind is refused."""
    assert caller.refused("POST", "/invoices", body)[0] == "422"


def test_tax_is_of_the_whole(caller: Caller) -> None:
    """Tax is each rate on the sum of its lines, to the cent: half away from zero, minus too."""
    lines = records(
        {"amountExcludingTax": Decimal("0.01"), "quantity": 1},
        {"amountExcludingTax": Decimal("0.02"), "quantity": 1},
        {"amountExcludingTax": 100, "quantity": -1, "taxRates": [Decimal("5.5")]},
    )

    made = caller.said("POST", "/invoices", invoice(invoiceRecords=lines))["data"]["id"]

    kept = caller.world.client_invoices[made]
    assert (kept.net, kept.tax) == (Decimal("-99.97"), Decimal("0.01") - Decimal("5.50"))


def test_an_invoice_is_changed_in_its_tab(caller: Caller) -> None:
    """What is sent to the information tab replaces what stood there; what is not stays."""
    kept = next(iter(caller.world.client_invoices.values()))
    before = asdict(kept)
    body = {"data": {"id": kept.id, "type": "invoice", "attributes": {"reference": "NEW"}}}

    caller.said("PUT", f"/invoices/{kept.id}/information", body)

    assert asdict(kept) == before | {"reference": "NEW", "updated_at": caller.world.now()}
    assert caller.kinds() == ["client_invoices.update"]


def test_a_body_names_its_record(caller: Caller) -> None:
    """A change whose body names another record than its path is refused."""
    body = {"data": {"id": "1", "type": "invoice", "attributes": {"reference": "NEW"}}}
    kept = next(iter(caller.world.client_invoices))

    assert caller.refused("PUT", f"/invoices/{kept}/information", body)[1] == "1002 at /data/id"


def test_a_get_that_bills(caller: Caller) -> None:
    """Post-production lists projects, and with one parameter bills them, though it is a GET."""
    query = {"month": "2026-10", "keywords": "PRJ5001"}
    path = "/apps/post-production/projects"
    before: set[str] = set(caller.world.client_invoices)

    caller.said("GET", path, **query)
    assert (set(caller.world.client_invoices), caller.kinds()) == (before, [])
    body = caller.said("GET", path, **query, generateInvoices="true")

    assert [row["id"] for row in body["data"]] == ["5001"]
    (made,) = set(caller.world.client_invoices) - before
    assert caller.kinds() == ["client_invoices.generate"]
    assert _billed(caller, made) == _worked(caller, "5001", "2026-10")


def _billed(caller: Caller, invoice_id: str) -> Decimal:
    return caller.world.client_invoices[invoice_id].net


def _worked(caller: Caller, contract_id: str, month: str) -> Decimal:
    world, first, last = caller.world, date(2026, 10, 1), date(2026, 10, 31)
    missions = [m for m in world.missions.values() if m.contract_id == contract_id]
    days = [world.cra_of(m.consultant_id, month).production_days(first, last) for m in missions]
    return sum((n * m.sale_rate for n, m in zip(days, missions, strict=True)), Decimal(0))


# Suppliers' invoices


def test_a_registration(caller: Caller) -> None:
    """A supplier's invoice finds its purchase by the delivery of its payment."""
    order = next(iter(caller.world.orders.values()))

    body = caller.said("POST", "/provider-invoices", provider_invoice(caller))

    made = caller.world.supplier_invoices[body["data"]["id"]]
    expected = SupplierInvoice(
        id=made.id,
        updated_at=caller.world.now(),
        supplier_id=order.supplier_id,
        order_id=order.id,
        reference="S-1",
        issued=date(2026, 11, 2),
        due=None,
        lines=made.lines,
        net=Decimal(8005),
        tax=None,
        gross=None,
        currency="EUR",
        status="registered",
    )
    assert (made, [line.total for line in made.lines]) == (expected, [Decimal(8005)])
    assert caller.kinds() == ["supplier_invoices.create"]
    (payment,) = body["data"]["attributes"]["payments"]
    assert (payment["number"], payment["purchase"]["id"]) == ("S-1", order.id)


def test_a_registration_with_tax(caller: Caller) -> None:
    """An amount with tax tells the tax."""
    sent = provider_invoice(caller, amountIncludingTax=9606)

    made = caller.said("POST", "/provider-invoices", sent)["data"]["id"]

    kept = caller.world.supplier_invoices[made]
    assert (kept.tax, kept.gross) == (Decimal(1601), Decimal(9606))


@pytest.mark.parametrize("name", ["resource", "providerCompany"])
def test_registrations_name_both_sides(caller: Caller, name: str) -> None:
    """A supplier's invoice without its company or its person is refused."""
    body = provider_invoice(caller)
    body["data"]["relationships"][name] = {"data": None}

    said = caller.refused("POST", "/provider-invoices", body)

    assert said == ["422", f"1017 at /data/relationships/{name}"]


@pytest.mark.parametrize(
    ("payments", "at"),
    [
        ([{"amountExcludingTax": 1}], "payments/0/deliveryId"),
        ([{"amountExcludingTax": 1, "deliveryId": "1"}], "payments/0/deliveryId"),
        ([{"amountExcludingTax": 1, "deliveryId": "30001", "state": 7}], "payments/0/state"),
        ([{"amountExcludingTax": 1, "deliveryId": "30001"}] * 2, "payments/1"),
    ],
)
def test_payments_that_do_not_fit(caller: Caller, payments: list[Any], at: str) -> None:
    """A payment of no delivery, of one that is not there, in no state, or a second is refused."""
    body = provider_invoice(caller, payments=payments)

    assert caller.refused("POST", "/provider-invoices", body) == [
        "422",
        f"1002 at /data/attributes/{at}",
    ]


@pytest.mark.parametrize(("state", "status"), [(1, "flagged_for_payment"), (2, "paid")])
def test_a_payment_confirmed(caller: Caller, state: int, status: str) -> None:
    """A payment that is confirmed flags its invoice; one that is settled pays it."""
    made = caller.said("POST", "/provider-invoices", provider_invoice(caller))["data"]
    payment = made["attributes"]["payments"][0]["id"]
    body = {"data": {"id": payment, "type": "payment", "attributes": {"state": state}}}

    said = caller.said("PUT", f"/payments/{payment}", body)

    assert said["data"]["attributes"]["state"] == state
    assert caller.world.supplier_invoices[made["id"]].status == status
    assert caller.kinds() == ["supplier_invoices.create", "supplier_invoices.update"]


def test_a_cancelled_invoice_is_not_paid(caller: Caller) -> None:
    """A payment of a cancelled invoice stays as it is; one that is not there is not found."""
    made = caller.said("POST", "/provider-invoices", provider_invoice(caller))["data"]["id"]
    caller.world.supplier_invoices[made].status = "cancelled"
    body = {"data": {"id": f"7{made}", "type": "payment", "attributes": {"state": 1}}}

    said = caller.refused("PUT", f"/payments/7{made}", body)

    assert said == ["422", "1002 at /data/attributes/state"]
    assert caller.refused("PUT", "/payments/1", body)[0] == "404"


# What is not there


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/invoices/60001"),
        ("PUT", "/invoices/60001"),
        ("PATCH", "/times-reports/70001"),
        ("DELETE", "/invoices/60001"),
        ("POST", "/payments/760001"),
    ],
)
def test_verbs_that_are_not_there(caller: Caller, method: str, path: str) -> None:
    """A verb that a path does not know answers 405."""
    assert caller.refused(method, path, {})[0] == "405"


def test_employment_contracts_are_walled_off(caller: Caller) -> None:
    """Employment contracts cannot be written: the web firewall answers with a page."""
    answered = caller.call("POST", "/contracts", {})

    assert (answered.status_code, answered.headers["content-type"][:9]) == (403, "text/html")


def test_writes_are_told_by_the_world(caller: Caller) -> None:
    """What was written is served from then on, and is told as of the world's instant."""
    made = caller.said("POST", "/invoices", invoice())["data"]["id"]
    listed = caller.said(
        "GET", "/invoices", period="updated", startDate="2026-11-03", endDate="2026-11-03"
    )

    assert made in [row["id"] for row in listed["data"]]
    kept: ClientInvoice = caller.world.client_invoices[made]
    assert kept.updated_at == datetime(2026, 11, 3, 3, tzinfo=UTC)
