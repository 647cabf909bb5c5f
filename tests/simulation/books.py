"""What stands beside the machine between two runs: the vendors, and what was heard of them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

import httpx

from flows.engine.run import Outcome
from sandbox.boond_live import BoondLive
from sandbox.server import Sandbox
from sandbox.world import World
from tests.simulation.stories import UNDECIDED


@dataclass
class Books:
    """What stands beside the machine's folder between two runs.

    Vendors over a portable world speak live; what only that wire holds stands beside the world.
    """

    world: World
    nominal: float = 0.0
    hours: float = 0.0
    waited: float = 0.0
    ticks: int = 0
    runs: int = 0
    outcome: Outcome | None = None
    delivered: list[str] = field(default_factory=list)
    late: list[tuple[datetime, httpx.Request]] = field(default_factory=list)
    half_validated: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    invoice_periods: dict[str, tuple[date, date]] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    exits: list[str] = field(default_factory=list)


def vendors(books: Books, *, two_validators: bool = False) -> Sandbox:
    """Both vendors over the books, in the dialects that the world is told in."""
    if not books.world.portable:
        return Sandbox(books.world)
    sandbox = Sandbox(books.world, boond="live", bill="live")
    assert isinstance(sandbox.boond, BoondLive)
    sandbox.boond.half_validated = books.half_validated
    sandbox.boond.invoice_periods = books.invoice_periods
    sandbox.boond.two_steps, sandbox.boond.two_steps_ending = two_validators, UNDECIDED[-1]
    return sandbox
