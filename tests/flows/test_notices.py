"""Messages go out once, to the right people, and after what they tell of (write-back.md)."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import date
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows import work
from flows.engine.deliver import TWICE, Delivery
from flows.engine.direct import Direct
from flows.engine.run import Outcome
from flows.engine.wiring import message_doors, open_run
from sources.mail import Message, MessageDoor
from tests.flows.house import AS_OF, House
from tests.mail_server import HOST, Post, free_port, mail_server

pytestmark = pytest.mark.nights

MakeHouse = Any
MakePosting = Callable[[int], House]


class KilledError(BaseException):
    """Ends everything at once; nothing of the product may catch it."""


def _files(house: House) -> list[EmailMessage]:
    folder = house.settings.WAREHOUSE_PATH.parent / "outbox-mail"
    return [
        message_from_bytes(file.read_bytes(), policy=default)  # type: ignore[arg-type]
        for file in sorted(folder.glob("*.eml"))
    ]


def _states(house: House) -> Counter[str]:
    return Counter(
        row[0] for row in house.rows("SELECT state FROM ops.outbox WHERE kind = 'notify.email'")
    )


def _keys(house: House) -> list[str]:
    return sorted(
        row[0]
        for row in house.rows(
            "SELECT natural_key FROM ops.outbox WHERE kind = 'notify.email' AND state = 'done'"
        )
    )


def _write_back(house: House, day: date = AS_OF) -> Outcome:
    return house.run("write_back", period=None, apply=True, as_of=day)


def _really(house: House) -> Outcome:
    """A write-back in real time, so that sockets have theirs."""
    told = {"as_of": AS_OF, "period": None, "apply": True}
    return asyncio.run(work.directly("write_back", house.settings, house.outside(), **told))


def _deliver(house: House, wrapped: Any = None, wanted: Collection[str] | None = None) -> Outcome:
    """Sends every mail that is planned, whatever it waits for, and looks at nothing.

    `wanted` are those that the facts still ask for, where not all.
    """

    async def part() -> Outcome:
        driver = Direct(house.folder / "artifacts", Console(stderr=True))
        async with open_run("test", house.settings, driver, house.outside(), as_of=AS_OF) as run:
            run.warehouse.execute("UPDATE ops.outbox SET depends_on = []")
            ids = run.warehouse.rows("SELECT command_id FROM ops.outbox")
            doors = message_doors(run.settings, run.now)
            doors = {kind: wrapped(door) if wrapped else door for kind, door in doors.items()}
            asked = frozenset(row[0] for row in ids) if wanted is None else frozenset(wanted)
            await Delivery(run, doors, asked).send_all()
            return run.outcome()

    return asyncio.run(part())


# Into the folder


def test_a_dry_night_tells_nobody(planned: House) -> None:
    """Messages are planned like everything else, and stay where they are."""
    assert set(_states(planned)) == {"planned"}
    assert _files(planned) == []


def test_billing_contacts_are_told_after_their_invoice(planned: House) -> None:
    """One mail an invoice, after it and its validations, and none in the second write-back."""
    assert _write_back(planned).exit_code == 0
    told = _files(planned)
    assert len(told) == len({mail["Message-ID"] for mail in told}) == 2
    assert all(mail["To"].startswith("facturation@") for mail in told)
    settled = dict(planned.rows("SELECT command_id, settled_at FROM ops.outbox"))
    for command_id, waits_for in planned.rows(
        "SELECT command_id, depends_on FROM ops.outbox WHERE kind = 'notify.email'"
    ):
        assert waits_for
        assert all(settled[other] < settled[command_id] for other in waits_for)
    assert _write_back(planned).exit_code == 0
    assert len(_files(planned)) == 2


def test_a_client_without_contact_is_billed_and_not_told(synced: House) -> None:
    """The mail alone waits, and goes out once there is somebody to read it."""
    contacts = {}
    for client in synced.vendors.clients.values():
        contacts[client.id], client.contacts = client.contacts, []
        client.updated_at = synced.now()
    synced.nightly(apply=True)
    held = synced.rows("SELECT subject, code FROM recon.holds WHERE code = 'NO_BILLING_CONTACT'")
    assert held == [("invoice", "NO_BILLING_CONTACT")] * 2
    assert _files(synced) == []
    for client in synced.vendors.clients.values():
        client.contacts, client.updated_at = contacts[client.id], synced.now()
    synced.nightly(apply=True)
    assert len(_files(synced)) == 2
    assert synced.rows("SELECT 1 FROM recon.holds WHERE code = 'NO_BILLING_CONTACT'") == []
    status = "SELECT DISTINCT status FROM recon.breaks WHERE code = 'NO_BILLING_CONTACT'"
    assert synced.one(status) == "closed"


def _drafted(house: House) -> str:
    """Takes October's CRA of one consultant back to a draft; who that is."""
    cra = next(c for c in house.vendors.cras.values() if c.status == "submitted")
    cra.status, cra.updated_at = "draft", house.now()
    return str(cra.consultant_id)


def test_one_message_a_person_month_and_level(synced: House) -> None:
    """As the days go by each level is told once, however often a run looks."""
    who = _drafted(synced)
    levels = {
        date(2026, 10, 28): ["low"],
        date(2026, 11, 2): ["high", "low"],
        date(2026, 11, 3): ["high", "low"],
        date(2026, 11, 5): ["critical", "high", "low"],
    }
    for day, told in levels.items():
        synced.run("monitor", period=None, as_of=day)
        _deliver(synced)
        reminders = [key for key in _keys(synced) if key.startswith("reminder|")]
        assert reminders == [f"reminder|{who}|2026-10|{level}" for level in told]
    managers = [key for key in _keys(synced) if key.startswith("manager|")]
    assert len(managers) == 1
    assert managers[0].endswith(f"|2026-10|critical|{who}")


def test_a_reminder_that_is_no_longer_true_is_cancelled(synced: House) -> None:
    """Planned in a dry run, and the CRA is submitted before anything was sent."""
    who = _drafted(synced)
    synced.run("monitor", period=None)
    alert = "SELECT consultant_id, risk, cra_status FROM recon.activity_alerts"
    assert synced.rows(alert) == [(who, "high", "draft")]
    cra = next(c for c in synced.vendors.cras.values() if c.status == "draft")
    cra.status, cra.updated_at = "submitted", synced.now()
    synced.run("monitor", period=None)
    assert synced.rows(alert) == []
    assert _states(synced) == {"cancelled": 1}


def test_monitoring_shows_alerts_and_deadlines(synced: House) -> None:
    """Both tables are left for people to read."""
    _drafted(synced)
    synced.run("monitor", period=None)
    shown = {file.stem for file in (synced.folder / "artifacts").iterdir()}
    assert {"activity-alerts", "billing-deadlines"} <= shown


# Over SMTP


@pytest.fixture
def post() -> Iterator[Post]:
    """A mail server on loopback."""
    with mail_server() as serving:
        yield serving


@pytest.fixture
def posting(_planned: Path, make_house: MakeHouse) -> MakePosting:
    """Makes the planned house whose mails go to a port of loopback."""

    def make(port: int) -> House:
        url, sender = f"smtp://{HOST}:{port}", "Compta <compta@esn.example>"
        told = {"SMTP_URL": url, "MAIL_FROM": sender, "RAPPROCHE_RETRY_BASE": 0}
        house: House = make_house(template=_planned, **told)
        house.ticks += 60_000_000
        return house

    return make


def test_mails_leave_over_smtp_once(posting: MakePosting, post: Post) -> None:
    """One connection, no file, and nothing twice."""
    house = posting(post.port)
    assert _really(house).exit_code == 0
    assert _deliver(house).exit_code == 0
    assert len(post.mails) == 2
    assert post.connections == 1
    assert {mail["From"] for mail in post.mails} == {"Compta <compta@esn.example>"}
    assert set(_states(house)) == {"done"}
    assert _files(house) == []


def test_a_server_that_is_down_is_said_and_tried_again(posting: MakePosting) -> None:
    """The mails wait for the next run; everything else is written."""
    port = free_port()
    house = posting(port)
    outcome = _deliver(house)
    assert outcome.exit_code == 1
    assert "SMTP_URL" in "".join(outcome.reasons)
    assert not set(_states(house)) & {"done", "sending", "unknown", "refused"}
    with mail_server(port=port) as serving:
        assert _deliver(house).exit_code == 0
    assert len(serving.mails) == 2


def test_a_refused_address_keeps_the_server_s_words(posting: MakePosting, post: Post) -> None:
    """5xx is final for that mail; the others go out."""
    answers = ["550 5.1.1 no such user"]
    post.on_rcpt = lambda _: answers.pop() if answers else None
    house = posting(post.port)
    outcome = _deliver(house)
    assert outcome.exit_code == 1
    assert "@" not in "".join(outcome.reasons)
    assert _states(house) == {"done": 1, "refused": 1}
    said = "SELECT last_error FROM ops.outbox WHERE state = 'refused'"
    assert "no such user" in house.one(said)


def test_greylisting_waits_for_the_next_run(posting: MakePosting, post: Post) -> None:
    """4xx took nothing: the mail is planned again."""
    post.on_rcpt = lambda _: "450 4.2.0 greylisted"
    house = posting(post.port)
    assert _deliver(house).exit_code == 1
    assert set(_states(house)) == {"planned"}
    post.on_rcpt = lambda _: None
    assert _deliver(house).exit_code == 0
    assert len(post.mails) == 2


def test_a_cut_after_the_body_is_sent_once_more_and_said(posting: MakePosting, post: Post) -> None:
    """It may have arrived: at most one duplicate, by the same Message-ID."""
    post.on_data = lambda _: "cut"
    house = posting(post.port)
    assert _deliver(house).exit_code == 1
    assert set(_states(house)) == {"unknown"}
    post.on_data = lambda _: None
    assert _deliver(house).exit_code == 0
    assert set(Counter(mail["Message-ID"] for mail in post.mails).values()) == {2}
    said = "SELECT DISTINCT last_error FROM ops.outbox WHERE kind = 'notify.email'"
    assert house.one(said) == TWICE
    assert set(_states(house)) == {"done"}


def test_after_two_uncertain_attempts_a_person_looks(posting: MakePosting, post: Post) -> None:
    """Never a third copy."""
    post.on_data = lambda _: "cut"
    house = posting(post.port)
    for _ in range(4):
        assert _deliver(house).exit_code == 1
    assert set(Counter(mail["Message-ID"] for mail in post.mails).values()) == {2}
    assert set(_states(house)) == {"unknown"}


def test_a_mail_in_doubt_that_is_no_longer_true_is_not_sent_again(
    posting: MakePosting, post: Post
) -> None:
    """Its facts changed meanwhile: it is cancelled, and the row says that it may have arrived."""
    post.on_data = lambda _: "cut"
    house = posting(post.port)
    _deliver(house)
    post.on_data = lambda _: None
    house.ticks += 60_000_000
    before = len(post.mails)
    assert _deliver(house, wanted=()).exit_code == 0
    assert (len(post.mails), set(_states(house))) == (before, {"cancelled"})


class _Dying:
    """A door through which the mail goes, and behind which the process ends."""

    may_repeat = True

    def __init__(self, door: MessageDoor) -> None:
        self._door = door

    async def open(self) -> None:
        await self._door.open()

    async def send(self, message: Message) -> None:
        await self._door.send(message)
        raise KilledError

    async def aclose(self) -> None:
        await self._door.aclose()


def test_a_kill_between_send_and_commit_costs_one_duplicate(
    posting: MakePosting, post: Post
) -> None:
    """The next run finds `sending`, sends once more, and its row says so."""
    house = posting(post.port)
    with pytest.raises(KilledError):
        _deliver(house, _Dying)
    assert len(post.mails) == 1
    assert _deliver(house).exit_code == 0
    copies = Counter(mail["Message-ID"] for mail in post.mails)
    assert sorted(copies.values()) == [1, 2]
    errors = house.rows("SELECT last_error FROM ops.outbox WHERE kind = 'notify.email'")
    assert sorted(map(str, [row[0] for row in errors])) == ["None", TWICE]


# Operations


def test_operations_are_told_once_a_day(make_house: MakeHouse) -> None:
    """A vendor that is down is told by mail, however many runs meet it."""
    house = make_house(OPS_EMAIL="ops@esn.example", RAPPROCHE_RETRY_BASE=0)
    house.sandbox.set_faults("down")
    for _ in range(2):
        assert _write_back(house).exit_code == 3
    told = [mail for mail in _files(house) if mail["To"] == "ops@esn.example"]
    assert len(told) == 1
    body = told[0].get_body(("plain",))
    assert body is not None
    assert "boond" in body.get_content()


def test_payloads_say_who_what_and_why(planned: House) -> None:
    """To, subject, both bodies, language and references."""
    for (payload,) in planned.rows("SELECT payload FROM ops.outbox WHERE kind = 'notify.email'"):
        assert set(json.loads(payload)) == {"to", "subject", "text", "html", "language", "refs"}
