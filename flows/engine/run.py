"""One run: what it was asked, what it works with, and what came of it.

Everything that a part of the engine needs is here and passed down: settings, policy, clock,
warehouse, doors, and the driver that makes a unit of work a Prefect task or just does it.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from flows import logs
from flows.logs import pairs
from flows.settings import LIVE, Settings
from sources.errors import SourceError
from sources.exchange import Call
from sources.mail import MessageDoor
from sources.streams import Door, Stream
from store.journal import Journal
from store.warehouse import Warehouse
from transforms.policy import Policy
from transforms.words.visible import visible

log = logging.getLogger("rapproche.engine")
PARIS = ZoneInfo("Europe/Paris")
T = TypeVar("T")


_SETTINGS_OF = {
    ("boond", "authentication"): "BOOND_CLIENT_ID and BOOND_CLIENT_SECRET, or BOOND_API_KEY",
    ("boond", ""): "BOOND_BASE_URL and BOOND_AUTH_URL if it lasts",
    ("boond live", "authentication"): (
        "BOOND_USER_TOKEN, BOOND_CLIENT_TOKEN and BOOND_CLIENT_KEY, or BOOND_BASIC_USER and"
        " BOOND_BASIC_PASSWORD"
    ),
    ("boond live", ""): "BOOND_BASE_URL if it lasts",
    ("bill", "authentication"): (
        "BILL_COM_USERNAME, BILL_COM_PASSWORD, BILL_COM_ORG_ID and BILL_COM_DEV_KEY"
    ),
    ("bill", ""): "BILL_COM_BASE_URL if it lasts",
    ("declarations", ""): "DECLARATIONS_DIR: create the folder, or name another",
}
"""Where a person looks first when a source fails, by the error's kind."""


def settings_of(settings: Settings, source: str, kind: str = "") -> str:
    """The settings that a person looks at first when a source fails."""
    live = source == "boond" and settings.BOOND_DIALECT == LIVE
    spoken = "boond live" if live else source
    return _SETTINGS_OF.get((spoken, kind)) or _SETTINGS_OF.get((spoken, ""), ".env.example")


class Driver(Protocol):
    """How units of work are driven and what people see of them: Prefect, or nothing but files."""

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Does one unit of work: a stream, a batch; never a row."""

    async def show(self, key: str, title: str, markdown: str) -> None:
        """Leaves a text that a person reads."""

    async def link(self, key: str, title: str, file: Path) -> None:
        """Points people to a file that the run wrote."""

    async def progress(self, key: str, title: str, done: int, total: int | None) -> None:
        """Tells how far a long unit of work is."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code and why (running.md)."""

    exit_code: int
    reasons: tuple[str, ...]
    state: str
    """The state of the run in `ops.runs`."""


def new_run_id() -> str:
    """What a run is named by."""
    return uuid.uuid4().hex[:12]


_FOLLOWS = frozenset({"blocked", "circuit_open"})
"""Refusals of our own: nothing was sent, because of what was met before."""


@dataclass
class Refusal:
    """What a source refused, once for all that met it alike: eight lines of one cause hide it.

    Attributes:
        error: as it was met first.
        hint: the settings to look at, where the error itself does not say what to do.
    """

    error: SourceError
    hint: str
    streams: list[str] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)

    def explains(self, error: SourceError) -> bool:
        """Whether another error is the same, or what came of it: a vendor left in peace."""
        if error.source != self.error.source:
            return False
        followed = error.code in _FOLLOWS and self.error.kind == error.kind
        return followed or _cause(error) == _cause(self.error)

    def met(self, error: SourceError, stream: str | None) -> None:
        """Takes note of who met it."""
        if stream and stream not in self.streams:
            self.streams.append(stream)
        asked = error.code not in _FOLLOWS or not self.operations
        if asked and error.operation not in self.operations:
            self.operations.append(error.operation)

    def told(self) -> str:
        """The line that people read."""
        said = self.error.met_by(", ".join(self.operations))
        if self.streams:
            first, *others = self.streams
            said = f"{', '.join([first, *(one.partition('.')[2] for one in others)])}: {said}"
        return visible(said if self.error.settles else f"{said} See {self.hint}.")


def _cause(error: SourceError) -> tuple[str, str, str, str]:
    return error.kind, error.code, error.message, error.advice


def gathered(settings: Settings, errors: Iterable[SourceError]) -> list[Refusal]:
    """Errors with those of one cause together, the first met first."""
    refusals: list[Refusal] = []
    for error in errors:
        _gather(refusals, settings, error)
    return refusals


def _gather(
    refusals: list[Refusal], settings: Settings, error: SourceError, stream: str | None = None
) -> None:
    alike = next((one for one in refusals if one.explains(error)), None)
    if alike is None:
        alike = Refusal(error, settings_of(settings, error.source, error.kind))
        refusals.append(alike)
    alike.met(error, stream)


@dataclass
class Run:
    """One run of one command."""

    flow: str
    parameters: dict[str, Any]
    settings: Settings
    policy: Policy
    as_of: date
    warehouse: Warehouse
    doors: dict[str, Door]
    driver: Driver
    now: Callable[[], datetime]
    run_id: str = field(default_factory=new_run_id)
    messages: Callable[[], Mapping[str, MessageDoor]] = dict
    journal: Journal | None = None
    counts: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    trusted: set[str] = field(default_factory=set)
    concerns: list[str] = field(default_factory=list)
    subjects: dict[str, object] = field(default_factory=dict)
    """What some of the concerns are about."""
    refusals: list[Refusal] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    def heard(self, call: Call) -> None:
        """Takes note of one HTTP exchange."""
        self._note(call)
        self.counts["requests"] += 1
        self.counts["retries"] += call.attempt > 1
        self.counts["rate_limited"] += call.status == 429  # noqa: PLR2004 - Too Many Requests

    def echoed(self, source: str, texts: int) -> None:
        """Takes note of texts in an answer that were secrets of ours, and are masked."""
        self.masked[source] += texts

    def spared(self, stream: Stream) -> None:
        """Takes note of a stream that is fresh: what the warehouse holds of it is the answer."""
        self.trusted.add(f"{stream.source}.{stream.name}")
        hit = Call(self.now(), stream.source, "GET", stream.path, None, 0.0, 1, None, cached=True)
        self._note(hit)

    def _note(self, call: Call) -> None:
        if self.journal:
            self.journal.add(vars(call))

    def concern(self, reason: str, code: str = "see_its_end", **known: object) -> None:
        """Something that a person must look at (exit code 1).

        Args:
            reason: what is said to the person.
            code: what is logged of it, with `known`: ids and counts.
            known: the same.
        """
        reason = visible(reason)
        if reason not in self.concerns:
            log.warning("needs a person code=%s%s", code, pairs(known))
            self.concerns.append(reason)
            self.subjects[reason] = known.get("subject")

    def relieve(self, subject: str) -> None:
        """Forgets what was said of a command that has moved on since."""
        self.concerns = [said for said in self.concerns if self.subjects.get(said) != subject]

    @property
    def failed(self) -> list[tuple[str, str]]:
        """Source and kind of error, and what is said of it: one line for what is refused alike."""
        return [(f"{one.error.source}/{one.error.kind}", one.told()) for one in self.refusals]

    @property
    def failures(self) -> list[str]:
        """What is said of the sources that failed."""
        return [said for _, said in self.failed]

    def unreachable(self, error: SourceError, stream: str | None = None) -> None:
        """A source could not be reached or refused us (exit code 3)."""
        known = {"code": error.code, "kind": error.kind, "operation": error.operation}
        source, _, name = (stream or error.source).partition(".")
        with logs.about(source=source, stream=name):
            log.error("source failed%s", pairs(known | {"status": error.status}))
        _gather(self.refusals, self.settings, error, stream)

    def write_audit(self) -> None:
        """Moves the calls heard so far to `ops.api_calls`."""
        if self.journal:
            self.journal.settle(self.warehouse)

    def outcome(self) -> Outcome:
        """How the run ends as things stand; a failed source wins over all else."""
        if self.failures:
            return Outcome(3, tuple(self.failures + self.concerns), "failed")
        if self.counts["quarantined"] or self.counts["in_quarantine"]:
            return Outcome(1, tuple(self.concerns), "completed with quarantine")
        if self.concerns:
            return Outcome(1, tuple(self.concerns), "completed with concerns")
        return Outcome(0, (), "completed")

    def unread(self) -> frozenset[str]:
        """Streams that were in this run neither read complete nor found fresh."""
        return frozenset(ALL_STREAMS - self.trusted)


ALL_STREAMS = frozenset(
    {
        "boond.consultants",
        "boond.clients",
        "boond.contracts",
        "boond.cras",
        "boond.client_invoices",
        "boond.suppliers",
        "boond.purchase_orders",
        "boond.supplier_invoices",
        "bill.invoices",
        "bill.vendors",
        "bill.payments",
        "declarations.files",
    }
)


def system_clock() -> datetime:
    """The only clock of the program; read by the command line and the flows' entry."""
    return datetime.now(UTC)


def paris_today(now: datetime) -> date:
    """The day in Paris: default of `--as-of`."""
    return now.astimezone(PARIS).date()


def month_before(day: date) -> str:
    """The month before a day, YYYY-MM: default of `--period`."""
    return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"


def artifacts_directory(published: Path) -> Path:
    """Where runs without Prefect leave what people read."""
    return published.parent / "artifacts"
