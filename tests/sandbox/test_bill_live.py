"""The sandbox's BILL lets in, lists and refuses as its vendor does (bill.md, dialect live)."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from sandbox import faults
from sandbox.bill_live import refusal
from sandbox.domain import Bill
from sandbox.mishaps import MISHAPS, Exchange
from sandbox.wire import Limits, Manners, Refusal
from sandbox.world import DEFAULT_AS_OF, start_of
from tests.sandbox.bill_live_caller import (
    BILLS,
    CREDITS,
    INVOICES,
    PAYMENTS,
    VENDORS,
    Caller,
    code,
)


@pytest.fixture
def caller() -> Caller:
    """A caller of a small clean world."""
    return Caller()


@pytest.fixture(scope="module")
def market() -> Caller:
    """A caller of a world with everything in it, which no test changes."""
    return Caller(consultants=60, mistakes=True)


@pytest.fixture
def busy(market: Caller) -> Iterator[Caller]:
    """The same, with its manners put right afterwards."""
    yield market
    market.vendor.manners, market.vendor.thin_lists = Manners(), True


# Sessions and logins


def test_a_login_tells_its_session(caller: Caller) -> None:
    """A login answers session, organization, user, and that the session is not trusted."""
    said = caller.log_in().json()
    assert said.keys() == {"sessionId", "organizationId", "userId", "trusted"}
    assert (said["organizationId"], said["trusted"]) == ("org-sandbox", False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": "no"}, "BDC_1101"),
        ({"username": "no"}, "BDC_1101"),
        ({"organizationId": "no"}, "BDC_1101"),
        ({"devKey": "no"}, "BDC_1102"),
        ({"devKey": ""}, "BDC_1143"),
    ],
)
def test_wrong_logins(caller: Caller, change: dict[str, str], expected: str) -> None:
    """A wrong credential answers 400 with the code of what is wrong."""
    answered = caller.log_in(**change)
    assert (answered.status_code, code(answered)) == (400, expected)


def test_each_missing_field_is_an_entry(caller: Caller) -> None:
    """A login without fields names each of them in an entry of its own."""
    entries = caller.raw("POST", "/connect/v3/login", json={"username": "x"}).json()
    assert [entry["message"] for entry in entries] == [
        f"{name}: must not be blank" for name in ("password", "organizationId", "devKey")
    ]
    assert entries[0].keys() == {"timestamp", "code", "severity", "category", "message"}
    assert caller.raw("GET", "/connect/v3/login").status_code == 405


def test_three_wrong_passwords_lock(caller: Caller) -> None:
    """After three wrong passwords in a row the right one is refused too."""
    for _ in range(2):
        assert [code(caller.log_in(password="no")) for _ in range(2)] == ["BDC_1101"] * 2
        assert caller.log_in().status_code == 200
    assert [code(caller.log_in(password="no")) for _ in range(3)] == ["BDC_1101"] * 3
    assert code(caller.log_in()) == "BDC_1110"


def test_sessions_slide(caller: Caller) -> None:
    """A session lives 35 minutes after its last call, however long that is after the login."""
    for _ in range(3):
        assert caller.call(BILLS).status_code == 200
        caller.now += timedelta(minutes=34, seconds=59)
    assert caller.call(BILLS).status_code == 200
    caller.now += timedelta(minutes=35)
    answered = caller.call(BILLS)
    assert (answered.status_code, code(answered)) == (401, "BDC_1109")


def test_both_headers_are_needed(caller: Caller) -> None:
    """A session in the query string is no session, and neither is one without the dev key."""
    caller.call(BILLS)
    session, key = caller.headers["sessionId"], caller.headers["devKey"]
    for headers in ({}, {"sessionId": session}, {"devKey": key}):
        answered = caller.raw(
            "GET", BILLS, headers=headers, params={"sessionId": session, "devKey": key}
        )
        assert (answered.status_code, code(answered)) == (401, "BDC_1109")
    wrong = caller.raw("GET", BILLS, headers={"sessionId": session, "devKey": "no"})
    assert code(wrong) == "BDC_1102"


def test_forgotten_sessions_are_unknown(caller: Caller) -> None:
    """A session that BILL forgot answers 401."""
    assert caller.call(BILLS).status_code == 200
    caller.vendor.forget_sessions()
    assert caller.call(BILLS).status_code == 401


def test_the_session_tells_itself(caller: Caller) -> None:
    """`/v3/login/session` tells organization and user."""
    said = caller.one("/connect/v3/login/session")
    assert said.keys() == {"organizationId", "userId", "mfaStatus", "mfaBypass"}


def test_trust_may_be_demanded(caller: Caller) -> None:
    """Where trust is demanded, a login works and every other call answers 403 BDC_1361."""
    caller.vendor.demands_trust = True
    answered = caller.call(BILLS)
    assert (answered.status_code, code(answered)) == (403, "BDC_1361")
    caller.vendor.trusted = True
    assert caller.call(BILLS).status_code == 200
    assert caller.log_in().json()["trusted"] is True


# Limits


def test_the_hour_is_used_up(caller: Caller) -> None:
    """Over the hour's budget each call answers 400 BDC_1144, until the clock's next hour."""
    caller.vendor.requests_an_hour = 2
    caller.now += timedelta(minutes=50)
    assert [caller.call(BILLS).status_code for _ in range(3)] == [200, 200, 400]
    answered = caller.call(BILLS)
    assert code(answered) == "BDC_1144"
    assert "Retry-After" not in answered.headers
    caller.now += timedelta(minutes=10)
    assert caller.call(BILLS).status_code == 200


def test_logins_have_their_own_hour(caller: Caller) -> None:
    """200 logins an hour are let in, and spend nothing of the other calls' budget."""
    assert {caller.log_in().status_code for _ in range(200)} == {200}
    assert code(caller.log_in()) == "BDC_1144"
    caller.now += timedelta(hours=1)
    assert caller.log_in().status_code == 200


def test_limits_count_by_the_hour() -> None:
    """A minute's limit holds for an hour's calls; 20,000 unless told."""
    assert Caller(limits=Limits(per_minute=2)).vendor.requests_an_hour == 120
    assert Caller().vendor.requests_an_hour == 20_000


def test_three_at_once(caller: Caller) -> None:
    """A fourth request under way answers BDC_1322, a login too."""
    caller.vendor.under_way = 3
    assert caller.call(BILLS).status_code == 200
    caller.vendor.under_way = 4
    assert [code(caller.call(BILLS)), code(caller.log_in())] == ["BDC_1322"] * 2


# Lists


@pytest.mark.parametrize("size", [1, 20, 100])
def test_pages_hold_every_bill_once(busy: Caller, size: int) -> None:
    """Following the tokens to their end gives every bill once, and no credit note."""
    ids = [row["id"] for row in busy.rows(BILLS, max=size)]
    assert sorted(ids) == sorted(b.id for b in busy.world.bills.values() if b.amount >= 0)


def test_page_size_and_tokens(busy: Caller) -> None:
    """A page holds 20 unless told; 0, 101 and strange tokens answer 400 BDC_1143."""
    first = busy.call(BILLS).json()
    assert len(first["results"]) == 20
    assert "prevPage" not in first
    assert "20" not in first["nextPage"]
    size = len(busy.ids(VENDORS))
    assert "nextPage" not in busy.call(VENDORS, max=size).json()
    second = busy.call(BILLS, page=first["nextPage"]).json()
    assert busy.call(BILLS, page=second["prevPage"]).json()["results"] == first["results"]
    for wrong in ({"max": 0}, {"max": 101}, {"page": "20"}, {"page": "é"}, {"page": "abcde"}):
        answered = busy.call(BILLS, **wrong)
        assert (answered.status_code, code(answered)) == (400, "BDC_1143")


def test_empty_pages_are_not_the_end(busy: Caller) -> None:
    """Under its manner an empty page with a token stands before each page but the first."""
    expected = busy.ids(BILLS)
    busy.vendor.manners = faults.manners(faults.parse("bill:empty-pages")["bill"])
    token = busy.call(BILLS).json()["nextPage"]
    empty = busy.call(BILLS, page=token).json()
    assert (empty["results"], "nextPage" in empty) == ([], True)
    assert [row["id"] for row in busy.rows(BILLS, max=20)] == expected


def test_moving_pages_repeat_rows(busy: Caller) -> None:
    """Under its manner a page repeats the row before it, and the list still ends."""
    expected = busy.ids(BILLS)
    busy.vendor.manners = faults.manners(faults.parse("moving-pages")["bill"])
    served = [row["id"] for row in busy.rows(BILLS, max=20)]
    assert len(served) > len(expected)
    assert set(served) == set(expected)
    assert set(busy.ids(VENDORS)) == {row["id"] for row in busy.rows(VENDORS, max=1)}


def _of_bills(busy: Caller, keeps: Callable[[Bill], bool]) -> list[str]:
    return [b.id for b in busy.world.bills.values() if b.amount >= 0 and keeps(b)]


def test_documented_filters(busy: Caller) -> None:
    """Each documented condition keeps just the bills that meet it; several must all hold."""
    one = next(b for b in busy.world.bills.values() if b.due)
    due, at, vendor = one.due, one.updated_at, one.vendor_id
    expected: dict[str, Callable[[Bill], bool]] = {
        f"id:eq:{one.id}": lambda b: b.id == one.id,
        f"id:ne:{one.id}": lambda b: b.id != one.id,
        f'id:in:"none, {one.id}"': lambda b: b.id == one.id,
        f"vendorId:eq:{vendor}": lambda b: b.vendor_id == vendor,
        f"dueDate:lte:{due}": lambda b: b.due is not None and b.due <= due,
        f'dueDate:gt:"{due}"': lambda b: b.due is not None and b.due > due,
        "paymentStatus:eq:PAID": lambda b: b.status == "paid",
        "paymentStatus:ne:PAID": lambda b: b.status != "paid",
        f'updatedTime:gte:"{at:%Y-%m-%dT%H:%M:%S}.000Z"': lambda b: b.updated_at >= at,
        f'updatedTime:gt:"{at:%Y-%m-%dT%H:%M:%S}"': lambda b: b.updated_at > at,
        f'createdTime:lt:"{at:%Y-%m-%dT%H:%M:%S}.000+00"': lambda b: b.created_at < at,
        f"updatedTime:lt:{at:%Y-%m-%d}": lambda b: b.updated_at.date() < at.date(),
        f'vendorId:eq:{vendor},updatedTime:lte:"{at:%Y-%m-%dT%H:%M:%S}.000Z"': (
            lambda b: b.vendor_id == vendor and b.updated_at <= at
        ),
    }
    for filters, keeps in expected.items():
        assert busy.ids(BILLS, filters=filters) == _of_bills(busy, keeps), filters


def test_filters_of_vendors_and_payments(busy: Caller) -> None:
    """Vendors are found by the start of their name and their country, payments by vendor."""
    vendor = next(iter(busy.world.vendors.values()))
    assert vendor.id in busy.ids(VENDORS, filters=f"name:sw:{vendor.name[:3]}")
    assert busy.ids(VENDORS, filters="name:sw:Zzz") == []
    assert len(busy.ids(VENDORS, filters="address.country:eq:FR")) == len(busy.world.vendors)
    assert busy.ids(VENDORS, filters='address.country:nin:"FR,BE"') == []
    paid = busy.rows(PAYMENTS)[0]["vendorId"]
    found = busy.rows(PAYMENTS, filters=f'vendorId:in:"{paid}"')
    assert {row["vendorId"] for row in found} == {paid}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (BILLS, {"filters": "invoiceNumber:eq:1"}),
        (BILLS, {"filters": "approvalStatus:eq:APPROVED"}),
        (BILLS, {"filters": "updatedTime:eq:2026-01-01"}),
        (BILLS, {"filters": "updatedTime:gte:2026-01-01T00:00:00.000Z"}),
        (BILLS, {"filters": 'updatedTime:gte:"2026-01-01T00:00:00.000000Z"'}),
        (BILLS, {"filters": 'updatedTime:gte:"2026-13-01T00:00:00.000Z"'}),
        (BILLS, {"filters": 'updatedTime:gte:"2026-01-01T00:00:00Z"'}),
        (BILLS, {"filters": "id:in:a,b"}),
        (BILLS, {"filters": 'id:in:"a,b'}),
        (BILLS, {"filters": "id:like:a"}),
        (BILLS, {"filters": "archived:eq:no"}),
        (BILLS, {"filters": "dueDate:gt:soon"}),
        (BILLS, {"filters": "archived"}),
        (BILLS, {"sort": "invoiceDate:asc"}),
        (BILLS, {"sort": "updatedTime"}),
        (BILLS, {"sort": "updatedTime:up"}),
        (PAYMENTS, {"filters": 'updatedTime:gte:"2026-01-01T00:00:00.000Z"'}),
        (CREDITS, {"filters": "archived:eq:false"}),
        (CREDITS, {"sort": "updatedTime:asc"}),
    ],
)
def test_nothing_else_filters_or_sorts(busy: Caller, path: str, asked: dict[str, str]) -> None:
    """Fields, operators, directions and quoting that are not documented answer 400 BDC_1143."""
    answered = busy.call(path, **asked)
    assert (answered.status_code, code(answered)) == (400, "BDC_1143")


def test_ignored_filters(busy: Caller) -> None:
    """Under its manner every filter and order is passed over, senseless ones too."""
    busy.vendor.manners = faults.manners(faults.parse("ignores-filters")["bill"])
    assert busy.ids(BILLS, filters="invoiceNumber:eq:1", sort="nothing") == busy.ids(BILLS)


def test_sorting(busy: Caller) -> None:
    """Rows come in the order of the first field, then of the next; those without it come last."""
    times = [row["updatedTime"] for row in busy.rows(BILLS, sort="updatedTime:asc", max=100)]
    assert times == sorted(times)
    newest = [row["updatedTime"] for row in busy.rows(PAYMENTS, sort="updatedTime:desc")]
    assert newest == sorted(newest, reverse=True)
    rows = busy.rows(BILLS, sort="dueDate:desc,updatedTime:asc", max=100)
    due = [row["dueDate"] for row in rows if "dueDate" in row]
    assert due == sorted(due, reverse=True)
    assert all("dueDate" not in row for row in rows[len(due) :])
    assert 0 < len(due) < len(rows)


# Errors


def test_what_is_not_there(caller: Caller) -> None:
    """An unknown record answers 404 BDC_1205, an unknown path 404 BDC_1121."""
    for path in (BILLS, VENDORS, PAYMENTS, CREDITS, INVOICES):
        answered = caller.call(f"{path}/none")
        assert (answered.status_code, code(answered)) == (404, "BDC_1205")
    for path in ("/v3/bills", "/connect/v3/purchase-orders", f"{BILLS}/1/archive"):
        answered = caller.call(path)
        assert (answered.status_code, code(answered)) == (404, "BDC_1121")


def test_nothing_can_be_written(caller: Caller) -> None:
    """Writes and bulk writes answer 405 or 404 and leave nothing in the books."""
    for method, path in (("POST", BILLS), ("PATCH", f"{BILLS}/1"), ("POST", f"{BILLS}/bulk")):
        assert caller.call(path, method=method).status_code == 405
    assert caller.call(f"{BILLS}/1/archive", method="POST").status_code == 404
    assert caller.world.writes == []


def test_broken_rows(busy: Caller) -> None:
    """Some rows of each stream are malformed where told, in lists and alone."""
    busy.vendor.manners = faults.manners(faults.parse("bill:broken-rows")["bill"])
    busy.vendor.manners.broken_percent = 30
    bills = [row["id"] for row in busy.rows(BILLS, max=100) if row["amount"] == "n/a"]
    assert 0 < len(bills) < len(busy.world.bills) / 2
    assert all(busy.vendor.manners.breaks("invoices", busy.world.bills[id_]) for id_ in bills)
    assert busy.one(f"{BILLS}/{bills[0]}")["amount"] == "n/a"
    assert any(row["name"] is None for row in busy.rows(VENDORS, max=100))
    busy.vendor.manners.broken_percent = 100
    entries = busy.rows(PAYMENTS)[0]["billPayments"]
    assert [entry["amount"] for entry in entries] == ["n/a"]


@pytest.mark.parametrize("name", ["endless", "repeated", "moved", "vanished", "unfiltered"])
def test_mishaps_of_lists(busy: Caller, name: str) -> None:
    """Each mishap of lists changes a list's page and leaves errors as they are."""
    plain = busy.call(VENDORS, sort="name:asc", max=100).json()

    def befallen(path: str) -> Any:
        request = httpx.Request(
            "GET", f"http://bill{path}?sort=name:asc&max=100", headers=busy.headers
        )
        exchange = Exchange(
            request,
            lambda asked: busy.vendor(asked, path),
            busy.vendor.forget_sessions,
            busy.world.now,
        )
        return MISHAPS[name](exchange).json()

    changed = befallen(VENDORS)
    assert changed != plain
    if name == "endless":
        assert busy.call(VENDORS, page=changed["nextPage"], max=100).status_code == 200
    assert befallen(f"{VENDORS}/none")[0]["code"] == "BDC_1205"


def test_refusals_of_others_are_arrays() -> None:
    """A refusal that is made before BILL is asked is told in the same form."""
    said = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "down", {"Retry-After": "1"})
    answered = refusal(said, start_of(DEFAULT_AS_OF))
    assert answered.json()[0]["timestamp"] == "2026-11-03T03:00:00.000+00:00"
    assert (answered.status_code, code(answered)) == (503, "unavailable")
    assert answered.headers["Retry-After"] == "1"
