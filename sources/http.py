"""The seam: every exchange with a vendor passes here.

An exchange waits for its place in the rate limit, respects the breaker, is timed and bounded,
classed by boond.md's table, logged without secrets and told to the audit. A call is an exchange
with credentials, repeated where that is safe.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import httpx
import stamina
import stamina.instrumentation

from sources import TRIPS, json_text
from sources.errors import (
    MASK,
    Authentication,
    Critical,
    OutcomeUnknown,
    SourceError,
    Transient,
)
from sources.exchange import Answer, Ask, Call, Judge, clock_of, lost, refusal, retry_after
from sources.limits import Breaker, Limiter, Place
from sources.session import Session
from sources.urls import checked_url
from sources.wiring import Wiring, client

_LARGEST_BODY = 64 * 1024 * 1024
_RETRIES = 3
_MINUTE = 60
_RATE_LIMIT = 429
_SERVER_FAILURE = 500
_NO_SUCH_PLACE = (404, 405)
# A vendor that asks for more than ten minutes is not waited for: the run goes on without it.
_PATIENCE_S = 600.0
# Nor is one that asks for years: after a day it is asked again.
_LONGEST_QUIET_S = 86_400.0
_CHATTY = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")
_T = TypeVar("_T")
_NOT_OPENED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_CUT = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError, OSError)
_TLS_ADVICE = (
    "Its certificate must be one that this machine trusts, over TLS 1.3 (see RAPPROCHE_TLS12)."
)


@dataclass
class _Progress:
    """How far one call has got: exchanges so far, and whether its login was renewed."""

    exchanges: int = 0
    renewed: bool = False


class _HeldError(Exception):
    """The vendor asked for quiet while we were still connecting: nothing was sent."""


class Seam:
    """All exchanges with one vendor.

    Args:
        source: the vendor, as the audit and the log name it.
        base_url: what paths are joined to; plain http only on loopback.
        wiring: clock, transport, limits, what must never be shown.
        judge: reads the dialect's own error form, before the table of statuses is asked.
        at_once: exchanges that may be under way at a time; None for no such limit.

    Raises:
        ValueError: the base URL is no http(s) URL, or would send secrets in the clear.
    """

    def __init__(
        self,
        source: str,
        base_url: str,
        wiring: Wiring,
        *,
        judge: Judge = lambda _ask, _status, _body: None,
        at_once: int | None = None,
    ) -> None:
        self.source = source
        self.secrets = wiring.secrets
        self._wiring = wiring
        self._base_url = checked_url(base_url)
        self._log = logging.getLogger(f"rapproche.{source}")
        self._limiter = Limiter(source, wiring.windows, now=wiring.now, state_dir=wiring.state_dir)
        self._breaker = Breaker(_MINUTE * wiring.retry_base)
        self._client = client(wiring)
        self._judge = judge
        self._places = asyncio.Semaphore(at_once) if at_once else nullcontext()
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
            advice = error.advice if error.advice != error.advised else None
            if error.status in _NO_SUCH_PLACE:
                advice = "No login is there: check the base URL in the settings."
            raise Authentication(
                self.source,
                ask.operation,
                "login_refused",
                error.message,
                advice=advice,
                status=error.status,
            ) from None

    async def _retried(self, once: Callable[[], Awaitable[_T]]) -> _T:
        waits = self._waits()
        async for attempt in stamina.retry_context(
            on=lambda error: self._again(error, waits), attempts=_RETRIES + 1, timeout=None
        ):
            with attempt:
                return await once()
        raise AssertionError("stamina returns or raises")

    def _waits(self) -> Iterator[float]:
        """Seconds before each retry: 1, 2 and 4 times the base, each spread by a quarter of it."""
        base = self._wiring.retry_base
        return (base * (2**n + self._wiring.jitter() / 4) for n in range(_RETRIES))

    async def exchange(self, ask: Ask, attempt: int) -> Answer:
        """One request and its answer.

        Raises:
            SourceError: no readable answer, or a refusal.
        """
        while True:
            async with self._places:
                with suppress(_HeldError):
                    return await self._once(ask, attempt)

    async def _once(self, ask: Ask, attempt: int) -> Answer:
        place = await self._admitted(ask)
        failed: bool | None = None
        answered = False
        try:
            answer = await self._timed(ask, attempt)
            failed, answered = False, True
        except SourceError as error:
            failed, answered = _is_failure(error), error.status is not None
            raise
        finally:
            self._limiter.settle(place, answered=answered)
            if self._breaker.ended(place, _elapsed(), failed=failed):
                self._log.warning("circuit open seconds=%g", _MINUTE * self._wiring.retry_base)
        return answer

    def _again(self, error: Exception, waits: Iterator[float]) -> bool | float:
        """The seconds after which a failed call is repeated; False where it is not.

        After a 429 they are 0: the rate limit does that waiting, for everybody.

        A write whose outcome is unknown is no `Transient`, so what comes here is safe to repeat.
        """
        if not isinstance(error, Transient) or error.code in {"circuit_open", "blocked"}:
            return False
        wait = next(waits, None)
        limited = error.code == "rate_limit"
        if wait is None or (not limited and (error.retry_after or 0) > _PATIENCE_S):
            return False
        self._log.warning("retry code=%s operation=%s", error.code, error.operation)
        return 0.0 if limited else wait

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

    async def _admitted(self, ask: Ask) -> Place:
        """The place in the rate limit; fails at once while the circuit is open."""
        self._refuse(ask, self._breaker.wait(_elapsed()))
        place, wait = await self._limiter.acquire(_PATIENCE_S)
        if place is None:
            message = "the vendor asked for a longer wait than a run has."
            raise Transient(
                self.source, ask.operation, "blocked", message, retry_after=round(wait, 3)
            )
        try:
            # The circuit may have opened while we waited.
            self._refuse(ask, self._breaker.admit(place, _elapsed()))
        except Transient:
            self._limiter.give_back(place)
            raise
        return place

    def _refuse(self, ask: Ask, wait: float) -> None:
        if wait > 0:
            message = f"the circuit is open: the vendor failed {TRIPS} times in a row."
            raise Transient(
                self.source, ask.operation, "circuit_open", message, retry_after=round(wait, 3)
            )

    async def _timed(self, ask: Ask, attempt: int) -> Answer:
        """The exchange itself, told to the audit whatever comes of it."""
        called_at, began = self._wiring.now(), _elapsed()
        status: int | None = None
        size: int | None = None
        sent = True
        try:
            async with asyncio.timeout(ask.read_s + (0 if ask.login else ask.connect_s)):
                response, body = await self._received(ask)
            status, size = int(response.status_code), len(body)
            return self._read(ask, response, body)
        except _HeldError:
            sent = False
            raise
        except _NOT_OPENED as error:
            raise self._not_opened(ask, error) from None
        except _CUT as error:
            code = "timeout" if isinstance(error, TimeoutError | httpx.TimeoutException) else "cut"
            raise lost(self.source, ask, code, f"no answer ({type(error).__name__}).") from None
        finally:
            if sent:
                self._tell(ask, called_at, _elapsed() - began, (attempt, status, size))

    async def _received(self, ask: Ask) -> tuple[httpx.Response, bytes]:
        request = self._request(ask)
        response = await self._client.send(request, stream=True)
        self._hear_clock(response.headers)
        self._hear_limit(response)
        try:
            return response, await self._bounded(ask, response)
        finally:
            await response.aclose()

    def _hear_clock(self, headers: httpx.Headers) -> None:
        served_at = clock_of(headers)
        if served_at is not None and self._wiring.on_clock is not None:
            self._wiring.on_clock(self.source, served_at)

    def _request(self, ask: Ask) -> httpx.Request:
        try:
            return self._client.build_request(
                ask.method,
                ask.url if "://" in ask.url else self._base_url + ask.url,
                params=dict(ask.params) or None,
                headers=dict(ask.headers),
                content=ask.content,
                timeout=httpx.Timeout(ask.read_s, connect=ask.connect_s),
                extensions={"trace": self._last_look},
            )
        except UnicodeError:
            # The error of the codec would show the secret that it stumbles over.
            message = "a credential has characters that no HTTP header can carry."
            raise Authentication(self.source, ask.operation, "credential", message) from None

    async def _last_look(self, step: str, _of: Mapping[str, Any]) -> None:
        """Between the connection and the first byte: others may have met a 429 meanwhile."""
        if step.endswith("send_request_headers.started") and self._limiter.blocked() > 0:
            raise _HeldError

    async def _bounded(self, ask: Ask, response: httpx.Response) -> bytes:
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST_BODY:
                    kind = OutcomeUnknown if ask.write else Critical
                    raise kind(self.source, ask.operation, "too_large", "the answer exceeds 64 MB.")
        except httpx.HTTPError:
            # A refusal is one without its words too.
            if response.is_success:
                raise
        return bytes(body)

    def _read(self, ask: Ask, response: httpx.Response, body: bytes) -> Answer:
        """The answer of a 200 or 201 that is JSON."""
        error = self._judge(ask, response.status_code, body)
        if error is not None:
            if isinstance(error, Transient) and error.retry_after:
                self._limiter.block(error.retry_after)
            raise error
        error = refusal(self.source, ask, response.status_code, body, self.secrets)
        if error is not None:
            said = retry_after(response.headers, self._wiring.now())
            limited = response.status_code == _RATE_LIMIT
            error.retry_after = self._quiet(said) if limited else said
            raise error
        try:
            # A login's answer holds the new secret itself.
            text, value = json_text.parse(body if ask.login else self._scrubbed(body))
        except ValueError:
            raise lost(
                self.source, ask, "not_json", "the answer is cut short or no JSON."
            ) from None
        return Answer(response.status_code, text, value, clock_of(response.headers))

    def _scrubbed(self, body: bytes) -> bytes:
        """The body without our secrets; that there were any is told."""
        clean = self.secrets.scrub(body)
        masked = clean.count(MASK.encode()) - body.count(MASK.encode())
        if masked > 0 and self._wiring.on_masked is not None:
            self._wiring.on_masked(self.source, masked)
        return clean

    def _hear_limit(self, response: httpx.Response) -> None:
        """A 429 blocks the vendor for everybody, as soon as its head is here."""
        if response.status_code == _RATE_LIMIT:
            seconds = self._quiet(retry_after(response.headers, self._wiring.now()))
            self._limiter.block(seconds)
            self._log.warning("rate limit met seconds=%g", seconds)

    def _quiet(self, said: float | None) -> float:
        """The seconds of quiet after a 429: 60 where it says none, a day at most."""
        return min(_MINUTE * self._wiring.retry_base if said is None else said, _LONGEST_QUIET_S)

    def _not_opened(self, ask: Ask, error: Exception) -> SourceError:
        tls = _tls_fault(error)
        said = tls or error
        message = self.secrets.redact(f"no connection ({type(said).__name__}: {said}).")
        if tls is not None:
            return Transient(self.source, ask.operation, "tls", message, advice=_TLS_ADVICE)
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
    """Whether the vendor is down, or serves nobody for a while; a refusal says that it is up."""
    status = error.status
    silent = status is None or status == _RATE_LIMIT or status >= _SERVER_FAILURE
    quiet = (error.retry_after or 0) >= _MINUTE
    return error.kind == "transient" and (silent or quiet)


def _tls_fault(error: BaseException | None) -> ssl.SSLError | None:
    """What TLS said, in the errors that led to this one."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


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
