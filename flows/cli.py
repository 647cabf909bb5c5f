"""The command line (running.md). What only reads imports no Prefect and answers at once."""

import asyncio
import gc
import os
import signal
import sys
import traceback
from typing import Any, NoReturn

import click

from flows import PRIVATE_FILES, reading
from flows.arguments import Amount, Command, as_of, dated
from flows.prefect_profile import prefect_api

EXIT_DONE, EXIT_ATTENTION, EXIT_USAGE, EXIT_SOURCE, EXIT_LOCKED = range(5)
EXIT_DEFECT, EXIT_INTERRUPTED = 70, 130


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
@dated
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
@dated
def reconcile(**parameters: Any) -> None:
    """Compare declared days with CRAs."""
    _work("reconcile", **parameters)


@rapproche.command()
@as_of
def match(**parameters: Any) -> None:
    """Match supplier invoices with purchase orders and CRAs."""
    _work("match", **parameters)


@rapproche.command()
@dated
def monitor(**parameters: Any) -> None:
    """Who owes a CRA, and the billing dates that wait for it."""
    _work("monitor", **parameters)


@rapproche.command("write-back")
@dated
@_applying
def write_back(as_json: bool, **parameters: Any) -> None:  # noqa: FBT001 - a flag of the command
    """Show the write-back plan, or send it with --apply."""
    _work("write_back", as_json=as_json, **parameters)


@rapproche.command()
def publish() -> None:
    """Publish the working file."""
    _work("publish")


@rapproche.command()
@click.argument("names", nargs=-1, required=True, metavar="COMMAND|BREAK…")
@click.option("--amount", type=Amount(), help="Up to which amount.")
@as_of
@_deciding
def approve(names: tuple[str, ...], **parameters: Any) -> None:
    """Approve commands that wait, or override breaks (`bill/ID` is a whole bill)."""
    _work("decide", approve=list(names), reject=[], **parameters)


@rapproche.command()
@click.argument("names", nargs=-1, required=True, metavar="COMMAND|BREAK…")
@as_of
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
    """Try quarantined records again: as the vendor has them now, else as they were served."""
    _work("retry_quarantine")


for read in reading.COMMANDS:
    rapproche.add_command(read)


def _work(command: str, *, as_json: bool = False, **parameters: Any) -> None:
    """Runs one command of the engine, as a Prefect flow run where Prefect is configured."""
    from flows import work  # noqa: PLC0415 - what reads must not wait for the engine

    sys.exit(work.run(command, parameters, as_json=as_json, with_prefect=prefect_api() is not None))


def main() -> NoReturn:
    """Entry point of the console script; errors are one line and an exit code."""
    os.umask(PRIVATE_FILES)
    # A service that is told to stop ends like a command that is interrupted: recorded, published.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    code = _ended()
    # DuckDB's binding prints what the frames of an error still hold at the process's end.
    gc.collect()
    sys.exit(code)


def _ended() -> int:
    """Runs the command line; returns its exit code, an error said in one line."""
    try:
        rapproche.main(standalone_mode=False)
    except click.ClickException as error:
        return _said(error.format_message(), EXIT_USAGE)
    except (KeyboardInterrupt, click.Abort, asyncio.CancelledError):
        said = "interrupted; the next run goes on where this one stopped"
        return _said(said, EXIT_INTERRUPTED)
    except SystemExit as ended:
        return int(ended.code or EXIT_DONE)
    except Exception as error:  # noqa: BLE001 - a defect must not look like an exit code of ours
        return _said_of(error)
    return EXIT_DONE


def _said_of(error: Exception) -> int:
    """What a person is to correct, in one line; a defect with where it happened."""
    from flows.settings import ConfigurationError, without_secrets  # noqa: PLC0415 - for errors only
    from store.lock import LockedError  # noqa: PLC0415 - likewise
    from store.warehouse import StoreError  # noqa: PLC0415 - likewise

    if isinstance(error, ConfigurationError | StoreError):
        return _said(error, EXIT_USAGE)
    if isinstance(error, LockedError):
        return _said(error, EXIT_LOCKED)
    click.echo(without_secrets("".join(traceback.format_exception(error))), err=True, nl=False)
    return _said(f"a defect of rapproche, please report it: {type(error).__name__}", EXIT_DEFECT)


def _said(message: object, code: int) -> int:
    click.echo(f"rapproche: {message}", err=True)
    return code
