"""Breaks over time, and decisions that are only ever appended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from transforms.breaks import BREAKS, decisions, follow

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
    before: pl.DataFrame, now_found: pl.DataFrame, outcome: str = "matched", *, seen: bool = True
) -> dict[str, dict[str, Any]]:
    """The breaks that moved, by id."""
    outcomes = pl.DataFrame([{"break_id": "b", "outcome": outcome}], schema=OUTCOMES, orient="row")
    moved = follow(before, now_found, outcomes, in_scope=lambda _: seen, now=NOW)
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


def test_an_overridden_break_stays_overridden() -> None:
    """A person's decision is not undone by finding the same thing again."""
    assert after(stored(status="overridden"), found("b"))["b"]["status"] == "overridden"


@pytest.mark.parametrize(("outcome", "seen"), [("not_checked", True), ("matched", False)])
def test_what_was_not_checked_closes_nothing(outcome: str, seen: bool) -> None:
    """Only a look can close a break."""
    assert after(stored(), found(), outcome, seen=seen) == {}


def test_the_same_decision_is_not_taken_twice() -> None:
    """A decision is appended when its inputs or its policy changed, and names what it replaces."""
    rows = pl.DataFrame({"break_id": ["b"], "outcome": ["matched"]})
    first = decisions("cra", rows, "outcome", {"*": "{}"}, {}, NOW)
    last = {"b": first.row(0, named=True)}
    assert decisions("cra", rows, "outcome", {"*": "{}"}, last, NOW).is_empty()
    second = decisions("cra", rows, "outcome", {"*": '{"gap": 1}'}, last, NOW)
    assert second["supersedes"].to_list() == first["decision_id"].to_list()
