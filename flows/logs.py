"""Log lines: `[time] LEVEL [component] message`, or one JSON object a line (running.md)."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"[{_time(record)}] {record.levelname} [{_component(record)}] {record.getMessage()}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": _time(record),
                "level": record.levelname,
                "component": _component(record),
                "message": record.getMessage(),
            },
            ensure_ascii=False,
        )


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _component(record: logging.LogRecord) -> str:
    return record.name.removeprefix("rapproche.")


def configure(form: Literal["text", "json"], *, level: int = logging.INFO) -> None:
    """Sends the log lines of rapproche to standard error; other libraries speak from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    ours = logging.getLogger("rapproche")
    ours.handlers[:] = [handler]
    ours.propagate = False
    ours.setLevel(level)
