"""What people decided, kept with who, when, where and why."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import polars as pl

from store.outbox import keep_history
from store.warehouse import Warehouse


def decide(
    warehouse: Warehouse,
    command_id: str,
    decision: str,
    who: Mapping[str, str],
    now: datetime,
    *,
    amount: Decimal | None = None,
) -> None:
    """Keeps a decision on a command and moves the command accordingly.

    Args:
        warehouse: the open working file, inside a transaction.
        command_id: a command that waits; its first characters are enough when no other has them.
        decision: approved or rejected.
        who: decided_by, os_user, host, reason.
        now: when.
        amount: up to which amount it was approved.

    Raises:
        LookupError: no such command, or one that waits for nobody.
    """
    rows = warehouse.rows(
        "SELECT command_id, state, subject_id FROM ops.outbox WHERE starts_with(command_id, ?)",
        [command_id],
    )
    if len(rows) != 1:
        raise LookupError(
            f"{command_id} names {len(rows) or 'no'} commands; see `rapproche outbox`"
        )
    found, state, subject = rows[0]
    if state not in {"planned", "awaiting_approval", "approved"}:
        raise LookupError(f"{found} is {state} already; nothing is left to decide")
    keep_history(warehouse, pl.Series("command_id", [found]), now)
    _append(
        warehouse,
        "ops.approvals",
        {"command_id": found, "break_id": subject, "amount": amount}
        | {"decision": decision, "decided_at": now, **who},
    )
    approved = decision == "approved"
    said = None if approved else f"rejected by {who['decided_by']}: {who['reason']}"
    warehouse.execute(
        "UPDATE ops.outbox SET state = ?, last_error = ?, settled_at = ? WHERE command_id = ?",
        ["approved" if approved else "cancelled", said, None if approved else now, found],
    )


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


def link_party(
    warehouse: Warehouse, vendor_id: str, supplier_id: str, who: Mapping[str, str], now: datetime
) -> None:
    """Keeps a person's word on which supplier a vendor is; it replaces their earlier word."""
    warehouse.execute("DELETE FROM core.party_links WHERE vendor_id = ?", [vendor_id])
    link = {"vendor_id": vendor_id, "supplier_id": supplier_id}
    times = {"method": "person", "decided_at": now, "updated_at": now}
    _append(warehouse, "core.party_links", link | times | dict(who))


def _append(warehouse: Warehouse, table: str, row: Mapping[str, object]) -> None:
    names, marks = ", ".join(row), ", ".join("?" for _ in row)
    warehouse.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
