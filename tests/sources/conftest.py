"""Virtual time and stand-ins for the vendors, at the transport."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from sources.bill import Bill
from sources.bill_live import BillLive
from sources.boond import Boond
from sources.errors import SourceError
from sources.exchange import Call
from sources.wiring import Wiring
from tests.virtual_time import VirtualLoop

START = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)


def now() -> datetime:
    """The virtual clock of the running loop."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Runs a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work())


Handler = Callable[[httpx.Request], "httpx.Response | Exception | Awaitable[httpx.Response]"]


@dataclass
class Vendor:
    """A vendor that answers logins itself and leaves the rest to `answer`.

    It keeps every request with the second at which it came.
    """

    answer: Handler
    password: str = "pass-word-9431"
    lifetime_s: float = 7200.0
    requests: list[tuple[float, httpx.Request]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    logins: int = 0
    refresh_refused: bool = False
    login_answer: Callable[[], httpx.Response] | None = None
    _valid: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def ok(_request: httpx.Request) -> httpx.Response:
        """A small object in either vendor's envelope."""
        return httpx.Response(200, json={"data": {"id": "1"}, "response_data": {"id": "1"}})

    @classmethod
    def scripted(cls, *steps: int | Exception, **options: Any) -> "Vendor":
        """A vendor that answers with these steps one after another, then well for ever."""
        left = list(steps)

        def answer(request: httpx.Request) -> httpx.Response | Exception:
            if not left:
                return cls.ok(request)
            step = left.pop(0)
            return step if isinstance(step, Exception) else httpx.Response(step, text="no")

        return cls(answer, **options)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """The transport's side of it."""
        at = asyncio.get_running_loop().time()
        self.requests.append((at, request))
        if request.url.path.endswith(("/oauth/token", "/connect/v3/login")):
            await asyncio.sleep(0.05)
            return self._log_in(request, at)
        if not self._known(request, at):
            return httpx.Response(401, json={"errors": [{"code": "401", "detail": "who?"}]})
        given = self.answer(request)
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, httpx.Response) else await given

    def expire(self) -> None:
        """The vendor forgets every session."""
        self._valid.clear()

    @property
    def data_requests(self) -> list[tuple[float, httpx.Request]]:
        """All but the logins."""
        return [
            (at, request)
            for at, request in self.requests
            if not request.url.path.endswith(("/oauth/token", "/login"))
        ]

    def _log_in(self, request: httpx.Request, at: float) -> httpx.Response:
        self.logins += 1
        if self.login_answer is not None:
            return self.login_answer()
        body = request.content.decode()
        form = (
            json.loads(body)
            if body.startswith("{")
            else {key: values[0] for key, values in parse_qs(body).items()}
        )
        if form.get("grant_type") == "refresh_token" and self.refresh_refused:
            return httpx.Response(400, json={"error": "invalid_grant"})
        if self.password not in (form.get("password"), form.get("client_secret")):
            return httpx.Response(401, json={"error": "invalid", "message": f"not {body}"})
        secret = f"granted-secret-{self.logins}"
        self._valid[secret] = at + self.lifetime_s
        return httpx.Response(
            200,
            json={
                "access_token": secret,
                "refresh_token": f"refresh-secret-{self.logins}",
                "expires_in": self.lifetime_s,
                "sessionId": secret,
            },
        )

    def _known(self, request: httpx.Request, at: float) -> bool:
        if request.headers.get("x-api-key") == "key-of-tests":
            return True
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        said = request.headers.get("sessionId", bearer)
        secret = request.url.params.get("sessionId", said)
        return self._valid.get(secret, 0.0) > at

    def wiring(self, **changes: Any) -> Wiring:
        """Wiring in virtual time, with limits that do not bind unless a test sets them."""
        plain = Wiring(
            now=now,
            transport=httpx.MockTransport(self.handle),
            on_call=self.calls.append,
            requests_per_minute=100_000,
            burst_per_second=100_000,
        )
        return replace(plain, **changes)

    def boond(
        self, *, password: str | None = None, key: str | None = None, **changes: Any
    ) -> Boond:
        """A door to this vendor as BoondManager."""
        return Boond(
            self.wiring(**changes),
            base_url="https://boond.test/api/v3",
            auth_url="https://boond.test/oauth/token",
            client_id=None if key else "client",
            client_secret=None if key else password or self.password,
            api_key=key,
        )

    def bill(self, *, password: str | None = None, **changes: Any) -> Bill:
        """A door to this vendor as Bill.com."""
        return Bill(
            self.wiring(**changes),
            base_url="https://bill.test",
            username="user",
            password=password or self.password,
            organization_id="org",
            dev_key="dev-key-77120",
        )

    def bill_live(self, *, password: str | None = None, **changes: Any) -> BillLive:
        """A door to this vendor as Bill.com in its live dialect."""
        return BillLive(
            self.wiring(**changes),
            base_url="https://bill.test/connect",
            username="user",
            password=password or self.password,
            organization_id="org",
            dev_key="dev-key-77120",
        )


@pytest.fixture(scope="session")
def vendor() -> type[Vendor]:
    """The stand-in's class."""
    return Vendor


@pytest.fixture(scope="session")
def virtually() -> Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]:
    """Runs a coroutine in virtual time."""
    return run


async def failed(work: Awaitable[Any]) -> SourceError | None:
    """The error that some work ends with; None when it ends well."""
    try:
        await work
    except SourceError as error:
        return error
    return None


@pytest.fixture(scope="session")
def outcome() -> Callable[[Awaitable[Any]], Awaitable[SourceError | None]]:
    """The error that some work ends with."""
    return failed


@pytest.fixture(scope="session")
def clock() -> Callable[[], datetime]:
    """The virtual clock."""
    return now
