"""What BILL refuses: the codes of its error arrays tell, whatever the status (bill-live.md 5)."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sources.errors import (
    Authentication,
    Critical,
    OutcomeUnknown,
    Secrets,
    SourceError,
    Transient,
    Validation,
)
from sources.exchange import Ask

_SOURCE = "bill"
_OK = (200, 201)
_HEAD = 64
_FIRST_ENTRY = 512
_AT_ONCE_S = 1.0
# The vendor's hour may begin a little later than ours.
_CLOCKS_DIFFER = timedelta(seconds=5)

_CREDENTIALS = (
    "Check BILL_COM_USERNAME, BILL_COM_PASSWORD and BILL_COM_ORG_ID; they are not tried again,"
    " since a few wrong passwords lock the account."
)
_KEY = (
    "Check BILL_COM_DEV_KEY, and that BILL_COM_ENVIRONMENT is where it was given: stage and"
    " production share no keys."
)
_KEY_OFF = (
    "The developer key is switched off, or BILL's developer terms are not accepted: see to it in"
    " BILL's developer settings, or set another BILL_COM_DEV_KEY."
)
_ORGANIZATION = (
    "Check BILL_COM_ORG_ID, and that the user of BILL_COM_USERNAME is active in that organization."
)
_CLOSED = "BILL has locked the organization of BILL_COM_ORG_ID: ask BILL's support why."
_SESSION = "A new session was refused too: see that nobody else ends the sessions of this user."
_UNTRUSTED = (
    "Logging in again does not help: BILL asks this user for a second factor. Set an AP & AR sync"
    " token (BILL, Settings) as BILL_COM_USERNAME and BILL_COM_PASSWORD."
)
_TOO_MANY = (
    "Three requests at once are allowed to all programs with this developer key: end another one,"
    " or run later."
)
_LOCKED = (
    "The account is locked: have an administrator unlock it at BILL, then set BILL_COM_PASSWORD"
    " right; it is not tried again before."
)

_WHAT: Mapping[str, tuple[type[SourceError], str, str | None]] = {
    "BDC_1001": (Transient, "bdc_1001", None),
    "BDC_1002": (Transient, "bdc_1002", None),
    "BDC_1101": (Authentication, "wrong_credentials", _CREDENTIALS),
    "BDC_1102": (Authentication, "wrong_key", _KEY),
    "BDC_1103": (Authentication, "key_switched_off", _KEY_OFF),
    "BDC_1104": (Authentication, "key_switched_off", _KEY_OFF),
    "BDC_1106": (Authentication, "wrong_organization", _ORGANIZATION),
    "BDC_1107": (Authentication, "organization_locked", _CLOSED),
    "BDC_1109": (Authentication, "session", _SESSION),
    "BDC_1110": (Authentication, "locked", _LOCKED),
    "BDC_1111": (Authentication, "wrong_organization", _ORGANIZATION),
    "BDC_1123": (Authentication, "wrong_organization", _ORGANIZATION),
    "BDC_1121": (Validation, "not_found", None),
    "BDC_1143": (Validation, "bad_request", None),
    "BDC_1144": (Transient, "hour_used_up", None),
    "BDC_1205": (Validation, "not_found", None),
    "BDC_1322": (Transient, "too_many_at_once", _TOO_MANY),
    "BDC_1361": (Critical, "untrusted_session", _UNTRUSTED),
}


class Judge:
    """Reads BILL's errors (`sources.exchange.Judge`).

    Args:
        now: the clock, which says when the vendor's hour ends.
        secrets: what no message may show.
        pause: seconds that our waits are multiplied with.
    """

    def __init__(self, now: Callable[[], datetime], secrets: Secrets, pause: float) -> None:
        self._now = now
        self._secrets = secrets
        self._pause = pause

    def __call__(self, ask: Ask, status: int, body: bytes) -> SourceError | None:
        """The error that an answer says; None where its status alone tells."""
        said = list(_errors(status, body))
        words = self._secrets.redact("; ".join(f"{code} {text}".strip() for code, text in said))
        known = next((code for code, _ in said if code in _WHAT), None)
        if known is not None:
            return self._known(ask, known, status, words)
        if ask.login and "locked" in words.lower():
            return Authentication(
                _SOURCE, ask.operation, "locked", words, advice=_LOCKED, status=status
            )
        if status in _OK and any(code for code, _ in said):
            return Critical(_SOURCE, ask.operation, said[0][0].lower(), words, status=status)
        return None

    def _known(self, ask: Ask, code: str, status: int, words: str) -> SourceError:
        kind, name, advice = _WHAT[code]
        if kind is Transient and ask.write and code in {"BDC_1001", "BDC_1002"}:
            kind = OutcomeUnknown
        error = kind(_SOURCE, ask.operation, name, words, advice=advice, status=status)
        if code == "BDC_1144":
            ends = _next_hour(self._now()) + _CLOCKS_DIFFER
            error.retry_after = (ends - self._now()).total_seconds()
            error.advice = (
                f"The hour's requests of this developer key are used up: run again after"
                f" {ends:%H:%M} UTC."
            )
        if code == "BDC_1322":
            error.retry_after = _AT_ONCE_S * self._pause
        return error


def _next_hour(now: datetime) -> datetime:
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour + timedelta(hours=1)


def _errors(status: int, body: bytes) -> Iterator[tuple[str, str]]:
    """Code and message of each entry of an error array; either may be empty."""
    if status in _OK and body[:_HEAD].lstrip()[:1] != b"[" and b'"BDC_' not in body[:_FIRST_ENTRY]:
        return
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict):
            yield str(entry.get("code") or ""), str(entry.get("message") or "")
