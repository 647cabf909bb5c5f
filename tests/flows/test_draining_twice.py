"""Whatever stands in the outbox, a drain sends each command at most once, and the next nothing."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from flows.engine.direct import Direct
from flows.engine.drain import UNCERTAIN, Drain
from flows.engine.run import Run
from flows.settings import Settings
from sources.errors import OutcomeUnknown
from store import outbox
from store.warehouse import Warehouse
from tests.virtual_time import VirtualLoop
from transforms.commands import FLAG, INVALIDATE, OUTBOX, REGISTER, VALIDATE
from transforms.policy import Policy

pytestmark = pytest.mark.properties

START = datetime(2026, 11, 3, 3, tzinfo=UTC)
STATES = ("planned", "approved", "awaiting_approval", "sending", "unknown", "refused", "cancelled")
WANTED = {VALIDATE: "validated", INVALIDATE: "invalidated", FLAG: "flagged_for_payment"}


class Vendor:
    """A healthy vendor that may lose the replies to some of its first writes."""

    def __init__(self, held: dict[str, dict[str, Any]], lost: list[bool]) -> None:
        self.held = held
        self.lost = lost
        self.acted: Counter[tuple[str, str]] = Counter()

    async def find(self, kind: str, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What stands under the natural key."""
        del kind
        return [o for o in self.held.values() if o.get("reference") == payload["reference"]]

    async def read(self, kind: str, vendor_id: str) -> Mapping[str, Any] | None:
        """One object."""
        del kind
        return self.held.get(vendor_id)

    async def send(self, kind: str, target: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Acts, and may not say so."""
        self.acted[kind, target] += 1
        made = f"new-{len(self.held)}" if kind == REGISTER else target
        self.held[made] = self.held.get(made, {}) | dict(payload) | {"id": made}
        if self.lost and self.lost.pop():
            raise OutcomeUnknown("boond", kind, "timeout", "the reply was lost")
        return self.held[made]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One working file for all examples; each begins with an empty outbox."""
    with Warehouse.open(tmp_path_factory.mktemp("drain") / "rapproche.duckdb") as opened:
        yield opened


def command(kind: str, n: int, state: str, *, depends_on: str | None = None) -> dict[str, Any]:
    """A command of the outbox; one that was being sent may have reached the vendor."""
    target = f"S1|F-{n}" if kind in {REGISTER, FLAG} else f"CRA-{n}"
    payload = {"reference": f"F-{n}", "supplier_id": "S1", "status": "registered"}
    sent = START - timedelta(hours=2) if state in UNCERTAIN else None
    return dict.fromkeys(OUTBOX) | {
        "command_id": f"{kind}-{n}",
        "kind": kind,
        "target": target,
        "natural_key": target,
        "subject_id": f"bill/B{n}",
        "payload": json.dumps(payload if kind == REGISTER else {"status": WANTED[kind]}),
        "depends_on": [depends_on] if depends_on else [],
        "state": state,
        "attempts": int(sent is not None),
        "planned_at": START - timedelta(days=1),
        "sent_at": sent,
    }


@st.composite
def outboxes(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to three CRAs and three bills, each of the bills to be registered and then flagged."""
    state = st.sampled_from(STATES)
    status = st.sampled_from([VALIDATE, INVALIDATE])
    rows = [command(draw(status), n, draw(state)) for n in range(draw(st.integers(0, 3)))]
    for n in range(draw(st.integers(0, 3))):
        rows.append(command(REGISTER, n, draw(state)))
        flag = draw(st.sampled_from(["planned", "approved", "awaiting_approval"]))
        rows.append(command(FLAG, n, flag, depends_on=f"{REGISTER}-{n}"))
    return rows


def drained(warehouse: Warehouse, folder: Path, vendor: Vendor, hours: int) -> None:
    """One drain in virtual time, some hours after the start; all commands are wanted."""

    async def drain() -> None:
        loop = asyncio.get_running_loop()

        def now() -> datetime:
            return START + timedelta(hours=hours, seconds=loop.time())

        driver = Direct(folder, Console(stderr=True))
        settings = Settings(WAREHOUSE_PATH=folder / "rapproche.duckdb")
        door: Any = vendor
        run = Run("test", {}, settings, Policy(), date(2026, 11, 3), warehouse, {}, driver, now)
        wanted = frozenset(outbox.commands(warehouse)["command_id"])
        await Drain(run, door, wanted, looked_at=now()).send_all()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(drain())


@given(
    rows=outboxes(), arrived=st.sets(st.integers(0, 2)), lost=st.lists(st.booleans(), max_size=4)
)
def test_p29_draining_twice_sends_nothing(
    warehouse: Warehouse,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    arrived: set[int],
    lost: list[bool],
) -> None:
    """What was sent, or had arrived before, is not sent again, whatever replies were lost."""
    folder = tmp_path_factory.getbasetemp()
    warehouse.execute("DELETE FROM ops.outbox")
    warehouse.execute("DELETE FROM ops.outbox_history")
    frame = pl.DataFrame(rows, schema=dict(OUTBOX), orient="row")
    outbox.put(warehouse, frame, "before", START)
    held: dict[str, dict[str, Any]] = {f"CRA-{n}": {"id": f"CRA-{n}"} for n in range(3)}
    already = set()
    for row in rows:
        n = int(row["command_id"].rsplit("-", 1)[1])
        if row["state"] in UNCERTAIN and n in arrived:
            target = f"old-{n}" if row["kind"] == REGISTER else row["target"]
            held[target] = held.get(target, {}) | json.loads(row["payload"]) | {"id": target}
            already.add((row["kind"], row["target"]))
    vendor = Vendor(held, lost)
    drained(warehouse, folder, vendor, hours=0)
    assert not already & set(vendor.acted)
    assert set(vendor.acted.values()) <= {1}
    before = dict(vendor.acted)
    drained(warehouse, folder, vendor, hours=1)
    assert vendor.acted == before
    left = outbox.commands(warehouse)
    states = dict(left.select("command_id", "state").iter_rows())
    for row in rows:
        waits = row["state"] in {"awaiting_approval", "refused", "cancelled"}
        blocked = any(states[needed] != "done" for needed in row["depends_on"])
        assert (states[row["command_id"]] == "done") == (not waits and not blocked), row
