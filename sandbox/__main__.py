"""The command line: `python -m sandbox --port 8123 --seed 1 --faults flaky`."""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from sandbox.bill_live import BillLive
from sandbox.boond_live import LIVE_LIMITS, BoondLive
from sandbox.boond_live_wire import LiveCredentials
from sandbox.faults import PROFILES
from sandbox.server import LIVE, Sandbox, listen, server, url_of
from sandbox.wire import Limits
from sandbox.world import DEFAULT_AS_OF, World, start_of, ticking


def options(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--consultants", type=int, default=40)
    parser.add_argument(
        "--faults",
        default="none",
        metavar="PROFILE",
        help=f"[vendor:]name[=share or stream], several with commas: {', '.join(PROFILES)}",
    )
    parser.add_argument("--as-of", type=date.fromisoformat, default=DEFAULT_AS_OF, metavar="DATE")
    parser.add_argument("--month", metavar="YYYY-MM", help="default: the month before --as-of")
    parser.add_argument("--no-mistakes", action="store_true", help="a clean world")
    parser.add_argument(
        "--full-lists", action="store_true", help="every bill listed with its lines"
    )
    parser.add_argument("--boond-dialect", choices=("v3", LIVE), default="v3")
    parser.add_argument(
        "--bill-dialect",
        choices=("gateway", LIVE),
        default="gateway",
        help="either one live: the world holds what the live dialects can tell",
    )
    parser.add_argument(
        "--requests-per-minute", type=int, metavar="N", help="default: 100, BoondManager live: 600"
    )
    parser.add_argument(
        "--burst-per-second", type=int, metavar="N", help="default: 20, BoondManager live: 10"
    )
    parser.add_argument("--env-file", type=Path, metavar="PATH")
    parser.add_argument("--declarations", type=Path, metavar="DIR")
    return parser.parse_args(arguments)


def assemble(chosen: argparse.Namespace) -> Sandbox:
    """Builds what the command line asks for; its clock goes on in real time.

    Raises:
        ValueError: for a world that cannot be, or an unknown fault.
    """
    world = World.build(
        seed=chosen.seed,
        consultants=chosen.consultants,
        mistakes=not chosen.no_mistakes,
        as_of=chosen.as_of,
        month=chosen.month,
        clock=ticking(start_of(chosen.as_of), time.monotonic),
        portable=LIVE in {chosen.boond_dialect, chosen.bill_dialect},
    )
    usual = LIVE_LIMITS if chosen.boond_dialect == LIVE else Limits()
    sandbox = Sandbox(
        world,
        boond=chosen.boond_dialect,
        bill=chosen.bill_dialect,
        limits=Limits(
            _said(chosen.requests_per_minute, usual.per_minute),
            _said(chosen.burst_per_second, usual.per_second),
        ),
        thin_lists=not chosen.full_lists,
        seed=chosen.seed,
    )
    if isinstance(sandbox.boond, BoondLive):
        # The world has a day of its own; who calls over the wire signs with the real time.
        sandbox.boond.callers_clock = partial(datetime.now, UTC)
    sandbox.set_faults(chosen.faults)
    return sandbox


def _said(wanted: int | None, usual: int) -> int:
    return usual if wanted is None else wanted


def settings(sandbox: Sandbox, root: str) -> str:
    """Returns the lines that a `.env` needs to reach the sandbox in its dialects."""
    pairs = _to_boond(sandbox, f"{root}/boond") | _to_bill(sandbox, f"{root}/bill")
    return "".join(f"{name}={value}\n" for name, value in pairs.items())


def _to_boond(sandbox: Sandbox, mount: str) -> dict[str, str]:
    known = sandbox.boond.credentials
    if isinstance(known, LiveCredentials):
        return {
            "BOOND_DIALECT": LIVE,
            "BOOND_BASE_URL": f"{mount}/api",
            "BOOND_USER_TOKEN": known.user_token,
            "BOOND_CLIENT_TOKEN": known.client_token,
            "BOOND_CLIENT_KEY": known.client_key,
        }
    return {
        "BOOND_BASE_URL": f"{mount}/api/v3",
        "BOOND_AUTH_URL": f"{mount}/oauth/token",
        "BOOND_CLIENT_ID": known.client_id,
        "BOOND_CLIENT_SECRET": known.client_secret,
    }


def _to_bill(sandbox: Sandbox, mount: str) -> dict[str, str]:
    live, known = isinstance(sandbox.bill, BillLive), sandbox.bill.login
    where = {"BILL_COM_DIALECT": LIVE} if live else {}
    return where | {
        "BILL_COM_BASE_URL": f"{mount}/connect" if live else mount,
        "BILL_COM_USERNAME": known.username,
        "BILL_COM_PASSWORD": known.password,
        "BILL_COM_ORG_ID": known.organization_id,
        "BILL_COM_DEV_KEY": known.dev_key,
        "BILL_COM_ENVIRONMENT": "stage",
        "BILL_COM_CURRENCY": "EUR",
    }


def keep(path: Path, text: str) -> None:
    """Writes a file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Serves the sandbox until it is told to stop; returns the exit code."""
    chosen = options(arguments)
    try:
        sandbox = assemble(chosen)
        listener = listen(chosen.port)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    root = url_of(listener)
    text = settings(sandbox, root)
    if chosen.declarations:
        sandbox.world.write_declarations(chosen.declarations)
    if chosen.env_file:
        keep(chosen.env_file, text)
    sys.stdout.write(f"sandbox: {root}\n{text}")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server(sandbox).serve(sockets=[listener]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
