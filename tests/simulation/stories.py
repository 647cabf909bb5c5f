"""Stories: a small world in some state, and what happens in it when nothing goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox import events
from sandbox.domain import DeclaredLine
from sandbox.trading import add_invoice, line_of
from sandbox.world import World

CONSULTANTS = 4
MONTH = "2026-10"
OVER, CLEAN, UNDECIDED = "10002", "10003", "10004"
"""Who reports more days than the client declared, who has always been right, and whose report
waits."""
LAST_HOURS = 2


@dataclass(frozen=True)
class Act:
    """One run, so many hours after the last one, and what happens in the world before it."""

    command: str
    parameters: dict[str, Any] = field(default_factory=dict)
    hours: float = 2
    event: Callable[[World], object] | None = None


NIGHT = Act("nightly", {"period": None, "apply": True})
WRITE = Act("write_back", {"apply": True})
SYNC = Act("sync", {"sources": ["boond", "bill", "declarations"], "full": False})
FULL = Act("sync", {"sources": ["boond", "bill", "declarations"], "full": True})
APPROVE = Act("decide", {"reject": [], "amount": None, "by": "Anne", "reason": "seen"})


@dataclass(frozen=True)
class Story:
    """What happens from a state on.

    Attributes:
        name: its name.
        state: the template that it begins with.
        acts: the runs in which something may go wrong.
        finish: healthy runs at the end.
        exact: whether what is billed must be the same invoice by invoice; where facts change
            between faulty runs it is the same in sum only.
        weight: how many of so many tens of seeds tell this story.
        rows_a_page: how many rows the vendors give a page, where their lists have several.
        two_validators: whether one report needs a second validator, where a dialect knows of any.
    """

    name: str
    state: str
    acts: tuple[Act, ...]
    finish: tuple[Act, ...] = (WRITE,)
    exact: bool = True
    weight: int = 1
    rows_a_page: int | None = None
    two_validators: bool = False


def build(**given: Any) -> World:
    """A world with all five kinds of write-backs and both kinds of mails in it."""
    world = World.build(consultants=CONSULTANTS, mistakes=False, **given)
    events.report_again(world, OVER, MONTH, Decimal(22))
    return world


def corrects(world: World) -> None:
    """The consultant corrects the days."""
    events.report_again(world, OVER, MONTH, Decimal("20.5"))


def reports_far_less(world: World) -> None:
    """So much less than declared that a person is to decide."""
    events.report_again(world, OVER, MONTH, Decimal(9))


def declares_again(world: World) -> None:
    """A client and a consultant agree on fewer days, some of which are billed already."""
    events.declare_again(world, CLEAN, MONTH, Decimal(19))
    events.report_again(world, CLEAN, MONTH, Decimal(19))


def bills_twice(world: World) -> None:
    """A supplier bills days once more."""
    bill = events.late_bill(world, "10001", MONTH, Decimal(3))
    world.unpaid[bill.id] = "DUPLICATE"


def same_instant(world: World) -> None:
    """Everything was changed at one instant, as after an import."""
    at = world.now()
    for table in (world.consultants, world.contracts, world.cras, world.orders, world.bills):
        for record in table.values():
            record.updated_at = at


def next_month(world: World) -> None:
    """Another month is reported, declared and billed."""
    events.next_month(world)


def declares_late(world: World) -> None:
    """Another month is over, and one client has not said yet whom it had."""
    events.next_month(world)
    late = next(line for line in world.declared if _of_last_month(world, line))
    for name in [n for n in world.declaration_files if f"{late.client_id}-{late.period}" in n]:
        del world.declaration_files[name]


def declares(world: World) -> None:
    """The client says it."""
    late = next(line for line in world.declared if _of_last_month(world, line))
    events.declare_again(world, str(late.consultant_id), late.period, late.days)


def _of_last_month(world: World, line: DeclaredLine) -> bool:
    return (line.consultant_id, line.period) == (CLEAN, world.scope.month)


def bills_by_hand(world: World) -> None:
    """A person bills what was declared, under a reference of their own."""
    mission, who = world.missions[CLEAN], world.consultants[CLEAN]
    [days] = [line.days for line in world.declared if _of_last_month(world, line)]
    line = line_of(f"{who.name} · {MONTH} · {who.id}", days, mission.sale_rate)
    made = (mission.contract_id, "F-2026-77", [line], world.now().date())
    world.touch(add_invoice(world, world.scope, *made))


def deletes(world: World) -> None:
    """A person deletes an old invoice."""
    del world.client_invoices[min(world.client_invoices)]


def confirms(world: World) -> None:
    """The consultant submits an invalidated report unchanged."""
    events.submit_unchanged(world, OVER, MONTH)


def validates_wrong_days(world: World) -> None:
    """A manager validates what the client declared otherwise."""
    events.validate(world, OVER, MONTH)


def validates(world: World) -> None:
    """The second validator validates the report that waited for both."""
    events.validate(world, UNDECIDED, MONTH)


def at(act: Act, event: Callable[[World], object], hours: float = 2) -> Act:
    """An act before which something happens."""
    return Act(act.command, act.parameters, hours, event)


_ALL = (
    Story("first reading", "empty", (SYNC,), finish=(NIGHT,)),
    Story("first night", "synced", (NIGHT,), finish=(NIGHT,), weight=2),
    Story("planned", "planned", (WRITE,), weight=5),
    Story("planned, twice", "planned", (WRITE, WRITE), weight=2),
    Story("corrected", "settled", (at(WRITE, corrects),), weight=3),
    Story("declared again", "settled", (at(WRITE, declares_again, 30),), weight=2),
    Story("billed twice", "settled", (at(SYNC, bills_twice), WRITE), weight=1),
    Story("one instant", "settled", (at(SYNC, same_instant), at(SYNC, corrects)), weight=1),
    Story("read whole", "settled", (FULL,), weight=1),
    Story("another month", "settled", (at(NIGHT, next_month),), finish=(NIGHT,), weight=1),
    Story(
        "approved",
        "settled",
        (at(WRITE, reports_far_less), APPROVE),
        finish=(WRITE, APPROVE, WRITE),
    ),
    Story(
        "taken back",
        "planned",
        (WRITE,),
        finish=(WRITE, at(WRITE, validates_wrong_days), APPROVE, WRITE),
    ),
    Story("busy", "planned", (WRITE, at(WRITE, corrects, 5)), exact=False, weight=2),
    Story("many pages", "planned", (WRITE,), weight=2, rows_a_page=3),
    Story("many pages, whole", "settled", (at(FULL, bills_twice),), weight=1, rows_a_page=2),
    Story("declared late", "settled", (at(SYNC, declares_late), at(WRITE, declares))),
    Story("billed by a person", "synced", (at(WRITE, bills_by_hand),), weight=1),
    Story("deleted", "settled", (at(FULL, deletes),), finish=(FULL, WRITE), weight=1),
    Story("confirmed", "settled", (at(WRITE, confirms, 3),), weight=1),
    Story("hourly", "planned", (at(SYNC, corrects, 1), at(NIGHT, bills_twice, 1)), weight=1),
)
_LIVE_ALONE = Story(
    "two validators",
    "planned",
    (WRITE,),
    finish=(WRITE, at(WRITE, validates)),
    weight=2,
    two_validators=True,
)
STORIES = {story.name: story for story in (*_ALL, _LIVE_ALONE)}
TOLD = tuple(story.name for n in range(5) for story in _ALL if story.weight > n)
"""Stories in the order in which seeds tell them: each once, then again by their weights."""
_LIVE_FIRST = ("planned", "two validators", "taken back", "first night", "corrected", "busy")
TOLD_LIVE = (*_LIVE_FIRST, *(name for name in TOLD if name not in _LIVE_FIRST))
"""The same for production dialects: first those with most writes of several steps."""
