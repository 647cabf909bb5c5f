"""The sandbox's BoondManager keeps to its wire (boond.md, dialect v3)."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from sandbox.wire import Limits, text_of

Make = Callable[..., Any]
CRAS = "/crm/activities"
INVOICES = "/invoicing/invoices"
SUPPLIER_INVOICES = "/purchases/invoices"


def invoice(caller: Any, **changes: Any) -> str:
    """The body of a client invoice for the first contract."""
    contract = next(iter(caller.world.contracts.values()))
    body = {
        "reference": "RAP-2026-10-X",
        "client": {"id": contract.client_id},
        "contract": {"id": contract.id},
        "issueDate": "2026-11-03",
        "dueDate": "2026-12-03",
        "lines": [
            {
                "description": "A",
                "quantity": Decimal("0.5"),
                "unitPrice": Decimal("333.33"),
                "totalExclTax": Decimal("166.67"),
            }
        ],
        "totalExclTax": Decimal("166.67"),
        "totalTax": Decimal("33.33"),
        "totalInclTax": Decimal(200),
        "status": "draft",
    }
    return text_of(body | changes)


def supplier_invoice(**changes: Any) -> str:
    """The body of a supplier invoice, without its tax."""
    body = {
        "supplier": {"id": "SUP-1"},
        "purchaseOrder": {"id": "4001"},
        "reference": "S-1",
        "issueDate": "2026-11-02",
        "lines": [{"description": "A", "quantity": 1, "unitPrice": 400, "totalExclTax": 400}],
        "totalExclTax": 400,
        "status": "registered",
    }
    return json.dumps(body | changes)


@pytest.mark.parametrize(
    ("asked", "served"), [(None, 30), (1, 1), (7, 7), (500, 80), (501, 30), (9999, 30)]
)
def test_page_sizes(make: Make, asked: int | None, served: int) -> None:
    """A page holds 30 rows unless told, at most 500, and 30 again above that."""
    caller = make(consultants=40)
    params = {} if asked is None else {"maxResults": asked}

    body = caller.boond("GET", CRAS, params=params).json()

    assert (served, {"totals": {"rows": 80}}) == (len(body["data"]), body["meta"])


@pytest.mark.parametrize("size", [1, 3, 7, 29, 80])
def test_pages_hold_every_row_once(make: Make, size: int) -> None:
    """Every row comes once, whatever the page size."""
    caller = make(consultants=40)

    ids = [row["id"] for row in caller.boond_rows(CRAS, maxResults=size)]

    assert sorted(ids) == sorted(caller.world.cras)


@pytest.mark.parametrize("params", [{"page": "0"}, {"page": "x"}, {"maxResults": "-1"}])
def test_senseless_paging_is_refused(make: Make, params: dict[str, str]) -> None:
    """A page that is no number from 1 answers 400."""
    assert make().boond("GET", CRAS, params=params).status_code == 400


def test_updated_since_is_inclusive_and_needs_an_offset(make: Make) -> None:
    """A row changed at the very instant is served, one second later it is not."""
    caller = make()
    cra = max(caller.world.cras.values(), key=lambda c: c.updated_at)
    at = cra.updated_at.isoformat()

    rows = caller.boond_rows(CRAS, updatedSince=at)
    later = caller.boond_rows(CRAS, updatedSince=at.replace(":00+", ":01+"))

    assert cra.id in [row["id"] for row in rows]
    assert later == []
    naive = caller.boond("GET", CRAS, params={"updatedSince": "2026-01-01T00:00:00"})
    assert naive.status_code == 400


@pytest.mark.parametrize(
    ("path", "params", "count"),
    [
        ("/resources", {"firstName": "personne"}, 0),
        ("/clients/contracts", {"status": "active"}, 3),
        ("/clients/contracts", {"billingDeadlineBefore": "2026-11-09"}, 0),
        ("/clients/contracts", {"billingDeadlineBefore": "2026-11-10"}, 1),
        ("/clients/301/contracts", {}, 2),
        (CRAS, {"period": "2026-10"}, 5),
        (CRAS, {"period": "2026-10", "consultantId": "10001"}, 1),
        (CRAS, {"startDate": "2026-09-30", "endDate": "2026-10-01"}, 10),
        (CRAS, {"startDate": "2026-10-01", "endDate": "2026-10-31"}, 5),
        (CRAS, {"status": "submitted"}, 2),
        (CRAS, {"dueDateBefore": "2026-10-05"}, 0),
        (CRAS, {"dueDateBefore": "2026-10-06"}, 3),
        (INVOICES, {"reference": "F2026-09-001"}, 1),
        (INVOICES, {"reference": "F2026-09"}, 0),
        (INVOICES, {"clientId": "301"}, 2),
        ("/purchases/orders", {"supplierId": "SUP-1"}, 1),
        ("/purchases/orders", {"period": "2026-08"}, 0),
        (SUPPLIER_INVOICES, {"reference": "none"}, 0),
    ],
)
def test_filters(make: Make, path: str, params: dict[str, str], count: int) -> None:
    """Each filter of the wire narrows its list."""
    assert len(make().boond_rows(path, **params)) == count


def test_one_record_and_none(make: Make) -> None:
    """A record is served alone under its id; an unknown id, path or client answers 404."""
    caller = make()
    assert caller.boond("GET", "/resources/10001").json()["data"]["id"] == "10001"
    for path in ("/resources/0", "/nowhere", "/clients/0/contracts", "/clients/contracts/5001"):
        assert caller.boond("GET", path).status_code == 404


def test_wrong_verbs(make: Make) -> None:
    """A verb that the path does not know answers 405 and says which it knows."""
    caller = make()
    assert caller.boond("DELETE", CRAS).headers["Allow"] == "GET"
    assert caller.boond("POST", CRAS).status_code == 405
    assert caller.boond("PUT", "/resources/10001").status_code == 405


def test_numbers_are_written_exactly(make: Make) -> None:
    """Decimals leave as plain JSON numbers, without a trace of binary floats."""
    caller = make()
    caller.boond("POST", INVOICES, content=invoice(caller))

    text = caller.boond("GET", INVOICES, params={"reference": "RAP-2026-10-X"}).text

    assert '"quantity":0.5,"unitPrice":333.33,"totalExclTax":166.67' in text
    assert text_of([Decimal("-0.0"), Decimal("1E+3"), Decimal("0.0001")]) == "[0,1000,0.0001]"


def test_replies_are_dated_by_the_world(make: Make) -> None:
    """The Date header tells the world's time."""
    caller = make()
    caller.clock.turn(hours=1)
    assert caller.boond("GET", CRAS).headers["Date"] == "Tue, 03 Nov 2026 04:00:00 GMT"


def test_tokens_expire_and_refresh_once(make: Make) -> None:
    """A token is good for an hour; its refresh token gives one new token."""
    caller = make()
    granted = caller.token().json()
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}

    def status() -> int:
        return caller.http.get("/boond/api/v3/clients", headers=bearer).status_code

    caller.clock.turn(seconds=granted["expires_in"] - 1)
    assert status() == 200
    caller.clock.turn(seconds=1)
    assert status() == 401
    again = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    bearer["Authorization"] = f"Bearer {caller.token(**again).json()['access_token']}"
    assert status() == 200
    assert caller.token(**again).status_code == 401


def test_strangers_are_refused(make: Make) -> None:
    """Wrong credentials, tokens and keys answer 401, an unknown grant 400."""
    caller = make()
    assert caller.token(client_secret="wrong").status_code == 401
    assert caller.token(grant_type="password").status_code == 400
    assert caller.boond("GET", CRAS, headers={"X-API-Key": "wrong"}).status_code == 401
    assert caller.http.get("/boond/api/v3/clients").status_code == 401


def test_rate_limits_slide(make: Make) -> None:
    """No more than the limit passes in any second and in any minute; Retry-After is enough."""
    caller = make(limits=Limits(per_minute=30, per_second=20))

    def burst(count: int) -> list[int]:
        return [caller.boond("GET", "/clients").status_code for _ in range(count)]

    assert burst(21) == [200] * 20 + [429]
    caller.clock.turn(seconds=1)
    assert burst(11) == [200] * 10 + [429]
    refused = caller.boond("GET", "/clients")
    assert refused.headers["Retry-After"] == "59"
    caller.clock.turn(seconds=59)
    assert burst(21) == [200] * 20 + [429]


def test_validation_moves_the_cra_and_its_updated_at(make: Make) -> None:
    """A submitted CRA is validated once; the same again is refused with a 400."""
    caller = make()
    cra = next(c for c in caller.world.cras.values() if c.status == "submitted")
    body = {
        "status": "validated",
        "validator": "auto",
        "validationDate": "2026-11-03T04:00:00+01:00",
    }

    done = caller.boond("PUT", f"{CRAS}/{cra.id}", json=body)

    assert done.json()["data"]["status"] == "validated"
    assert done.json()["data"]["updatedAt"] == "2026-11-03T04:00:00+01:00"
    again = caller.boond("PUT", f"{CRAS}/{cra.id}", json=body)
    assert again.status_code == 400
    assert again.json()["errors"][0]["code"] == "validation"


@pytest.mark.parametrize(
    "body",
    [
        {"status": "validated"},
        {"status": "validated", "validator": "a", "validationDate": "2026-11-03"},
        {"status": "draft"},
        {},
        [],
    ],
)
def test_senseless_cra_changes_are_refused(make: Make, body: object) -> None:
    """A change without its keys, or to a status that cannot follow, answers 400."""
    caller = make()
    cra = next(c for c in caller.world.cras.values() if c.status == "submitted")
    assert caller.boond("PUT", f"{CRAS}/{cra.id}", json=body).status_code == 400
    assert cra.status == "submitted"


def test_a_reference_is_not_unique(make: Make) -> None:
    """Posting one reference twice makes two invoices, on both sides."""
    caller = make()
    for path, body in ((INVOICES, invoice(caller)), (SUPPLIER_INVOICES, supplier_invoice())):
        first, second = (caller.boond("POST", path, content=body) for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 201)
        reference = first.json()["data"]["reference"]
        assert first.json()["data"]["status"] == json.loads(body)["status"]
        assert len(caller.boond_rows(path, reference=reference)) == 2
    assert len(caller.world.writes) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"client": {"id": "nobody"}},
        {"client": {"id": "302"}},
        {"lines": []},
        {"totalExclTax": "200"},
        {"totalExclTax": Decimal("0.00001")},
        {"issueDate": "03/11/2026"},
        {"status": "sent"},
        {"reference": ""},
    ],
)
def test_senseless_invoices_are_refused(make: Make, changes: dict[str, Any]) -> None:
    """An invoice that breaks its shape answers 400 and is not kept."""
    caller = make()
    before = len(caller.world.client_invoices)
    assert caller.boond("POST", INVOICES, content=invoice(caller, **changes)).status_code == 400
    assert caller.boond("POST", INVOICES, content="{").status_code == 400
    assert len(caller.world.client_invoices) == before


def test_a_supplier_invoice_is_flagged_once(make: Make) -> None:
    """A registered supplier invoice is flagged for payment, and not a second time."""
    caller = make()
    made = caller.boond("POST", SUPPLIER_INVOICES, content=supplier_invoice()).json()["data"]
    assert "totalTax" not in made
    path, body = f"{SUPPLIER_INVOICES}/{made['id']}", {"status": "flagged_for_payment"}
    assert caller.boond("PUT", path, json=body).json()["data"]["status"] == "flagged_for_payment"
    assert caller.boond("PUT", path, json=body).status_code == 400
