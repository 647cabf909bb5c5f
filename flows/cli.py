"""The command line (running.md). What only reads imports no Prefect and answers at once."""

import asyncio
import os
import sys
import tomllib
import traceback
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

import click

EXIT_DONE, EXIT_ATTENTION, EXIT_USAGE, EXIT_SOURCE, EXIT_LOCKED = range(5)
EXIT_DEFECT, EXIT_INTERRUPTED = 70, 130
PRIVATE_FILES = 0o077
BREAK_KINDS = ("cra", "bill", "declaration", "invoice")


class Month(click.ParamType[str]):
    """A month, YYYY-MM."""

    name = "YYYY-MM"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """The month as written, once it is one."""
        try:
            date.fromisoformat(f"{value}-01")
        except ValueError:
            self.fail(f"{value!r} is no month; write YYYY-MM", param, ctx)
        return str(value)


class Day(click.ParamType[date]):
    """A day, YYYY-MM-DD."""

    name = "DATE"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        """The day."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write YYYY-MM-DD", param, ctx)


class Amount(click.ParamType[Decimal]):
    """An amount of money, exact."""

    name = "AMOUNT"

    def convert(self, value: Any, param: Any, ctx: Any) -> Decimal:
        """The amount as a decimal."""
        try:
            return Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is no amount", param, ctx)


class AmountRange(click.ParamType[Any]):
    """A range of amounts: `100-500`, `>1000`, `<50`, `450`."""

    name = "RANGE"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The range."""
        from transforms.bill_search import Amounts  # noqa: PLC0415 - polars takes its time

        try:
            return value if isinstance(value, Amounts) else Amounts.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Number(click.ParamType[str]):
    """A part of an invoice number."""

    name = "NUMBER"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """The part as written, once anything of it can be compared."""
        if not any(sign.isalnum() for sign in str(value)):
            self.fail(f"{value!r} has no letter and no digit", param, ctx)
        return str(value)


Command = Callable[..., Any]


_as_of = click.option("--as-of", type=Day(), help="The day it is; default: today in Paris.")
_period = click.option(
    "--period", type=Month(), help="Look at this month alone; default: the month before."
)


def _dated(command: Command) -> Command:
    return _period(_as_of(command))


def _applying(command: Command) -> Command:
    command = click.option("--json", "as_json", is_flag=True, help="The plan as JSON on stdout.")(
        command
    )
    return click.option(
        "--apply/--dry-run", default=False, help="Send to the vendors; the default only plans."
    )(command)


def _deciding(command: Command) -> Command:
    command = click.option("--reason", required=True, help="Why; it is kept.")(command)
    return click.option("--by", required=True, metavar="NAME", help="Who decides.")(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def rapproche() -> None:
    """Reconciles what clients declare, consultants report, and suppliers invoice."""


@rapproche.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> NoReturn:
    """The stand-in vendors, on loopback."""
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *arguments])  # noqa: S606 - our own


@rapproche.command()
@_dated
@_applying
def nightly(as_json: bool, **parameters: Any) -> None:  # noqa: FBT001 - a flag of the command
    """Sync, compare, match, write back, publish: the whole night."""
    _work("nightly", as_json=as_json, **parameters)


@rapproche.command()
@click.argument("sources", nargs=-1, type=click.Choice(["boond", "bill", "declarations"]))
@click.option("--full", is_flag=True, help="Read everything again; finds what was deleted.")
def sync(sources: tuple[str, ...], full: bool) -> None:  # noqa: FBT001 - a flag of the command
    """Read what changed at the sources (all of them unless named)."""
    _work("sync", sources=list(sources or ("boond", "bill", "declarations")), full=full)


@rapproche.command()
@_dated
def reconcile(**parameters: Any) -> None:
    """Compare declared days with CRAs."""
    _work("reconcile", **parameters)


@rapproche.command()
@_as_of
def match(**parameters: Any) -> None:
    """Match supplier invoices with purchase orders and CRAs."""
    _work("match", **parameters)


@rapproche.command()
@_dated
def monitor(**parameters: Any) -> None:
    """Who owes a CRA, and the billing dates that wait for it."""
    _work("monitor", **parameters)


@rapproche.command("write-back")
@_dated
@_applying
def write_back(as_json: bool, **parameters: Any) -> None:  # noqa: FBT001 - a flag of the command
    """Show the write-back plan, or send it with --apply."""
    _work("write_back", as_json=as_json, **parameters)


@rapproche.command()
def publish() -> None:
    """Publish the working file."""
    _work("publish")


@rapproche.command()
def status() -> None:
    """The last runs, how far each stream was read, and the month."""
    from flows.engine import report  # noqa: PLC0415 - what reads starts at once

    _read(lambda warehouse, _: report.last_runs(warehouse))
    _read(lambda warehouse, _: report.freshness(warehouse))
    _read(lambda warehouse, _: report.summary(warehouse))
    _read(lambda warehouse, _: report.held(warehouse))


@rapproche.command()
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


@rapproche.command()
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


@rapproche.command()
@click.option("--json", "as_json", is_flag=True)
def outbox(as_json: bool) -> None:  # noqa: FBT001 - a flag of the command
    """Commands that are not settled, with what they wait for."""
    from flows.engine import report  # noqa: PLC0415 - what reads starts at once

    _read(
        lambda warehouse, _: report.outbox_table(warehouse),
        as_json=(lambda warehouse: report.outbox_table(warehouse).rows) if as_json else None,
    )


@rapproche.command("report")
@_dated
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


@rapproche.command()
@click.argument("names", nargs=-1, required=True, metavar="COMMAND|BREAK…")
@click.option("--amount", type=Amount(), help="Up to which amount.")
@_as_of
@_deciding
def approve(names: tuple[str, ...], **parameters: Any) -> None:
    """Approve commands that wait, or override breaks (`bill/ID` is a whole bill)."""
    _work("decide", approve=list(names), reject=[], **parameters)


@rapproche.command()
@click.argument("names", nargs=-1, required=True, metavar="COMMAND|BREAK…")
@_as_of
@_deciding
def reject(names: tuple[str, ...], **parameters: Any) -> None:
    """Reject commands or breaks: nothing is billed, paid or sent for them."""
    _work("decide", approve=[], reject=list(names), amount=None, **parameters)


@rapproche.group()
def link() -> None:
    """Remember whom a name means."""


@link.command("consultant")
@click.argument("declared_name")
@click.argument("consultant_id")
@click.option("--client", "client_id", help="Only in this client's declarations.")
@_deciding
def link_consultant(**parameters: Any) -> None:
    """A name in declarations is this consultant."""
    _work("link_consultant", **parameters)


@link.command("vendor")
@click.argument("vendor_id")
@click.argument("supplier_id")
@_deciding
def link_vendor(**parameters: Any) -> None:
    """A Bill.com vendor is this BoondManager supplier."""
    _work("link_vendor", **parameters)


@rapproche.command("retry-quarantine")
def retry_quarantine() -> None:
    """Try quarantined records again, as they were served."""
    _work("retry_quarantine")


def _work(command: str, *, as_json: bool = False, **parameters: Any) -> None:
    """Runs one command of the engine, as a Prefect flow run where Prefect is configured."""
    from flows import work  # noqa: PLC0415 - what reads must not wait for the engine

    sys.exit(work.run(command, parameters, as_json=as_json, with_prefect=prefect_configured()))


def _read(table: Callable[[Any, Any], Any], *, as_json: Callable[[Any], Any] | None = None) -> None:
    """Prints a table of the published file, made in the language of the settings, or its rows."""
    from flows import settings, terminal  # noqa: PLC0415 - likewise
    from flows.engine import report  # noqa: PLC0415 - likewise
    from store.publishing import read_published  # noqa: PLC0415 - likewise

    said = settings.load()
    with read_published(said.WAREHOUSE_PATH) as warehouse:
        if as_json:
            click.echo(report.rows_as_json(as_json(warehouse)))
        else:
            language = said.RAPPROCHE_LANG
            terminal.show(terminal.console(), table(warehouse, language), language)


def prefect_configured() -> bool:
    """Whether a Prefect API is configured, by environment or profile; imports no Prefect."""
    if os.environ.get("PREFECT_API_URL"):
        return True
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    try:
        profiles = tomllib.loads((home / "profiles.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    active = os.environ.get("PREFECT_PROFILE", profiles.get("active", ""))
    return bool(profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL"))


def main() -> NoReturn:
    """Entry point of the console script; errors are one line and an exit code."""
    from flows.settings import ConfigurationError  # noqa: PLC0415 - after the umask
    from store.lock import LockedError  # noqa: PLC0415 - likewise
    from store.warehouse import StoreError  # noqa: PLC0415 - likewise

    os.umask(PRIVATE_FILES)
    try:
        rapproche.main(standalone_mode=False)
    except click.ClickException as error:
        _say(error.format_message(), EXIT_USAGE)
    except (ConfigurationError, StoreError) as error:
        _say(error, EXIT_USAGE)
    except LockedError as error:
        _say(error, EXIT_LOCKED)
    except (KeyboardInterrupt, click.Abort, asyncio.CancelledError):
        _say("interrupted; the next run goes on where this one stopped", EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - a defect must not look like an exit code of ours
        traceback.print_exc()
        _say(f"a defect of rapproche, please report it: {error!r}", EXIT_DEFECT)
    sys.exit(EXIT_DONE)


def _say(message: object, code: int) -> NoReturn:
    click.echo(f"rapproche: {message}", err=True)
    sys.exit(code)
