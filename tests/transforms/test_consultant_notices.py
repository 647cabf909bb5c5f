"""What consultants and managers are told, and how often (reconciliation.md 1.2 and 3)."""

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.transforms import client_facts as given
from tests.transforms.client_facts import cra, frame, line, person
from transforms.clients.cra_matching import CraFacts
from transforms.commands import EMAIL, INVALIDATE, OUTBOX, SMS, client_commands, command_id
from transforms.messages.consultant_notices import informed, invalidations, reminders
from transforms.messages.notices import Desk, Notices
from transforms.monitoring import ALERTS
from transforms.policy import Policy
from transforms.words.causes import find_causes

REACHABLE = person(email="jean@esn.example", phone="+33 (0)6 00 00 00 01")
Row = dict[str, Any]


def _desk(*sent: Row, **more: Any) -> Desk:
    blank = dict.fromkeys(OUTBOX)
    outbox = pl.DataFrame([blank | row for row in sent], schema=dict(OUTBOX), orient="row")
    return Desk(language="en", policy=more.pop("policy", Policy()), outbox=outbox, **more)


def _rows(notices: Notices) -> list[Row]:
    rows = notices.wanted.to_dicts()
    return [row | {"payload": json.loads(row["payload"])} for row in rows]


def _invalidated(
    declared: str, reported: str, desk: Desk | None = None, version: str = "v1", **who: Any
) -> Notices:
    """What is told when October's only CRA differs from the declaration."""
    facts = given.facts([line(declared)], [cra(reported)], people=[REACHABLE | who])
    billing = given.proposed(facts)
    wanted = client_commands(billing, {"cra1": version}, Policy())
    return _told(desk or _desk(), wanted, billing.matches, facts)


def _told(desk: Desk, wanted: pl.DataFrame, matches: pl.DataFrame, facts: CraFacts) -> Notices:
    return invalidations(desk, wanted, matches, find_causes(matches, facts), facts.consultants)


def _sent(row: Row, state: str = "done") -> Row:
    payload = row["payload"]
    return row | {
        "payload": payload if isinstance(payload, str) else json.dumps(payload),
        "state": state,
        "attempts": 1,
    }


def _cause(version: str = "v1", state: str = "done") -> Row:
    key = f"cra1|invalidated|{version}"
    about = {"command_id": command_id(INVALIDATE, "cra1", key), "payload": "{}"}
    return about | {"kind": INVALIDATE, "target": "cra1", "natural_key": key, "state": state}


def test_an_invalidation_is_told_once_it_is_done() -> None:
    """The mail waits for the command and says both figures and the client."""
    [row] = _rows(_invalidated("20", "21"))
    assert row["kind"] == EMAIL
    assert row["depends_on"] == [_cause()["command_id"]]
    assert row["natural_key"] == "invalidated|P1|2026-10|invalidated"
    assert row["payload"]["to"] == "jean@esn.example"
    for said in ("Acme", "20 d", "21 d", "October 2026"):
        assert said in row["payload"]["text"]
        assert said in row["payload"]["html"]


def test_the_cause_is_told_without_money_and_without_other_people() -> None:
    """The consultant reads dates, not the price of a day, nor what a colleague declared."""
    text = _rows(_invalidated("20", "21"))[0]["payload"]["text"]
    assert "EUR" not in text
    people = [REACHABLE, person("P2", "Anne Roy")]
    facts = given.facts(
        [line("20"), line("22", "Anne Roy")], [cra("21"), cra("21", "P2")], people=people
    )
    billing = given.proposed(facts)
    wanted = client_commands(billing, {"cra1": "v", "cra2": "v"}, Policy())
    [row] = _rows(_told(_desk(), wanted, billing.matches, facts))
    assert "Roy" not in row["payload"]["text"]


def test_a_large_gap_waits_with_its_mail() -> None:
    """What a person decides on the invalidation decides on its mail."""
    cause = _cause()["command_id"]
    assert _rows(_invalidated("20", "10"))[0]["state"] == "awaiting_approval"
    approved = _invalidated("20", "10", _desk(decided={cause: "approved"}))
    assert _rows(approved)[0]["state"] == "planned"
    assert _rows(_invalidated("20", "10", _desk(decided={cause: "rejected"}))) == []


def test_policy_may_want_a_person_for_every_mail() -> None:
    """`"notify.email" = "always"` holds."""
    rules = Policy.model_validate({"approval": {"notify.email": "always"}})
    assert _rows(_invalidated("20", "21", _desk(policy=rules)))[0]["state"] == "awaiting_approval"


def test_a_mail_that_is_owed_is_still_wanted_after_the_facts_moved() -> None:
    """The CRA was invalidated and the mail is not out: nothing of the facts takes it back."""
    [mail] = _rows(_invalidated("20", "21"))
    desk = _desk(_sent(mail, "planned"), _cause())
    none = given.facts(people=[REACHABLE])
    billing = given.proposed(none)
    nothing = client_commands(billing, {}, Policy())
    kept = _rows(_told(desk, nothing, billing.matches, none))
    assert [(row["command_id"], row["state"]) for row in kept] == [(mail["command_id"], "planned")]


def test_a_refused_mail_is_still_owed_and_goes_to_the_address_of_today() -> None:
    """The server knew no such box: the mail is asked for again, where the person is reached now."""
    [mail] = _rows(_invalidated("20", "21", email="old@esn.example"))
    desk = _desk(_sent(mail, "refused"), _cause())
    [again] = _rows(_invalidated("20", "20", desk, email="new@esn.example"))
    assert (again["command_id"], again["state"]) == (mail["command_id"], "planned")
    assert again["payload"] == mail["payload"] | {"to": "new@esn.example"}


def test_a_mail_whose_cause_never_happened_is_wanted_no_more() -> None:
    """A cancelled invalidation is not told."""
    [mail] = _rows(_invalidated("20", "21"))
    desk = _desk(_sent(mail, "planned"), _cause(state="cancelled"))
    assert _rows(_invalidated("20", "20", desk)) == []


def test_a_second_invalidation_is_a_level_of_its_own() -> None:
    """Resubmitted and different again: told again, and a third time after that."""
    [first] = _rows(_invalidated("20", "21"))
    desk = _desk(_sent(first), _cause())
    [second] = _rows(_invalidated("20", "19", desk, "v2"))
    assert second["natural_key"].endswith("|invalidated-2")
    desk = _desk(_sent(first), _cause(), _sent(second), _cause("v2"))
    assert _rows(_invalidated("20", "18", desk, "v3"))[0]["natural_key"].endswith("-3")


def test_the_same_invalidation_keeps_its_level() -> None:
    """Looking again makes no new message."""
    [first] = _rows(_invalidated("20", "21"))
    desk = _desk(_sent(first), _cause())
    assert _rows(_invalidated("20", "21", desk))[0]["command_id"] == first["command_id"]


def test_a_message_that_was_never_owed_frees_its_level() -> None:
    """The first invalidation never went out; the next one is the first to be told."""
    [first] = _rows(_invalidated("20", "21"))
    desk = _desk(_sent(first, "planned"), _cause(state="cancelled"))
    [other] = _rows(_invalidated("20", "19", desk, "v2"))
    assert other["command_id"] == first["command_id"]


def test_two_cras_of_a_month_are_told_in_one_mail() -> None:
    """One message a person, month and level: it waits for both."""
    clients = [given.client(), given.client("C2", "Bolt")]
    contracts = [given.contract(), given.contract("CT2", "C2")]
    rates = [given.rate(), given.rate(contract="CT2")]
    facts = given.facts(
        [line("20"), line("15", client="Bolt")],
        [cra("21"), cra("15.5", client="C2", period_start_date=date(2026, 10, 1))],
        clients=clients,
        contracts=contracts,
        rates=rates,
        people=[REACHABLE],
    )
    billing = given.proposed(facts)
    wanted = client_commands(billing, {"cra1": "v1", "cra2": "v1"}, Policy())
    [row] = _rows(_told(_desk(), wanted, billing.matches, facts))
    assert len(row["depends_on"]) == 2
    assert "Acme" in row["payload"]["text"]
    assert "Bolt" in row["payload"]["text"]


@pytest.mark.parametrize(
    "email",
    [None, "", "jean", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", "é@b.fr"],
)
def test_who_has_no_address_is_held_and_not_written_to(email: str | None) -> None:
    """Several addresses, or a line break in one, are none."""
    notices = _invalidated("20", "21", email=email)
    assert _rows(notices) == []
    assert notices.holds["code"].to_list() == ["NO_ADDRESS"]


# Reminders


def _alert(risk: str, who: str = "P1", **more: Any) -> Row:
    told = {"period": "2026-10", "consultant_id": who, "cra_id": None, "cra_status": None}
    dates = {"due_date": date(2026, 11, 4), "days_left": 1, "manager_email": "boss@esn.example"}
    return told | dates | {"risk": risk, "blocked_amount": None, "currency": None} | more


def _reminded(*alerts: Row, desk: Desk | None = None, **more: Any) -> Notices:
    people = frame("core.consultants", more.pop("people", [REACHABLE]))
    rows = pl.DataFrame(alerts, schema=ALERTS, orient="row")
    return reminders(desk or _desk(), rows, people, told=more.pop("told", set()), **more)


def _keys(notices: Notices) -> list[str]:
    return sorted(notices.wanted["natural_key"])


@pytest.mark.parametrize("risk", ["low", "medium", "high"])
def test_each_level_has_its_reminder(risk: str) -> None:
    """One message a person, month and level, to the consultant alone."""
    assert _keys(_reminded(_alert(risk))) == [f"reminder|P1|2026-10|{risk}"]


def test_a_late_cra_is_told_to_the_manager_too() -> None:
    """Critical: the consultant's reminder, and a message of their own for the manager."""
    rows = {row["payload"]["to"]: row for row in _rows(_reminded(_alert("critical")))}
    assert set(rows) == {"jean@esn.example", "boss@esn.example"}
    assert "Jean Dupont" in rows["boss@esn.example"]["payload"]["subject"]


def test_a_manager_has_one_message_a_person() -> None:
    """Two late consultants of one manager are two messages."""
    people = [REACHABLE, person("P2", "Anne Roy", email="anne@esn.example")]
    told = _reminded(_alert("critical"), _alert("critical", "P2"), people=people)
    assert sum(key.startswith("manager|") for key in _keys(told)) == 2


def test_several_owed_cras_are_one_reminder_of_the_gravest() -> None:
    """Two drafts of a month: one message."""
    told = _reminded(_alert("medium", cra_id="c1"), _alert("high", cra_id="c2"))
    assert _keys(told) == ["reminder|P1|2026-10|high"]


@pytest.mark.parametrize(
    ("risk", "count"), [("low", 0), ("medium", 0), ("high", 1), ("critical", 2)]
)
def test_an_invalidation_counts_as_low_and_medium(risk: str, count: int) -> None:
    """Who was told of it is reminded again only when it presses."""
    [mail] = _rows(_invalidated("20", "21"))
    told = informed(_desk(_sent(mail)), _invalidated("20", "20"))
    assert told == {("P1", "2026-10")}
    assert _reminded(_alert(risk), told=told).wanted.height == count


def test_an_invalidation_planned_now_counts_and_one_that_waits_does_not() -> None:
    """A mail that a person has still to approve has told nobody anything."""
    assert informed(_desk(), _invalidated("20", "21")) == {("P1", "2026-10")}
    assert informed(_desk(), _invalidated("20", "10")) == set()


@pytest.mark.parametrize(
    ("risk", "phone", "sent"),
    [("medium", "+33600000001", 0), ("high", "+33600000001", 1), ("high", "call me", 0)],
)
def test_urgent_reminders_go_to_phones_too(risk: str, phone: str, sent: int) -> None:
    """An SMS for high and critical, where one is set up and there is a number."""
    people = [REACHABLE | {"phone": phone}]
    told = _reminded(_alert(risk), people=people, desk=_desk(sms=True))
    assert told.wanted.filter(kind=SMS).height == sent
    assert _reminded(_alert(risk), people=people).wanted.filter(kind=SMS).height == 0


def test_the_doubtful_and_those_who_left_are_not_reminded() -> None:
    """A record that could not be read may be the CRA; who left is reminded of nothing."""
    assert _reminded(_alert("high"), doubtful=frozenset({"P1"})).wanted.is_empty()
    left = REACHABLE | {"deleted_at": given.NOON}
    assert _reminded(_alert("high"), people=[left]).wanted.is_empty()


def test_a_manager_without_address_is_held() -> None:
    """The consultant is reminded; that the manager cannot be is said."""
    told = _reminded(_alert("critical", manager_email=None))
    assert _keys(told) == ["reminder|P1|2026-10|critical"]
    assert told.holds.select("code", "break_id").rows() == [
        ("NO_ADDRESS", "notice/2026-10/P1/manager")
    ]


def test_a_corrected_address_is_no_new_message() -> None:
    """The command is the same, whatever address the consultant has."""
    ids = [
        _reminded(_alert("high"), people=[REACHABLE | {"email": email}]).wanted["command_id"][0]
        for email in ("a@esn.example", "b@esn.example")
    ]
    assert ids[0] == ids[1]


def test_names_cannot_break_out() -> None:
    """Markup is escaped in HTML, and no name adds a line to subject or text."""
    people = [REACHABLE | {"first_name": "<b>X</b>\r\nBcc: y@z.example"}]
    for row in _rows(_reminded(_alert("critical"), people=people)):
        assert "<b>X" not in row["payload"]["html"]
        assert "&lt;b&gt;X" in row["payload"]["html"]
        assert "\nBcc" not in row["payload"]["text"]
        assert "\n" not in row["payload"]["subject"]
