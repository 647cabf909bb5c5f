"""Which bills are settled, and which supplier invoice a flag is for."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from store import findings, outbox
from store.warehouse import Warehouse

NOW = datetime(2026, 11, 3, tzinfo=UTC)
REGISTER = "boond.supplier_invoice.register"
FLAG = "boond.supplier_invoice.flag"


def _insert(warehouse: Warehouse, table: str, **row: Any) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    warehouse.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def _bill(warehouse: Warehouse, status: str, *commands: tuple[str, str], id_: str = "B1") -> None:
    _insert(
        warehouse, "core.bills", id=id_, invoice_number="F-1", vendor_id="V1", amount=9000,
        invoice_date=date(2026, 11, 1), status=status, incomplete_fields=[], run_id="r",
    )  # fmt: skip
    _insert(
        warehouse, "recon.po_matches", break_id=f"bill/{id_}/1", bill_id=id_, bill_line=1,
        vendor_id="V1", supplier_id="S1", period="2026-11", currency="EUR", status="matched",
        holds=[], invoiced_amount=9000, accepted_amount=9000, explanation="", action="",
        run_id="r", decided_at=NOW,
    )  # fmt: skip
    for kind, state in commands:
        _insert(
            warehouse, "ops.outbox", command_id=kind, kind=kind, target="S1|F-1",
            natural_key=kind, subject_id=f"bill/{id_}", payload="{}", depends_on=[], state=state,
            attempts=0, planned_at=NOW, run_id="r",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "commands", "ended"),
    [
        ("paid", [(REGISTER, "done")], True),
        ("paid", [(REGISTER, "approved")], False),
        ("approved", [(REGISTER, "done")], False),
        ("approved", [(REGISTER, "done"), (FLAG, "unknown")], False),
        ("approved", [(REGISTER, "done"), (FLAG, "done")], True),
    ],
)
def test_a_bill_has_ended_when_all_that_it_asks_for_is_done(
    warehouse: Warehouse, status: str, commands: list[tuple[str, str]], ended: bool
) -> None:
    """A registration that a kill kept back is still asked for, also of a paid bill."""
    _bill(warehouse, status, *commands)
    assert findings.settled_bills(warehouse) == {"B1": ended}


def test_a_bill_id_may_hold_a_slash(warehouse: Warehouse) -> None:
    """The subject of a command names the whole id."""
    _bill(warehouse, "approved", (FLAG, "done"), id_="2026/11")
    assert findings.settled_bills(warehouse) == {"2026/11": True}


def _invoice(warehouse: Warehouse, id_: str, supplier: str, number: str) -> None:
    _insert(
        warehouse, "core.supplier_invoices", id=id_, supplier_id=supplier, reference=number,
        status="registered", run_id="r",
    )  # fmt: skip


def test_a_flag_finds_the_supplier_s_own_number(warehouse: Warehouse) -> None:
    """Ids of suppliers are compared as they are; the very number comes before one alike."""
    _invoice(warehouse, "1", "s1", "F-1")
    assert outbox.registered(warehouse, "S1|F-1") is None
    _invoice(warehouse, "2", "S1", "f1")
    assert outbox.registered(warehouse, "S1|F-1") == "2"
    _invoice(warehouse, "3", "S1", "F-1")
    assert outbox.registered(warehouse, "S1|F-1") == "3"
