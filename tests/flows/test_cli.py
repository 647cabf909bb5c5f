"""The command line over loopback: exit codes, and what is said where (running.md)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from flows import cli
from sandbox.server import Sandbox, serving
from sandbox.world import World
from store.lock import run_lock
from store.publishing import read_published
from store.warehouse import Places
from tests.flows.house import AS_OF, reach

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]


class Said(NamedTuple):
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


Rapproche = Callable[..., Said]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, str]]:
    """A small clean world on loopback."""
    sandbox = Sandbox(World.build(consultants=3, mistakes=False))
    with serving(sandbox) as root:
        yield sandbox, root


@pytest.fixture
def vendors(served: tuple[Sandbox, str]) -> Iterator[Sandbox]:
    """Its vendors, well again after each test."""
    sandbox, _ = served
    sandbox.requests.clear()
    yield sandbox
    sandbox.set_faults("")


@pytest.fixture
def folder(
    tmp_path: Path, served: tuple[Sandbox, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A working folder whose environment reaches the vendors."""
    sandbox, root = served
    for name, value in reach(sandbox, tmp_path / "data").items():
        monkeypatch.setenv(name, str(value).replace("http://127.0.0.1/", f"{root}/"))
    monkeypatch.setenv("RAPPROCHE_RETRY_BASE", "0")
    monkeypatch.setenv("RAPPROCHE_RUN_LOCK_WAIT", "0")
    sandbox.world.write_declarations(tmp_path / "data" / "declarations")
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o022)
    yield tmp_path
    os.umask(mask)


@pytest.fixture
def rapproche(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Rapproche:
    """Runs a command in this process."""

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["rapproche", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Said(int(str(ended.value.code)), out, err)

    return run


NIGHT = ("nightly", "--as-of", AS_OF.isoformat())


def _stored(folder: Path, table: str) -> int:
    with read_published(folder / "data" / "rapproche.duckdb") as warehouse:
        return int(warehouse.rows(f"SELECT count(*) FROM {table}")[0][0])


def _refused(said: Said, *words: str) -> None:
    """Exit code 2, and one line that says why."""
    assert said.code == 2
    [line] = said.err.strip().splitlines()
    assert all(word in line for word in words)


@pytest.mark.parametrize("command", ["status", "breaks", "bills", "outbox"])
def test_reading_before_any_run_says_what_to_do(rapproche: Rapproche, command: str) -> None:
    """Exit code 2, naming the file and the command to run first."""
    _refused(rapproche(command), "rapproche.duckdb", "run `rapproche nightly` first")


def test_a_calm_night_ends_with_0_and_is_there_to_read(
    rapproche: Rapproche, vendors: Sandbox, folder: Path
) -> None:
    """Planned, not sent; tables on standard output, artifacts as files, and reading works."""
    said = rapproche(*NIGHT)
    assert said.code == 0
    assert "Écritures prévues" in said.out
    assert vendors.world.writes == []
    shown = {path.stem for path in (folder / "data" / "artifacts").iterdir()}
    assert {"month-summary", "billed", "held", "open-breaks", "write-back-plan"} <= shown
    for command in ("status", "breaks", "bills", "outbox"):
        assert rapproche(command).code == 0
    assert len(json.loads(rapproche("outbox", "--json").out)) > 0


def test_json_stands_alone_on_standard_output(rapproche: Rapproche, vendors: Sandbox) -> None:
    """With --json nothing but the plan is on standard output."""
    rows = json.loads(rapproche(*NIGHT, "--json").out)
    assert {row["do"] for row in rows} == {"create", "update", "send"}


def test_a_vendor_that_is_down_ends_with_3_and_stops_no_other(
    rapproche: Rapproche, vendors: Sandbox, folder: Path
) -> None:
    """The other vendor's streams are stored and compared; the message names who is down."""
    vendors.set_faults("bill:down")
    said = rapproche(*NIGHT)
    assert said.code == 3
    assert "rapproche: bill: POST /connect/v3/login" in said.err
    assert _stored(folder, "core.cras") == len(vendors.world.cras)
    assert _stored(folder, "recon.cra_matches") > 0
    assert _stored(folder, "core.bills") == 0


def test_a_wrong_password_is_tried_once(
    rapproche: Rapproche, vendors: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3 after one login, so that no account is locked; the secret is nowhere."""
    monkeypatch.setenv("BILL_COM_PASSWORD", "planted-wrong-password")
    said = rapproche(*NIGHT)
    assert said.code == 3
    assert vendors.requests["POST /bill/connect/v3/login"] == 1
    assert "planted-wrong-password" not in said.out + said.err
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [p for p in files if b"planted-wrong-password" in p.read_bytes()]


@pytest.mark.parametrize("name", ["BOOND_CLIENTID", "BILL_COM_PASSWD", "RAPPROCHE_RETRIES"])
def test_an_unknown_setting_is_refused_by_name(
    rapproche: Rapproche, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A misspelt variable ends with 2 and its name, before anything is read."""
    monkeypatch.setenv(name, "x")
    _refused(rapproche(*NIGHT), name)


@pytest.mark.parametrize(
    "name", ["BILL_COM_USERNAME", "BILL_COM_PASSWORD", "BILL_COM_ORG_ID", "BILL_COM_DEV_KEY"]
)
def test_a_missing_credential_is_named(
    rapproche: Rapproche, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Three of four are a mistake, not a vendor that is left out."""
    monkeypatch.delenv(name)
    _refused(rapproche(*NIGHT), f"{name} is missing")


def test_a_vendor_without_credentials_is_left_out(
    rapproche: Rapproche, vendors: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on with the other one, and a line says so."""
    for name in [name for name in os.environ if name.startswith("BILL_COM_")]:
        monkeypatch.delenv(name)
    said = rapproche("sync")
    assert said.code == 0
    assert "Bill.com is left out: BILL_COM_USERNAME is not set" in said.err
    assert not [name for name in vendors.requests if "/bill/" in name]


def test_no_vendor_at_all_is_wrong_use(
    rapproche: Rapproche, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no credentials set the command ends with 2 and says which to set."""
    for name in [n for n in os.environ if n.startswith(("BILL_COM_", "BOOND_CLIENT"))]:
        monkeypatch.delenv(name)
    said = rapproche(*NIGHT)
    assert said.code == 2
    assert "set BOOND_CLIENT_ID or BILL_COM_USERNAME" in said.err.splitlines()[-1]


def test_a_wrong_policy_is_refused_by_its_key(
    rapproche: Rapproche, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown key of policy.toml ends with 2, naming file and key."""
    (folder / "p.toml").write_text("[tolerance]\nprice_percentage = 2\n")
    monkeypatch.setenv("POLICY_FILE", "p.toml")
    _refused(rapproche(*NIGHT), "p.toml", "tolerance.price_percentage")


def test_a_folder_that_cannot_be_written_is_one_line(
    rapproche: Rapproche, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warehouse below a file ends with 2 and names the place."""
    (folder / "file").touch()
    monkeypatch.setenv("WAREHOUSE_PATH", str(folder / "file" / "r.duckdb"))
    _refused(rapproche(*NIGHT), str(folder / "file"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("nightly", "--period", "2026-13"),
        ("nightly", "--as-of", "yesterday"),
        ("sync", "sap"),
        ("approve", "c1"),
        ("bills", "--amount", "100..500"),
        ("bills", "--amount", "500-100"),
        ("approve", "bill/1", "--by", "A", "--reason", "r", "--amount", "NaN"),
        ("approve", "bill/1", "--by", "A", "--reason", "r", "--amount", "1.00005"),
        ("bills", "--number", "--"),
        ("bills", "--from", "yesterday"),
        ("nightlyy",),
    ],
)
def test_wrong_use_ends_with_2(rapproche: Rapproche, arguments: tuple[str, ...]) -> None:
    """What no command takes is refused in one line."""
    _refused(rapproche(*arguments))


def test_a_file_that_cannot_be_read_is_named(rapproche: Rapproche, folder: Path) -> None:
    """The run goes on without it and ends with 1."""
    with (folder / "data" / "declarations" / "huge.csv").open("wb") as huge:
        huge.truncate(21 * 1024 * 1024)
    said = rapproche("sync", "declarations")
    assert said.code == 1
    assert "huge.csv could not be read: larger than 20 MB" in said.err
    assert _stored(folder, "core.declarations WHERE status = 'read'") == 1


def test_a_held_lock_ends_with_4_and_names_the_run(rapproche: Rapproche, folder: Path) -> None:
    """The second run writes nothing and says which run to wait for."""
    lock = Places(folder / "data" / "rapproche.duckdb").lock
    with run_lock(lock, "r-first", "nightly"):
        said = rapproche(*NIGHT)
    assert said.code == 4
    assert "run r-first (nightly" in said.err
    assert not (folder / "data" / "rapproche.duckdb").exists()


def test_supplier_invoices_are_searched(rapproche: Rapproche, vendors: Sandbox) -> None:
    """By number, vendor, amount, date and status; exactly those that satisfy all of them."""
    rapproche(*NIGHT)
    bills = {bill.id: bill for bill in vendors.world.bills.values()}
    some = next(iter(bills.values()))
    wanted = {key for key, bill in bills.items() if bill.amount <= some.amount}
    found = json.loads(rapproche("bills", "--amount", f"0-{some.amount}", "--json").out)
    assert {row["bill_id"] for row in found} == wanted
    number = some.number.lower().replace("-", " ")
    asked = ("--number", number, "--vendor", some.vendor_id, "--status", "MATCHED")
    [row] = json.loads(rapproche("bills", *asked, "--from", "2026-01-01", "--json").out)
    assert (row["invoice_number"], row["match_status"]) == (some.number, "matched")
    assert some.number in rapproche("bills", *asked).out
    assert "Aucune facture lue" in rapproche("bills", "--to", "2020-01-01").out


def test_a_decision_on_nothing_is_wrong_use(rapproche: Rapproche) -> None:
    """Approving a command that is not there ends with 2 and says where to look."""
    rapproche("sync", "declarations")
    said = rapproche("approve", "nonsense", "--by", "Ada", "--reason", "r")
    assert said.code == 2
    assert "see `rapproche breaks` and `rapproche outbox`" in said.err


def test_names_are_linked_to_people_who_exist(rapproche: Rapproche, folder: Path) -> None:
    """A link to a consultant is kept with who and why; one to nobody is refused."""
    rapproche("sync", "boond")
    who = ("--by", "Ada", "--reason", "asked")
    assert rapproche("link", "consultant", "J. Dupont", "10001", *who).code == 0
    with read_published(folder / "data" / "rapproche.duckdb") as warehouse:
        kept = warehouse.rows(
            "SELECT declared_name, consultant_id, method, decided_by, reason FROM core.person_links"
        )
    assert kept == [("J. Dupont", "10001", "person", "Ada", "asked")]
    assert rapproche("link", "consultant", "J. Dupont", "999", *who).code == 2


def test_commands_that_read_import_no_prefect(rapproche: Rapproche, folder: Path) -> None:
    """`status`, `breaks` and `outbox` start without it; so does a sync where none is configured."""
    rapproche("sync", "declarations")
    program = (
        "import sys; from flows import cli\n"
        "more = [['audit', '--from', '2026-11-01', '--to', '2026-11-30']]\n"
        "for command in (['status'], ['breaks'], ['outbox'], ['sync', 'declarations'], *more):\n"
        "    sys.argv = ['rapproche', *command]\n"
        "    try: cli.main()\n"
        "    except SystemExit as ended: assert ended.code == 0, command\n"
        "print(sorted(m for m in sys.modules if m.partition('.')[0] == 'prefect'))"
    )
    said = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.splitlines()[-1] == "[]"
