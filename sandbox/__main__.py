"""The command line: `python -m sandbox --port 8123 --seed 1 --faults flaky`."""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from datetime import date
from pathlib import Path

from sandbox.faults import PROFILES
from sandbox.server import Sandbox, listen, server, url_of
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
    parser.add_argument("--requests-per-minute", type=int, default=100, metavar="N")
    parser.add_argument("--burst-per-second", type=int, default=20, metavar="N")
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
    )
    limits = Limits(chosen.requests_per_minute, chosen.burst_per_second)
    sandbox = Sandbox(world, limits=limits, thin_lists=not chosen.full_lists, seed=chosen.seed)
    sandbox.set_faults(chosen.faults)
    return sandbox


def settings(sandbox: Sandbox, root: str) -> str:
    """Returns the lines that a `.env` needs to reach the sandbox."""
    boond, bill = sandbox.boond.credentials, sandbox.bill.login
    pairs = {
        "BOOND_BASE_URL": f"{root}/boond/api/v3",
        "BOOND_AUTH_URL": f"{root}/boond/oauth/token",
        "BOOND_CLIENT_ID": boond.client_id,
        "BOOND_CLIENT_SECRET": boond.client_secret,
        "BILL_COM_BASE_URL": f"{root}/bill",
        "BILL_COM_USERNAME": bill.username,
        "BILL_COM_PASSWORD": bill.password,
        "BILL_COM_ORG_ID": bill.organization_id,
        "BILL_COM_DEV_KEY": bill.dev_key,
        "BILL_COM_ENVIRONMENT": "stage",
        "BILL_COM_CURRENCY": "EUR",
    }
    return "".join(f"{name}={value}\n" for name, value in pairs.items())


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
