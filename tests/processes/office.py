"""An office of its own: vendors on loopback in this process, the command line in others.

The vendors tell of each request, before and after they acted on it, so that a test kills a run at
that very moment.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from flows.settings import OUR_PREFIXES, Settings
from sandbox.faults import CutError
from sandbox.server import Sandbox, serving
from sandbox.world import World, start_of, ticking
from store.publishing import read_published
from store.warehouse import Places
from tests.flows.house import AS_OF, reach

ROOT = Path(__file__).parents[2]
DYING, READING = (Path(__file__).with_name(name) for name in ("dying.py", "reading.py"))
NIGHT = ("nightly", "--as-of", AS_OF.isoformat())
APPLIED = (*NIGHT, "--apply")
PATIENCE = 60
GIVEN = {"id", "updatedAt"}
"""What a vendor gives in the order of its day."""
Rows = list[tuple[Any, ...]]
State = dict[str, Any]


class Ended(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


class Heard(NamedTuple):
    """A request at a vendor; `acted` once the vendor did what it asks."""

    request: httpx.Request
    acted: bool

    @property
    def logs_in(self) -> bool:
        """Whether it asks for a session or a token."""
        return self.request.url.path.endswith(("login", "token"))

    @property
    def writes(self) -> bool:
        """Whether it changes something at a vendor, logins aside."""
        return self.request.method not in {"GET", "HEAD"} and not self.logs_in


def once_logged_in(when: Callable[[Heard], bool]) -> Callable[[Heard], bool]:
    """`when`, deaf to what a command that died before still has under way."""
    begun = False

    def heard(said: Heard) -> bool:
        nonlocal begun
        begun = begun or said.logs_in
        return begun and when(said)

    return heard


class Vendors(Sandbox):
    """Both vendors, who say what they hear.

    In production dialects they live today: tokens say when they were signed, and reports are asked
    for by months up to this one.
    """

    def __init__(self, *, live: bool = False) -> None:
        start = datetime.now(UTC) if live else start_of(AS_OF)
        clock = ticking(start, time.monotonic)
        world = World.build(
            consultants=3, mistakes=False, clock=clock, as_of=start.date(), portable=live
        )
        if live:
            super().__init__(world, boond="live", bill="live")
        else:
            super().__init__(world)
        self.listener: Callable[[Heard], bool] | None = None
        """Answers whether the caller was killed, so that nothing of its request is done."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answers, unless the caller is dead."""
        if self._killed(Heard(request, acted=False)):
            raise CutError(sent=True)
        response = super().answer(request)
        if self._killed(Heard(request, acted=True)):
            raise CutError(sent=True)
        return response

    def _killed(self, heard: Heard) -> bool:
        if self.listener is None or heard.request.url.path.startswith("/_sandbox"):
            return False
        return self.listener(heard)


@dataclass
class Office:
    """One data folder, its vendors, and the environment that reaches them."""

    folder: Path
    vendors: Vendors
    environment: dict[str, str]

    @property
    def places(self) -> Places:
        """Where the files of the warehouse lie."""
        return Places(self.folder / "rapproche.duckdb")

    def start(
        self, *arguments: str, dying: tuple[str, int] = ("", 0), room: int = 0
    ) -> subprocess.Popen[str]:
        """Starts a command in a process group of its own, whose new files all may read."""
        suffix, hits = dying
        program = [sys.executable, str(DYING), suffix, str(hits), str(room)]
        if not hits and not room:
            program = [str(Path(sys.executable).with_name("rapproche"))]
        return subprocess.Popen(  # noqa: S603 - our own command
            [*program, *arguments], env=self.environment, cwd=self.folder, text=True, umask=0,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0,
        )  # fmt: skip

    def run(self, *arguments: str, **how: Any) -> Ended:
        """Runs a command to its end."""
        return ended(self.start(*arguments, **how))

    def killed(self, when: Callable[[Heard], bool], *arguments: str, **how: Any) -> bool:
        """Runs a command that is killed at a request; whether that request came."""
        process, due = self.start(*arguments, **how), once_logged_in(when)
        dead = False

        def listen(heard: Heard) -> bool:
            nonlocal dead
            if not dead and due(heard):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                dead = True
            return dead

        self.vendors.listener = listen
        try:
            ended(process)
        finally:
            self.vendors.listener = None
        return dead

    def told(self, number: int, when: Callable[[Heard], bool], *arguments: str) -> Ended:
        """Runs a command that is sent a signal at the first such request, and may go on."""
        process, sent = self.start(*arguments), list[Heard]()
        due = once_logged_in(when)

        def listen(heard: Heard) -> bool:
            if not sent and due(heard):
                sent.append(heard)
                process.send_signal(number)
            return False

        self.vendors.listener = listen
        try:
            return ended(process)
        finally:
            self.vendors.listener = None

    @contextmanager
    def busy(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command that stands still at its first request while the block runs."""
        arrived, go_on = threading.Event(), threading.Event()

        def listen(_: Heard) -> bool:
            arrived.set()
            go_on.wait(PATIENCE)
            return False

        self.vendors.listener = listen
        process = self.start(*arguments)
        try:
            assert arrived.wait(PATIENCE)
            yield process
        finally:
            self.vendors.listener = None
            go_on.set()

    def modes(self) -> dict[str, int]:
        """Modes of all files that rapproche made, by path."""
        made = [path for path in self.folder.rglob("*") if path.is_file()]
        made += [path for path in (self.folder.parent / "cache").rglob("*") if path.is_file()]
        return {
            str(path): path.stat().st_mode & 0o777
            for path in made
            if path.parent.name != "declarations"
        }

    def rows(self, sql: str) -> Rows:
        """The rows of a query over the published file."""
        with read_published(self.places.published) as warehouse:
            return warehouse.rows(sql)

    def state(self) -> State:
        """What stands at the vendors and in the warehouse, without ids and instants of a run."""
        mails = sorted(path.name for path in (self.folder / "outbox-mail").iterdir())
        stored = {name: sorted(map(str, self.rows(sql))) for name, sql in STANDS.items()}
        return _of_vendors(self.vendors) | {"mails": mails} | stored


def ended(process: subprocess.Popen[str]) -> Ended:
    """Waits for a command."""
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


@contextmanager
def opened(folder: Path, *, live: bool = False) -> Iterator[Office]:
    """An office with vendors that listen."""
    vendors, data = Vendors(live=live), folder / "data"
    vendors.world.write_declarations(data / "declarations")
    with serving(vendors) as root:
        told = {
            name: str(value).replace("http://127.0.0.1/", f"{root}/")
            for name, value in reach(vendors, data).items()
        }
        told |= {"RAPPROCHE_RETRY_BASE": "0", "RAPPROCHE_RUN_LOCK_WAIT": "0"}
        yield Office(data, vendors, _machine(folder) | told)


@contextmanager
def somebody_reads(office: Office) -> Iterator[list[str]]:
    """A person reads the published file meanwhile; afterwards: what was wrong, and how often."""
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, READING, office.places.published],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield said
        finally:
            said += process.communicate("enough\n", timeout=PATIENCE)[0].splitlines()


def _machine(folder: Path) -> dict[str, str]:
    """This machine's environment without what is set for rapproche on it."""
    ours = (*OUR_PREFIXES, "PREFECT_", *Settings.model_fields)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    alone = {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")}
    return kept | alone | {"PREFECT_HOME": str(folder / "prefect"), "COLUMNS": "120"}


STANDS = {
    "outbox": "SELECT kind, natural_key, state FROM ops.outbox",
    "clients": "SELECT * EXCLUDE (run_id, decided_at) FROM recon.cra_matches",
    # What others had consumed before, and whether a bill was registered already, is told as of the
    # look that settled it: another one where a run was killed between two bills.
    "suppliers": "SELECT * EXCLUDE (run_id, decided_at, explanation, already_matched_qty,"
    " already_consumed_qty) FROM recon.po_matches",
    "holds": "SELECT * EXCLUDE (run_id) FROM recon.holds",
    "breaks": "SELECT break_id, kind, code, subject_id, period, owner, amount_at_stake, status"
    " FROM recon.breaks",
    "consumed": "SELECT * EXCLUDE (run_id) FROM recon.receipt_consumption",
    "billed": "SELECT * EXCLUDE (invoice_id, billed_at) FROM recon.billing_ledger",
    "proposed": "SELECT reference, total_excl_tax, total_tax, status FROM recon.invoice_proposals",
    "read": "SELECT source, stream, complete, rows FROM ops.sync_state",
    "quarantine": "SELECT source, stream, id FROM ops.quarantine WHERE resolved_at IS NULL",
    "invoices": "SELECT reference, status, total_excl_tax FROM core.client_invoices",
    "registered": "SELECT reference, supplier_id, status FROM core.supplier_invoices",
    "cras": "SELECT id, status FROM core.cras",
    "bills": "SELECT id, status FROM core.bills",
}


def _of_vendors(vendors: Vendors) -> State:
    said = vendors.answer(httpx.Request("GET", "http://127.0.0.1/_sandbox/state")).json()
    return {
        "written": sorted(write["kind"] for write in said["writes"]),
        "cras there": said["cras"],
        "bills there": said["bills"],
    } | {
        f"{name} there": sorted(
            str({key: value for key, value in row.items() if key not in GIVEN})
            for row in said[name]
        )
        for name in ("client_invoices", "supplier_invoices")
    }
