"""What of a look becomes a break: its code, its owner, its euros (reconciliation.md 4)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from tests.transforms.supplier_facts import frame
from transforms.breaks import decisions, found

NOW = datetime(2026, 11, 3, tzinfo=UTC)


def _cras(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {
        "break_id": "cra/2026-10/1",
        "period": "2026-10",
        "consultant_id": "C1",
        "cra_ids": ["70001"],
        "holds": [],
        "declared_days": 20,
        "cra_days": 18,
        "difference_days": 2,
        "daily_rate": 500,
        "currency": "EUR",
        "outcome": "over_reported",
        "action": "a",
    }
    return frame("recon.cra_matches", [base | row for row in rows]).drop("run_id", "decided_at")


def _bills(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {
        "break_id": "bill/B1/1",
        "bill_id": "B1",
        "bill_line": 1,
        "vendor_id": "V1",
        "period": "2026-10",
        "invoiced_amount": 900,
        "accepted_amount": 0,
        "currency": "EUR",
        "status": "pending_receipt",
        "holds": ["QTY_RECEIVED"],
        "action": "a",
    }
    return frame("recon.po_matches", [base | row for row in rows]).drop("run_id", "decided_at")


def _holds(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {"break_id": "bill/B1/1", "subject": "bill", "subject_id": "B1", "severity": "warning"}
    return frame("recon.holds", [base | row for row in rows]).drop("run_id")


def _found(
    cras: pl.DataFrame | None = None,
    bills: pl.DataFrame | None = None,
    holds: pl.DataFrame | None = None,
) -> list[dict[str, Any]]:
    frames = (cras, bills, holds)
    empty = (_cras(), _bills(), _holds())
    given = (a if a is not None else b for a, b in zip(frames, empty, strict=True))
    return found(*given).to_dicts()


def test_a_mismatch_is_a_break_with_its_euros() -> None:
    """Two days at 500 are 1,000 at stake, and the consultant is to act."""
    [row] = _found(_cras({}))
    assert (row["code"], row["amount_at_stake"], row["owner"], row["kind"]) == (
        "over_reported",
        Decimal(1000),
        "consultant",
        "cra",
    )


def test_what_matched_or_was_not_checked_is_no_break() -> None:
    """A matched row without holds and a row that was not read open nothing."""
    assert _found(_cras({"outcome": "matched"}, {"break_id": "x", "outcome": "not_checked"})) == []
    assert _found(bills=_bills({"status": "matched", "holds": []}, {"status": "not_checked"})) == []


def test_a_matched_row_with_a_hold_is_a_break_over_its_whole_month() -> None:
    """What ties and may not be billed holds back all its days."""
    row = {"outcome": "matched", "difference_days": 0, "holds": ["RATE_AMBIGUOUS"]}
    hold = {"break_id": "cra/2026-10/1", "subject": "cra", "code": "RATE_AMBIGUOUS"}
    [found_one] = _found(_cras(row), holds=_holds(hold))
    assert (found_one["code"], found_one["amount_at_stake"]) == ("RATE_AMBIGUOUS", Decimal(10000))


def test_the_gravest_hold_names_the_break() -> None:
    """Of several holds the severest is the code, and the largest amount is at stake."""
    holds = _holds(
        {"code": "PRICE", "severity": "warning", "amount_at_stake": 300},
        {"code": "DUPLICATE", "severity": "error", "amount_at_stake": 200},
    )
    [row] = _found(bills=_bills({"status": "review"}), holds=holds)
    assert (row["code"], row["amount_at_stake"]) == ("DUPLICATE", Decimal(300))


def test_a_hold_without_a_row_is_a_break_of_its_own() -> None:
    """A declaration that nobody can read is not lost for want of a row."""
    hold = {"break_id": "declaration/x/1", "subject": "declaration", "code": "SENDER_UNKNOWN"}
    [row] = _found(holds=_holds(hold))
    assert (row["break_id"], row["kind"], row["period"]) == ("declaration/x/1", "declaration", None)


def _decided(rows: pl.DataFrame, last: dict[str, dict[str, Any]] | None = None) -> pl.DataFrame:
    return decisions("cra", rows, "outcome", {"*": '{"gap": 5}'}, last or {}, NOW)


def test_going_back_to_an_earlier_state_is_a_decision_of_its_own() -> None:
    """A, B and A again are three decisions with three ids, at one and the same instant too."""
    chain: list[dict[str, Any]] = []
    for days in (18, 19, 18):
        last = {"cra/2026-10/1": chain[-1]} if chain else {}
        chain += _decided(_cras({"cra_days": days}), last).to_dicts()
    assert len({decision["decision_id"] for decision in chain}) == 3
