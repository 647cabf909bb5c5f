"""What BoondManager's live API says when it refuses, and what to do about it.

Its statuses mislead: a badly signed token is a 422, a firewall's page a 403 (boond-live.md 1).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sources.errors import Authentication, Critical, Secrets, SourceError, Transient, Validation
from sources.exchange import Ask, Judge

_SOURCE = "boond"
_FIREWALL = "firewall"
_UNAUTHORIZED, _FORBIDDEN, _UNPROCESSABLE, _NOT_IMPLEMENTED = 401, 403, 422, 501

_NOT_SIGNED = (
    "BOOND_CLIENT_KEY is not the key of BOOND_CLIENT_TOKEN: copy both from Administration >"
    " Espace développeur > API/Sandbox."
)
_NOT_TAKEN = (
    "Check BOOND_USER_TOKEN and BOOND_CLIENT_TOKEN, and this machine's clock (NTP): a call is"
    " signed with its time. `rapproche doctor` compares the clocks."
)
_NOT_KNOWN = (
    "Check BOOND_USER_TOKEN and BOOND_CLIENT_TOKEN, and that Administration > Espace développeur"
    " allows calls by X-Jwt-Client; with BOOND_BASIC_USER, that Basic is switched on."
)
_NO_RIGHT = (
    "Give the user of BOOND_USER_TOKEN the right to it in BoondManager; where a contractual"
    " feature is missing, ask BoondManager for the licence."
)
_WALL = (
    "The firewall in front of BoondManager let nothing through: lower BOOND_BURST_PER_SECOND; if"
    " it lasts, ask BoondManager's support to let this machine's address pass."
)
# It blocks bursts and tells no time; nothing that it blocked has reached BoondManager.
_WALL_S = 60.0
_SWITCHED_OFF = "Switch the API on in BoondManager: Administration > Espace développeur."


def judge(secrets: Secrets) -> Judge:
    """The reader of BoondManager's own form of errors; what it leaves goes by the status."""

    def judged(ask: Ask, status: int, body: bytes) -> SourceError | None:
        kind = _class_of(status, body)
        if kind is None:
            return None
        error, code, advice = kind
        if code == _FIREWALL and ask.login:
            # The first call of all is no burst: waiting would only hide what is to be done.
            error = Critical
        said = secrets.redact("; ".join(_phrases(body))) or f"HTTP {status}"
        quiet = _WALL_S if code == _FIREWALL else None
        return error(
            _SOURCE, ask.operation, code, said, advice=advice, status=status, retry_after=quiet
        )

    return judged


def _class_of(status: int, body: bytes) -> tuple[type[SourceError], str, str | None] | None:
    if status == _UNAUTHORIZED:
        return Authentication, "unauthorized", _NOT_KNOWN
    if status == _FORBIDDEN:
        is_json = _errors(body) is not None
        return (Critical, "forbidden", _NO_RIGHT) if is_json else (Transient, _FIREWALL, _WALL)
    if status == _UNPROCESSABLE:
        said = [one for one in _errors(body) or () if _parameter(one).casefold() == "xjwtclient"]
        if said:
            signed = any("signature" in str(one.get("detail")).casefold() for one in said)
            return Authentication, "signature", _NOT_SIGNED if signed else _NOT_TAKEN
        return Validation, "unprocessable", None
    if status == _NOT_IMPLEMENTED:
        return Critical, "switched_off", _SWITCHED_OFF
    return None


def _errors(body: bytes) -> list[Mapping[str, Any]] | None:
    """The problems that an answer names; None where it is no JSON object."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    found = told.get("errors")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _phrases(body: bytes) -> Iterator[str]:
    """What is said of each problem: its detail and the parameter that it is about."""
    for one in _errors(body) or ():
        said = one.get("detail") or one.get("title") or one.get("code") or one.get("status") or ""
        about = _parameter(one)
        yield f"{said} ({about})" if about else str(said)


def _parameter(problem: Mapping[str, Any]) -> str:
    source = problem.get("source")
    return str(source.get("parameter") or "") if isinstance(source, Mapping) else ""
