"""What people decide: commands and breaks approved or rejected, names linked (write-back.md).

A decision on a break is kept with the fingerprint of the facts that it was made on; the look that
follows goes over the facts as they are stored and calls no vendor.
"""

import getpass
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
from rapidfuzz import process

from flows.engine import labels, report
from flows.engine.look import look
from flows.engine.run import ALL_STREAMS, Run
from flows.settings import ConfigurationError
from store import decisions, runs
from transforms.decisions import persons_decision
from transforms.overrides import APPROVED, NOT_OVERRIDABLE, REJECTED

_SHOWN_IDS = 3
_ALIKE_FROM = 60


async def decide(run: Run) -> None:
    """Approves and rejects what the run names, and looks again where that was a break.

    All of it is kept, or nothing.

    Raises:
        ConfigurationError: a name is nothing that waits for a person, or it cannot be decided so.
    """
    with run.warehouse.transaction():
        asked = [(name, APPROVED) for name in run.parameters["approve"]]
        asked += [(name, REJECTED) for name in run.parameters["reject"]]
        decided = [_decide_one(run, name, decision) for name, decision in asked]
    on_breaks = [break_id for ids in decided for break_id in ids]
    if on_breaks:
        trust_what_is_stored(run)
        await run.driver.step("reconcile and match", lambda: _look(run, on_breaks))
    language = run.settings.RAPPROCHE_LANG
    for table in (report.decided(run.warehouse), report.decided_plan(run.warehouse)):
        title = labels.title(table.title, language)
        await run.driver.show(table.key, title, labels.markdown(table, language))


async def _look(run: Run, on_breaks: Sequence[str]) -> None:
    """Looks at what any run looks at, and at the months that were decided on, also recent ones."""
    parts = [break_id.split("/") for break_id in on_breaks]
    look(run, months={month for kind, month, *_ in parts if kind == "cra"})


def trust_what_is_stored(run: Run) -> None:
    """Takes the facts as the last complete reading of each stream left them."""
    run.trusted |= runs.complete_streams(run.warehouse) & ALL_STREAMS


def _decide_one(run: Run, name: str, decision: str) -> list[str]:
    """Keeps the decision on one name; the breaks that it was on, none if it was on a command."""
    try:
        command = decisions.command_named(run.warehouse, name)
    except LookupError as error:
        raise ConfigurationError(str(error.args[0])) from None
    if command is not None:
        _as_it_was_shown(run, command.command_id, command.planned_at)
        _on_command(run, command, decision)
        return []
    found = _breaks(run, name)
    _on_breaks(run, found, decision)
    return found["break_id"].to_list()


def _on_command(run: Run, command: decisions.Waiting, decision: str) -> None:
    decisions.decide_command(
        run.warehouse,
        command,
        decision,
        _who(run),
        run.now(),
        amount=run.parameters["amount"],
    )


def _breaks(run: Run, name: str) -> pl.DataFrame:
    """The one break that a name means, or all lines of the bill that it is of."""
    found = decisions.breaks_named(run.warehouse, name)
    if found.is_empty():
        raise ConfigurationError(f"{name} is no break and no command{_nearest(run, name)}")
    of_one_bill = (
        found["kind"].unique().to_list() == ["bill"] and found["subject_id"].n_unique() == 1
    )
    if found.height > 1 and not of_one_bill:
        first = ", ".join(found["break_id"].head(_SHOWN_IDS))
        raise ConfigurationError(
            f"{name} names {found.height} breaks ({first}, …): write more of it"
        )
    return found


def _nearest(run: Run, name: str) -> str:
    ids = decisions.nearest_ids(run.warehouse)
    alike = process.extract(name, ids, limit=_SHOWN_IDS, score_cutoff=_ALIKE_FROM)
    if not alike:
        return "; see `rapproche breaks` and `rapproche outbox`"
    return f"; the nearest: {', '.join(found for found, *_ in alike)}"


def _on_breaks(run: Run, found: pl.DataFrame, decision: str) -> None:
    rows = found.to_dicts()
    # whoever rejected may think again: the facts that were decided on are still there
    alive = [row for row in rows if row["status"] != "closed" or row["rejected"]]
    if not alive:
        fact = rows[0]["closing_fact"]
        raise ConfigurationError(f"{rows[0]['break_id']} is closed already: {fact}")
    for row in alive:
        _as_it_was_shown(run, row["break_id"], row["decided_at"])
        if decision == APPROVED:
            _may_be_approved(row)
    _may_be_amount(rows[0], decision, run.parameters["amount"])
    for row in alive:
        _on_break(run, row, decision)
    # what a rejection leaves unasked for, the look cancels
    released = decisions.to_release(run.warehouse, _subjects(alive))
    for command in released if decision == APPROVED else []:
        _on_command(run, command, decision)


def _on_break(run: Run, row: Mapping[str, Any], decision: str) -> None:
    amount: Decimal | None = run.parameters["amount"]
    who = _who(run)
    said = {"decided_by": who["decided_by"], "reason": who["reason"], "amount": amount}
    taken = persons_decision(row, decision, said, run.now())
    decisions.decide_break(run.warehouse, row["break_id"], taken, who, amount=amount)


def _subjects(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What commands of these breaks are about: the break, or its whole bill."""
    bills = {f"bill/{row['subject_id']}" for row in rows if row["break_id"].startswith("bill/")}
    return sorted({row["break_id"] for row in rows} | bills)


def _may_be_approved(row: Mapping[str, Any]) -> None:
    for code in row["codes"]:
        if code in NOT_OVERRIDABLE:
            raise ConfigurationError(
                f"{row['break_id']}: {code} cannot be approved: {NOT_OVERRIDABLE[code]}"
            )
    if row["fingerprint"] is None:
        raise ConfigurationError(
            f"{row['break_id']} was found before decisions kept their facts: run"
            " `rapproche nightly` first"
        )


def _may_be_amount(row: Mapping[str, Any], decision: str, amount: Decimal | None) -> None:
    if amount is None:
        return
    invoiced = row["invoiced_amount"]
    if invoiced is None or decision == REJECTED:
        raise ConfigurationError(f"--amount is for a supplier invoice; {row['break_id']} is none")
    if not 0 < amount <= invoiced:
        raise ConfigurationError(
            f"--amount {amount:f} is not between 0 and the {invoiced:.2f} that the bill asks for"
        )


def _as_it_was_shown(run: Run, name: str, changed_at: datetime | None) -> None:
    """Refuses a decision on figures that were not those that the person was shown."""
    shown_at: datetime | None = run.parameters.get("shown_at")
    if shown_at is not None and changed_at is not None and changed_at > shown_at:
        raise ConfigurationError(f"{name} has changed since it was shown: look at it again")


async def link_consultant(run: Run) -> None:
    """Remembers whom a declared name means.

    Raises:
        ConfigurationError: no such consultant.
    """
    _must_exist(run, "core.consultants", run.parameters["consultant_id"])
    with run.warehouse.transaction():
        decisions.link_person(
            run.warehouse,
            run.parameters["client_id"],
            run.parameters["declared_name"],
            run.parameters["consultant_id"],
            _who(run) | {"run_id": run.run_id},
            run.now(),
        )


async def link_vendor(run: Run) -> None:
    """Remembers which supplier a Bill.com vendor is.

    Raises:
        ConfigurationError: no such vendor or supplier.
    """
    _must_exist(run, "core.vendors", run.parameters["vendor_id"])
    _must_exist(run, "core.suppliers", run.parameters["supplier_id"])
    with run.warehouse.transaction():
        decisions.link_party(
            run.warehouse,
            run.parameters["vendor_id"],
            run.parameters["supplier_id"],
            _who(run) | {"run_id": run.run_id},
            run.now(),
        )


def _who(run: Run) -> dict[str, str]:
    return {
        "decided_by": run.parameters["by"],
        "os_user": getpass.getuser(),
        "host": socket.gethostname(),
        "reason": run.parameters["reason"],
    }


def _must_exist(run: Run, table: str, id_: str) -> None:
    if not run.warehouse.rows(f"SELECT 1 FROM {table} WHERE id = ?", [id_]):
        raise ConfigurationError(f"{id_} is not in {table}; `rapproche sync` first?")
