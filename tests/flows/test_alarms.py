"""Operations hear of what failed at the end of every run, once (docs/decisions/0030)."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import httpx
import pytest

from flows.engine.run import Run
from flows.engine.wiring import World
from flows.settings import ConfigurationError
from sources.errors import Transient, Validation
from sources.mail import Message, MessageDoor
from tests.flows.conftest import SMALL
from tests.flows.house import House

pytestmark = pytest.mark.nights

OPS = "ops@esn.example"
ASKED = {"OPS_EMAIL": OPS, "RAPPROCHE_RETRY_BASE": 0, "RAPPROCHE_LANG": "en"}


@pytest.fixture
def house(synced: House) -> House:
    """A small world that was read once, whose operations have an address."""
    synced.settings = synced.settings.model_copy(update=ASKED)
    return synced


def _written(file: Path) -> int:
    return file.stat().st_mtime_ns


def _mails(house: House) -> list[EmailMessage]:
    folder = house.settings.WAREHOUSE_PATH.parent / "outbox-mail"
    read = [
        message_from_bytes(f.read_bytes(), policy=default)
        for f in sorted(folder.glob("*"), key=_written)
    ]
    return [mail for mail in read if mail["To"] == OPS]  # type: ignore[misc]


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def _sync(house: House, *, hours: int = 0) -> int:
    house.ticks += hours * 3_600_000_000
    return house.run("sync", sources=["boond", "bill"], full=False).exit_code


def _later(house: House) -> None:
    house.ticks += 7_200_000_000


def test_a_source_that_is_down_is_told_in_a_dry_run(house: House) -> None:
    """Its mail goes out although nothing is written back, with what to do."""
    house.sandbox.set_faults("down")
    assert house.nightly().exit_code == 3
    [mail] = _mails(house)
    assert "sources failed" in mail["Subject"]
    assert "BOOND_BASE_URL" in _text(mail)
    assert "access and settings" in _text(mail)


def test_a_trouble_is_told_once_a_day(house: House) -> None:
    """The next day it is told again."""
    house.sandbox.set_faults("down")
    assert [_sync(house), _sync(house)] == [3, 3]
    assert len(_mails(house)) == 1
    assert _sync(house, hours=24) == 3
    assert len(_mails(house)) == 2


def test_a_second_trouble_of_a_day_is_told_too(house: House) -> None:
    """Each source is one."""
    house.intercept = lambda r: httpx.Response(503) if "/bill/" in r.url.path else None
    _sync(house)
    house.intercept = lambda _: httpx.Response(503)
    _sync(house, hours=2)
    first, second = _mails(house)
    assert ("bill:" in _text(first), "boond:" in _text(first)) == (True, False)
    assert ("bill:" in _text(second), "boond:" in _text(second)) == (False, True)


def test_a_source_that_fails_in_another_way_is_told_on_the_same_day(house: House) -> None:
    """A refused password in the morning and a vendor that is down at noon are two troubles."""
    house.intercept = lambda r: httpx.Response(401) if "/bill/" in r.url.path else None
    _sync(house)
    house.intercept = lambda r: httpx.Response(503) if "/bill/" in r.url.path else None
    _sync(house, hours=2)
    first, second = _mails(house)
    assert ("BILL_COM_PASSWORD" in _text(first), "http_503" in _text(second)) == (True, True)


def test_alarms_are_no_commands_done(house: House) -> None:
    """A run that only told operations has written nothing back."""
    house.sandbox.set_faults("down")
    _sync(house)
    last = "SELECT commands_done FROM ops.runs ORDER BY started_at DESC LIMIT 1"
    assert (len(_mails(house)), house.one(last)) == (1, 0)


def test_quarantine_is_told(house: House) -> None:
    """How many records of which stream wait, and the command that tries them again."""
    person = next(iter(house.vendors.consultants.values()))
    person.last_name = None  # type: ignore[assignment]
    house.vendors.touch(person)
    _later(house)
    assert _sync(house) == 1
    [mail] = _mails(house)
    assert "records in quarantine" in mail["Subject"]
    assert "- boond.consultants: 1\r" in _text(mail)
    assert "retry-quarantine" in _text(mail)


def test_a_stopped_stream_is_told(house: House) -> None:
    """With its name and the question to the vendor."""
    for cra in list(house.vendors.cras.values())[:4]:
        cra.status = None  # type: ignore[assignment]
        house.vendors.touch(cra)
    assert _sync(house) == 1
    [mail] = _mails(house)
    assert "boond.cras stopped" in _text(mail)


def test_a_defect_is_told_without_its_words(house: House) -> None:
    """What was raised and where; an exception's text may hold anything."""

    async def broken(_: object) -> None:
        raise ZeroDivisionError("Camille Durand")

    with pytest.raises(ZeroDivisionError):
        house.opened(broken, flow="nightly")
    [mail] = _mails(house)
    assert "ZeroDivisionError, test_alarms.py:" in _text(mail)
    assert "Durand" not in _text(mail)


def test_what_a_person_gets_wrong_is_no_alarm(house: House) -> None:
    """Who decides sees at once how it ends."""

    async def wrong(_: object) -> None:
        raise ConfigurationError("no such break")

    with pytest.raises(ConfigurationError):
        house.opened(wrong, flow="decide")
    assert _mails(house) == []


def test_three_failed_runs_in_a_row_are_told_once_until_one_succeeds(house: House) -> None:
    """The message names the three, when they ran and what they met."""
    house.intercept = lambda _: httpx.Response(503)
    subjects = []
    for _ in range(4):
        _sync(house, hours=1)
        subjects.append([mail["Subject"] for mail in _mails(house)])
    assert [len(seen) for seen in subjects] == [1, 1, 2, 2]
    [mail] = [mail for mail in _mails(house) if "3 failed runs in a row" in mail["Subject"]]
    failed = house.rows("SELECT run_id FROM ops.runs WHERE state = 'failed' ORDER BY started_at")
    assert all(run_id in _text(mail) for (run_id,) in failed[:3])
    assert "boond 503" in _text(mail)
    house.intercept = None
    assert _sync(house, hours=1) == 0
    house.intercept = lambda _: httpx.Response(503)
    for _ in range(3):
        _sync(house, hours=1)
    assert len([m for m in _mails(house) if "failed runs in a row" in m["Subject"]]) == 2


def _killed(house: House, folder: Path, requests: int) -> House:
    """The house as a kill at the n-th request of a sync leaves it."""
    asked = 0

    def watch(_: httpx.Request) -> httpx.Response | None:
        nonlocal asked
        asked += 1
        if asked == requests:
            shutil.copytree(house.folder, folder)
        return None

    house.intercept = watch
    house.run("sync", sources=["boond", "bill"], full=True)
    after = House(folder, vendors=SMALL)
    after.settings = house.settings.model_copy(
        update={"WAREHOUSE_PATH": folder / "rapproche.duckdb"}
    )
    after.ticks = house.ticks + 3_600_000_000
    return after


def test_a_killed_run_is_recorded_whole_and_told_by_the_next(house: House, tmp_path: Path) -> None:
    """Every call that it made before is in the audit; a third run does not tell it again."""
    after = _killed(house, tmp_path / "after", 9)
    assert _sync(after) == 0
    told = "SELECT run_id, requests, rows_read > 0 FROM ops.runs WHERE state = 'crashed'"
    [(run_id, requests, read)] = after.rows(told)
    assert requests == 8
    assert read
    calls = "SELECT count(*) FROM ops.api_calls WHERE run_id = ?"
    assert after.one(calls, run_id) == 8
    _sync(after)
    [mail] = _mails(after)
    assert "cut off" in mail["Subject"]
    assert re.search(rf"{run_id}, .* CES?T\r", _text(mail))


class _Closed:
    """A way out that takes nothing, and says so."""

    may_repeat = True

    async def open(self) -> None:
        raise Transient("mail", "open", "not_connected", "no connection")

    async def send(self, message: Message) -> None:
        raise AssertionError(message)

    async def aclose(self) -> None:
        pass


def _without_mail(house: House) -> Callable[[], World]:
    outside = house.outside
    doors: dict[str, MessageDoor] = {"notify.email": _Closed()}
    return lambda: replace(outside(), messages=lambda: doors)


def test_an_alarm_that_cannot_be_sent_waits_for_the_next_run(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes out once mail works, also when nothing is wrong any more."""
    monkeypatch.setattr(house, "outside", _without_mail(house))
    house.sandbox.set_faults("down")
    assert _sync(house) == 3
    assert _mails(house) == []
    monkeypatch.undo()
    house.sandbox.set_faults("none")
    assert _sync(house, hours=1) == 0
    [mail] = _mails(house)
    assert "sources failed" in mail["Subject"]
    assert _sync(house) == 0
    assert len(_mails(house)) == 1


class _Refusing(_Closed):
    """A mail server that takes connections and refuses the address."""

    async def open(self) -> None:
        pass

    async def send(self, message: Message) -> None:
        raise Validation("mail", message.id, "refused", "no such address", status=550)


def test_an_alarm_that_was_refused_told_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the address is right, the next run tells it, on the same day too."""
    outside = house.outside
    doors: dict[str, MessageDoor] = {"notify.email": _Refusing()}
    monkeypatch.setattr(house, "outside", lambda: replace(outside(), messages=lambda: doors))
    house.sandbox.set_faults("down")
    assert _sync(house) == 3
    assert house.one("SELECT state FROM ops.outbox WHERE subject_id LIKE 'alarm/%'") == "refused"
    monkeypatch.undo()
    assert _sync(house, hours=1) == 3
    [mail] = _mails(house)
    assert "sources failed" in mail["Subject"]


def test_an_alarm_moves_no_other_message(planned: House) -> None:
    """What waits for `--apply`, or may have been sent, is left as it is."""

    async def uncertain(run: Run) -> None:
        run.warehouse.execute(
            "UPDATE ops.outbox SET state = 'unknown' WHERE command_id ="
            " (SELECT min(command_id) FROM ops.outbox WHERE kind = 'notify.email')"
        )

    planned.opened(uncertain)
    others = "SELECT command_id, state FROM ops.outbox WHERE subject_id NOT LIKE 'alarm/%'"
    before = planned.rows(f"{others} ORDER BY ALL")
    planned.settings = planned.settings.model_copy(update=ASKED)
    planned.sandbox.set_faults("down")
    _sync(planned)
    assert {state for _, state in before} == {"planned", "unknown"}
    assert planned.rows(f"{others} ORDER BY ALL") == before
    told = planned.one("SELECT payload FROM ops.outbox WHERE subject_id LIKE 'alarm/%'")
    assert json.loads(told)["refs"]["kinds"] == [
        *("source/bill/transient", "source/boond/transient", "unknown")
    ]


def test_without_an_address_the_log_says_that_nobody_is_told(
    synced: House, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing is planned."""
    synced.sandbox.set_faults("down")
    _sync(synced)
    assert "OPS_EMAIL is not set" in caplog.text
    assert synced.rows("SELECT 1 FROM ops.outbox WHERE subject_id LIKE 'alarm/%'") == []
