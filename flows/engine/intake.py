"""Declaration files into the warehouse: each content is read once, whatever its name."""

import base64
import json
import logging
from datetime import datetime

import polars as pl

from checks.contracts import CORE
from checks.findings import must_hold
from flows.engine.run import Run
from sources.declarations import DeclaredFile, declared_files
from sources.errors import SourceError
from store import runs
from transforms.declarations import Declaration, read_csv

log = logging.getLogger("rapproche.declarations")

LABEL = "declarations.files"


async def take_in(run: Run) -> None:
    """Reads the declaration files that were not read before; one bad file stops no other."""
    try:
        await run.driver.step(f"read {LABEL}", lambda: _read_all(run))
        run.trusted.add(LABEL)
    except SourceError as error:
        runs.record_sync(run.warehouse, "declarations", "files", complete=False)
        run.unreachable(error)


async def _read_all(run: Run) -> None:
    known = {row[0] for row in run.warehouse.rows("SELECT id FROM raw.declarations_files")}
    for file in declared_files(run.settings.DECLARATIONS_DIR):
        run.counts["rows_read"] += 1
        if file.problem is not None:
            run.concern(f"{LABEL}: {file.name} could not be read: {file.problem}")
        elif file.id not in known:
            _store(run, file)
            known.add(str(file.id))
    runs.record_sync(
        run.warehouse,
        "declarations",
        "files",
        last_synced_at=run.now(),
        complete=True,
        rows=len(known),
    )


def _store(run: Run, file: DeclaredFile) -> None:
    if file.content is None or file.id is None or file.modified_at is None:
        return
    declared = read_csv(file.id, file.name, file.modified_at, file.content)
    unread = declared.lines.filter(pl.col("problem").is_not_null()).height
    now = run.now()
    with run.warehouse.transaction():
        run.warehouse.execute(
            "INSERT INTO raw.declarations_files VALUES (?, ?, ?, ?, ?, ?, NULL, ?)",
            [file.id, _payload(file), file.id, file.modified_at, now, now, run.run_id],
        )
        _insert(run, declared)
    run.counts["rows_changed"] += 1
    log.info("file read lines=%d unreadable=%d", declared.lines.height, unread)
    if unread:
        run.concern(f"{LABEL}: {file.name}: {unread} lines could not be read")


def _insert(run: Run, declared: Declaration) -> None:
    for table, frame in (
        ("declarations", declared.declaration),
        ("declaration_lines", declared.lines),
    ):
        run.warehouse.insert(f"core.{table}", must_hold(CORE[table], frame), run_id=run.run_id)


def _payload(file: DeclaredFile) -> str:
    content = base64.b64encode(file.content or b"").decode()
    return json.dumps({"name": file.name, "modified_at": _iso(file.modified_at), "base64": content})


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
