"""The outbox to the vendors: nothing twice, nothing lost (write-back.md).

Each command is committed as `sending` before it goes out and settled after the vendor's state was
read back. Whatever may have reached the vendor is looked up before it is sent again.
"""

import asyncio
import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from flows import logs
from flows.engine import pull
from flows.engine.deliver import Delivery
from flows.engine.look import Look, look
from flows.engine.run import Run
from sources.errors import (
    Authentication,
    Critical,
    OutcomeUnknown,
    SourceError,
    Transient,
    Validation,
)
from sources.streams import Door
from store import outbox, runs
from transforms.commands import FLAG, INVOICE, REGISTER, billed_by

log = logging.getLogger("rapproche.write_back")

AT_ONCE = 8
MOST_ROUNDS = 5
TRANSIENT_TRIES = 3
SECOND_LOOK_FACTOR = 60
LOOK_IS_GOOD_FOR = timedelta(minutes=10)
CREATES = (INVOICE, REGISTER)
UNCERTAIN = frozenset({"sending", "unknown"})
STREAM_OF = {
    "boond.cra.validate": "cras",
    "boond.cra.invalidate": "cras",
    INVOICE: "client_invoices",
    REGISTER: "supplier_invoices",
    FLAG: "supplier_invoices",
}
WRITTEN_STREAMS = ("cras", "client_invoices", "supplier_invoices")

Row = dict[str, Any]


async def write_back(run: Run, seen: Look, *, apply: bool) -> Look:
    """Sends what is planned to the vendors, and then to people what follows from it.

    Args:
        run: the run.
        seen: the last look at the facts.
        apply: sends; otherwise nothing is done but planned.

    Returns:
        The last look.
    """
    if not apply:
        return seen
    door = run.doors.get("boond")
    if door is not None:
        seen = await _write_to_vendors(run, door, seen)
    wanted = frozenset(seen.wanted().get_column("command_id"))
    doors = run.messages()
    if _anything_to_send(run, wanted, doors):
        await run.driver.step("deliver messages", Delivery(run, doors, wanted).send_all)
    return seen


async def _write_to_vendors(run: Run, door: Door, seen: Look) -> Look:
    """Drains until the facts that the writes made ask for nothing more.

    A validated CRA is a receipt that may release a supplier invoice: so after each drain the
    streams that were written to are read again, and looked at again.
    """
    for _ in range(MOST_ROUNDS):
        wanted = frozenset(seen.wanted().get_column("command_id"))
        if not _anything_to_send(run, wanted, STREAM_OF):
            break
        seen = await _refreshed(run, door, seen)
        settled = run.counts["commands_settled"]
        wanted = frozenset(seen.wanted().get_column("command_id"))
        sending = Drain(run, door, wanted, looked_at=run.now())
        await run.driver.step("write back", sending.send_all)
        if run.counts["commands_settled"] == settled:
            break
        # What was settled is a fact too: an invoice that never arrived is to be planned anew.
        seen = await _refreshed(run, door, seen, anyway=True)
    return seen


async def _refreshed(run: Run, door: Door, seen: Look, *, anyway: bool = False) -> Look:
    """Reads again what rapproche writes to, and looks again where that changed anything."""
    changed, read = run.counts["rows_changed"], set(run.trusted)
    for name in WRITTEN_STREAMS:
        await pull.pull_one(run, door, door.streams[name])
    if not anyway and run.counts["rows_changed"] == changed and run.trusted == read:
        return seen
    return look(run, clients=seen.clients is not None, suppliers=seen.suppliers is not None)


def _anything_to_send(run: Run, wanted: frozenset[str], kinds: Container[str]) -> bool:
    return any(
        row["state"] in UNCERTAIN
        or (row["state"] in {"planned", "approved"} and row["command_id"] in wanted)
        for row in outbox.states(run.warehouse)
        if row["kind"] in kinds
    )


@dataclass
class Drain:
    """One drain of the outbox over one door.

    `wanted` are the commands that the facts of this run ask for; of the others only those that may
    have reached the vendor are looked up. `written` are the streams that were made stale.
    """

    run: Run
    door: Door
    wanted: frozenset[str]
    looked_at: datetime
    second_looks: list[Row] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    halted: SourceError | None = None

    async def send_all(self) -> None:
        """Sends what is ready, and what becomes ready by it, until nothing is."""
        self._approve()
        tried: set[str] = set()
        while ready := self._ready(tried):
            tried |= {row["command_id"] for row in ready}
            await self._send_some(ready)
            if self.second_looks and not self._ready(tried):
                await self._look_again()
        self._say_blocked()

    async def _send_some(self, rows: list[Row]) -> None:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(row: Row) -> None:
            async with places:
                if self.halted is None:
                    await self._send(row)

        async with asyncio.TaskGroup() as tasks:
            for row in rows:
                tasks.create_task(one(row))

    def _approve(self) -> None:
        ours = [
            row["command_id"]
            for row in self._rows()
            if row["kind"] in STREAM_OF
            and row["command_id"] in self.wanted
            and row["state"] == "planned"
        ]
        with self.run.warehouse.transaction():
            outbox.approve(self.run.warehouse, ours, self.run.run_id, self.run.now())

    def _rows(self) -> list[Row]:
        return outbox.commands(self.run.warehouse).to_dicts()

    def _ready(self, tried: set[str]) -> list[Row]:
        rows = self._rows()
        done = {row["command_id"] for row in rows if row["state"] == "done"}
        return [
            row
            for row in rows
            if row["command_id"] not in tried
            and row["kind"] in STREAM_OF
            and (row["state"] in UNCERTAIN or self._may_go(row))
            and set(row["depends_on"]) <= done
        ]

    def _may_go(self, row: Row) -> bool:
        return row["state"] == "approved" and row["command_id"] in self.wanted

    async def _send(self, row: Row) -> None:
        """Takes one command as far as it goes now; its state says how far that was."""
        uncertain = row["state"] in UNCERTAIN
        stale = self.run.now() - self.looked_at > LOOK_IS_GOOD_FOR
        try:
            if (uncertain or stale) and await self._adopted(row):
                return
            if uncertain and self._too_early(row):
                # An instant to come was told by a clock that has been set back since.
                self.second_looks.append(row | {"sent_at": min(row["sent_at"], self.run.now())})
            elif uncertain and row["command_id"] not in self.wanted:
                self._settle(row, state="cancelled", last_error="its facts changed; never arrived")
            else:
                await self._transmit(row)
        except (Authentication, Critical) as error:
            self.halted = error
            with logs.about(subject=row["command_id"]):
                self.run.unreachable(error)
            reached = row["state"] in UNCERTAIN
            self._settle(row, state="unknown" if reached else "approved", last_error=str(error))
        except SourceError as error:
            self._settle(row, state="unknown", last_error=str(error))
            self._concern(row, f"outcome unknown: {error}", error.code)

    async def _transmit(self, row: Row) -> None:
        payload, target = outbox.payload(row), self._target(row)
        before = row["state"]
        row |= {"state": "sending", "attempts": row["attempts"] + 1}
        self._mark(row, state="sending", attempts=row["attempts"], sent_at=self.run.now())
        try:
            held = await self._send_patiently(row["kind"], target, payload)
        except Authentication:
            row["state"] = before
            raise
        except OutcomeUnknown as error:
            self._mark(row, last_error=str(error))
            self.second_looks.append(row | {"sent_at": self.run.now()})
            return
        except SourceError as error:
            if not _clear_refusal(error):
                raise
            self._settle(row, state="refused", last_error=error.message)
            self._concern(row, f"refused: {error.message}", "refused")
            return
        await self._read_back(row, str(held["id"]), payload)

    async def _send_patiently(
        self, kind: str, target: str, payload: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Sends, again after failures that cannot have reached the vendor, with growing waits."""
        for attempt in range(TRANSIENT_TRIES):
            try:
                return await self.door.send(kind, target, payload)
            except Transient as error:
                log.warning("retry code=%s kind=%s", error.code, kind)
                await asyncio.sleep(self.run.settings.RAPPROCHE_RETRY_BASE * 2**attempt)
        return await self.door.send(kind, target, payload)

    async def _read_back(self, row: Row, vendor_id: str, payload: Mapping[str, Any]) -> None:
        held = await self.door.read(row["kind"], vendor_id)
        wrong = ["no such object"] if held is None else []
        wrong += self.door.differences(row["kind"], payload, held) if held is not None else []
        if wrong:
            self._differs(row, vendor_id, wrong)
            return
        self._done(row, vendor_id)

    def _differs(self, row: Row, vendor_id: str, wrong: Sequence[str]) -> None:
        """Leaves to a person what the vendor holds otherwise, ours or another of the same key."""
        said = (
            f"it is otherwise at the vendor ({vendor_id}): {'; '.join(wrong)}; correct or delete it"
            " there, and the next run that applies looks again"
        )
        self._settle(row, state="unknown", vendor_id=vendor_id, last_error=said)
        self._concern(row, said, "differs")

    async def _adopted(self, row: Row) -> bool:
        """Looks first: settles the command when the vendor holds what it wants already."""
        payload = outbox.payload(row)
        if row["kind"] in CREATES:
            found = await self.door.find(row["kind"], payload)
        else:
            held = await self.door.read(row["kind"], self._target(row))
            found = [held] if held is not None else []
        differences = partial(self.door.differences, row["kind"], payload)
        as_wanted = [held for held in found if not differences(held)]
        if as_wanted:
            self._done(row, str(as_wanted[0]["id"]))
            return True
        if found and row["kind"] in CREATES:
            self._differs(row, str(found[0]["id"]), differences(found[0]))
            return True
        return False

    def _too_early(self, row: Row) -> bool:
        """Whether a request that was lost may still be under way, so that a look proves nothing."""
        wait = timedelta(seconds=SECOND_LOOK_FACTOR * self.run.settings.RAPPROCHE_RETRY_BASE)
        return row["sent_at"] is not None and self.run.now() - row["sent_at"] < wait

    async def _look_again(self) -> None:
        """The second look at what timed out, late enough that nothing is under way any more."""
        rows, self.second_looks = self.second_looks, []
        last = max(row["sent_at"] for row in rows)
        wait = SECOND_LOOK_FACTOR * self.run.settings.RAPPROCHE_RETRY_BASE
        left = wait - (self.run.now() - last).total_seconds()
        log.info("looks again at commands=%d in seconds=%.0f", len(rows), max(left, 0))
        await asyncio.sleep(max(left, 0))
        await self._send_some([row | {"state": "sending"} for row in rows])
        for row in self.second_looks:
            self._settle(row, state="unknown", last_error="timed out twice; the next run looks")
            self._concern(row, "timed out twice", "timeout")
        self.second_looks = []

    def _target(self, row: Row) -> str:
        """The object at the vendor: named by the command, or made by the one it waited for."""
        if row["kind"] != FLAG:
            return str(row["target"])
        warehouse = self.run.warehouse
        made = outbox.made_by(warehouse, row["depends_on"])
        return str(made or outbox.registered(warehouse, row["target"]))

    def _say_blocked(self) -> None:
        rows = self._rows()
        states = {row["command_id"]: (row["state"], row["kind"]) for row in rows}
        for row in rows:
            if row["kind"] not in STREAM_OF or not self._may_go(row):
                continue
            bad = [states[d] for d in row["depends_on"] if states.get(d, ("", ""))[0] != "done"]
            if bad:
                self._mark(row, last_error=f"waits for {bad[0][1]}, which is {bad[0][0]}")

    def _done(self, row: Row, vendor_id: str) -> None:
        warehouse, stream = self.run.warehouse, STREAM_OF[row["kind"]]
        with warehouse.transaction():
            self._mark(
                row, state="done", vendor_id=vendor_id, last_error=None, settled_at=self.run.now()
            )
            if stream not in self.written:
                runs.forget_freshness(warehouse, "boond", stream)
            if row["kind"] == INVOICE:
                command = outbox.commands(warehouse, row["command_id"])
                warehouse.insert("recon.billing_ledger", billed_by(command))
        self.written.add(stream)
        self.run.counts["commands_done"] += 1
        self.run.counts["commands_settled"] += 1
        log.info("%s done command=%s", row["kind"], row["command_id"])

    def _concern(self, row: Row, said: str, code: str) -> None:
        said = f"{row['kind']} {row['target']}: {said}"
        self.run.concern(said, code, subject=row["command_id"])

    def _settle(self, row: Row, **values: Any) -> None:
        ended = values["state"] in {"refused", "cancelled"}
        self.run.counts["commands_settled"] += ended
        self._mark(row, settled_at=self.run.now() if ended else None, **values)

    def _mark(self, row: Row, **values: Any) -> None:
        self.run.relieve(row["command_id"])
        outbox.mark(
            self.run.warehouse, row["command_id"], self.run.run_id, self.run.now(), **values
        )


def _clear_refusal(error: SourceError) -> bool:
    """Whether this command was refused: 4xx but 401, 408 and 429 (write-back.md).

    A door refuses what its vendor could not hold before anything is sent: that has no status.
    """
    if isinstance(error, Validation):
        return True
    if isinstance(error, Transient):
        return False
    status = error.status or 0
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
