"""What the doctor says of the vendors' accounts when it looks at them closely."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.engine import reach
from flows.engine.checked import Check
from sandbox.boond_live_wire import FIREWALL_PAGE
from tests.flows.house import House
from transforms.policy import Policy

pytestmark = pytest.mark.nights

PORTABLE: dict[str, Any] = {"portable": True, "consultants": 1, "mistakes": False}
LIVE = ("live", "live")
MOST_REQUESTS = 60
Answer = Callable[[httpx.Request, httpx.Response], httpx.Response | None]


def looked(house: House) -> list[Check]:
    """What the doctor says of both vendors."""
    return list(
        house._virtually(reach.vendors(house.settings, house.outside(), Policy(), closely=True))
    )


def of(checks: list[Check], what: str) -> Check:
    """The one line about something."""
    [found] = [check for check in checks if check.what == what]
    return found


def troubles(checks: list[Check]) -> list[str]:
    """What a person is to see to."""
    return [check.what for check in checks if check.exit_code]


def spoiling(house: House, path: str, spoil: Callable[[Any], Any]) -> None:
    """Lets what is served at a path be changed on its way."""
    inner = house.sandbox.transport()

    def intercept(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith(path):
            return None
        served = inner.handle_request(request).json()
        spoil(served)
        return httpx.Response(200, json=served)

    house.intercept = intercept


def refusing(house: House, answer: httpx.Response, *paths: str) -> None:
    """Lets some paths be refused."""
    house.intercept = lambda request: answer if request.url.path.endswith(paths) else None


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A small world in both production dialects."""
    return House(tmp_path, vendors=PORTABLE, speaking=LIVE)


def _error(status: int, detail: str, parameter: str = "") -> httpx.Response:
    about = {"source": {"parameter": parameter}} if parameter else {}
    return httpx.Response(status, json={"errors": [{"detail": detail} | about]})


@pytest.mark.parametrize("way", [*product(("v3", "live"), ("gateway", "live"))])
def test_a_good_account_is_well_in_every_dialect(tmp_path: Path, way: tuple[str, str]) -> None:
    """Nothing to see to, a few reads and one login a vendor, no write."""
    house = House(tmp_path, vendors=PORTABLE, speaking=way)
    checks = looked(house)
    assert troubles(checks) == []
    asked = house.sandbox.requests
    writes = [call for call in asked if not call.startswith("GET ")]
    assert all(call.endswith(("/login", "/token")) for call in writes)
    assert sum(asked.values()) <= MOST_REQUESTS
    heard = sum(int(of(checks, f"pace, {v}").said.split()[0]) for v in ("BoondManager", "Bill.com"))
    assert heard == sum(asked.values())


def test_each_state_is_told_with_its_meaning(house: House) -> None:
    """States stand together by what they are taken for."""
    said = of(looked(house), "BoondManager: states of invoice").said
    assert said.startswith("draft: 0 Création, 10 ProForma; sent: 1 Transmis au client, 2 Impayée,")


def test_a_state_that_nobody_can_tell_is_to_be_named(house: House) -> None:
    """The line says which one, and what to write where."""

    def rename(served: Any) -> None:
        served["data"]["setting"]["state"]["invoice"][2]["value"] = "Bon à voir"

    spoiling(house, "/dictionary", rename)
    told = of(looked(house), "BoondManager: states of invoice")
    assert (told.state, told.exit_code) == ("warn", 1)
    assert "?: 2 Bon à voir" in told.said
    assert told.do == (
        "say in policy.toml, [boond_states.invoice] what it means:"
        ' 2 = "…" (draft, sent, paid, cancelled)'
    )


def test_a_tenant_without_a_state_that_is_written_is_told(house: House) -> None:
    """Drafts need a state: which one is asked for."""

    def rename(served: Any) -> None:
        for state in served["data"]["setting"]["state"]["invoice"]:
            state["value"] = "Relance"

    spoiling(house, "/dictionary", rename)
    told = of(looked(house), "BoondManager: states of invoice")
    assert "draft: none" in told.said
    assert told.do == 'say in policy.toml, [boond_states.invoice] which one it is: NUMBER = "draft"'


def test_filters_that_are_ignored_are_told_and_need_nothing(house: House) -> None:
    """Runs read such lists whole: a note, not a warning, and still few requests."""
    house.sandbox.set_faults("ignores-filters")
    checks = looked(house)
    ignored = [check.what for check in checks if "is ignored" in check.said]
    assert "BoondManager: consultants by their last change" in ignored
    assert "BoondManager: client invoices by their last change" in ignored
    assert {of(checks, what).state for what in ignored} == {"note"}
    assert troubles(checks) == []
    assert sum(house.sandbox.requests.values()) <= MOST_REQUESTS


def test_thirty_a_page_is_told(house: House) -> None:
    """A vendor that serves its own size silently costs requests, and nothing else."""

    def cut(served: Any) -> None:
        served["data"] = [{"id": str(n), "type": "company"} for n in range(30)]
        served["meta"]["totals"]["rows"] = 45

    spoiling(house, "/api/companies", cut)
    told = of(looked(house), "BoondManager: lists give 500 rows a page")
    assert told.state == "note"
    assert told.said.startswith("30 of 45 companies came: 30 a page are read")


def test_missing_rights_are_one_line_with_all_their_lists(house: House) -> None:
    """What runs would fail by is named once, with the right to give; exit code 3."""
    refusing(house, _error(403, "403 - Access denied"), "/orders", "/deliveries-groupments")
    checks = looked(house)
    told = of(checks, "BoondManager refuses")
    assert told.said == "GET /deliveries-groupments, GET /orders: forbidden: 403 - Access denied"
    assert told.do.startswith("Give the user of BOOND_USER_TOKEN the right to it")
    assert troubles(checks) == ["BoondManager refuses"]
    assert told.exit_code == 3
    assert "/orders" not in of(checks, "BoondManager: lists that may be read").said


def test_lines_of_reports_that_may_not_be_read_are_done_without(house: House) -> None:
    """A note says what each night costs then."""
    refusing(house, _error(403, "403 - Access denied"), "/api/times")
    told = of(looked(house), "BoondManager: lines of reports by day")
    assert told.state == "note"
    assert told.said.endswith("each night then reads every report of the months one by one")


def test_a_tab_that_may_not_be_read_is_told(house: House) -> None:
    """Without the administrative tab the supplier of an external is not known."""
    refusing(house, _error(403, "403 - Access denied"), "/administrative")
    told = of(looked(house), "BoondManager: suppliers of externals")
    assert (told.state, told.exit_code) == ("warn", 1)
    assert told.do.startswith("give the user the right to it")


def test_an_untrusted_session_is_one_line(house: House) -> None:
    """However many lists it keeps closed; the other vendor is looked at."""
    house.sandbox.bill.demands_trust = True  # type: ignore[union-attr]
    checks = looked(house)
    assert troubles(checks) == ["Bill.com refuses"]
    assert "sync token" in of(checks, "Bill.com refuses").do


@pytest.mark.parametrize(
    ("answer", "to_do"),
    [
        (_error(422, "422 - Signature verification failed", "xJwtClient"), "BOOND_CLIENT_KEY"),
        (_error(422, "422 - Expired token", "xJwtClient"), "this machine's clock"),
        (_error(501, "API disabled"), "Switch the API on"),
        (httpx.Response(403, html=FIREWALL_PAGE), "let this machine's address pass"),
    ],
)
def test_a_refused_login_says_what_to_do_once(
    house: House, answer: httpx.Response, to_do: str
) -> None:
    """One line at the vendor, what to do in its own column, nothing else asked."""
    refusing(house, answer, "/dictionary")
    checks = looked(house)
    assert troubles(checks) == ["BoondManager"]
    assert to_do in of(checks, "BoondManager").do
    assert to_do not in of(checks, "BoondManager").said


def test_a_vendor_that_slows_us_down_is_told(house: House) -> None:
    """A 429 is waited for, and said with the settings that slow us down."""
    left = [httpx.Response(429, headers={"Retry-After": "1"}, json={"errors": []})]
    house.intercept = lambda request: (
        left.pop() if left and request.url.path.endswith("/orders") else None
    )
    told = of(looked(house), "pace, BoondManager")
    assert (told.state, "1 refused" in told.said) == ("warn", True)
    assert "BOOND_BURST_PER_SECOND" in told.do
