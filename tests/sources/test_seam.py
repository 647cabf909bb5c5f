"""What is repeated, what is not, and what is given up."""

import asyncio
import itertools
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.errors import (
    Critical,
    OutcomeUnknown,
    SourceError,
    Transient,
    Validation,
)

DAY_S = 86_400


LOST = [httpx.ReadTimeout, httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError]
FAULTS = st.one_of(
    st.integers(500, 599), st.just(408), st.sampled_from(LOST).map(lambda kind: kind(""))
)


@pytest.mark.properties
@given(
    script=st.lists(FAULTS, min_size=1, max_size=6),
    base=st.floats(0.01, 10),
    jitter=st.floats(0, 1),
)
def test_p07_transient_reads_wait_1_2_4(
    vendor: Any,
    virtually: Any,
    outcome: Any,
    script: list[int | Exception],
    base: float,
    jitter: float,
) -> None:
    """Reads are repeated after 1, 2 and 4 times the base, and its jitter, 3 times at most."""
    there = vendor.scripted(*script)

    async def work() -> Any:
        door = there.boond(retry_base=base, jitter=lambda: jitter)
        return await outcome(door.one("clients", "1"))

    error = virtually(work)
    times = [at for at, _ in there.data_requests]
    waits = [(b - a) / base for a, b in itertools.pairwise(times)]
    assert isinstance(error, Transient) == (len(script) > 3)
    assert len(times) == min(len(script) + 1, 4)
    for wait, wanted in zip(waits, [1, 2, 4], strict=False):
        assert wait == pytest.approx(wanted + jitter / 4, abs=0.001)


@pytest.mark.properties
@given(
    status=st.one_of(st.integers(202, 399), st.integers(400, 499)).filter(
        lambda status: status not in {401, 408, 429}
    )
)
def test_p07_permanent_failures_are_never_retried(
    vendor: Any, virtually: Any, outcome: Any, status: int
) -> None:
    """A refusal is final: one request, and no wait."""
    there = vendor(lambda _: httpx.Response(status, text="no"))

    async def work() -> Any:
        return await outcome(there.boond().login()) or await outcome(
            anext(there.boond().pages("clients"))
        )

    error = virtually(work)
    assert isinstance(error, Validation | Critical)
    assert len(there.data_requests) == 1


WRITE_FAULTS = [
    *(408, 409, 500, 503),
    *(httpx.ReadTimeout(""), httpx.ReadError(""), httpx.WriteError("")),
]


@pytest.mark.parametrize("fault", WRITE_FAULTS, ids=repr)
def test_a_write_that_may_have_arrived_is_not_repeated(
    vendor: Any, virtually: Any, outcome: Any, fault: Any
) -> None:
    """A write with an unsure end is one request and OutcomeUnknown."""
    there = vendor.scripted(fault)

    async def work() -> Any:
        sent = there.boond().send("boond.cra.invalidate", "C1", {"status": "invalidated"})
        return await outcome(sent)

    assert isinstance(virtually(work), OutcomeUnknown)
    assert len(there.data_requests) == 1


@pytest.mark.parametrize("fault", [401, 429, httpx.ConnectError(""), httpx.ConnectTimeout("")])
def test_a_write_that_cannot_have_arrived_is_repeated(
    vendor: Any, virtually: Any, fault: Any
) -> None:
    """After 401, 429 or a connection that never opened, a write is sent again."""
    there = vendor.scripted(fault)

    async def work() -> Any:
        return await there.boond().send("boond.cra.invalidate", "C1", {"status": "invalidated"})

    assert virtually(work)["id"] == "1"
    assert len(there.data_requests) == 2


BODIES = [b"", b'{"data": [', b"<html>Bad gateway</html>", b'{"data": {"id": 1}} trailing']


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_a_200_that_is_no_json_is_transient(
    vendor: Any, virtually: Any, outcome: Any, body: bytes
) -> None:
    """A cut or foreign 200 is retried, then Transient."""
    there = vendor(lambda _: httpx.Response(200, content=body))

    async def work() -> Any:
        return await outcome(there.boond().one("clients", "1"))

    error = virtually(work)
    assert (type(error), error.code, len(there.data_requests)) == (Transient, "not_json", 4)


def test_a_hanging_vendor_is_given_up(vendor: Any, virtually: Any, outcome: Any) -> None:
    """A call that hangs is given up after 40 s, tried 4 times, then Transient."""

    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(DAY_S)
        return httpx.Response(200)

    there = vendor(hang)

    async def work() -> tuple[SourceError | None, float]:
        error = await outcome(there.bill().one("invoices", "1"))
        return error, asyncio.get_running_loop().time()

    error, at = virtually(work)
    assert (type(error), error.code) == (Transient, "timeout")
    assert at == pytest.approx(4 * 40 + 7, abs=2)


def test_an_endless_answer_to_a_write_leaves_it_unknown(
    vendor: Any, virtually: Any, outcome: Any, monkeypatch: Any
) -> None:
    """The vendor has answered a write, so it may have acted."""
    monkeypatch.setattr("sources.http._LARGEST_BODY", 1000)
    there = vendor(lambda _: httpx.Response(200, content=b"[" * 1001))

    async def work() -> Any:
        sent = there.boond().send("boond.cra.invalidate", "1", {"status": "x"})
        return await outcome(sent)

    assert isinstance(virtually(work), OutcomeUnknown)


def test_a_body_without_end_is_refused(
    vendor: Any, virtually: Any, outcome: Any, monkeypatch: Any
) -> None:
    """An answer beyond the bound is Critical."""
    monkeypatch.setattr("sources.http._LARGEST_BODY", 1000)
    there = vendor(lambda _: httpx.Response(200, content=b"[" * 1001))

    async def work() -> Any:
        return await outcome(there.boond().one("clients", "1"))

    assert virtually(work).code == "too_large"


def test_a_hanging_login_is_given_up_after_10_s(vendor: Any, virtually: Any, outcome: Any) -> None:
    """A login has 10 s, whatever the other calls have."""
    there = vendor(vendor.ok)

    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(DAY_S)
        return httpx.Response(200)

    async def work() -> float:
        door = there.bill(transport=httpx.MockTransport(hang))
        assert isinstance(await outcome(door.login()), Transient)
        return asyncio.get_running_loop().time()

    assert virtually(work) == pytest.approx(4 * 10 + 7, abs=2)
