"""Whatever fails, whenever it is killed: a healthy run ends where one without faults ends."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import duckdb
import pytest

from flows.engine.drain import Drain
from sources.errors import SourceError
from tests.simulation.__main__ import memory
from tests.simulation.machine import PHASES, KilledError, Machine, watched
from tests.simulation.oracle import Found
from tests.simulation.schedule import SEEDS_A_STORY, Schedule, Trouble, draw
from tests.simulation.simulator import Ending, Simulator
from tests.simulation.stories import STORIES
from tests.simulation.wire import Fault

pytestmark = pytest.mark.simulation

SEEDS = 300
SEED = 3
"""One whose vendors speak their production dialects, where more happens at once."""
ELSEWHERE = """
import sys
from pathlib import Path
from tests.simulation.schedule import draw
from tests.simulation.simulator import Simulator
shelf, scratch, seed = sys.argv[1:]
print(Simulator(Path(shelf), Path(scratch)).play(draw(int(seed))).trace, end="")
"""
LOST = Schedule(
    0, "planned", ((0, Trouble((Fault("boond write", 1, 2, "cut-acted"),), ("after call", 30))),)
)
"""Two creates are carried out unheard, and the process dies before it looks."""
NOTHING = Found({}, {}, Counter())


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A simulator whose templates are shared with the other workers."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    with TemporaryDirectory(prefix="simulation-", dir=memory()) as scratch:
        yield Simulator(shared / "simulation-shelf", Path(scratch) / "runs")


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_A_STORY))
def test_p30_any_schedule_ends_where_a_run_without_faults_ends(
    simulator: Simulator, first: int
) -> None:
    """Ten seeds of one story: the end is that of the fault-free run, and no rule was broken."""
    drawn = [draw(seed) for seed in range(first, first + SEEDS_A_STORY)]
    failed = [schedule for schedule, ending in simulator.play_all(drawn) if ending.broken]
    for schedule in failed[:1]:
        smallest, ending = simulator.shrunk(schedule)
        said = (*smallest.lines(), *ending.broken, f"again: make simulate SEED={schedule.seed}")
        pytest.fail("\n".join(said))


def test_the_seeds_tell_every_story_and_kill_in_every_phase() -> None:
    """No kind of trouble is left to seeds that nobody plays."""
    drawn = [draw(seed) for seed in range(SEEDS)]
    troubles = [trouble for schedule in drawn for _, trouble in schedule.troubles]
    assert {schedule.story for schedule in drawn} == set(STORIES)
    assert draw(SEED).live
    assert {trouble.kill[0] for trouble in troubles if trouble.kill} == set(PHASES)


def test_one_schedule_is_one_run_alone_or_with_others(simulator: Simulator) -> None:
    """Played beside another that is killed elsewhere, a schedule leaves its own trace."""
    [(run, trouble)] = LOST.troubles
    other = replace(LOST, troubles=((run, replace(trouble, kill=("callback", 40))),))
    together = dict(simulator.play_all([other, LOST]))
    assert together[LOST].trace == simulator.play(LOST).trace != together[other].trace


def test_a_schedule_is_one_run_in_any_process(simulator: Simulator, tmp_path: Path) -> None:
    """A process whose sets are in another order leaves the same trace to the byte."""
    ours = simulator.play(draw(SEED)).trace
    said = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", ELSEWHERE, str(simulator.shelf), str(tmp_path / "runs"), str(SEED)],
        env=os.environ | {"PYTHONHASHSEED": "4711"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said == ours


async def _never_adopted(self: Drain, row: dict[str, object]) -> bool:
    """Looks nowhere before it sends again."""
    del self, row
    return False


async def _sends_again(
    self: Drain, kind: str, target: str, payload: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Sends again whatever became of the first request."""
    with suppress(SourceError):
        return await self.door.send(kind, target, payload)
    return await self.door.send(kind, target, payload)


@pytest.mark.parametrize(
    ("part", "instead", "said"),
    [
        ("_adopted", _never_adopted, "commands: missing"),
        ("_send_patiently", _sends_again, "times"),
    ],
)
def test_an_engine_that_is_broken_is_caught(
    simulator: Simulator, part: str, instead: object, said: str
) -> None:
    """Without adoption commands end otherwise; sent again at once, two of a kind stand."""
    with patch.object(Drain, part, instead):
        broken = simulator.play(LOST).broken
    assert any(said in each for each in broken)


def test_a_failing_schedule_shrinks_to_what_it_needs(simulator: Simulator) -> None:
    """What does not matter is dropped: a wrong clock, a kill, a fault that changes nothing."""
    needed, noise = Fault("boond write", 2, 1, "503"), Fault("bill read", 90, 5, "500")

    def play(schedule: Schedule) -> Ending:
        breaks = needed in schedule.trouble(1).faults
        return Ending(NOTHING, "", ["broken"] * breaks, Counter(), Counter(), [])

    noisy = Trouble((noise, needed), ("callback", 7), clock=3)
    with patch.object(simulator, "play", play):
        smallest, ending = simulator.shrunk(Schedule(0, "busy", ((0, noisy), (1, noisy))))
    assert ending.broken
    assert smallest.troubles == ((1, Trouble((needed,))),)


def _commits_thrice(file: Path) -> None:
    connection = duckdb.connect(str(file))
    for statement in (
        "CREATE TABLE t (n INTEGER)",
        "CREATE TABLE u (n INTEGER)",
        "BEGIN",
        "INSERT INTO t VALUES (1)",
        "COMMIT",
    ):
        connection.execute(statement)


@pytest.mark.parametrize(("phase", "rows"), [("before commit", 0), ("after commit", 1)])
def test_a_copy_opens_with_exactly_what_was_committed(
    tmp_path: Path, phase: str, rows: int
) -> None:
    """Killed around a COMMIT, the copied file and its log hold all of it or nothing of it."""
    machine = Machine(tmp_path / "lived", kills=[(phase, 3)], lives=False)
    machine.folder.mkdir()
    machine.leave = lambda _: machine.copy(tmp_path / "left")
    with watched(machine), pytest.raises(KilledError):
        _commits_thrice(machine.folder / "file.duckdb")
    with duckdb.connect(str(tmp_path / "left" / "file.duckdb")) as copied:
        assert copied.execute("SELECT count(*) FROM t").fetchall() == [(rows,)]
