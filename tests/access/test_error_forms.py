"""One form of errors, whatever happened, and what their class decides (P11, P21)."""

import ssl
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import errors
from sources.errors import (
    Authentication,
    Critical,
    OutcomeUnknown,
    SourceError,
    Transient,
    Validation,
)
from tests.sources.conftest import Vendor, failed, run

pytestmark = pytest.mark.properties
KINDS = {"transient", "validation", "authentication", "critical"}
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Date", "Location", "Content-Type", "Set-Cookie", "X-Any"]),
    st.one_of(
        st.text("0123456789.-", max_size=12),
        st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=20),
        st.sampled_from(["Tue, 03 Nov 2026 04:01:00 GMT", "http://[::1]]:99999999/", "//", "=;="]),
    ),
    max_size=3,
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(str.encode),
    st.sampled_from([b"[" * 100_000, b"<" * 20_000, b'{"errors": [{"detail": 1}, null, []]}']),
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=8) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["errors", "detail", "message", "code"]), inner)
        ),
        max_leaves=8,
    ).map(lambda value: httpx.Response(200, json=value).content),
)
RAISED: list[Exception] = [
    httpx.ConnectError("x"),
    httpx.ConnectTimeout("x"),
    httpx.PoolTimeout("x"),
    httpx.ProxyError("407"),
    httpx.ReadTimeout("x"),
    httpx.ReadError("x"),
    httpx.WriteError("x"),
    httpx.RemoteProtocolError("x"),
    httpx.LocalProtocolError("x"),
    httpx.UnsupportedProtocol("x"),
    httpx.DecodingError("x"),
    httpx.TooManyRedirects("x"),
    httpx.InvalidURL("x"),
    httpx.StreamClosed(),
    TimeoutError(),
    OSError("x"),
    ssl.SSLError("x"),
]
NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def told(answer: Any, *, write: bool) -> tuple[SourceError | None, int]:
    """The error of a call that is answered so, and how many requests it took."""

    def again(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = answer
        raw = [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()
        ]
        return httpx.Response(status, headers=raw, content=body)

    there = Vendor(again)

    async def work() -> SourceError | None:
        door = there.boond(retry_base=0.001)
        if write:
            return await failed(door.send("boond.cra.invalidate", "C1", {"status": "x"}))
        return await failed(anext(door.pages("clients")))

    return run(work), len(there.data_requests)


def assert_formed(error: SourceError) -> None:
    """Source, operation, code, message, what to do next and, where said, how long to wait."""
    assert error.kind in KINDS
    assert error.source == "boond"
    assert error.operation.split(" ")[0] in {"GET", "PUT", "POST"}
    assert error.code.replace("_", "").isalnum()
    assert error.message
    assert error.message.isprintable()
    assert error.advice.endswith(".")
    assert error.retry_after is None or error.retry_after >= 0
    assert "\n" not in str(error)
    assert all(part in str(error) for part in (error.source, error.operation, error.code))


@given(status=st.integers(200, 599), headers=HEADERS, body=BODIES, write=st.booleans())
def test_p11_any_answer_is_read_or_an_error_of_one_form(
    status: int, headers: dict[str, str], body: bytes, *, write: bool
) -> None:
    """Whatever the status, the headers and the bytes."""
    error, _ = told((status, headers, body), write=write)
    if error is not None:
        assert_formed(error)
    else:
        assert status in {200, 201}


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)
def test_p11_p21_any_failure_of_the_network_is_one_of_ours(
    raised: Exception, *, write: bool
) -> None:
    """A read is transient; a write is too where nothing can have arrived, else it is unknown."""
    error, _ = told(raised, write=write)
    assert error is not None
    assert_formed(error)
    sure = not write or isinstance(raised, NEVER_ARRIVED)
    assert type(error) is (Transient if sure else OutcomeUnknown)


def expected(status: int, *, write: bool) -> type[SourceError]:
    """The class that boond.md's table gives a status."""
    unsure: type[SourceError] = OutcomeUnknown if write else Transient
    table: dict[int, type[SourceError]] = {
        400: Validation, 404: Validation, 401: Authentication, 408: unsure, 429: Transient,
        409: OutcomeUnknown if write else Critical,
    }  # fmt: skip
    if status >= 500:
        return unsure
    done = write and status < 300
    return table.get(status, OutcomeUnknown if done else Critical)


REPEATED = {
    (False, Transient): 4,
    (True, Transient): 4,
    (False, Authentication): 2,
    (True, Authentication): 2,
}


@given(status=st.integers(202, 599), write=st.booleans())
def test_p21_the_class_follows_the_status_and_decides_the_repeats(
    status: int, *, write: bool
) -> None:
    """Transient is tried four times, a refused token twice, anything else once."""
    error, requests = told((status, {"Retry-After": "0"}, b"no"), write=write)
    assert type(error) is expected(status, write=write)
    assert requests == REPEATED.get((write, type(error)), 1)


def test_p21_every_error_says_its_class_and_what_to_do() -> None:
    """No class of ours is without one of the four kinds and an advice of its own."""
    ours = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, SourceError)]
    made = [kind("s", "GET /x", "code", "why") for kind in ours]
    assert {error.kind for error in made} == KINDS
    assert len({error.advice for error in made}) == len(ours) - 1
    assert str(made[1]) == "s: GET /x: code: why. Try again later."


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (0.001, ""), (1.4, " Retry after 1 s."), (3600, "3600 s.")]
)
def test_p11_a_wait_of_less_than_a_second_is_not_told(seconds: float | None, said: str) -> None:
    """A person waits for seconds."""
    error = Transient("bill", "GET /x", "circuit_open", "down", retry_after=seconds)
    assert str(error).endswith(said)
    assert ("Retry" in str(error)) == bool(said)


def test_p11_an_error_survives_where_it_is_kept() -> None:
    """A copy of it, as a queue or an orchestrator makes one, says the same."""
    import copy  # noqa: PLC0415 - for this alone
    import pickle  # noqa: PLC0415 - likewise

    error = Transient("boond", "GET /x", "rate_limit", "slow down", retry_after=3, status=429)
    for kept in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert (str(kept), vars(kept)) == (str(error), vars(error))
