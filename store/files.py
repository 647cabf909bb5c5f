"""Files of the warehouse on the disk: private, replaced whole or not at all, and what ails them.

A crash at any point leaves the last whole file in its place; what it left half written is removed
by the next run. `advice` turns what the disk or DuckDB said into one line that says what to do.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

PRIVATE = 0o600
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_OURS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_OF_THE_DISK = _NO_ROOM | _NOT_OURS | {errno.EIO}
_NO_PLACE = _NOT_OURS | {errno.EEXIST, errno.ENOTDIR}


class StoreError(Exception):
    """The warehouse cannot be used as asked; the message says what to do."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path to write in place of `target`: put there when the block ends well, else removed."""
    fresh = target.with_suffix(".next.duckdb")
    # A killed run may have left one that nobody may write.
    fresh.unlink(missing_ok=True)
    try:
        yield fresh
        _flush(fresh)
        fresh.replace(target)
        _flush(target.parent)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def copy_private(source: Path, target: Path) -> None:
    """Copies a file to a new one that at no moment anyone but its owner can read."""
    target.touch(mode=PRIVATE, exist_ok=False)
    shutil.copyfile(source, target)


def write_private(file: Path, content: str | bytes) -> None:
    """Puts a content into a file that only its owner reads, whole or not at all."""
    fresh = file.with_name(f".{file.name}.next")
    fresh.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as out:
            out.write(content.encode() if isinstance(content, str) else content)
        fresh.replace(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def of_the_disk(error: BaseException | None) -> Exception | None:
    """What of an error lies at the disk or the file, and not in us, if anything."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(of_the_disk, error.exceptions)), None)
    if isinstance(error, OSError):
        return error if error.errno in _OF_THE_DISK else None
    if isinstance(error, duckdb.IOException | duckdb.FatalException):
        return error
    if isinstance(error, duckdb.Error) and (_no_room(error) or "Corrupt database" in str(error)):
        return error
    return None


def advice(file: Path, error: Exception) -> str:
    """One line about what ails a file or a folder of the warehouse, and what to do."""
    said = " ".join(str(error).split())
    folder = file if file.is_dir() else file.parent
    if _no_room(error):
        return f"no room in {folder} ({said}); make room, then run again: what was stored is whole"
    if getattr(error, "errno", None) in _NO_PLACE or not writable(folder):
        return f"{folder} cannot be written ({said}); make it writable or set WAREHOUSE_PATH"
    if "lock on file" in said:
        return f"another program has {file} open: close it, then run again ({said})"
    if isinstance(error, duckdb.Error):
        return (
            f"{file} is damaged ({said}); move it and its .wal aside, then run again: it is taken"
            " from the published file (docs/operations.md, a lost working file)"
        )
    return f"{file} cannot be used ({said})"


def _no_room(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    return any(os.strerror(code) in str(error) for code in _NO_ROOM)


def writable(folder: Path) -> bool:
    """Whether files can be made in a folder, which itself may still have to be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
