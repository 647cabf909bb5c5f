"""One login for all callers, renewed unseen."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.errors import (
    Authentication,
    SourceError,
)

DAY_S = 86_400
DOORS = st.sampled_from(["boond", "bill"])


@pytest.mark.properties
@given(calls=st.integers(1, 30))
def test_p01_one_login_serves_all_calls(vendor: Any, virtually: Any, calls: int) -> None:
    """One login serves any number of calls until the session expires."""
    there = vendor(vendor.ok)

    async def work() -> None:
        door = there.bill()
        for _ in range(calls):
            await door.one("invoices", "1")
        await door.aclose()

    virtually(work)
    assert (there.logins, len(there.data_requests)) == (1, calls)


@pytest.mark.properties
@given(pauses=st.lists(st.floats(0, DAY_S), min_size=1, max_size=6))
def test_p02_p04_expired_sessions_are_renewed_unseen(
    vendor: Any, virtually: Any, pauses: list[int]
) -> None:
    """Callers see only answers, however long they pause, and no call leaves with a dead session."""
    there = vendor(vendor.ok)

    async def work() -> list[bytes | None]:
        door = there.bill()
        found = []
        for pause in pauses:
            found.append(await door.one("invoices", "1"))
            await asyncio.sleep(pause)
        await door.aclose()
        return found

    assert virtually(work) == [b'{"id":"1"}'] * len(pauses)
    assert all(call.status == 200 for call in there.calls)


@pytest.mark.properties
@given(rounds=st.lists(st.integers(1, 12), min_size=1, max_size=4), door=DOORS)
def test_p02_a_refused_session_is_renewed_once_for_all_callers(
    vendor: Any, virtually: Any, rounds: list[int], door: str
) -> None:
    """However many callers and refusals: one login a refusal, and callers see only answers."""
    there = vendor(vendor.ok)
    stream = "clients" if door == "boond" else "invoices"

    async def work() -> list[bytes]:
        opened = getattr(there, door)()
        await opened.login()
        found: list[bytes] = []
        for callers in rounds:
            there.expire()
            found += await asyncio.gather(*(opened.one(stream, "1") for _ in range(callers)))
        await opened.aclose()
        return found

    assert virtually(work) == [b'{"id":"1"}'] * sum(rounds)
    assert there.logins == 1 + len(rounds)


def test_a_second_401_is_fatal(vendor: Any, virtually: Any, outcome: Any) -> None:
    """A vendor that goes on refusing fresh tokens is asked twice, then it is Authentication."""
    there = vendor.scripted(401, 401, 401)

    async def work() -> Any:
        return await outcome(there.boond().one("clients", "1"))

    assert isinstance(virtually(work), Authentication)
    assert len(there.data_requests) == 2


@pytest.mark.parametrize("door", ["boond", "bill"])
def test_wrong_credentials_are_tried_once(
    vendor: Any, virtually: Any, outcome: Any, door: str
) -> None:
    """Any number of callers with a wrong password make one login, and all are told."""
    there = vendor(vendor.ok)

    async def work() -> list[SourceError | None]:
        opened = getattr(there, door)(password="wrong-pass-word")
        stream = "clients" if door == "boond" else "invoices"
        many = [outcome(opened.one(stream, "1")) for _ in range(4)]
        return [*await asyncio.gather(*many), await outcome(opened.login())]

    found = virtually(work)
    assert [type(error) for error in found] == [Authentication] * 5
    assert there.logins == 1


@pytest.mark.properties
@given(callers=st.integers(2, 12), door=DOORS)
def test_p10_concurrent_callers_make_one_login(
    vendor: Any, virtually: Any, callers: int, door: str
) -> None:
    """K callers at once make one login."""
    there = vendor(vendor.ok)

    async def work() -> None:
        opened = getattr(there, door)()
        stream = "clients" if door == "boond" else "invoices"
        await asyncio.gather(*(opened.one(stream, "1") for _ in range(callers)))

    virtually(work)
    assert there.logins == 1


def test_a_refused_refresh_starts_over(vendor: Any, virtually: Any) -> None:
    """A refresh token that is refused is followed by the client's credentials."""
    there = vendor(vendor.ok, lifetime_s=3600, refresh_refused=True)

    async def work() -> None:
        door = there.boond()
        await door.one("clients", "1")
        await asyncio.sleep(3301)
        await door.one("clients", "1")

    virtually(work)
    assert there.logins == 3
    assert [call.status for call in there.calls] == [200, 200, 400, 200, 200]


@pytest.mark.parametrize("lifetime_s", [1e300, 10**13, 0, -1])
def test_a_token_that_lives_for_ever_is_a_token(
    vendor: Any, virtually: Any, lifetime_s: float
) -> None:
    """What no calendar holds, and what makes no sense, is no reason to stop."""
    there = vendor(vendor.ok)
    grant = {"access_token": "granted-secret-1", "expires_in": lifetime_s}
    there.login_answer = lambda: httpx.Response(200, json=grant)
    virtually(lambda: there.boond().login())
    assert there.logins == 1


def test_an_api_key_needs_no_token(vendor: Any, virtually: Any) -> None:
    """With an API key no token is asked for, and the login tries the key."""
    there = vendor(lambda _: httpx.Response(200, json={"data": []}))
    virtually(lambda: there.boond(key="key-of-tests").login())
    assert there.logins == 0
    assert len(there.data_requests) == 1


@pytest.mark.parametrize("good", [True, False])
def test_p23_every_login_is_logged(
    vendor: Any, virtually: Any, outcome: Any, caplog: Any, *, good: bool
) -> None:
    """A login leaves one line with its outcome."""
    there = vendor(vendor.ok)
    with caplog.at_level(logging.INFO, logger="rapproche"):
        virtually(lambda: outcome(there.bill(password=None if good else "wrong-word").login()))
    lines = [r.getMessage() for r in caplog.records if r.name == "rapproche.bill"]
    assert lines == ["login ok attempt=1" if good else "login failed code=login_refused attempt=1"]
