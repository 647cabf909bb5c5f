"""Settings: from the environment or a file, refused by name when they are wrong."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flows.settings import (
    OUR_PREFIXES,
    ConfigurationError,
    Settings,
    exposed_file,
    load,
    read_policy,
    without_secrets,
)

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


URLS = ["BOOND_BASE_URL", "BOOND_AUTH_URL", "BILL_COM_BASE_URL", "PUSHGATEWAY_URL"]
KEYS = [
    "BOOND_CLIENT_SECRET",
    "BOOND_API_KEY",
    "BOOND_USER_TOKEN",
    "BOOND_CLIENT_TOKEN",
    "BOOND_CLIENT_KEY",
    "BOOND_BASIC_PASSWORD",
    "BILL_COM_PASSWORD",
    "BILL_COM_DEV_KEY",
    "SMS_URL",
]
WORDS = st.text("abcé 0.-/:@[\\", min_size=1, max_size=12)
RATES = st.decimals().filter(lambda rate: not rate.is_finite() or not 0 <= rate <= 1).map(str)
MALFORMED = {
    "BOOND_DIALECT": WORDS.map("v{}".format),
    "BILL_COM_DIALECT": WORDS,
    "BILL_COM_ENVIRONMENT": WORDS,
    "RAPPROCHE_LANG": WORDS.filter(lambda word: word not in {"fr", "en"}),
    "RAPPROCHE_LOG": WORDS,
    "RAPPROCHE_TLS12": WORDS.filter(lambda word: word.strip() not in {"0", "1"}).map("x{}".format),
    "BOOND_REQUESTS_PER_MINUTE": WORDS.map("n{}".format) | st.integers(max_value=0).map(str),
    "BOOND_BURST_PER_SECOND": WORDS.map("n{}".format) | st.integers(max_value=0).map(str),
    "RAPPROCHE_CRA_MONTHS": st.sampled_from(["0", "-1", "37", "2.5", "three", "nan"]),
    "BOOND_CURRENCY": WORDS,
    "BILL_COM_CURRENCY": st.sampled_from(["eur", "EURO", "€", "EU", "EUR "]),
    "TAX_RATE": RATES | WORDS.map("n{}".format),
    "RAPPROCHE_RUN_LOCK_WAIT": st.sampled_from(["nan", "inf", "-1", "-0.1", "soon", "1e999"]),
    "RAPPROCHE_RETRY_BASE": st.sampled_from(["nan", "inf", "-1", "-0.1", "soon", "1e999"]),
    "SMTP_URL": WORDS | st.sampled_from(["http://h:25", "smtp://u@h", "smtp://h:99999", "smtp://"]),
    "MAIL_FROM": st.sampled_from(["compta", "@b.fr", "a@", "a b@c.fr", "a@b.fr\nBcc: x@y.fr"]),
    "OPS_EMAIL": st.sampled_from(["compta", "@b.fr", "a@", "a b@c.fr", "a@b.fr\nBcc: x@y.fr"]),
    **dict.fromkeys(
        URLS, WORDS | WORDS.map("http://x{}".format) | WORDS.map("https://u:{}@h".format)
    ),
    **dict.fromkeys(KEYS, st.sampled_from(["a\nb", "ab\n", " ab", "ab\t", "a\x1bb", "a\udce9b"])),
}


@pytest.mark.properties
@given(st.sampled_from(sorted(MALFORMED)).flatmap(lambda n: st.tuples(st.just(n), MALFORMED[n])))
def test_p12_any_malformed_setting_is_refused_by_its_name(said: tuple[str, str]) -> None:
    """In one line that does not tell the value."""
    name, value = said
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        with pytest.raises(ConfigurationError, match=name) as refusal:
            load()
    assert "\n" not in str(refusal.value)
    assert len(value.strip()) < 8 or value not in str(refusal.value)


def test_p12_every_setting_that_can_be_malformed_is_tried() -> None:
    """The others are paths and names, of which none is malformed."""
    names = {
        "WAREHOUSE_PATH",
        "WAREHOUSE_GROUP",
        "DECLARATIONS_DIR",
        "POLICY_FILE",
        "RAPPROCHE_METRICS_FILE",
    }
    names |= {"BOOND_CLIENT_ID", "BOOND_VALIDATOR_ID", "BILL_COM_USERNAME", "BILL_COM_ORG_ID"}
    names |= {"BOOND_BASIC_USER"}
    assert set(Settings.model_fields) - set(MALFORMED) == names


@pytest.mark.properties
@given(st.sets(st.sampled_from(sorted(BILL)), min_size=1, max_size=3))
def test_p12_any_missing_credential_is_named(there: set[str]) -> None:
    """Some of the four without the others are none."""
    with pytest.MonkeyPatch.context() as patch:
        put(patch, **{name: BILL[name] for name in there})
        with pytest.raises(ConfigurationError) as refusal:
            load()
    assert str(refusal.value).split(" ")[0] in set(BILL) - there


@pytest.mark.properties
@given(st.sampled_from(OUR_PREFIXES), st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1))
def test_p12_any_unknown_name_of_ours_is_refused(prefix: str, rest: str) -> None:
    """A setting that nobody reads is one that was misspelled."""
    name = prefix + rest
    assume(name not in Settings.model_fields)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, "1")
        with pytest.raises(ConfigurationError, match=name):
            load()


PLACES = st.sampled_from(["environment", "file", "block"])
TEXTS = st.text("abcXYZ019é-_", min_size=1, max_size=10)
PLAIN = ["BOOND_CLIENT_ID", "BOOND_VALIDATOR_ID", "WAREHOUSE_GROUP", "BOOND_API_KEY"]


@pytest.mark.properties
@given(st.dictionaries(st.tuples(st.sampled_from(PLAIN), PLACES), TEXTS, max_size=8))
def test_p14_the_environment_wins_over_the_file_and_both_over_blocks(
    said: dict[tuple[str, str], str],
) -> None:
    """For any settings said in any of the places; what none says has its default."""
    said = {("BOOND_CLIENT_SECRET", "environment"): "s", **said}
    lines = [f"{name}='{value}'" for (name, place), value in said.items() if place == "file"]
    blocks = {name: value for (name, place), value in said.items() if place == "block"}
    Path(".env").write_text("\n".join(lines), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        put(patch, **{n: value for (n, place), value in said.items() if place == "environment"})
        settings = load(blocks)
    for name in PLAIN:
        places = (said.get((name, place)) for place in ("environment", "file", "block"))
        wanted = next(filter(None, places), Settings.model_fields[name].default)
        found = getattr(settings, name)
        assert (found.get_secret_value() if name == "BOOND_API_KEY" and found else found) == wanted


def test_a_file_that_cannot_be_read_is_refused_without_what_it_holds(elsewhere: Path) -> None:
    """The codec's error would show all of it."""
    (elsewhere / ".env").write_bytes(b"BOOND_API_KEY=planted\nX=\xe9")
    with pytest.raises(ConfigurationError, match=r"\.env") as refusal:
        load()
    assert "planted" not in f"{refusal.value} {refusal.value.__cause__}"
    assert "planted" not in without_secrets("planted")


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o640, False), (0o604, True)])
def test_a_file_that_everybody_reads_is_told_of(
    elsewhere: Path, mode: int, *, exposed: bool
) -> None:
    """Its owner and a group may read it."""
    assert exposed_file() is None
    (elsewhere / ".env").touch()
    (elsewhere / ".env").chmod(mode)
    assert (exposed_file() is not None) == exposed


def test_p03_what_nobody_foresaw_is_freed_of_the_settings_secrets(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the environment and the file, the mail server's password among them."""
    (elsewhere / ".env").write_text("SMTP_URL=smtp://u:pl%40nted-1@h\n")
    put(monkeypatch, BOOND_API_KEY="planted-2")
    assert without_secrets("a pl@nted-1 b planted-2 c") == "a *** b *** c"


def test_p03_secrets_print_as_asterisks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither str nor repr of the settings shows one."""
    put(monkeypatch, **BILL, BOOND_API_KEY="key-planted")
    assert "planted" not in f"{load()} {load()!r} {load().model_dump_json()}"


LIVE_BOOND = {
    "BOOND_USER_TOKEN": "user-planted",
    "BOOND_CLIENT_TOKEN": "tenant-planted",
    "BOOND_CLIENT_KEY": "key-planted",
}


def test_a_live_dialect_has_its_own_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The production hosts and limits stand where none is said; what is said wins."""
    put(monkeypatch, BOOND_DIALECT="live", **LIVE_BOOND, BOOND_BURST_PER_SECOND="4")
    put(monkeypatch, BILL_COM_DIALECT="live", BILL_COM_ENVIRONMENT="production", **BILL)
    settings = load()
    assert settings.has_boond
    assert settings.BOOND_BASE_URL == "https://ui.boondmanager.com/api"
    assert (settings.BOOND_REQUESTS_PER_MINUTE, settings.BOOND_BURST_PER_SECOND) == (600, 4)
    assert settings.BILL_COM_BASE_URL == "https://gateway.prod.bill.com/connect"


@pytest.mark.parametrize(
    ("dialect", "said"), [("v3", LIVE_BOOND), ("live", {"BOOND_API_KEY": "k"})]
)
def test_credentials_of_the_other_dialect_alone_are_refused(
    dialect: str, said: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever forgets the dialect is told so, rather than left with runs without BoondManager."""
    put(monkeypatch, BOOND_DIALECT=dialect, **said)
    with pytest.raises(ConfigurationError, match=f"BOOND_DIALECT is {dialect}, but BOOND_"):
        load()


@pytest.mark.parametrize("missing", [*LIVE_BOOND, "BOOND_BASIC_USER", "BOOND_BASIC_PASSWORD"])
def test_p12_a_missing_live_credential_is_named(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three tokens are none, and a user is none without the password."""
    basic = {"BOOND_BASIC_USER": "u", "BOOND_BASIC_PASSWORD": "pw-planted"}
    given = LIVE_BOOND if missing in LIVE_BOOND else basic
    put(monkeypatch, BOOND_DIALECT="live", **{n: v for n, v in given.items() if n != missing})
    with pytest.raises(ConfigurationError, match=missing):
        load()


def test_a_state_of_a_tenant_is_given_a_word_that_there_is(elsewhere: Path) -> None:
    """What a tenant calls otherwise is said by its number; another word is refused by its name."""
    file = elsewhere / "policy.toml"
    file.write_text('[boond_states.invoice]\n7 = "sent"\n')
    assert read_policy(file).boond_states.words() == {"invoice": {"7": "sent"}}
    file.write_text('[boond_states.invoice]\n7 = "lost"\n')
    with pytest.raises(ConfigurationError, match=r"boond_states\.invoice\.7"):
        read_policy(file)
    file.write_text('[boond_states.invoice]\nseven = "sent"\n')
    with pytest.raises(ConfigurationError, match=r"boond_states\.invoice\.seven"):
        read_policy(file)


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
