"""The door to BoondManager live: who asks, what a refusal says, how lists are read to their end."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from flows.engine.drain import _clear_refusal
from sources.boond_live.refusals import judge
from sources.boond_live.token import signed
from sources.errors import (
    Authentication,
    Critical,
    Secrets,
    SourceError,
    Transient,
    Validation,
)
from sources.exchange import Ask
from tests.sources.boond_live_tenant import KEYS, NOW, Tenant, document, rows_of, thing

_LOGIN = "/application/dictionary"
_BAD_SIGNATURE = {
    "errors": [{"detail": "Signature verification failed", "source": {"parameter": "xJwtClient"}}]
}


def _unpacked(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _people(*ids: int) -> list[dict[str, Any]]:
    return [thing("resource", str(id_), firstName=f"P{id_}") for id_ in ids]


def test_a_token_is_signed_with_the_client_key() -> None:
    """The token is a JWT of HS256 without padding, with both tokens and the second of signing."""
    said = signed("key", "user", "client", NOW)
    head, claims, signature = said.split(".")
    digest = hmac.new(b"key", f"{head}.{claims}".encode(), hashlib.sha256).digest()
    assert "=" not in said
    assert _unpacked(head) == {"alg": "HS256", "typ": "JWT"}
    assert _unpacked(claims) == {
        "userToken": "user",
        "clientToken": "client",
        "time": 1793678400,
        "mode": "normal",
    }
    assert base64.urlsafe_b64decode(signature + "=") == digest


async def test_basic_stands_in_where_there_is_no_client_key() -> None:
    """A user with a password signs calls where no client key is set; nobody is an error."""
    tenant = Tenant()
    nobody: dict[str, Any] = dict.fromkeys(KEYS)
    await tenant.door(**nobody, basic_user="me", basic_password="pass-word").login()
    assert tenant.requests[0].headers["authorization"] == "Basic bWU6cGFzcy13b3Jk"
    with pytest.raises(ValueError, match="client key"):
        tenant.door(**nobody)


async def test_the_login_reads_the_dictionary_once() -> None:
    """The credentials are tried on the dictionary, which no later call reads again."""
    tenant = Tenant({"/resources": _people(1), "/resources/1/information": document(_people(1)[0])})
    door = tenant.door()
    await door.login()
    await rows_of(door, "consultants")
    await door.one("consultants", "1")
    paths = [request.url.path for request in tenant.requests]
    assert paths == [f"/api{_LOGIN}", "/api/resources", "/api/resources/1/information"]


async def test_a_token_is_renewed_without_a_login() -> None:
    """An old token is replaced by one of now, and the dictionary is not read for it."""
    at = [NOW]
    tenant = Tenant({"/resources": _people(1)})
    door = tenant.door()
    door.access._now = door.access._session._now = lambda: at[0]
    await rows_of(door, "consultants")
    at[0] += timedelta(minutes=6)
    await rows_of(door, "consultants")
    tokens = [one.headers["x-jwt-client-boondmanager"] for one in tenant.requests]
    times = [_unpacked(token.split(".")[1])["time"] for token in tokens]
    assert times == [1793678400, 1793678400, 1793678400 + 360]


async def test_a_wrong_key_is_tried_once_and_says_what_to_do() -> None:
    """A token whose signature is refused is one of the credentials, not tried twice."""
    tenant = Tenant({_LOGIN: httpx.Response(422, json=_BAD_SIGNATURE)})
    door = tenant.door()
    for _ in range(2):
        with pytest.raises(Authentication, match="BOOND_CLIENT_KEY is not the key"):
            await door.login()
    assert len(tenant.requests) == 1


@pytest.mark.parametrize(
    ("response", "kind", "code", "advice"),
    [
        (httpx.Response(401, json={"errors": []}), Authentication, "unauthorized", "BOOND_USER"),
        (httpx.Response(403, json={"errors": []}), Critical, "forbidden", "right"),
        (httpx.Response(422, json={"errors": []}), Validation, "unprocessable", "Correct"),
        (httpx.Response(501, json={"errors": []}), Critical, "switched_off", "Switch the API on"),
    ],
)
async def test_a_refusal_says_what_to_do(
    response: httpx.Response, kind: type[SourceError], code: str, advice: str
) -> None:
    """Each refusal of the vendor is classed by what is to be done about it."""
    with pytest.raises(kind) as raised:
        await rows_of(Tenant({"/resources": response}).door(), "consultants")
    assert raised.value.code == code
    assert advice in raised.value.advice


def test_the_firewalls_page_is_waited_out(virtually: Callable[[Any], Any]) -> None:
    """A burst that the firewall blocks costs a minute of quiet, and no stream."""
    blocked = httpx.Response(403, html="<h1>Sorry, you have been blocked</h1>")
    tenant = Tenant({"/resources": blocked})

    async def work() -> tuple[list[Any], float]:
        loop = asyncio.get_running_loop()
        loop.call_later(30, lambda: tenant.holds.update({"/resources": _people(1)}))
        return await rows_of(tenant.door(retry_base=1.0), "consultants"), loop.time()

    rows, seconds = virtually(work)
    assert [row["id"] for row in rows] == ["1"]
    assert 60 <= seconds < 70


def test_a_firewall_that_stays_says_whom_to_ask(virtually: Callable[[Any], Any]) -> None:
    """A firewall that lets nothing through ends as what may go well later, with what to do."""
    blocked = httpx.Response(403, html="<h1>Sorry, you have been blocked</h1>")
    door = Tenant({"/resources": blocked}).door

    async def work() -> None:
        with pytest.raises(Transient, match="ask BoondManager's support") as raised:
            await rows_of(door(retry_base=1.0), "consultants")
        assert raised.value.code == "firewall"

    virtually(work)


def test_a_blocked_command_is_no_refused_one() -> None:
    """What the firewall blocked has not been refused by BoondManager: it is sent again later."""
    error = judge(Secrets())(Ask("PUT", "/payments/9", write=True), 403, b"<h1>Blocked</h1>")
    assert isinstance(error, Transient)
    assert not _clear_refusal(error)


async def test_a_refusal_names_each_problem_and_no_secret() -> None:
    """All problems are told with the parameter that they are about; what echoes us is masked."""
    errors = [
        {"code": "1017", "detail": "Missing", "source": {"parameter": "startMonth"}},
        {"code": "1002", "title": f"Wrong {KEYS['client_token']}"},
    ]
    tenant = Tenant({"/resources": httpx.Response(422, json={"errors": errors})})
    with pytest.raises(Validation) as raised:
        await rows_of(tenant.door(), "consultants")
    assert raised.value.message == "Missing (startMonth); Wrong ***"


async def test_a_refused_token_is_renewed_once() -> None:
    """A 401 within a run is answered by one new token, a second one is final."""
    tenant = Tenant({"/resources": httpx.Response(401, json={"errors": []})})
    with pytest.raises(Authentication):
        await rows_of(tenant.door(), "consultants")
    assert len(tenant.asked("/resources")) == 2


async def test_all_pages_of_a_list_are_read() -> None:
    """More rows than a page holds are read page by page, each row once."""
    tenant = Tenant({"/resources": _people(*range(1, 1202))})
    rows = await rows_of(tenant.door(), "consultants")
    assert [row["id"] for row in rows] == [str(id_) for id_ in range(1, 1202)]
    assert [one.url.params["page"] for one in tenant.asked("/resources")] == ["1", "2", "3"]


class _Thirty(Tenant):
    """Serves 30 rows a page, whatever is asked."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        params = request.url.params.set("maxResults", "30")
        return super().answer(httpx.Request("GET", request.url.copy_with(params=params)))


async def test_thirty_rows_a_page_are_enough() -> None:
    """A vendor that silently serves 30 rows a page is read to the end."""
    rows = await rows_of(_Thirty({"/resources": _people(*range(1, 92))}).door(), "consultants")
    assert len({row["id"] for row in rows}) == 91


class _Moving(Tenant):
    """A row comes in at the top once the first page was read, and pushes the others down."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        served = super().answer(request)
        if len(self.asked("/resources")) == 1:
            self.holds["/resources"] = _people(9999) + _people(*range(1, 1001))
        return served


async def test_rows_that_move_are_neither_missed_nor_doubled() -> None:
    """A row pushed onto the next page is given once, and the new one is found."""
    rows = await rows_of(_Moving({"/resources": _people(*range(1, 1001))}).door(), "consultants")
    assert sorted(int(row["id"]) for row in rows) == [*range(1, 1001), 9999]


async def test_a_list_that_ends_short_states_more_rows() -> None:
    """A list with fewer rows than the vendor states says so, so that no cursor moves past them."""
    tenant = Tenant({"/resources": _people(1, 2)}, totals={"/resources": 5})
    pages = [page async for page in tenant.door().pages("consultants")]
    assert pages[-1].total_rows == 5
    assert {id_ for page in pages for id_ in page.ids} == {"1", "2"}


async def test_what_changed_is_asked_by_days() -> None:
    """Changes are asked for from the day in Paris on to tomorrow, for hours are not told."""
    tenant = Tenant({"/resources": []})
    since = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    await rows_of(tenant.door(), "consultants", since=since)
    asked = dict(tenant.asked("/resources")[0].url.params)
    assert asked == {
        "page": "1",
        "maxResults": "500",
        "period": "updated",
        "startDate": "2026-11-01",
        "endDate": "2026-11-04",
    }


async def test_an_answer_that_is_no_list_is_critical() -> None:
    """An envelope without rows is an answer that nobody foresaw."""
    with pytest.raises(Critical, match="holds no list"):
        await rows_of(Tenant({"/resources": {"data": {}}}).door(), "consultants")


async def test_a_record_that_is_gone_is_none() -> None:
    """A 404 of a single record says that the vendor has none, whichever the stream."""
    door = Tenant({"/projects": [], "/deliveries-groupments": [], "/purchases": []}).door()
    for stream in ("consultants", "clients", "suppliers", "contracts", "purchase_orders"):
        assert await door.one(stream, "77") is None
