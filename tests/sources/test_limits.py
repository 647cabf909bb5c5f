"""How fast a vendor is called, and when it is left alone."""

import asyncio
import itertools
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.limits import Limiter

DAY_S = 86_400


def http_date(seconds: float) -> str:
    """An HTTP date so many seconds after the start of the virtual clock."""
    return format_datetime(
        datetime(2026, 11, 3, 4, tzinfo=UTC) + timedelta(seconds=seconds), usegmt=True
    )


GARBAGE = ["", "soon", "-3", "1e3", "0x10", "\xb2", "Tue, 99 Nov"]
# What stands in the header, the quiet from the 429 on, and the end of the quiet.
QUIET = st.one_of(
    st.integers(0, 600).map(lambda n: (str(n), n, 0)),
    st.integers(1, 600).map(lambda n: (http_date(n), 0, n)),
    st.sampled_from(GARBAGE).map(lambda text: (text, 60, 0)),
)


@pytest.mark.properties
@given(quiet=QUIET, delays=st.lists(st.floats(0, 20), min_size=1, max_size=6))
def test_p08_nothing_is_sent_while_the_vendor_wants_quiet(
    vendor: Any, virtually: Any, quiet: tuple[str, int, int], delays: list[float]
) -> None:
    """After a 429 with Retry-After n, no caller sends for n seconds, not even one that connects."""
    said, seconds, until = quiet
    limited: list[float] = []
    sent: list[float] = []
    there = vendor(vendor.ok)
    delay = itertools.cycle(delays)

    async def connecting(request: httpx.Request) -> Any:
        await asyncio.sleep(next(delay) if there.logins else 0)
        await request.extensions["trace"]("http11.send_request_headers.started", {})
        at = asyncio.get_running_loop().time()
        sent.append(at)
        if there.logins and not limited:
            limited.append(at)
            return httpx.Response(429, headers=[(b"Retry-After", said.encode("latin-1"))])
        return await there.handle(request)

    async def work() -> None:
        door = there.bill(transport=httpx.MockTransport(connecting))
        await door.login()
        await asyncio.gather(*(door.one("invoices", "1") for _ in delays))

    virtually(work)
    later = sent[sent.index(limited[0], 1) + 1 :]
    assert min(later) >= max(limited[0] + seconds, until) - 1e-3
    assert len(sent) == len(delays) + 2


@pytest.mark.parametrize("said", ["999999999", "9" * 400, "Tue, 03 Nov 9999 04:00:00 GMT"])
def test_a_quiet_of_years_is_one_of_a_day(
    vendor: Any, virtually: Any, outcome: Any, said: str
) -> None:
    """A vendor that asks for years is asked again after a day; until then a person is told."""
    there = vendor(lambda _: httpx.Response(429, headers={"Retry-After": said}))

    async def work() -> tuple[Any, Any, int]:
        door = there.bill()
        first = await outcome(door.one("invoices", "1"))
        await asyncio.sleep(DAY_S)
        there.answer = vendor.ok
        return first, await door.one("invoices", "1"), len(there.data_requests)

    first, served, sent = virtually(work)
    assert (first.code, first.retry_after, sent) == ("blocked", DAY_S, 2)
    assert served == b'{"id":"1"}'


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


@pytest.mark.properties
@given(
    calls=st.integers(1, 120),
    per_minute=st.integers(5, 40),
    per_second=st.integers(1, 10),
    ways=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=9),
    doors=st.integers(1, 3),
)
@settings(max_examples=25, deadline=None)
def test_the_rate_limit_holds_in_every_window_where_the_vendor_counts(  # noqa: PLR0913 - fixtures
    vendor: Any,
    virtually: Any,
    tmp_path_factory: Any,
    calls: int,
    per_minute: int,
    per_second: int,
    *,
    ways: list[tuple[float, float]],
    doors: int,
) -> None:
    """However long requests and answers travel, no window of arrivals holds one too many."""
    there = vendor(vendor.ok)
    way = itertools.cycle(ways)

    async def travelling(request: httpx.Request) -> Any:
        out, back = next(way)
        await asyncio.sleep(out)
        answer = await there.handle(request)
        await asyncio.sleep(back)
        return answer

    async def work() -> None:
        limits = {"requests_per_minute": per_minute, "burst_per_second": per_second}
        limits["state_dir"] = tmp_path_factory.mktemp("limits") if doors > 1 else None
        opened = [
            there.bill(transport=httpx.MockTransport(travelling), **limits) for _ in range(doors)
        ]
        await asyncio.gather(*(opened[n % doors].one("invoices", "1") for n in range(calls)))
        for door in opened:
            await door.aclose()

    virtually(work)
    times = [at for at, _ in there.requests]
    assert len(times) == calls + min(doors, calls)
    for window, allowed in ((60, per_minute), (1, per_second)):
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


@given(jumps=st.lists(st.floats(-90_000, 90_000), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_a_clock_that_is_set_moves_neither_limit_nor_block(
    vendor: Any, virtually: Any, clock: Any, jumps: list[float]
) -> None:
    """However the machine's clock jumps between calls, a minute and a Retry-After last as long."""
    there = vendor.scripted(429)
    shift, left = [0.0], list(jumps)

    async def work() -> None:
        door = there.boond(
            requests_per_minute=4,
            burst_per_second=4,
            now=lambda: clock() + timedelta(seconds=shift[0]),
            key="key-of-tests",
        )
        for _ in range(10):
            await door.one("clients", "1")
            shift[0] += left.pop() if left else 0.0

    virtually(work)
    times = [at for at, _ in there.requests]
    assert times[1] - times[0] >= 60
    assert all(60 < late - early < 61 for early, late in zip(times[1:], times[5:], strict=False))


def test_a_block_told_in_the_future_lasts_its_own_length(
    vendor: Any, virtually: Any, clock: Any, tmp_path: Any
) -> None:
    """Retry-After heard under a clock that is set back afterwards is no wait of hours."""
    there = vendor.scripted(429)

    async def work() -> float:
        shared = {"state_dir": tmp_path, "key": "key-of-tests"}
        ahead = there.boond(now=lambda: clock() + timedelta(hours=5), **shared)
        task = asyncio.create_task(ahead.one("clients", "1"))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await there.boond(**shared).one("clients", "1")
        return asyncio.get_running_loop().time()

    assert 60 <= virtually(work) < 70


def test_rows_of_the_future_are_forgotten(
    vendor: Any, virtually: Any, clock: Any, tmp_path: Any
) -> None:
    """Calls that another process counted under a wrong clock do not stop us for hours."""
    there = vendor(vendor.ok)

    async def work() -> float:
        limits = {"requests_per_minute": 2, "burst_per_second": 2, "state_dir": tmp_path}
        fast = there.boond(now=lambda: clock() + timedelta(hours=5), key="key-of-tests", **limits)
        await fast.one("clients", "1")
        await there.boond(key="key-of-tests", **limits).one("clients", "1")
        return asyncio.get_running_loop().time()

    assert virtually(work) < 61


def test_a_call_that_another_clock_forgot_takes_the_place_of_none(
    virtually: Any, clock: Any, tmp_path: Path
) -> None:
    """Where two clocks differ by 20 s, each call is still counted as one of its own."""

    async def work() -> int:
        ours = Limiter("boond", [(10, 9)], now=clock, state_dir=tmp_path)
        late = Limiter(
            "boond", [(10, 9)], now=lambda: clock() - timedelta(seconds=20), state_dir=tmp_path
        )
        first, _ = await ours.acquire(0)
        await late.acquire(0)
        assert first is not None
        ours.settle(first, answered=True)
        with closing(sqlite3.connect(tmp_path / "limits.sqlite")) as held:
            return int(held.execute("SELECT count(*) FROM calls").fetchone()[0])

    assert virtually(work) == 2


def test_the_places_of_a_dead_process_are_free_again(virtually: Any, clock: Any) -> None:
    """What was under way when a process died is over when no exchange can last any longer."""

    async def work() -> float:
        limiter = Limiter("boond", [(60, 2)], now=clock)
        await limiter.acquire(0)
        await limiter.acquire(0)
        while (await limiter.acquire(600))[0] is None:
            pass
        return asyncio.get_running_loop().time()

    assert 60 < virtually(work) < 110


def spoil(path: Path, how: str) -> None:
    """What may happen to a file in a cache folder."""
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "replaced":
        path.unlink()
        path.write_bytes(b"not a database at all" * 100)
    else:
        path.write_bytes({"cut": whole[: len(whole) // 2], "odd": b"?" * len(whole)}[how])


@pytest.mark.parametrize("how", ["gone", "replaced", "cut", "odd"])
@pytest.mark.parametrize("running", [True, False])
def test_a_spoilt_file_is_begun_anew(
    virtually: Any, clock: Any, tmp_path: Path, caplog: Any, how: str, *, running: bool
) -> None:
    """A file that was lost costs one window of waiting, and no window gets a call too many."""
    times: list[float] = []

    async def called(limiter: Limiter) -> None:
        place, _ = await limiter.acquire(600)
        assert place is not None
        times.append(asyncio.get_running_loop().time())
        limiter.settle(place, answered=True)

    async def work() -> None:
        first = Limiter("boond", [(60, 3)], now=clock, state_dir=tmp_path)
        await called(first)
        await called(first)
        if not running:
            first.close()
        spoil(tmp_path / "limits.sqlite", how)
        later = first if running else Limiter("boond", [(60, 3)], now=clock, state_dir=tmp_path)
        for _ in range(4):
            await called(later)
        later.close()

    virtually(work)
    assert running or how == "gone" or "begun anew" in caplog.text
    if running or how != "gone":
        assert times[2] > 60
    assert times[-1] < 130


def test_where_no_file_can_be_the_process_counts_alone(
    vendor: Any, virtually: Any, tmp_path: Path, caplog: Any
) -> None:
    """A folder that cannot be written ends no run: the log says that nothing is shared."""
    (tmp_path / "taken").write_text("a file where the folder should be")
    there = vendor(vendor.ok)
    door = {"state_dir": tmp_path / "taken" / "limits", "key": "key-of-tests"}
    assert virtually(lambda: there.boond(**door).one("clients", "1")) == b'{"id":"1"}'
    assert "counted by this process alone" in caplog.text


def test_a_long_wait_is_said_once(vendor: Any, virtually: Any, caplog: Any) -> None:
    """A wait of a minute leaves one line with its length, however many callers wait."""
    there = vendor(vendor.ok)

    async def work() -> None:
        door = there.boond(key="key-of-tests", requests_per_minute=10)
        await asyncio.gather(*(door.one("clients", "1") for _ in range(15)))

    virtually(work)
    said = [r.getMessage() for r in caplog.records if "rate limit" in r.getMessage()]
    assert said == ["rate limit reached, waits seconds=60"]


def test_a_circuit_that_opens_stops_those_who_wait_for_a_place(
    vendor: Any, virtually: Any, outcome: Any
) -> None:
    """Callers who waited for the rate limit while the vendor went down send nothing."""
    there = vendor.scripted(*[503] * 50)

    async def work() -> list[str]:
        door = there.boond(key="key-of-tests", requests_per_minute=5, retry_base=0.01)
        many = await asyncio.gather(*(outcome(door.one("clients", "1")) for _ in range(9)))
        return [error.code for error in many if error]

    assert set(virtually(work)) == {"circuit_open"}
    assert len(there.data_requests) <= 6


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
