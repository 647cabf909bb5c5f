"""A person decides breaks: from the command to what is planned (write-back.md)."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.engine import report, search
from flows.engine.look import look
from flows.engine.people import trust_what_is_stored
from flows.engine.run import Run
from flows.settings import ConfigurationError
from store import findings
from store.publishing import read_published
from tests.flows.house import House
from transforms.clients.cra_decisions import replay_cra
from transforms.suppliers.po_replay import replay_bill

pytestmark = pytest.mark.nights

DECLARED = "SELECT break_id, who FROM recon.v_open_breaks WHERE kind = 'declaration'"
OPEN = "SELECT break_id FROM recon.breaks WHERE status = 'open' AND code = ? ORDER BY 1 LIMIT 1"


@pytest.fixture
def house(dry_night: Path, tmp_path: Path) -> House:
    """The default world after a dry night, an hour later."""
    house = House(tmp_path / "house", template=dry_night)
    house.ticks += 3_600_000_000
    return house


@pytest.fixture(scope="module")
def calm(dry_night: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """That world for tests that change nothing of it."""
    return House(tmp_path_factory.mktemp("calm") / "h", template=dry_night)


def _decide(house: House, approve: list[str], reject: list[str], **said: Any) -> None:
    about = {"amount": None, "by": "Ada", "reason": "checked by phone"} | said
    house.run("decide", approve=approve, reject=reject, **about)


def _approve(house: House, *names: str, **said: Any) -> None:
    _decide(house, list(names), [], **said)


def _reject(house: House, *names: str) -> None:
    _decide(house, [], list(names))


def _look_again(house: House) -> None:
    """Another look over the facts as they are stored."""

    async def again(run: Run) -> None:
        trust_what_is_stored(run)
        look(run)

    house.opened(again, "reconcile")


def _open(house: House, code: str) -> str:
    return str(house.one(OPEN, code))


def _break(house: House, break_id: str) -> tuple[Any, ...]:
    [row] = house.rows("SELECT status, closing_fact FROM recon.breaks WHERE break_id = ?", break_id)
    return row


def _planned(house: House, subject: str) -> list[tuple[str, str]]:
    return house.rows(
        "SELECT kind, state FROM ops.outbox WHERE subject_id = ? AND state <> 'cancelled'"
        " ORDER BY kind DESC",
        subject,
    )


def _bill(break_id: str) -> str:
    return break_id.rpartition("/")[0]


# What follows from a decision


def test_an_approved_bill_is_registered_and_flagged(house: House) -> None:
    """Its holds go, all of it is accepted, its row says who; no vendor is called."""
    break_id = _open(house, "PRICE")
    house.sandbox.requests.clear()
    _approve(house, break_id)
    [(status, accepted, invoiced, holds, said)] = house.rows(
        "SELECT status, accepted_amount, invoiced_amount, holds, explanation"
        " FROM recon.po_matches WHERE break_id = ?",
        break_id,
    )
    assert (status, accepted, holds) == ("matched", invoiced, [])
    assert "Ada" in said
    assert _break(house, break_id) == ("overridden", "approved by Ada: checked by phone")
    kinds = [kind for kind, _ in _planned(house, _bill(break_id))]
    assert kinds == ["boond.supplier_invoice.register", "boond.supplier_invoice.flag"]
    assert not house.sandbox.requests


def test_a_bill_may_be_accepted_in_part(house: House) -> None:
    """Up to the amount told: registered, that much accepted, and not flagged."""
    break_id = _open(house, "PRICE")
    _approve(house, _bill(break_id), amount=Decimal(1000))
    of_bill = "FROM recon.po_matches WHERE bill_id = ?"
    bill_id = _bill(break_id).removeprefix("bill/")
    assert house.one(f"SELECT sum(accepted_amount) {of_bill}", bill_id) == 1000
    assert house.one(f"SELECT min(status) {of_bill}", bill_id) == "partial"
    assert _planned(house, _bill(break_id)) == [("boond.supplier_invoice.register", "planned")]


def test_a_rejected_bill_is_closed_until_its_facts_change(house: House) -> None:
    """Nothing is planned for it in later nights; a bill amended since is open again."""
    break_id = _open(house, "PRICE")
    _reject(house, break_id)
    _look_again(house)
    assert _break(house, break_id) == ("closed", "rejected by Ada: checked by phone")
    assert _planned(house, _bill(break_id)) == []
    bill = house.vendors.bills[_bill(break_id).removeprefix("bill/")]
    bill.lines[0].amount += 90
    bill.amount += 90
    house.vendors.touch(bill)
    house.run("match")
    assert _break(house, break_id) == ("open", None)
    assert "Ada" in house.one(
        "SELECT explanation FROM recon.po_matches WHERE break_id = ?", break_id
    )


def test_a_large_gap_approved_sends_what_waited(house: House) -> None:
    """The break's command needs no other approval, and goes out in the next write-back."""
    break_id = _open(house, "GAP_TOO_LARGE")
    waited = _planned(house, break_id)
    assert ("boond.cra.invalidate", "awaiting_approval") in waited
    _approve(house, break_id)
    assert ("boond.cra.invalidate", "approved") in _planned(house, break_id)
    assert _break(house, break_id)[0] == "overridden"
    house.run("write_back", period=None, apply=True)
    assert ("boond.cra.invalidate", "done") in _planned(house, break_id)
    [(cra_ids, cra_days)] = house.rows(
        "SELECT cra_ids, cra_days FROM recon.cra_matches WHERE break_id = ?", break_id
    )
    with read_published(house.settings.WAREHOUSE_PATH) as warehouse:
        known = dict(findings.invalidated_cras(warehouse).select("cra_id", "cra_days").iter_rows())
    assert [known[cra_id] for cra_id in cra_ids] == [cra_days]


def test_a_large_gap_rejected_plans_nothing(house: House) -> None:
    """Its commands are cancelled, also in later looks, and the break is closed."""
    break_id = _open(house, "GAP_TOO_LARGE")
    _reject(house, break_id)
    _look_again(house)
    assert _planned(house, break_id) == []
    assert _break(house, break_id)[0] == "closed"


def test_who_rejected_a_break_may_think_again(house: House) -> None:
    """Its facts are the same: the last word counts, and its commands say why they waited."""
    break_id = _open(house, "PRICE")
    _approve(house, break_id)
    _reject(house, break_id)
    said = {error for _, error in house.rows(
        "SELECT kind, last_error FROM ops.outbox WHERE subject_id = ?", _bill(break_id)
    )}  # fmt: skip
    assert said == {"rejected by Ada: checked by phone"}
    _approve(house, break_id)
    assert _break(house, break_id) == ("overridden", "approved by Ada: checked by phone")
    assert [state for _, state in _planned(house, _bill(break_id))] == ["planned", "planned"]


def test_an_approval_that_cannot_lift_the_hold_leaves_the_break_open(house: House) -> None:
    """Its euros are still held: they stay among those that wait for somebody."""
    break_id = _open(house, "DUPLICATE")
    _approve(house, break_id)
    assert _break(house, break_id) == ("open", None)
    assert not _planned(house, _bill(break_id))


def test_another_language_is_no_other_decision(house: House) -> None:
    """Words change; decisions, breaks and commands are those of before."""
    counted = (
        "SELECT (SELECT count(*) FROM recon.decisions), (SELECT count(*) FROM recon.breaks),"
        " (SELECT list(command_id ORDER BY command_id) FROM ops.outbox WHERE state <> 'cancelled')"
    )
    before = house.rows(counted)
    house.settings = house.settings.model_copy(update={"RAPPROCHE_LANG": "en"})
    _look_again(house)
    assert house.rows(counted) == before


def test_a_break_of_a_month_that_runs_do_not_look_at_yet_is_decided_at_once(house: House) -> None:
    """Somebody asked for the month itself before it ended."""
    file = house.settings.DECLARATIONS_DIR / "soon.csv"
    client = house.one("SELECT min(id) FROM core.clients")
    file.write_text(f"client,consultant,period,days\n{client},Nobody Known,2026-11,2\n")
    house.run("reconcile", period="2026-11")
    break_id = house.one(
        "SELECT break_id FROM recon.breaks WHERE kind = 'cra' AND period = '2026-11'"
    )
    _approve(house, break_id)
    assert _break(house, break_id)[0] == "overridden"


def test_a_run_of_an_earlier_day_leaves_later_bills_as_they_are(house: House) -> None:
    """It does not look at them: neither their breaks nor their commands are gone."""
    counted = (
        "SELECT (SELECT count(*) FROM recon.po_matches), (SELECT count(*) FROM recon.breaks WHERE"
        " kind = 'bill' AND status = 'open'), (SELECT count(*) FROM recon.v_open_breaks WHERE kind"
        " = 'bill' AND explanation IS NOT NULL), (SELECT count(*) FROM ops.outbox WHERE state ="
        " 'planned' AND kind LIKE '%supplier%'), (SELECT count(*) FROM recon.holds)"
    )
    before = house.rows(counted)
    house.run("match", as_of=date(2026, 9, 3))
    assert house.rows(counted) == before


def test_a_command_may_be_decided_on_as_before(house: House) -> None:
    """Approved by the beginning of its id, with who and why; nothing is looked at again."""
    [(command_id,)] = house.rows(
        "SELECT command_id FROM ops.outbox WHERE state = 'awaiting_approval'"
        " AND kind = 'boond.cra.invalidate' LIMIT 1"
    )
    before = house.one("SELECT count(*) FROM recon.decisions")
    _approve(house, command_id[:10])
    assert house.rows("SELECT state FROM ops.outbox WHERE command_id = ?", command_id) == [
        ("approved",)
    ]
    assert house.one("SELECT count(*) FROM recon.decisions") == before
    kept = house.rows("SELECT command_id, decided_by, reason FROM ops.approvals")
    assert kept == [(command_id, "Ada", "checked by phone")]


def test_what_was_decided_on_is_shown(house: House) -> None:
    """Commands and breaks alike, each with its state, and decided ones by their names."""
    [command] = house.rows(
        "SELECT command_id FROM ops.outbox WHERE state = 'awaiting_approval'"
        " AND kind = 'boond.cra.invalidate' LIMIT 1"
    )[0]
    bill = _open(house, "PRICE")
    _approve(house, command, bill)
    with read_published(house.settings.WAREHOUSE_PATH) as warehouse:
        shown = report.decided(warehouse).rows
        kept = search.breaks(warehouse, search.BreaksAsked(code="PRICE", closed_too=True))
    states = dict(shown.select("decided_on", "status").iter_rows())
    assert states == {command: "approved", bill: "overridden"}
    assert "SARL · 002-" in kept.row(0, named=True)["who"]


def test_a_persons_decision_is_in_the_chain_of_decisions(house: House) -> None:
    """It replaces rapproche's, and rapproche's next one replaces it; none is lost."""
    break_id = _open(house, "PRICE")
    _approve(house, break_id)
    chain = house.rows(
        "SELECT decision_id, decided_by, supersedes FROM recon.decisions WHERE subject_id = ?"
        " ORDER BY decided_at",
        break_id,
    )
    assert [by for _, by, _ in chain] == ["rapproche", "person", "rapproche"]
    assert [replaced for *_, replaced in chain] == [None, chain[0][0], chain[1][0]]


def test_p29_a_second_look_without_new_facts_decides_and_plans_nothing(house: House) -> None:
    """The decisions of people stand, and are kept once."""
    _approve(house, _open(house, "PRICE"))
    _reject(house, _open(house, "DUPLICATE"))
    _look_again(house)
    counted = (
        "SELECT (SELECT count(*) FROM recon.decisions), (SELECT count(*) FROM ops.outbox),"
        " (SELECT count(*) FROM ops.outbox_history), (SELECT count(*) FROM recon.breaks)"
    )
    before = house.rows(counted)
    _look_again(house)
    assert house.rows(counted) == before
    assert house.one("SELECT arg_max(commands_planned, started_at) FROM ops.runs") == 0


def test_every_decision_of_a_night_can_be_made_again(calm: House) -> None:
    """From what was kept of it, to the same outcome (reconciliation.md 2.2)."""
    kept = calm.rows("SELECT subject, outcome, inputs, policy FROM recon.decisions")
    replay = {"cra": replay_cra, "bill": replay_bill}
    again = [
        (outcome, replay[subject](inputs, policy))
        for subject, outcome, inputs, policy in kept
        if subject in replay
    ]
    assert len(again) > 60
    assert all(outcome == anew for outcome, anew in again)


def test_a_line_of_nobody_known_is_decided_once(house: House) -> None:
    """Its row and its hold are one break with one decision, so the break can be approved."""
    break_id = _open(house, "MISSING_ENTRY")
    _approve(house, break_id)
    assert _break(house, break_id) == ("overridden", "approved by Ada: checked by phone")
    current = (
        "SELECT outcome FROM recon.decisions d WHERE subject_id = ? AND NOT EXISTS"
        " (SELECT 1 FROM recon.decisions n WHERE n.supersedes = d.decision_id)"
    )
    assert house.one(current.replace("outcome", "count(*)"), break_id) == 1


# What is refused


@pytest.mark.parametrize(
    ("name", "said", "words"),
    [
        ("bill/nonsense", {}, "no break and no command"),
        ("cra/2026-10", {}, "write more of it"),
        ("SUPPLIER_UNCONFIRMED", {}, "rapproche link vendor"),
        ("NAME_AMBIGUOUS", {}, "rapproche link consultant"),
        ("RATE_MISSING", {}, "give the contract a rate"),
        ("PRICE", {"amount": Decimal(10**7)}, "is not between 0 and"),
        ("over_reported", {"amount": Decimal(5)}, "--amount is for a supplier invoice"),
    ],
)
def test_what_cannot_be_decided_is_refused_with_advice(
    calm: House, name: str, said: dict[str, Any], words: str
) -> None:
    """Nothing of the whole command is kept."""
    given = name if "/" in name else _open(calm, name)
    with pytest.raises(ConfigurationError, match=words):
        _approve(calm, _open(calm, "DATE"), given, **said)
    assert calm.one("SELECT count(*) FROM ops.approvals") == 0
    assert calm.one("SELECT count(*) FROM recon.decisions WHERE decided_by = 'person'") == 0


def test_an_unknown_id_is_answered_with_the_nearest(calm: House) -> None:
    """A typing error is told by what was meant."""
    break_id = _open(calm, "PRICE")
    with pytest.raises(ConfigurationError, match=f"the nearest: .*{break_id}"):
        _approve(calm, break_id.replace("bill-", "bil-"))


def test_a_break_of_a_file_that_is_removed_closes_and_cannot_be_decided(house: House) -> None:
    """Its owner reads the file's name; without the file nobody can mend the line."""
    file = house.settings.DECLARATIONS_DIR / "broken.csv"
    file.write_text("client,consultant,period,days\nA,B,2026-10,many\n")
    house.run("reconcile")
    [(break_id, _)] = [row for row in house.rows(DECLARED) if row[1] == "broken.csv"]
    file.unlink()
    house.run("reconcile")
    assert _break(house, break_id) == ("closed", "file removed")
    with pytest.raises(ConfigurationError, match="closed already: file removed"):
        _approve(house, break_id)


def test_what_changed_since_it_was_shown_is_refused(calm: House) -> None:
    """A form of the UI may be older than the figures."""
    break_id = _open(calm, "PRICE")
    with pytest.raises(ConfigurationError, match="has changed since it was shown"):
        _approve(calm, break_id, shown_at=calm.now().replace(year=2025))


# Breaks


def test_open_breaks_add_up_to_no_more_than_the_bills_ask_for(calm: House) -> None:
    """One cause shown on several rows and holds is summed once."""
    rows = calm.rows(
        "SELECT b.subject_id, sum(b.amount_at_stake), any_value(p.asked) FROM recon.breaks b"
        " JOIN (SELECT bill_id, sum(abs(invoiced_amount)) AS asked FROM recon.po_matches"
        " GROUP BY bill_id) p ON p.bill_id = b.subject_id WHERE b.status = 'open' GROUP BY 1"
    )
    assert rows
    assert [row for row in rows if row[1] is not None and row[1] > row[2]] == []


def test_figures_of_decisions_are_kept_as_they_were(calm: House) -> None:
    """Inputs are JSON with exact figures, policies name their limits."""
    [(inputs, policy)] = calm.rows(
        "SELECT inputs, policy FROM recon.decisions WHERE subject = 'bill' LIMIT 1"
    )
    assert isinstance(json.loads(inputs), dict)
    assert "price_percent" in policy


def test_each_kept_decision_has_its_fingerprint(calm: House) -> None:
    """Without one no decision of a person could be held against it."""
    with read_published(calm.settings.WAREHOUSE_PATH) as warehouse:
        kept = warehouse.frame("SELECT subject, fingerprint FROM recon.decisions")
    assert kept.filter(pl.col("fingerprint").is_null()).is_empty()
