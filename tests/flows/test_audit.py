"""Who did what, when, before and after (properties P19 and P20)."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.engine import audit
from flows.engine.audit import Period
from store import decisions, outbox
from store.warehouse import Places, Warehouse
from tests.flows.audited import ADA, ALL_TIME, DAY_ONE, STREAMS, serve
from tests.flows.house import House


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A migrated working file; each example rolls back what it wrote."""
    with Warehouse.open(tmp_path_factory.mktemp("audit") / "r.duckdb") as warehouse:
        yield warehouse


@pytest.fixture
def empty(opened: Warehouse) -> Iterator[Warehouse]:
    """That file for one test."""
    opened.execute("BEGIN")
    yield opened
    opened.execute("ROLLBACK")


def _run(warehouse: Warehouse, run_id: str, at: datetime, asked: Any = None) -> None:
    warehouse.execute(
        "INSERT INTO ops.runs SELECT ?, 'nightly', ?, ?, NULL, 'completed', 0, 0, 0, 0, 0, 0, 0, 0",
        [run_id, json.dumps(asked or {}), at],
    )


def test_a_period_without_events_has_the_same_form(empty: Warehouse) -> None:
    """Same columns and types, no rows, no totals."""
    _run(empty, "r1", DAY_ONE)
    nothing = Period(date(1999, 1, 1), date(1999, 1, 2))
    assert audit.events(empty, nothing).schema == audit.events(empty, ALL_TIME).schema
    assert audit.totals(empty, nothing).schema == audit.totals(empty, ALL_TIME).schema
    assert json.loads(audit.as_json(empty, nothing)) == {
        "from": "1999-01-01",
        "to": "1999-01-02",
        "days": "Europe/Paris",
        "events": [],
        "totals": [],
    }


def test_what_changed_is_told_field_by_field(empty: Warehouse) -> None:
    """A version says what differs from the one before, lines included; the first is told whole."""
    _, form = STREAMS["bills"]
    for number, amount in enumerate((10, 12)):
        now = DAY_ONE + timedelta(days=number)
        serve(empty, "bills", [form % {"id": "7", "n": amount, "word": "draft"}], now)
    first, second = audit.events(empty, ALL_TIME).rows(named=True)
    assert (first["what"], first["before"], first["amount"]) == ("new", None, Decimal(10))
    assert json.loads(first["after"])["status"] == "draft"
    assert (second["who"], second["what"], second["id"]) == ("bill", "changed", "7")
    assert second["before"] == "amount: 10; lineItems[0].amount: 10"
    assert second["after"] == "amount: 12; lineItems[0].amount: 12"


def test_a_decision_is_told_with_what_it_replaced(empty: Warehouse) -> None:
    """An approved break says who, where, why, up to which amount, and the status before."""
    rows = [("d1", "review", "rapproche", None, 0), ("d2", "approved", "person", "d1", 1)]
    for id_, outcome, by, over, hours in rows:
        empty.execute(
            "INSERT INTO recon.decisions (decision_id, subject, subject_id, outcome, inputs,"
            " policy, decided_by, supersedes, decided_at) VALUES (?, 'bill', 'bill/1/1', ?, '{}',"
            " '{}', ?, ?, ?)",
            [id_, outcome, by, over, DAY_ONE + timedelta(hours=hours)],
        )
    empty.execute(
        "INSERT INTO ops.approvals VALUES (NULL, 'bill/1/1', 'approved', 100, 'Ada', 'ada',"
        " 'desk', 'checked', ?)",
        [DAY_ONE + timedelta(hours=1)],
    )
    decided, approved = audit.events(empty, ALL_TIME).rows(named=True)
    assert (decided["who"], decided["what"], decided["after"]) == ("rapproche", "decided", "review")
    assert (approved["who"], approved["before"]) == ("Ada (ada@desk)", "review")
    assert (approved["amount"], approved["why"]) == (Decimal(100), "checked")


def test_every_state_of_a_command_is_told(empty: Warehouse) -> None:
    """Planned by rapproche, approved by a person, sent and done: each with its instant and run."""
    command = {
        "command_id": "c1",
        "kind": "boond.invoice.create",
        "target": "INV-1",
        "natural_key": "INV-1",
        "subject_id": "invoice/1",
        "payload": '{"total_excl_tax": "500.00", "currency": "EUR"}',
        "depends_on": [],
        "state": "awaiting_approval",
        "attempts": 0,
        "planned_at": DAY_ONE,
    }
    hour = timedelta(hours=1)
    for number in range(3):
        _run(empty, f"r{number}", DAY_ONE + number * 2 * hour)
    outbox.put(empty, pl.DataFrame([command], infer_schema_length=1), "r0", DAY_ONE)
    waiting = decisions.command_named(empty, "c1")
    assert waiting
    decisions.decide_command(empty, waiting, "approved", ADA, DAY_ONE + 2 * hour)
    outbox.mark(empty, "c1", "r2", DAY_ONE + 4 * hour, state="sending", attempts=1)
    outbox.mark(empty, "c1", "r2", DAY_ONE + 5 * hour, state="done", vendor_id="9")
    told = audit.events(empty, ALL_TIME).filter(pl.col("kind") == "boond.invoice.create")
    assert told.select("who", "run_id", "before", "after", "amount").rows() == [
        ("rapproche", "r0", None, "awaiting_approval", Decimal(500)),
        ("Ada (ada@desk)", "r1", "awaiting_approval", "approved", Decimal(500)),
        ("rapproche", "r2", "approved", "sending", Decimal(500)),
        ("rapproche", "r2", "sending", "done", Decimal(500)),
    ]


def test_a_command_that_is_planned_anew_keeps_its_first_planning(empty: Warehouse) -> None:
    """Each planning has its own instant, whenever its run began."""
    hour = timedelta(hours=1)
    command = {
        "command_id": "c1",
        "kind": "boond.cra.validate",
        "target": "1",
        "natural_key": "1",
        "subject_id": "cra/1",
        "payload": "{}",
        "depends_on": [],
        "state": "planned",
        "attempts": 0,
        "planned_at": DAY_ONE + hour,
    }
    _run(empty, "r0", DAY_ONE)
    outbox.put(empty, pl.DataFrame([command], infer_schema_length=1), "r0", DAY_ONE + hour)
    again = command | {"planned_at": DAY_ONE + 30 * hour}
    _run(empty, "r1", DAY_ONE + 29 * hour)
    outbox.put(empty, pl.DataFrame([again], infer_schema_length=1), "r1", DAY_ONE + 30 * hour)
    told = audit.events(empty, ALL_TIME).filter(pl.col("kind") == "boond.cra.validate")
    assert told["happened_at"].to_list() == [DAY_ONE + hour, DAY_ONE + 30 * hour]


def test_a_policy_that_changed_between_runs_is_told(empty: Warehouse) -> None:
    """The first run says the policy, the next ones only what differs."""
    for number, limit in enumerate(("5", "5", "7")):
        asked = {"os_user": "u", "host": "h", "policy": {"billing": {"gap_days": limit}}}
        _run(empty, f"r{number}", DAY_ONE + timedelta(days=number), asked)
    told = audit.events(empty, ALL_TIME).filter(pl.col("what") == "policy")
    assert told.select("run_id", "before", "after").rows()[1:] == [
        ("r2", "billing.gap_days: 5", "billing.gap_days: 7")
    ]
    assert told.height == 2


def test_the_first_hour_after_midnight_in_paris_is_of_the_new_day(empty: Warehouse) -> None:
    """Days are those of Paris: 23:30 UTC on 28 March is the 29th there."""
    for number, at in enumerate((DAY_ONE, DAY_ONE + timedelta(hours=1))):
        _run(empty, f"r{number}", at)
    days = (date(2026, 3, 28), date(2026, 3, 29))
    found = [audit.events(empty, Period(day, day))["id"].to_list() for day in days]
    assert found == [["r0"], ["r1"]]


def test_names_reach_neither_terminal_nor_spreadsheet_as_commands(empty: Warehouse) -> None:
    """Escape sequences are made visible; a cell that begins as a formula begins with a quote."""
    who = ADA | {"run_id": "r", "decided_by": "=cmd|' /C calc'!A0", "reason": "\x1b[2Jgone"}
    decisions.link_party(empty, "v1", "s1", who, DAY_ONE)
    events, _ = audit.tables(empty, ALL_TIME, 10)
    assert "\x1b" not in "".join(map(str, events.rows.row(0)))
    [row] = csv.DictReader(io.StringIO(audit.as_csv(empty, ALL_TIME)))
    assert row["who"].startswith("'=cmd")


@pytest.mark.nights
def test_the_audit_of_a_night_ties_to_it(planned: House) -> None:
    """Commands done, and their euros, are those of the outbox; no Prefect, under a second."""
    planned.nightly(apply=True)
    with Warehouse.open(_copy(planned)) as warehouse:
        told = json.loads(audit.as_json(warehouse, ALL_TIME))
        done = warehouse.rows(
            "SELECT kind, count(*), sum((payload->>'total_excl_tax')::DECIMAL(18,4))"
            " FROM ops.outbox WHERE state = 'done' GROUP BY kind ORDER BY kind"
        )
    found = [t for t in told["totals"] if t["what"] == "command done"]
    assert [(t["kind"], t["events"], t["amount"] and Decimal(t["amount"])) for t in found] == done
    assert {"new", "changed", "decided", "run", "call", "policy"} <= {
        event["what"] for event in told["events"]
    }
    assert told["days"] == "Europe/Paris"


def _copy(house: House) -> Path:
    """The published file of a house, to be opened alone."""
    published = house.settings.WAREHOUSE_PATH.with_name("copy.duckdb")
    shutil.copyfile(house.settings.WAREHOUSE_PATH, Places(published).working)
    return published
