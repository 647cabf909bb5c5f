"""Where secrets may travel: TLS that is verified, no redirect, no proxy that could read them."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.server import listen
from sources.bill import Bill
from sources.errors import SourceError, Transient
from sources.urls import checked_url
from sources.wiring import Wiring, client
from tests.access.imports import imported
from tests.mail_server import HOST, certificate

ROOT = Path(__file__).parents[2]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\n" + b'{"sessionId":"s"}'


@asynccontextmanager
async def serving(
    answer: bytes = OK, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that says one thing; yields its port and what it was asked."""
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, HOST, 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def log_in(url: str, **wiring: Any) -> SourceError | None:
    """What a login ends with."""
    given = Wiring(now=lambda: datetime.now(UTC), retry_base=0, **wiring)
    door = Bill(
        given, base_url=url, username="u", password="p" * 9, organization_id="o", dev_key="d" * 9
    )
    try:
        await door.login()
    except SourceError as error:
        return error
    finally:
        await door.aclose()
    return None


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context, and the file of the authority that vouches for it."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(keys: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's context; the machine trusts its authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(keys[1]))
    return keys[0]


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    keys: tuple[ssl.SSLContext, Path],
) -> None:
    """Nothing is sent, and one line says that it is the certificate and what to do."""
    async with serving(tls=keys[0]) as (port, asked):
        error = await log_in(f"https://{HOST}:{port}")
    assert isinstance(error, Transient)
    assert (error.code, asked) == ("tls", [])
    assert "certificate" in str(error)
    assert "\n" not in str(error)


async def test_a_certificate_of_another_host_is_refused(trusted: ssl.SSLContext) -> None:
    """Its authority is trusted, its name is not the host's."""
    async with serving(tls=trusted) as (port, asked):
        error = await log_in(f"https://localhost:{port}")
    assert error is not None
    assert (error.code, asked) == ("tls", [])


@pytest.mark.parametrize(("allowed", "code"), [(False, "tls"), (True, None)])
async def test_tls_1_2_is_spoken_only_where_it_is_allowed(
    trusted: ssl.SSLContext, code: str | None, *, allowed: bool
) -> None:
    """A server that knows no newer one is refused unless RAPPROCHE_TLS12 is set."""
    trusted.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        async with serving(tls=trusted) as (port, asked):
            error = await log_in(f"https://{HOST}:{port}", tls12=allowed)
    finally:
        trusted.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert (error.code if error else None) == code
    assert len(asked) == allowed


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    """The host that it names is asked nothing, so no credential gets there."""
    async with serving() as (elsewhere, asked):
        said = f"HTTP/1.1 {status} Moved\r\nLocation: http://{HOST}:{elsewhere}/\r\n"
        async with serving(f"{said}Content-Length: 0\r\n\r\n".encode()) as (port, _):
            error = await log_in(f"http://{HOST}:{port}")
    assert (error is not None, asked) == (True, [])


async def test_a_redirect_to_nonsense_is_an_error_of_ours() -> None:
    """A place that is no URL is answered like any refusal."""
    said = b"HTTP/1.1 302 Moved\r\nLocation: http://[::1]]:99999999/\r\nContent-Length: 0\r\n\r\n"
    async with serving(said) as (port, _):
        assert isinstance(await log_in(f"http://{HOST}:{port}"), SourceError)


async def test_plain_http_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for loopback alone, and the proxy would read the password."""
    async with serving() as (proxy, passed), serving() as (port, asked):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{HOST}:{proxy}")
        assert await log_in(f"http://{HOST}:{port}") is None
    assert (len(passed), len(asked)) == (0, 1)


async def test_a_proxy_sees_but_the_name_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY is asked to pass on what it cannot read; a refusal is one of the connection."""
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with serving(refusal) as (proxy, passed):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{HOST}:{proxy}")
        error = await log_in("https://vendor.test/api")
    assert error is not None
    assert error.code == "not_connected"
    assert "407" in error.message
    assert {told.split(b"\r\n")[0] for told in passed} == {b"CONNECT vendor.test:443 HTTP/1.1"}


def test_a_proxy_that_cannot_be_used_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its URL may hold a password, so it is not shown."""
    monkeypatch.setenv("HTTPS_PROXY", "gopher://u:pw-planted@proxy")
    with pytest.raises(ValueError, match="HTTPS_PROXY") as refusal:
        client(Wiring(now=lambda: datetime.now(UTC)))
    assert "planted" not in str(refusal.value)


SECURE = ["https://api.boondmanager.com/api/v3", "https://h.test:8443/x/", "https://[2001:db8::1]"]
LOOPBACK = ["http://127.0.0.1:1", "HTTP://LOCALHOST/a", "http://[::1]:65535", "http://127.8.8.8"]
REFUSED = [
    "http://127.0.0.1@evil.com",
    "http://127.0.0.1:80@evil.com/",
    "http://localhost.evil.com",
    "http://127.0.0.1.evil.com",
    "http://127.0.0.1\\@evil.com",
    "http://127.0.0.1#@evil.com",
    "http://localhost%2eevil.com",
    "http://2130706433",
    "http://0x7f000001",
    "http://127.1",
    "http://0.0.0.0",
    "http://[::]",
    "http://[::ffff:8.8.8.8]",
    "http://ⓛocalhost",
    "http://localhost\n.evil.com",
    "https://u:p@h.test",
    "https://h.test/?a=b",
    "https://h.test#f",
    "https://h.test:99999",
    "https://h.test:0",
    "https://[bad",
    "https://a b",
    "https://",
    "//h.test",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("url", SECURE + LOOPBACK)
def test_https_and_loopback_are_taken(url: str) -> None:
    """In any spelling of the scheme and of this machine."""
    assert checked_url(url) == url.rstrip("/")


@pytest.mark.parametrize("url", REFUSED)
def test_what_only_looks_like_loopback_is_refused(url: str) -> None:
    """So is what names a user, a password or a query."""
    with pytest.raises(ValueError, match="wanted"):
        checked_url(url)


SIGNS = st.text("aZ09.:/@\\[]#?%-_ \t\u0130\uff0e", max_size=12)
TRICKS = st.builds(
    "http://{}{}{}".format, SIGNS, st.sampled_from(["127.0.0.1", "localhost"]), SIGNS
)


@given(url=TRICKS)
def test_plain_http_that_is_taken_reaches_loopback(url: str) -> None:
    """Whatever stands around its name, the HTTP client connects to this machine."""
    try:
        taken = checked_url(url)
    except ValueError:
        return
    host = httpx.URL(taken).host
    assert host.startswith("127.") or host == "localhost"


def test_the_sandbox_listens_on_loopback_alone() -> None:
    """Nobody else on the network can steer it."""
    with listen(0) as listener:
        assert listener.getsockname()[0] == HOST


SERVERS = {"uvicorn", "fastapi", "starlette", "aiohttp", "flask", "socketserver", "http.server"}


def test_production_listens_to_nothing() -> None:
    """There is no webhook: what comes in was asked for, or lies in a folder."""
    rooms = ("flows", "sources", "transforms", "checks", "store")
    code = [file for room in rooms for file in (ROOT / room).rglob("*.py")]
    assert len(code) > 50
    assert [(file.name, name) for file in code for name in imported(file) if name in SERVERS] == []
