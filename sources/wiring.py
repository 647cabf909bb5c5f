"""What the doors are given from outside, and how a connection is made from it."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from sources import CONNECTIONS
from sources.errors import Secrets
from sources.exchange import Call


@dataclass(frozen=True)
class Wiring:
    """What every door is given from outside.

    Attributes:
        now: the clock, time zone set; it must go on while `asyncio.sleep` waits.
        state_dir: where the processes of the machine share the rate limit; None for one process.
        transport: stands in for the network.
        on_call: told of every exchange.
        on_masked: told of the vendor and how many texts of an answer were secrets of ours.
        on_clock: told of the vendor and its own clock with every answer that says it.
        retry_base: seconds of the first retry wait; it scales all waits that are ours.
        requests_per_minute: exchanges allowed in any 60 s.
        burst_per_second: exchanges allowed in any 1 s.
        requests_per_hour: exchanges allowed in any hour; where it is set, neither of the other two
            counts.
        tls12: allows TLS 1.2; otherwise 1.3 only.
        secrets: what no door may show; each adds its own, and what it is granted.
        jitter: spreads the waits before retries, a number from 0 to 1 each.
    """

    now: Callable[[], datetime]
    state_dir: Path | None = None
    transport: httpx.AsyncBaseTransport | None = None
    on_call: Callable[[Call], None] | None = None
    on_masked: Callable[[str, int], None] | None = None
    on_clock: Callable[[str, datetime], None] | None = None
    retry_base: float = 1.0
    requests_per_minute: int = 100
    burst_per_second: int = 20
    requests_per_hour: int | None = None
    tls12: bool = False
    jitter: Callable[[], float] = float
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    @property
    def windows(self) -> tuple[tuple[float, int], ...]:
        """Seconds, and the exchanges allowed in any so many seconds."""
        if self.requests_per_hour is not None:
            return ((3600.0, self.requests_per_hour),)
        return (60.0, self.requests_per_minute), (1.0, self.burst_per_second)


def client(wiring: Wiring) -> httpx.AsyncClient:
    """The HTTP client; redirects are not followed, they could carry credentials elsewhere.

    A proxy that the environment names (HTTPS_PROXY, ALL_PROXY, NO_PROXY) passes on what it cannot
    read; plain http is for loopback alone and never goes through one.

    Raises:
        ValueError: the environment names a proxy that cannot be used.
    """
    if wiring.transport is not None:
        return httpx.AsyncClient(transport=wiring.transport, follow_redirects=False)
    tls = tls_context(tls12=wiring.tls12)
    try:
        return httpx.AsyncClient(
            verify=tls,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            mounts={"http://": None},
        )
    except (httpx.InvalidURL, ImportError, ValueError):
        said = "HTTPS_PROXY, ALL_PROXY or NO_PROXY of the environment cannot be used"
        raise ValueError(said) from None


def tls_context(*, tls12: bool) -> ssl.SSLContext:
    """How certificates are verified; TLS 1.3 unless 1.2 is allowed."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2 if tls12 else ssl.TLSVersion.TLSv1_3
    return context
