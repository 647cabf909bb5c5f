"""What operations are told at the end of every run, dry ones too (docs/decisions/0030).

The alarm is a command of the outbox like every message, so that one which cannot be sent now waits
for the next run. No failure to tell changes how the run ends.
"""

import logging
import re
from datetime import timedelta

import polars as pl

from flows.engine import backlog
from flows.engine.deliver import Delivery
from flows.engine.run import Run, paris_today
from flows.logs import where
from flows.settings import ConfigurationError
from store import outbox, runs
from store.warehouse import StoreError
from transforms import commands
from transforms.messages.alarms import SUBJECT, Troubles, alarm
from transforms.messages.notices import OPEN, Desk

log = logging.getLogger("rapproche.alarms")

WATCHED = frozenset(
    {"nightly", "sync", "reconcile", "match", "monitor", "write_back", "publish"}
    | {"retry_quarantine"}
)
"""Runs that nobody may be looking at; people see at once how their own decisions end."""
CRASHES_TOLD_FOR = timedelta(days=7)


async def tell(run: Run, state: str, error: Exception | None = None) -> None:
    """Tells operations what they have not heard of yet.

    Args:
        run: the run, at its end.
        state: how it ends, as `ops.runs` will have it.
        error: what it ended by, if anything was raised.
    """
    if error is not None:
        log.error("run failed", exc_info=error)
    if run.flow not in WATCHED:
        return
    troubles = _troubles(run, state, error)
    if run.settings.OPS_EMAIL is None:
        if troubles.kinds():
            log.warning("nobody is told troubles=%d: OPS_EMAIL is not set", len(troubles.kinds()))
        return
    _plan(run, troubles)
    waiting = _waiting(run)
    if waiting:
        await Delivery(run, run.messages(), waiting, alarms=True).send_all()


def _troubles(run: Run, state: str, error: Exception | None) -> Troubles:
    warehouse = run.warehouse
    failed = state == "failed"
    return Troubles(
        run_id=run.run_id,
        flow=run.flow,
        failures=run.failed,
        stopped=[(_subject(said), said) for said in run.stopped],
        defect=_defect(error) if error else None,
        unknown=_unknown(run),
        quarantined=_quarantined(run),
        crashed=runs.crashed(warehouse, run.now() - CRASHES_TOLD_FOR),
        failed=runs.failed_in_a_row(warehouse, WATCHED, run.run_id) if failed else [],
    )


def _quarantined(run: Run) -> list[tuple[str, int]]:
    """What waits in quarantine, where the run met any of it."""
    met = run.counts["quarantined"] or run.counts["in_quarantine"]
    return backlog.quarantined(run.warehouse) if met else []


def _subject(said: str) -> str:
    """The source or stream that a sentence begins with."""
    found = re.match(r"[\w.]+", said)
    return found[0] if found else said


def _defect(error: Exception) -> str:
    """What was raised and where; the text of a defect may hold anything, ours says what to do."""
    if isinstance(error, ConfigurationError | StoreError):
        return str(error)
    return f"{type(error).__name__}, {where(error.__traceback__)}"


def _unknown(run: Run) -> list[str]:
    rows = outbox.commands(run.warehouse).filter(pl.col("state") == "unknown")
    theirs = rows.filter(~pl.col("subject_id").str.starts_with(SUBJECT))
    return [f"{kind} {name}" for kind, name in theirs.select("kind", "command_id").iter_rows()]


def _plan(run: Run, troubles: Troubles) -> None:
    known = outbox.commands(run.warehouse)
    desk = Desk(language=run.settings.RAPPROCHE_LANG, policy=run.policy, outbox=known)
    wanted = alarm(desk, run.settings.OPS_EMAIL, troubles, paris_today(run.now()))
    now = run.now()
    changes = commands.merge(known, wanted, decided={}, in_scope=lambda _: False, now=now)
    with run.warehouse.transaction():
        outbox.put(run.warehouse, changes, run.run_id, now)


def _waiting(run: Run) -> frozenset[str]:
    """Alarms that did not go out yet, of this run and of earlier ones."""
    rows = outbox.commands(run.warehouse).filter(
        pl.col("subject_id").str.starts_with(SUBJECT), pl.col("state").is_in(OPEN)
    )
    return frozenset(rows["command_id"])
