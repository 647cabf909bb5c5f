"""What must be equal to a fault-free run in the end, and what no run may ever do.

Equal to the fault-free run of the same story: client invoices and registrations with their lines
and sums (their ids and the days on which they were made may differ: a faulty night makes them
later), statuses of CRAs and bills, mails to clients and consultants (each once; a mail whose
sending was cut may come twice, and the outbox says so), the rows of `recon` as they stand without
run ids and instants, the last decision on each row, open breaks, commands that stand in the outbox
with their states, streams read complete. What stood before a bill (`already_…`) may be in another
order: one that was flagged before a kill stands before an older one that was not, and both have
room in their order, or the first look had flagged neither. `core` is compared with what the vendors
hold. Where facts changed between faulty runs (`exact=False`) what was billed is the same in sum
only: a night that saw both facts bills once what two nights bill in two invoices.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from flows.engine.deliver import TWICE
from sandbox.bill_gateway import Login
from sandbox.boond_live_wire import LiveCredentials
from sandbox.boond_v3 import Credentials
from sandbox.world import World
from store.warehouse import Places, Warehouse

if TYPE_CHECKING:
    from tests.simulation.books import Books

LEFT_OUT = "run_id, decided_at, billed_at, invoice_id, first_seen_at, last_seen_at, times_seen"
TABLES = {
    "cra_matches": "recon.cra_matches",
    # The sentence of a bill that was registered in another night than it was flagged says so.
    "po_matches": "(FROM recon.po_matches SELECT * EXCLUDE (run_id, decided_at, explanation,"
    " already_matched_qty, already_consumed_qty))",
    "holds": "recon.holds",
    "receipt_consumption": "recon.receipt_consumption",
    "billing_ledger": "recon.billing_ledger",
    "billing_deadlines": "recon.billing_deadlines",
    "activity_alerts": "recon.activity_alerts",
    "drafts": "recon.drafts",
    "open breaks": "(FROM recon.breaks SELECT break_id, code, status, amount_at_stake"
    " WHERE status <> 'closed')",
    "decisions": "(FROM recon.decisions d SELECT subject, subject_id, outcome WHERE NOT EXISTS"
    " (FROM recon.decisions n WHERE n.supersedes = d.decision_id))",
    "commands": "(FROM ops.outbox SELECT kind, target, command_id, state, CASE WHEN last_error"
    f" <> '{TWICE}' THEN last_error END WHERE state <> 'cancelled')",
    "streams": "(FROM ops.sync_state SELECT source, stream, complete, rows)",
    "quarantine": "(FROM ops.quarantine SELECT source, stream, id WHERE resolved_at IS NULL)",
}
BY_STORY = {"billing_ledger", "commands", "decisions"}
"""Tables that tell how things came about, and so differ where facts changed between faulty runs."""
CORE = {
    "cras": ("cras", "id, status, total_days", lambda r: (r.id, r.status, r.total_days)),
    "client invoices": (
        "client_invoices",
        "id, reference, total_excl_tax, status",
        lambda r: (r.id, r.reference, r.net, r.status),
    ),
    "supplier invoices": (
        "supplier_invoices",
        "id, reference, total_excl_tax, status",
        lambda r: (r.id, r.reference, r.net, r.status),
    ),
    "bills": (
        "bills",
        "id, invoice_number, amount, status",
        lambda r: (r.id, r.number, r.amount, r.status),
    ),
    "orders": ("purchase_orders", "id, status", lambda r: (r.id, r.status)),
    "consultants": ("consultants", "id", lambda r: (r.id,)),
    "contracts": ("contracts", "id", lambda r: (r.id,)),
}
"""Name in the world → table of core, its columns, the same of the vendor's record."""


CONFIGURATION = 2
_connect = duckdb.connect


@dataclass
class Stand:
    """How things stand after a run: the machine's folder, and what stands beside it."""

    folder: Path
    books: "Books"

    @property
    def world(self) -> World:
        """The vendors' books."""
        return self.books.world


@dataclass
class Found:
    """What vendors, mail server and warehouse hold."""

    vendors: dict[str, Any]
    tables: dict[str, Counter[str]]
    mails: Counter[str]
    repeated: set[str] = field(default_factory=set)
    exit_code: int | None = None


@cache
def _reader() -> Any:
    """One DuckDB for all readings: to start one takes as long as ten queries."""
    connection = _connect()
    connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
    return connection


@contextmanager
def _published(folder: Path) -> Iterator[Warehouse]:
    """The published file, as a reader opens it."""
    file, connection = folder / "rapproche.duckdb", _reader()
    connection.execute(f"ATTACH '{file}' AS read_only (READ_ONLY)")
    try:
        connection.execute("USE read_only")
        yield Warehouse(connection, Places(file))
    finally:
        connection.execute("USE memory")
        connection.execute("DETACH read_only")


def awaiting(folder: Path) -> list[str]:
    """Commands that wait for a person, and validated reports with other days than declared."""
    if not (folder / "rapproche.duckdb").exists():
        return []
    with _published(folder) as warehouse:
        sql = (
            "SELECT command_id FROM ops.outbox WHERE state = 'awaiting_approval' UNION ALL"
            " SELECT break_id FROM recon.breaks WHERE code = 'VALIDATED_CRA_DIFFERS'"
            " AND status = 'open' ORDER BY 1"
        )
        return [row[0] for row in warehouse.rows(sql)]


def find(stand: Stand) -> Found:
    """What is there now."""
    with _published(stand.folder) as warehouse:
        tables = {name: _rows(warehouse, table) for name, table in TABLES.items()}
        said = "SELECT command_id FROM ops.outbox WHERE last_error = ?"
        repeated = {row[0] for row in warehouse.rows(said, [TWICE])}
        tables["core"] = _core(warehouse, stand.world)
    return Found(
        vendors=_vendors(stand.world),
        tables=tables,
        mails=Counter(stand.books.delivered),
        repeated=repeated,
        exit_code=stand.books.outcome.exit_code if stand.books.outcome else None,
    )


def _rows(warehouse: Warehouse, table: str) -> Counter[str]:
    columns = warehouse.columns(table) if table.startswith("recon.") else []
    left_out = [name for name in columns if name in LEFT_OUT.split(", ")]
    chosen = f"* EXCLUDE ({', '.join(left_out)})" if left_out else "*"
    rows = warehouse.rows(f"SELECT t::VARCHAR FROM (SELECT {chosen} FROM {table}) t")
    return Counter(row[0] for row in rows)


def _core(warehouse: Warehouse, world: World) -> Counter[str]:
    """Rows of core that are not as the vendor has them, and those that it has and core has not."""
    wrong: Counter[str] = Counter()
    tables = {
        "cras": world.cras,
        "client invoices": world.client_invoices,
        "supplier invoices": world.supplier_invoices,
        "bills": world.bills,
        "orders": world.orders,
        "consultants": world.consultants,
        "contracts": world.contracts,
    }
    for name, records in tables.items():
        table, columns, seen_as = CORE[name]
        sql = f"SELECT {columns} FROM core.{table} WHERE deleted_at IS NULL"
        ours = {tuple(map(_plain, row)) for row in warehouse.rows(sql)}
        theirs = {tuple(map(_plain, seen_as(record))) for record in records.values()}
        theirs = set(map(_told, theirs)) if world.portable else theirs
        wrong.update(f"{name}: {row}" for row in ours ^ theirs)
    return wrong


def _told(row: tuple[str, ...]) -> tuple[str, ...]:
    """A row as production dialects tell it: one word for a report that was sent back."""
    return tuple("rejected" if word == "invalidated" else word for word in row)


def _plain(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _vendors(world: World) -> dict[str, Any]:
    return {
        "client invoices": sorted(
            (i.reference, i.client_id, i.contract_id, *_sums(i), i.currency, i.status)
            for i in world.client_invoices.values()
        ),
        "supplier invoices": sorted(
            (i.supplier_id, i.reference, str(i.order_id), *_sums(i), i.status)
            for i in world.supplier_invoices.values()
        ),
        "cras": sorted((c.id, c.status, _plain(c.total_days)) for c in world.cras.values()),
        "bills": sorted((b.id, b.status, _plain(b.amount)) for b in world.bills.values()),
        "billed": _billed(world),
    }


def _sums(invoice: Any) -> tuple[str, ...]:
    lines = [(x.description, x.quantity, x.unit_price, x.total) for x in invoice.lines]
    said = [" ".join(map(_plain, line)) for line in sorted(lines, key=str)]
    totals = (invoice.net, invoice.tax, invoice.gross)
    return (*said, *(_plain(total) for total in totals))


def _billed(world: World) -> list[tuple[str, ...]]:
    """Days and euros by contract and line, over all invoices."""
    days: dict[tuple[str, str], Decimal] = {}
    euros: dict[tuple[str, str], Decimal] = {}
    for invoice in world.client_invoices.values():
        for line in invoice.lines:
            key = invoice.contract_id, line.description
            days[key] = days.get(key, Decimal(0)) + line.quantity
            euros[key] = euros.get(key, Decimal(0)) + line.total
    return sorted((*key, _plain(days[key]), _plain(euros[key])) for key in days if days[key])


def compare(found: Found, reference: Found, stand: Stand, *, exact: bool) -> list[str]:
    """What is not as after the fault-free run."""
    broken: list[str] = []
    for name, wanted in reference.vendors.items():
        if exact or name != "client invoices":
            broken += _differences(name, found.vendors[name], wanted)
    for name, rows in reference.tables.items():
        if exact or name not in BY_STORY:
            broken += _differences(name, found.tables[name].elements(), rows.elements())
    if exact:
        broken += _differences("mails", set(found.mails), set(reference.mails))
    return broken + _repeated(found, stand.books)


def _repeated(found: Found, books: "Books") -> list[str]:
    """Mails that came more often than they may."""
    cut = books.kills or books.struck["cut-acted"]
    most = 2 if cut else 1
    broken = [f"mail {i} came {n} times" for i, n in found.mails.items() if n > most]
    silent = {i for i, n in found.mails.items() if n > 1} - found.repeated
    return broken + [f"mail {i} came twice and the outbox does not say so" for i in silent]


def _differences(name: str, found: Iterable[Any], wanted: Iterable[Any]) -> list[str]:
    have, want = Counter(found), Counter(wanted)
    return [f"{name}: too much: {row}" for row in (have - want).elements()] + [
        f"{name}: missing: {row}" for row in (want - have).elements()
    ]


def invariants(stand: Stand) -> list[str]:
    """What no run may leave behind, faulty or not."""
    broken = _of_vendors(stand.world)
    if not (stand.folder / "rapproche.duckdb").exists():
        return broken + (["nothing was published"] if stand.books.outcome else [])
    try:
        with _published(stand.folder) as warehouse:
            broken += _of_warehouse(warehouse, stand)
    except duckdb.Error as error:
        broken.append(f"the published file cannot be read: {error}")
    return broken


def _of_vendors(world: World) -> list[str]:
    broken = []
    references = Counter(i.reference for i in world.client_invoices.values())
    broken += [f"invoice {r} stands {n} times" for r, n in references.items() if n > 1]
    numbers = Counter(
        (i.supplier_id, i.reference)
        for i in world.supplier_invoices.values()
        if i.status != "cancelled"
    )
    broken += [f"bill {k} is registered {n} times" for k, n in numbers.items() if n > 1]
    allowed = {b.number for b in world.bills.values() if b.id not in world.unpaid}
    flagged = {i.reference for i in world.supplier_invoices.values() if i.status.startswith("flag")}
    return broken + [f"{number} is flagged and may not be paid" for number in flagged - allowed]


def _of_warehouse(warehouse: Warehouse, stand: Stand) -> list[str]:
    outcome = stand.books.outcome
    running = warehouse.rows("SELECT run_id FROM ops.runs WHERE state = 'running'")
    broken = [f"{row[0]} is left running in what was published" for row in running]
    if outcome is None:
        return broken
    newest = warehouse.rows("SELECT max(run_id) FROM ops.runs")[0][0]
    if newest != f"run-{stand.books.runs:08}" and outcome.exit_code != CONFIGURATION:
        broken.append(f"the run that ended was not published, but {newest}")
    # Who decides reads and sends nothing.
    if outcome.exit_code == 0 and not stand.books.exits[-1].startswith("decide"):
        broken += _left_undone(warehouse)
    return broken + _secrets(warehouse)


def _left_undone(warehouse: Warehouse) -> list[str]:
    commands = warehouse.rows(
        "SELECT kind, target, state FROM ops.outbox WHERE state IN ('sending', 'unknown')"
        " OR (state = 'refused' AND run_id = (SELECT max(run_id) FROM ops.runs))"
    )
    streams = warehouse.rows("SELECT source, stream FROM ops.sync_state WHERE NOT complete")
    waiting = warehouse.rows("SELECT source, id FROM ops.quarantine WHERE resolved_at IS NULL")
    return [f"exit code 0 with {row} undone" for row in (*commands, *streams, *waiting)]


@cache
def _known_secrets() -> list[str]:
    boond, bill, live = Credentials(), Login(), LiveCredentials()
    ours = [live.user_token, live.client_token, live.client_key, live.basic_password]
    theirs = ["boond-access-", "bill-session-"]
    return [boond.client_secret, bill.password, bill.dev_key, *ours, *theirs]


def _secrets(warehouse: Warehouse) -> list[str]:
    tables = ("ops.runs", "ops.outbox", "ops.outbox_history", "ops.api_calls", "ops.quarantine")
    holds = "list_bool_or([contains(t::VARCHAR, s) FOR s IN $1])"
    each = [f"SELECT '{table}' FROM {table} t WHERE {holds}" for table in tables]
    found = warehouse.rows(" UNION ".join(each), [_known_secrets()])
    return [f"{row[0]} holds a secret" for row in found]
