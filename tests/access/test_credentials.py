"""Who may call: no data without a login, no token in the hands of a caller (P04, P09, P13, P23)."""

import asyncio
import logging
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.bill import Bill
from sources.bill_live import BillLive
from sources.boond import Boond
from sources.boond_live.door import BoondLive
from sources.streams import Door, Page
from tests.access.imports import imported
from tests.flows.house import House
from tests.sources.conftest import Vendor, failed, run

ROOT = Path(__file__).parents[2]
STEPS = st.lists(
    st.sampled_from(["call", "together", "hour", "expire", "down", "refuse", "mend"]), max_size=8
)


class Guarded:
    """A vendor whose logins fail as told, and who keeps which secrets were good at each call."""

    def __init__(self, door: str) -> None:
        self.there = Vendor(self._answer, lifetime_s=7200.0)
        self.door: Boond | Bill = getattr(self.there, door)(retry_base=0.001)
        self.stream = "clients" if door == "boond" else "invoices"
        self.refused = False

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return Vendor.ok(request)

    async def do(self, step: str) -> None:
        """One step of a script."""
        if step in {"call", "together"}:
            calls = range(1 if step == "call" else 4)
            await asyncio.gather(*(failed(self.door.one(self.stream, "1")) for _ in calls))
        elif step == "hour":
            await asyncio.sleep(3600)
        elif step == "expire":
            self.there.expire()
        else:
            status = {"down": 503, "refuse": 403}.get(step)
            said = (lambda: httpx.Response(status, text="no")) if status else None
            self.there.login_answer = said


def _secret(request: httpx.Request) -> str | None:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return request.url.params.get("sessionId") or bearer or None


@pytest.mark.properties
@given(steps=STEPS, door=st.sampled_from(["boond", "bill"]))
def test_p04_no_data_call_leaves_without_valid_credentials(steps: list[str], door: str) -> None:
    """Each carries the last secret that was granted and not refused since, before its end."""
    guarded = Guarded(door)

    async def work() -> None:
        for step in steps:
            await guarded.do(step)
        await guarded.door.aclose()

    run(work)
    granted_at: dict[str, float] = {}
    for (at, request), call in zip(guarded.there.requests, guarded.there.calls, strict=True):
        if request.url.path.endswith(("/oauth/token", "/login")):
            if call.status == 200:
                granted_at[f"granted-secret-{_login_number(guarded, at)}"] = at
            continue
        secret = _secret(request)
        assert secret in granted_at
        assert at - granted_at[secret] < 7200
        assert secret == list(granted_at)[-1]


def _login_number(guarded: Guarded, at: float) -> int:
    paths = [r.url.path for when, r in guarded.there.requests if when <= at]
    return sum(path.endswith(("/oauth/token", "/login")) for path in paths)


@pytest.mark.properties
@given(
    status=st.integers(300, 499).filter(lambda s: s not in {408, 429}),
    door=st.sampled_from(["boond", "bill", "key"]),
)
def test_p04_after_a_refused_login_nothing_is_asked(status: int, door: str) -> None:
    """Whatever the refusal, the vendor gets one login and no data call."""
    there = Vendor(lambda _: httpx.Response(status, text="no"))
    there.login_answer = lambda: httpx.Response(status, text="no")

    async def work() -> None:
        opened = there.boond(key="key-of-tests") if door == "key" else getattr(there, door)()
        stream = "invoices" if door == "bill" else "clients"
        assert await failed(opened.login()) is not None
        await asyncio.gather(*(failed(opened.one(stream, "1")) for _ in range(3)))

    run(work)
    assert len(there.requests) == 1


@pytest.mark.properties
@given(
    script=st.lists(st.sampled_from([200, 403, 500, 503, "cut"]), min_size=1, max_size=5),
    door=st.sampled_from(["boond", "bill", "key"]),
)
def test_p23_every_login_attempt_is_logged_with_outcome_and_time(
    script: list[Any], door: str
) -> None:
    """A line for each login that was sent, ok or failed with its code, in their order."""
    left = list(script)

    def login() -> httpx.Response:
        step = left.pop(0) if left else 200
        if step == "cut":
            raise httpx.ReadError("cut")
        body = {"access_token": "granted-secret", "sessionId": "granted-secret", "data": []}
        return httpx.Response(step, json=body if step == 200 else {})

    there = Vendor(lambda _: login(), login_answer=login)
    lines: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = lines.append  # type: ignore[method-assign]
    logger = logging.getLogger("rapproche")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        opened = there.boond(key="key-of-tests") if door == "key" else getattr(there, door)()
        run(lambda: failed(opened.login()))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    said = [r.getMessage() for r in lines if r.getMessage().startswith("login ")]
    sent = [call.status for call in there.calls]
    assert [" ok " in line for line in said] == [status == 200 for status in sent]
    assert all("code=" in line for line in said if " failed " in line)
    assert [line.rsplit("attempt=", 1)[1] for line in said] == [
        str(n + 1) for n in range(len(sent))
    ]
    assert all(record.created > 0 for record in lines)


HIDDEN = {"token", "session", "grant", "cursor", "page", "max", "size", "secret", "auth", "headers"}


@pytest.mark.parametrize("door", [Boond, BoondLive, Bill, BillLive])
def test_p09_callers_never_handle_tokens_sessions_or_paging(door: type[Door]) -> None:
    """No public name of a door takes or gives one: streams, ids, dates and columns do."""
    public = [name for name in dir(door) if not name.startswith("_")]
    promised = {name for name in vars(Door) if not name.startswith("_")}
    assert set(public) == promised | {"source", "streams"}
    for name in public:
        held = getattr(door, name)
        hints = get_type_hints(held) if callable(held) else {}
        assert not set(hints) & HIDDEN
        assert not any(word in str(hints) for word in ("Grant", "Session", "Answer", "httpx"))
    assert not set(get_type_hints(Page)) & {"token", "next", "next_page", "cursor"}


INNER = {"sources.session", "sources.http", "sources.paging", "sources.limits", "httpx.Client"}


def test_p09_no_room_reaches_behind_the_doors() -> None:
    """What logs in, signs, pages and waits is imported by the doors alone."""
    found = [
        (file.relative_to(ROOT).as_posix(), name)
        for room in ("flows", "transforms", "checks", "store")
        for file in (ROOT / room).rglob("*.py")
        for name in imported(file)
        if name in INNER
    ]
    assert found == []


COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("nightly", {"period": None, "apply": True}),
    ("sync", {"sources": ["boond", "bill"], "full": False}),
    ("reconcile", {"period": None}),
    ("match", {}),
    ("monitor", {"period": None}),
    ("write_back", {"period": None, "apply": True}),
    ("retry_quarantine", {}),
]


LOGINS = ["/boond/oauth/token", "/bill/connect/v3/login"]


@pytest.mark.nights
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_p13_credentials_are_tried_before_anything_else(
    tmp_path: Path, command: tuple[str, dict[str, Any]]
) -> None:
    """Each vendor is asked for a login first, and after a refusal nothing more."""
    wrong = {"BOOND_CLIENT_SECRET": "wrong", "BILL_COM_PASSWORD": "wrong"}
    house = House(tmp_path / "house", vendors={"consultants": 1, "mistakes": False}, **wrong)
    asked: list[str] = []
    house.intercept = lambda request: asked.append(request.url.path)
    ended = house.run(command[0], **command[1])
    assert (ended.exit_code, asked) == (3, LOGINS)
    assert house.one("SELECT count(*) FROM ops.outbox WHERE kind LIKE 'boond%'") == 0


@pytest.mark.nights
def test_p13_a_refused_vendor_leaves_the_other_to_its_work(tmp_path: Path) -> None:
    """It is asked nothing more; the other one is read after both logins."""
    vendors = {"consultants": 1, "mistakes": False}
    house = House(tmp_path / "house", vendors=vendors, BILL_COM_PASSWORD="wrong")
    asked: list[str] = []
    house.intercept = lambda request: asked.append(request.url.path)
    assert house.run("reconcile", period=None).exit_code == 3
    assert asked[:2] == LOGINS
    assert len(asked) > 2
    assert not any(path.startswith("/bill/") for path in asked[2:])
