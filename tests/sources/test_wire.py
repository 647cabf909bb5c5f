"""What a real connection may do to us: cut, drip, swell, lie about its length."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest

from sources.errors import Critical, OutcomeUnknown, SourceError, Transient
from sources.exchange import Ask, Call
from sources.http import Seam
from sources.wiring import Wiring

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"data":{}}'
READ = Ask("GET", "/one", read_s=0.4, connect_s=0.4)
WRITE = Ask("PUT", "/one", content=b"{}", write=True, read_s=0.4, connect_s=0.4)


@asynccontextmanager
async def seam(serve: Serve, calls: list[Call] | None = None) -> AsyncIterator[Seam]:
    """A seam to a server that reads a request and then does as it is told."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"PUT"):
                    await reader.readexactly(2)
                await serve(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        told = calls if calls is not None else []
        wiring = Wiring(lambda: datetime.now(UTC), on_call=told.append, retry_base=0.001)
        opened = Seam("boond", f"http://127.0.0.1:{port}", wiring)
        yield opened
        await opened.aclose()


def saying(answer: bytes, *, close: bool = True) -> Serve:
    """A server that says this, and closes the connection or keeps it open."""

    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        if close:
            writer.close()

    return serve


async def failed(serve: Serve, ask: Ask) -> SourceError:
    """The error of one exchange."""
    async with seam(serve) as opened:
        with pytest.raises(SourceError) as caught:
            await opened.exchange(ask, 1)
    return caught.value


CUT = {
    "before the answer": b"",
    "inside the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "inside the body": b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"data"',
    "inside a chunk": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"da',
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "half a gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    + gzip.compress(b'{"data":{}}')[:-12],
}


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
async def test_an_answer_that_is_cut_is_transient_for_reads_alone(answer: bytes) -> None:
    """A cut answer may be asked for again; a cut answer to a write leaves it unknown."""
    assert type(await failed(saying(answer), READ)) is Transient
    assert type(await failed(saying(answer), WRITE)) is OutcomeUnknown


async def test_a_drip_without_end_is_given_up() -> None:
    """A byte every 20 ms keeps no call beyond the time that it has as a whole."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    began = asyncio.get_running_loop().time()
    error = await failed(drip, READ)
    assert (type(error), error.code) == (Transient, "timeout")
    assert asyncio.get_running_loop().time() - began < 5


async def test_a_small_answer_that_swells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound on an answer holds for what it is unpacked to."""
    monkeypatch.setattr("sources.http._LARGEST_BODY", 1_000_000)
    packed = gzip.compress(b" " * 2_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    error = await failed(saying(head.encode() + packed), READ)
    assert (type(error), error.code) == (Critical, "too_large")


@pytest.mark.parametrize("ask", [READ, WRITE], ids=["read", "write"])
async def test_a_connection_that_the_vendor_closed_is_not_used_again(ask: Ask) -> None:
    """Between two calls the vendor may close: the second opens a connection of its own."""
    async with seam(saying(OK)) as opened:
        for _ in range(3):
            assert (await opened.exchange(ask, 1)).status == 200
            await asyncio.sleep(0.01)


async def test_a_connection_is_used_again() -> None:
    """Calls one after another, failed ones among them, need one connection."""
    opened_by: set[int] = set()
    answers = [OK, OK.replace(b"200 OK", b"404 Not Found"), OK, OK.replace(b"200 OK", b"503 Later")]

    async def serve(writer: asyncio.StreamWriter) -> None:
        opened_by.add(writer.get_extra_info("peername")[1])
        writer.write(answers.pop(0) if answers else OK)

    async with seam(serve) as opened:
        for _ in range(6):
            with suppress(SourceError):
                await opened.exchange(READ, 1)
    assert len(opened_by) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed_by_nobody(status: int) -> None:
    """A redirect is an answer that nobody foresaw; neither read nor write goes elsewhere."""
    answer = f"HTTP/1.1 {status} Moved\r\nLocation: /two\r\nContent-Length: 0\r\n\r\n".encode()
    calls: list[Call] = []
    async with seam(saying(answer, close=False), calls) as opened:
        for ask in (READ, WRITE):
            with pytest.raises(Critical, match=f"http_{status}"):
                await opened.exchange(ask, 1)
    assert [call.path for call in calls] == ["/one", "/one"]


@pytest.mark.parametrize("cut", [b"", b'{"errors": ['])
async def test_p08_a_429_counts_although_its_words_are_cut(cut: bytes) -> None:
    """The quiet that a 429 asks for begins with its head, whatever becomes of its body."""
    head = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 500\r\n\r\n"
    async with seam(saying(head + cut)) as opened:
        with pytest.raises(Transient) as caught:
            await opened.exchange(WRITE, 1)
        assert caught.value.code == "rate_limit"
        assert opened._limiter.blocked() > 6


async def test_a_refusal_counts_although_its_words_are_cut() -> None:
    """A 404 whose page is cut is a 404."""
    error = await failed(saying(b"HTTP/1.1 404 No\r\nContent-Length: 500\r\n\r\n<html>"), READ)
    assert (error.code, error.status) == ("not_found", 404)


async def test_p22_a_call_that_is_cancelled_is_told() -> None:
    """A call under way when its run ends is in the audit, with no status."""
    calls: list[Call] = []
    asked = asyncio.Event()

    async def silent(_writer: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.sleep(5)

    async with seam(silent, calls) as opened:
        under_way = asyncio.ensure_future(opened.exchange(Ask("GET", "/one"), 1))
        await asked.wait()
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)
    assert [(call.path, call.status, call.attempt) for call in calls] == [("/one", None, 1)]
