"""A schedule as data: which story, and what goes wrong in which of its runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from sandbox.mishaps import LISTS, MISHAPS
from tests.simulation.machine import PHASES
from tests.simulation.stories import STORIES, TOLD, TOLD_LIVE
from tests.simulation.wire import MAIL_MISHAPS, Fault

SEEDS_A_STORY = 10
SEEDS_ALIKE = 3
LIVE_EVERY = 6
"""Of so many stories one is told by vendors that speak their production dialects."""
UNFAILING = range(6, 10)
"""Which seeds of ten are killed in a first run in which nothing else fails."""
LIVES, OFF = 0.2, 0.15
"""The share of runs that are not killed, and of those whose clock is off."""
WRITE_MISHAPS = tuple(sorted(set(MISHAPS) - LISTS))
READ_MISHAPS = tuple(sorted(MISHAPS))
BILL_READ_MISHAPS = tuple(sorted(set(MISHAPS) - {"vanished"}))
"""Its lists say no total: nobody could tell a row that is left out from one that is gone."""
LINES: tuple[tuple[str, tuple[str, ...], int, int], ...] = (
    ("boond write", WRITE_MISHAPS, 12, 10),
    ("boond read", READ_MISHAPS, 30, 5),
    ("boond read", tuple(sorted(LISTS)), 14, 4),
    ("bill read", BILL_READ_MISHAPS, 6, 2),
    ("boond login", WRITE_MISHAPS, 1, 1),
    ("bill login", WRITE_MISHAPS, 1, 1),
    ("mail send", tuple(MAIL_MISHAPS), 2, 3),
    ("mail open", ("no-connection",), 1, 1),
)
"""Calls, what may go wrong with them, up to which of them it begins, and how often it is drawn."""
# How many moments a run has of each of PHASES.
WRITING = (250, 127, 127, 50, 41, 41, 3, 3)
MOMENTS = {
    "sync": (75, 53, 53, 21, 13, 13, 0, 0),
    "decide": (9, 6, 6, 23, 0, 0, 0, 0),
    "write_back": WRITING,
    "nightly": WRITING,
}
MORE_LIVE = {
    "boond read": 2.0,
    "bill read": 3.0,
    "callback": 1.9,
    "before call": 1.9,
    "after call": 1.9,
    "before commit": 1.5,
    "after commit": 1.5,
}
"""How many times as many calls and moments there are in production dialects."""
KILL_WEIGHTS = (4, 3, 3, 2, 3, 5, 2, 2)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in one run.

    Attributes:
        faults: at the vendors and the mail server.
        kill: the phase and the number of the moment at which the process is killed.
        clock: hours by which our clock is wrong.
    """

    faults: tuple[Fault, ...] = ()
    kill: tuple[str, int] | None = None
    clock: int = 0

    def without_kill(self) -> "Trouble":
        """All of it but the kill."""
        return replace(self, kill=None)

    def lines(self) -> list[str]:
        """What goes wrong, one line each."""
        said = [str(fault) for fault in self.faults]
        said += [f"our clock is {self.clock:+d} h off"] if self.clock else []
        return said + ([f"killed {self.kill[0]} {self.kill[1]}"] if self.kill else [])


@dataclass(frozen=True)
class Schedule:
    """What goes wrong in a story.

    Attributes:
        seed: what it is drawn from.
        story: its name.
        troubles: those of its runs, by their number from 0.
        chance: the seed of all chance in it.
        live: whether the vendors speak their production dialects.
    """

    seed: int
    story: str
    troubles: tuple[tuple[int, Trouble], ...]
    chance: int = 0
    live: bool = False

    def trouble(self, run: int) -> Trouble:
        """What goes wrong in a run."""
        return dict(self.troubles).get(run, Trouble())

    def lines(self) -> list[str]:
        """The schedule for people."""
        live = " (live)" if self.live else ""
        return [f"seed {self.seed}, story {self.story}{live}"] + [
            f"  run {run}: {said}" for run, trouble in self.troubles for said in trouble.lines()
        ]

    def smaller(self) -> list["Schedule"]:
        """The schedules that lack one thing of this one."""
        found = []
        for at, (run, trouble) in enumerate(self.troubles):
            for less in _less(trouble):
                rest = [*self.troubles]
                rest[at : at + 1] = [(run, less)] if less != Trouble() else []
                found.append(replace(self, troubles=tuple(rest)))
        return found


def _less(trouble: Trouble) -> list[Trouble]:
    said = [
        replace(trouble, faults=trouble.faults[:n] + trouble.faults[n + 1 :])
        for n in range(len(trouble.faults))
    ]
    said += [
        replace(
            trouble, faults=(*trouble.faults[:n], replace(f, count=1), *trouble.faults[n + 1 :])
        )
        for n, f in enumerate(trouble.faults)
        if f.count > 1
    ]
    said += [replace(trouble, kill=None)] if trouble.kill else []
    return said + ([replace(trouble, clock=0)] if trouble.clock else [])


def draw(seed: int) -> Schedule:
    """The schedule of a seed.

    Ten seeds in a row share a story, and a few in a row what fails in it: they differ in when the
    process is killed. So most of a faulty run is played once for several seeds.
    """
    chance = seed // SEEDS_A_STORY
    which = seed % SEEDS_A_STORY // SEEDS_ALIKE
    ours = Random(f"schedule/{seed}")  # noqa: S311 - no secret
    shared = Random(f"shared/{chance}/{which}")  # noqa: S311 - no secret
    turn, rest = divmod(chance, LIVE_EVERY)
    live = rest == 0
    if live:
        story = TOLD_LIVE[turn % len(TOLD_LIVE)]
    else:
        story = TOLD[(turn * (LIVE_EVERY - 1) + rest - 1) % len(TOLD)]
    acts = STORIES[story].acts
    more = MORE_LIVE if live else {}
    common = [_failing(shared, more) for _ in acts]
    common = [Trouble(), *common[1:]] if seed % SEEDS_A_STORY in UNFAILING else common
    troubles = [
        replace(trouble, kill=_kill(ours, act.command, more))
        for act, trouble in zip(acts, common, strict=True)
    ]
    return Schedule(seed, story, tuple(enumerate(troubles)), chance, live)


def _failing(rng: Random, more: Mapping[str, float]) -> Trouble:
    faults = tuple(_fault(rng, more) for _ in range(rng.choice((1, 1, 2, 3))))
    return Trouble(faults, clock=rng.choice((-26, -3, -1, 2, 30)) if rng.random() < OFF else 0)


def _fault(rng: Random, more: Mapping[str, float]) -> Fault:
    line, mishaps, most, _ = rng.choices(LINES, [weight for *_, weight in LINES])[0]
    count = rng.choices((1, 2, 5, 100), (6, 2, 3, 1))[0]
    first = rng.randint(1, int(most * more.get(line, 1)))
    return Fault(line, first, count, rng.choice(mishaps))


def _kill(rng: Random, command: str, more: Mapping[str, float]) -> tuple[str, int] | None:
    if rng.random() < LIVES:
        return None
    most = dict(zip(PHASES, MOMENTS[command], strict=True))
    weights = [w if most[phase] else 0 for phase, w in zip(PHASES, KILL_WEIGHTS, strict=True)]
    phase = rng.choices(PHASES, weights)[0]
    # Late rather than early: what is cut off while it writes says more than what has only read.
    last = int(most[phase] * more.get(phase, 1))
    return phase, max(rng.randint(1, last) for _ in range(2))
