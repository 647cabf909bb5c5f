"""Settings: from the environment or a file, refused by name when they are wrong."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.settings import ConfigurationError, Settings, load, read_policy, unread_names

ROOT = Path(__file__).parents[2]
BILL = {
    "BILL_COM_USERNAME": "u",
    "BILL_COM_PASSWORD": "pw-planted",
    "BILL_COM_ORG_ID": "o",
    "BILL_COM_DEV_KEY": "key-planted",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a `.env`."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Sets environment variables."""
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_the_example_lists_every_setting_with_its_sentence_and_default() -> None:
    """`.env.example` and the code say the same."""
    said = re.findall(
        r"^# (.+)\n#([A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE
    )
    shown = {name: (sentence, value) for sentence, name, value in said}
    defaults = {
        name: (info.description, "" if info.default is None else str(info.default))
        for name, info in Settings.model_fields.items()
    }
    defaults["RAPPROCHE_TLS12"] = (defaults["RAPPROCHE_TLS12"][0], "false")
    assert shown == defaults


def test_p14_the_environment_wins_over_the_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value of `.env` counts until the environment says another."""
    (elsewhere / ".env").write_text("BOOND_CURRENCY=CHF\nTAX_RATE=0.1\n")
    put(monkeypatch, BOOND_CURRENCY="USD")
    settings = load()
    assert (settings.BOOND_CURRENCY, str(settings.TAX_RATE)) == ("USD", "0.1")


def test_what_comes_from_elsewhere_yields_to_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Secret block fills in what the environment lacks, and nothing else."""
    put(monkeypatch, **BILL)
    settings = load({"BILL_COM_PASSWORD": "block", "BOOND_API_KEY": "block"})
    assert settings.BILL_COM_PASSWORD is not None
    assert settings.BILL_COM_PASSWORD.get_secret_value() == "pw-planted"
    assert settings.has_boond


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"BOOND_CLIENT_SECRETT": "x"}, "BOOND_CLIENT_SECRETT"),
        ({"RAPPROCHE_COLOUR": "x"}, "RAPPROCHE_COLOUR"),
        ({"BOOND_DIALECT": "v4"}, "BOOND_DIALECT"),
        ({"BOOND_BASE_URL": "http://api.example.org"}, "BOOND_BASE_URL"),
        ({"BOOND_BASE_URL": "ftp:/x"}, "BOOND_BASE_URL"),
        ({"BOOND_CLIENT_ID": "x"}, "BOOND_CLIENT_SECRET"),
        ({"BOOND_REQUESTS_PER_MINUTE": "0"}, "BOOND_REQUESTS_PER_MINUTE"),
        ({"BILL_COM_ENVIRONMENT": "production"}, "BILL_COM_BASE_URL"),
        ({"TAX_RATE": "20"}, "TAX_RATE"),
        ({"RAPPROCHE_RUN_LOCK_WAIT": "soon"}, "RAPPROCHE_RUN_LOCK_WAIT"),
    ],
)
def test_p12_what_is_wrong_is_refused_by_its_name(
    values: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and the variable stands in it."""
    put(monkeypatch, **values)
    with pytest.raises(ConfigurationError, match=name) as refusal:
        load()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("missing", sorted(BILL))
def test_p12_a_missing_bill_credential_is_named(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three of the four are none."""
    put(monkeypatch, **{name: value for name, value in BILL.items() if name != missing})
    with pytest.raises(ConfigurationError, match=missing):
        load()


@given(st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1))
def test_p12_no_refusal_tells_the_value(value: str) -> None:
    """A password that was put into the wrong variable is not printed."""
    planted = f"pw-{value}-planted"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOOND_BASE_URL", planted)
        with pytest.raises(ConfigurationError) as refusal:
            load()
    assert planted not in str(refusal.value)


def test_p03_secrets_print_as_asterisks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither str nor repr of the settings shows one."""
    put(monkeypatch, **BILL, BOOND_API_KEY="key-planted")
    assert "planted" not in f"{load()} {load()!r} {load().model_dump_json()}"


def test_a_setting_that_nothing_reads_yet_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a warning, not a refusal."""
    put(monkeypatch, RAPPROCHE_CRA_MONTHS="3")
    load()
    assert unread_names() == ["RAPPROCHE_CRA_MONTHS"]


def test_a_policy_with_an_unknown_key_is_refused_by_its_name(elsewhere: Path) -> None:
    """So is one that is no TOML, and one that is not there: it may have held approvals."""
    file = elsewhere / "policy.toml"
    with pytest.raises(ConfigurationError, match="POLICY_FILE"):
        read_policy(file)
    file.touch()
    assert read_policy(file).billing.partial is False
    file.write_text("[billing]\npartly = true\n")
    with pytest.raises(ConfigurationError, match=r"billing\.partly"):
        read_policy(file)
    file.write_text("[billing")
    with pytest.raises(ConfigurationError, match=r"policy\.toml"):
        read_policy(file)
