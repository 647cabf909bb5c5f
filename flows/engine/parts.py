"""The parts of a night, in their order; each flow and command is one of these.

They read like a table of contents: what is done stands in the modules beside this one.
"""

from flows.engine import activity, drafting, drain, intake, labels, look, pull, report
from flows.engine.run import Run, artifacts_directory, month_before
from flows.engine.wiring import log_in
from flows.page import month


async def nightly(run: Run) -> None:
    """Sync, checks, both comparisons, write-back; publishing ends every run."""
    await log_in(run)
    await intake.take_in(run)
    await pull.pull_all(run, ("boond", "bill"), full=bool(run.parameters.get("full")))
    seen = await look_as_step(run)
    seen = await drain.write_back(run, seen, apply=run.parameters["apply"])
    await _show_all(run, seen)
    await _leave_page(run)


async def sync(run: Run) -> None:
    """Reads the sources asked for, and of them what is not fresh."""
    sources = run.parameters["sources"]
    await log_in(run)
    if "declarations" in sources:
        await intake.take_in(run)
    await pull.pull_all(
        run,
        [source for source in ("boond", "bill") if source in sources],
        full=run.parameters["full"],
        spare_fresh=True,
    )
    await _show(run, report.freshness(run.warehouse))


async def reconcile(run: Run) -> None:
    """Declared days against CRAs, over facts that are fresh."""
    await _freshen(run, ("boond",))
    seen = await look_as_step(run, suppliers=False)
    await _show_all(run, seen)


async def match(run: Run) -> None:
    """The three-way match, over facts that are fresh."""
    await _freshen(run, ("boond", "bill"))
    seen = await look_as_step(run, clients=False)
    await _show_all(run, seen)


async def monitor(run: Run) -> None:
    """Who owes a CRA, over facts that are fresh; reminders are planned."""
    await _freshen(run, ("boond",))

    async def work() -> look.Look:
        return look.look(run, clients=False, suppliers=False, watch=True)

    await run.driver.step("monitor", work)
    await _show_monitoring(run)


async def write_back(run: Run) -> None:
    """Plans over fresh facts, and sends what is planned."""
    await _freshen(run, ("boond", "bill"))
    seen = await look_as_step(run)
    seen = await drain.write_back(run, seen, apply=run.parameters["apply"])
    await _show_all(run, seen)


async def publish(run: Run) -> None:
    """Nothing but what ends every run: the working file becomes the published one."""
    await _show(run, report.freshness(run.warehouse))


async def retry_quarantine(run: Run) -> None:
    """Tries quarantined records again."""
    await log_in(run)
    await pull.retry_quarantine(run)


async def look_as_step(run: Run, *, clients: bool = True, suppliers: bool = True) -> look.Look:
    """One look at the facts as a unit of work."""

    async def work() -> look.Look:
        return look.look(run, clients=clients, suppliers=suppliers)

    seen = await run.driver.step("reconcile and match", work)
    look.raise_concerns(run, seen)
    return seen


async def _freshen(run: Run, sources: tuple[str, ...]) -> None:
    await log_in(run)
    await intake.take_in(run)
    await pull.pull_all(run, sources, spare_fresh=True)


async def _show_all(run: Run, seen: look.Look) -> None:
    """Leaves the months, what is open and what is planned for people to read."""
    wanted = frozenset(seen.wanted().get_column("command_id"))
    for table in (
        report.summary(run.warehouse),
        report.billed(run.warehouse),
        report.held(run.warehouse),
        report.open_breaks(run.warehouse),
        report.plan(run.warehouse, wanted),
    ):
        await _show(run, table)
    await drafting.leave(run)
    if seen.notified and seen.notified.monitoring:
        await _show_monitoring(run)


async def _show_monitoring(run: Run) -> None:
    await _show(run, activity.alerts(run.warehouse))
    await _show(run, activity.deadlines(run.warehouse))


async def _show(run: Run, table: report.Table) -> None:
    language = run.settings.RAPPROCHE_LANG
    title = labels.title(table.title, language)
    await run.driver.show(table.key, title, labels.markdown(table, language))


async def _leave_page(run: Run) -> None:
    """Writes the month on one page among the artifacts, where the month is known of."""
    period = run.parameters.get("period") or month_before(run.as_of)
    folder = artifacts_directory(run.settings.WAREHOUSE_PATH)
    language = run.settings.RAPPROCHE_LANG
    try:
        file = month.write(run.warehouse, period, language, folder / month.file_name(period))
    except month.UnknownMonthError:
        return
    await run.driver.link("month-report", "The month on one page", file)
