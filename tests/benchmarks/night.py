"""One night in a process of its own, directly or as a Prefect flow run; settings by environment.

`python -m tests.benchmarks.night directly|prefect AS_OF apply|plan` prints where the seconds went.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, TypeVar

from rich.console import Console

from flows.engine import parts
from flows.engine.direct import Direct
from flows.engine.run import artifacts_directory, system_clock
from flows.engine.wiring import World, open_run
from flows.settings import load

T = TypeVar("T")


class Timed(Direct):
    """Drives directly and keeps the seconds of each step."""

    seconds: dict[str, float]

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Does the work; the same step done again adds up."""
        began = time.perf_counter()
        try:
            return await super().step(name, work)
        finally:
            self.seconds[name] += time.perf_counter() - began


async def directly(as_of: date, *, apply: bool) -> dict[str, Any]:
    """The night by the engine alone."""
    settings = load()
    began, cpu = time.perf_counter(), time.process_time()
    with Timed(artifacts_directory(settings.WAREHOUSE_PATH), Console(stderr=True)) as driver:
        driver.seconds = defaultdict(float)
        asked = {"period": None, "apply": apply}
        async with open_run(
            "nightly", settings, driver, World(system_clock), as_of=as_of, **asked
        ) as run:
            opened = time.perf_counter() - began
            await parts.nightly(run)
            outcome, counts = run.outcome(), run.counts
            ended = time.perf_counter()
        published = time.perf_counter() - ended
    seconds = time.perf_counter() - began
    steps = {"open the warehouse": opened, **driver.seconds, "record and publish": published}
    return {
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "steps": steps | {"between the steps": seconds - sum(steps.values())},
        "exit_code": outcome.exit_code,
        "rows": counts["rows_read"],
    }


def by_prefect(as_of: date, *, apply: bool) -> dict[str, Any]:
    """The same night as a flow run; importing Prefect is not counted."""
    from flows import nightly, orchestration  # noqa: PLC0415 - the direct run must not import it

    del nightly
    began, cpu = time.perf_counter(), time.process_time()
    outcome = orchestration.run_flow("nightly", {"as_of": as_of, "apply": apply})
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "exit_code": outcome.exit_code,
    }


def main() -> None:
    """Prints the figures as one JSON object."""
    which, as_of, apply = sys.argv[1], date.fromisoformat(sys.argv[2]), sys.argv[3] == "apply"
    if which == "prefect":
        figures = by_prefect(as_of, apply=apply)
    else:
        figures = asyncio.run(directly(as_of, apply=apply))
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
