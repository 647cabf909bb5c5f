"""The files in which clients declare days (running.md, DECLARATIONS_DIR)."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sources.errors import Critical

_MB = 1024 * 1024
LARGEST = {".csv": 20 * _MB, ".xlsx": 10 * _MB, ".eml": 25 * _MB}
"""The most bytes of a file by its suffix."""

_OTHERS = 1 * _MB
# what systems and office programs leave beside the files that people see
_NOT_OURS = (".", "~$", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class DeclaredFile:
    """One file; its content, or the problem that kept it from being read, or both.

    Attributes:
        name: of the file, below its directory.
        modified_at: in UTC; None where even that could not be read.
        content: the bytes; None where there are too many of them.
        id: SHA-256 of the content; of a file that is too large, of its beginning.
        problem: why there is no content, in words.
    """

    name: str
    modified_at: datetime | None
    content: bytes | None = field(default=None, repr=False)
    id: str | None = None
    problem: str | None = None


def declared_files(directory: Path) -> Iterator[DeclaredFile]:
    """The files of a directory and of those below it, by name, whatever their form.

    Hidden files, those that office programs leave while they are open, links and what is no file
    are left alone.

    Raises:
        Critical: a directory cannot be listed.
    """
    for path in sorted(_files(directory)):
        yield _read(path, os.fsencode(path.relative_to(directory)).decode("utf-8", "replace"))


def _files(directory: Path) -> Iterator[Path]:
    try:
        entries = list(os.scandir(directory))
    except OSError as error:
        raise Critical(
            "declarations", "list the directory", "no_directory", error.strerror or "unreadable"
        ) from None
    for entry in entries:
        if entry.name.startswith(_NOT_OURS):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _read(path: Path, name: str) -> DeclaredFile:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return DeclaredFile(name, None, problem=error.strerror or "unreadable")
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        modified_at = _instant(status.st_mtime)
        if not stat.S_ISREG(status.st_mode):
            return DeclaredFile(name, modified_at, problem="not a regular file")
        most = LARGEST.get(path.suffix.lower(), _OTHERS)
        try:
            content = file.read(most + 1)
        except OSError as error:
            return DeclaredFile(name, modified_at, problem=error.strerror or "unreadable")
        if _version(os.fstat(descriptor)) != _version(status):
            # half of a file may be a file of its own, with other days
            return DeclaredFile(name, modified_at, problem="changed while it was read")
        return _content(name, modified_at, content, most)


def _instant(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _version(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _content(name: str, modified_at: datetime | None, content: bytes, most: int) -> DeclaredFile:
    digest = hashlib.sha256(content).hexdigest()
    if len(content) > most:
        return DeclaredFile(name, modified_at, id=digest, problem=f"larger than {most // _MB} MB")
    return DeclaredFile(name, modified_at, content, digest)
