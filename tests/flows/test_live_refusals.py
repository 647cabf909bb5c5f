"""What the production APIs refuse: each ends with one line that says what to do."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.engine.run import Outcome
from sandbox.bill_live import BillLive
from sandbox.boond_live_wire import FIREWALL_PAGE
from tests.flows.house import House

pytestmark = pytest.mark.nights

PORTABLE: dict[str, Any] = {"portable": True, "consultants": 1, "mistakes": False}
LIVE = ("live", "live")
WRONG = "planted-wrong-secret"
BOOND_STREAMS = (
    "boond.consultants, clients, contracts, suppliers, purchase_orders, cras, client_invoices,"
    " supplier_invoices: "
)
MakeHouse = Callable[..., House]


@pytest.fixture
def live(tmp_path: Path) -> MakeHouse:
    """Makes a small house in both production dialects."""
    return lambda **told: House(tmp_path, vendors=PORTABLE, speaking=LIVE, **told)


def sync(house: House, *sources: str) -> Outcome:
    """Reads the vendors, both unless told."""
    return house.run("sync", sources=[*(sources or ("boond", "bill"))], full=False)


def the_line(outcome: Outcome) -> str:
    """The only reason of a run that failed."""
    assert outcome.exit_code == 3
    [said] = outcome.reasons
    assert WRONG not in said
    return said


def refused(status: int, detail: str, parameter: str = "") -> httpx.Response:
    """A refusal as BoondManager tells it."""
    about = {"source": {"parameter": parameter}} if parameter else {}
    return httpx.Response(status, json={"errors": [{"detail": detail} | about]})


def coded(code: str, message: str = "no") -> httpx.Response:
    """A refusal as BILL tells it."""
    return httpx.Response(400, json=[{"code": code, "message": message}])


def answering(house: House, answer: httpx.Response, *ends: str) -> None:
    """Lets the paths that end so be answered by this alone."""
    house.intercept = lambda request: answer if request.url.path.endswith(ends) else None


def read(house: House, vendor: str) -> bool:
    """Whether a vendor was read to its end."""
    told = house.rows("SELECT complete FROM ops.sync_state WHERE source = ?", vendor)
    return bool(told) and all(complete for (complete,) in told)


# BoondManager lets nobody in


@pytest.mark.parametrize(
    ("settings", "what_to_do"),
    [
        ({"BOOND_CLIENT_KEY": WRONG}, "BOOND_CLIENT_KEY is not the key of BOOND_CLIENT_TOKEN"),
        ({"BOOND_USER_TOKEN": WRONG}, "Check BOOND_USER_TOKEN and BOOND_CLIENT_TOKEN"),
        ({"BOOND_CLIENT_TOKEN": WRONG}, "Check BOOND_USER_TOKEN and BOOND_CLIENT_TOKEN"),
    ],
)
def test_wrong_credentials_of_boondmanager(
    live: MakeHouse, settings: dict[str, str], what_to_do: str
) -> None:
    """One call, one line with the setting to look at; Bill.com is read all the same."""
    house = live(**settings)
    assert what_to_do in the_line(sync(house))
    asked = [call for call in house.sandbox.requests if "/boond/" in call]
    assert asked == ["GET /boond/api/application/dictionary"]
    assert house.sandbox.requests[asked[0]] == 1
    assert read(house, "bill")


def test_a_wrong_clock_is_not_told_as_a_wrong_key(live: MakeHouse) -> None:
    """A token that is refused for its time names this machine's clock, and not the key."""
    house = live()
    house.sandbox.boond.callers_clock = lambda: house.today() + timedelta(hours=2)  # type: ignore[union-attr]
    said = the_line(sync(house, "boond"))
    assert "this machine's clock" in said
    assert "BOOND_CLIENT_KEY is not the key" not in said


@pytest.mark.parametrize(
    ("answer", "what_to_do"),
    [
        (refused(401, "401 - Authentication required"), "allows calls by X-Jwt-Client"),
        (refused(501, "API disabled"), "Switch the API on in BoondManager"),
        (refused(403, "Access denied"), "Give the user of BOOND_USER_TOKEN the right"),
        (httpx.Response(403, html=FIREWALL_PAGE), "let this machine's address pass"),
    ],
)
def test_a_login_that_is_refused(live: MakeHouse, answer: httpx.Response, what_to_do: str) -> None:
    """What stands in the way is told once, without settings that have nothing to do with it."""
    house = live()
    answering(house, answer, "/application/dictionary")
    said = the_line(sync(house, "boond"))
    assert what_to_do in said
    assert " See BOOND" not in said


# BoondManager refuses afterwards


def test_a_missing_right_is_named_with_all_that_it_closes(live: MakeHouse) -> None:
    """Two streams need the list: one line names both, and the others are read."""
    house = live()
    answering(house, refused(403, "403 - Access denied"), "/deliveries-groupments")
    assert the_line(sync(house, "boond")) == (
        "boond.contracts, purchase_orders: boond: GET /deliveries-groupments: forbidden:"
        " 403 - Access denied. Give the user of BOOND_USER_TOKEN the right to it in BoondManager;"
        " where a contractual feature is missing, ask BoondManager for the licence."
    )
    assert house.one("SELECT count(*) FROM core.cras") > 0


def test_no_right_at_all_is_one_line(live: MakeHouse) -> None:
    """Eight streams are refused alike: all that the user may not read stands in one line."""
    house = live()
    house.intercept = lambda request: (
        refused(403, "403 - Access denied")
        if "/boond/" in request.url.path and "/dictionary" not in request.url.path
        else None
    )
    said = the_line(sync(house))
    assert said.startswith(f"{BOOND_STREAMS}boond: GET /resources, GET /contacts, GET /projects")
    assert read(house, "bill")


def test_a_firewall_that_stays_is_one_line_and_few_calls(live: MakeHouse) -> None:
    """It is not hammered on: after five refusals the rest is not asked for."""
    house = live()
    page = httpx.Response(403, html=FIREWALL_PAGE)
    refusals: list[str] = []

    def intercept(request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if "/boond/" not in path or "/dictionary" in path:
            return None
        refusals.append(path)
        return page

    house.intercept = intercept
    said = the_line(sync(house, "boond"))
    assert said.startswith(f"{BOOND_STREAMS}boond: GET /resources: firewall: HTTP 403.")
    assert "lower BOOND_BURST_PER_SECOND" in said
    assert len(refusals) == 5


def test_filters_that_are_ignored_cost_nothing_but_time(
    live: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    """The run ends well: the log says it once a list, and nothing is stored twice."""
    house = live()
    sync(house)
    house.waited += timedelta(days=3)
    house.sandbox.set_faults("ignores-filters")
    with caplog.at_level(logging.WARNING):
        assert sync(house).exit_code == 0
    said = [line for line in caplog.messages if "ignores updatedSince" in line]
    assert said
    assert len(said) == len(set(said))
    assert house.one("SELECT arg_max(rows_changed, started_at) FROM ops.runs") == 0


def test_a_line_that_is_dropped_with_200_is_found(live: MakeHouse) -> None:
    """What the vendor left out of a new invoice is read back: one line, with what to do there."""
    house = live()
    inner = house.sandbox.transport()

    def drop(request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST" or not request.url.path.endswith("/api/invoices"):
            return None
        body = json.loads(request.content)
        body["data"]["attributes"]["invoiceRecords"].pop()
        headers = {key: value for key, value in request.headers.items() if key != "content-length"}
        changed = httpx.Request("POST", request.url, headers=headers, json=body)
        return inner.handle_request(changed)

    house.intercept = drop
    outcome = house.nightly(apply=True)
    assert outcome.exit_code == 1
    [said] = outcome.reasons
    assert "lines: sent 1, held 0" in said
    assert said.endswith("correct or delete it there, and the next run that applies looks again")
    kept = "SELECT state, last_error FROM ops.outbox WHERE kind = 'boond.invoice.create'"
    [(state, last_error)] = house.rows(kept)
    assert state == "unknown"
    assert last_error in said


# Bill.com


@pytest.mark.parametrize(
    ("settings", "what_to_do"),
    [
        ({"BILL_COM_PASSWORD": WRONG}, "Check BILL_COM_USERNAME, BILL_COM_PASSWORD"),
        ({"BILL_COM_DEV_KEY": WRONG}, "BILL_COM_ENVIRONMENT is where it was given"),
        ({"BILL_COM_ORG_ID": WRONG}, "BILL_COM_ORG_ID"),
    ],
)
def test_wrong_credentials_of_bill(
    live: MakeHouse, settings: dict[str, str], what_to_do: str
) -> None:
    """One login and no second one, since a few wrong passwords lock the account."""
    house = live(**settings)
    assert what_to_do in the_line(sync(house))
    asked = {call: n for call, n in house.sandbox.requests.items() if "/bill/" in call}
    assert asked == {"POST /bill/connect/v3/login": 1}
    assert read(house, "boond")


@pytest.mark.parametrize(
    ("code", "ends", "what_to_do"),
    [
        ("BDC_1104", "/login", "developer terms are not accepted"),
        ("BDC_1110", "/login", "have an administrator unlock it"),
        ("BDC_1107", ("/vendors", "/bills", "/payments"), "BILL has locked the organization"),
    ],
)
def test_an_account_that_is_closed(
    live: MakeHouse, code: str, ends: str | tuple[str, ...], what_to_do: str
) -> None:
    """At the login or later, it is fatal for the vendor, in one line."""
    house = live()
    house.intercept = lambda request: coded(code) if request.url.path.endswith(ends) else None
    assert what_to_do in the_line(sync(house, "bill"))


def test_an_untrusted_session_is_not_a_lost_one(live: MakeHouse) -> None:
    """One line for all lists, which says that no login helps; one login is made."""
    house = live()
    _bill(house).demands_trust = True
    said = the_line(sync(house, "bill"))
    assert said.startswith("bill.vendors, invoices, payments: bill: GET /v3/vendors, GET /v3/bills")
    assert "Logging in again does not help" in said
    assert "sync token" in said
    assert house.sandbox.requests["POST /bill/connect/v3/login"] == 1


def test_an_hour_that_is_used_up_leaves_the_other_vendor_alone(live: MakeHouse) -> None:
    """Nothing more is asked of Bill.com; the line says from when on to run again."""
    house = live()
    _bill(house).requests_an_hour = 3
    said = the_line(sync(house))
    assert said.startswith("bill.invoices, payments: bill: GET /v3/bills: hour_used_up: BDC_1144")
    assert "run again after 04:00 UTC" in said
    assert read(house, "boond")


def test_too_many_at_once_is_waited_for(live: MakeHouse) -> None:
    """Another program with the same key was quicker twice: the run ends well."""
    house, left = live(), [coded("BDC_1322")] * 2
    house.intercept = lambda request: (
        left.pop() if left and request.url.path.endswith("/v3/vendors") else None
    )
    assert sync(house, "bill").exit_code == 0
    assert not left


def test_too_many_at_once_for_ever_is_one_line(live: MakeHouse) -> None:
    """It says that another program uses the key."""
    house = live()
    answering(house, coded("BDC_1322"), "/v3/vendors", "/v3/bills", "/v3/payments")
    said = the_line(sync(house, "bill"))
    assert said.startswith("bill.vendors, invoices, payments: ")
    assert "end another one, or run later" in said


def _bill(house: House) -> BillLive:
    assert isinstance(house.sandbox.bill, BillLive)
    return house.sandbox.bill
