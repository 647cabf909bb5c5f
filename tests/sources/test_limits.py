"""How fast a vendor is called, and when it is left alone."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

DAY_S = 86_400


@given(seconds=st.integers(0, 300), callers=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_p08_nothing_is_sent_while_the_vendor_wants_quiet(
    vendor: Any, virtually: Any, seconds: int, callers: int
) -> None:
    """After a 429 with Retry-After n, no caller sends anything for n seconds."""
    limited: list[float] = []

    def answer(request: httpx.Request) -> Any:
        if not limited:
            limited.append(asyncio.get_running_loop().time())
            return httpx.Response(429, headers={"Retry-After": str(seconds)})
        return vendor.ok(request)

    there = vendor(answer)

    async def work() -> None:
        door = there.bill()
        await door.one("invoices", "1")
        await asyncio.gather(*(door.one("invoices", "1") for _ in range(callers)))

    virtually(work)
    later = [at for at, _ in there.requests if at > limited[0]]
    assert min(later, default=limited[0] + seconds) >= limited[0] + seconds
    assert len(there.data_requests) == callers + 2


def test_p08_the_block_is_shared_by_processes(
    vendor: Any, virtually: Any, outcome: Any, tmp_path: Any
) -> None:
    """A second door on the same directory waits for the Retry-After that the first one met."""
    first = vendor(lambda _: httpx.Response(429, headers={"Retry-After": "45"}))
    second = vendor(vendor.ok)

    async def work() -> None:
        one, two = first.boond(state_dir=tmp_path), second.boond(state_dir=tmp_path)
        asking = asyncio.ensure_future(outcome(one.one("clients", "1")))
        await asyncio.sleep(1)
        asking.cancel()
        await two.one("clients", "1")
        await one.aclose()
        await two.aclose()

    virtually(work)
    assert second.requests[0][0] >= 45


def test_a_429_without_a_time_waits_60_seconds(vendor: Any, virtually: Any) -> None:
    """Without Retry-After the wait is 60 s, scaled as all our waits are."""
    there = vendor.scripted(429)
    virtually(lambda: there.boond(retry_base=0.5).one("clients", "1"))
    (first, _), (second, _) = there.data_requests
    assert second - first == pytest.approx(30, abs=0.1)


@given(
    calls=st.integers(1, 150),
    per_minute=st.integers(5, 40),
    per_second=st.integers(1, 10),
    delays=st.lists(st.floats(0, 0.9), min_size=1, max_size=7),
)
@settings(max_examples=25, deadline=None)
def test_the_rate_limit_holds_in_every_window(
    vendor: Any, virtually: Any, calls: int, per_minute: int, per_second: int, delays: list[float]
) -> None:
    """No 60 s hold more requests than allowed as the vendor sees them arrive; no 1 s as we send."""
    there = vendor(vendor.ok)
    sent: list[float] = []
    delay = itertools.cycle(delays)

    async def under_way(request: httpx.Request) -> Any:
        sent.append(asyncio.get_running_loop().time())
        await asyncio.sleep(next(delay))
        return await there.handle(request)

    async def work() -> None:
        limits = {"requests_per_minute": per_minute, "burst_per_second": per_second}
        door = there.boond(transport=httpx.MockTransport(under_way), **limits)
        await asyncio.gather(*(door.one("clients", "1") for _ in range(calls)))

    virtually(work)
    arrived = [at for at, _ in there.requests]
    assert len(arrived) == calls + 1
    for times, window, allowed in ((arrived, 60, per_minute), (sent, 1, per_second)):
        for early, late in zip(times, times[allowed:], strict=False):
            assert late - early > window


def test_the_rate_limit_is_used_up_to_the_full(vendor: Any, virtually: Any) -> None:
    """200 calls at 100 a minute take little more than the one minute that they must."""
    there = vendor(vendor.ok)

    async def work() -> None:
        door = there.boond(requests_per_minute=100, burst_per_second=20)
        await asyncio.gather(*(door.one("clients", "1") for _ in range(199)))

    virtually(work)
    assert there.requests[-1][0] < 66


def test_the_circuit_opens_after_five_failures(vendor: Any, virtually: Any, outcome: Any) -> None:
    """After 5 failures calls fail at once for 60 s; then one trial closes the circuit."""
    there = vendor.scripted(*[503] * 5)

    async def work() -> tuple[Any, Any, Any]:
        door = there.boond()
        await outcome(door.one("clients", "1"))
        await outcome(door.one("clients", "1"))
        refused = await outcome(door.one("clients", "1"))
        sent = len(there.data_requests)
        await asyncio.sleep(61)
        return refused, sent, await door.one("clients", "1")

    refused, sent, served = virtually(work)
    assert (refused.code, sent, served) == ("circuit_open", 5, b'{"id":"1"}')


def test_a_failed_trial_opens_the_circuit_again(vendor: Any, virtually: Any, outcome: Any) -> None:
    """While the circuit tries, one request goes out; if it fails, calls fail at once again."""

    async def slowly(_request: httpx.Request) -> Any:
        await asyncio.sleep(1)
        return httpx.Response(503)

    there = vendor(slowly)

    async def work() -> list[str]:
        door = there.boond()
        await outcome(door.one("clients", "1"))
        await outcome(door.one("clients", "1"))
        await asyncio.sleep(61)
        many = [outcome(door.one("clients", "1")) for _ in range(4)]
        return [error.code for error in await asyncio.gather(*many) if error]

    assert virtually(work) == ["circuit_open"] * 4
    assert len(there.data_requests) == 6


def test_refusals_do_not_open_the_circuit(vendor: Any, virtually: Any) -> None:
    """A vendor that answers 404 is up."""
    there = vendor.scripted(*[404] * 20)

    async def work() -> list[Any]:
        door = there.boond()
        return [await door.one("clients", "1") for _ in range(21)]

    assert virtually(work)[-1] == b'{"id":"1"}'


def test_a_clock_set_back_does_not_stop_us(vendor: Any, virtually: Any, clock: Any) -> None:
    """Calls counted in the future, by a clock that was wrong, are forgotten."""
    there = vendor(vendor.ok)
    shift = [timedelta(hours=5)]

    async def work() -> float:
        door = there.boond(
            requests_per_minute=2, burst_per_second=2, now=lambda: clock() + shift[0]
        )
        await door.one("clients", "1")
        shift[0] = timedelta()
        await door.one("clients", "1")
        return asyncio.get_running_loop().time()

    assert virtually(work) < 61


def test_the_rate_limit_is_shared_by_processes(vendor: Any, virtually: Any, tmp_path: Any) -> None:
    """Two doors on one directory keep to one limit together."""
    there = vendor(vendor.ok)

    async def work() -> None:
        limits = {"requests_per_minute": 30, "burst_per_second": 4, "state_dir": tmp_path}
        doors = [there.bill(**limits), there.bill(**limits)]
        await asyncio.gather(*(doors[n % 2].one("invoices", "1") for n in range(60)))
        for door in doors:
            await door.aclose()

    virtually(work)
    times = [at for at, _ in there.requests]
    assert len(times) == 62
    assert all(late - early > 60 for early, late in zip(times, times[30:], strict=False))
    assert all(late - early > 1 for early, late in zip(times, times[4:], strict=False))


def test_a_wait_longer_than_a_run_is_not_waited_for(
    vendor: Any, virtually: Any, outcome: Any
) -> None:
    """A vendor that wants an hour of quiet gets it, and the caller is told at once."""
    there = vendor(lambda _: httpx.Response(429, headers={"Retry-After": "3600"}))

    async def work() -> tuple[Any, float]:
        error = await outcome(there.boond().one("clients", "1"))
        return error, asyncio.get_running_loop().time()

    error, at = virtually(work)
    assert (error.code, error.retry_after, at < 1) == ("blocked", 3600, True)
    assert len(there.data_requests) == 1
