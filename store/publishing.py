"""The published file: a whole copy that replaces the last one by an atomic rename.

Readers open it read-only; they block no run, no run blocks them, and they never see half a run. A
crash at any point leaves the last published file whole.
"""

import grp
import os
from pathlib import Path

import duckdb

from store.files import StoreError, copy_private, replacing
from store.warehouse import Places, Warehouse

_READABLE = 0o440


def publish(warehouse: Warehouse, *, group: str | None = None) -> Path:
    """Puts a copy of the working file in the place of the published one.

    Args:
        warehouse: the open working file, outside a transaction.
        group: system group that may read the published file; the process's own without one.

    Returns:
        The published file.

    Raises:
        StoreError: the group is none that the file may be given to.
    """
    places = warehouse.places
    warehouse.execute("CHECKPOINT warehouse")
    with replacing(places.published) as fresh:
        copy_private(places.working, fresh)
        if group:
            _give(fresh, group)
        fresh.chmod(_READABLE)
        _log_of(places.published).unlink(missing_ok=True)
    return places.published


def read_published(published: Path) -> Warehouse:
    """The published file, open read-only; it blocks no run.

    Raises:
        StoreError: nothing was published there yet, or it cannot be read.
    """
    if not published.exists():
        made = (
            "publish`, which makes it" if Places(published).working.exists() else "nightly` first"
        )
        raise StoreError(f"{published} does not exist: run `rapproche {made}")
    try:
        connection = duckdb.connect(str(published), read_only=True)
    except duckdb.IOException as error:
        raise StoreError(_unreadable(published, error)) from error
    connection.execute("SET TimeZone = 'UTC'")
    return Warehouse(connection, Places(published))


def _give(file: Path, group: str) -> None:
    try:
        os.chown(file, -1, grp.getgrnam(group).gr_gid)
    except (KeyError, PermissionError) as error:
        raise StoreError(
            f"WAREHOUSE_GROUP: {group} is no group of this machine that we are in"
        ) from error


def _log_of(published: Path) -> Path:
    """Where whoever opens the published file for writing leaves what it wrote."""
    return published.with_name(f"{published.name}.wal")


def _unreadable(published: Path, error: duckdb.Error) -> str:
    said = " ".join(str(error).split())
    if "lock on file" in said:
        return f"somebody has {published} open for writing: open it with `-readonly` ({said})"
    log = _log_of(published)
    cure = f"remove {log}, which somebody left" if log.exists() else "run `rapproche publish`"
    return f"{published} cannot be read: {cure} ({said})"
