"""The seam: every exchange with a vendor passes here.

An exchange waits for its place in the rate limit, respects the breaker, is timed and bounded,
classed by boond.md's table, logged without secrets and told to the audit. A call is an exchange
with credentials, repeated where that is safe.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import httpx
import stamina
import stamina.instrumentation

from sources import json_text
from sources.errors import (
    Authentication,
    Critical,
    OutcomeUnknown,
    Secrets,
    SourceError,
    Transient,
)
from sources.exchange import Answer, Ask, Call, clock_of, lost, refusal, retry_after
from sources.limits import Breaker, Limiter
from sources.session import Session
from sources.wiring import Wiring, checked_url, client

_LARGEST_BODY = 64 * 1024 * 1024
_RETRIES = 3
_MINUTE = 60
_RATE_LIMIT = 429
_SERVER_FAILURE = 500
# A vendor that asks for more than ten minutes is not waited for: the run goes on without it.
_PATIENCE_S = 600.0
_CHATTY = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")
_T = TypeVar("_T")
_NOT_OPENED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass
class _Progress:
    """How far one call has got: exchanges so far, and whether its login was renewed."""

    exchanges: int = 0
    renewed: bool = False


class Seam:
    """All exchanges with one vendor.

    Args:
        source: the vendor, as the audit and the log name it.
        base_url: what paths are joined to; plain http only on loopback.
        secrets: what must never be shown.
        wiring: clock, transport, limits.

    Raises:
        ValueError: the base URL is no http(s) URL, or would send secrets in the clear.
    """

    def __init__(self, source: str, base_url: str, secrets: Secrets, wiring: Wiring) -> None:
        self.source = source
        self.secrets = secrets
        self._wiring = wiring
        self._base_url = checked_url(base_url)
        self._log = logging.getLogger(f"rapproche.{source}")
        self._limiter = Limiter(
            source,
            wiring.requests_per_minute,
            wiring.burst_per_second,
            now=wiring.now,
            state_dir=wiring.state_dir,
        )
        self._breaker = Breaker(_MINUTE * wiring.retry_base)
        self._client = client(wiring)
        _quieten()

    async def aclose(self) -> None:
        """Closes the connections and the shared limit."""
        await self._client.aclose()
        self._limiter.close()

    async def call(self, ask: Ask, session: Session) -> Answer:
        """One call with credentials, repeated where the table of boond.md allows it.

        Raises:
            SourceError: what is left after the retries.
        """
        progress = _Progress()
        return await self._retried(lambda: self._signed(ask, session, progress))

    async def one(self, path: str, key: str, session: Session) -> bytes | None:
        """The text of the object under `key` in the answer; None when the vendor says 404.

        Raises:
            Critical: the answer holds no such object.
            SourceError: as for `call`.
        """
        try:
            answer = await self.call(Ask("GET", path), session)
        except SourceError as error:
            if error.code == "not_found":
                return None
            raise
        found = answer.object(key)
        if found is None:
            message = f"the answer holds no object `{key}`."
            raise Critical(self.source, f"GET {path}", "envelope", message)
        return found

    async def authenticate(self, session: Session) -> None:
        """Logs in unless a login is still good.

        Raises:
            SourceError: the credentials are refused, or no answer came.
        """
        await self._retried(session.current)

    async def log_in(self, ask: Ask, attempt: int) -> Answer:
        """The exchange of a login; a refusal of any kind is one of the credentials.

        Raises:
            Authentication: the vendor refuses them.
            SourceError: it could not be asked.
        """
        try:
            return await self.exchange(ask, attempt)
        except SourceError as error:
            if error.kind == "transient" or error.status is None:
                raise
            raise Authentication(
                self.source, ask.operation, "login_refused", error.message, status=error.status
            ) from None

    async def _retried(self, once: Callable[[], Awaitable[_T]]) -> _T:
        base = self._wiring.retry_base
        async for attempt in stamina.retry_context(
            on=self._again,
            attempts=_RETRIES + 1,
            timeout=None,
            wait_initial=base,
            wait_max=base * 2**_RETRIES,
            wait_jitter=base / 4,
        ):
            with attempt:
                return await once()
        raise AssertionError("stamina returns or raises")

    async def exchange(self, ask: Ask, attempt: int) -> Answer:
        """One request and its answer.

        Raises:
            SourceError: no readable answer, or a refusal.
        """
        place = await self._admitted(ask)
        failed: bool | None = None
        try:
            answer = await self._timed(ask, attempt)
            failed = False
        except SourceError as error:
            failed = _is_failure(error)
            raise
        finally:
            self._limiter.settle(place)
            if self._breaker.ended(_elapsed(), failed=failed):
                self._log.warning("circuit open seconds=%g", _MINUTE * self._wiring.retry_base)
        return answer

    def _again(self, error: Exception) -> bool | float:
        """Whether a failed call is repeated; 0 where the rate limit does the waiting.

        A write whose outcome is unknown is no `Transient`, so what comes here is safe to repeat.
        """
        if not isinstance(error, Transient) or error.code in {"circuit_open", "blocked"}:
            return False
        self._log.warning("retry code=%s operation=%s", error.code, error.operation)
        return 0.0 if error.code == "rate_limit" else True

    async def _signed(self, ask: Ask, session: Session, progress: _Progress) -> Answer:
        grant = await session.current()
        progress.exchanges += 1
        try:
            return await self.exchange(session.sign(ask, grant), progress.exchanges)
        except Authentication:
            if progress.renewed or not session.renewable:
                raise
            session.drop(grant)
            progress.renewed = True
        return await self._signed(ask, session, progress)

    async def _admitted(self, ask: Ask) -> int:
        """The place in the rate limit; fails at once while the circuit is open."""
        if (wait := self._breaker.wait(_elapsed())) > 0:
            message = "the circuit is open: the vendor failed 5 times in a row."
            raise Transient(
                self.source, ask.operation, "circuit_open", message, retry_after=round(wait, 3)
            )
        try:
            place, wait = await self._limiter.acquire(_PATIENCE_S)
        except BaseException:
            self._breaker.ended(_elapsed(), failed=None)
            raise
        if place is None:
            self._breaker.ended(_elapsed(), failed=None)
            message = "the vendor asked for a longer wait than a run has."
            raise Transient(
                self.source, ask.operation, "blocked", message, retry_after=round(wait, 3)
            )
        return place

    async def _timed(self, ask: Ask, attempt: int) -> Answer:
        """The exchange itself, told to the audit whatever comes of it."""
        called_at, began = self._wiring.now(), _elapsed()
        status: int | None = None
        size: int | None = None
        try:
            async with asyncio.timeout(ask.read_s + (0 if ask.login else ask.connect_s)):
                response, body = await self._received(ask)
            status, size = int(response.status_code), len(body)
            return self._read(ask, response, body)
        except _NOT_OPENED as error:
            raise self._not_opened(ask, error) from None
        except (httpx.HTTPError, TimeoutError) as error:
            code = "timeout" if isinstance(error, TimeoutError | httpx.TimeoutException) else "cut"
            raise lost(self.source, ask, code, f"no answer ({type(error).__name__}).") from None
        finally:
            self._tell(ask, called_at, _elapsed() - began, (attempt, status, size))

    async def _received(self, ask: Ask) -> tuple[httpx.Response, bytes]:
        request = self._request(ask)
        response = await self._client.send(request, stream=True)
        try:
            return response, await self._bounded(ask, response)
        finally:
            await response.aclose()

    def _request(self, ask: Ask) -> httpx.Request:
        try:
            return self._client.build_request(
                ask.method,
                ask.url if "://" in ask.url else self._base_url + ask.url,
                params=dict(ask.params) or None,
                headers=dict(ask.headers),
                content=ask.content,
                timeout=httpx.Timeout(ask.read_s, connect=ask.connect_s),
            )
        except UnicodeError:
            # The error of the codec would show the secret that it stumbles over.
            message = "a credential has characters that no HTTP header can carry."
            raise Authentication(self.source, ask.operation, "credential", message) from None

    async def _bounded(self, ask: Ask, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST_BODY:
                kind = OutcomeUnknown if ask.write else Critical
                raise kind(self.source, ask.operation, "too_large", "the answer exceeds 64 MB.")
        return bytes(body)

    def _read(self, ask: Ask, response: httpx.Response, body: bytes) -> Answer:
        """The answer of a 200 or 201 that is JSON."""
        error = refusal(self.source, ask, response.status_code, body, self.secrets)
        if error is not None:
            raise self._limited(error, response.headers)
        try:
            # A login's answer holds the new secret itself.
            text, value = json_text.parse(body if ask.login else self.secrets.scrub(body))
        except ValueError:
            raise lost(
                self.source, ask, "not_json", "the answer is cut short or no JSON."
            ) from None
        return Answer(response.status_code, text, value, clock_of(response.headers))

    def _limited(self, error: SourceError, headers: httpx.Headers) -> SourceError:
        """After a 429, blocks the vendor for everybody."""
        error.retry_after = retry_after(headers, self._wiring.now())
        if error.code == "rate_limit":
            if error.retry_after is None:
                error.retry_after = _MINUTE * self._wiring.retry_base
            self._limiter.block(error.retry_after)
            self._log.warning("rate limit met seconds=%g", error.retry_after)
        return error

    def _not_opened(self, ask: Ask, error: Exception) -> SourceError:
        message = self.secrets.redact(f"no connection ({type(error).__name__}: {error}).")
        return Transient(self.source, ask.operation, "not_connected", message)

    def _tell(
        self,
        ask: Ask,
        called_at: datetime,
        seconds: float,
        outcome: tuple[int, int | None, int | None],
    ) -> None:
        attempt, status, size = outcome
        path = httpx.URL(ask.url if "://" in ask.url else self._base_url + ask.url).path
        path = self.secrets.redact(path)
        self._log.debug("call method=%s path=%s status=%s", ask.method, path, status)
        if self._wiring.on_call is not None:
            call = Call(
                called_at, self.source, ask.method, path, status, seconds * 1000, attempt, size
            )
            self._wiring.on_call(call)


def _is_failure(error: SourceError) -> bool:
    """Whether the vendor is down; a refusal says that it is up."""
    status = error.status
    silent = status is None or status == _RATE_LIMIT or status >= _SERVER_FAILURE
    return error.kind == "transient" and silent


def _elapsed() -> float:
    return asyncio.get_running_loop().time()


def _warnings_only(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _quieten() -> None:
    """Silences httpx, whose log lines are whole URLs; these hold Bill.com's session id (P03)."""
    # The retries are logged here, with the component that they belong to.
    stamina.instrumentation.set_on_retry_hooks(())
    for name in _CHATTY:
        logging.getLogger(name).addFilter(_warnings_only)
