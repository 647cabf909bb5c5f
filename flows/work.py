"""Runs one command of the engine from the command line, and prints what came of it."""

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from flows import logs, terminal
from flows.engine import activity, labels, parts, people, report
from flows.engine.direct import Direct
from flows.engine.run import Outcome, Run, artifacts_directory, system_clock
from flows.engine.wiring import World, open_run
from flows.settings import Settings, load
from store.publishing import read_published

PARTS: Mapping[str, Callable[[Run], Awaitable[None]]] = {
    "nightly": parts.nightly,
    "sync": parts.sync,
    "reconcile": parts.reconcile,
    "match": parts.match,
    "monitor": parts.monitor,
    "write_back": parts.write_back,
    "publish": parts.publish,
    "retry_quarantine": parts.retry_quarantine,
    "decide": people.decide,
    "link_consultant": people.link_consultant,
    "link_vendor": people.link_vendor,
}
FLOWS = frozenset({"nightly", "sync", "reconcile", "match", "monitor", "write_back", "publish"})
SHOWN: Mapping[str, tuple[Callable[..., report.Table], ...]] = {
    "nightly": (
        report.summary,
        report.billed,
        report.held,
        report.plan,
        report.planned,
        report.written,
    ),
    "sync": (report.freshness,),
    "reconcile": (report.summary, report.held),
    "match": (report.summary, report.held),
    "monitor": (activity.alerts, activity.deadlines),
    "write_back": (report.plan, report.planned, report.written),
    "decide": (report.decided, report.decided_plan),
    "link_consultant": (report.linked_people,),
    "link_vendor": (report.linked_vendors,),
}


def run(command: str, parameters: dict[str, Any], *, as_json: bool, with_prefect: bool) -> int:
    """Runs one command and prints its tables.

    Args:
        command: a key of PARTS.
        parameters: what the command was asked.
        as_json: prints the write-back plan as JSON on standard output, and nothing else there.
        with_prefect: runs it as a Prefect flow run, where it is one.

    Returns:
        The exit code.
    """
    settings = load()
    logs.configure(settings.RAPPROCHE_LOG)
    if with_prefect and command in FLOWS:
        from flows.orchestration import run_flow  # noqa: PLC0415 - Prefect takes 2 s to import

        outcome = run_flow(command, parameters)
    else:
        outcome = asyncio.run(directly(command, settings, World(system_clock), **parameters))
    _show(command, settings, as_json=as_json)
    for reason in outcome.reasons:
        sys.stderr.write(f"rapproche: {reason}\n")
    return outcome.exit_code


async def directly(command: str, settings: Settings, world: World, **parameters: Any) -> Outcome:
    """One command without Prefect: same tables, same write-backs, artifacts as files."""
    artifacts = artifacts_directory(settings.WAREHOUSE_PATH)
    with Direct(artifacts, Console(stderr=True)) as driver:
        async with open_run(command, settings, driver, world, **parameters) as opened:
            await PARTS[command](opened)
            outcome = opened.outcome()
    return outcome


def duckdb() -> str:
    """The DuckDB command line beside this Python, else the one on the path."""
    beside = Path(sys.executable).with_name("duckdb")
    return str(beside) if beside.exists() else "duckdb"


def _show(command: str, settings: Settings, *, as_json: bool) -> None:
    console = terminal.console()
    with read_published(settings.WAREHOUSE_PATH) as warehouse:
        if as_json:
            sys.stdout.write(report.as_json(report.plan(warehouse)) + "\n")
            return
        for build in SHOWN.get(command, ()):
            terminal.show(console, build(warehouse), settings.RAPPROCHE_LANG)
    if command in SHOWN:
        file = shlex.quote(str(settings.WAREHOUSE_PATH))
        query = f'{duckdb()} -readonly {file} "from recon.v_open_breaks"'
        further = labels.title("Look further:", settings.RAPPROCHE_LANG)
        console.print(f"{further} {query}", highlight=False, soft_wrap=True, markup=False)
