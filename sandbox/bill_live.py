"""Bill.com as its vendor documents it: the dialect `live` (bill.md, "Dialect live")."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from zlib import crc32

import httpx

from sandbox import bill_filters
from sandbox.bill_gateway import THIN_EVERY, Login
from sandbox.bill_objects import OBJECTS, Object
from sandbox.domain import Record
from sandbox.wire import (
    Limits,
    Manners,
    Refusal,
    answer,
    body_of,
    invalid,
    missing,
    unauthenticated,
    utc,
    whole,
    wrong_method,
)
from sandbox.world import World

ROOT = "/connect/v3/"
SESSION_LIFE = timedelta(minutes=35)
PAGE, LARGEST_PAGE = 20, 100
REQUESTS_AN_HOUR, LOGINS_AN_HOUR = 20_000, 200
AT_ONCE = 3
WRONG_PASSWORDS_ALLOWED = 3
POSITION = re.compile(r"after-(\d+)(-empty)?", re.ASCII)
# How a vendor's refusal reads here; the others are coded where they are made.
CODES = {
    "validation": "BDC_1143",
    "not_found": "BDC_1121",
    "authentication": "BDC_1109",
    "method_not_allowed": "BDC_1121",
}
# The stream whose faults a resource's rows suffer.
STREAMS = {"bills": "invoices", "vendor-credits": "invoices"}
LISTED_OF_VENDORS = frozenset(
    {
        *("id", "archived", "name", "shortName", "accountType", "email", "billCurrency"),
        *("createdTime", "updatedTime"),
    }
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of a list starts, and whether an empty page has stood before it."""

    first: int = 0
    rested: bool = False

    @property
    def token(self) -> str:
        """What a caller gets for it and cannot read."""
        text = f"after-{self.first}" + ("-empty" if self.rested else "")
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")


class BillLive:
    """BILL's v3 API over a world.

    Attributes:
        manners: how its lists misbehave.
        trusted: whether sessions are told to be trusted, as after a second factor.
        demands_trust: whether a session that is not trusted is refused.
        under_way: how many requests are under way, this one too; told by who serves it.
        requests_an_hour: of one developer key, logins aside.

    Args:
        world: what it tells.
        limits: how often one key may call; the minute's share counts by the hour, as BILL knows
            no shorter time. 20,000 an hour where none is told.
        login: whom it lets in.
        thin_lists: whether every third bill has its lines, and each vendor its address and tax id,
            only in its detail.
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
        self.trusted = self.demands_trust = False
        self.under_way = 0
        self.requests_an_hour = limits.per_minute * 60 if limits else REQUESTS_AN_HOUR
        self._hours: Counter[tuple[str, datetime]] = Counter()
        self._sessions: dict[str, datetime] = {}
        self._wrong_passwords = 0
        self._opened = 0

    def __call__(self, request: httpx.Request, path: str) -> httpx.Response:
        """Answers a request for a path below the mount."""
        try:
            return answer(self._dispatch(request, path), self.world.now())
        except Refusal as error:
            return refusal(error, self.world.now())

    def forget_sessions(self) -> None:
        """Makes every session that is open unknown."""
        self._sessions.clear()

    def _dispatch(self, request: httpx.Request, path: str) -> Any:
        if self.under_way > AT_ONCE:
            raise _refused("BDC_1322", f"More than {AT_ONCE} requests at once.")
        if path == f"{ROOT}login":
            return self._log_in(request)
        self._spend("requests", self.requests_an_hour)
        self._admit(request)
        route = self._route(path)
        if request.method != "GET":
            raise wrong_method(["GET"])
        return route(request.url.params)

    def _spend(self, what: str, allowed: int) -> None:
        """Counts a call of the clock's hour, unless the hour is used up."""
        hour = self.world.now().replace(minute=0, second=0)
        if self._hours[what, hour] >= allowed:
            words = f"Max number of allowed requests per hour reached: {allowed}."
            raise _refused("BDC_1144", words)
        self._hours[what, hour] += 1

    # Sessions

    def _admit(self, request: httpx.Request) -> None:
        """Lets in who has both headers; a session in the query string counts for nothing."""
        session, now = request.headers.get("sessionId", ""), self.world.now()
        expires = self._sessions.get(session)
        if "devKey" not in request.headers or expires is None or expires <= now:
            raise unauthenticated("Session is invalid.  Please log in.")
        self._check_key(request.headers["devKey"])
        self._sessions[session] = now + SESSION_LIFE
        if self.demands_trust and not self.trusted:
            raise _refused("BDC_1361", "Untrusted session.", HTTPStatus.FORBIDDEN)

    def _log_in(self, request: httpx.Request) -> dict[str, Any]:
        if request.method != "POST":
            raise wrong_method(["POST"])
        self._spend("logins", LOGINS_AN_HOUR)
        self._check(body_of(request))
        self._opened += 1
        session = f"bill-live-session-{self._opened}"
        self._sessions[session] = self.world.now() + SESSION_LIFE
        return {
            "sessionId": session,
            "organizationId": self.login.organization_id,
            "userId": "006sandbox",
            "trusted": self.trusted,
        }

    def _check(self, body: dict[str, Any]) -> None:
        known = self.login
        names = ("username", "password", "organizationId", "devKey")
        blank = [name for name in names if not isinstance(body.get(name), str) or not body[name]]
        if blank:
            raise invalid("\n".join(f"{name}: must not be blank" for name in blank))
        self._check_key(body["devKey"])
        if self._wrong_passwords >= WRONG_PASSWORDS_ALLOWED:
            raise _refused("BDC_1110", "Login is locked.")
        who = (body["username"], body["organizationId"])
        if who != (known.username, known.organization_id):
            raise _unmatched()
        if body["password"] != known.password:
            self._wrong_passwords += 1
            raise _unmatched()
        self._wrong_passwords = 0

    def _check_key(self, key: str) -> None:
        if key != self.login.dev_key:
            raise _refused("BDC_1102", "Developer key is invalid.")

    def _session(self, params: httpx.QueryParams) -> dict[str, Any]:
        del params
        return {
            "organizationId": self.login.organization_id,
            "userId": "006sandbox",
            "mfaStatus": "SETUP" if self.trusted else "NOT_SETUP",
            "mfaBypass": False,
        }

    # Lists and objects

    def _route(self, path: str) -> Callable[[httpx.QueryParams], Any]:
        if path == f"{ROOT}login/session":
            return self._session
        resource, _, id_ = path.removeprefix(ROOT).partition("/")
        if not path.startswith(ROOT) or resource not in OBJECTS or "/" in id_:
            raise missing(path)
        if id_:
            return lambda _: self._one(resource, id_)
        return lambda params: self._page(resource, params)

    def _one(self, resource: str, id_: str) -> Object:
        found = OBJECTS[resource](self.world, id_)
        if not found:
            raise _refused("BDC_1205", f"No record with the id {id_}.", HTTPStatus.NOT_FOUND)
        return self._broken(resource, found[0])

    def _page(self, resource: str, params: httpx.QueryParams) -> dict[str, Any]:
        size, position = whole(params, "max", PAGE), _position(params.get("page"))
        if size > LARGEST_PAGE:
            raise invalid(f"max is over {LARGEST_PAGE}")
        if self.manners.empty_pages and position.first and not position.rested:
            return {"results": [], "nextPage": replace(position, rested=True).token}
        rows = self._rows(resource, params)
        # A row that came in at the top pushes all others down by one.
        first = position.first - bool(self.manners.moving_pages and position.first)
        page: dict[str, Any] = {
            "results": [
                self._broken(resource, self._thin(resource, row))
                for row in rows[first : first + size]
            ]
        }
        if first + size < len(rows):
            # With a pushed row, a page of one would never end.
            page["nextPage"] = Position(max(first + size, position.first + 1)).token
        if first:
            page["prevPage"] = Position(max(first - size, 0)).token
        return page

    def _rows(self, resource: str, params: httpx.QueryParams) -> list[Object]:
        rows = OBJECTS[resource](self.world, None)
        if self.manners.ignores_filters:
            return rows
        rows = bill_filters.kept(resource, rows, params.get("filters", ""))
        return bill_filters.ordered(resource, rows, params.get("sort", ""))

    def _thin(self, resource: str, row: Object) -> Object:
        """What a list tells of an object; every third vendor goes without its currency, too."""
        third = crc32(row["id"].encode()) % THIN_EVERY == 0
        left_out = {
            "bills": {"billLineItems"} if third else set(),
            "vendors": (row.keys() - LISTED_OF_VENDORS) | ({"billCurrency"} if third else set()),
        }.get(resource, set())
        if not self.thin_lists:
            return row
        return {key: value for key, value in row.items() if key not in left_out}

    def _broken(self, resource: str, row: Object) -> Object:
        record = Record(id=row["id"], updated_at=self.world.now())
        if not self.manners.breaks(STREAMS.get(resource, resource), record):
            return row
        return row | _damage(resource, row)


def _damage(resource: str, row: Mapping[str, Any]) -> dict[str, Any]:
    if resource == "vendors":
        return {"name": None}
    if resource == "payments":
        return {"billPayments": [entry | {"amount": "n/a"} for entry in row["billPayments"]]}
    return {"amount": "n/a"}


def _position(token: str | None) -> Position:
    if token is None:
        return Position()
    padded = token.encode() + b"=" * (-len(token) % 4)
    try:
        found = POSITION.fullmatch(urlsafe_b64decode(padded).decode())
    except ValueError:
        found = None
    if found is None:
        raise invalid(f"page is no token of ours: {token!r}")
    return Position(int(found[1]), rested=bool(found[2]))


def _refused(code: str, words: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Refusal:
    return Refusal(status, code, words)


def _unmatched() -> Refusal:
    return _refused("BDC_1101", "User name and/or password do not match our records.")


def refusal(error: Refusal, now: datetime) -> httpx.Response:
    """Returns the response that says a refusal: an array, with an entry for each line of it."""
    entries = [
        {
            "timestamp": utc(now),
            "code": CODES.get(error.code, error.code),
            "severity": "ERROR",
            "category": "REQUEST",
            "message": words,
        }
        for words in error.detail.split("\n")
    ]
    return answer(entries, now, error.status, error.headers)
