"""The simulation at the command line: many seeds, or one again, made as small as it still fails."""

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.simulation.schedule import Schedule, draw
from tests.simulation.simulator import Ending, Simulator

CONSOLE = Console()
SAID_EVERY = 10
"""Seeds after which a log is told how far it is; a terminal shows it."""


def memory() -> Path | None:
    """Where files cost least, if there is such a place."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of its own in it
    return shared if os.access(shared, os.W_OK) else None


def main() -> int:
    """Plays what the command line asks for; 1 when a seed fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="plays this one alone and tells of it")
    parser.add_argument("--seeds", type=int, default=300, metavar="N")
    parser.add_argument("--from", type=int, default=0, metavar="N", dest="first")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=memory()) as folder:
        simulator = Simulator(Path(folder) / "shelf", Path(folder) / "scratch")
        if asked.seed is not None:
            return _one(simulator, asked.seed)
        return _many(simulator, range(asked.first, asked.first + asked.seeds))


def _one(simulator: Simulator, seed: int) -> int:
    schedule, ending = simulator.seed(seed)
    _say(schedule.lines(), ending)
    if not ending.broken:
        return 0
    smallest, ending = simulator.shrunk(schedule)
    CONSOLE.rule("the smallest schedule that still fails")
    _say(smallest.lines(), ending)
    return 1


def _say(lines: list[str], ending: Ending) -> None:
    for line in (*lines, f"trace {ending.trace}", *ending.exits):
        CONSOLE.print(line, highlight=False, markup=False)
    for line in ending.broken:
        CONSOLE.print(f"BROKEN {line}", highlight=False, markup=False, soft_wrap=True)


def _many(simulator: Simulator, seeds: range) -> int:
    began, played = time.process_time(), 0
    failed: list[int] = []
    struck: Counter[str] = Counter()
    kills: Counter[str] = Counter()
    # Who interrupts it is told what there is so far.
    with suppress(KeyboardInterrupt), Progress(console=CONSOLE) as progress:
        bar = progress.add_task("seeds", total=len(seeds))
        for schedule, ending in _played(simulator, seeds):
            played += 1
            struck += ending.struck
            kills += ending.kills
            if ending.broken:
                failed.append(schedule.seed)
                first = f"{schedule.lines()[0]}: {len(ending.broken)} rules broken: "
                said = first + ending.broken[0]
                progress.console.print(said, markup=False, soft_wrap=True, highlight=False)
            progress.advance(bar)
            if not CONSOLE.is_terminal and not played % SAID_EVERY:
                said = f"{played} seeds, {time.process_time() - began:.0f} s"
                progress.console.print(said, highlight=False)
    _tell("mishaps", struck)
    _tell("kills", kills)
    seconds = time.process_time() - began
    CONSOLE.print(f"{played - len(failed)} of {played} seeds survived, {seconds:.0f} s of one core")
    for seed in failed:
        CONSOLE.print(f"again: make simulate SEED={seed}")
    return 1 if failed else 0


def _played(simulator: Simulator, seeds: range) -> Iterator[tuple[Schedule, Ending]]:
    for _, alike in groupby(map(draw, seeds), key=lambda schedule: schedule.chance):
        yield from simulator.play_all(list(alike))


def _tell(title: str, counted: Counter[str]) -> None:
    table = Table("what", "times", title=title)
    for name, times in sorted(counted.items()):
        table.add_row(name, str(times))
    CONSOLE.print(table)


if __name__ == "__main__":
    sys.exit(main())
