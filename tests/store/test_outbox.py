"""Commands that move on together keep what they were, each."""

from datetime import UTC, datetime

import polars as pl

from store import outbox
from store.warehouse import Warehouse
from transforms.commands import OUTBOX

NOW = datetime(2026, 11, 3, tzinfo=UTC)


def _planned(command_id: str) -> dict[str, object]:
    named = dict.fromkeys(("kind", "target", "natural_key", "subject_id"), command_id)
    told = {"payload": "{}", "depends_on": [], "state": "planned", "attempts": 0}
    return named | told | {"command_id": command_id, "planned_at": NOW}


def test_commands_are_approved_together(warehouse: Warehouse) -> None:
    """Those named are approved by this run, with their history; the others stay as they are."""
    rows = pl.DataFrame([_planned(name) for name in "abc"], schema=dict(OUTBOX), orient="row")
    outbox.put(warehouse, rows, "before", NOW)
    outbox.approve(warehouse, ["a", "b"], "this", NOW)
    states = warehouse.rows("SELECT command_id, state, run_id FROM ops.outbox ORDER BY ALL")
    kept = warehouse.rows("SELECT command_id, state, run_id FROM ops.outbox_history ORDER BY ALL")
    assert states[:2] == [("a", "approved", "this"), ("b", "approved", "this")]
    assert states[2:] == [("c", "planned", "before")]
    assert kept == [("a", "planned", "before"), ("b", "planned", "before")]


def test_nothing_to_approve_changes_nothing(warehouse: Warehouse) -> None:
    """No command, no history."""
    outbox.approve(warehouse, [], "this", NOW)
    assert warehouse.rows("SELECT count(*) FROM ops.outbox_history") == [(0,)]
