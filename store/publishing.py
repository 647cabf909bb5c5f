"""The published file: a whole copy that replaces the last one by an atomic rename.

Readers open it read-only; they block no run, no run blocks them, and they never see half a run. A
crash at any point leaves the last published file whole.
"""

import grp
import os
import shutil
from pathlib import Path

import duckdb

from store.warehouse import PRIVATE, Places, StoreError, Warehouse

_READABLE = 0o440


def publish(warehouse: Warehouse, *, group: str | None = None) -> Path:
    """Puts a copy of the working file in the place of the published one.

    Args:
        warehouse: the open working file, outside a transaction.
        group: system group that may read the published file; the process's own without one.

    Returns:
        The published file.
    """
    places = warehouse.places
    warehouse.execute("CHECKPOINT warehouse")
    fresh = places.published.with_suffix(".next.duckdb")
    shutil.copyfile(places.working, fresh)
    os.chmod(fresh, PRIVATE)  # noqa: PTH101 - the same call as below
    if group:
        os.chown(fresh, -1, grp.getgrnam(group).gr_gid)
    _flush(fresh)
    os.chmod(fresh, _READABLE)  # noqa: PTH101 - readable only once it is whole
    places.published.with_name(places.published.name + ".wal").unlink(missing_ok=True)
    fresh.replace(places.published)
    _flush(places.directory)
    return places.published


def read_published(published: Path) -> Warehouse:
    """The published file, open read-only; it blocks no run.

    Raises:
        StoreError: nothing was published there yet.
    """
    if not published.exists():
        raise StoreError(f"{published} does not exist yet: run `rapproche nightly` first")
    connection = duckdb.connect(str(published), read_only=True)
    connection.execute("SET TimeZone = 'UTC'")
    return Warehouse(connection, Places(published))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
