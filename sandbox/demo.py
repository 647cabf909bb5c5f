"""`make demo`: a whole night over loopback, as a person would run it.

Starts the sandbox and a local Prefect server, runs `rapproche nightly --apply` twice as Prefect
flow runs, and says where to look. Speaks to the product only through its command line.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

DATA = Path("data")
WAREHOUSE = DATA / "rapproche.duckdb"
MARK = DATA / "this-is-the-demo"
PREFECT_HOME = DATA / "prefect"
LOG = DATA / "demo.log"
AS_OF = "2026-11-03"
NIGHT = ("nightly", "--as-of", AS_OF, "--apply")
TOLD = ("DUPLICATE", "NAME_AMBIGUOUS", "GAP_TOO_LARGE", "QTY_RECEIVED", "over_reported", "PRICE")
ATTENTION, TERMINATED = 1, 143
BIN = Path(sys.executable).parent
# The demo's contract with the stand-in vendors: at the real 100 requests a minute it would wait.
PER_MINUTE, PER_SECOND = "6000", "500"


def main() -> int:
    """Runs what was asked for; returns the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--ui", action="store_true", help="the Prefect UI on the demo's runs")
    parser.add_argument("--clean", action="store_true", help="forgets the demo's data")
    chosen = parser.parse_args()
    if DATA.exists() and not MARK.exists() and WAREHOUSE.exists():
        say(f"{WAREHOUSE} was not made by the demo, which leaves it alone. Run it in a new clone.")
        return 2
    if chosen.ui:
        return show_ui()
    forget()
    return 0 if chosen.clean else demonstrate()


def demonstrate() -> int:
    """Two nights, the second of which finds nothing to write."""
    DATA.mkdir(exist_ok=True)
    MARK.touch()
    say("1. The stand-in vendors and a local Prefect server, on loopback …")
    with sandbox() as settings, prefect_server() as api:
        environment = os.environ | settings | {"PREFECT_API_URL": api}
        environment |= {
            "PREFECT_HOME": str(PREFECT_HOME.absolute()),
            "XDG_CACHE_HOME": str((DATA / "cache").absolute()),
        }
        say("2. The night of 3 November 2026: sync, compare, match, write back, publish …\n")
        first = night(environment)
        written = writes(settings)
        tell_of_breaks(json.loads(rapproche(environment, "breaks", "--json").stdout))
        say("\n3. The same night again. Nothing changed, so it must write nothing …")
        second = rapproche(environment, *NIGHT).returncode
        if writes(settings) != written:
            say("The second night changed something at the vendors: that is a defect.")
            return 70
    if max(first, second) > ATTENTION:
        say(f"The night ended with exit code {max(first, second)}; its log is {LOG}.")
        return max(first, second)
    farewell(len(written))
    return 0


def night(environment: dict[str, str]) -> int:
    """One nightly run; its log lines go to the demo's log, its tables to the terminal."""
    run = rapproche(environment, *NIGHT)
    *tables, _where_to_look = run.stdout.rstrip().splitlines()
    say("\n".join(tables).rstrip())
    return run.returncode


def tell_of_breaks(breaks: list[dict[str, Any]]) -> None:
    """Some of the breaks, each with its euros and why in words."""
    first = {code: next((b for b in breaks if b["code"] == code), None) for code in TOLD}
    say(f"\nSome of the {len(breaks)} breaks, in words")
    for told in filter(None, first.values()):
        euros = f"{Decimal(told['amount_at_stake'] or 0):,.2f} {told['currency']}"
        say(f"\n  {told['who']}, {euros}: {told['break_id']}")
        say(textwrap.fill(told["explanation"], 96, initial_indent="    ", subsequent_indent="    "))


def rapproche(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command of the product, with what it printed."""
    with LOG.open("a") as log:
        return subprocess.run(  # noqa: S603 - our own command line
            [str(BIN / "rapproche"), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=False,
        )


def writes(settings: dict[str, str]) -> list[dict[str, str]]:
    """What the sandbox was told to change, in order."""
    root = settings["BOOND_BASE_URL"].removesuffix("/boond/api/v3")
    with urllib.request.urlopen(f"{root}/_sandbox/state") as answer:  # noqa: S310 - loopback
        told: list[dict[str, str]] = json.load(answer)["writes"]
    return told


def farewell(written: int) -> None:
    """Says what came of it, and where to look."""
    mails, letters = (len(list((DATA / name).glob("*.eml"))) for name in ("outbox-mail", "drafts"))
    page = next((DATA / "artifacts").glob("report-*.html"), DATA / "artifacts")
    folder = BIN.relative_to(Path.cwd())
    example = f"{folder}/rapproche approve bill/bill-00027 --as-of {AS_OF} --by ME --reason WHY"
    say(
        f"\nThe vendors took {written} writes in the first night and none in the second.\n\n"
        "Look further:\n"
        f"  {page}      the month on one page, for a browser\n"
        f"  {DATA}/outbox-mail/      {mails} mails that a mail server would have sent\n"
        f"  {DATA}/drafts/           {letters} letter(s) to suppliers, for a person to send\n"
        f"  {folder}/rapproche breaks      (or status, outbox, bills)\n"
        f"  {example}\n"
        f'  {folder}/duckdb -readonly {WAREHOUSE} "from recon.v_open_breaks"\n'
        "  make ui      the runs, their tasks and artifacts in the Prefect UI\n"
        "  README.md    what it all means, and how to point it at real vendors"
    )


@contextmanager
def sandbox() -> Iterator[dict[str, str]]:
    """The stand-in vendors in a process of their own; gives the settings that reach them."""
    env_file = DATA / "sandbox.env"
    env_file.unlink(missing_ok=True)
    limits = ["--requests-per-minute", PER_MINUTE, "--burst-per-second", PER_SECOND]
    places = ["--env-file", str(env_file), "--declarations", str(DATA / "declarations")]
    with process([sys.executable, "-m", "sandbox", *limits, *places]) as running:
        wait_for(env_file.exists, running, "the sandbox")
        pairs = (line.split("=", 1) for line in env_file.read_text().splitlines())
        settings = dict(pairs) | {
            "BOOND_REQUESTS_PER_MINUTE": PER_MINUTE,
            "BOOND_BURST_PER_SECOND": PER_SECOND,
        }
        yield settings


@contextmanager
def prefect_server() -> Iterator[str]:
    """A local Prefect server; gives its API URL."""
    port = free_port()
    with process(prefect_command(port), prefect_environment(port)) as running:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/api/health"), running, "Prefect")
        yield f"http://127.0.0.1:{port}/api"


def show_ui() -> int:
    """Serves the Prefect UI over the demo's runs until it is interrupted."""
    if not PREFECT_HOME.exists():
        say("There is no demo to look at yet: make demo")
        return 2
    port = free_port()
    say(f"The Prefect UI: http://127.0.0.1:{port}/runs (ctrl-c ends it)")
    with process(prefect_command(port), prefect_environment(port)) as running:
        try:
            return running.wait()
        except KeyboardInterrupt:
            return 0


def prefect_command(port: int) -> list[str]:
    """Starts a Prefect server on loopback."""
    return [str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]


def prefect_environment(port: int) -> dict[str, str]:
    """The UI asks the port of this setting, not that of the command line."""
    return os.environ | {
        "PREFECT_HOME": str(PREFECT_HOME.absolute()),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


@contextmanager
def process(
    command: list[str], environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its children, ended when the block is left."""
    with LOG.open("a") as log:
        running = subprocess.Popen(  # noqa: S603 - our own commands
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield running
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(timeout=30)


def wait_for(ready: object, running: subprocess.Popen[bytes], name: str) -> None:
    """Waits until something is ready.

    Raises:
        RuntimeError: it ended, or took longer than two minutes.
    """
    end = time.monotonic() + 120
    while not ready():  # type: ignore[operator]
        if running.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{name} did not start; see {LOG}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Whether something answers there."""
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - loopback
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def forget() -> None:
    """Removes what an earlier demo left."""
    if MARK.exists():
        shutil.rmtree(DATA)


def say(text: str) -> None:
    """Prints at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
