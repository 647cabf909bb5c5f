"""The manner of BoondManager's live API: JSON:API bodies, its errors, who calls, and its routes.

boond.md, "Dialect live".
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, TypeVar
from zlib import crc32

import httpx

from sandbox.wire import PARIS, Manners, Refusal, answer, text_of
from sandbox.world import World

Json = dict[str, Any]
T = TypeVar("T")

MISSING_ATTRIBUTE, WRONG_ATTRIBUTE = "1017", "1002"
WORDS = {
    MISSING_ATTRIBUTE: "1017 - Missing required attribute",
    WRONG_ATTRIBUTE: "1002 - Wrong or missing attribute",
}
CLOCK_TOLERANCE = timedelta(minutes=10)
FIREWALL_PAGE = (
    "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    "<body><h1>Sorry, you have been blocked</h1></body></html>"
)


@dataclass(frozen=True, slots=True)
class LiveCredentials:
    """Whom the live API lets in: a JWT of the two tokens signed with the key, or Basic."""

    user_token: str = "sandbox-user-token"  # noqa: S105 - a stand-in has no secret
    client_token: str = "sandbox-client-token"  # noqa: S105 - likewise
    client_key: str = "sandbox-client-key"
    basic_user: str = "sandbox@esn.example"
    basic_password: str = "sandbox-password"  # noqa: S105 - likewise


@dataclass(slots=True, kw_only=True)
class Tenant:
    """A tenant of the live API: the world, and what only this wire can tell of it.

    Attributes:
        world: what it tells and changes.
        manners: how its lists misbehave.
        two_steps: whether some consultants need a second validation, by `DIRECTOR`.
        two_steps_ending: what the ids of these consultants end in.
        closed_terms: months `YYYY-MM` whose activity reports are locked by accounting.
        half_validated: activity report → who took the first step of two, and when.
        invoice_periods: client invoice → first and last day, where they were written.
        memory: name → (made of what, what was made): see `remembered`.
    """

    world: World
    manners: Manners = field(default_factory=Manners)
    two_steps: bool = False
    two_steps_ending: str = "7"
    closed_terms: set[str] = field(default_factory=set)
    half_validated: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    invoice_periods: dict[str, tuple[date, date]] = field(default_factory=dict)
    memory: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def remembered(self, name: str, made_of: Any, make: Callable[[], T]) -> T:
        """Returns what `make` made, made anew when what it is made of has changed."""
        if name not in self.memory or self.memory[name][0] != made_of:
            self.memory[name] = (made_of, make())
        kept: T = self.memory[name][1]
        return kept


Handler = Callable[[Tenant, re.Match[str], httpx.Request], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """A verb on a path below `/api`, and what answers it: the JSON body without `meta`'s frame."""

    method: str
    path: re.Pattern[str]
    handler: Handler


class LiveRefusal(Refusal):
    """A refusal in the live envelope: one entry a problem.

    Attributes:
        problems: the entries of `errors`.
        logged: whether the caller was let in.
    """

    def __init__(self, status: HTTPStatus, problems: list[Json], *, logged: bool = True) -> None:
        super().__init__(status, str(problems[0]["code"]), str(problems[0]["detail"]))
        self.problems, self.logged = problems, logged


class FirewallRefusal(Refusal):
    """The page of the web firewall in front of the API: 403, HTML."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, "firewall", "blocked")


def refused(
    status: HTTPStatus, code: str, detail: str, parameter: str | None = None, *, logged: bool = True
) -> LiveRefusal:
    """Returns a refusal of one problem; `parameter` is a query name or a JSON pointer."""
    about = {"source": {"parameter": parameter}} if parameter else {"title": status.phrase}
    problem = {"status": str(int(status)), "code": code, "detail": detail, **about}
    return LiveRefusal(status, [problem], logged=logged)


def incomplete(*parameters: str) -> LiveRefusal:
    """Returns the refusal of required parameters or attributes that are missing (422, 1017)."""
    return _unprocessable(MISSING_ATTRIBUTE, parameters)


def wrong(*parameters: str) -> LiveRefusal:
    """Returns the refusal of values that cannot stand (422, 1002)."""
    return _unprocessable(WRONG_ATTRIBUTE, parameters)


def _unprocessable(code: str, parameters: Iterable[str]) -> LiveRefusal:
    problems = [
        {"status": "422", "code": code, "detail": WORDS[code], "source": {"parameter": name}}
        for name in parameters
    ]
    return LiveRefusal(HTTPStatus.UNPROCESSABLE_ENTITY, problems)


def absent(request: httpx.Request) -> LiveRefusal:
    """Returns the refusal of what is not there (404)."""
    path = request.url.path.removeprefix("/boond")
    return refused(HTTPStatus.NOT_FOUND, "404", f"HTTP 404 ({request.method} {path})")


def no_such_verb(request: httpx.Request) -> LiveRefusal:
    """Returns the refusal of a verb that a path does not know (405)."""
    path = request.url.path.removeprefix("/boond")
    return refused(HTTPStatus.METHOD_NOT_ALLOWED, "405", f"HTTP 405 ({request.method} {path})")


# Bodies


def record(kind: str, record_id: str, attributes: Json, relationships: Json | None = None) -> Json:
    """Returns a JSON:API object."""
    body: Json = {"id": record_id, "type": kind, "attributes": attributes}
    return body | ({"relationships": relationships} if relationships else {})


def related(kind: str, record_id: str | None, seed: str = "") -> Json | None:
    """Returns a relation; one without a target is `null` or `{"data": null}`, by the seed."""
    if record_id:
        return {"data": {"id": record_id, "type": kind}}
    return {"data": None} if chance(seed, 2) else None


def related_many(kind: str, record_ids: Iterable[str]) -> Json:
    """Returns a relation to several records."""
    return {"data": [{"id": record_id, "type": kind} for record_id in record_ids]}


def document(
    data: Json | list[Json], included: Iterable[Json] = (), meta: Json | None = None
) -> Json:
    """Returns a body: a record or rows, what they refer to (each once), more of `meta`."""
    once = {(found["type"], found["id"]): found for found in included}
    return {"data": data, "included": list(once.values()), "meta": meta or {}}


def chance(seed: str, of: int) -> int:
    """Returns a number from 0 to `of` - 1 that is always the same for a seed."""
    return crc32(seed.encode()) % of


def stamped(instant: datetime | None) -> str:
    """Returns an instant in Paris as the live API writes it: no colon in the offset."""
    return instant.astimezone(PARIS).strftime("%Y-%m-%dT%H:%M:%S%z") if instant else ""


def on(day: date) -> str:
    """Returns the morning of a day, as the live API writes instants."""
    return stamped(datetime.combine(day, time(8), PARIS))


def dated(day: date | None, seed: str = "") -> str | None:
    """Returns a date; no date is an empty text or `null`, by the seed."""
    if day:
        return day.isoformat()
    return None if chance(seed, 3) == 0 else ""


def framed(tenant: Tenant, body: Json, *, logged: bool = True) -> Json:
    """Puts the `meta` that every answer has before a body."""
    now = tenant.world.now()
    meta = {
        "version": "9.0.5.3",
        "isLogged": logged,
        "language": "fr",
        "timestamp": int(now.timestamp()),
        "login": "sandbox@esn.example" if logged else "",
        "customer": "sandbox",
    }
    return {"meta": meta | body.get("meta", {})} | {k: v for k, v in body.items() if k != "meta"}


def said(tenant: Tenant, body: Json) -> httpx.Response:
    """Returns the answer of a body: always 200, for writes too."""
    return answer(framed(tenant, body), tenant.world.now())


def refusal_of(tenant: Tenant, error: Refusal) -> httpx.Response:
    """Returns the answer that says a refusal."""
    now = tenant.world.now()
    if isinstance(error, FirewallRefusal):
        headers = {
            "Content-Type": "text/html; charset=UTF-8",
            "Date": format_datetime(now.astimezone(UTC), usegmt=True),
        }
        return httpx.Response(error.status, headers=headers, content=FIREWALL_PAGE.encode())
    if not isinstance(error, LiveRefusal):
        error = refused(error.status, str(int(error.status)), error.detail)
    body = framed(tenant, {"errors": error.problems}, logged=error.logged)
    return answer(body, now, error.status)


# Who calls


def signed(payload: Json, key: str) -> str:
    """Returns a JWT of a payload (HS256, base64url without padding)."""
    parts = ({"alg": "HS256", "typ": "JWT"}, payload)
    text = ".".join(_base64(text_of(part).encode()) for part in parts)
    return f"{text}.{_base64(_mac(text, key))}"


def caller_of(request: httpx.Request, known: LiveCredentials, now: datetime) -> str:
    """Returns who calls.

    Raises:
        Refusal: 401 without credentials that are known, 422 for a JWT that does not hold.
    """
    token = request.headers.get("X-Jwt-Client-BoondManager")
    if token is not None:
        return _bearer(token, known, now)
    scheme, _, code = request.headers.get("Authorization", "").partition(" ")
    wanted = base64.b64encode(f"{known.basic_user}:{known.basic_password}".encode()).decode()
    if scheme.lower() == "basic" and hmac.compare_digest(code.encode(), wanted.encode()):
        return known.basic_user
    raise refused(HTTPStatus.UNAUTHORIZED, "401", "401 - Authentication required", logged=False)


def _bearer(token: str, known: LiveCredentials, now: datetime) -> str:
    text, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _base64(_mac(text, known.client_key)).encode()):
        raise _bad_token("422 - Signature verification failed")
    payload = _payload(text)
    if (payload.get("userToken"), payload.get("clientToken")) != (
        known.user_token,
        known.client_token,
    ):
        raise _bad_token("422 - Unknown tokens")
    at = payload.get("time")
    if at is not None and not _about(at, now):
        raise _bad_token("422 - Expired token")
    return known.user_token


def _payload(text: str) -> Json:
    try:
        header, payload = (json.loads(_unbase64(part)) for part in text.split("."))
    except ValueError as error:
        raise _bad_token("422 - Malformed token") from error
    if not isinstance(payload, dict) or header.get("alg") != "HS256":
        raise _bad_token("422 - Malformed token")
    return payload


def _about(at: object, now: datetime) -> bool:
    return (
        isinstance(at, int) and abs(timedelta(seconds=at - int(now.timestamp()))) <= CLOCK_TOLERANCE
    )


def _bad_token(detail: str) -> LiveRefusal:
    return refused(HTTPStatus.UNPROCESSABLE_ENTITY, "422", detail, "xJwtClient", logged=False)


def _mac(text: str, key: str) -> bytes:
    return hmac.digest(key.encode(), text.encode(), hashlib.sha256)


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
