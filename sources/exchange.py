"""One HTTP exchange as data, and the class of its outcome (boond.md, "Limits and errors")."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from sources import json_text
from sources.errors import (
    Authentication,
    Critical,
    OutcomeUnknown,
    Secrets,
    SourceError,
    Transient,
    Validation,
)

_OK = (200, 201)
_SERVER_FAILURE = 500
_LONGEST_S = 1e9
_MARKUP = re.compile(r"<(script|style).*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_PAGE_LENGTH = 8192
_WORDS = ("detail", "title", "message", "error_description", "error", "code")


@dataclass(frozen=True)
class Call:
    """One exchange, for the audit (properties.md P22).

    `path` has no query; `status` and `bytes` are None when no answer came.
    """

    called_at: datetime
    source: str
    method: str
    path: str
    status: int | None
    duration_ms: float
    attempt: int
    bytes: int | None
    cached: bool = False


@dataclass(frozen=True)
class Ask:
    """One request: a path under the base URL, or a whole URL.

    `login` asks for credentials; `write` may change something at the vendor.
    """

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    write: bool = False
    login: bool = False
    connect_s: float = 10.0
    read_s: float = 30.0

    @property
    def operation(self) -> str:
        """Method and path, without the query."""
        return f"{self.method} {httpx.URL(self.url).path}"


@dataclass(frozen=True)
class Answer:
    """What the vendor answered.

    Attributes:
        body: the answer's text; a strict JSON parser reads it.
        value: the same, parsed, for what is not an amount.
        served_at: the vendor's own clock, from its `Date` header.
    """

    status: int
    body: bytes = field(repr=False)
    value: Any = field(repr=False)
    served_at: datetime | None

    def member(self, key: str) -> Any:
        """A member of the envelope; None where there is no such envelope."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def object(self, key: str) -> bytes | None:
        """The text of an object in the envelope; None where there is none."""
        return json_text.member(self.body, key) if isinstance(self.member(key), dict) else None


Judge = Callable[[Ask, int, bytes], SourceError | None]
"""What a dialect says of an answer, by its own error form, whatever the status."""


def path_segment(id_: str) -> str:
    """An id as one segment of a path, whatever characters it has."""
    quoted = quote(id_, safe="")
    return quoted.replace(".", "%2E") if set(id_) <= {"."} else quoted


def clock_of(headers: httpx.Headers) -> datetime | None:
    """The vendor's `Date`; None where it is absent or no date."""
    return _instant(headers.get("date", ""))


def retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds that `Retry-After` asks for, given as a number or a date; None without it."""
    said = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", said):
        return min(float(said), _LONGEST_S)
    until = _instant(said)
    if until is None:
        return None
    return max(0.0, (until - (clock_of(headers) or now)).total_seconds())


def _instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def lost(source: str, ask: Ask, code: str, message: str) -> SourceError:
    """The error of a request to which no readable answer came."""
    kind = OutcomeUnknown if ask.write else Transient
    return kind(source, ask.operation, code, message)


def refusal(
    source: str, ask: Ask, status: int, body: bytes, secrets: Secrets
) -> SourceError | None:
    """The error that a status stands for; None when the answer is to be read."""
    if status in _OK:
        return None
    kind, code = _class_of(status, write=ask.write)
    return kind(
        source,
        ask.operation,
        code,
        secrets.redact(_words(body, secrets)) or f"HTTP {status}",
        status=status,
    )


def _class_of(status: int, *, write: bool) -> tuple[type[SourceError], str]:
    uncertain = OutcomeUnknown if write else Transient
    if status >= _SERVER_FAILURE:
        return uncertain, f"http_{status}"
    table: dict[int, tuple[type[SourceError], str]] = {
        400: (Validation, "bad_request"),
        401: (Authentication, "unauthorized"),
        404: (Validation, "not_found"),
        405: (Critical, "not_allowed"),
        408: (uncertain, "timeout"),
        409: (OutcomeUnknown if write else Critical, "conflict"),
        429: (Transient, "rate_limit"),
    }
    if status in table:
        return table[status]
    # A write that was answered with an unknown success has perhaps been carried out.
    done = write and 200 <= status < 300  # noqa: PLR2004 - the 2xx statuses
    return OutcomeUnknown if done else Critical, f"http_{status}"


def _words(body: bytes, secrets: Secrets) -> str:
    """What the vendor says of an error, from JSON, HTML or plain text."""
    text = body.decode("utf-8", "replace").strip()
    try:
        return "; ".join(_spoken(json.loads(text)))
    except (ValueError, RecursionError):
        # Masked before it is cut, so that no half of a secret is left at the end.
        return _MARKUP.sub(" ", secrets.mask(text)[:_PAGE_LENGTH])


def _spoken(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key in _WORDS:
            if isinstance(value.get(key), str | int):
                yield str(value[key])
        for inner in value.values():
            yield from _spoken(inner) if isinstance(inner, Mapping | list) else ()
    elif isinstance(value, list):
        for inner in value:
            yield from _spoken(inner)
