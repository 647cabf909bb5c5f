"""A BoondManager that serves nothing but CRAs: pages rendered once, so that serving costs little.

`python -m tests.benchmarks.cra_server PORT CRAS PAGE_SIZE`
"""

import json
import sys
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import uvicorn

LINES = 20
"""Day lines of a CRA."""

PATH = "/api/v3/crm/activities"
_FIRST = date(2024, 1, 1)
_KINDS = ("production", "production", "production", "production", "absence")
_DURATIONS = (1, 1, 0.5, 1, 0.75)
_CHANGED = datetime(2026, 10, 1, tzinfo=UTC)


def cra(number: int) -> dict[str, Any]:
    """A CRA of one consultant and month, as the wire has it."""
    start = _FIRST + timedelta(days=30 * (number % 30))
    lines = [_line(number + at, start + timedelta(days=at)) for at in range(LINES)]
    worked = sum(line["duration"] for line in lines if line["typeCode"] == "production")
    return {
        "id": f"CRA-{number:07}",
        "consultant": {"id": f"C{number // 30:05}", "firstName": "Zoé", "lastName": "Lefèvre"},
        "resource": {"id": f"M{number // 30:05}", "label": "Assistance technique"},
        "client": {"id": f"CL{number % 200:03}"},
        "contract": {"id": f"CT{number % 800:04}"},
        "period": {"startDate": f"{start}", "endDate": f"{start + timedelta(days=LINES - 1)}"},
        "dueDate": f"{start + timedelta(days=35)}",
        "totalDays": worked,
        "status": "submitted",
        "activities": lines,
        "updatedAt": (_CHANGED + timedelta(seconds=number)).isoformat(),
    }


def _line(at: int, day: date) -> dict[str, Any]:
    line: dict[str, Any] = {
        "date": f"{day}",
        "duration": _DURATIONS[at % len(_DURATIONS)],
        "typeCode": _KINDS[at % len(_KINDS)],
    }
    return line | {"comment": "télétravail"} if at % 10 == 0 else line


def page(number: int, cras: int, page_size: int) -> bytes:
    """One page in the envelope of v3; numbers count from 1."""
    chosen = range((number - 1) * page_size, min(number * page_size, cras))
    envelope = {"data": [cra(at) for at in chosen], "meta": {"totals": {"rows": cras}}}
    return json.dumps(envelope, ensure_ascii=False).encode()


def application(cras: int, page_size: int) -> Any:
    """The server as an ASGI application."""
    pages = {
        number: page(number, cras, page_size) for number in range(1, -(-cras // page_size) + 1)
    }
    empty = page(len(pages) + 1, cras, page_size)
    token = json.dumps({"access_token": "bench", "expires_in": 3600}).encode()

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        del receive
        asked = parse_qs(scope["query_string"].decode())
        number = int(asked.get("page", ["1"])[0])
        body = pages.get(number, empty) if scope["path"] == PATH else token
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"date", format_datetime(datetime.now(UTC), usegmt=True).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return serve


def main() -> None:
    """Serves until it is ended."""
    port, cras, page_size = map(int, sys.argv[1:])
    uvicorn.run(
        application(cras, page_size),
        port=port,
        log_level="critical",
        access_log=False,
        lifespan="off",
        date_header=False,
        interface="asgi3",
    )


if __name__ == "__main__":
    main()
