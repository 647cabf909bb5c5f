"""What errors, audit and log say, and what they never say."""

import asyncio
import inspect
import logging
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import wiring
from sources.errors import (
    Authentication,
    OutcomeUnknown,
    Transient,
    Validation,
)
from sources.exchange import retry_after
from sources.streams import Door
from sources.urls import checked_url

DAY_S = 86_400


@pytest.mark.parametrize("url", ["http://example.com", "ftp://a.b", "nonsense", "https://u:p@a.b"])
def test_urls_that_would_leak_are_refused(url: str) -> None:
    """Only https, or http on loopback, and no password in the URL."""
    with pytest.raises(ValueError, match="http"):
        checked_url(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8", "http://[::1]:8", "http://localhost/x/"])
def test_loopback_may_be_plain(url: str) -> None:
    """The sandbox is reached over plain http."""
    assert checked_url(url) == url.rstrip("/")


ANY_FAULT = st.one_of(
    st.integers(300, 599).filter(lambda status: status != 401),
    st.sampled_from(
        [httpx.ReadTimeout("x"), httpx.ConnectError("x"), httpx.RemoteProtocolError("x")]
    ),
)


@given(fault=ANY_FAULT, write=st.booleans())
@settings(max_examples=60, deadline=None)
def test_p11_p21_every_error_has_one_form(
    vendor: Any, virtually: Any, outcome: Any, fault: Any, *, write: bool
) -> None:
    """Any failure is one of the classes, with source, operation, code, message and advice."""
    there = vendor.scripted(*[fault] * 8)

    async def work() -> Any:
        door = there.boond()
        if write:
            return await outcome(door.send("boond.cra.invalidate", "C1", {"status": "x"}))
        return await outcome(anext(door.pages("suppliers")))

    error = virtually(work)
    assert error.kind in {"transient", "validation", "authentication", "critical"}
    assert all((error.source, error.operation, error.code, error.message, error.advice))
    assert error.kind != "transient" or isinstance(error, Transient | OutcomeUnknown)
    assert error.code in str(error)


# No path or word of ours begins with this sign.
SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=9, max_size=24).map(
    "§{}".format
)


@given(
    password=SECRET, echo=st.sampled_from(["{}", '{{"message": "{}"}}', "<p>{}</p>", "a {} b {}"])
)
@settings(max_examples=40, deadline=None)
def test_p03_no_secret_is_ever_shown(
    vendor: Any, virtually: Any, outcome: Any, password: str, echo: str
) -> None:
    """Whatever the vendor echoes back, errors, audit and log hold no password, key or session."""
    there = vendor(vendor.ok, password=password)
    shown: list[str] = []

    def echoing(request: httpx.Request) -> httpx.Response:
        leak = f"{request.url} {password} dev-key-77120 {request.url.params['sessionId']}"
        return httpx.Response(400, text=echo.replace("{}", leak))

    there.answer = echoing

    class Capture(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            shown.append(record.getMessage())

    root, capture = logging.getLogger(), Capture(level=0)
    root.addHandler(capture)
    level, root.level = root.level, 0
    try:
        error = virtually(lambda: outcome(there.bill().one("invoices", "1")))
    finally:
        root.removeHandler(capture)
        root.level = level
    shown += [str(error), repr(error), repr(there.calls)]
    assert isinstance(error, Validation)
    for text in shown:
        assert not any(s in text for s in (password, "dev-key-77120", "granted-secret"))


def test_p03_a_key_that_no_header_can_carry_is_not_shown(
    vendor: Any, virtually: Any, outcome: Any
) -> None:
    """A key with odd characters is Authentication, and the codec's error does not show it."""
    there = vendor(vendor.ok)
    error = virtually(lambda: outcome(there.boond(key="clé-secrète").login()))
    assert (type(error), error.code) == (Authentication, "credential")
    assert "secr" not in f"{error} {error.__cause__}"


def test_p03_a_secret_in_a_record_is_masked(vendor: Any, virtually: Any) -> None:
    """A session id that the vendor puts into a record does not reach the warehouse."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = {"id": "1", "url": f"/x?sessionId={request.url.params['sessionId']}"}
        return httpx.Response(200, json={"response_data": said})

    there = vendor(answer)
    served = virtually(lambda: there.bill().one("invoices", "1"))
    assert served == b'{"id":"1","url":"/x?sessionId=***"}'


STEPS = st.one_of(
    st.integers(201, 599).filter(lambda status: status != 401),
    st.just(401),
    st.sampled_from([httpx.ReadTimeout(""), httpx.ConnectError(""), httpx.ReadError("")]),
)


@pytest.mark.properties
@given(
    script=st.lists(STEPS, max_size=6),
    callers=st.integers(1, 4),
    given_up_after=st.one_of(st.none(), st.floats(0, 3)),
)
def test_p22_every_exchange_is_audited(
    vendor: Any,
    virtually: Any,
    outcome: Any,
    script: list[Any],
    callers: int,
    given_up_after: float | None,
) -> None:
    """Each request that left has its row: logins, retries, cut ones, and those cancelled midway."""
    there = vendor.scripted(*script)

    async def slowly(request: httpx.Request) -> httpx.Response:
        arrived.append((request.method, request.url.path))
        await asyncio.sleep(0.3)
        return await there.handle(request)

    arrived: list[tuple[str, str]] = []

    async def work() -> None:
        door = there.bill(transport=httpx.MockTransport(slowly), retry_base=0.5)

        async def asking() -> None:
            await outcome(door.one("invoices", "1"))

        many = asyncio.gather(*(asking() for _ in range(callers)))
        with suppress(TimeoutError):
            await asyncio.wait_for(many, given_up_after)

    virtually(work)
    assert Counter((c.method, c.path) for c in there.calls) == Counter(arrived)
    assert sum(c.status is not None for c in there.calls) <= len(there.requests)
    for call in there.calls:
        assert call.source == "bill"
        assert call.duration_ms >= 0
        assert (call.status is None) == (call.bytes is None)
        assert "?" not in call.path


def test_p22_a_call_without_an_answer_is_audited(vendor: Any, virtually: Any) -> None:
    """A connection that never opened has a row with no status."""
    there = vendor.scripted(httpx.ConnectError(""))
    virtually(lambda: there.boond().one("clients", "1"))
    assert [call.status for call in there.calls] == [200, None, 200]


@pytest.mark.parametrize(("tls12", "lowest"), [(False, "TLSv1_3"), (True, "TLSv1_2")])
def test_only_tls_1_3_unless_allowed(lowest: str, *, tls12: bool) -> None:
    """Older TLS is refused unless a setting allows 1.2."""
    assert wiring.tls_context(tls12=tls12).minimum_version.name == lowest


def test_both_vendors_are_doors(vendor: Any) -> None:
    """Both doors have every method of the interface, under the same names of parameters."""
    there = vendor(vendor.ok)
    for door in (there.boond(), there.bill()):
        for name in ("login", "pages", "one", "find", "read", "send", "aclose"):
            asked = inspect.signature(getattr(Door, name)).parameters
            assert list(inspect.signature(getattr(type(door), name)).parameters) == list(asked)


RETRY_AFTER = [
    ("7", 7.0),
    ("0.5", 0.5),
    ("Tue, 03 Nov 2026 04:01:00 GMT", 60.0),
    ("Tue, 03 Nov 2026 03:00:00 GMT", 0.0),
    ("soon", None),
    ("-3", None),
    ("", None),
]


@pytest.mark.parametrize(("said", "seconds"), RETRY_AFTER)
def test_retry_after_is_seconds_or_a_date(said: str, seconds: float | None) -> None:
    """Both forms of the header are read; anything else counts as not said."""
    headers = httpx.Headers({"Retry-After": said, "Date": "Tue, 03 Nov 2026 04:00:00 GMT"})
    assert retry_after(headers, datetime(2000, 1, 1, tzinfo=UTC)) == seconds
