"""One stream from its vendor into the warehouse (warehouse.md, Sync).

Asks from the cursor less an overlap, stages the pages, fetches what list rows leave out, checks
every row, and moves rows and cursor in one transaction. A crash repeats pages; it skips none.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checks.findings import STOP_ROWS, STOP_SHARE, stops_stream
from flows import logs
from flows.engine.rows import shape_of, store_checked
from flows.engine.run import Run
from sources.errors import SourceError
from sources.streams import Door, Stream
from store import history, runs
from store.shapes import Shape
from store.staging import Staging
from transforms.words.figures import counted

log = logging.getLogger("rapproche.sync")

FULL_CRAWL_EVERY = timedelta(days=7)
DETAILS_AT_ONCE = 20
ASKED_AGAIN = 100
"""Quarantined records of a stream that one run asks for by id, so that many cost little."""

BOOND_STREAMS = (
    "consultants",
    "clients",
    "contracts",
    "suppliers",
    "purchase_orders",
    "cras",
    "client_invoices",
    "supplier_invoices",
)
BILL_STREAMS = ("vendors", "invoices", "payments")
ORDER = {"boond": BOOND_STREAMS, "bill": BILL_STREAMS}


class StreamStoppedError(Exception):
    """A stream's checks stopped it before anything of it was stored: a changed vendor."""


@dataclass(frozen=True)
class Extent:
    """How much of a stream is asked for."""

    whole: bool
    since: datetime | None
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Served:
    """What a vendor served beside its records.

    Attributes:
        clock: its own clock when the pull began.
        ignores_since: whether it served rows older than asked for.
        short: whether it served fewer rows than it stated: some may have been left out.
        gone: ids that it answered 404 for.
    """

    clock: datetime | None
    ignores_since: bool
    short: bool
    gone: Sequence[str]


async def pull_all(
    run: Run, sources: Iterable[str], *, full: bool = False, spare_fresh: bool = False
) -> None:
    """Reads every stream of the doors that are open; one failing stream stops no other.

    Args:
        run: the run.
        sources: `boond`, `bill`.
        full: a full crawl, which finds deletions and asks for every detail.
        spare_fresh: leaves out streams that are fresh by the policy.
    """
    started = run.now()
    for source in sources:
        door = run.doors.get(source)
        if door is None:
            continue
        for name in ORDER[source]:
            minutes = getattr(run.policy.freshness, name)
            if (
                spare_fresh
                and not full
                and runs.is_fresh(run.warehouse, source, name, minutes=minutes, now=started)
            ):
                run.spared(door.streams[name])
                continue
            await pull_one(run, door, door.streams[name], full=full)
        # The journal keeps what was heard meanwhile, whatever happens.
        run.write_audit()


async def pull_one(run: Run, door: Door, stream: Stream, *, full: bool = False) -> None:
    """Reads one stream as a unit of work; what goes wrong is said, and the run goes on."""
    label = f"{stream.source}.{stream.name}"
    run.trusted.discard(label)
    try:
        with logs.about(source=stream.source, stream=stream.name):
            await run.driver.step(f"pull {label}", lambda: pull(run, door, stream, full=full))
        if runs.sync_state(run.warehouse, stream.source, stream.name)["complete"]:
            run.trusted.add(label)
    except SourceError as error:
        runs.record_sync(run.warehouse, stream.source, stream.name, complete=False)
        run.unreachable(error, label)
    except StreamStoppedError as error:
        runs.record_sync(run.warehouse, stream.source, stream.name, complete=False)
        run.concern(str(error), "stream_stopped", stream=label)
        run.stopped.append(str(error))


async def pull(run: Run, door: Door, stream: Stream, *, full: bool) -> int:
    """Reads one stream and stores what is new of it.

    Returns:
        Records that were new or different.

    Raises:
        SourceError: the vendor could not be read to the end; nothing is stored.
        StreamStoppedError: too many rows broke their contract; nothing is stored.
    """
    extent = _extent(run, stream, full=full)
    masked = run.masked[stream.source]
    staging = Staging(run.warehouse, shape_of(stream), run.run_id, run.now())
    try:
        served_at, stated = await _stage(run, door, stream, extent, staging)
        ignored = extent.since is not None and staging.older_than(extent.since) > 0
        seen, rows = staging.ids(), staging.told_apart()
        gone = await _gone(door, stream, staging, seen) if extent.whole else []
        await _ask_again(door, stream, staging)
        await _complete(door, stream, staging, anew=full)
        served = Served(served_at, ignored, stated > rows, gone)
        changed = _settle(run, stream, extent, staging, served)
        waiting = len(staging.quarantined())
    finally:
        staging.drop()
    label = f"{stream.source}.{stream.name}"
    run.counts["rows_read"] += staging.pulled
    run.counts["rows_changed"] += changed
    log.info("%s read rows=%d changed=%d", label, staging.pulled, changed)
    _say_masked(run, stream, run.masked[stream.source] - masked)
    if ignored:
        log.warning("%s ignores updatedSince", label)
    if served.short:
        said = f"{label}: {stated} rows stated, {rows} served: nothing that needs them is written"
        run.concern(f"{said} until all are served; ask the vendor", "short", stream=label)
    if waiting:
        run.counts["in_quarantine"] += waiting
        said = f"{label}: {counted(waiting, 'record')} in quarantine"
        run.concern(said, "quarantine", stream=label, records=waiting)
    return changed


def _say_masked(run: Run, stream: Stream, texts: int) -> None:
    """Tells that records are not stored as they were served (properties.md P03)."""
    if texts:
        label = f"{stream.source}.{stream.name}"
        run.concern(
            f"{label}: secrets of ours stood in its records and are stored as ***"
            f" ({counted(texts, 'time')}); change a secret that is a word or number of theirs, or"
            f" ask the vendor why it shows one; then run `rapproche sync {stream.source} --full`",
            "secret_in_records",
            stream=label,
            texts=texts,
        )


def _extent(run: Run, stream: Stream, *, full: bool) -> Extent:
    state = runs.sync_state(run.warehouse, stream.source, stream.name)
    if stream.parent is not None:
        return Extent(full, None, _parents(run, state["cursor"] if not full else None))
    crawled = state["last_full_crawl_at"]
    # An instant to come was told by a clock that has been set back since.
    due = crawled is None or not timedelta(0) <= run.now() - crawled < FULL_CRAWL_EVERY
    if full or due or state["cursor"] is None or not stream.incremental:
        return Extent(whole=True, since=None)
    return Extent(whole=False, since=stream.asked_from(state["cursor"]))


def _parents(run: Run, cursor: datetime | None) -> tuple[str, ...]:
    """Bills whose payments may be new: changed since the last look, and not wholly unpaid."""
    rows = run.warehouse.rows(
        "SELECT id FROM core.bills WHERE deleted_at IS NULL AND updated_at >= coalesce(?,"
        " '-infinity'::TIMESTAMPTZ) AND (status = 'paid' OR remaining_balance IS NULL"
        " OR remaining_balance <> amount) ORDER BY id",
        [cursor],
    )
    return tuple(row[0] for row in rows)


async def _stage(
    run: Run, door: Door, stream: Stream, extent: Extent, staging: Staging
) -> tuple[datetime | None, int]:
    """Stages all pages; returns the vendor's clock when the pull began, and the rows it stated."""
    if stream.parent is not None and not extent.parents:
        return None, 0
    clocks, stated = [], 0
    label = f"{stream.source}.{stream.name}"
    async for page in door.pages(stream.name, since=extent.since, parents=extent.parents):
        staging.add(page.body, page.rows_path, parent=page.parent)
        if page.served_at is not None:
            clocks.append(page.served_at)
        total = len(extent.parents) or page.total_rows
        stated = max(stated, page.total_rows or 0)
        await run.driver.progress(label, f"reading {label}", staging.pulled, total)
    return min(clocks, default=None), stated


async def _ask_again(door: Door, stream: Stream, staging: Staging) -> None:
    """Asks for quarantined records by id: a vendor may mend one without saying when."""
    if stream.one is None:
        return
    waiting = sorted(staging.quarantined())[:ASKED_AGAIN]
    await _stage_by_id(door, stream, staging, waiting)


async def _stage_by_id(door: Door, stream: Stream, staging: Staging, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), DETAILS_AT_ONCE):
        chosen = ids[start : start + DETAILS_AT_ONCE]
        served = await asyncio.gather(*(door.one(stream.name, id_) for id_ in chosen))
        found = [record for record in served if record is not None]
        staging.add(b"[" + b",".join(found) + b"]", "$")


async def _complete(door: Door, stream: Stream, staging: Staging, *, anew: bool) -> None:
    """Fetches the details of list rows that lack them: once a version, or all of them anew."""
    if stream.detail is None:
        return
    bare = staging.without(stream.detail, stream.version, anew=anew)
    await _stage_by_id(door, stream, staging, bare)
    staging.supersede(stream.detail, stream.version)


async def _gone(door: Door, stream: Stream, staging: Staging, seen: set[str]) -> list[str]:
    """Ids that a full crawl did not see and that the vendor answers 404 for."""
    unseen = staging.unseen(seen, stream.window) if stream.parent is None else []
    stored = len(unseen) + len(seen)
    if len(unseen) > STOP_ROWS and len(unseen) * 100 > stored * STOP_SHARE:
        raise StreamStoppedError(
            f"{stream.source}.{stream.name} stopped: {len(unseen)} of {stored} records were not"
            " served any more; nothing of it was stored; ask the vendor, then run"
            f" `rapproche sync {stream.source} --full`"
        )
    if unseen and stream.one is None:
        log.warning("%s.%s: unseen=%d not asked for", stream.source, stream.name, len(unseen))
        return []
    return [id_ for id_ in unseen if await door.one(stream.name, id_) is None]


def _settle(run: Run, stream: Stream, extent: Extent, staging: Staging, served: Served) -> int:
    """Moves what is staged, and how far the stream was read, in one transaction."""
    key_missing = staging.key_missing()
    with run.warehouse.transaction():
        staging.release_reverted()
        staging.forget_refused()
        told_apart = staging.told_apart()
        changed = staging.resolve(whole=extent.whole)
        refused, first = store_checked(staging)
        if stops_stream(told_apart, refused, key_missing=key_missing):
            raise StreamStoppedError(
                f"{stream.source}.{stream.name} stopped by its checks: {refused} of"
                f" {told_apart} records refused, such as {first}; nothing of it was stored;"
                " ask the vendor what changed"
            )
        mark_gone(run, staging.shape, [*served.gone, *staging.put_away()])
        _record(run, stream, extent, staging, served)
        runs.count(
            run.warehouse,
            run.run_id,
            rows_read=staging.pulled,
            rows_changed=changed - refused,
            quarantined=refused,
        )
    run.counts["quarantined"] += refused
    return changed - refused


def _record(run: Run, stream: Stream, extent: Extent, staging: Staging, served: Served) -> None:
    alive = f"SELECT count(*) FROM {staging.shape.raw_table} WHERE deleted_at IS NULL"
    values: dict[str, Any] = {
        "last_synced_at": run.now(),
        "complete": not served.short,
        "rows": run.warehouse.rows(alive)[0][0],
    }
    # What was left out of a list may be older than what was in it: the next run asks again.
    if not served.short:
        values["cursor"] = _cursor(run, stream, staging, served.clock)
        if extent.whole:
            values["last_full_crawl_at"] = run.now()
    if extent.since is not None:
        values["honours_updated_since"] = not served.ignores_since
    runs.record_sync(run.warehouse, stream.source, stream.name, **values)


def _cursor(
    run: Run, stream: Stream, staging: Staging, served_at: datetime | None
) -> datetime | None:
    if stream.parent is not None:
        newest: datetime | None = run.warehouse.rows("SELECT max(updated_at) FROM core.bills")[0][0]
        return newest
    newest = staging.newest()
    return min(newest, served_at) if newest and served_at else newest


def mark_gone(run: Run, shape: Shape, ids: Sequence[str]) -> None:
    """Marks records that the source has no more, or has archived; they stay."""
    if not ids:
        return
    history.mark_gone(run.warehouse, shape.table, ids, run.now())
    for table in (shape.raw_table, f"core.{shape.table}"):
        run.warehouse.execute(
            f"UPDATE {table} SET deleted_at = ? WHERE id IN (SELECT unnest(?::VARCHAR[]))",
            [run.now(), list(ids)],
        )


async def retry_quarantine(run: Run) -> None:
    """Tries quarantined records again: as the vendor has them now, else as they were served."""
    for door in run.doors.values():
        for stream in door.streams.values():
            run.counts["rows_changed"] += await _retry(run, door, stream)


async def _retry(run: Run, door: Door, stream: Stream) -> int:
    staging = Staging(run.warehouse, shape_of(stream), run.run_id, run.now())
    staging.add_refused()
    masked = run.masked[stream.source]
    await _ask_again(door, stream, staging)
    _say_masked(run, stream, run.masked[stream.source] - masked)
    with run.warehouse.transaction():
        staging.release_reverted()
        changed = staging.resolve(whole=False)
        refused, _ = store_checked(staging)
        mark_gone(run, staging.shape, staging.put_away())
    staging.drop()
    if refused:
        run.counts["in_quarantine"] += refused
        label = f"{stream.source}.{stream.name}"
        said = f"{label}: still in quarantine: {counted(refused, 'record')}"
        run.concern(said, "quarantine", stream=label, records=refused)
    return changed - refused
