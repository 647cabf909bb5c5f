"""The network of a simulation: vendors that take time and fail as told, and a mail server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import httpx

from sandbox.mishaps import LATE_S, STALLED_S, CutError, HangError, pieces
from sandbox.server import Sandbox
from sandbox.wire import Refusal
from sources.errors import OutcomeUnknown, SourceError, Transient, Validation
from sources.mail import Message
from tests.simulation.machine import KilledError, Machine

READS = {"GET", "HEAD"}
SIZES = ("maxResults", "max")
GUARD = timedelta(seconds=0.01)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with some calls of one kind, counted in each run.

    Attributes:
        line: whose and which calls: `boond read`, `boond write`, `bill login`, `mail send`, ….
        first: the number of the first of them that it befalls.
        count: how many it befalls one after the other.
        mishap: what happens.
    """

    line: str
    first: int
    count: int
    mishap: str

    def befalls(self, line: str, number: int) -> bool:
        """Whether it befalls a call."""
        return line == self.line and self.first <= number < self.first + self.count

    def __str__(self) -> str:
        last = f"…{self.first + self.count - 1}" if self.count > 1 else ""
        return f"{self.mishap} at {self.line} {self.first}{last}"


class Drip(httpx.AsyncByteStream):
    """An answer that comes in pieces."""

    def __init__(self, response: httpx.Response) -> None:
        self._pieces = pieces(response)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece, seconds in self._pieces:
            await asyncio.sleep(seconds)
            yield piece


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """All lines to the vendors.

    Attributes:
        sandbox: the vendors.
        machine: whose process calls.
        now: the instant by which late actions happen.
        rng: how long calls take.
        faults: what goes wrong in this run.
        struck: how often each mishap happened.
        broken_rules: what no run may do, and was done.
        late: what vendors will act on although nobody waits for it, and when.
        rows_a_page: how many rows the vendors give at most, whatever they are asked for.
    """

    sandbox: Sandbox
    machine: Machine
    now: Callable[[], datetime]
    rng: Random
    faults: Sequence[Fault] = ()
    struck: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)
    broken_rules: list[str] = field(default_factory=list)
    blocked: dict[str, tuple[datetime, timedelta]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    late: list[tuple[datetime, httpx.Request]] = field(default_factory=list)
    rows_a_page: int | None = None

    def __post_init__(self) -> None:
        for line in self.sandbox.lines.values():
            line.script = self._mishap

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carries a call there and back."""
        if self.machine.killed:
            raise KilledError
        line = _line(request)
        self.calls[line] += 1
        number = self.calls[line]
        self.machine.moment("before call")
        self._respects_blocks(line)
        await self._travel()
        self.settle()
        response = await self._answer(request, line, number)
        self.machine.moment("after call")
        await self._travel()
        if self.machine.killed:
            raise KilledError
        self._hear_block(line, response)
        return response

    async def _travel(self) -> None:
        await asyncio.sleep(self.rng.uniform(0.01, 0.15))

    async def _answer(self, request: httpx.Request, line: str, number: int) -> httpx.Response:
        request.extensions["line"] = (line, number)
        try:
            response = self.sandbox.answer(self._less(request))
        except CutError as error:
            self._note(line, number, "cut")
            self.machine.moment("after call")
            kind = httpx.ReadError if error.sent else httpx.ConnectError
            raise kind("connection cut", request=request) from None
        except HangError as error:
            self._note(line, number, "hangs")
            if error.later:
                self.late.append((self.now() + timedelta(seconds=LATE_S), request))
            await asyncio.sleep(STALLED_S)
            raise httpx.ReadTimeout("no answer", request=request) from None
        self._note(line, number, f"{request.method} {request.url.path} {response.status_code}")
        return httpx.Response(
            response.status_code, headers=response.headers, stream=Drip(response), request=request
        )

    def _less(self, request: httpx.Request) -> httpx.Request:
        """The request as a vendor takes it that gives fewer rows a page."""
        asked, most = dict(request.url.params), self.rows_a_page
        name = next((name for name in SIZES if name in asked), None)
        if most is None or name is None:
            return request
        asked[name] = str(min(int(asked[name]), most))
        url = request.url.copy_with(params=asked)
        less = httpx.Request(request.method, url, headers=request.headers)
        less.extensions["line"] = request.extensions["line"]
        return less

    def _note(self, line: str, number: int, said: str) -> None:
        self.trace.append(f"{self.now().isoformat()} {line} {number}: {said}")

    def _mishap(self, request: httpx.Request) -> str | None:
        line, number = request.extensions["line"]
        found = next((f.mishap for f in self.faults if f.befalls(line, number)), None)
        if found:
            self.struck[found] += 1
        return found

    def _hear_block(self, line: str, response: httpx.Response) -> None:
        vendor, said = line.split(maxsplit=1)[0], response.headers.get("Retry-After")
        if said:
            seconds = float(said) if said.isdigit() else 30.0
            self.blocked[vendor] = (self.now(), timedelta(seconds=seconds))

    def _respects_blocks(self, line: str) -> None:
        heard, lasts = self.blocked.get(line.split(maxsplit=1)[0], (self.now(), timedelta()))
        # What left at the very moment at which the vendor was heard is nobody's fault.
        if GUARD < self.now() - heard < lasts - GUARD:
            self.broken_rules.append(f"{line} was called while Retry-After lasted")

    def settle(self) -> None:
        """Lets happen what vendors do late, once it is due."""
        now = self.now()
        due = [request for at, request in self.late if at <= now]
        self.late[:] = [(at, request) for at, request in self.late if at > now]
        for request in due:
            _, vendor, path = request.url.path.split("/", 2)
            with suppress(Refusal):
                (self.sandbox.boond if vendor == "boond" else self.sandbox.bill)(
                    request, f"/{path}"
                )


def _line(request: httpx.Request) -> str:
    vendor, path = request.url.path.split("/")[1], request.url.path
    if path.endswith(("/login", "/token", "/dictionary")):
        return f"{vendor} login"
    return f"{vendor} {'read' if request.method in READS else 'write'}"


@dataclass
class Post:
    """A mail server: what it takes, it delivers."""

    wire: Wire
    may_repeat: bool = True
    delivered: list[str] = field(default_factory=list)

    async def open(self) -> None:
        """Connects."""
        if (error := self._strikes("mail open")) is not None:
            raise error

    async def send(self, message: Message) -> None:
        """Takes one mail."""
        self.wire.machine.moment("before mail")
        await asyncio.sleep(0.05)
        error = self._strikes("mail send")
        if error is None or error.code == "cut-acted":
            self.delivered.append(message.id)
        self.wire.machine.moment("after mail")
        await asyncio.sleep(0.05)
        if error is not None:
            raise error

    async def aclose(self) -> None:
        """Hangs up."""

    def _strikes(self, line: str) -> SourceError | None:
        if self.wire.machine.killed:
            raise KilledError
        self.wire.calls[line] += 1
        number = self.wire.calls[line]
        found = next((f for f in self.wire.faults if f.befalls(line, number)), None)
        if found is None:
            return None
        self.wire.struck[found.mishap] += 1
        kind = MAIL_MISHAPS[found.mishap]
        status = 451 if found.mishap == "busy" else 550 if found.mishap == "no-such-box" else None
        return kind("mail", "send", found.mishap, "as the simulation has it", status=status)


MAIL_MISHAPS: dict[str, type[SourceError]] = {
    "cut": OutcomeUnknown,
    "cut-acted": OutcomeUnknown,
    "no-connection": Transient,
    "busy": Transient,
    "no-such-box": Validation,
}
