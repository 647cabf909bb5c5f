"""The outbox to people: one mail a message, as far as mail servers allow (write-back.md).

There is no look-up for a message. One that was being sent when the process ended, or whose
connection was cut after its body, is sent once more, and its row says so; after that it is for a
person. What the server did surely not take waits for the next run.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.engine.run import Run
from sources.errors import (
    Authentication,
    OutcomeUnknown,
    Transient,
    Validation,
)
from sources.mail import Message, MessageDoor
from store import outbox
from transforms.messages.alarms import SUBJECT

log = logging.getLogger("rapproche.deliver")

TRIES = 3
TWICE = "may have been sent twice"
UNCERTAIN = frozenset({"sending", "unknown"})

Row = dict[str, Any]


@dataclass
class Delivery:
    """One delivery of the messages that are ready, over one connection a door.

    `wanted` are the commands that the facts of this run ask for. Alarms go out at the end of every
    run, all else where a person asked for it: one delivery touches nothing of the other.
    """

    run: Run
    doors: Mapping[str, MessageDoor]
    wanted: frozenset[str]
    alarms: bool = False

    async def send_all(self) -> None:
        """Sends what is ready, each door after the other."""
        self._approve()
        for kind, door in self.doors.items():
            rows = self._ready(kind)
            if rows:
                await self._send_over(door, rows)
        self._say_blocked()

    async def _send_over(self, door: MessageDoor, rows: list[Row]) -> None:
        try:
            await self._patiently(door.open)
            for row in rows:
                await self._send(door, row)
        except (Authentication, Transient) as error:
            self.run.concern(f"messages wait for the next run: {error}", error.code)
        finally:
            await door.aclose()

    async def _patiently(self, work: Callable[..., Awaitable[None]], *given: Any) -> None:
        """Does it, again after failures in which surely nothing was taken, with growing waits."""
        for attempt in range(TRIES - 1):
            try:
                await work(*given)
            except Transient as error:
                if error.status is not None:
                    raise
                log.warning("retry code=%s attempt=%d", error.code, attempt + 1)
                await asyncio.sleep(self.run.settings.RAPPROCHE_RETRY_BASE * 2**attempt)
            else:
                return
        await work(*given)

    async def _send(self, door: MessageDoor, row: Row) -> None:
        """Takes one message as far as it goes now; its state says how far that was.

        Raises:
            Authentication, Transient: no other message would go out either.
        """
        uncertain = row["state"] in UNCERTAIN
        repeated = uncertain and door.may_repeat
        unwanted = uncertain and row["command_id"] not in self.wanted
        if unwanted or (repeated and row["last_error"] == TWICE):
            self._give_up(row)
            return
        said = TWICE if repeated else None
        attempts = row["attempts"] + 1
        self._mark(row, state="sending", attempts=attempts, sent_at=self.run.now(), last_error=said)
        try:
            await self._patiently(door.send, _message(row))
        except OutcomeUnknown as error:
            self._mark(row, state="unknown", last_error=said or str(error))
            said = f"{row['kind']} {row['command_id']}: {error.code}, may have been sent"
            self.run.concern(said, error.code, subject=row["command_id"])
        except Validation as error:
            now = self.run.now()
            self._mark(row, state="refused", last_error=error.message, settled_at=now)
            said = f"{row['kind']} {row['command_id']} refused: {error.code}"
            self.run.concern(said, error.code, subject=row["command_id"])
        except (Authentication, Transient) as error:
            waits = "unknown" if repeated else "planned"
            self._mark(row, state=waits, last_error=str(error))
            if error.status is None or isinstance(error, Authentication):
                raise
            said = f"{row['kind']} {row['command_id']} waits: {error.code}"
            self.run.concern(said, error.code, subject=row["command_id"])
        else:
            self._done(row, said)

    def _done(self, row: Row, said: str | None) -> None:
        self._mark(row, state="done", last_error=said, settled_at=self.run.now())
        self.run.counts["commands_done"] += not self.alarms
        log.info("%s done command=%s", row["kind"], row["command_id"])

    def _give_up(self, row: Row) -> None:
        """Ends what may have arrived, and is not to be sent again."""
        if row["command_id"] in self.wanted:
            self._mark(row, state="unknown")
            said = f"{row['kind']} {row['command_id']} {TWICE}: a person looks"
            self.run.concern(said, "sent_twice", subject=row["command_id"])
            return
        said = "may have been sent; its facts changed, so it is not sent again"
        self._mark(row, state="cancelled", last_error=said, settled_at=self.run.now())

    def _approve(self) -> None:
        ours = [
            row["command_id"]
            for row in self._rows()
            if row["state"] == "planned" and row["command_id"] in self.wanted
        ]
        with self.run.warehouse.transaction():
            outbox.approve(self.run.warehouse, ours, self.run.run_id, self.run.now())

    def _ready(self, kind: str) -> list[Row]:
        rows = outbox.commands(self.run.warehouse).to_dicts()
        done = {row["command_id"] for row in rows if row["state"] == "done"}
        return [
            row
            for row in rows
            if row["kind"] == kind
            and row["subject_id"].startswith(SUBJECT) == self.alarms
            and (row["state"] in UNCERTAIN or self._may_go(row))
            and set(row["depends_on"]) <= done
        ]

    def _may_go(self, row: Row) -> bool:
        return row["state"] == "approved" and row["command_id"] in self.wanted

    def _rows(self) -> list[Row]:
        rows = outbox.commands(self.run.warehouse).to_dicts()
        return [row for row in rows if row["kind"] in self.doors]

    def _say_blocked(self) -> None:
        states = {
            row["command_id"]: (row["state"], row["kind"])
            for row in outbox.commands(self.run.warehouse).to_dicts()
        }
        for row in filter(self._may_go, self._rows()):
            bad = [states[d] for d in row["depends_on"] if states.get(d, ("", ""))[0] != "done"]
            said = f"waits for {bad[0][1]}, which is {bad[0][0]}" if bad else row["last_error"]
            if said != row["last_error"]:
                self._mark(row, last_error=said)

    def _mark(self, row: Row, **values: Any) -> None:
        self.run.relieve(row["command_id"])
        outbox.mark(
            self.run.warehouse, row["command_id"], self.run.run_id, self.run.now(), **values
        )


def _message(row: Row) -> Message:
    said = outbox.payload(row)
    return Message(
        id=row["command_id"],
        to=said["to"],
        text=said["text"],
        language=said["language"],
        subject=said.get("subject", ""),
        html=said.get("html", ""),
    )
