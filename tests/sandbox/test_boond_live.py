"""The sandbox's live BoondManager keeps to its wire, odd manners included (boond-live.md)."""

import base64
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.boond_live import LIVE_LIMITS
from sandbox.mishaps import MISHAPS, Exchange
from sandbox.world import World
from tests.sandbox.boond_live_desk import MONTHS, OCTOBER, Desk, registered, report_ids


@pytest.fixture
def desk() -> Desk:
    """A small clean world."""
    return Desk(World.build(consultants=5, mistakes=False, portable=True))


@pytest.fixture(scope="module")
def large() -> Desk:
    """Forty people and no mistakes, to be read alone."""
    return Desk(World.build(consultants=40, mistakes=False, portable=True))


# Who calls


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="}, 401),
        ({"X-Jwt-Client-BoondManager": "no.token"}, 422),
        ({"X-Jwt-Client-BoondManager": ""}, 422),
    ],
)
def test_strangers(desk: Desk, headers: dict[str, str], status: int) -> None:
    """Whoever is not known is refused, and the answer says that nobody is logged in."""
    answer = desk.call("/resources", headers=headers)

    assert (status, False) == (answer.status_code, answer.json()["meta"]["isLogged"])


def test_bad_signature(desk: Desk) -> None:
    """A token signed with another key is answered 422, and names its header."""
    answer = desk.call("/resources", headers=desk.jwt("another key"))

    problem = {
        "status": "422",
        "code": "422",
        "detail": "422 - Signature verification failed",
        "source": {"parameter": "xJwtClient"},
    }
    assert [problem] == answer.json()["errors"]


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (-599, 200), (601, 422), (-3600, 422)])
def test_token_time(desk: Desk, seconds: int, status: int) -> None:
    """A token's time, where told, lies within ten minutes of the vendor's clock."""
    at = int(desk.world.now().timestamp()) + seconds

    assert desk.call("/resources", headers=desk.jwt(time=at)).status_code == status


def test_token_of_another(desk: Desk) -> None:
    """A token that names other tokens is refused."""
    assert desk.call("/resources", headers=desk.jwt(userToken="another")).status_code == 422


def test_basic(desk: Desk) -> None:
    """Basic credentials open too."""
    known = desk.boond.credentials
    code = base64.b64encode(f"{known.basic_user}:{known.basic_password}".encode()).decode()

    answer = desk.call("/resources", headers={"Authorization": f"Basic {code}"})

    assert answer.status_code == 200


# Routes and envelopes


def test_every_read_answers(desk: Desk) -> None:
    """Every path that is read answers 200 with the frame of `meta`."""
    world, invoice = desk.world, registered(desk)
    consultant, client = next(iter(world.consultants)), next(iter(world.clients))
    order = desk.ids("/orders")[0]
    paths = [
        *("/application/dictionary", "/resources", "/companies", "/contacts", "/projects"),
        *("/deliveries-groupments", "/orders", "/purchases", "/payments", "/invoices"),
        *("/provider-invoices", f"/resources/{consultant}", "/resources/901/information"),
        *(f"/resources/{consultant}/{tab}" for tab in ("information", "administrative")),
        *(f"/companies/{client}{tab}" for tab in ("", "/information", "/contacts")),
        *(f"/orders/{order}{tab}" for tab in ("", "/information")),
        *(f"/purchases/{next(iter(world.orders))}{tab}" for tab in ("", "/information")),
        f"/deliveries/{desk.ids('/deliveries-groupments')[0]}",
        f"/invoices/{next(iter(world.client_invoices))}/information",
        f"/invoices/default?order={order}",
        f"/provider-invoices/{invoice}",
        f"/payments/7{invoice}",
        "/times-reports?startMonth=2026-09&endMonth=2026-10",
        f"/times-reports/{report_ids(desk)[0]}",
        "/times?period=inProgress&startDate=2026-10-01&endDate=2026-10-31",
    ]
    frame = {"version", "isLogged", "language", "timestamp", "login", "customer"}
    for path in paths:
        plain, _, query = path.partition("?")
        body = desk.get(plain, **dict(httpx.QueryParams(query)))
        assert (frame, True) == (frame & body["meta"].keys(), "data" in body), path


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/deliveries", 405),
        ("PATCH", "/resources", 405),
        ("PUT", "/times-reports", 405),
        ("GET", "/nothing", 404),
        ("GET", "/resources/1", 404),
        ("GET", "/companies/1/contacts", 404),
        ("GET", "/times-reports/1", 404),
    ],
)
def test_refusals(desk: Desk, method: str, path: str, status: int) -> None:
    """What is not there is 404, a verb that is not there 405, each with the call in words."""
    answer = desk.call(path, method)

    said = answer.json()["errors"][0]["detail"]
    assert (status, f"HTTP {status} ({method} /api{path})") == (answer.status_code, said)


def test_employment_contracts_are_walled(desk: Desk) -> None:
    """The list of employment contracts is stopped by the web firewall, in HTML."""
    answer = desk.call("/contracts")

    kind = answer.headers["Content-Type"].partition(";")[0]
    assert (answer.status_code, kind, answer.content[:9]) == (403, "text/html", b"<!DOCTYPE")


@pytest.mark.parametrize(
    ("path", "params", "code", "named"),
    [
        ("/times-reports", {}, "1017", ["startMonth", "endMonth"]),
        ("/times-reports", {"startMonth": "2026-10"}, "1017", ["endMonth"]),
        ("/times-reports", MONTHS | {"endMonth": "2026-13"}, "1002", ["endMonth"]),
        ("/times", {}, "1017", ["period", "startDate", "endDate"]),
        ("/times", OCTOBER | {"endDate": "demain"}, "1002", ["endDate"]),
        ("/times", OCTOBER | {"period": "updated"}, "1002", ["period"]),
        ("/invoices/default", {}, "1017", ["order"]),
    ],
)
def test_required_parameters(
    desk: Desk, path: str, params: dict[str, str], code: str, named: list[str]
) -> None:
    """A required parameter that is missing or wrong is 422, one entry a problem."""
    answer = desk.call(path, params=params)

    errors = answer.json()["errors"]
    assert [(code, name) for name in named] == [
        (error["code"], error["source"]["parameter"]) for error in errors
    ]
    assert answer.status_code == 422


# Lists


@pytest.mark.parametrize(
    ("asked", "served"), [(None, 30), (7, 7), (500, 40), (501, 30), (0, 30), ("x", 30)]
)
def test_page_sizes(large: Desk, asked: Any, served: int) -> None:
    """A page holds 30 rows unless told, at most 500, and silently 30 for anything else."""
    params = {} if asked is None else {"maxResults": asked}

    body = large.get("/resources", **params)

    assert (served, {"rows": 40}) == (len(body["data"]), body["meta"]["totals"])


@pytest.mark.parametrize("path", ["/companies", "/deliveries-groupments", "/invoices"])
def test_pages_hold_every_row_once(large: Desk, path: str) -> None:
    """Every row comes once, whatever the page size."""
    assert sorted(large.ids(path)) == sorted(row["id"] for row in large.rows(path, maxResults=7))


def test_unknown_parameters(large: Desk) -> None:
    """Parameters that are not documented filter nothing, `updatedSince` among them."""
    since = large.get("/resources", updatedSince="2030-01-01T00:00:00+01:00", companyId="1")

    assert since["meta"]["totals"] == {"rows": 40}


def test_updated_days_are_of_paris(desk: Desk) -> None:
    """`period=updated` takes whole days in Paris, both included."""
    who = next(iter(desk.world.consultants.values()))
    who.updated_at = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    days = [("2026-10-31", "2026-10-31"), ("2026-11-01", "2026-11-01")]

    found = [
        desk.ids("/resources", period="updated", startDate=first, endDate=last)
        for first, last in days
    ]

    assert found == [[], [who.id]]


@pytest.mark.parametrize("path", ["/resources", "/companies"])
def test_newest_first(desk: Desk, path: str) -> None:
    """What changed last moves to the head of resources and companies."""
    last = desk.ids(path)[-1]
    table = desk.world.consultants if path == "/resources" else desk.world.clients
    if path == "/companies":
        last = next(iter(table))
    desk.world.touch(table[last])

    assert desk.ids(path)[0] == last


def test_keywords(desk: Desk) -> None:
    """Linked records are found by prefixed keywords, companies also by an array."""
    client = next(iter(desk.world.clients))
    own = sorted(c.id for c in desk.world.contracts.values() if c.client_id == client)

    by_keyword = desk.ids("/projects", keywords=f"CSOC{client}")
    by_array = desk.ids("/projects", **{"companies[]": client})

    assert (own, own) == (sorted(by_keyword), sorted(by_array))
    assert desk.ids("/projects", keywords=f"CSOC{client} PRJ{own[0]}") == own[:1]


def test_nothing_is_told_in_several_ways(large: Desk) -> None:
    """An empty date is a text or null, a relation without target null or an object."""
    projects = large.get("/projects", maxResults=500)["data"]
    deliveries = large.get("/deliveries-groupments", maxResults=500)["data"]
    resources = large.get("/resources", maxResults=500)["data"]

    ends = {row["attributes"]["endDate"] for row in projects}
    bought = [row["relationships"]["purchase"] for row in deliveries]
    assert {"", None} < ends
    assert None in bought
    assert {"data": None} in bought
    assert {"", "immediate"} <= {row["attributes"]["availability"] for row in resources}
    assert {True, False} == {"email1" in row["attributes"] for row in resources}


# Manners


def test_filters_ignored(large: Desk) -> None:
    """A tenant may ignore every filter: of dates, of months, of keywords."""
    desk = Desk(large.world)
    desk.boond.manners.ignores_filters = True

    none = {"startMonth": "2020-01", "endMonth": "2020-01"}
    never = {"period": "updated", "startDate": "2020-01-01", "endDate": "2020-01-01"}
    assert len(desk.ids("/resources", **never, keywords="COMP1")) == 40
    assert len(desk.ids("/times-reports", **none)) == 80
    assert desk.ids("/times", **never | {"period": "inProgress"})


@pytest.mark.parametrize("path", ["/times-reports", "/times", "/invoices"])
def test_filters_lost_on_the_way(large: Desk, path: str) -> None:
    """A filter may be lost, but what a list requires is not: it would refuse to answer."""
    asked = httpx.URL(f"http://sandbox/boond/api{path}", params=OCTOBER | MONTHS)
    exchange = Exchange(
        httpx.Request("GET", asked, headers=large.jwt()),
        lambda request: large.boond(request, f"/api{path}"),
        large.boond.forget_tokens,
        large.world.now,
    )

    assert MISHAPS["unfiltered"](exchange).status_code == 200


def test_moving_pages(large: Desk) -> None:
    """A row that comes in at the top serves another row on two pages."""
    desk = Desk(large.world)
    desk.boond.manners.moving_pages = True

    ids = [row["id"] for row in desk.rows("/resources", maxResults=30)]

    assert (len(ids), len(set(ids))) == (41, 40)


def test_no_meta(large: Desk) -> None:
    """Lists may lack `meta`; single records keep theirs."""
    desk = Desk(large.world)
    desk.boond.manners.no_meta = True

    assert "meta" not in desk.get("/resources")
    assert "meta" in desk.get("/resources/10001/information")


@pytest.mark.parametrize(
    ("stream", "path", "nonsense"),
    [
        ("consultants", "/resources", {"lastName": None}),
        ("clients", "/companies", {"name": None}),
        ("contracts", "/deliveries-groupments", {"averageDailyPriceExcludingTax": "voir avenant"}),
        ("client_invoices", "/invoices", {"turnoverInvoicedExcludingTax": "n/a"}),
        ("purchase_orders", "/purchases", {"amountExcludingTax": "n/a"}),
    ],
)
def test_broken_rows(large: Desk, stream: str, path: str, nonsense: dict[str, Any]) -> None:
    """A share of a stream's rows is malformed, always the same ones, and no others."""
    desk = Desk(large.world)
    manners = desk.boond.manners
    manners.broken_stream, manners.broken_percent = stream, 50

    rows = [row["attributes"] for row in desk.get(path, maxResults=500)["data"]]

    broken = [row for row in rows if nonsense.items() <= row.items()]
    assert 0 < len(broken) < len(rows)


# Limits


@pytest.mark.parametrize(("firewall", "status"), [(False, 429), (True, 403)])
def test_bursts(large: Desk, firewall: bool, status: int) -> None:
    """A burst is refused without a word on how long to wait, or by the firewall's page."""
    desk = Desk(large.world, LIVE_LIMITS)
    desk.boond.firewall = firewall

    answers = [desk.call("/application/dictionary") for _ in range(11)]

    assert [200] * 10 + [status] == [answer.status_code for answer in answers]
    assert "Retry-After" not in answers[-1].headers
