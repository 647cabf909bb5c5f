"""Log lines: `[time] LEVEL [component] message key=value …`, or JSON objects (running.md).

A record is one line whatever its texts hold. What it is about (run, flow, source, stream, subject)
comes from where it is logged; nobody passes it down. Ids and counts only: never names, addresses,
amounts or secrets.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal

KEYS = ("run", "flow", "source", "stream", "subject")
"""What a record is about, in this order."""

_DOORS = ("boond", "bill")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_ABOUT: ContextVar[Mapping[str, str]] = ContextVar("about", default=_NOTHING)
_UNSEEN = {
    code: chr(code).encode("unicode_escape").decode()
    for code in (*range(32), *range(127, 160), 0x2028, 0x2029)
}


@contextmanager
def about(**known: str | None) -> Iterator[None]:
    """Says of what is logged inside what it is about, by KEYS; empty values say nothing."""
    said = {key: value for key, value in known.items() if value}
    token = _ABOUT.set({**_ABOUT.get(), **said})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def pairs(known: Mapping[str, object]) -> str:
    """` key=value` for each that is known."""
    return "".join(f" {key}={value}" for key, value in known.items() if value is not None)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = f"{record.getMessage()}{pairs(_known(record))}"
        line = f"[{_time(record)}] {record.levelname} [{_component(record)}] {said}"
        return line.translate(_UNSEEN)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": _time(record),
            "level": record.levelname,
            "component": _component(record),
            "message": record.getMessage(),
        }
        return json.dumps(said | _known(record))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _component(record: logging.LogRecord) -> str:
    return record.name.removeprefix("rapproche.")


def _known(record: logging.LogRecord) -> dict[str, str]:
    said = _ABOUT.get()
    known = {key: said[key] for key in KEYS if key in said}
    if _component(record) in _DOORS:
        known["source"] = _component(record)
    return known | _error(record)


def _error(record: logging.LogRecord) -> dict[str, str]:
    """What was raised and where; its text may hold anything, so it is not told."""
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    return {"error": type(record.exc_info[1]).__name__, "where": where(record.exc_info[2])}


def where(trace: TracebackType | None) -> str:
    """The innermost place of a traceback, as `file.py:line`."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""


def configure(form: Literal["text", "json"], *, level: int = logging.INFO) -> None:
    """Sends the log lines of rapproche to standard error; other libraries speak from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    ours = logging.getLogger("rapproche")
    ours.handlers[:] = [handler]
    ours.propagate = False
    ours.setLevel(level)
