"""What the published file says of how runs go: what is late, stuck, refused or waits too long."""

from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from flows.engine.checked import Check, fail, ok, warn
from store.warehouse import Warehouse
from transforms.messages.alarms import FAILED, STREAK
from transforms.policy import Policy

LATE = timedelta(hours=26)
"""A night a day, and two hours for a long one."""
UNDECIDED = timedelta(days=3)
RUNS_LOOKED_AT = 20
_STUCK = {
    "sending": "nothing: the next run with --apply looks whether it arrived, then goes on",
    "unknown": "look at the vendor; `rapproche write-back --apply` looks again",
    "refused": "read why in `rapproche outbox`, correct its cause; the next night plans anew",
}


def look(warehouse: Warehouse, policy: Policy, now: datetime) -> list[Check]:
    """All checks of the published file."""
    return [
        _schema(warehouse),
        _nightly(warehouse, now),
        _runs(warehouse),
        *_streams(warehouse, policy, now),
        *(_stuck(warehouse, state, do) for state, do in _STUCK.items()),
        _waiting(warehouse, "awaiting_approval", "`rapproche outbox`, then approve or reject", now),
        _waiting(warehouse, "approved", "`rapproche write-back --apply`, or turn apply on", now),
        _quarantine(warehouse),
    ]


def _one(warehouse: Warehouse, sql: str, *values: Any) -> Any:
    return warehouse.rows(sql, values)[0][0]


def _schema(warehouse: Warehouse) -> Check:
    done = {row[0] for row in warehouse.rows("SELECT name FROM ops.migrations")}
    folder = files("store").joinpath("migrations")
    known = {each.name for each in folder.iterdir() if each.name.endswith(".sql")}
    if done - known:
        said = f"made by a newer rapproche: {max(done - known)}"
        return fail("published file", said, "install the newer one; an older one must not write")
    if known - done:
        said = f"{len(known - done)} migrations behind"
        return warn("published file", said, "`rapproche publish` brings it up to date")
    return ok("published file", f"opens; {len(done)} migrations, the last {max(done)}")


def _nightly(warehouse: Warehouse, now: datetime) -> Check:
    last = _one(
        warehouse,
        "SELECT max(ended_at) FROM ops.runs WHERE flow = 'nightly' AND state LIKE 'completed%'",
    )
    if last is None:
        return warn("nightly", "never ended well", "run `rapproche nightly`; read why it fails")
    said = f"ended well {_hours(now - last)} ago"
    if now - last > LATE:
        return warn("nightly", said, "see whether its schedule runs, and what the last runs say")
    return ok("nightly", said)


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.1f} h"


def _runs(warehouse: Warehouse) -> Check:
    """Failed and crashed runs among the last ones."""
    states = [
        row[0]
        for row in warehouse.rows(
            f"SELECT state FROM ops.runs ORDER BY started_at DESC LIMIT {RUNS_LOOKED_AT}"
        )
    ]
    bad = sum(state in FAILED for state in states)
    said = f"{bad} of the last {len(states)} failed or crashed"
    do = "`rapproche status`, then the log of the last one"
    if len(states) >= STREAK and all(state in FAILED for state in states[:STREAK]):
        return warn("runs", f"{said}, the last {STREAK} in a row", do)
    return warn("runs", said, do) if states[:1] and states[0] in FAILED else ok("runs", said)


def _streams(warehouse: Warehouse, policy: Policy, now: datetime) -> list[Check]:
    """Streams not read for longer than a day and what the policy says, or not to the end."""
    rows = warehouse.rows(
        "SELECT source || '.' || stream, stream, complete, last_synced_at FROM ops.sync_state"
        " ORDER BY 1"
    )
    late = []
    fresh = 0
    for label, stream, complete, read_at in rows:
        allowed = timedelta(minutes=getattr(policy.freshness, stream, 0))
        # what we wrote to is read again by the next run
        age = now - read_at if read_at else timedelta()
        fresh += bool(read_at) and age <= allowed
        if not complete:
            do = "`rapproche sync`, and read what it says"
            late.append(warn(label, "was not read to the end last time", do))
        elif age > max(LATE, allowed):
            late.append(warn(label, f"read {_hours(age)} ago", "`rapproche sync`"))
    said = (
        f"{len(rows) - len(late)} read complete within a day; {fresh} as fresh as policy.toml asks"
    )
    return [*late, ok("streams", said)]


def _stuck(warehouse: Warehouse, state: str, do: str) -> Check:
    count = _one(warehouse, "SELECT count(*) FROM ops.outbox WHERE state = ?", state)
    what = f"commands {state}"
    return warn(what, str(count), do) if count else ok(what, "none")


def _waiting(warehouse: Warehouse, state: str, do: str, now: datetime) -> Check:
    count, oldest = warehouse.rows(
        "SELECT count(*), min(planned_at) FROM ops.outbox WHERE state = ?", [state]
    )[0]
    what = f"commands {state}"
    if not count:
        return ok(what, "none")
    said = f"{count}, the oldest planned {_hours(now - oldest)} ago"
    return warn(what, said, do) if now - oldest > UNDECIDED else ok(what, said)


def quarantined(warehouse: Warehouse) -> list[tuple[str, int]]:
    """How many records wait in quarantine, by `source.stream`."""
    return warehouse.rows(
        "SELECT source || '.' || stream, count(DISTINCT payload) FROM ops.quarantine"
        " WHERE resolved_at IS NULL GROUP BY 1 ORDER BY 1"
    )


def _quarantine(warehouse: Warehouse) -> Check:
    rows = quarantined(warehouse)
    if not rows:
        return ok("quarantine", "empty")
    said = ", ".join(f"{label} {count}" for label, count in rows)
    return warn("quarantine", said, "correct them at the source, then `rapproche retry-quarantine`")
