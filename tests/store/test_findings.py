"""Which months a run looks at."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from store import decisions, findings
from store.warehouse import Warehouse
from transforms.decisions import persons_decision

DAY = datetime.fromisoformat
FIRST, LATER = DAY("2026-11-03T03:00Z"), DAY("2026-11-04T10:00Z")


def ran(warehouse: Warehouse, run_id: str, flow: str, at: datetime, **asked: Any) -> None:
    """A run that ended well."""
    columns = warehouse.columns("ops.runs")
    parameters = json.dumps({"as_of": "2026-11-03"} | asked)
    row = dict.fromkeys(columns, 0) | {"run_id": run_id, "flow": flow, "parameters": parameters}
    state = {"started_at": at, "ended_at": at, "state": "completed"}
    _insert(warehouse, "ops.runs", row | state)


def _insert(warehouse: Warehouse, table: str, row: dict[str, Any]) -> None:
    warehouse.insert(table, pl.DataFrame([row]))


def looked_at(warehouse: Warehouse) -> list[str]:
    """The months, sorted."""
    return sorted(findings.months_to_look_at(warehouse, "nothing: billed", date(2026, 11, 4)))


def matched(warehouse: Warehouse, period: str, action: str) -> None:
    """A matched row of a month."""
    names = ("client_id", "client_name", "consultant_id", "explanation", "run_id")
    row = dict.fromkeys(names, "x") | {"period": period, "action": action, "outcome": "matched"}
    row |= {"break_id": f"cra/{period}", "severity": "info", "cra_ids": ["x"], "holds": ["x"]}
    row["decided_at"] = FIRST
    _insert(warehouse, "recon.cra_matches", row)


def declared(warehouse: Warehouse, id_: str, period: str, name: str) -> None:
    """A declared line, read by the first run, of a month before it."""
    row = {"declaration_id": id_, "line_no": 1, "line_text": "…", "confidence": 1, "client": "A"}
    row |= {"consultant": name, "period": period, "run_id": "r1", "updated_at": FIRST}
    _insert(warehouse, "core.declaration_lines", row)


def test_a_month_with_something_left_to_bill_is_looked_at(warehouse: Warehouse) -> None:
    """Days that wait for their billing date, or for a person, are no open break."""
    matched(warehouse, "2026-07", "wait for billing date")
    matched(warehouse, "2026-06", "nothing: billed")
    assert looked_at(warehouse) == ["2026-07"]


def test_a_look_at_one_month_is_no_look_at_the_others(warehouse: Warehouse) -> None:
    """What was read in between is still to be looked at."""
    ran(warehouse, "r1", "nightly", FIRST)
    ran(warehouse, "r2", "sync", LATER)
    ran(warehouse, "r3", "reconcile", DAY("2026-11-04T11:00Z"), period="2026-09")
    day = {"cra_id": "c", "line_no": 1, "date": date(2026, 7, 3), "duration": 1}
    _insert(warehouse, "core.cra_days", day | {"type_code": "production", "run_id": "r2"})
    assert looked_at(warehouse) == ["2026-07"]


def test_a_look_of_an_earlier_day_is_no_look_at_later_months(warehouse: Warehouse) -> None:
    """It saw only the months before its own."""
    ran(warehouse, "r1", "nightly", FIRST)
    ran(warehouse, "r2", "sync", LATER)
    ran(warehouse, "r3", "reconcile", DAY("2026-11-04T11:00Z"), as_of="2026-03-03")
    day = {"cra_id": "c", "line_no": 1, "date": date(2026, 7, 3), "duration": 1}
    _insert(warehouse, "core.cra_days", day | {"type_code": "production", "run_id": "r2"})
    assert looked_at(warehouse) == ["2026-07"]


def test_the_month_of_a_line_that_nobody_could_read_is_looked_at(warehouse: Warehouse) -> None:
    """While its break is open: a contact added since may tell whose it is."""
    ran(warehouse, "r1", "nightly", FIRST)
    for id_, period, status in (("d", "2026-07", "open"), ("e", "2026-06", "closed")):
        declared(warehouse, id_, period, "Jean Dupont")
        row = {"break_id": f"declaration/{id_}/1", "kind": "declaration", "subject_id": id_}
        row |= {"code": "SENDER_UNKNOWN", "owner": "finance", "status": status, "times_seen": 1}
        _insert(warehouse, "recon.breaks", row | {"first_seen_at": FIRST, "last_seen_at": FIRST})
    assert looked_at(warehouse) == ["2026-07"]


def test_the_months_of_a_name_that_a_person_has_linked_are_looked_at(warehouse: Warehouse) -> None:
    """Also those that are settled: somebody else was meant."""
    ran(warehouse, "r1", "nightly", FIRST)
    declared(warehouse, "d", "2026-07", "DUPONT, Jean-Éric")
    declared(warehouse, "e", "2026-06", "Jean Dupont")
    row = {"declared_name": "jean eric dupont", "consultant_id": "P1", "method": "person"}
    about = {"decided_by": "Ada", "decided_at": LATER, "run_id": "r2"}
    _insert(warehouse, "core.person_links", row | about)
    assert looked_at(warehouse) == ["2026-07"]


def test_a_month_that_no_run_has_looked_at_is(warehouse: Warehouse) -> None:
    """Days declared for it lie there since no run fell into the month after it."""
    ran(warehouse, "r1", "nightly", FIRST)
    line = {"declaration_id": "d", "line_no": 1, "line_text": "…", "confidence": 1}
    for period in ("2026-10", "2026-03"):
        row = line | {"client": "A", "period": period, "run_id": "r1", "updated_at": FIRST}
        _insert(warehouse, "core.declaration_lines", row)
    assert looked_at(warehouse) == ["2026-10"]


def test_the_months_of_an_invoice_that_is_gone_are_looked_at(warehouse: Warehouse) -> None:
    """Those of its lines, and those by its issue date."""
    ran(warehouse, "r1", "nightly", FIRST)
    head = {"id": "i", "reference": "RAP-2026-05-X", "client_id": "C", "status": "sent"}
    head |= {"issue_date": date(2026, 9, 3), "total_excl_tax": 0, "deleted_at": LATER}
    _insert(warehouse, "core.client_invoices", head | {"run_id": "r1"})
    line = {"client_invoice_id": "i", "line_no": 1, "description": "Jean · 2026-05 · P1"}
    _insert(warehouse, "core.client_invoice_lines", line | {"total_excl_tax": 0, "run_id": "r1"})
    assert looked_at(warehouse) == ["2026-05", "2026-08", "2026-09"]


@pytest.mark.parametrize("later", ["2026-11-05", "2026-11-02"])
def test_an_invalidated_cra_is_known_by_the_days_it_reported_then(
    warehouse: Warehouse, later: str
) -> None:
    """Those of the version that the command names, also where our clock was set back since.

    Where its lines name contracts they are told apart; a part that tied was not sent back.
    """
    for at, version, days in (("2026-11-01", 1, 9), ("2026-11-02", 2, 12), (later, 4, 15)):
        reported = {"production_days": f"{days}.5", "updated_at": f"2026-11-0{version}T02:00Z"}
        line = {"part": "CT1", "part_days": f"{days}"}
        cras = [{"cra_id": "70001"} | reported, {"cra_id": "70002"}]
        cras += [{"cra_id": "70001"} | reported | line]
        row = {
            "decision_id": str(days),
            "subject": "cra",
            "subject_id": "cra/2026-10/A",
            "policy": "{}",
        }
        row |= {"inputs": json.dumps({"cras": cras}), "outcome": "over_reported"}
        row |= {"decided_by": "rapproche", "decided_at": DAY(f"{at}T04:00Z")}
        _insert(warehouse, "recon.decisions", row)
        tied = [{"cra_id": "70001"} | reported | {"part": "CT2", "part_days": "1"}]
        row |= {"inputs": json.dumps({"cras": tied}), "outcome": "matched"}
        row |= {"decision_id": f"{days}-2", "subject_id": "cra/2026-10/B"}
        _insert(warehouse, "recon.decisions", row)
    command = {"command_id": "c", "kind": "boond.cra.invalidate", "target": "70001"}
    key = "70001|invalidated|2026-11-02 02:00:00+00|hash"
    command |= {"natural_key": key, "subject_id": "cra/2026-10/A", "payload": "{}"}
    command |= {"state": "done", "attempts": 1, "run_id": "r", "planned_at": FIRST}
    depends = pl.Series("depends_on", [[]], pl.List(pl.String))
    sent = pl.DataFrame([command | {"sent_at": FIRST}]).with_columns(depends)
    warehouse.insert("ops.outbox", sent)
    known = findings.invalidated_cras(warehouse).sort("contract_id", nulls_last=True).rows()
    assert known == [("70001", "CT1", Decimal(12)), ("70001", None, Decimal("12.5"))]


def test_the_last_decision_of_a_person_on_a_break_counts(warehouse: Warehouse) -> None:
    """With who, why, the amount and the facts that it was made on."""
    for at, outcome, amount in ((FIRST, "rejected", None), (LATER, "approved", "10.50")):
        said = {"decided_by": "Ada", "reason": "seen", "amount": amount}
        row = {"decision_id": outcome, "subject": "bill", "subject_id": "bill/B/1"}
        row |= {"inputs": json.dumps(said), "policy": "{}", "outcome": outcome}
        about = {"decided_by": "person", "decided_at": at, "fingerprint": f"f{outcome}"}
        _insert(warehouse, "recon.decisions", row | about)
    [row] = findings.overrides(warehouse).to_dicts()
    assert row == {
        "break_id": "bill/B/1",
        "decision": "approved",
        "amount": Decimal("10.5"),
        "fingerprint": "fapproved",
        "decided_by": "Ada",
        "reason": "seen",
        "decided_at": LATER,
    }


def test_a_month_with_a_fresh_decision_of_a_person_is_looked_at(warehouse: Warehouse) -> None:
    """Whatever became of its break; one that a run has looked at since is nothing new."""
    ran(warehouse, "r1", "nightly", FIRST)
    for id_, at in (("cra/2026-07/A", LATER), ("cra/2026-06/A", DAY("2026-11-02T03:00Z"))):
        row = {"decision_id": id_, "subject": "cra", "subject_id": id_, "outcome": "approved"}
        row |= {"inputs": "{}", "policy": "{}", "decided_by": "person", "decided_at": at}
        _insert(warehouse, "recon.decisions", row)
    assert looked_at(warehouse) == ["2026-07"]


@pytest.mark.parametrize("back", [timedelta(hours=-5), timedelta(hours=5)])
def test_the_last_word_is_the_one_kept_last(warehouse: Warehouse, back: timedelta) -> None:
    """A clock that was set back between two decisions of people makes the older one no newer."""
    who = dict.fromkeys(("decided_by", "os_user", "host", "reason"), "Anne")
    broken = {"break_id": "bill/1/1", "subject": "bill", "fingerprint": "f", "decision_id": None}
    command = decisions.Waiting("c1", "bill/1", FIRST)
    for decision, at in (("approved", FIRST), ("rejected", FIRST + back)):
        taken = persons_decision(broken, decision, {"reason": decision}, at)
        decisions.decide_break(warehouse, "bill/1/1", taken, who)
        decisions.decide_command(warehouse, command, decision, who, at)
    assert findings.overrides(warehouse)["decision"].to_list() == ["rejected"]
    assert findings.decided_commands(warehouse) == {"c1": "rejected"}
