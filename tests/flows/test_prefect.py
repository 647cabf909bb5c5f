"""The same night as Prefect flow runs (running.md, Prefect); one server a session."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.server import Sandbox, serving
from sandbox.world import World
from store.publishing import read_published
from tests.access.echoes import GRANTED, SECRETS, Echo, files, keep_secrets, leaks
from tests.flows.house import AS_OF, reach

pytestmark = pytest.mark.prefect
ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
FLOWS = {"nightly", "sync", "reconcile", "match", "monitor", "write-back", "publish"}
ARTIFACTS = {"month-summary", "billed", "held", "open-breaks", "write-back-plan"}


class Server:
    """A Prefect server on loopback, and the environment that reaches it and the vendors."""

    def __init__(self, api: str, environment: dict[str, str], sandbox: Sandbox) -> None:
        self.api, self.environment, self.sandbox = api, environment, sandbox

    def call(self, *command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Runs a command of the environment to its end."""
        return subprocess.run(  # noqa: S603 - our own commands
            [BIN / command[0], *command[1:]],
            cwd=folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def ask(self, path: str, **body: Any) -> Any:
        """What the API answers to a query; asked again while its database is busy (503)."""
        for _ in range(20):
            answer = httpx.post(f"{self.api}{path}", json=body, timeout=30)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(0.5)
        answer.raise_for_status()
        return answer.json()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(*command: str, cwd: Path, environment: dict[str, str]) -> Iterator[None]:
    """A process with its children, ended with the block."""
    with (cwd / "process.log").open("a") as log:
        running = subprocess.Popen(  # noqa: S603 - our own commands
            [BIN / command[0], *command[1:]],
            cwd=cwd, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def _until(ready: Any, seconds: float) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError(f"not within {seconds} s")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server, one world of vendors, one folder of Prefect's."""
    home, port = tmp_path_factory.mktemp("prefect"), _free_port()
    sandbox = Sandbox(World.build(consultants=3, mistakes=False))
    api = f"http://127.0.0.1:{port}/api"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_API_PORT": str(port),
        "RAPPROCHE_RETRY_BASE": "0",
    }
    command = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    alone = {k: v for k, v in environment.items() if k != "PREFECT_API_URL"}
    with serving(sandbox) as root, _process(*command, cwd=home, environment=alone):
        _until(lambda: _answers(f"{api}/health"), 120)
        data = tmp_path_factory.mktemp("data")
        sandbox.world.write_declarations(data / "declarations")
        environment |= _reaching(sandbox, root, data)
        yield Server(api, environment, sandbox)


def _reaching(sandbox: Sandbox, root: str, data: Path) -> dict[str, str]:
    settings = {name: str(value) for name, value in reach(sandbox, data).items()}
    return {n: v.replace("http://127.0.0.1/", f"{root}/") for n, v in settings.items()}


NIGHT = ("rapproche", "nightly", "--as-of", AS_OF.isoformat())


def test_a_night_is_a_flow_run_with_its_artifacts(server: Server, tmp_path: Path) -> None:
    """The command line's night is seen in the UI: completed, its tasks, its tables with content."""
    said = server.call(*NIGHT, "--apply", folder=tmp_path)
    assert said.returncode == 0, said.stderr
    [run] = server.ask("/flow_runs/filter", sort="START_TIME_DESC", limit=1)
    assert run["state"]["type"] == "COMPLETED"
    tasks = server.ask("/task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    assert {"log in to boond", "pull boond.cras", "reconcile and match", "write back"} <= {
        task["name"] for task in tasks
    }
    shown = {a["key"]: a["data"] for a in server.ask("/artifacts/latest/filter")}
    assert set(shown) >= ARTIFACTS
    assert all(shown[key].startswith("## ") for key in ARTIFACTS)
    assert shown["month-report"].startswith("[report-2026-10.html](file:///")
    invoice = server.sandbox.world.expected_invoices[0]
    assert invoice.reference in shown["billed"]
    assert "| Rapproché sans écart |" in shown["month-summary"]


def test_a_failing_vendor_is_a_failed_task_that_says_what_to_do(
    server: Server, tmp_path: Path
) -> None:
    """The task names its stream, the message the vendor and what to do; the exit code is 3."""
    server.environment["BILL_COM_PASSWORD"], right = (
        "planted-wrong-password",
        server.environment["BILL_COM_PASSWORD"],
    )
    said = server.call(*NIGHT, folder=tmp_path)
    server.environment["BILL_COM_PASSWORD"] = right
    [run] = server.ask("/flow_runs/filter", sort="START_TIME_DESC", limit=1)
    tasks = server.ask("/task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    [failed] = [task for task in tasks if task["state"]["type"] == "FAILED"]
    assert said.returncode == 3
    assert run["state"]["type"] == "FAILED"
    assert failed["name"] == "log in to bill"
    assert "bill: POST /connect/v3/login" in failed["state"]["message"]
    assert "Check the credentials in the settings." in run["state"]["message"]
    assert "planted-wrong-password" not in str((run, tasks)) + said.stdout + said.stderr


def test_p03_prefect_keeps_no_secret(server: Server, tmp_path: Path) -> None:
    """Neither its database nor its log, over vendors that echo all they know; no input is kept."""
    before = dict(server.environment)
    sandbox = Sandbox(World.build(consultants=1, mistakes=False))
    keep_secrets(sandbox)
    sandbox.world.write_declarations(tmp_path / "data" / "declarations")
    sandbox.answer = Echo(sandbox.answer)  # type: ignore[method-assign]
    with serving(sandbox) as root:
        server.environment |= _reaching(sandbox, root, tmp_path / "data") | SECRETS
        said = server.call(*NIGHT, folder=tmp_path)
    server.environment.clear()
    server.environment.update(before)
    assert said.returncode == 3, said.stderr
    [run] = server.ask("/flow_runs/filter", sort="START_TIME_DESC", limit=1)
    tasks = server.ask("/task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    logged = server.ask("/logs/filter", logs={"flow_run_id": {"any_": [run["id"]]}})
    assert set(run["parameters"]) == {"period", "as_of", "apply"}
    assert [task["name"] for task in tasks if any(task["task_inputs"].values())] == []
    assert any("***" in task["state"]["message"] for task in tasks)
    assert logged
    api = str((run, tasks, logged, server.ask("/artifacts/filter"))).encode()
    home = Path(server.environment["PREFECT_HOME"])
    shown = [api, f"{said.stdout}{said.stderr}".encode(), *files(home), *files(tmp_path)]
    assert leaks(SECRETS.values(), *shown) == []
    assert [begins for begins in GRANTED if any(begins.encode() in text for text in shown)] == []


def test_deployments_are_made_without_a_question_and_run_by_a_worker(
    server: Server, tmp_path: Path
) -> None:
    """All with their schedules and limits; a process worker ends the nightly one well."""
    for name in ("prefect.yaml", "policy.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    server.call("prefect", "work-pool", "create", "rapproche", "--type", "process", folder=tmp_path)
    said = server.call("prefect", "--no-prompt", "deploy", "--all", folder=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    made = {d["name"]: d for d in server.ask("/deployments/filter")}
    assert set(made) == {*FLOWS, "approval"}
    assert {d["global_concurrency_limit"]["limit"] for d in made.values()} == {1}
    crons = {n: [s["schedule"]["cron"] for s in d["schedules"]] for n, d in made.items()}
    assert crons["nightly"] == ["0 4 * * *"]
    assert made["nightly"]["schedules"][0]["schedule"]["timezone"] == "Europe/Paris"
    assert made["nightly"]["parameters"] == made["write-back"]["parameters"] == {"apply": False}
    worker = ("prefect", "worker", "start", "--pool", "rapproche", "--type", "process")
    with _process(*worker, cwd=tmp_path, environment=server.environment):
        run = server.ask(
            f"/deployments/{made['nightly']['id']}/create_flow_run",
            parameters={"as_of": AS_OF.isoformat(), "apply": False},
        )
        state = _until(lambda: _ended(server, run["id"]), 90)
    assert state["type"] == "COMPLETED", state


def _ended(server: Server, run_id: str) -> dict[str, Any] | None:
    state = httpx.get(f"{server.api}/flow_runs/{run_id}", timeout=30).json()["state"]
    return state if state["type"] in ENDS else None


@pytest.fixture
def deciding(server: Server, tmp_path: Path) -> Iterator[Server]:
    """A night after which every invoice waits for a person; its vendors are its own."""
    before = dict(server.environment)
    policy, data = tmp_path / "policy.toml", tmp_path / "data"
    policy.write_text('[approval]\n"boond.invoice.create" = "always"\n')
    (tmp_path / "prefect.yaml").write_text((ROOT / "prefect.yaml").read_text())
    sandbox = Sandbox(World.build(consultants=3, mistakes=False))
    sandbox.world.write_declarations(data / "declarations")
    with serving(sandbox) as root:
        server.environment |= _reaching(sandbox, root, data)
        server.environment["POLICY_FILE"] = str(policy)
        server.environment["RAPPROCHE_RUN_LOCK_WAIT"] = "0"
        assert server.call(*NIGHT, folder=tmp_path).returncode == 0
        yield server
    server.environment.clear()
    server.environment.update(before)


def test_a_person_decides_in_the_ui_and_waiting_holds_nothing(
    deciding: Server, tmp_path: Path
) -> None:
    """Suspended, it holds no slot, no lock and no process; the form is kept like a command's."""
    server, published = deciding, tmp_path / "data" / "rapproche.duckdb"
    server.call("prefect", "work-pool", "create", "rapproche", "--type", "process", folder=tmp_path)
    said = server.call("prefect", "--no-prompt", "deploy", "-n", "approval", folder=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    [made] = [d for d in server.ask("/deployments/filter") if d["name"] == "approval"]
    worker = ("prefect", "worker", "start", "--pool", "rapproche", "--type", "process")
    with _process(*worker, cwd=tmp_path, environment=server.environment):
        create = f"/deployments/{made['id']}/create_flow_run"
        run = server.ask(create, parameters={"as_of": AS_OF.isoformat()})
        _until(lambda: _state(server, run["id"])["name"] == "Suspended", 90)
        [limit] = [
            found
            for found in server.ask("/v2/concurrency_limits/filter")
            if found["id"] == made["global_concurrency_limit"]["id"]
        ]
        assert limit["active_slots"] == 0
        assert server.call("rapproche", "publish", folder=tmp_path).returncode == 0
        shown = {a["key"]: a["data"] for a in server.ask("/artifacts/latest/filter")}
        with read_published(published) as warehouse:
            [(waits,), *_] = warehouse.rows(
                "SELECT command_id FROM ops.outbox WHERE state = 'awaiting_approval' ORDER BY 1"
            )
        assert waits in shown["waiting"]
        form = {"approve": [waits], "reject": [], "by": "Ada", "reason": "seen", "amount": None}
        answer = server.ask(f"/flow_runs/{run['id']}/resume", run_input=form)
        assert answer["status"] == "ACCEPT"
        state = _until(lambda: _ended(server, run["id"]), 90)
    assert state["type"] == "COMPLETED", state
    with read_published(published) as warehouse:
        kept = warehouse.rows("SELECT command_id, decision, decided_by FROM ops.approvals")
        moved = warehouse.rows("SELECT state FROM ops.outbox WHERE command_id = ?", [waits])
    assert (kept, moved) == ([(waits, "approved", "Ada")], [("approved",)])


def _state(server: Server, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.api}/flow_runs/{run_id}", timeout=30).json()
    return found["state"] or {"name": None}
