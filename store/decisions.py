"""What people decided, kept with who, when, where and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl

from store import history
from store.outbox import keep_history
from store.warehouse import Warehouse

_NAMED = """
    WITH asked AS (SELECT ?::VARCHAR AS name), close AS (
        SELECT b.*, CASE
            WHEN b.break_id = name OR (b.kind = 'bill' AND 'bill/' || b.subject_id = name) THEN 0
            WHEN starts_with(b.break_id, name || '/') THEN 1
            ELSE 2 END AS distance
        FROM recon.breaks b, asked
        WHERE starts_with(b.break_id, name)
            OR (b.kind = 'bill' AND 'bill/' || b.subject_id = name)
    ), meant AS (
        SELECT * FROM close WHERE distance = (SELECT min(distance) FROM close)
    ), lines AS (
        SELECT b.* FROM recon.breaks b SEMI JOIN meant m
            ON b.break_id = m.break_id OR (starts_with(m.break_id, 'bill/')
                AND starts_with(b.break_id, 'bill/') AND b.subject_id = m.subject_id)
    ), codes AS (
        SELECT break_id, list(DISTINCT code ORDER BY code) AS codes FROM (
            SELECT break_id, code FROM recon.holds
            UNION ALL SELECT break_id, outcome FROM recon.cra_matches
                WHERE outcome = 'not_checked'
            UNION ALL SELECT break_id, status FROM recon.po_matches WHERE status = 'not_checked'
        ) GROUP BY break_id
    ), bills AS (
        SELECT bill_id, sum(invoiced_amount)::DECIMAL(18,4) AS invoiced_amount
        FROM recon.po_matches GROUP BY bill_id
    ), last AS (
        SELECT * FROM recon.decisions WHERE decided_by = 'rapproche'
        QUALIFY row_number() OVER (PARTITION BY subject_id ORDER BY rowid DESC) = 1
    ), said AS (
        SELECT subject_id, arg_max(outcome, rowid) AS outcome,
            arg_max(fingerprint, rowid) AS fingerprint
        FROM recon.decisions WHERE decided_by = 'person' GROUP BY ALL
    ), newest AS (
        SELECT subject_id, decision_id FROM recon.decisions d WHERE NOT EXISTS (
            SELECT 1 FROM recon.decisions n WHERE n.supersedes = d.decision_id)
    )
    SELECT l.break_id, l.kind, l.subject_id, l.status, l.closing_fact,
        coalesce(c.codes, []) AS codes, b.invoiced_amount, d.fingerprint, n.decision_id,
        coalesce(d.subject, l.kind) AS subject, d.decided_at,
        coalesce(s.outcome = 'rejected' AND s.fingerprint = d.fingerprint, false) AS rejected
    FROM lines l
    LEFT JOIN codes c USING (break_id)
    LEFT JOIN bills b ON b.bill_id = l.subject_id AND starts_with(l.break_id, 'bill/')
    LEFT JOIN last d ON d.subject_id = l.break_id
    LEFT JOIN newest n ON n.subject_id = l.break_id
    LEFT JOIN said s ON s.subject_id = l.break_id
    ORDER BY l.break_id
"""


@dataclass(frozen=True)
class Waiting:
    """A command that a person may decide on.

    Attributes:
        planned_at: when it was planned as it stands.
    """

    command_id: str
    subject_id: str
    planned_at: datetime


def command_named(warehouse: Warehouse, name: str) -> Waiting | None:
    """The command that a name means; its first characters are enough when no other has them.

    Raises:
        LookupError: several commands begin so, or it waits for nobody.
    """
    rows = warehouse.rows(
        "SELECT command_id, state, subject_id, planned_at FROM ops.outbox"
        " WHERE starts_with(command_id, ?)",
        [name],
    )
    if not rows:
        return None
    if len(rows) > 1:
        raise LookupError(f"{name} names {len(rows)} commands; see `rapproche outbox`")
    [(command_id, state, subject_id, planned_at)] = rows
    if state not in {"planned", "awaiting_approval", "approved"}:
        raise LookupError(f"{command_id} is {state} already; nothing is left to decide")
    return Waiting(command_id, subject_id, planned_at)


def breaks_named(warehouse: Warehouse, name: str) -> pl.DataFrame:
    """The breaks that a name means, with what a decision on them has to know.

    A name is a break's id, the beginning of one, or `bill/ID`: all lines of a bill. A decision on
    one line is one on its bill, since a bill is paid as a whole.

    Returns:
        `break_id`, `kind`, `subject_id`, `status`, `closing_fact`, `codes` (of all holds, and
        `not_checked`), `invoiced_amount` (of the whole bill, else null), `fingerprint`,
        `decision_id`, `subject` and `decided_at` (of the last decision), `rejected` (by a person,
        and the facts are still those); sorted by id.
    """
    return warehouse.frame(_NAMED, [name])


def nearest_ids(warehouse: Warehouse) -> list[str]:
    """Ids that can be decided on: open and overridden breaks, and commands that wait."""
    rows = warehouse.rows(
        "SELECT break_id FROM recon.breaks WHERE status <> 'closed' UNION ALL SELECT command_id"
        " FROM ops.outbox WHERE state IN ('planned', 'awaiting_approval', 'approved')"
    )
    return [row[0] for row in rows]


def decide_command(
    warehouse: Warehouse,
    command: Waiting,
    decision: str,
    who: Mapping[str, str],
    now: datetime,
    *,
    amount: Decimal | None = None,
) -> None:
    """Keeps a decision on a command and moves the command accordingly.

    Args:
        warehouse: the open working file, inside a transaction.
        command: the command.
        decision: approved or rejected.
        who: decided_by, os_user, host, reason.
        now: when.
        amount: up to which amount it was approved.
    """
    found = command.command_id
    keep_history(warehouse, pl.Series("command_id", [found]), now)
    _append(
        warehouse,
        "ops.approvals",
        {"command_id": found, "break_id": command.subject_id, "amount": amount}
        | {"decision": decision, "decided_at": now, **who},
    )
    approved = decision == "approved"
    said = None if approved else f"rejected by {who['decided_by']}: {who['reason']}"
    warehouse.execute(
        "UPDATE ops.outbox SET state = ?, last_error = ?, settled_at = ? WHERE command_id = ?",
        ["approved" if approved else "cancelled", said, None if approved else now, found],
    )


def decide_break(
    warehouse: Warehouse,
    break_id: str,
    taken: pl.DataFrame,
    who: Mapping[str, str],
    *,
    amount: Decimal | None = None,
) -> None:
    """Keeps a person's decision on a break; what follows from it is for the next look.

    Args:
        warehouse: the open working file, inside a transaction.
        break_id: the break.
        taken: the decision as one row of `recon.decisions`.
        who: decided_by, os_user, host, reason.
        amount: up to which amount a bill was accepted; all of it without one.
    """
    about = {"break_id": break_id, "amount": amount, **who}
    told = taken.select(decision="outcome", decided_at="decided_at").row(0, named=True)
    _append(warehouse, "ops.approvals", about | told)
    warehouse.insert("recon.decisions", taken)


def to_release(warehouse: Warehouse, subjects: Sequence[str]) -> list[Waiting]:
    """Commands about some breaks that wait for a person, or that a person rejected before."""
    rows = warehouse.rows(
        "SELECT command_id, subject_id, planned_at FROM ops.outbox o"
        " WHERE subject_id IN (SELECT unnest(?::VARCHAR[])) AND (state = 'awaiting_approval'"
        " OR state = 'cancelled' AND 'rejected' = (SELECT arg_max(decision, rowid)"
        " FROM ops.approvals a WHERE a.command_id = o.command_id)) ORDER BY command_id",
        [list(subjects)],
    )
    return [Waiting(*row) for row in rows]


def link_person(
    warehouse: Warehouse,
    client_id: str | None,
    declared_name: str,
    consultant_id: str,
    who: Mapping[str, str],
    now: datetime,
) -> None:
    """Keeps a person's word on whom a declared name means; it replaces their earlier word."""
    warehouse.execute(
        "DELETE FROM core.person_links WHERE declared_name = ?"
        " AND client_id IS NOT DISTINCT FROM ?",
        [declared_name, client_id],
    )
    link = {"client_id": client_id, "declared_name": declared_name, "consultant_id": consultant_id}
    times = {"method": "person", "decided_at": now, "updated_at": now}
    _append(warehouse, "core.person_links", link | times | dict(who))
    history.follow(warehouse, "person_links", history.PERSON_LINKS, now)


def link_party(
    warehouse: Warehouse, vendor_id: str, supplier_id: str, who: Mapping[str, str], now: datetime
) -> None:
    """Keeps a person's word on which supplier a vendor is; it replaces their earlier word."""
    warehouse.execute("DELETE FROM core.party_links WHERE vendor_id = ?", [vendor_id])
    link = {"vendor_id": vendor_id, "supplier_id": supplier_id}
    times = {"method": "person", "decided_at": now, "updated_at": now}
    _append(warehouse, "core.party_links", link | times | dict(who))
    history.follow(warehouse, "party_links", history.PARTY_LINKS, now)


def _append(warehouse: Warehouse, table: str, row: Mapping[str, object]) -> None:
    names, marks = ", ".join(row), ", ".join("?" for _ in row)
    warehouse.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
