"""P03 at the lowest level: masking, what prints, and what third parties log."""

import logging
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import sms
from sources.bill import Bill
from sources.boond import Boond
from sources.errors import OutcomeUnknown, Secrets
from sources.exchange import Ask
from sources.mail import Message, mail_server
from sources.session import Grant
from sources.wiring import Wiring
from tests.access.echoes import NASTY, codes, leaks, spellings

pytestmark = pytest.mark.properties
IMGHDR = "ignore:'imghdr' is deprecated:DeprecationWarning"
TEXT = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="*")
# Its ends are letters: no sign that a spelling shares with what stands beside it.
SECRET = st.builds("Q{}Q".format, st.text(TEXT, min_size=8, max_size=20))
AROUND = st.text('ab cé<"\\/&%{}:,', max_size=8)


@given(secret=SECRET, before=AROUND, after=AROUND, data=st.data())
def test_p03_any_spelling_of_any_secret_is_masked(
    secret: str, before: str, after: str, data: st.DataObject
) -> None:
    """In texts and bodies, as it is, quoted, escaped or in base64; what stands around it stays."""
    spelled = data.draw(st.sampled_from(sorted(spellings(secret) | codes(secret))))
    known = Secrets(secret)
    text = f"{before} {spelled} {after}"
    assert leaks([secret], known.mask(text).encode(), known.scrub(text.encode())) == []
    assert "***" in known.mask(text)
    assert known.mask(text).startswith(before)
    assert known.mask(text).endswith(after)


@given(secret=SECRET, text=st.text('abcé<"\\/&% {}:,0123\x1b\n', max_size=60))
def test_p03_what_holds_no_secret_is_left_alone(secret: str, text: str) -> None:
    """Bodies keep every byte; lines lose what no terminal should be told."""
    assert Secrets(secret).scrub(text.encode()) == text.encode()
    assert Secrets(secret).redact(text) == " ".join(text.replace("\x1b", " ").split())


@given(outer=SECRET, data=st.data())
def test_p03_a_secret_within_another_leaves_no_rest_of_it(outer: str, data: st.DataObject) -> None:
    """The longer one is masked first."""
    inner = outer[: data.draw(st.integers(8, len(outer)))]
    assert Secrets(inner, outer).mask(f"<{outer}>") == "<***>"


def test_p03_letters_that_json_escapes_without_need_hide_nothing() -> None:
    """Other escapes stay as they were, also after an escaped backslash."""
    known = Secrets("planted-1")
    body = rb'{"a": "\u0070l\u0061nted-\u0031", "b": "\u00e9 \\u0041 \u003c"}'
    assert known.scrub(body) == rb'{"a": "***", "b": "\u00e9 \\u0041 \u003c"}'


def test_p03_a_secret_of_digits_costs_its_record_and_no_page() -> None:
    """A number that holds it becomes a string; the body stays JSON, and other numbers stay."""
    body = b'{"id": 20261122, "no": "INV-20261122-1", "net": -120261122.5e0, "tax": 12.50}'
    told = Secrets("20261122").scrub(body)
    assert told == b'{"id": "***", "no": "INV-***-1", "net": "***", "tax": 12.50}'


@pytest.mark.parametrize("said", ["no", "No,", "%20no%20", r"\nno\n", r"\u0022no\u0022", "=no&"])
def test_p03_a_short_secret_is_masked_where_it_stands_alone(said: str) -> None:
    """Also between the codes of signs; within a word it stays, so that messages can be read."""
    known = Secrets("no")
    assert "no" not in known.mask(said).lower().replace(r"\n", "")
    assert known.mask("nothing known, cannot") == "nothing known, cannot"


def test_p03_backslashes_without_end_are_read_once() -> None:
    """A secret that begins with a sign may be escaped: no square of what stands there is paid."""
    many = "\\" * 40_000
    began = time.process_time()
    assert Secrets("!planted").mask(f"{many}!planted {many}") == f"*** {many}"
    assert time.process_time() - began < 1


def test_p03_nothing_that_holds_a_secret_prints_it() -> None:
    """Neither doors nor what they are made of."""
    wiring = Wiring(now=lambda: datetime.now(UTC), secrets=Secrets("planted-0"))
    held: list[Any] = [
        Boond(wiring, base_url="https://a.b", auth_url="https://a.b", api_key="planted-1"),
        Bill(
            wiring, base_url="https://a.b", username="u", organization_id="o",
            password="planted-2", dev_key="planted-3",
        ),
        Grant("planted-4", refresh="planted-5"),
        Ask("GET", "/x", params={"sessionId": "planted-6"}, headers={"X-API-Key": "planted-7"}),
        mail_server("smtp://u:planted-8@h"),
        sms.SmsDoor("json://planted-9"),
        wiring,
    ]  # fmt: skip
    assert "planted" not in repr(held)


@pytest.mark.filterwarnings(IMGHDR)
@pytest.mark.parametrize(
    "url", ["jsosn://tok-planted@host", "tok-planted", "twilio://tok-planted:tok@1"]
)
def test_p03_a_url_for_sms_that_is_none_is_not_logged(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The library would log it whole; ours is one line without it."""
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError, match="Apprise") as refusal:
        sms.check(url)
    assert "planted" not in f"{refusal.value} {caplog.text}"


@pytest.mark.filterwarnings(IMGHDR)
async def test_p03_a_service_for_sms_that_fails_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither its URL nor the request's."""
    door = sms.SmsDoor("json://u:pw-planted@127.0.0.1:1/tok-planted")
    with caplog.at_level(logging.DEBUG), pytest.raises(OutcomeUnknown) as refusal:
        await door.send(Message("1", "+33600000000", "text", "fr"))
    assert "planted" not in f"{refusal.value!r} {refusal.value} {caplog.text}"


def test_the_planted_secrets_are_masked_in_every_spelling() -> None:
    """The search that the other tests rest on finds each of them, and nothing once masked."""
    secret = f"x{NASTY}y1"
    for spelled in spellings(secret) | codes(secret):
        assert leaks([secret], f"a{spelled}b".encode())
        assert leaks([secret], Secrets(secret).scrub(f"a{spelled}b".encode())) == []
