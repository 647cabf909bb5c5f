"""Whatever stands in the outbox, a drain sends each command at most once, and the next nothing.

Each example drains the commands of several worlds at once (tests/worlds.py).
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from flows.engine.direct import Direct
from flows.engine.drain import UNCERTAIN, Drain
from flows.engine.run import Run
from flows.settings import Settings
from sources import boond
from sources.errors import OutcomeUnknown
from store import outbox
from store.warehouse import Places, Warehouse
from tests.virtual_time import VirtualLoop
from tests.worlds import as_many_worlds, side_by_side
from transforms.commands import FLAG, INVALIDATE, OUTBOX, REGISTER, VALIDATE
from transforms.policy import Policy

pytestmark = pytest.mark.properties

START = datetime(2026, 11, 3, 3, tzinfo=UTC)
STATES = ("planned", "approved", "awaiting_approval", "sending", "unknown", "refused", "cancelled")
WANTED = {VALIDATE: "validated", INVALIDATE: "invalidated", FLAG: "flagged_for_payment"}


class Vendor:
    """A healthy vendor that may lose the replies to some of the first writes of each world."""

    def __init__(self, held: dict[str, dict[str, Any]], lost: dict[str, list[bool]]) -> None:
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
        number = target.rsplit("-", 1)[1]
        made = f"new-{number}" if kind == REGISTER else target
        self.held[made] = self.held.get(made, {}) | dict(payload) | {"id": made}
        lost = self.lost[number.partition(".")[0]]
        if lost and lost.pop():
            raise OutcomeUnknown("boond", kind, "timeout", "the reply was lost")
        return self.held[made]

    def differences(self, kind: str, sent: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
        """What it holds otherwise than was sent, as BoondManager's door says it."""
        return boond.differences(kind, sent, held)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One warehouse for all examples, in memory: each begins with an empty outbox."""
    places = Places(tmp_path_factory.mktemp("drain") / "rapproche.duckdb")
    with Warehouse(duckdb.connect(), places) as opened:
        opened.execute("SET TimeZone = 'UTC'")
        opened._migrate()
        yield opened


def command(kind: str, n: str, state: str, *, depends_on: str | None = None) -> dict[str, Any]:
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


@dataclass(frozen=True)
class Told:
    """States of up to three CRAs and three bills, each of these to be registered and then flagged.

    `arrived` are the numbers of what had reached the vendor where it may have, `lost` the fates of
    the replies, the last one first.
    """

    cras: list[tuple[str, str]]
    bills: list[tuple[str, str]]
    arrived: set[int]
    lost: list[bool]

    def rows(self, world: int) -> list[dict[str, Any]]:
        """The commands of the world of that number."""
        found = [command(kind, f"{world}.{n}", state) for n, (kind, state) in enumerate(self.cras)]
        for n, (state, flag) in enumerate(self.bills):
            needed = f"{REGISTER}-{world}.{n}"
            found.append(command(REGISTER, f"{world}.{n}", state))
            found.append(command(FLAG, f"{world}.{n}", flag, depends_on=needed))
        return found


STATE = st.sampled_from(STATES)
OUTBOXES = st.builds(
    Told,
    cras=st.lists(st.tuples(st.sampled_from([VALIDATE, INVALIDATE]), STATE), max_size=3),
    bills=st.lists(
        st.tuples(STATE, st.sampled_from(["planned", "approved", "awaiting_approval"])), max_size=3
    ),
    arrived=st.sets(st.integers(0, 2)),
    lost=st.lists(st.booleans(), max_size=4),
)


@cache
def settings_in(folder: Path) -> Settings:
    """The settings of every example: reading them takes longer than a drain."""
    return Settings(WAREHOUSE_PATH=folder / "rapproche.duckdb")


def drained(warehouse: Warehouse, folder: Path, vendor: Vendor, hours: int) -> None:
    """One drain in virtual time, some hours after the start; all commands are wanted."""

    async def drain() -> None:
        loop = asyncio.get_running_loop()

        def now() -> datetime:
            return START + timedelta(hours=hours, seconds=loop.time())

        driver = Direct(folder, Console(stderr=True))
        door: Any = vendor
        run = Run(
            "test", {}, settings_in(folder), Policy(), date(2026, 11, 3), warehouse, {}, driver, now
        )
        wanted = frozenset(outbox.commands(warehouse)["command_id"])
        await Drain(run, door, wanted, looked_at=now()).send_all()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(drain())


@as_many_worlds()
@given(worlds=side_by_side(OUTBOXES))
def test_p29_draining_twice_sends_nothing(
    warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory, worlds: list[Told]
) -> None:
    """What was sent, or had arrived before, is not sent again, whatever replies were lost."""
    rows = [row for k, told in enumerate(worlds) for row in told.rows(k)]
    arrived = {f"{k}.{n}" for k, told in enumerate(worlds) for n in told.arrived}
    lost = {f"{k}": list(told.lost) for k, told in enumerate(worlds)}
    folder = tmp_path_factory.getbasetemp()
    warehouse.execute("DELETE FROM ops.outbox")
    warehouse.execute("DELETE FROM ops.outbox_history")
    frame = pl.DataFrame(rows, schema=dict(OUTBOX), orient="row")
    outbox.put(warehouse, frame, "before", START)
    held: dict[str, dict[str, Any]] = {
        f"CRA-{k}.{n}": {"id": f"CRA-{k}.{n}"} for k in range(len(worlds)) for n in range(3)
    }
    already = set()
    for row in rows:
        n = row["command_id"].rsplit("-", 1)[1]
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
