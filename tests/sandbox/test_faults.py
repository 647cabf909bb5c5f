"""The sandbox fails as it is told to, in process and over sockets."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import faults
from sandbox.mishaps import ACTED, LISTS, MISHAPS
from sandbox.server import Sandbox, serving
from sandbox.world import World

Make = Callable[..., Any]
CRAS = "/crm/activities"
ROOT = Path(__file__).parents[2]


def test_unknown_faults_are_refused(make: Make) -> None:
    """An unknown profile or vendor is an error, and changes nothing."""
    caller = make()
    caller.sandbox.set_faults("bill:down")
    for wrong in ("melting", "sap:down", "lost-replies=2", "broken-rows=cra"):
        with pytest.raises(ValueError, match=r"fault|share"):
            faults.parse(wrong)
        assert caller.http.post("/_sandbox/faults", json={"profile": wrong}).status_code == 400
    assert caller.log_in().status_code == 503


def test_down_is_per_vendor_and_ends(make: Make) -> None:
    """One vendor is down, the other answers, until the fault is taken back."""
    caller = make()
    caller.http.post("/_sandbox/faults", json={"profile": "boond:down"})
    assert caller.boond("GET", CRAS).status_code == 503
    assert caller.bill("/v3/vendors").status_code == 200
    caller.http.post("/_sandbox/faults", json={"profile": "none"})
    assert caller.boond("GET", CRAS).status_code == 200


def test_flaky_reads_fail_in_every_manner_and_never_thrice(make: Make) -> None:
    """Reads fail as 429, 500, 503 or a cut line; a third try of one path succeeds."""
    caller = make()
    caller.sandbox.set_faults("boond:flaky")
    seen: list[int | None] = []
    for _ in range(200):
        try:
            seen.append(caller.boond("GET", CRAS).status_code)
        except httpx.ConnectError:
            seen.append(None)
    assert set(seen) == {200, 429, 500, 503, None}
    failures = "".join("." if status == 200 else "x" for status in seen)
    assert "xxx" not in failures


def test_ignored_filters(make: Make) -> None:
    """With filters ignored every row comes, and paging still works."""
    caller = make()
    caller.sandbox.set_faults("ignores-filters")
    params = {"updatedSince": "2099-01-01T00:00:00Z", "consultantId": "x", "maxResults": 3}
    assert len(caller.boond_rows(CRAS, **params)) == len(caller.world.cras)
    found = caller.bill_rows("/v3/invoices", updatedSince="2099-01-01T00:00:00Z", max=1)
    assert len(found) == len(caller.world.bills)


@pytest.mark.parametrize("size", [1, 4, 30])
def test_moving_pages_repeat_rows_and_lose_none(make: Make, size: int) -> None:
    """Rows come on two pages while the list moves; each comes at least once."""
    caller = make(consultants=40)
    caller.sandbox.set_faults("moving-pages")
    cras = [row["id"] for row in caller.boond_rows(CRAS, maxResults=size)]
    bills = [row["id"] for row in caller.bill_rows("/v3/invoices", max=size)]
    assert (set(cras), set(bills)) == (set(caller.world.cras), set(caller.world.bills))
    assert len(cras) > len(set(cras))
    assert len(bills) > len(set(bills))


def test_broken_rows_are_a_steady_share_of_one_stream(make: Make) -> None:
    """A few rows of the chosen stream are nonsense, the same at each call, the others whole."""
    caller = make(consultants=200)
    caller.sandbox.set_faults("boond:broken-rows=cras")

    def broken() -> list[str]:
        rows = caller.boond_rows(CRAS, maxResults=500)
        return [row["id"] for row in rows if row["totalDays"] == "vingt"]

    assert 0 < len(broken()) < 0.1 * len(caller.world.cras)
    assert broken() == broken()
    assert all(row["name"] for row in caller.boond_rows("/clients"))


def test_no_meta(make: Make) -> None:
    """Lists come without their totals."""
    caller = make()
    caller.sandbox.set_faults("no-meta")
    assert set(caller.boond("GET", CRAS).json()) == {"data"}


def test_lost_replies_act_all_the_same(make: Make) -> None:
    """The vendor changes the CRA and nobody hears of it; reads and logins go on."""
    caller = make()
    caller.sandbox.set_faults("lost-replies")
    cra = next(c for c in caller.world.cras.values() if c.status == "submitted")
    with pytest.raises(httpx.ReadError):
        caller.boond("PUT", f"{CRAS}/{cra.id}", json={"status": "invalidated"})
    read = caller.boond("GET", f"{CRAS}/{cra.id}").json()["data"]
    assert read["status"] == "invalidated"
    assert (caller.token().status_code, caller.log_in().status_code) == (200, 200)


def test_some_replies_are_lost(make: Make) -> None:
    """A share of the writes goes unheard, all of them act."""
    caller = make(consultants=200)
    caller.sandbox.set_faults("boond:lost-replies=0.5")
    submitted = [c for c in caller.world.cras.values() if c.status == "submitted"]
    lost = 0
    for cra in submitted:
        try:
            caller.boond("PUT", f"{CRAS}/{cra.id}", json={"status": "invalidated"})
        except httpx.ReadError:
            lost += 1
    assert 0 < lost < len(submitted)
    assert {cra.status for cra in submitted} == {"invalidated"}


def test_state_tells_what_was_written_and_asked(make: Make) -> None:
    """The control surface counts requests and shows statuses; expiry drops every session."""
    caller = make()
    caller.bill("/v3/vendors")
    state = caller.http.get("/_sandbox/state").json()
    assert state["requests"] == {
        "POST /bill/connect/v3/login": 1,
        "GET /bill/v3/vendors": 1,
    }
    assert set(state["cras"]) == set(caller.world.cras)
    caller.http.post("/_sandbox/expire")
    assert caller.bill("/v3/vendors").status_code == 401
    assert caller.http.get("/_sandbox/advance").status_code == 405
    assert caller.http.post("/_sandbox/advance", json={"days": 0}).status_code == 400
    assert caller.http.get("/elsewhere").status_code == 404


def test_loopback_answers_as_in_process() -> None:
    """Over a socket the same replies come, and a cut line is a closed socket."""
    sandbox = Sandbox(World.build(consultants=5, mistakes=False))
    key = {"X-API-Key": "sandbox-api-key"}
    with serving(sandbox) as root, httpx.Client(base_url=root, headers=key) as http:
        path = "/boond/api/v3/crm/activities?maxResults=2&updatedSince=2026-01-01T00:00:00%2B02:00"
        over = http.get(path)
        with httpx.Client(transport=sandbox.transport(), base_url=root, headers=key) as inside:
            assert inside.get(path).content == over.content
        assert over.headers["Date"] == "Tue, 03 Nov 2026 03:00:00 GMT"
        sandbox.set_faults("lost-replies")
        with pytest.raises(httpx.TransportError):
            http.put("/boond/api/v3/crm/activities/70008", json={"status": "invalidated"})
        assert http.get("/boond/api/v3/crm/activities").status_code == 200


def test_the_command_serves_and_tells_its_settings(tmp_path: Path) -> None:
    """The command prints its address, writes settings that only the owner reads, and files."""
    env, folder = tmp_path / "sandbox.env", tmp_path / "declarations"
    words = ["--port", "0", "--env-file", str(env), "--declarations", str(folder)]
    command = [sys.executable, "-m", "sandbox", *words]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as served:
        try:
            assert served.stdout is not None
            root = served.stdout.readline().removeprefix("sandbox: ").strip()
            assert httpx.get(f"{root}/_sandbox/state").json()["month"] == "2026-10"
        finally:
            served.terminate()
            served.wait(timeout=10)
    assert env.stat().st_mode & 0o777 == 0o600
    assert f"BILL_COM_BASE_URL={root}/bill\n" in env.read_text()
    assert len(list(folder.rglob("*.csv"))) >= 7


def test_wrong_use_ends_with_two() -> None:
    """An impossible world ends with exit code 2 and one line."""
    command = [sys.executable, "-m", "sandbox", "--consultants", "3"]
    ended = subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("name", sorted(MISHAPS))
def test_each_mishap_acts_or_does_not_as_its_list_says(make: Make, name: str) -> None:
    """A write that meets a mishap is carried out exactly where the vendor is said to have acted."""
    caller = make()
    caller.sandbox.lines["boond"].script = lambda _: name
    cra = next(c for c in caller.world.cras.values() if c.status == "submitted")
    with suppress(httpx.TransportError):
        caller.boond("PUT", f"{CRAS}/{cra.id}", json={"status": "invalidated"})
    assert (cra.status == "invalidated") == (name in ACTED | LISTS)


def test_mishaps_of_lists_change_what_is_served(make: Make) -> None:
    """Rows come twice, in another order, not at all, or without an end."""
    caller = make()
    whole = [row["id"] for row in caller.boond("GET", CRAS).json()["data"]]
    for name, wanted in {
        "repeated": [*whole, whole[0]],
        "moved": whole[::-1],
        "vanished": whole[1:],
    }.items():
        caller.sandbox.set_faults(f"boond:{name}=1")
        assert [row["id"] for row in caller.boond("GET", CRAS).json()["data"]] == wanted
    caller.sandbox.set_faults("endless=1")
    assert caller.boond("GET", CRAS).json()["meta"]["totals"]["rows"] > len(whole)
    assert caller.bill("/v3/invoices").json()["nextPage"] == "page-0"


def test_mishaps_are_served_over_sockets() -> None:
    """A stalled answer comes in pieces, a proxy answers a page, a hang ends by our time-out."""
    sandbox = Sandbox(World.build(consultants=1, mistakes=False))
    key = {"X-API-Key": "sandbox-api-key"}
    with serving(sandbox) as root, httpx.Client(base_url=root, headers=key, timeout=0.3) as http:
        path = "/boond/api/v3/clients"
        sandbox.set_faults("html-502=1")
        assert http.get(path).text.startswith("<!DOCTYPE html>")
        for name in ("hang", "stalled"):
            sandbox.set_faults(f"{name}=1")
            with pytest.raises(httpx.ReadTimeout):
                http.get(path)
        sandbox.set_faults("")
        assert http.get(path).status_code == 200
