"""Whole pages that are nothing of what was agreed on."""

import gzip
from collections.abc import Callable

import httpx
import pytest

from flows.engine import pull
from flows.engine.run import Run
from tests.flows.house import House

pytestmark = pytest.mark.nights

Answer = Callable[[], httpx.Response]
MB = 1024 * 1024


def _json(content: bytes) -> Answer:
    return lambda: httpx.Response(200, content=content)


NO_PAGES: dict[str, Answer] = {
    "empty": _json(b""),
    "html": _json(b"<!doctype html><p>Maintenance"),
    "cut": _json(b'{"data": [{"id": "1"'),
    "a number": _json(b"5"),
    "null": _json(b"null"),
    "arrays": _json(b"[[[]], [[]]]"),
    "no list": _json(b'{"data": {"1": {"id": "1"}}, "response_data": {}}'),
    "nan": _json(b'{"data": NaN, "response_data": NaN}'),
    "deep": _json(b"[" * 200_000),
    "deep and whole": _json(b"[" * 200_000 + b"]" * 200_000),
    "utf-16": _json('{"data": []}'.encode("utf-16")),
    "zeros": _json(b"\x00" * 1000),
    "large": _json(b" " * (65 * MB)),
    "packed": lambda: httpx.Response(
        200,
        headers={"Content-Encoding": "gzip"},
        content=gzip.compress(b" " * (65 * MB)),
    ),
    "badly packed": lambda: httpx.Response(
        200, headers={"Content-Encoding": "gzip"}, content=b"no gzip"
    ),
}


@pytest.mark.parametrize("name", NO_PAGES)
def test_p32_what_is_no_page_fails_its_stream_alone(synced: House, name: str) -> None:
    """The run says which stream failed and goes on; nothing that was stored is touched."""
    stored = synced.rows("SELECT * FROM core.clients ORDER BY id")

    def refuse(request: httpx.Request) -> httpx.Response | None:
        odd = request.url.path.endswith(("/clients", "/invoices")) and request.method == "GET"
        return NO_PAGES[name]() if odd else None

    async def part(run: Run) -> Run:
        for source, stream in (("boond", "clients"), ("bill", "invoices"), ("boond", "suppliers")):
            door = run.doors[source]
            await pull.pull_one(run, door, door.streams[stream], full=True)
        return run

    synced.intercept = refuse
    run = synced.opened(part)
    assert run.outcome().exit_code == 3
    assert [label for label in ("boond.clients", "bill.invoices") if label in run.trusted] == []
    assert "boond.suppliers" in run.trusted
    assert synced.rows("SELECT * FROM core.clients ORDER BY id") == stored
