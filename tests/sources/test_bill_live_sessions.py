"""How BILL's live dialect lets us in, refuses us, and wants to be left alone."""

import asyncio
import itertools
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sources.bill_refusals import Judge
from sources.errors import (
    Authentication,
    Critical,
    OutcomeUnknown,
    Secrets,
    Transient,
    Validation,
)
from sources.exchange import Ask
from sources.limits import Limiter
from sources.wiring import Wiring

MINUTE_S = 60
HOUR_S = 3600
VENDOR = {"id": "0091", "name": "N", "updatedTime": "2026-10-01T00:00:00Z"}


def served(_request: httpx.Request) -> httpx.Response:
    """A vendor, whatever is asked for."""
    return httpx.Response(200, json=VENDOR)


def refused(code: str, message: str = "no", status: int = 400) -> httpx.Response:
    """An error array as BILL gives it."""
    entry = {"timestamp": "2026-11-03T04:00:00.000+00:00", "severity": "ERROR"}
    return httpx.Response(status, json=[entry | {"code": code, "message": message}])


def steps(*answers: httpx.Response) -> Any:
    """Answers one after another, then a vendor for ever."""
    left = list(answers)
    return lambda request: left.pop(0) if left else served(request)


def test_two_headers_carry_the_session(vendor: Any, virtually: Any) -> None:
    """Session and developer key stand in headers, and never in a URL."""
    there = vendor(served)
    virtually(lambda: there.bill_live().one("vendors", "0091"))
    (_, login), (_, call) = there.requests
    assert login.url == "https://bill.test/connect/v3/login"
    assert call.url == "https://bill.test/connect/v3/vendors/0091"
    assert call.headers["sessionId"] == "granted-secret-1"
    assert call.headers["devKey"] == "dev-key-77120"


def test_a_session_in_use_is_not_renewed(vendor: Any, virtually: Any) -> None:
    """Each call restarts the 35 minutes; after a longer pause the login comes before the call."""
    there = vendor(served, lifetime_s=1e9)

    async def work() -> list[int]:
        door = there.bill_live()
        logins = []
        for pause in [*[29 * MINUTE_S] * 20, 31 * MINUTE_S]:
            await door.one("vendors", "0091")
            await asyncio.sleep(pause)
            logins.append(there.logins)
        await door.one("vendors", "0091")
        return [*logins, there.logins]

    assert virtually(work) == [*[1] * 21, 2]
    assert all(call.status == 200 for call in there.calls)


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_session_that_ended_is_renewed_once(vendor: Any, virtually: Any, status: int) -> None:
    """BDC_1109 makes one new login and repeats the call, whatever its status."""
    there = vendor(steps(refused("BDC_1109", "Session is invalid.  Please log in.", status)))
    assert virtually(lambda: there.bill_live().one("vendors", "0091")) is not None
    assert (there.logins, len(there.data_requests)) == (2, 2)


def test_a_new_session_that_is_refused_too_is_fatal(
    vendor: Any, virtually: Any, outcome: Any
) -> None:
    """A second BDC_1109 stops, and says what to look at."""
    there = vendor(lambda _: refused("BDC_1109", "Session is invalid.", 401))
    error = virtually(lambda: outcome(there.bill_live().one("vendors", "0091")))
    assert isinstance(error, Authentication)
    assert "nobody else ends the sessions" in str(error)
    assert there.logins == 2


@pytest.mark.parametrize("status", [200, 401, 403])
def test_an_untrusted_session_is_not_logged_in_again(
    vendor: Any, virtually: Any, outcome: Any, status: int
) -> None:
    """BDC_1361 is fatal at once: another login would be as little trusted."""
    there = vendor(lambda _: refused("BDC_1361", "Untrusted session.", status))

    async def work() -> list[Any]:
        door = there.bill_live()
        return [await outcome(door.one("vendors", "0091")) for _ in range(3)]

    errors = virtually(work)
    assert {type(error) for error in errors} == {Critical}
    assert str(errors[0]) == (
        "bill: GET /v3/vendors/0091: untrusted_session: BDC_1361 Untrusted session. Logging in"
        " again does not help: BILL asks this user for a second factor. Set an AP & AR sync token"
        " (BILL, Settings) as BILL_COM_USERNAME and BILL_COM_PASSWORD."
    )
    assert there.logins == 1


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (refused("BDC_1101", "User name and/or password do not match."), "BILL_COM_PASSWORD and"),
        (refused("BDC_1101", "no match", 200), "a few wrong passwords lock the account"),
        (refused("BDC_1101", "no match", 401), "they are not tried again"),
        (refused("BDC_1102", "Developer key is invalid."), "stage and production share no keys"),
        (refused("BDC_1103", "Developer key is inactive."), "The developer key is switched off"),
        (refused("BDC_1104", "Terms are not accepted."), "developer terms are not accepted"),
        (refused("BDC_1106", "Partner types do not match."), "Check BILL_COM_ORG_ID"),
        (refused("BDC_1107", "Organization is locked out."), "BILL has locked the organization"),
        (refused("BDC_1111", "No active user."), "is active in that organization"),
        (refused("BDC_1123", "Invalid organization id."), "Check BILL_COM_ORG_ID"),
        (refused("BDC_1110", "Login is locked."), "have an administrator unlock it"),
        (refused("BDC_9999", "Your account has been LOCKED", 200), "unlock it at BILL"),
        (refused("BDC_1361", "Untrusted session.", 403), "AP & AR sync token"),
        (httpx.Response(403, text="no"), "Check the credentials in the settings."),
    ],
)
def test_a_refused_login_is_said_once_and_never_repeated(
    vendor: Any, virtually: Any, outcome: Any, answer: httpx.Response, advice: str
) -> None:
    """Any number of callers make one login, and each is told on one line what to do."""
    there = vendor(served)
    there.login_answer = lambda: answer

    async def work() -> list[Any]:
        door = there.bill_live()
        many = [outcome(door.one("vendors", "0091")) for _ in range(4)]
        return [*await asyncio.gather(*many), await outcome(door.login())]

    errors = virtually(work)
    assert {type(error) for error in errors} == {Authentication}
    assert all(advice in str(error) and "\n" not in str(error) for error in errors)
    assert (there.logins, len(there.data_requests)) == (1, 0)


def test_an_answer_without_a_session_is_a_refusal(
    vendor: Any, virtually: Any, outcome: Any
) -> None:
    """A login that gives no session is told, and the same password is not tried again."""
    there = vendor(served)
    there.login_answer = lambda: httpx.Response(200, json={"organizationId": "org"})

    async def work() -> list[Any]:
        door = there.bill_live()
        return [await outcome(door.login()), await outcome(door.one("vendors", "0091"))]

    assert [error.code for error in virtually(work)] == ["no_session"] * 2
    assert there.logins == 1


@pytest.mark.parametrize("status", [200, 400, 422, 429])
def test_an_hour_that_is_used_up_ends_the_reading(
    vendor: Any, virtually: Any, outcome: Any, status: int
) -> None:
    """BDC_1144 is told with the end of the hour; until then nothing is sent by anybody."""
    said = "Max number of allowed requests per hour reached: 20000."
    there = vendor(lambda _: refused("BDC_1144", said, status))

    async def work() -> tuple[Any, Any, int]:
        door = there.bill_live()
        await asyncio.sleep(20 * MINUTE_S)
        first = await outcome(door.one("vendors", "0091"))
        second = await outcome(door.one("vendors", "0092"))
        return first, second, len(there.data_requests)

    first, second, sent = virtually(work)
    assert isinstance(first, Transient)
    assert first.retry_after == pytest.approx(40 * MINUTE_S + 5, abs=1)
    assert "run again after 05:00 UTC" in str(first)
    assert (second.code, sent) == ("blocked", 1)


def test_the_end_of_the_hour_is_waited_for_where_it_is_near(vendor: Any, virtually: Any) -> None:
    """Within ten minutes of the next hour the call waits and goes on."""
    there = vendor(steps(refused("BDC_1144")))

    async def work() -> float:
        door = there.bill_live()
        await asyncio.sleep(53 * MINUTE_S)
        await door.one("vendors", "0091")
        return asyncio.get_running_loop().time()

    assert HOUR_S + 5 <= virtually(work) < HOUR_S + 15
    assert len(there.data_requests) == 2


@pytest.mark.parametrize("status", [200, 400, 422, 429])
def test_too_many_at_once_waits_a_second(vendor: Any, virtually: Any, status: int) -> None:
    """BDC_1322 is repeated after a second or more, by which another program may be done."""
    there = vendor(steps(*[refused("BDC_1322", status=status)] * 2))
    virtually(lambda: there.bill_live().one("vendors", "0091"))
    times = [at for at, _ in there.data_requests]
    assert len(times) == 3
    assert all(later - sooner >= 1 for sooner, later in itertools.pairwise(times))


def test_too_many_at_once_for_long_says_what_to_end(
    vendor: Any, virtually: Any, outcome: Any
) -> None:
    """After three retries the key's other programs are named as the cause."""
    there = vendor(lambda _: refused("BDC_1322"))
    error = virtually(lambda: outcome(there.bill_live().one("vendors", "0091")))
    assert (error.code, len(there.data_requests)) == ("too_many_at_once", 4)
    assert "all programs with this developer key" in str(error)


def test_three_requests_are_under_way_at_most(vendor: Any, virtually: Any) -> None:
    """However many callers, BILL never sees a fourth request, a login counted in."""
    under_way: list[int] = [0]
    most: list[int] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        under_way[0] += 1
        most.append(under_way[0])
        await asyncio.sleep(0.1)
        under_way[0] -= 1
        return served(request)

    there = vendor(answer)

    async def work() -> None:
        door = there.bill_live()
        await asyncio.gather(*(door.one("vendors", f"009{n}") for n in range(20)))

    virtually(work)
    assert max(most) == 3


@pytest.mark.parametrize("code", ["BDC_1001", "BDC_1002"])
def test_a_failure_of_the_system_is_tried_again(vendor: Any, virtually: Any, code: str) -> None:
    """BILL's own failures pass, whatever their status."""
    there = vendor(steps(refused(code, status=200), refused(code)))
    assert virtually(lambda: there.bill_live().one("vendors", "0091")) is not None


JUDGED = [
    (200, b'[{"code":"BDC_1143","message":"max: too large"}]', Validation, "bad_request"),
    (400, b'[{"message":"a"},{"code":"BDC_1143"}]', Validation, "bad_request"),
    (200, b' [{"code":"BDC_7777","message":"new"}]', Critical, "bdc_7777"),
    (200, b'{"code":"BDC_1144","message":"hour"}', Transient, "hour_used_up"),
    (400, b'{"code":"BDC_1322"}', Transient, "too_many_at_once"),
    (404, b'[{"code":"BDC_1121"}]', Validation, "not_found"),
    (500, b'[{"code":"BDC_1002"}]', Transient, "bdc_1002"),
]
NOT_JUDGED = [
    (200, b"[]"),
    (200, b'{"results":[{"description":"BDC_1144"}]}'),
    (200, b'{"results":[{"description":"\\"BDC_1144\\""}],"code":null}'),
    (400, b'[{"message":"email: must not be blank"}]'),
    (422, b'[{"code":"BDC_1152"}]'),
    (503, b"<html>down</html>"),
    (400, b"[" * 100_000),
    (200, b"[7, null]"),
]


def judge(ask: Ask, status: int, body: bytes) -> Any:
    """What is made of an answer at half past four."""
    now = datetime(2026, 11, 3, 4, 30, tzinfo=UTC)
    return Judge(lambda: now, Secrets("secret-7719"), 0.5)(ask, status, body)


@pytest.mark.parametrize(("status", "body", "kind", "code"), JUDGED)
def test_codes_tell_whatever_the_status(status: int, body: bytes, kind: Any, code: str) -> None:
    """A known code says what an answer is, and an unknown one makes no success of an error."""
    error = judge(Ask("GET", "/v3/bills"), status, body)
    assert (type(error), error.code, error.status) == (kind, code, status)


@pytest.mark.parametrize(("status", "body"), NOT_JUDGED)
def test_what_has_no_code_is_told_by_its_status(status: int, body: bytes) -> None:
    """Honest rows that mention a code, and errors without one, are left to the table."""
    assert judge(Ask("GET", "/v3/bills"), status, body) is None


def test_a_write_that_met_a_failure_may_have_been_carried_out() -> None:
    """A system error after a write is no leave to send it again."""
    error = judge(Ask("POST", "/v3/bills", write=True), 400, b'[{"code":"BDC_1001"}]')
    assert isinstance(error, OutcomeUnknown)


def test_no_secret_is_in_what_bill_says() -> None:
    """An error that shows a credential is told without it."""
    body = b'[{"code":"BDC_1101","message":"not secret-7719"}]'
    assert "7719" not in str(judge(Ask("POST", "/v3/login", login=True), 400, body))


def test_the_hour_is_the_only_window_of_a_key(vendor: Any) -> None:
    """19,000 requests an hour are allowed, and no share of a minute."""
    assert Wiring(now=lambda: datetime.now(UTC), requests_per_hour=19_000).windows == (
        (HOUR_S, 19_000),
    )
    assert len(vendor(served).wiring().windows) == 2


def test_a_full_hour_is_waited_for_and_said_before(
    vendor: Any, virtually: Any, caplog: Any
) -> None:
    """The log warns once when a tenth of the hour is left; then calls wait, and none fails."""
    there = vendor(served)

    async def work() -> float:
        door = there.bill_live(requests_per_hour=50)
        for _ in range(60):
            await door.one("vendors", "0091")
            await asyncio.sleep(1)
        return asyncio.get_running_loop().time()

    assert virtually(work) > HOUR_S
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert said[0] == "few requests are left this hour: 5 of 50"
    assert said[1].startswith("rate limit reached, waits seconds=35")
    times = [at for at, _ in there.requests]
    assert all(late - early >= HOUR_S for early, late in zip(times, times[50:], strict=False))


def test_a_budget_that_others_use_is_seen(virtually: Any, clock: Any, tmp_path: Any) -> None:
    """What another process of the machine called counts in a window that we counted before."""

    async def work() -> tuple[int, bool]:
        ours = Limiter("bill", [(HOUR_S, 100)], now=clock, state_dir=tmp_path)
        other = Limiter("bill", [(HOUR_S, 100)], now=clock, state_dir=tmp_path)
        for limiter in [ours, *[other] * 60, *[ours] * 39]:
            place, _ = await limiter.acquire(0)
            assert place is not None
            limiter.settle(place, answered=True)
        began = asyncio.get_running_loop().time()
        await ours.acquire(0)
        waited = asyncio.get_running_loop().time() - began
        ours.close()
        other.close()
        return round(waited / HOUR_S), waited >= HOUR_S

    assert virtually(work) == (1, True)


async def test_a_place_costs_little_in_a_full_file(tmp_path: Any) -> None:
    """With 16,000 calls of an hour in the file, each further one takes a look at few of them."""
    now = datetime.now(UTC)
    limiter = Limiter("bill", [(HOUR_S, 19_000)], now=lambda: now, state_dir=tmp_path)
    await limiter.acquire(0)
    began = now - timedelta(minutes=50)
    rows = [("bill", (began + timedelta(seconds=n / 7)).timestamp()) for n in range(16_000)]
    steps_taken: list[int] = []
    connection = limiter._file._opened()
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO calls (source, called_at) VALUES (?, ?)", rows)
    connection.execute("COMMIT")
    await limiter.acquire(0)
    # Called once every hundred steps of SQLite's machine; a scan takes many thousands.
    connection.set_progress_handler(lambda: steps_taken.append(1), 100)
    for _ in range(100):
        await limiter.acquire(0)
    limiter.close()
    assert len(steps_taken) < 500
