"""What both wires share: exact JSON, error answers, rate limits, and the vendors' odd manners."""

import json
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import format_datetime
from http import HTTPStatus
from json.encoder import encode_basestring
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

import httpx

from sandbox.domain import Record

PARIS = ZoneInfo("Europe/Paris")
SCALE = 4
PERCENT = 100


class Refusal(Exception):  # noqa: N818 - an answer of the vendor, not a failure of ours
    """An answer other than 2xx: status, code and words, and headers where there are any."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.headers = headers or {}


def invalid(detail: str) -> Refusal:
    """Returns the refusal of a request that needs a correction (400)."""
    return Refusal(HTTPStatus.BAD_REQUEST, "validation", detail)


def missing(path: str) -> Refusal:
    """Returns the refusal of what is not there (404)."""
    return Refusal(HTTPStatus.NOT_FOUND, "not_found", f"nothing at {path}")


def unauthenticated(detail: str) -> Refusal:
    """Returns the refusal of a caller that is not known, or no longer (401)."""
    return Refusal(HTTPStatus.UNAUTHORIZED, "authentication", detail)


def wrong_method(allowed: Iterable[str]) -> Refusal:
    """Returns the refusal of a verb that a path does not know (405)."""
    words = ", ".join(allowed)
    headers = {"Allow": words}
    return Refusal(
        HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", f"allowed: {words}", headers
    )


def text_of(value: Any) -> str:
    """Returns JSON text in which decimals are written digit by digit, never as floats."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        pairs = [f"{encode_basestring(key)}:{text_of(item)}" for key, item in value.items()]
        return "{" + ",".join(pairs) + "}"
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ",".join([text_of(item) for item in value]) + "]"
    if isinstance(value, Decimal):
        # Adding zero turns a negative zero into a plain one.
        return f"{value.normalize() + 0:f}"
    return json.dumps(value, ensure_ascii=False)


def answer(
    body: Any, now: datetime, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Returns a JSON response dated by the world's clock."""
    every = {
        "Content-Type": "application/json",
        "Date": format_datetime(now.astimezone(UTC), usegmt=True),
        **(headers or {}),
    }
    return httpx.Response(status, headers=every, content=text_of(body).encode())


def refusal(error: Refusal, now: datetime) -> httpx.Response:
    """Returns the response that says a refusal."""
    body = {"errors": [{"code": error.code, "detail": error.detail}]}
    return answer(body, now, error.status, error.headers)


def body_of(request: httpx.Request) -> dict[str, Any]:
    """Returns the JSON object that a request carries, its numbers as decimals.

    Raises:
        Refusal: when the body is no JSON object.
    """
    try:
        body = json.loads(request.content, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, InvalidOperation) as error:
        raise invalid("the body is not JSON") from error
    if not isinstance(body, dict):
        raise invalid("the body is not a JSON object")
    return body


def zoned(instant: datetime | None) -> str | None:
    """Returns an instant in ISO 8601 with the offset of Paris, to the second."""
    return instant.astimezone(PARIS).isoformat(timespec="seconds") if instant else None


def utc(instant: datetime) -> str:
    """Returns an instant in ISO 8601 as Bill.com writes it: UTC, with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")


def told(**pairs: Any) -> dict[str, Any]:
    """Returns the pairs that have a value."""
    return {key: value for key, value in pairs.items() if value is not None}


def iso(day: date | None) -> str | None:
    """Returns a date in ISO 8601."""
    return day.isoformat() if day else None


def instant_of(text: str, name: str) -> datetime:
    """Reads an instant that must carry an offset.

    Raises:
        Refusal: when it does not, or is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid(f"{name} is no ISO 8601 instant: {text!r}") from error
    if found.tzinfo is None:
        raise invalid(f"{name} has no offset: {text!r}")
    return found


def day_of(value: Any, name: str) -> date:
    """Reads a date `YYYY-MM-DD`.

    Raises:
        Refusal: when it is none.
    """
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise invalid(f"{name} is no date: {value!r}") from error


def number_of(value: Any, name: str) -> Decimal:
    """Takes a JSON number with at most four decimals.

    Raises:
        Refusal: when the value is something else, or finer.
    """
    if not isinstance(value, Decimal) or not value.is_finite():
        raise invalid(f"{name} is no number")
    if value != round(value, SCALE):
        raise invalid(f"{name} has more than {SCALE} decimals")
    return value


def whole(params: httpx.QueryParams, name: str, default: int) -> int:
    """Reads a whole number from 1 out of the query.

    Raises:
        Refusal: when it is none.
    """
    text = params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise invalid(f"{name} is no whole number from 1: {text!r}")
    return int(text)


@dataclass(frozen=True, slots=True)
class Limits:
    """How often one key may call: in any 60 seconds, and in any second."""

    per_minute: int = 100
    per_second: int = 20


class Limiter:
    """Sliding windows over the calls of each key, in the world's time.

    Args:
        limits: none means that nobody is refused.
        clock: tells the instant, finer than a second.
    """

    def __init__(self, limits: Limits | None, clock: Callable[[], datetime]) -> None:
        self.limits, self._clock = limits, clock
        self._calls: dict[str, deque[datetime]] = {}

    def admit(self, key: str) -> None:
        """Counts a call.

        Raises:
            Refusal: 429 with `Retry-After`, when a window is full; such a call is not counted.
        """
        if self.limits is None:
            return
        now, calls = self._clock(), self._calls.setdefault(key, deque())
        while calls and calls[0] <= now - timedelta(seconds=60):
            calls.popleft()
        waits = [
            calls[-allowed] + timedelta(seconds=window) - now
            for allowed, window in ((self.limits.per_minute, 60), (self.limits.per_second, 1))
            if len(calls) >= allowed
        ]
        wait = max(waits, default=timedelta(0))
        if wait > timedelta(0):
            seconds = str(max(1, math.ceil(wait.total_seconds())))
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                "rate_limit",
                f"over the limit, again in {seconds} s",
                {"Retry-After": seconds},
            )
        calls.append(now)


@dataclass(slots=True)
class Manners:
    """How a vendor's lists misbehave; nothing does unless told.

    Attributes:
        ignores_filters: every query parameter but those of paging and session is ignored.
        moving_pages: a row comes in during a crawl, so that one is served on two pages.
        no_meta: lists carry no `meta`.
        empty_pages: an empty page stands before each page of a chain but the first.
        broken_stream: a share of this stream's rows is malformed (`*`: of every stream).
        broken_percent: that share.
    """

    ignores_filters: bool = False
    moving_pages: bool = False
    no_meta: bool = False
    empty_pages: bool = False
    broken_stream: str | None = None
    broken_percent: int = 5

    def breaks(self, stream: str, record: Record) -> bool:
        """Whether a row is served malformed: always the same rows."""
        if self.broken_stream not in {stream, "*"}:
            return False
        return crc32(f"{stream}/{record.id}".encode()) % PERCENT < self.broken_percent
