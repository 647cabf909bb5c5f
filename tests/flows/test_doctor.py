"""What the doctor says, with what it ends, and what it leaves alone."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.engine import backlog, doctor, premises, reach
from flows.engine.checked import Check
from flows.engine.doctor import Examined, examine
from flows.engine.run import system_clock
from flows.engine.wiring import World
from flows.settings import Settings, salvage
from sandbox.server import Sandbox
from sandbox.world import World as Vendors
from store.lock import run_lock
from store.publishing import publish
from store.warehouse import Places, Warehouse
from tests.flows.house import reach as reaching
from tests.mail_server import mail_server
from transforms.policy import Policy

NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)
SECRETS = ("planted-wrong-password", "planted-smtp-password")


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """A tiny world."""
    return Sandbox(Vendors.build(consultants=1, mistakes=False, clock=system_clock))


@pytest.fixture
def folder(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder whose environment reaches the vendors."""
    for name, value in reaching(sandbox, tmp_path).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("RAPPROCHE_RETRY_BASE", "0")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "declarations").mkdir()
    sandbox.requests.clear()
    yield tmp_path
    sandbox.set_faults("")


def _world(sandbox: Sandbox, folder: Path, **told: Any) -> World:
    return replace(World(system_clock, sandbox.transport(), folder / "cache"), **told)


def _examine(world: World, prefect: str | None = None) -> Examined:
    return asyncio.run(examine(world, prefect))


def _found(examined: Examined, what: str) -> Check:
    [check] = [check for check in examined.checks if check.what == what]
    return check


@pytest.fixture(scope="module")
def published_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published warehouse in which nothing ever happened."""
    file = tmp_path_factory.mktemp("published") / "rapproche.duckdb"
    with Warehouse.open(file) as warehouse:
        publish(warehouse)
    return file


@pytest.fixture
def warehouse(published_file: Path, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it, open for writing."""
    places = Places(tmp_path / "w" / "rapproche.duckdb")
    places.directory.mkdir()
    shutil.copyfile(published_file, places.working)
    with Warehouse.open(places.published) as opened:
        yield opened


# The whole


def test_p13_the_first_hour_is_well_but_for_what_was_not_done_yet(
    sandbox: Sandbox, folder: Path
) -> None:
    """Nothing published is a warning; each vendor is logged in to once and asked nothing else."""
    examined = _examine(_world(sandbox, folder))
    assert {check.what for check in examined.checks if check.state != "ok"} == {"published file"}
    assert examined.exit_code == 1
    assert dict(sandbox.requests) == {
        "POST /boond/oauth/token": 1,
        "POST /bill/connect/v3/login": 1,
    }
    assert [path.name for path in folder.iterdir() if path.suffix == ".duckdb"] == []


def test_half_of_the_settings_wrong_keep_nothing_else_from_being_looked_at(
    sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is named; a vendor with a wrong setting is not asked, the other one is."""
    monkeypatch.setenv("RAPPROCHE_LOGS", "x")
    monkeypatch.setenv("TAX_RATE", "7")
    monkeypatch.setenv("BOOND_BASE_URL", "ftp://elsewhere")
    examined = _examine(_world(sandbox, folder))
    wrong = [check.said.split()[0] for check in examined.checks if check.what == "settings"]
    assert sorted(wrong) == ["BOOND_BASE_URL:", "RAPPROCHE_LOGS", "TAX_RATE:"]
    assert _found(examined, "Bill.com").state == "ok"
    assert list(sandbox.requests) == ["POST /bill/connect/v3/login"]
    assert examined.exit_code == 2


def test_a_refused_password_is_tried_once_and_shown_nowhere(
    sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, the settings to look at by name, and no secret in what is printed."""
    monkeypatch.setenv("BILL_COM_PASSWORD", SECRETS[0])
    monkeypatch.setenv("SMTP_URL", f"smtp://u:{SECRETS[1]}@127.0.0.1:1")
    monkeypatch.setenv("MAIL_FROM", "r@esn.example")
    examined = _examine(_world(sandbox, folder))
    assert examined.exit_code == 3
    assert "BILL_COM_PASSWORD" in _found(examined, "Bill.com").do
    assert sandbox.requests["POST /bill/connect/v3/login"] == 1
    shown = doctor.as_json(examined)
    assert json.loads(shown)["exit_code"] == 3
    shown += str(doctor.table(examined).rows.to_dicts())
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_vendor_that_is_down_is_named(sandbox: Sandbox, folder: Path) -> None:
    """The other one is well; configuration would win over it, a warning does not."""
    sandbox.set_faults("bill:down")
    examined = _examine(_world(sandbox, folder))
    assert _found(examined, "Bill.com").state == "fail"
    assert _found(examined, "BoondManager").state == "ok"
    assert examined.exit_code == 3


@pytest.mark.parametrize(("minutes", "state"), [(0, "ok"), (-2, "warn"), (9, "fail")])
def test_clocks_that_differ_are_said(
    sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch, minutes: int, state: str
) -> None:
    """Up to a minute is well, over five is a wrong clock; a stand-in has a day of its own."""
    monkeypatch.setenv("BILL_COM_BASE_URL", "https://gateway.stage.bill.com/bill")
    world = _world(sandbox, folder, now=lambda: system_clock() + timedelta(minutes=minutes))
    examined = _examine(world)
    assert _found(examined, "clock, Bill.com").state == state
    assert _found(examined, "clock, BoondManager").state == "ok"


def test_a_lost_published_file_is_made_from_the_working_one(sandbox: Sandbox, folder: Path) -> None:
    """It costs no reading: `rapproche publish` is said wherever the working file is there."""
    places = Places(Path(salvage()[0].WAREHOUSE_PATH))
    places.directory.mkdir(parents=True, exist_ok=True)
    places.working.write_bytes(b"12345678DUCK")
    assert "rapproche publish" in _found(_examine(_world(sandbox, folder)), "published file").do


def test_a_policy_that_cannot_be_used_is_configuration(
    sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is named, and freshness is judged by the values as shipped."""
    (folder / "p.toml").write_text("[freshness]\ncrass = 1\n")
    monkeypatch.setenv("POLICY_FILE", "p.toml")
    examined = _examine(_world(sandbox, folder))
    assert "freshness.crass" in _found(examined, "policy").said
    assert examined.exit_code == 2


def test_a_published_file_that_is_none_is_said(sandbox: Sandbox, folder: Path) -> None:
    """A damaged file ends with 2 and the page that helps; the other checks are there."""
    (folder / "rapproche.duckdb").write_bytes(b"no database" * 500)
    examined = _examine(_world(sandbox, folder))
    assert _found(examined, "published file").state == "fail"
    assert _found(examined, "BoondManager").state == "ok"


def test_it_looks_while_a_run_works(sandbox: Sandbox, folder: Path, published_file: Path) -> None:
    """A held lock and an open working file are said, and neither is touched."""
    places = Places(folder / "rapproche.duckdb")
    shutil.copyfile(published_file, places.published)
    with (
        run_lock(places.lock, "r1", "nightly"),
        Warehouse.open(places.published) as warehouse,
    ):
        examined = _examine(_world(sandbox, folder))
        warehouse.execute("DELETE FROM ops.runs")
        assert "held by run r1 (nightly" in _found(examined, "lock").said
        assert _found(examined, "working file").state == "ok"
    assert _found(_examine(_world(sandbox, folder)), "lock").said == "free"


# Its parts


def test_a_lock_is_told_where_the_system_does_not(tmp_path: Path) -> None:
    """Without /proc/locks the process that the holder's file names is believed while it lives."""
    lock, nowhere = tmp_path / "r.lock", tmp_path / "none"
    with run_lock(lock, "r1", "nightly"):
        assert premises.lock_is_held(lock)
        assert premises.lock_is_held(lock, nowhere)
    assert not premises.lock_is_held(lock)
    lock.touch()
    lock.with_suffix(".holder.json").write_text('{"run_id": "r", "command": "c", "pid": 999999999}')
    assert not premises.lock_is_held(lock, nowhere)


def test_a_run_that_was_killed_and_one_that_hangs_are_said(tmp_path: Path) -> None:
    """A holder's file without a lock is a killed run; a lock held for long is to be looked at."""
    places = Places(tmp_path / "r.duckdb")
    with run_lock(places.lock, "r1", "nightly"):
        told = premises._lock(places, system_clock() + timedelta(hours=7))
        assert (told.state, "for 420 min" in told.said) == ("warn", True)
        kept = places.lock.with_suffix(".holder.json").read_text()
    places.lock.with_suffix(".holder.json").write_text(kept)
    told = premises._lock(places, system_clock())
    assert (told.state, "was killed" in told.said) == ("warn", True)


def test_files_that_others_can_read_are_named(tmp_path: Path) -> None:
    """Working file, limits and letters are their owner's; the published file is its group's."""
    places = Places(tmp_path / "r.duckdb")
    open_ = [places.working, tmp_path / "drafts" / "a.eml", tmp_path / "limits" / "l.sqlite"]
    for file in open_:
        file.parent.mkdir(exist_ok=True)
        file.touch()
        file.chmod(0o640)
    places.published.touch()
    places.published.chmod(0o440)
    told = premises._private(places, tmp_path)
    assert (told.state, str(places.working) in told.said) == ("warn", True)
    assert told.do == f"`chmod go-rwx {' '.join(map(str, open_))}`"
    for file in open_:
        file.chmod(0o600)
    assert premises._private(places, tmp_path).state == "ok"


def test_no_room_for_the_next_copy_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than the working file and some is a failure, less than twice that a warning."""
    places = Places(tmp_path / "r.duckdb")
    states = []
    for megabytes in (1, 100, 1000):
        usage = type("Usage", (), {"free": megabytes * 1024 * 1024})
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        states.append(premises._room(places).state)
    assert states == ["fail", "warn", "ok"]


def test_a_working_file_that_is_none_is_said(tmp_path: Path) -> None:
    """Its head is read, and it is not opened."""
    places = Places(tmp_path / "r.duckdb")
    places.working.write_bytes(b"garbage of a broken disk")
    assert premises._working(places).state == "fail"


def test_what_waits_or_failed_is_said(warehouse: Warehouse) -> None:
    """Stuck commands, quarantine, late streams, failed runs: each with what to do."""
    for state in ("unknown", "refused", "sending", "awaiting_approval", "approved"):
        warehouse.execute(
            "INSERT INTO ops.outbox VALUES (?, 'k', 't', 'n', 's', '{}', [], ?, 1, NULL, NULL, ?,"
            " NULL, NULL, 'r')",
            [state, state, NOW - timedelta(days=4)],
        )
    for stream, complete, hours in (
        ("cras", False, 1),
        ("clients", True, 30),
        ("vendors", True, 0),
    ):
        warehouse.execute(
            "INSERT INTO ops.sync_state (source, stream, last_synced_at, rows, complete)"
            " VALUES ('boond', ?, ?, 1, ?)",
            [stream, NOW - timedelta(hours=hours), complete],
        )
    for n, state in enumerate(["completed", "failed", "crashed", "failed"]):
        warehouse.execute(
            "INSERT INTO ops.runs SELECT ?, 'nightly', '{}', ?, ?, ?, 0, 0, 0, 0, 0, 0, 0, 0",
            [f"r{n}", NOW - timedelta(hours=40 - n), NOW - timedelta(hours=39 - n), state],
        )
    warehouse.execute(
        "INSERT INTO ops.quarantine VALUES ('boond', 'cras', '1', '{}', 'c', 'k', 'm', ?, 'r',"
        " NULL)",
        [NOW],
    )
    told = {check.what: check for check in backlog.look(warehouse, Policy(), NOW)}
    assert {what for what, check in told.items() if check.state == "ok"} == {
        "published file",
        "streams",
    }
    assert "the last 3 in a row" in told["runs"].said
    assert told["nightly"].said == "ended well 39.0 h ago"
    assert told["quarantine"].said == "boond.cras 1"
    assert all(check.do for check in told.values() if check.state != "ok")


def test_a_file_of_a_newer_version_must_not_be_written(warehouse: Warehouse) -> None:
    """A migration that we do not know is a failure; one that is missing is a warning."""
    warehouse.execute("DELETE FROM ops.migrations WHERE name LIKE '0001%'")
    assert backlog._schema(warehouse).state == "warn"
    warehouse.execute("INSERT INTO ops.migrations VALUES ('9999_future.sql')")
    assert backlog._schema(warehouse).state == "fail"


@pytest.mark.parametrize(("status", "state"), [(200, "ok"), (401, "fail"), (503, "fail")])
def test_prefect_is_asked_without_importing_it(status: int, state: str) -> None:
    """One GET with the API's own credentials; its answer tells how it is."""
    transport = httpx.MockTransport(lambda request: httpx.Response(status, request=request))
    told = asyncio.run(reach.prefect("http://127.0.0.1:4200/api", transport))
    assert told.state == state


async def test_the_mail_server_is_greeted_and_not_used(folder: Path) -> None:
    """A connection and EHLO: no user, no password, no mail."""
    with mail_server() as server:
        settings = Settings(SMTP_URL=f"smtp://u:p@127.0.0.1:{server.port}", MAIL_FROM="r@e.example")
        told = await reach.mail_server(settings, World(system_clock))
        assert told.state == "ok"
        assert (server.connections, server.mails) == (1, [])


def test_settings_that_can_be_used_are_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong setting falls back with those that it goes with; the others stay as they are."""
    monkeypatch.setenv("BILL_COM_CURRENCY", "euro")
    monkeypatch.setenv("RAPPROCHE_LANG", "en")
    settings, wrong = salvage()
    assert (settings.has_bill, settings.has_boond, settings.RAPPROCHE_LANG) == (False, True, "en")
    assert [said.split(":")[0] for said in wrong] == ["BILL_COM_CURRENCY"]
