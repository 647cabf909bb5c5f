"""New plans and old ones: what is planned anew, what stands, what is cancelled."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from transforms import commands
from transforms.breaks import STANDING
from transforms.commands import (
    INVOICE,
    OUTBOX,
    VALIDATE,
    WANTED,
    command_id,
    merge,
    rejected_subjects,
)

NOW = datetime(2026, 11, 3, 4, tzinfo=UTC)
EARLIER = NOW - timedelta(days=1)


def wanted(payload: str = '{"status": "validated"}', state: str = "planned") -> pl.DataFrame:
    """One wanted command."""
    row = {
        "command_id": "c1",
        "kind": VALIDATE,
        "target": "CRA-1",
        "natural_key": "CRA-1|validated|v1",
        "subject_id": "cra/2026-10/C/R/K",
        "payload": payload,
        "depends_on": [],
        "state": state,
    }
    return pl.DataFrame([row], schema=WANTED, orient="row")


def outbox(**values: Any) -> pl.DataFrame:
    """The same command as the outbox has it."""
    row = wanted().row(0, named=True) | dict.fromkeys(set(OUTBOX) - set(WANTED))
    row |= {"attempts": 0, "planned_at": EARLIER} | values
    return pl.DataFrame([row], schema=OUTBOX, orient="row")


def merged(
    before: pl.DataFrame,
    after: pl.DataFrame,
    *,
    decided: dict[str, str] | None = None,
    looked_at: bool = True,
) -> list[dict[str, Any]]:
    """What the merge writes."""
    changes = merge(before, after, decided=decided or {}, in_scope=lambda _: looked_at, now=NOW)
    return changes.to_dicts()


NONE = pl.DataFrame(schema=OUTBOX)
NOTHING = wanted().clear()


def test_a_new_command_is_planned_once() -> None:
    """The second plan of the same facts adds nothing."""
    first = merged(NONE, wanted())
    assert [row["state"] for row in first] == ["planned"]
    assert merged(pl.DataFrame(first, schema=OUTBOX, orient="row"), wanted()) == []


@pytest.mark.parametrize("state", ["sending", "unknown", "done"])
def test_what_may_have_been_sent_stands(state: str) -> None:
    """Not even another payload replaces it."""
    assert merged(outbox(state=state), wanted('{"status": "other"}')) == []


@pytest.mark.parametrize("state", ["refused", "cancelled"])
def test_what_ended_unsent_is_planned_anew_when_asked_for(state: str) -> None:
    """Under the same id, with no attempts of its own."""
    (row,) = merged(outbox(state=state, attempts=2, last_error="no"), wanted())
    assert (row["command_id"], row["state"], row["attempts"]) == ("c1", "planned", 0)


def test_another_payload_is_planned_anew() -> None:
    """A waiting command follows its facts, and loses the approval of the old ones."""
    (row,) = merged(
        outbox(state="approved"),
        wanted('{"status": "x"}', state="awaiting_approval"),
        decided={"c1": "approved"},
    )
    assert (row["state"], row["payload"]) == ("awaiting_approval", '{"status": "x"}')


def test_the_dates_of_the_run_are_no_substance() -> None:
    """An invoice that a person approved yesterday is approved today, with today's date."""
    before = outbox(state="approved", payload='{"total": "1", "issue_date": "2026-11-02"}')
    after = wanted('{"total": "1", "issue_date": "2026-11-03"}', state="awaiting_approval")
    (row,) = merged(before, after, decided={"c1": "approved"})
    assert (row["state"], "2026-11-03" in row["payload"]) == ("approved", True)


def test_what_now_wants_a_person_waits_for_one() -> None:
    """A gap that became too large stops a command that nobody approved."""
    (row,) = merged(outbox(state="approved"), wanted(state="awaiting_approval"))
    assert row["state"] == "awaiting_approval"


def test_a_rejection_stands_until_the_facts_change() -> None:
    """The same facts do not bring a rejected command back; others do."""
    before = outbox(state="cancelled", last_error="rejected by C: no")
    assert merged(before, wanted(), decided={"c1": "rejected"}) == []
    (row,) = merged(before, wanted('{"status": "x"}'), decided={"c1": "rejected"})
    assert row["state"] == "planned"


def test_what_nobody_asks_for_any_more_is_cancelled() -> None:
    """Its facts changed before it was sent."""
    (row,) = merged(outbox(state="approved"), NOTHING)
    assert (row["state"], row["settled_at"]) == ("cancelled", NOW)


@pytest.mark.parametrize(("state", "looked_at"), [("planned", False), ("sending", True)])
def test_what_was_not_looked_at_or_may_be_on_its_way_is_not_cancelled(
    state: str, looked_at: bool
) -> None:
    """Only facts that were seen can take back a command, and none that may have been sent."""
    assert merged(outbox(state=state), NOTHING, looked_at=looked_at) == []


def test_an_id_tells_kind_target_and_key_apart() -> None:
    """Moving a character from one part to the next makes another command."""
    assert command_id("a", "b", "c") == command_id("a", "b", "c")
    assert (
        len({command_id("a", "b", "c"), command_id("ab", "", "c"), command_id("a", "bc", "")}) == 3
    )


def test_a_sent_invoice_is_known_line_by_line() -> None:
    """What an invoice command bills is read from its own lines."""
    payload = (
        '{"reference": "RAP-2026-10-K", "contract_id": "K", "currency": "EUR", "lines": [{'
        '"description": "Jean Dupont · 2026-10 · R1", "quantity": "20.5",'
        ' "unit_price": "500", "total_excl_tax": "10250"}]}'
    )
    sent = outbox(kind=INVOICE, state="unknown", payload=payload, sent_at=NOW)
    (row,) = commands.billed_by(commands.in_flight(sent)).to_dicts()
    assert (row["consultant_id"], row["period"], str(row["days"])) == ("R1", "2026-10", "20.5000")


def test_what_is_cancelled_for_a_rejection_says_who_rejected_it() -> None:
    """Its facts have not changed: a person said no."""
    said = {"cra/2026-10/C/R/K": "rejected by Ada: not ours"}
    scope = {"decided": {}, "in_scope": lambda _: True, "now": NOW}
    (row,) = merge(outbox(state="planned"), NOTHING, rejected=said, **scope).to_dicts()
    assert (row["state"], row["last_error"]) == ("cancelled", "rejected by Ada: not ours")


def test_a_rejected_row_is_what_its_invoice_and_its_bill_are_about() -> None:
    """A CRA's own break, the invoice of its contract and month, the whole bill."""
    who = {"decided_by": "Ada", "decision_reason": "no"}
    told = [("cra/1", "rejected"), ("bill/B/1", "rejected"), ("cra/2", "approved")]
    rows = [who | {"break_id": name, "decision": decision} for name, decision in told]
    cras = pl.DataFrame({"break_id": ["cra/1"], "period": ["2026-10"], "contract_id": ["K"]})
    bills = pl.DataFrame({"break_id": ["bill/B/1"], "bill_id": ["B"]})
    standing = pl.DataFrame(rows, schema=STANDING, orient="row")
    subjects = {"cra/1", "invoice/2026-10/K", "bill/B/1", "bill/B"}
    said = dict.fromkeys(subjects, "rejected by Ada: no")
    assert rejected_subjects(standing, cras, bills) == said
