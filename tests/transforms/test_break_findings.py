"""What of a look becomes a break: its code, its owner, its euros (reconciliation.md 4)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from tests.transforms.supplier_facts import frame
from transforms.breaks import found
from transforms.decisions import DECISIONS, decisions, rows_as_inputs

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


def _euros(found_ones: list[dict[str, Any]]) -> dict[str, int | None]:
    return {
        row["break_id"]: None if row["amount_at_stake"] is None else int(row["amount_at_stake"])
        for row in found_ones
    }


def _lines(*holds_of: list[str]) -> pl.DataFrame:
    """A bill in review, a line of 900 for each list of holds."""
    rows = [
        {"break_id": f"bill/B1/{n}", "bill_line": n, "status": "review", "holds": holds}
        for n, holds in enumerate(holds_of, 1)
    ]
    return _bills(*rows)


def _hold(line: int, code: str, euros: int) -> dict[str, Any]:
    return {"break_id": f"bill/B1/{line}", "code": code, "amount_at_stake": euros}


def test_a_bill_held_as_a_whole_has_its_euros_once() -> None:
    """They stand on the first line; what its other lines lack is part of them."""
    holds = _holds(_hold(1, "DUPLICATE", 1800), _hold(2, "QTY_RECEIVED", 900))
    euros = _euros(_found(bills=_lines(["DUPLICATE"], ["QTY_RECEIVED"]), holds=holds))
    assert euros == {"bill/B1/1": 1800, "bill/B1/2": 0}


def test_what_is_to_be_claimed_back_is_no_less_than_the_lines_lack() -> None:
    """The largest of both, never their sum, never more than the bill."""
    holds = _holds(
        _hold(1, "PAID_UNPROVEN", 700), _hold(1, "PRICE", 400), _hold(2, "QTY_RECEIVED", 900)
    )
    lines = _lines(["PAID_UNPROVEN", "PRICE"], ["QTY_RECEIVED"])
    assert _euros(_found(bills=lines, holds=holds)) == {"bill/B1/1": 1600, "bill/B1/2": 0}


def test_lines_with_causes_of_their_own_keep_their_own_euros() -> None:
    """A price too high on one and a receipt missing on the other add up."""
    holds = _holds(_hold(1, "PRICE", 40), _hold(2, "QTY_RECEIVED", 300))
    euros = _euros(_found(bills=_lines(["PRICE"], ["QTY_RECEIVED"]), holds=holds))
    assert euros == {"bill/B1/1": 40, "bill/B1/2": 300}


def test_a_line_that_another_line_holds_back_carries_nothing() -> None:
    """Its cause, and the euros, are the other line's."""
    euros = _euros(_found(bills=_lines(["PRICE"], []), holds=_holds(_hold(1, "PRICE", 40))))
    assert euros == {"bill/B1/1": 40, "bill/B1/2": 0}


def _untold(candidates: str, who: str) -> dict[str, int | None]:
    name = {"break_id": "cra/name", "outcome": "held", "holds": ["NAME_AMBIGUOUS"]}
    undeclared = {"break_id": "cra/c", "outcome": "undeclared", "declared_days": None}
    rows = _cras(
        name | {"client_id": "K1", "consultant_id": "unknown"},
        undeclared | {"difference_days": None, "client_id": "K1", "consultant_id": who},
    )
    hold = {"break_id": "cra/name", "subject": "cra", "code": "NAME_AMBIGUOUS"}
    return _euros(_found(rows, holds=_holds(hold | {"amount_at_stake": 900, "detail": candidates})))


def test_a_cra_that_an_untold_name_may_mean_carries_nothing() -> None:
    """The days of its candidates stand on the name; those of others on their own row."""
    candidates = "Jean Dupont (C1) 91.0; Jeanne Dupont (C2) 90.0"
    assert _untold(candidates, "C2") == {"cra/name": 900, "cra/c": 0}
    assert _untold(candidates, "C3") == {"cra/name": 900, "cra/c": 9000}


def _decided(rows: pl.DataFrame, last: pl.DataFrame) -> pl.DataFrame:
    return decisions("cra", rows, rows_as_inputs(rows), {"*": '{"gap": 5}'}, last, NOW)


def test_going_back_to_an_earlier_state_is_a_decision_of_its_own() -> None:
    """A, B and A again are three decisions with three ids, at one and the same instant too."""
    last = pl.DataFrame(schema=DECISIONS)
    ids = set()
    for days in (18, 19, 18):
        last = _decided(_cras({"cra_days": days}), last)
        ids |= set(last["decision_id"])
    assert len(ids) == 3
