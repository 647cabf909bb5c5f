"""One run: what it was asked, what it works with, and what came of it.

Everything that a part of the engine needs is here and passed down: settings, policy, clock,
warehouse, doors, and the driver that makes a unit of work a Prefect task or just does it.
"""

import getpass
import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from flows.settings import Settings
from sources.errors import SourceError
from sources.exchange import Call
from sources.streams import Door
from store import runs
from store.warehouse import Warehouse
from transforms.policy import Policy

log = logging.getLogger("rapproche.engine")
PARIS = ZoneInfo("Europe/Paris")
T = TypeVar("T")


SETTINGS_OF = {
    ("boond", "authentication"): "BOOND_CLIENT_ID and BOOND_CLIENT_SECRET, or BOOND_API_KEY",
    ("boond", ""): "BOOND_BASE_URL and BOOND_AUTH_URL if it lasts",
    ("bill", "authentication"): (
        "BILL_COM_USERNAME, BILL_COM_PASSWORD, BILL_COM_ORG_ID and BILL_COM_DEV_KEY"
    ),
    ("bill", ""): "BILL_COM_BASE_URL if it lasts",
    ("declarations", ""): "DECLARATIONS_DIR: create the folder, or name another",
}
"""Where a person looks first when a source fails, by the error's kind."""


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
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    counts: Counter[str] = field(default_factory=Counter)
    trusted: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    concerns: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def heard(self, call: Call) -> None:
        """Takes note of one HTTP exchange."""
        self.calls.append(call)
        self.counts["requests"] += 1
        self.counts["retries"] += call.attempt > 1
        self.counts["rate_limited"] += call.status == 429  # noqa: PLR2004 - Too Many Requests

    def concern(self, reason: str) -> None:
        """Something that a person must look at (exit code 1)."""
        if reason not in self.concerns:
            log.warning(reason)
            self.concerns.append(reason)

    def unreachable(self, error: SourceError, stream: str | None = None) -> None:
        """A source could not be reached or refused us (exit code 3)."""
        said = f"{stream}: {error}" if stream else str(error)
        hint = SETTINGS_OF.get((error.source, error.kind)) or SETTINGS_OF.get((error.source, ""))
        said = f"{said} See {hint}."
        log.error(said)
        if said not in self.failures:
            self.failures.append(said)

    def write_audit(self) -> None:
        """Moves the calls heard so far to `ops.api_calls`."""
        heard, self.calls = self.calls, []
        actor = getpass.getuser()
        rows = [
            {**vars(call), "run_id": self.run_id, "actor": actor, "cached": call.cached}
            for call in heard
        ]
        runs.audit(self.warehouse, rows)

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
