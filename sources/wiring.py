"""What the doors are given from outside, and how a connection is made from it."""

import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from sources.exchange import Call


@dataclass(frozen=True)
class Wiring:
    """What every door is given from outside.

    Attributes:
        now: the clock, time zone set; it must go on while `asyncio.sleep` waits.
        state_dir: where the processes of the machine share the rate limit; None for one process.
        transport: stands in for the network.
        on_call: told of every exchange.
        retry_base: seconds of the first retry wait; it scales all waits that are ours.
        requests_per_minute: exchanges allowed in any 60 s.
        burst_per_second: exchanges allowed in any 1 s.
        tls12: allows TLS 1.2; otherwise 1.3 only.
    """

    now: Callable[[], datetime]
    state_dir: Path | None = None
    transport: httpx.AsyncBaseTransport | None = None
    on_call: Callable[[Call], None] | None = None
    retry_base: float = 1.0
    requests_per_minute: int = 100
    burst_per_second: int = 20
    tls12: bool = False


def checked_url(url: str) -> str:
    """The URL without its last slash.

    Raises:
        ValueError: it is no http(s) URL, holds a password, or is plain http beyond loopback.
    """
    parsed = httpx.URL(url)
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo:
        raise ValueError("the base URL must be https://host/path")
    if parsed.scheme == "http" and not is_loopback(parsed.host):
        raise ValueError("plain http:// is for loopback only: secrets would travel in the clear")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def client(wiring: Wiring) -> httpx.AsyncClient:
    """The HTTP client; redirects are not followed, they could carry credentials elsewhere."""
    if wiring.transport is not None:
        return httpx.AsyncClient(transport=wiring.transport, follow_redirects=False)
    return httpx.AsyncClient(verify=tls_context(tls12=wiring.tls12), follow_redirects=False)


def tls_context(*, tls12: bool) -> ssl.SSLContext:
    """How certificates are verified; TLS 1.3 unless 1.2 is allowed."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2 if tls12 else ssl.TLSVersion.TLSv1_3
    return context
