"""What all notices have in common: commands of kind `notify.email` and `notify.sms`.

The natural key is notification, person, month and level, and the target a person's id: a corrected
address is no new message. Who has no address is told nothing, and a hold says so.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from transforms.commands import (
    EMAIL,
    SMS,
    WAITING,
    WANTED,
    command_id,
    make_command,
    wants_person,
)
from transforms.holds import HOLDS
from transforms.messages.letters import written
from transforms.policy import Policy
from transforms.words.languages import Language

OPEN = (*WAITING, "sending", "unknown")
"""States of a command that may still go out."""

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What all messages of a look have in common.

    Attributes:
        language: of every message.
        policy: who must approve what.
        outbox: ops.outbox as it stands before the look.
        decided: a person's last decision by command, approved or rejected.
        sms: whether urgent reminders go to phones too.
    """

    language: Language
    policy: Policy
    outbox: pl.DataFrame
    decided: Mapping[str, str] = field(default_factory=dict)
    sms: bool = False

    @cached_property
    def states(self) -> dict[str, str]:
        """The state of every command."""
        return dict(self.outbox.select("command_id", "state").iter_rows())

    @cached_property
    def messages(self) -> list[Row]:
        """The messages that were ever planned, with their `refs`."""
        rows = self.outbox.filter(pl.col("kind").is_in([EMAIL, SMS])).to_dicts()
        return [row | {"refs": json.loads(row["payload"])["refs"]} for row in rows]

    def is_sent(self, kind: str, target: str, key: str) -> bool:
        """Whether that message went out."""
        return self.states.get(command_id(kind, target, key)) == "done"

    def email(
        self, name: str, to: str, target: str, subject_id: str, about: Row, said: Row, **more: Any
    ) -> Row:
        """The command of one mail; `about` are its references, the last part of its key first."""
        letter = written(name, self.language, said)
        payload = {"to": to, "language": self.language, "refs": {"notice": name} | about}
        payload |= {"subject": letter.subject, "text": letter.text, "html": letter.html}
        key = "|".join([name, target, about["period"], about["level"]])
        awaits = more.pop("awaits", False) or wants_person(
            self.policy, EMAIL, more.pop("sum", None)
        )
        return make_command(EMAIL, target, key, subject_id, payload, awaits=awaits, **more)


@dataclass(frozen=True, kw_only=True)
class Notices:
    """What is to be told.

    Attributes:
        wanted: commands (WANTED).
        holds: recon.holds of what cannot be told for want of an address.
    """

    wanted: pl.DataFrame
    holds: pl.DataFrame


def notices(commands: Iterable[Row], holds: Iterable[Row] = ()) -> Notices:
    """Notices out of rows."""
    blank = dict.fromkeys(HOLDS)
    return Notices(
        wanted=pl.DataFrame(list(commands), schema=WANTED, orient="row").sort("kind", "command_id"),
        holds=pl.DataFrame([blank | row for row in holds], schema=HOLDS, orient="row").sort(
            "break_id"
        ),
    )


def together(parts: Sequence[Notices]) -> Notices:
    """All of several notices."""
    return Notices(
        wanted=pl.concat([part.wanted for part in parts]),
        holds=pl.concat([part.holds for part in parts]).unique(maintain_order=True),
    )


def nothing() -> Notices:
    """No notice at all."""
    return notices([])
