"""Settings of mails and SMS, refused by name and without what is secret in them."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from flows import work
from flows.engine.run import system_clock
from flows.engine.wiring import World, message_doors
from flows.settings import ConfigurationError, Settings, load
from sources.mail import Folder
from sources.sms import SmsDoor
from sources.smtp import SmtpDoor

SERVER = {"SMTP_URL": "smtps://u:planted-pw@mail.example", "MAIL_FROM": "Compta <c@esn.example>"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a `.env`."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"SMTP_URL": "mail.example:25", "MAIL_FROM": "c@esn.example"}, "SMTP_URL"),
        ({"SMTP_URL": "http://u:planted-pw@mail.example"}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://u:planted-pw@"}, "SMTP_URL"),
        ({"SMTP_URL": SERVER["SMTP_URL"]}, "MAIL_FROM"),
        ({"MAIL_FROM": "nobody"}, "MAIL_FROM"),
        ({"OPS_EMAIL": "ops"}, "OPS_EMAIL"),
        ({"RAPPROCHE_LANG": "de"}, "RAPPROCHE_LANG"),
    ],
)
def test_a_wrong_setting_is_named_and_its_secret_is_not(
    values: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, the variable first."""
    for variable, value in values.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=name) as refused:
        load()
    assert "planted-pw" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_settings_do_not_print_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does anything that holds them."""
    for variable, value in SERVER.items():
        monkeypatch.setenv(variable, value)
    assert "planted-pw" not in repr(load())


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, {"notify.email": Folder}),
        (SERVER, {"notify.email": SmtpDoor}),
        ({"SMS_URL": "json://127.0.0.1/"}, {"notify.email": Folder, "notify.sms": SmsDoor}),
    ],
)
def test_messages_leave_where_the_settings_say(values: Any, kinds: dict[str, type]) -> None:
    """A folder without a mail server, and no SMS without a service."""
    doors = message_doors(Settings(**values), system_clock)
    assert {kind: type(door) for kind, door in doors.items()} == kinds


def _start(folder: Path, **values: Any) -> None:
    policy = folder / "policy.toml"
    policy.touch()
    places = {"WAREHOUSE_PATH": folder / "w.duckdb", "POLICY_FILE": policy}
    settings = Settings(**places, **values)
    asyncio.run(work.directly("publish", settings, World(system_clock)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_sms_url_of_no_service_ends_the_run_at_its_start(tmp_path: Path) -> None:
    """Otherwise nothing would be sent, and nothing said."""
    with pytest.raises(ConfigurationError, match="SMS_URL") as refused:
        _start(tmp_path, SMS_URL="nosuchservice://planted-pw@x")
    assert "planted-pw" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("smtp://u:pw@mail.example", True),
        ("smtp://mail.example", False),
        ("smtp://u:pw@127.0.0.1", False),
        ("smtps://u:pw@mail.example", False),
    ],
)
def test_a_password_in_the_clear_is_warned_of(
    url: str, warned: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is allowed, and the log says what would be better."""
    with caplog.at_level(logging.WARNING):
        _start(tmp_path, SMTP_URL=url, MAIL_FROM="c@esn.example")
    assert ("in the clear" in caplog.text) == warned
