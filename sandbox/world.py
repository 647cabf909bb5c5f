"""The world: the books of both vendors, and the clock that they are kept by."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sandbox import days, declarations, peopling, planting, trading, truth
from sandbox import portable as portability
from sandbox.domain import Books, ExpectedInvoice, ExpectedPaidBill, Record
from sandbox.months import bounds, month_of, shifted
from sandbox.peopling import Scope

Clock = Callable[[], datetime]
DEFAULT_AS_OF = date(2026, 11, 3)
SMALLEST_WITH_MISTAKES = 40


def start_of(as_of: date) -> datetime:
    """Returns the instant at which a world of a day starts: before the nightly run."""
    return datetime.combine(as_of, time(3), UTC)


def ticking(start: datetime, elapsed: Callable[[], float]) -> Clock:
    """Returns a clock that goes on from `start` by the seconds that `elapsed` tells."""
    zero = elapsed()
    return lambda: start + timedelta(seconds=elapsed() - zero)


@dataclass(slots=True)
class World(Books):
    """Everything that both vendors know, as of a clock.

    Attributes:
        scope: what the world was built from.
        clock: tells the instant, before the days that were advanced.
        planted: the mistakes in it, with what a right reconciliation says of each.
        expected_invoices: the client invoices that must be created from the declarations.
        expected_paid_bills: the bills that must be registered and flagged for payment.
        expected_registered_bills: the ids of all bills that must be registered: those, and bills
            paid already, credit notes and part deliveries.
        declaration_files: name → content of the files that the clients sent.
        writes: what was written through a wire, in order.
        portable: whether every dialect of both vendors can tell it.
    """

    scope: Scope = field(kw_only=True)
    clock: Clock = field(kw_only=True)
    advanced_days: int = 0
    expected_invoices: list[ExpectedInvoice] = field(default_factory=list)
    expected_paid_bills: list[ExpectedPaidBill] = field(default_factory=list)
    expected_registered_bills: list[str] = field(default_factory=list)
    declaration_files: dict[str, bytes] = field(default_factory=dict)
    writes: list[dict[str, Any]] = field(default_factory=list)
    portable: bool = False

    @classmethod
    def build(
        cls,
        *,
        seed: int = 1,
        consultants: int = 40,
        mistakes: bool = True,
        as_of: date = DEFAULT_AS_OF,
        month: str | None = None,
        clock: Clock | None = None,
        portable: bool = False,
    ) -> "World":
        """Builds a world: the same arguments, the same world.

        Raises:
            ValueError: when the month has not ended before `as_of`, or when there are too few
                consultants for the planted mistakes.
        """
        month = month or shifted(month_of(as_of), -1)
        if bounds(month)[1] >= as_of:
            raise ValueError(f"the month {month} has not ended before {as_of}")
        if consultants < (SMALLEST_WITH_MISTAKES if mistakes else 1):
            raise ValueError(f"{consultants} consultants are too few (40 with mistakes, else 1)")
        start = start_of(as_of)
        scope = Scope(as_of, month, consultants, Random(f"{seed}/{consultants}/{month}"))
        world = cls(scope=scope, clock=clock or (lambda: start), portable=portable)
        peopling.people(world, scope)
        trading.trade(world, scope)
        if mistakes:
            planting.plant(world, scope)
        if portable:
            portability.reduce(world)
        world.declaration_files = declarations.files(world, scope) | world.letters
        world.expected_invoices = truth.invoices(world, scope)
        world.expected_paid_bills = truth.paid_bills(world)
        world.expected_registered_bills = truth.registered_bills(world)
        return world

    def now(self) -> datetime:
        """Returns the world's instant, to the second, UTC."""
        return (self.clock() + timedelta(days=self.advanced_days)).replace(microsecond=0)

    def touch(self, record: Record) -> None:
        """Moves a record's `updated_at` to now."""
        record.updated_at = self.now()

    def advance(self, count: int = 1) -> list[str]:
        """Lets days pass, one by one, and returns what happened in them."""
        happened: list[str] = []
        for _ in range(count):
            self.advanced_days += 1
            happened += days.live(self, self.scope, self.now())
            self.settle()
        return happened

    def settle(self) -> None:
        """Keeps a portable world portable, whatever has just happened in it."""
        if self.portable:
            portability.restate(self)

    def wrote(self, vendor: str, kind: str, record: Record) -> None:
        """Keeps what a caller wrote."""
        at = self.now().isoformat()
        self.writes.append({"at": at, "vendor": vendor, "kind": kind, "id": record.id})

    def write_declarations(self, folder: Path) -> None:
        """Writes the clients' files into a folder."""
        for name, content in self.declaration_files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
