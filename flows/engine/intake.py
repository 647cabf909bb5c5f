"""Declaration files into the warehouse: each content is read once, whatever its name."""

import base64
import json
import logging
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, time

import polars as pl

from checks.contracts import CORE
from checks.findings import must_hold
from flows.engine.run import Run
from sources.declarations import DeclaredFile, declared_files
from sources.errors import SourceError
from store import history, runs
from transforms.declarations import reading
from transforms.declarations.forms import UNREADABLE, Declaration, File
from transforms.words.figures import counted

log = logging.getLogger("rapproche.declarations")

LABEL = "declarations.files"
AT_ONCE = 32 * 1024 * 1024
"""Bytes of files that are held and taken apart together."""


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
    before = run.counts["rows_read"]
    present: set[str] = set()
    with run.warehouse.transaction():
        for files in _held_at_once(_readable(run, present), known):
            _store(run, files)
        _follow(run, present)
        history.follow(run.warehouse, "declarations", history.DECLARATIONS, run.now())
        runs.record_sync(
            run.warehouse,
            "declarations",
            "files",
            last_synced_at=run.now(),
            complete=True,
            rows=len(known | present),
        )
        read = run.counts["rows_read"] - before
        fresh = len(present - known)
        runs.count(run.warehouse, run.run_id, rows_read=read, rows_changed=fresh)
    run.counts["rows_changed"] += fresh
    log.info("files read new=%d known=%d", fresh, len(known))


def _readable(run: Run, present: set[str]) -> Iterator[tuple[str, DeclaredFile]]:
    """The files that could be read, by what tells them apart; the others are told to a person."""
    for file in declared_files(run.settings.DECLARATIONS_DIR):
        run.counts["rows_read"] += 1
        if file.id is None:
            said = f"{LABEL}: {file.name} could not be read: {file.problem}"
            run.concern(said, "file_unreadable")
        else:
            present.add(file.id)
            yield file.id, file


def _held_at_once(
    files: Iterator[tuple[str, DeclaredFile]], known: Collection[str]
) -> Iterator[dict[str, DeclaredFile]]:
    """The files not known yet, each content once, as many together as memory has room for."""
    taken, held, size = set(known), dict[str, DeclaredFile](), 0
    for id_, file in files:
        if id_ not in taken:
            taken.add(id_)
            held[id_] = file
            size += len(file.content or b"")
        if size > AT_ONCE:
            yield held
            held, size = {}, 0
    if held:
        yield held


def _store(run: Run, fresh: dict[str, DeclaredFile]) -> None:
    read = [_declaration(run, id_, file) for id_, file in fresh.items()]
    tables = {
        "declarations": pl.concat(declared.declaration for declared in read),
        "declaration_lines": pl.concat(declared.lines for declared in read),
    }
    for table, rows in tables.items():
        run.warehouse.insert(f"core.{table}", must_hold(CORE[table], rows), run_id=run.run_id)
    now = run.now()
    raw = [
        {"id": id_, "payload": _payload(file), "vendor_updated_at": file.modified_at}
        for id_, file in fresh.items()
    ]
    run.warehouse.insert(
        "raw.declarations_files",
        pl.DataFrame(raw).with_columns(content_hash="id"),
        first_seen_at=now,
        last_seen_at=now,
        run_id=run.run_id,
    )


def _follow(run: Run, present: set[str]) -> None:
    """Marks the files that are gone from the folder, and takes the mark from those that are back.

    What a file declared stands when it is gone: people tidy folders.
    """
    here = sorted(present)
    for table in ("raw.declarations_files", "core.declarations"):
        run.warehouse.execute(
            f"UPDATE {table} SET deleted_at = ?"
            " WHERE deleted_at IS NULL AND NOT list_contains(?::VARCHAR[], id)",
            [run.now(), here],
        )
        run.warehouse.execute(
            f"UPDATE {table} SET deleted_at = NULL"
            " WHERE deleted_at IS NOT NULL AND list_contains(?::VARCHAR[], id)",
            [here],
        )


def _declaration(run: Run, id_: str, file: DeclaredFile) -> Declaration:
    # a run may be asked to stand on a later day than the clock's
    read_at = max(run.now(), datetime.combine(run.as_of, time.max, UTC))
    # a clock that runs ahead must not put a file before every later correction
    modified_at = min(file.modified_at or run.now(), read_at)
    one = File(
        id=id_, name=file.name, time=modified_at, content=file.content or b"", read_at=read_at
    )
    if file.problem is not None:
        said = f"{LABEL}: {file.name} could not be read: {file.problem}"
        run.concern(said, "file_unreadable", file=id_)
        return reading.refused(one, file.problem)
    declared = reading.read(one)
    _say(run, file.name, declared)
    return declared


def _say(run: Run, name: str, declared: Declaration) -> None:
    """Tells what of a file was not read; a month that is not told is a matter of the look."""
    unread = declared.lines.filter(pl.col("problem_code") == UNREADABLE)
    if unread.height:
        line_no, problem = unread.select("line_no", "problem").row(0)
        run.concern(
            f"{LABEL}: {name}: {counted(unread.height, 'line')} could not be read, such as line"
            f" {line_no}: {problem}",
            "lines_unreadable",
            lines=unread.height,
        )
    for remark in declared.remarks:
        run.concern(f"{LABEL}: {name}: {remark}", "declaration_remark")


def _payload(file: DeclaredFile) -> str:
    content = None if file.content is None else base64.b64encode(file.content).decode()
    return json.dumps({"name": file.name, "modified_at": _iso(file.modified_at), "base64": content})


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
