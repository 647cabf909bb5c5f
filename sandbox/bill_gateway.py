"""Bill.com as ordered: the dialect `gateway` of the world (bill.md, "Dialect gateway")."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from zlib import crc32

import httpx

from sandbox.domain import Bill, BillLine, Payment, Record, Vendor
from sandbox.wire import (
    Limiter,
    Limits,
    Manners,
    Refusal,
    answer,
    body_of,
    day_of,
    instant_of,
    invalid,
    missing,
    refusal,
    told,
    unauthenticated,
    utc,
    whole,
    wrong_method,
)
from sandbox.world import World

LOGIN = "/connect/v3/login"
SESSION_LIFE = timedelta(hours=2)
PAGE, LARGEST_PAGE = 20, 100
WRONG_PASSWORDS_ALLOWED = 2
THIN_EVERY = 3
TOKEN = re.compile(r"page-(\d+)")
STATUSES = {"draft", "sent", "viewed", "approved", "paid"}
BROKEN: dict[str, dict[str, Any]] = {
    "invoices": {"amount": "n/a"},
    "vendors": {"name": None},
    "payments": {"amount": "n/a"},
}


@dataclass(frozen=True, slots=True)
class Login:
    """What Bill.com accepts."""

    username: str = "compta@esn.example"
    password: str = "sandbox-password"  # noqa: S105 - a stand-in has no secret
    organization_id: str = "org-sandbox"
    dev_key: str = "sandbox-dev-key"


class BillGateway:
    """Bill.com's gateway over a world.

    Args:
        world: what it tells.
        limits: how often one organization may call; none for no limit.
        login: whom it lets in.
        thin_lists: whether every third bill has its `lineItems` only in its detail.
    """

    def __init__(
        self,
        world: World,
        limits: Limits | None = None,
        login: Login | None = None,
        *,
        thin_lists: bool = True,
    ) -> None:
        self.world, self.login, self.thin_lists = world, login or Login(), thin_lists
        self.manners = Manners()
        self.limiter = Limiter(limits, lambda: world.clock() + timedelta(days=world.advanced_days))
        self._sessions: dict[str, datetime] = {}
        self._wrong_passwords = 0
        self._opened = 0

    def __call__(self, request: httpx.Request, path: str) -> httpx.Response:
        """Answers a request for a path below the mount."""
        try:
            return self._dispatch(request, path)
        except Refusal as error:
            return refusal(error, self.world.now())

    def forget_sessions(self) -> None:
        """Makes every session that is open unknown."""
        self._sessions.clear()

    def _dispatch(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == LOGIN:
            return self._log_in(request)
        expires = self._sessions.get(request.url.params.get("sessionId", ""))
        if expires is None or expires <= self.world.now():
            raise unauthenticated("the session is unknown or has expired")
        self.limiter.admit(self.login.organization_id)
        route = self._route(path)
        if request.method != "GET":
            raise wrong_method(["GET"])
        return route(request.url.params)

    # Sessions

    def _log_in(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            raise wrong_method(["POST"])
        self._check(body_of(request))
        self._opened += 1
        session = f"bill-session-{self._opened}"
        self._sessions[session] = self.world.now() + SESSION_LIFE
        body = {
            "sessionId": session,
            "organizationId": self.login.organization_id,
            "userId": "user-sandbox",
        }
        return answer(body, self.world.now())

    def _check(self, body: dict[str, Any]) -> None:
        known = self.login
        names = ("username", "password", "organizationId", "devKey")
        if not all(isinstance(body.get(name), str) for name in names):
            raise invalid(f"a login needs {', '.join(names)}")
        if self._wrong_passwords > WRONG_PASSWORDS_ALLOWED:
            raise Refusal(HTTPStatus.FORBIDDEN, "account_locked", "too many wrong passwords")
        if (body["username"], body["organizationId"], body["devKey"]) != (
            known.username,
            known.organization_id,
            known.dev_key,
        ):
            raise unauthenticated("these credentials are not known")
        if body["password"] != known.password:
            self._wrong_passwords += 1
            raise unauthenticated("these credentials are not known")
        self._wrong_passwords = 0

    # Routing

    def _route(self, path: str) -> Callable[[httpx.QueryParams], httpx.Response]:
        routes = {
            "/v3/invoices": self._bills,
            "/v3/invoices/search": self._search,
            "/v3/vendors": self._vendors,
        }
        if path in routes:
            return routes[path]
        found = re.fullmatch(r"/v3/invoices/([^/]+)(/payments)?", path)
        bill = self.world.bills.get(found[1]) if found else None
        if found is None or bill is None or bill.archived:
            raise missing(path)
        if found[2]:
            return lambda params: self._payments(bill, params)
        return lambda _: answer({"response_data": self._bill(bill)}, self.world.now())

    def _bills(self, params: httpx.QueryParams) -> httpx.Response:
        rows = [bill for bill in self.world.bills.values() if not bill.archived]
        if not self.manners.ignores_filters:
            tests = _tests(params)
            rows = [bill for bill in rows if all(test(bill) for test in tests)]
        return self._page("invoices", rows, params, self._listed)

    def _search(self, params: httpx.QueryParams) -> httpx.Response:
        if "invoiceNumber" not in params:
            raise invalid("invoiceNumber is missing")
        rows = [bill for bill in self.world.bills.values() if not bill.archived]
        if not self.manners.ignores_filters:
            rows = [bill for bill in rows if bill.number == params["invoiceNumber"]]
        return self._page("invoices", rows, params, self._listed)

    def _vendors(self, params: httpx.QueryParams) -> httpx.Response:
        return self._page("vendors", list(self.world.vendors.values()), params, self._vendor)

    def _payments(self, bill: Bill, params: httpx.QueryParams) -> httpx.Response:
        rows = [p for p in self.world.payments.values() if p.bill_id == bill.id]
        return self._page("payments", rows, params, self._payment)

    def _page(
        self,
        stream: str,
        rows: list[Any],
        params: httpx.QueryParams,
        shape: Callable[[Any], dict[str, Any]],
    ) -> httpx.Response:
        size = whole(params, "max", PAGE)
        if size > LARGEST_PAGE:
            raise invalid(f"max is over {LARGEST_PAGE}")
        first = _offset(params.get("page"))
        # A row that came in at the top pushes all others down by one.
        if self.manners.moving_pages and first:
            first -= 1
        served = rows[first : first + size]
        body: dict[str, Any] = {
            "response_data": [self._broken(stream, row, shape(row)) for row in served]
        }
        if first + size < len(rows):
            # With a pushed row, a page of one would never end.
            body["nextPage"] = f"page-{max(first + size, _offset(params.get('page')) + 1)}"
        return answer(body, self.world.now())

    def _broken(self, stream: str, record: Record, row: dict[str, Any]) -> dict[str, Any]:
        return row | BROKEN[stream] if self.manners.breaks(stream, record) else row

    # Shapes

    def _listed(self, bill: Bill) -> dict[str, Any]:
        row = self._bill(bill)
        if self.thin_lists and crc32(bill.id.encode()) % THIN_EVERY == 0:
            row.pop("lineItems", None)
        return row

    def _bill(self, bill: Bill) -> dict[str, Any]:
        paid = sum(
            (p.amount for p in self.world.payments.values() if p.bill_id == bill.id), Decimal(0)
        )
        return {
            "id": bill.id,
            "invoiceNumber": bill.number,
            "vendorId": bill.vendor_id,
            **told(vendorName=self._vendor_name(bill)),
            "invoiceDate": bill.dated.isoformat(),
            **told(dueDate=bill.due and bill.due.isoformat()),
            "amount": bill.amount,
            **told(currency=bill.currency),
            "status": bill.status,
            "description": bill.description,
            **told(purchaseOrderNumber=bill.order_number),
            **told(lineItems=[_line(line) for line in bill.lines] or None),
            **told(approvalStatus=bill.approval),
            "createdTime": utc(bill.created_at),
            "updatedTime": utc(bill.updated_at),
            "remainingBalance": bill.amount - paid,
        }

    def _vendor_name(self, bill: Bill) -> str | None:
        """The vendor's name; BILL tells none on a credit note, so a portable world has none."""
        vendor = self.world.vendors.get(bill.vendor_id)
        credit = self.world.portable and bill.amount < 0
        return vendor.name if vendor and not credit else None

    def _vendor(self, vendor: Vendor) -> dict[str, Any]:
        return {
            "id": vendor.id,
            "name": vendor.name,
            **told(email=vendor.email, taxId=vendor.tax_id),
            "address": {"city": vendor.town, "country": "FR"},
            "isActive": vendor.active and not vendor.archived,
            "createdTime": utc(vendor.created_at),
            "updatedTime": utc(vendor.updated_at),
        }

    def _payment(self, payment: Payment) -> dict[str, Any]:
        return {
            "id": payment.id,
            "amount": payment.amount,
            "date": payment.dated.isoformat(),
            "status": "paid",
            "method": payment.method,
        }


def _line(line: BillLine) -> dict[str, Any]:
    return {
        "description": line.description,
        **told(quantity=line.quantity, unitPrice=line.unit_price),
        "amount": line.amount,
    }


def _offset(token: str | None) -> int:
    found = TOKEN.fullmatch(token) if token is not None else None
    if token is not None and found is None:
        raise invalid(f"page is no token of ours: {token!r}")
    return int(found[1]) if found else 0


def _tests(params: httpx.QueryParams) -> list[Callable[[Bill], bool]]:
    """Returns one test for each filter that the query names."""
    tests: list[Callable[[Bill], bool]] = []
    if "startDate" in params:
        start = day_of(params["startDate"], "startDate")
        tests.append(lambda bill: bill.dated >= start)
    if "endDate" in params:
        end = day_of(params["endDate"], "endDate")
        tests.append(lambda bill: bill.dated <= end)
    if "vendorId" in params:
        tests.append(lambda bill: bill.vendor_id == params["vendorId"])
    if "status" in params:
        if params["status"] not in STATUSES:
            raise invalid(f"status is none of ours: {params['status']!r}")
        tests.append(lambda bill: bill.status == params["status"])
    if "updatedSince" in params:
        since = instant_of(params["updatedSince"], "updatedSince")
        tests.append(lambda bill: bill.updated_at >= since)
    return tests
