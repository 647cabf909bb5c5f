"""BoondManager as ordered: the dialect `v3` of the world (boond.md, "Dialect v3").

Mounted under one root: the API at `/api/v3`, the token endpoint at `/oauth/token`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qsl

import httpx

from sandbox import boond_shapes as shapes
from sandbox import boond_writes as writes
from sandbox.domain import Contract, Cra, PurchaseOrder, Record
from sandbox.months import bounds
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
    unauthenticated,
    whole,
    wrong_method,
)
from sandbox.world import World

API = "/api/v3"
TOKEN_LIFE = timedelta(seconds=3600)
PAGE, LARGEST_PAGE = 30, 500
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")

Test = Callable[[Any, str], bool]
Write = Callable[[World, dict[str, Any]], Record]
Change = Callable[[World, Any, dict[str, Any]], None]


def _says(name: str) -> Test:
    return lambda record, wanted: getattr(record, name).casefold() == wanted.casefold()


def _is(name: str) -> Test:
    return lambda record, wanted: bool(getattr(record, name) == wanted)


def _before(name: str) -> Test:
    def test(record: Any, wanted: str) -> bool:
        found, limit = getattr(record, name), day_of(wanted, name)
        return found is not None and bool(found < limit)

    return test


def _in_month(record: Cra | PurchaseOrder, wanted: str) -> bool:
    if not MONTH.fullmatch(wanted):
        raise invalid(f"period is no month: {wanted!r}")
    first, last = bounds(wanted)
    return record.start <= last and record.end >= first


def _ends_from(record: Cra | PurchaseOrder, wanted: str) -> bool:
    return record.end >= day_of(wanted, "startDate")


def _starts_until(record: Cra | PurchaseOrder, wanted: str) -> bool:
    return record.start <= day_of(wanted, "endDate")


PERIOD: dict[str, Test] = {
    "period": _in_month,
    "startDate": _ends_from,
    "endDate": _starts_until,
}


@dataclass(frozen=True, slots=True)
class Collection:
    """A stream: where it is, what it is made of, what it filters by."""

    stream: str
    path: str
    table: str
    shape: Callable[[World, Any], dict[str, Any]]
    filters: dict[str, Test] = field(default_factory=dict)
    single: bool = True
    create: Write | None = None
    change: Change | None = None


COLLECTIONS = (
    Collection(
        "consultants",
        "/resources",
        "consultants",
        shapes.consultant,
        {"firstName": _says("first_name"), "lastName": _says("last_name")},
    ),
    Collection("clients", "/clients", "clients", shapes.client, {"name": _says("name")}),
    Collection(
        "contracts",
        "/clients/contracts",
        "contracts",
        shapes.contract,
        {"status": _is("status"), "billingDeadlineBefore": _before("deadline")},
        single=False,
    ),
    Collection(
        "cras",
        "/crm/activities",
        "cras",
        shapes.cra,
        {
            "consultantId": _is("consultant_id"),
            "status": _is("status"),
            "dueDateBefore": _before("due"),
            **PERIOD,
        },
        change=writes.change_cra,
    ),
    Collection(
        "client_invoices",
        "/invoicing/invoices",
        "client_invoices",
        shapes.client_invoice,
        {"reference": _is("reference"), "clientId": _is("client_id")},
        create=writes.create_client_invoice,
    ),
    Collection("suppliers", "/suppliers", "suppliers", shapes.supplier, {"name": _says("name")}),
    Collection(
        "purchase_orders",
        "/purchases/orders",
        "orders",
        shapes.purchase_order,
        {"supplierId": _is("supplier_id"), **PERIOD},
    ),
    Collection(
        "supplier_invoices",
        "/purchases/invoices",
        "supplier_invoices",
        shapes.supplier_invoice,
        {"supplierId": _is("supplier_id"), "reference": _is("reference")},
        create=writes.register_supplier_invoice,
        change=writes.flag_supplier_invoice,
    ),
)
CONTRACTS = next(c for c in COLLECTIONS if c.stream == "contracts")
CONTRACTS_OF_ONE = re.compile(r"/clients/([^/]+)/contracts")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What BoondManager accepts."""

    client_id: str = "rapproche-sandbox"
    client_secret: str = "sandbox-secret"  # noqa: S105 - a stand-in has no secret
    api_key: str = "sandbox-api-key"


class BoondV3:
    """BoondManager's REST design over a world.

    Args:
        world: what it tells and changes.
        limits: how often one key may call; none for no limit.
        credentials: whom it lets in.
    """

    def __init__(
        self,
        world: World,
        limits: Limits | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.world = world
        self.credentials = credentials or Credentials()
        self.manners = Manners()
        self.limiter = Limiter(limits, lambda: world.clock() + timedelta(days=world.advanced_days))
        self._tokens: dict[str, datetime] = {}
        self._refresh_tokens: set[str] = set()
        self._granted = 0

    def __call__(self, request: httpx.Request, path: str) -> httpx.Response:
        """Answers a request for a path below the mount."""
        try:
            return self._dispatch(request, path)
        except Refusal as error:
            return refusal(error, self.world.now())

    def forget_tokens(self) -> None:
        """Makes every token that is out there unknown."""
        self._tokens.clear()
        self._refresh_tokens.clear()

    def _dispatch(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/oauth/token":
            return self._token(request)
        if not path.startswith(f"{API}/"):
            raise missing(path)
        self.limiter.admit(self._key(request))
        return self._serve(request, path.removeprefix(API))

    # Authentication

    def _token(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            raise wrong_method(["POST"])
        form = dict(parse_qsl(request.content.decode("utf-8", "replace")))
        self._check_grant(form)
        self._granted += 1
        token, again = f"boond-access-{self._granted}", f"boond-refresh-{self._granted}"
        self._tokens[token] = self.world.now() + TOKEN_LIFE
        self._refresh_tokens.add(again)
        body = {
            "access_token": token,
            "expires_in": int(TOKEN_LIFE.total_seconds()),
            "token_type": "Bearer",
            "refresh_token": again,
        }
        return answer(body, self.world.now())

    def _check_grant(self, form: dict[str, str]) -> None:
        grant, known = form.get("grant_type"), self.credentials
        if grant == "refresh_token":
            if form.get("refresh_token") not in self._refresh_tokens:
                raise unauthenticated("this refresh token is not known")
            # A refresh token is good for one use, as most servers have it.
            self._refresh_tokens.discard(form["refresh_token"])
        elif grant != "client_credentials":
            raise invalid("grant_type is neither client_credentials nor refresh_token")
        elif (form.get("client_id"), form.get("client_secret")) != (
            known.client_id,
            known.client_secret,
        ):
            raise unauthenticated("these client credentials are not known")

    def _key(self, request: httpx.Request) -> str:
        if "X-API-Key" in request.headers:
            if request.headers["X-API-Key"] != self.credentials.api_key:
                raise unauthenticated("this API key is not known")
            return self.credentials.api_key
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        expires = self._tokens.get(token) if scheme == "Bearer" else None
        if expires is None or expires <= self.world.now():
            raise unauthenticated("the token is unknown or has expired")
        return self.credentials.client_id

    # Routing

    def _serve(self, request: httpx.Request, path: str) -> httpx.Response:
        of_one = CONTRACTS_OF_ONE.fullmatch(path)
        if of_one:
            if of_one[1] not in self.world.clients:
                raise missing(path)
            return self._collection(request, CONTRACTS, client_id=of_one[1])
        for collection in COLLECTIONS:
            if path == collection.path:
                return self._collection(request, collection)
        for collection in COLLECTIONS:
            head, _, record_id = path.rpartition("/")
            if collection.single and head == collection.path:
                return self._one(request, collection, record_id)
        raise missing(path)

    def _collection(
        self, request: httpx.Request, collection: Collection, client_id: str | None = None
    ) -> httpx.Response:
        if request.method == "GET":
            rows = self._rows(collection, request.url.params)
            if client_id:
                rows = [row for row in cast("list[Contract]", rows) if row.client_id == client_id]
            return self._page(collection, rows, request.url.params)
        if request.method == "POST" and collection.create:
            record = collection.create(self.world, body_of(request))
            self.world.wrote("boond", f"{collection.stream}.create", record)
            return self._said(collection, record, HTTPStatus.CREATED)
        raise wrong_method(["GET", *(["POST"] if collection.create else [])])

    def _one(
        self, request: httpx.Request, collection: Collection, record_id: str
    ) -> httpx.Response:
        if request.method not in {"GET", "PUT"} or (
            request.method == "PUT" and not collection.change
        ):
            raise wrong_method(["GET", *(["PUT"] if collection.change else [])])
        record = self._table(collection).get(record_id)
        if record is None:
            raise missing(request.url.path)
        if request.method == "PUT" and collection.change:
            collection.change(self.world, record, body_of(request))
            self.world.touch(record)
            self.world.wrote("boond", f"{collection.stream}.update", record)
        return self._said(collection, record)

    def _table(self, collection: Collection) -> dict[str, Record]:
        table = cast("dict[str, Record]", getattr(self.world, collection.table))
        # This dialect has no archive: what is archived is gone.
        return {key: row for key, row in table.items() if not getattr(row, "archived", False)}

    # Lists

    def _rows(self, collection: Collection, params: httpx.QueryParams) -> list[Record]:
        rows: Iterable[Record] = self._table(collection).values()
        if self.manners.ignores_filters:
            return list(rows)
        if "updatedSince" in params:
            since = instant_of(params["updatedSince"], "updatedSince")
            rows = (row for row in rows if row.updated_at >= since)
        for name, test in collection.filters.items():
            if name in params:
                rows = [row for row in rows if test(row, params[name])]
        return list(rows)

    def _page(
        self, collection: Collection, rows: list[Any], params: httpx.QueryParams
    ) -> httpx.Response:
        size = whole(params, "maxResults", PAGE)
        size = PAGE if size > LARGEST_PAGE else size
        page = whole(params, "page", 1)
        # A row that came in at the top after the first page pushes all others down by one.
        pushed = 1 if self.manners.moving_pages and page > 1 else 0
        first = (page - 1) * size - pushed
        body: dict[str, Any] = {
            "data": [self._row(collection, row) for row in rows[first : first + size]]
        }
        if not self.manners.no_meta:
            body["meta"] = {"totals": {"rows": len(rows) + pushed}}
        return answer(body, self.world.now())

    def _row(self, collection: Collection, record: Record) -> dict[str, Any]:
        row = collection.shape(self.world, record)
        if self.manners.breaks(collection.stream, record):
            row |= shapes.BROKEN[collection.stream]
        return row

    def _said(
        self, collection: Collection, record: Record, status: HTTPStatus = HTTPStatus.OK
    ) -> httpx.Response:
        return answer({"data": self._row(collection, record)}, self.world.now(), status)
