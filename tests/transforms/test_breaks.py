"""Breaks over time, and decisions that are only ever appended."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from transforms.breaks import BREAKS, STANDING, effective, follow
from transforms.decisions import INPUTS, decisions, persons_decision, rows_as_inputs

NOW = datetime(2026, 11, 3, 4, tzinfo=UTC)
EARLIER = NOW - timedelta(days=1)
NONE = pl.DataFrame(schema=BREAKS)
OUTCOMES = {"break_id": pl.String, "outcome": pl.String}


def found(*ids: str) -> pl.DataFrame:
    """Breaks of one look."""
    about = {"kind": "cra", "code": "over_reported", "subject_id": "s", "period": "2026-10"}
    rows = [{"break_id": id_, **about} for id_ in ids]
    columns = list(BREAKS.items())[:8]
    return pl.DataFrame(rows, schema=dict(columns), orient="row")


def after(
    before: pl.DataFrame,
    now_found: pl.DataFrame,
    outcome: str | None = "matched",
    *,
    seen: bool = True,
    decision: str | None = None,
) -> dict[str, dict[str, Any]]:
    """The breaks that moved, by id, where a person's decision on `b` stands."""
    outcomes = pl.DataFrame(
        [{"break_id": "b", "outcome": outcome}] if outcome else [], schema=OUTCOMES, orient="row"
    )
    said = {"break_id": "b", "decision": decision, "decided_by": "Ada", "decision_reason": "seen"}
    standing = pl.DataFrame([said] if decision else [], schema=STANDING, orient="row")
    moved = follow(before, now_found, outcomes, standing, in_scope=lambda _: seen, now=NOW)
    return {row["break_id"]: row for row in moved.to_dicts()}


def stored(**values: Any) -> pl.DataFrame:
    """One break as it is stored."""
    row = found("b").row(0, named=True) | {
        "status": "open",
        "first_seen_at": EARLIER,
        "last_seen_at": EARLIER,
        "closed_at": None,
        "closing_fact": None,
        "times_seen": 1,
    }
    return pl.DataFrame([row | values], schema=BREAKS, orient="row")


def test_a_break_opens_when_it_is_first_found() -> None:
    """It is open and seen once."""
    row = after(NONE, found("b"))["b"]
    assert (row["status"], row["first_seen_at"], row["times_seen"]) == ("open", NOW, 1)


def test_a_break_that_is_found_again_keeps_its_age() -> None:
    """First seen stays, last seen and the count move."""
    row = after(stored(), found("b"))["b"]
    assert (row["first_seen_at"], row["last_seen_at"], row["times_seen"]) == (EARLIER, NOW, 2)


def test_a_break_closes_with_the_fact_that_closed_it() -> None:
    """Its row says matched now."""
    row = after(stored(), found())["b"]
    assert (row["status"], row["closed_at"], row["closing_fact"]) == ("closed", NOW, "matched")


def test_a_break_that_comes_back_keeps_its_history() -> None:
    """Re-opened, with the count going on."""
    row = after(stored(status="closed", closed_at=EARLIER), found("b"))["b"]
    assert (row["status"], row["closed_at"], row["times_seen"]) == ("open", None, 2)


def test_an_approval_that_stands_overrides_its_break() -> None:
    """Whether the look still finds it or not; who approved it and why is said."""
    for now_found in (found("b"), found()):
        row = after(stored(), now_found, "over_reported", decision="approved")["b"]
        assert (row["status"], row["closed_at"]) == ("overridden", None)
        assert row["closing_fact"] == "approved by Ada: seen"


def test_a_rejection_that_stands_closes_its_break_once() -> None:
    """It stays closed since the first look after it, while the look goes on finding the row."""
    row = after(stored(), found("b"), "review", decision="rejected")["b"]
    assert (row["status"], row["closing_fact"]) == ("closed", "rejected by Ada: seen")
    assert row["closed_at"] == NOW
    earlier = stored(status="closed", closing_fact=row["closing_fact"], closed_at=EARLIER)
    assert after(earlier, found("b"), "review", decision="rejected")["b"]["closed_at"] == EARLIER


@pytest.mark.parametrize("status", ["overridden", "closed"])
def test_a_decision_that_stands_no_more_leaves_the_break_open(status: str) -> None:
    """Its figures changed: open again with no closing fact, its age and count kept."""
    before = stored(status=status, closing_fact="by Ada", closed_at=EARLIER, times_seen=4)
    row = after(before, found("b"), "review")["b"]
    assert (row["status"], row["closing_fact"], row["closed_at"]) == ("open", None, None)
    assert (row["first_seen_at"], row["times_seen"]) == (EARLIER, 5)


def test_an_approval_after_a_rejection_overrides_the_closed_break() -> None:
    """Its row is matched now and would not be found: the last word is what the break says."""
    no = stored(status="closed", closed_at=EARLIER, closing_fact="rejected by Ada: no")
    row = after(no, found(), decision="approved")["b"]
    assert (row["status"], row["closing_fact"]) == ("overridden", "approved by Ada: seen")


@pytest.mark.parametrize(
    ("decision", "whole", "stand"),
    [
        ("approved", "break_id", ["b/2"]),
        ("approved", "bill_id", []),
        ("rejected", "bill_id", ["b/1", "b/2"]),
    ],
)
def test_an_approval_that_leaves_a_hold_overrides_nothing(
    decision: str, whole: str, stand: list[str]
) -> None:
    """A hold that nobody can lift keeps its row open, and of a bill every line."""
    rows = [{"break_id": f"b/{n}", "decision": decision, "stands": True} for n in (1, 2)]
    decided = pl.DataFrame(rows, schema=STANDING, orient="row")
    holds = {"break_id": ["b/1", "b/2"], "bill_id": ["b", "b"], "holds": [["DUPLICATE"], []]}
    assert effective(decided, pl.DataFrame(holds), whole)["break_id"].to_list() == stand


def test_an_overridden_bill_that_is_paid_stays_overridden() -> None:
    """Its rows are not looked at any more; a row that is looked at and matches closes it."""
    bill = {"status": "overridden", "kind": "bill"}
    assert after(stored(**bill), found(), None) == {}
    assert after(stored(**bill), found())["b"]["status"] == "closed"


@pytest.mark.parametrize(("outcome", "seen"), [("not_checked", True), ("matched", False)])
def test_what_was_not_checked_closes_nothing(outcome: str, seen: bool) -> None:
    """Only a look can close a break."""
    assert after(stored(), found(), outcome, seen=seen) == {}


ROW = pl.DataFrame({"break_id": ["b"], "outcome": ["matched"]})
NO_LAST = pl.DataFrame(
    schema=dict.fromkeys(
        ["subject_id", "decision_id", "fingerprint", "inputs", "policy"], pl.String
    )
)


def on(facts: str) -> pl.DataFrame:
    """What the row was decided on."""
    return pl.DataFrame([("b", f"hash of {facts}", facts)], schema=INPUTS, orient="row")


def test_the_same_decision_is_not_taken_twice() -> None:
    """A decision is appended when its inputs or its policy changed, and names what it replaces."""
    first = decisions("cra", ROW, on("f"), {"*": "{}"}, NO_LAST, NOW)
    assert decisions("cra", ROW, on("f"), {"*": "{}"}, first, NOW).is_empty()
    for inputs, policy in ((on("g"), "{}"), (on("f"), '{"gap": 1}')):
        second = decisions("cra", ROW, inputs, {"*": policy}, first, NOW)
        assert second["supersedes"].to_list() == first["decision_id"].to_list()


def test_each_row_is_decided_with_its_own_limits() -> None:
    """Limits by row come before those of all."""
    taken = decisions("bill", ROW, on("f"), {"b": '{"price": 0}', "*": "{}"}, NO_LAST, NOW)
    assert taken["policy"].to_list() == ['{"price": 0}']


def test_other_words_are_no_other_decision() -> None:
    """Explanation and action are none of what a row was decided on."""
    said = ROW.with_columns(explanation=pl.lit("so"), action=pl.lit("wait"))
    assert rows_as_inputs(said).equals(rows_as_inputs(ROW))


def test_a_persons_decision_is_on_the_facts_of_the_row() -> None:
    """It keeps their fingerprint, who, why and the amount, and what it replaces."""
    broken = {"break_id": "b", "subject": "bill", "fingerprint": "f1", "decision_id": "d1"}
    said = {"decided_by": "Ada", "reason": "seen", "amount": Decimal("10.50")}
    [row] = persons_decision(broken, "approved", said, NOW).to_dicts()
    assert (row["decided_by"], row["outcome"], row["fingerprint"]) == ("person", "approved", "f1")
    assert (row["supersedes"], json.loads(row["inputs"])["amount"]) == ("d1", "10.50")
