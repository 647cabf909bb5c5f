"""Commands that only read: no Prefect is imported, and they answer at once (running.md)."""

import asyncio
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import IO, Any

import click

from flows.arguments import AmountRange, Day, Number, dated
from flows.prefect_profile import prefect_api

BREAK_KINDS = ("cra", "bill", "declaration", "invoice")


@click.command()
def status() -> None:
    """The last runs, how far each stream was read, the month, and what is measured."""
    from flows.engine import measures, report  # noqa: PLC0415 - what reads starts at once

    tables = (
        *(report.last_runs, report.freshness, report.summary, report.held),
        measures.targets,
    )
    _read(*(partial(_plainly, table) for table in tables))


@click.command()
@click.option("--kind", type=click.Choice(BREAK_KINDS), help="Only of this kind.")
@click.option("--code", help="Only with this code, such as GAP_TOO_LARGE or missing_cra.")
@click.option("--all", "closed_too", is_flag=True, help="Closed and overridden ones too.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def breaks(limit: int, as_json: bool, **asked: Any) -> None:  # noqa: FBT001 - a flag of the command
    """What is open, the most money first."""
    from flows.engine import search  # noqa: PLC0415 - what reads starts at once

    wanted = search.BreaksAsked(**asked)
    _read(
        lambda warehouse, language: search.breaks_table(warehouse, wanted, limit, language),
        as_json=(lambda warehouse: search.breaks(warehouse, wanted)) if as_json else None,
    )


@click.command()
@click.option(
    "--number", type=Number(), help="In the invoice number, without case and punctuation."
)
@click.option("--vendor", help="In the vendor's name, without case and accents, or its id.")
@click.option("--amount", "amounts", type=AmountRange(), help="100-500, >1000, <50 or 450.")
@click.option("--from", "first_day", type=Day(), help="Dated on this day or later.")
@click.option("--to", "last_day", type=Day(), help="Dated on this day or earlier.")
@click.option("--status", help="Status in Bill.com, or of the match.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def bills(limit: int, as_json: bool, **asked: Any) -> None:  # noqa: FBT001 - a flag of the command
    """Search supplier invoices of Bill.com."""
    from flows.engine import search  # noqa: PLC0415 - what reads starts at once
    from transforms.bill_search import Search  # noqa: PLC0415 - likewise

    wanted = Search(**asked)
    _read(
        lambda warehouse, _: search.bills_table(warehouse, wanted, limit),
        as_json=(lambda warehouse: search.bills(warehouse, wanted)) if as_json else None,
    )


@click.command()
@click.option("--json", "as_json", is_flag=True)
def outbox(as_json: bool) -> None:  # noqa: FBT001 - a flag of the command
    """Commands that are not settled, with what they wait for."""
    from flows.engine import report  # noqa: PLC0415 - what reads starts at once

    _read(
        lambda warehouse, _: report.outbox_table(warehouse),
        as_json=(lambda warehouse: report.outbox_table(warehouse).rows) if as_json else None,
    )


@click.command("report")
@dated
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to; default: report-YYYY-MM.html among the artifacts.",
)
def month_report(period: str | None, as_of: date | None, out: Path | None) -> None:
    """The month on one page: an HTML file that needs nothing else."""
    from flows import settings  # noqa: PLC0415 - what reads starts at once
    from flows.engine import run  # noqa: PLC0415 - likewise
    from flows.page import month  # noqa: PLC0415 - likewise
    from store.publishing import read_published  # noqa: PLC0415 - likewise

    said = settings.load()
    wanted = period or run.month_before(as_of or run.paris_today(run.system_clock()))
    file = out or run.artifacts_directory(said.WAREHOUSE_PATH) / month.file_name(wanted)
    with read_published(said.WAREHOUSE_PATH) as warehouse:
        click.echo(month.write(warehouse, wanted, said.RAPPROCHE_LANG, file))


@click.command()
@click.option("--from", "first", type=Day(), required=True, help="From this day on.")
@click.option("--to", "last", type=Day(), required=True, help="Up to this day, it included.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="All of it, with totals.")
@click.option(
    "--csv",
    "csv_file",
    type=click.File("w", encoding="utf-8"),
    help="Writes all of it to this file; - is standard output.",
)
def audit(
    first: date,
    last: date,
    limit: int,
    as_json: bool,  # noqa: FBT001 - a flag of the command
    csv_file: IO[str] | None,
) -> None:
    """Who did what, when, before and after; days are whole days in Paris."""
    from flows import settings, terminal  # noqa: PLC0415 - what reads starts at once
    from flows.engine import audit as audited  # noqa: PLC0415 - likewise
    from store.publishing import read_published  # noqa: PLC0415 - likewise

    if last < first:
        raise click.UsageError(f"--to {last} is before --from {first}")
    said, period = settings.load(), audited.Period(first, last)
    with read_published(said.WAREHOUSE_PATH) as warehouse:
        if csv_file:
            csv_file.write(audited.as_csv(warehouse, period))
        if as_json:
            click.echo(audited.as_json(warehouse, period))
        if csv_file or as_json:
            return
        for table in audited.tables(warehouse, period, limit):
            terminal.show(terminal.console(), table, said.RAPPROCHE_LANG)


@click.command()
@click.option(
    "--vendor", is_flag=True, help="Also what holds at the vendors' accounts; reads only."
)
@click.option("--json", "as_json", is_flag=True)
def doctor(vendor: bool, as_json: bool) -> None:  # noqa: FBT001 - flags of the command
    """Looks at everything that a run needs, and says what to do where something is wrong."""
    from flows import logs, settings, terminal  # noqa: PLC0415 - what reads starts at once
    from flows.engine import doctor as looks  # noqa: PLC0415 - likewise
    from flows.engine.run import system_clock  # noqa: PLC0415 - likewise
    from flows.engine.wiring import World  # noqa: PLC0415 - likewise

    logs.configure(settings.salvage()[0].RAPPROCHE_LOG)
    examined = asyncio.run(looks.examine(World(system_clock), prefect_api(), vendor=vendor))
    if as_json:
        click.echo(looks.as_json(examined))
    else:
        terminal.show(terminal.console(), looks.table(examined))
    sys.exit(examined.exit_code)


def _plainly(table: Callable[[Any], Any], warehouse: Any, _: Any) -> Any:
    """A table that is made alike in every language."""
    return table(warehouse)


def _read(*tables: Callable[[Any, Any], Any], as_json: Callable[[Any], Any] | None = None) -> None:
    """Prints tables of the published file, made in the language of the settings, or rows of it."""
    from flows import settings, terminal  # noqa: PLC0415 - likewise
    from flows.engine import report  # noqa: PLC0415 - likewise
    from store.publishing import read_published  # noqa: PLC0415 - likewise

    said = settings.load()
    with read_published(said.WAREHOUSE_PATH) as warehouse:
        if as_json:
            click.echo(report.rows_as_json(as_json(warehouse)))
            return
        for table in tables:
            made = table(warehouse, said.RAPPROCHE_LANG)
            terminal.show(terminal.console(), made, said.RAPPROCHE_LANG)


COMMANDS = (status, breaks, bills, outbox, month_report, audit, doctor)
