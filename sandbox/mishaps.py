"""Mishaps: one call that goes wrong, by name, whichever vendor it is to.

A mishap happens before the vendor acts, or after it has acted; `ACTED` are those after which the
vendor holds what it was asked for. `LISTS` make sense for lists alone.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx

from sandbox.bill_live import Position
from sandbox.wire import Refusal, text_of, unauthenticated

RETRY_AFTER_S = 30
SLOW_S = 8.0
"""For how long the pieces of a slow answer keep coming."""
STALLED_S = 600.0
PIECES = 8
LATE_S = 45.0
"""After how long a vendor acts on a request whose caller has given up."""
HOURS_OFF = 3
KEPT_PARAMETERS = frozenset({"page", "maxResults", "max", "sessionId"})
REQUIRING = ("/times-reports", "/times")
"""Lists that refuse to be asked without their parameters, instead of ignoring them."""
ROWS = ("data", "response_data", "results")
HTML = (
    b"<!DOCTYPE html><html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>"
)
PAGE = {"Content-Type": "text/html; charset=utf-8"}


class CutError(Exception):
    """The connection is cut: no answer arrives.

    Attributes:
        sent: whether the request had left; otherwise no connection was made.
    """

    def __init__(self, *, sent: bool) -> None:
        super().__init__("connection cut")
        self.sent = sent


class HangError(Exception):
    """No answer ever comes on a connection that stays open.

    Attributes:
        later: what the vendor does all the same after `LATE_S`, if anything.
    """

    def __init__(self, later: Callable[[], httpx.Response] | None = None) -> None:
        super().__init__("no answer")
        self.later = later


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on its way to a vendor.

    Attributes:
        request: what was asked.
        vendor: answers a request.
        forget: makes every token and session of that vendor unknown.
        now: the vendor's clock.
    """

    request: httpx.Request
    vendor: Callable[[httpx.Request], httpx.Response]
    forget: Callable[[], None]
    now: Callable[[], datetime]

    def act(self) -> httpx.Response:
        """Lets the vendor answer."""
        return self.vendor(self.request)


Mishap = Callable[[Exchange], httpx.Response]


def _refuses(status: int, headers: dict[str, str] | None = None) -> Mishap:
    def happen(exchange: Exchange) -> httpx.Response:
        del exchange
        raise Refusal(HTTPStatus(status), f"http_{status}", "try again", headers)

    return happen


def _blocks_until(exchange: Exchange) -> httpx.Response:
    until = exchange.now().astimezone(UTC) + timedelta(seconds=RETRY_AFTER_S)
    headers = {
        "Retry-After": format_datetime(until, usegmt=True),
        "Date": format_datetime(exchange.now().astimezone(UTC), usegmt=True),
    }
    raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit", "again later", headers)


def _page(exchange: Exchange, *, status: int) -> httpx.Response:
    """A page of something between us and the vendor, which has not been asked."""
    del exchange
    return httpx.Response(status, headers=PAGE, content=HTML)


def _cuts(exchange: Exchange, *, sent: bool, acts: bool) -> httpx.Response:
    if acts:
        exchange.act()
    raise CutError(sent=sent)


def _hangs(exchange: Exchange, *, acts: bool) -> httpx.Response:
    if acts:
        exchange.act()
    raise HangError


def _acts_late(exchange: Exchange) -> httpx.Response:
    raise HangError(exchange.act)


def _fails_after(exchange: Exchange) -> httpx.Response:
    exchange.act()
    raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "something broke")


def _changed(change: Callable[[bytes], bytes]) -> Mishap:
    def happen(exchange: Exchange) -> httpx.Response:
        said = exchange.act()
        return httpx.Response(
            said.status_code, headers=_kept(said.headers), content=change(said.content)
        )

    return happen


def _kept(headers: httpx.Headers) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k.lower() != "content-length"}


def _headed(exchange: Exchange, headers: Mapping[str, str | None]) -> httpx.Response:
    said = exchange.act()
    for name, value in headers.items():
        if value is None:
            said.headers.pop(name, None)
        else:
            said.headers[name] = value
    return said


def _clock(exchange: Exchange, *, hours: int) -> httpx.Response:
    at = exchange.now().astimezone(UTC) + timedelta(hours=hours)
    return _headed(exchange, {"Date": format_datetime(at, usegmt=True)})


def _in_pieces(exchange: Exchange, *, seconds: float) -> httpx.Response:
    said = exchange.act()
    said.extensions["seconds"] = seconds
    return said


def pieces(response: httpx.Response) -> list[tuple[bytes, float]]:
    """Returns what an answer is sent in: each piece, and the seconds before it."""
    seconds, content = response.extensions.get("seconds", 0.0), response.content
    if not seconds:
        return [(content, 0.0)]
    size = -(-len(content) // PIECES) or 1
    return [(content[at : at + size], seconds / PIECES) for at in range(0, len(content), size)]


def _expired(exchange: Exchange) -> httpx.Response:
    exchange.forget()
    return exchange.act()


def _revoked(exchange: Exchange) -> httpx.Response:
    del exchange
    raise unauthenticated("these credentials are not known any more")


def _unfiltered(exchange: Exchange) -> httpx.Response:
    request = exchange.request
    if request.url.path.endswith(REQUIRING):
        return exchange.act()
    kept = {k: v for k, v in request.url.params.items() if k in KEPT_PARAMETERS}
    url = request.url.copy_with(params=kept)
    return exchange.vendor(
        httpx.Request(request.method, url, headers=request.headers, content=request.content)
    )


def _rows_changed(change: Callable[[list[Any]], list[Any]]) -> Mishap:
    """Changes the rows of a list, and nothing where there is no list of rows."""

    def body(content: bytes) -> bytes:
        said = json.loads(content, parse_float=Decimal)
        rows = said if isinstance(said, dict) else {}
        key = next((key for key in ROWS if isinstance(rows.get(key), list) and rows[key]), None)
        if key is None:
            return content
        said[key] = change(said[key])
        return text_of(said).encode()

    return _changed(body)


def _endless(content: bytes) -> bytes:
    said = json.loads(content, parse_float=Decimal)
    if not isinstance(said, dict):
        return content
    if isinstance(said.get("response_data"), list):
        said["nextPage"] = "page-0"
    elif isinstance(said.get("results"), list):
        said["nextPage"] = Position().token
    elif isinstance(said.get("meta"), dict) and "totals" in said["meta"]:
        said["meta"]["totals"]["rows"] = 1_000_000
    return text_of(said).encode()


MISHAPS: dict[str, Mishap] = {
    "429": _refuses(429),
    "429-seconds": _refuses(429, {"Retry-After": str(RETRY_AFTER_S)}),
    "429-date": _blocks_until,
    "400": _refuses(400),
    "403": _refuses(403),
    "408": _refuses(408),
    "409": _refuses(409),
    "500": _refuses(500),
    "503": _refuses(503),
    "500-acted": _fails_after,
    "html-200": partial(_page, status=200),
    "html-502": partial(_page, status=502),
    "no-connection": partial(_cuts, sent=False, acts=False),
    "cut": partial(_cuts, sent=True, acts=False),
    "cut-acted": partial(_cuts, sent=True, acts=True),
    "hang": partial(_hangs, acts=False),
    "hang-acted": partial(_hangs, acts=True),
    "acts-late": _acts_late,
    "truncated": _changed(lambda body: body[: len(body) // 2]),
    "malformed": _changed(lambda body: body.replace(b":", b"=", 1)),
    "empty": _changed(lambda body: body[:0]),
    "wrong-type": lambda exchange: _headed(exchange, {"Content-Type": "text/plain"}),
    "slow": partial(_in_pieces, seconds=SLOW_S),
    "stalled": partial(_in_pieces, seconds=STALLED_S),
    "clock-ahead": partial(_clock, hours=HOURS_OFF),
    "clock-behind": partial(_clock, hours=-HOURS_OFF),
    "no-date": lambda exchange: _headed(exchange, {"Date": None}),
    "expired": _expired,
    "revoked": _revoked,
    "unfiltered": _unfiltered,
    "repeated": _rows_changed(lambda rows: [*rows, rows[0]]),
    "moved": _rows_changed(lambda rows: rows[::-1]),
    "vanished": _rows_changed(lambda rows: rows[1:]),
    "endless": _changed(_endless),
}
ACTED = frozenset(
    {
        *("500-acted", "cut-acted", "hang-acted", "acts-late", "truncated", "malformed", "empty"),
        *("wrong-type", "slow", "stalled", "clock-ahead", "clock-behind", "no-date"),
        "expired",
    }
)
LISTS = frozenset({"unfiltered", "repeated", "moved", "vanished", "endless"})
