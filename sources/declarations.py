"""The files in which clients declare days (running.md, DECLARATIONS_DIR)."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sources.errors import Critical

_SUFFIXES = frozenset({".csv"})
_LARGEST = 20 * 1024 * 1024


@dataclass(frozen=True)
class DeclaredFile:
    """One file; either its content or the problem that kept it from being read.

    Attributes:
        name: of the file, without its directory.
        modified_at: in UTC; None where even that could not be read.
        content: the bytes.
        id: SHA-256 of the content.
        problem: why there is no content, in words.
    """

    name: str
    modified_at: datetime | None
    content: bytes | None = field(default=None, repr=False)
    id: str | None = None
    problem: str | None = None


def declared_files(directory: Path) -> Iterator[DeclaredFile]:
    """The declaration files of a directory by name; subdirectories and symlinks are left alone.

    Raises:
        Critical: the directory cannot be listed.
    """
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError as error:
        raise Critical(
            "declarations", "list the directory", "no_directory", error.strerror or "unreadable"
        ) from None
    for entry in entries:
        if entry.is_file(follow_symlinks=False) and Path(entry.name).suffix.lower() in _SUFFIXES:
            yield _read(Path(entry.path))


def _read(path: Path) -> DeclaredFile:
    name = os.fsencode(path.name).decode("utf-8", "replace")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return DeclaredFile(name, None, problem=error.strerror or "unreadable")
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
        if not stat.S_ISREG(status.st_mode):
            return DeclaredFile(name, modified_at, problem="not a regular file")
        return _content(name, modified_at, file.read(_LARGEST + 1))


def _content(name: str, modified_at: datetime, content: bytes) -> DeclaredFile:
    if len(content) > _LARGEST:
        return DeclaredFile(name, modified_at, problem="larger than 20 MB")
    return DeclaredFile(name, modified_at, content, hashlib.sha256(content).hexdigest())
