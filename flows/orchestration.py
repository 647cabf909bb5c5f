"""The engine driven by Prefect: steps are tasks, tables are artifacts (running.md, Prefect).

Prefect's own settings stand in `flows/__init__.py`, since they must be there before its import.
"""

import asyncio
import atexit
import importlib
import logging
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from prefect import task
from prefect.artifacts import (
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    aupdate_progress_artifact,
)
from prefect.blocks.system import Secret
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.states import Completed

from flows import PRIVATE_FILES
from flows.engine.run import Outcome, Run, system_clock
from flows.engine.wiring import World, open_run
from flows.settings import SECRETS, Settings, load

T = TypeVar("T")
STEP_PERCENT = 10
"""How often a progress artifact moves: each move is a call to Prefect's API."""
_SEPARATORS = re.compile("[._]")


@atexit.register
def _close_standard_error() -> None:
    """Ends standard error when the process does.

    DuckDB's binding reports what Prefect's threads still hold at the end as leaks, in a hundred
    lines; everything of ours has been said by then.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


class SourceUnavailableError(Exception):
    """A source could not be reached or refused us; the message says which and what to do."""


class Orchestrated:
    """Each step is a task run; each table a Markdown artifact; long syncs show their progress."""

    def __init__(self) -> None:
        self._progress: dict[str, Any] = {}
        self._shown: dict[str, int] = {}

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Does the work as a task; its failure carries the error's own line."""

        async def unit() -> T:
            return await work()

        as_task = task(name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False)
        return await as_task(unit)()

    async def show(self, key: str, title: str, markdown: str) -> None:
        """Leaves a Markdown artifact under its key, with a version a run."""
        await acreate_markdown_artifact(markdown=markdown, key=key, description=title)

    async def link(self, key: str, title: str, file: Path) -> None:
        """Leaves a link artifact; browsers follow it on the machine of the file alone."""
        await acreate_link_artifact(
            link=file.as_uri(), link_text=file.name, key=key, description=f"{title}: {file}"
        )

    async def progress(self, key: str, title: str, done: int, total: int | None) -> None:
        """Moves the progress artifact of a stream of several pages, in percent."""
        if not total or (done >= total and key not in self._progress):
            return
        percent = min(100, done * 100 // total // STEP_PERCENT * STEP_PERCENT)
        if self._shown.get(key) == percent:
            return
        self._shown[key] = percent
        if key in self._progress:
            await aupdate_progress_artifact(self._progress[key], progress=percent)
            return
        self._progress[key] = await acreate_progress_artifact(
            progress=percent,
            key=f"sync-{key.replace('.', '-').replace('_', '-')}",
            description=title,
        )


async def as_flow_run(
    command: str, part: Callable[[Run], Awaitable[None]], **parameters: Any
) -> State[Any]:
    """Runs one part of the engine inside the flow run that calls it.

    Returns:
        Completed, with the name that `ops.runs` has and the reasons as its message.

    Raises:
        SourceUnavailableError: a source could not be read or written (exit code 3).
    """
    logging.getLogger("rapproche").setLevel(logging.INFO)
    os.umask(PRIVATE_FILES)
    settings = await supplied_settings()
    async with open_run(
        command, settings, Orchestrated(), World(system_clock), **parameters
    ) as run:
        await part(run)
        outcome = run.outcome()
    said = "\n".join(outcome.reasons)
    if outcome.exit_code == 3:  # noqa: PLR2004 - running.md, exit codes
        raise SourceUnavailableError(said)
    return Completed(message=said or None, name=outcome.state.capitalize())


async def supplied_settings() -> Settings:
    """The settings of this process; secrets that it lacks come from Prefect Secret blocks."""
    return load(await secret_blocks())


async def secret_blocks() -> dict[str, str]:
    """Secrets that the environment lacks, from Prefect Secret blocks named after them."""
    found = {}
    for name in SECRETS:
        if os.environ.get(name):
            continue
        try:
            block: Any = await Secret.aload(name.lower().replace("_", "-"))
        except ValueError:
            continue
        found[name] = str(block.get())
    return found


def run_flow(command: str, parameters: dict[str, Any]) -> Outcome:
    """Runs a command as a flow run in this process and waits for it.

    Raises:
        ConfigurationError, LockedError, StoreError: as the engine raises them.
    """
    flow = getattr(importlib.import_module(f"flows.{command}"), command)
    given = {name: value for name, value in parameters.items() if value is not None}
    try:
        state: State[Any] = asyncio.run(flow(**given, return_state=True))
    except TerminationSignal as told_to_stop:
        raise KeyboardInterrupt from told_to_stop
    if state.is_completed():
        reasons = tuple((state.message or "").splitlines())
        return Outcome(1 if reasons else 0, reasons, str(state.name).lower())
    failure = asyncio.run(_failure(state))
    if isinstance(failure, SourceUnavailableError):
        return Outcome(3, tuple(str(failure).splitlines()), "failed")
    raise failure


async def _failure(state: State[Any]) -> BaseException:
    result = await state.aresult(raise_on_failure=False)
    return (
        result if isinstance(result, BaseException) else RuntimeError(state.message or state.name)
    )
