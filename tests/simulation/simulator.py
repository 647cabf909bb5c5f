"""Plays schedules: run after run on a machine that fails, over vendors that fail.

Schedules that are alike up to some moment share what leads to it: a run lives on after each kill
that one of them asks for, and leaves for each how things stood then. All chance of a run follows
from its schedule's `chance` and its number, so that alone or with others it is the same run.
"""

import hashlib
import json
import pickle
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from filelock import FileLock

from flows import work
from flows.engine.run import Outcome
from flows.engine.wiring import World as Outside
from flows.settings import ConfigurationError, Settings
from tests.flows.house import reach
from tests.simulation import oracle
from tests.simulation.books import Books, vendors
from tests.simulation.machine import KilledError, Machine, Moment, SeededLoop, watched
from tests.simulation.schedule import Schedule, Trouble, draw
from tests.simulation.stories import NIGHT, STORIES, SYNC, Act, Story, build
from tests.simulation.wire import Post, Wire

START = datetime(2026, 11, 3, 3, tzinfo=UTC)
REST_HOURS = 0.5
LONGEST_S = 1200
"""How long a run over healthy vendors may take: nothing but a second look is waited for."""
DRY = replace(NIGHT, parameters={"period": None, "apply": False})
STATES: dict[str, tuple[str, tuple[Act, ...]]] = {
    "empty": ("", ()),
    "synced": ("empty", (SYNC,)),
    "planned": ("synced", (DRY,)),
    "settled": ("planned", (NIGHT,)),
}
"""How each template is made: from which other one, by which runs."""


@dataclass
class Ending:
    """How a schedule ended.

    Attributes:
        found: what the vendors, the mail server and the warehouse hold at the end.
        broken: what the oracle says against it.
        trace: hash of all that happened.
        struck: mishaps that happened, by name.
        kills: kills that happened, by phase.
        exits: how the runs ended: exit codes, or the phase of the kill.
    """

    found: oracle.Found
    trace: str
    broken: list[str]
    struck: Counter[str]
    kills: Counter[str]
    exits: list[str]


@dataclass(frozen=True)
class State:
    """How things stand between two runs: a folder, and the books as bytes."""

    home: Path

    @property
    def folder(self) -> Path:
        """The machine's folder."""
        return self.home / "folder"

    def books(self) -> Books:
        """What stands beside it; each time a copy."""
        books: Books = pickle.loads((self.home / "books").read_bytes())  # noqa: S301 - ours
        return books

    def keep(self, books: Books) -> None:
        """Writes the books."""
        clock, books.world.clock = books.world.clock, datetime.now
        (self.home / "books").write_bytes(pickle.dumps(books))
        books.world.clock = clock

    def forget(self) -> None:
        """Removes it."""
        shutil.rmtree(self.home)


class Simulation:
    """One run being played, from one state to others.

    Args:
        state: what it begins with; it stays as it is.
        home: where its own folder and the states that it leaves lie.
        story: the story it is of.
        chance: seed of all chance in it.
    """

    def __init__(self, state: State, home: Path, story: Story, chance: str) -> None:
        self.home, self.story, self.chance = home, story, chance
        self.rng = Random(f"simulation/{chance}")  # noqa: S311 - no secret
        self.end = State(home / "end")
        shutil.copytree(state.folder, self.end.folder)
        self.books = state.books()
        self.world = self.books.world
        self.world.clock = self._true_clock
        self.loop: SeededLoop | None = None
        self.clock, self.command = 0, ""
        self.machine = Machine(self.end.folder, leave=self._leave)
        books = self.books
        self.sandbox = vendors(books, two_validators=story.two_validators)
        self.wire = Wire(
            self.sandbox,
            self.machine,
            self.true_now,
            self.rng,
            struck=books.struck,
            trace=books.trace,
            broken_rules=books.broken,
            late=books.late,
            rows_a_page=story.rows_a_page,
        )
        self.post = Post(self.wire, delivered=books.delivered)
        self.left: dict[Moment | None, State] = {}

    def _true_clock(self) -> datetime:
        self.books.ticks += 1
        running = self.books.waited + (self.loop.time() if self.loop else 0.0)
        passed = timedelta(hours=self.books.hours, seconds=running)
        return START + passed + timedelta(microseconds=self.books.ticks)

    def true_now(self) -> datetime:
        """The vendors' instant, finer than a second."""
        return self._true_clock() + timedelta(days=self.world.advanced_days)

    def our_now(self) -> datetime:
        """The machine's instant, which may be wrong."""
        return self.true_now() + timedelta(hours=self.clock)

    @property
    def settings(self) -> Settings:
        """The settings of the process that runs."""
        declarations = self.home / "declarations"
        return Settings(**reach(self.sandbox, self.end.folder) | {"DECLARATIONS_DIR": declarations})

    def play(
        self, act: Act, trouble: Trouble, kills: Sequence[Moment | None] = (None,)
    ) -> dict[Moment | None, State]:
        """Plays the run; returns what it leaves at each kill that comes, and (None) at its end."""
        self._let_pass(act)
        self.clock, self.command = trouble.clock, act.command
        self.wire.faults = trouble.faults
        self.machine.kills = tuple(filter(None, kills))
        self.machine.lives = None in kills
        self.books.runs += 1
        with watched(self.machine):
            try:
                self.books.outcome = self._run(act)
            except KilledError:
                self.end.forget()
                return self.left
        self.books.exits.append(f"{act.command}: {self.books.outcome.exit_code}")
        self._close(self.end, self.books)
        return self.left | {None: self.end}

    def _leave(self, moment: Moment) -> None:
        """Leaves how things stand at a kill."""
        left = self.left[moment] = State(self.home / "-".join(map(str, moment)))
        torn = Random(f"torn/{self.chance}/{moment}")  # noqa: S311 - no secret
        self.machine.copy(left.folder, lambda size: torn.randrange(size + 1))
        left.keep(self.books)
        books = left.books()
        books.waited += self.loop.time() if self.loop else 0.0
        books.outcome = None
        books.kills[moment[0]] += 1
        books.exits.append(f"{self.command}: killed {moment[0]}")
        self._close(left, books)

    def _close(self, state: State, books: Books) -> None:
        moments = sorted(self.machine.moments.items())
        books.trace.append(f"{books.exits[-1]} {moments}")
        said = oracle.invariants(oracle.Stand(state.folder, books))
        books.broken += [f"run {books.runs}: {one}" for one in said]
        state.keep(books)

    def _let_pass(self, act: Act) -> None:
        """Hours of the story pass from the nominal start of the last run, at least to now."""
        books = self.books
        books.nominal += act.hours
        elapsed = books.hours + books.waited / 3600
        books.hours, books.waited = max(books.nominal, elapsed + REST_HOURS), 0.0
        self.wire.settle()
        if act.event:
            act.event(self.world)
        self.world.write_declarations(self.home / "declarations")

    def _run(self, act: Act) -> Outcome:
        days = timedelta(days=self.world.advanced_days, hours=self.books.nominal)
        parameters = act.parameters | {"as_of": (START + days).date()}
        if act.command == "decide":
            parameters["approve"] = oracle.awaiting(self.end.folder)
        loop = self.loop = SeededLoop(self.rng, self.machine)
        loop.set_exception_handler(self._unheard)
        outside = Outside(
            self.our_now,
            self.wire,
            self.end.folder / "cache",
            messages=lambda: {"notify.email": self.post},
            new_run_id=lambda: f"run-{self.books.runs:08}",
            jitter=self.rng.random,
        )
        try:
            job = work.directly(act.command, self.settings, outside, **parameters)
            outcome: Outcome = loop.live(job, self.machine)
        except ConfigurationError as error:
            return Outcome(2, (str(error),), "failed")
        finally:
            self.books.waited += loop.time()
            self.loop = None
        return outcome

    def _unheard(self, loop: Any, context: dict[str, Any]) -> None:
        del loop
        if not self.machine.killed:
            said = f"nobody heard: {context.get('exception') or context['message']}"
            self.books.broken.append(said)


class Simulator:
    """Plays schedules against what fault-free runs of the same stories came to.

    Args:
        shelf: where templates and fault-free endings are kept, also for other processes.
        scratch: where folders lie while schedules are played.
    """

    def __init__(self, shelf: Path, scratch: Path) -> None:
        self.shelf, self.scratch = shelf, scratch
        self.runs = 0
        shelf.mkdir(parents=True, exist_ok=True)

    def template(self, name: str, *, live: bool) -> State:
        """A state to begin with, made once."""
        kept = self.shelf / _shelved(name, live=live)
        with FileLock(f"{kept}.lock"):
            if not kept.exists():
                made = self._made(name, live=live)
                books = made.books()
                made.keep(replace(books, trace=[], exits=[], struck=Counter(), kills=Counter()))
                fresh = kept.with_suffix(".new")
                shutil.copytree(made.home, fresh)
                fresh.rename(kept)
                made.forget()
        return State(kept)

    def _begin(self, *, live: bool) -> State:
        state = State(self._home() / "end")
        state.folder.mkdir(parents=True)
        state.keep(Books(build(clock=lambda: START, portable=live)))
        return state

    def _made(self, name: str, *, live: bool) -> State:
        if name == "empty":
            return self._begin(live=live)
        origin, acts = STATES[name]
        return self._healthy(self.template(origin, live=live), STORIES["planned"], acts, name)

    def _healthy(self, state: State, story: Story, acts: Sequence[Act], chance: str) -> State:
        for number, act in enumerate(acts):
            run = Simulation(state, self._home(), story, f"{chance}/{number}")
            state = run.play(act, Trouble())[None]
        broken = state.books().broken
        assert not broken, broken
        return state

    def reference(self, story: Story, *, live: bool) -> oracle.Found:
        """What a story without faults comes to."""
        kept = self.shelf / _shelved(f"{story.name}.ending", live=live)
        with FileLock(f"{kept}.lock"):
            if not kept.exists():
                acts = (*story.acts, *story.finish)
                begin = self.template(story.state, live=live)
                made = self._healthy(begin, story, acts, story.name)
                kept.write_bytes(pickle.dumps(oracle.find(_stand(made))))
        found: oracle.Found = pickle.loads(kept.read_bytes())  # noqa: S301 - ours
        return found

    def play(self, schedule: Schedule) -> Ending:
        """Plays one schedule and judges it."""
        [(_, ending)] = self.play_all([schedule])
        return ending

    def play_all(self, schedules: Sequence[Schedule]) -> Iterator[tuple[Schedule, Ending]]:
        """Plays schedules of one story and one chance, and judges each."""
        story = STORIES[schedules[0].story]
        try:
            begin = self.template(story.state, live=schedules[0].live)
            yield from self._on(begin, story, 0, schedules)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _on(
        self, state: State, story: Story, number: int, schedules: Sequence[Schedule]
    ) -> Iterator[tuple[Schedule, Ending]]:
        """Goes on from a state with the run of a number, and judges where no run is left."""
        acts = (*story.acts, *story.finish)
        if number == len(acts):
            ending = self._judged(state, story)
            yield from ((schedule, ending) for schedule in schedules)
            return
        for trouble in dict.fromkeys(s.trouble(number).without_kill() for s in schedules):
            alike = [s for s in schedules if s.trouble(number).without_kill() == trouble]
            kills = list(dict.fromkeys(s.trouble(number).kill for s in alike))
            chance = f"{alike[0].chance}/{number}"
            run = Simulation(state, self._home(), story, chance)
            left = run.play(acts[number], trouble, kills)
            for kill, end in left.items():
                whose = [s for s in alike if _death(s.trouble(number), left) == kill]
                if whose:
                    yield from self._on(end, story, number + 1, whose)
                end.forget()

    def _judged(self, state: State, story: Story) -> Ending:
        stand = _stand(state)
        books, found = stand.books, oracle.find(stand)
        reference = self.reference(story, live=books.world.portable)
        broken = books.broken + oracle.compare(found, reference, stand, exact=story.exact)
        if books.outcome is None or books.outcome.exit_code != reference.exit_code:
            broken.append(f"the healthy run ended {books.outcome}")
        if books.waited > LONGEST_S:
            broken.append(f"the healthy run took {books.waited:.0f} s")
        said = json.dumps([books.trace, found.vendors], default=str, sort_keys=True)
        trace = hashlib.sha256(said.encode()).hexdigest()
        return Ending(found, trace, broken, books.struck, books.kills, books.exits)

    def _home(self) -> Path:
        self.runs += 1
        return self.scratch / f"run-{self.runs}"

    def seed(self, seed: int) -> tuple[Schedule, Ending]:
        """Plays the schedule of a seed."""
        schedule = draw(seed)
        return schedule, self.play(schedule)

    def shrunk(self, schedule: Schedule) -> tuple[Schedule, Ending]:
        """The smallest schedule that still fails, dropping one thing after the other."""
        ending = self.play(schedule)
        while True:
            for smaller in schedule.smaller():
                now = self.play(smaller)
                if now.broken:
                    schedule, ending = smaller, now
                    break
            else:
                return schedule, ending


def _death(trouble: Trouble, left: dict[Moment | None, State]) -> Moment | None:
    """The moment at which a schedule's run ends; a kill that never comes is none."""
    return trouble.kill if trouble.kill in left else None


def _shelved(name: str, *, live: bool) -> str:
    return f"live {name}" if live else name


def _stand(state: State) -> oracle.Stand:
    return oracle.Stand(state.folder, state.books())
