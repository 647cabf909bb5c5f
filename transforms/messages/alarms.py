"""What operations are told at once, whatever a run was to send: what failed, and since when.

One message a run at most, and of each trouble one a day; a crashed run and a row of failed runs
are told once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from transforms.commands import EMAIL, as_wanted, make_command
from transforms.messages.letters import address, written
from transforms.messages.notices import Desk, Row
from transforms.messages.office_notices import OPERATIONS
from transforms.words.figures import instant_text

ALARM = "alarm"
SUBJECT = "alarm/"
"""How the subjects of these commands begin; no look at the facts covers them."""
_UNHEARD = ("cancelled", "refused")
FAILED = ("failed", "crashed")
"""States of runs that did not do their work."""
STREAK = 3
"""Failed runs in a row that operations are told of."""


@dataclass(frozen=True, kw_only=True)
class Troubles:
    """What went wrong in a run, and in those before it; ids and counts, and vendors' words.

    Attributes:
        run_id: the run that tells.
        flow: its command.
        failures: by source and kind of error, what could not be read or written, in words.
        stopped: by stream, why its checks stopped it.
        defect: what was raised and where, if anything was.
        unknown: commands of which nobody knows whether the vendor has them.
        quarantined: records in quarantine, by stream.
        crashed: runs that ended without saying so: `run_id, flow, started_at, ended_at, why`.
        failed: runs in a row that failed or crashed, this one included, newest first; likewise.
    """

    run_id: str
    flow: str
    failures: Sequence[tuple[str, str]] = ()
    stopped: Sequence[tuple[str, str]] = ()
    defect: str | None = None
    unknown: Sequence[str] = ()
    quarantined: Sequence[tuple[str, int]] = ()
    crashed: Sequence[Mapping[str, Any]] = ()
    failed: Sequence[Mapping[str, Any]] = ()

    def kinds(self) -> set[str]:
        """What there is to be told, each under a name of its own."""
        told = {f"source/{source}" for source, _ in self.failures}
        told |= {f"stopped/{stream}" for stream, _ in self.stopped}
        told |= {"defect"} if self.defect else set()
        told |= {"unknown"} if self.unknown else set()
        told |= {"quarantine"} if self.quarantined else set()
        told |= {f"crashed/{row['run_id']}" for row in self.crashed}
        streak = len(self.failed) >= STREAK
        return told | ({f"failed since/{self.failed[-1]['run_id']}"} if streak else set())


def alarm(desk: Desk, to: str | None, troubles: Troubles, today: date) -> pl.DataFrame:
    """The message of what operations have not heard of yet.

    Args:
        desk: what all messages have in common.
        to: OPS_EMAIL.
        troubles: what went wrong.
        today: the day.

    Returns:
        No command or one (WANTED); nobody approves it.
    """
    known = address(to)
    new = troubles.kinds() - _told(desk, today)
    if known is None or not new:
        return as_wanted([])
    about = {"notice": ALARM, "period": f"{today:%Y-%m}", "level": today.isoformat()}
    letter = written(ALARM, desk.language, _said(troubles, new, today))
    payload = {"to": known, "language": desk.language, "refs": about | {"kinds": sorted(new)}}
    payload |= {"subject": letter.subject, "text": letter.text, "html": letter.html}
    key = f"{ALARM}|{OPERATIONS}|{today.isoformat()}|{troubles.run_id}"
    row = make_command(EMAIL, OPERATIONS, key, f"{SUBJECT}{troubles.run_id}", payload)
    return as_wanted([row])


def _told(desk: Desk, today: date) -> set[str]:
    """What earlier messages told: of runs ever, of the rest on this day."""
    told: set[str] = set()
    for row in desk.messages:
        if row["refs"].get("notice") != ALARM or row["state"] in _UNHEARD:
            continue
        this_day = row["refs"]["level"] == today.isoformat()
        told |= {kind for kind in row["refs"]["kinds"] if this_day or _is_of_runs(kind)}
    return told


def _is_of_runs(kind: str) -> bool:
    return kind.startswith(("crashed/", "failed since/"))


def _said(troubles: Troubles, new: set[str], today: date) -> Row:
    """What the letter says: the new of each kind alone."""
    streak = any(kind.startswith("failed since/") for kind in new)
    return {
        "today": today,
        "run_id": troubles.run_id,
        "flow": troubles.flow,
        "failures": [said for source, said in troubles.failures if f"source/{source}" in new],
        "stopped": [said for stream, said in troubles.stopped if f"stopped/{stream}" in new],
        "defect": troubles.defect if "defect" in new else None,
        "unknown": list(troubles.unknown) if "unknown" in new else [],
        "quarantined": [f"{stream}: {count}" for stream, count in _quarantined(troubles, new)],
        "crashed": [_past(row) for row in troubles.crashed if f"crashed/{row['run_id']}" in new],
        "failed": [_past(row) for row in troubles.failed] if streak else [],
    }


def _quarantined(troubles: Troubles, new: set[str]) -> Sequence[tuple[str, int]]:
    return troubles.quarantined if "quarantine" in new else ()


def _past(row: Mapping[str, Any]) -> Row:
    instants = {name: instant_text(row[name]) for name in ("started_at", "ended_at")}
    # what the calls met; where they met nothing only the state is known, which the title tells
    why = None if row["why"] in FAILED else row["why"]
    return {"run_id": row["run_id"], "flow": row["flow"], "why": why} | instants
