"""What a run finds on its machine: folders, files and who may read them, room, the lock.

Nothing is opened that a run may want to open, and the run lock is not taken: `/proc/locks` says
whether it is.
"""

import os
import shutil
import stat
from datetime import datetime, timedelta
from pathlib import Path

from flows import PRIVATE_FILES
from flows.engine.checked import SOURCE, Check, fail, ok, warn
from flows.engine.run import artifacts_directory
from flows.engine.wiring import OUTBOX_MAIL
from flows.settings import ENV_FILE
from sources.declarations import declared_files
from sources.errors import SourceError
from store.files import writable
from store.lock import holder
from store.warehouse import Places

LONG_RUN = timedelta(hours=6)
"""After so long a run hangs, or a first reading is very large."""
_SPARE = 64 * 1024 * 1024
_MAGIC = slice(8, 12)
_NAMED = 3


def look(places: Places, declarations: Path, cache: Path, now: datetime) -> list[Check]:
    """All that can be seen without a network and without opening a database."""
    return [
        _folder(places),
        _room(places),
        _working(places),
        _lock(places, now),
        _private(places, cache),
        _limits(cache),
        _declarations(declarations),
    ]


def _folder(places: Places) -> Check:
    folder = places.directory
    if writable(folder):
        return ok("folder", f"{folder} can be written")
    return fail("folder", f"{folder} cannot be written", "make it writable or set WAREHOUSE_PATH")


def _room(places: Places) -> Check:
    """Room for the next copy to publish, and for the working file to grow as much again."""
    folder = places.directory
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    working = places.working.stat().st_size if places.working.exists() else 0
    said = f"{_megabytes(free)} free; the working file has {_megabytes(working)}"
    do = f"make room on the disk of {folder}"
    if free < working + _SPARE:
        return fail("disk", f"{said}, and the next copy needs as much", do)
    return ok("disk", said) if free >= 2 * (working + _SPARE) else warn("disk", said, do)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"


def _working(places: Places) -> Check:
    """The head of the working file: to open it would stop a run that begins meanwhile."""
    file = places.working
    if not file.exists():
        return ok("working file", f"{file.name} is made by the next run")
    try:
        with file.open("rb") as opened:
            head = opened.read(_MAGIC.stop)
    except OSError as error:
        return fail("working file", f"{file} cannot be read: {error.strerror}", "see its owner")
    if head[_MAGIC] == b"DUCK":
        return ok("working file", f"{file.name} is a DuckDB file")
    return fail(
        "working file",
        f"{file} is no DuckDB file",
        "move it and its .wal aside; see docs/operations.md, A lost working file",
    )


def _lock(places: Places, now: datetime) -> Check:
    said = places.lock.with_suffix(".holder.json")
    if not lock_is_held(places.lock):
        if said.exists():
            do = "nothing: the next run goes on where it stopped"
            return warn("lock", f"free; {holder(places.lock)} was killed while it held it", do)
        return ok("lock", "free")
    since = datetime.fromtimestamp(said.stat().st_mtime, now.tzinfo) if said.exists() else now
    minutes = max(0, int((now - since).total_seconds() // 60))
    held = f"held by {holder(places.lock)} for {minutes} min"
    if now - since > LONG_RUN:
        return warn("lock", held, "look at its log; end that process if it hangs, nothing is lost")
    return ok("lock", held)


def lock_is_held(path: Path, locks: Path = Path("/proc/locks")) -> bool:
    """Whether a process holds the run lock, as the system tells; it is not taken for that.

    Where the system does not tell, a process that the holder's file names is believed.
    """
    if not path.exists():
        return False
    inode = str(path.stat().st_ino)
    try:
        told = locks.read_text(encoding="ascii").splitlines()
    except OSError:
        return _holder_lives(path)
    return any(line.split()[5].rpartition(":")[2] == inode for line in told if "->" not in line)


def _holder_lives(path: Path) -> bool:
    pid = holder(path).rpartition("process ")[2].rstrip(")")
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _private(places: Places, cache: Path) -> Check:
    """Files that hold data or secrets and that other users may read or change."""
    beside = places.directory
    kept = [artifacts_directory(places.published), beside / "drafts", beside / OUTBOX_MAIL]
    files = [places.working, places.lock, places.journal, Path(ENV_FILE)]
    files += [file for folder in (*kept, cache / "limits") for file in sorted(folder.rglob("*"))]
    open_ = [file for file in files if file.is_file() and file.stat().st_mode & PRIVATE_FILES]
    if places.published.exists() and places.published.stat().st_mode & stat.S_IRWXO:
        open_.append(places.published)
    if not open_:
        return ok("file modes", "only their owner reads the files that hold data")
    named = " ".join(map(str, open_[:_NAMED]))
    more = f" and {len(open_) - _NAMED} more" if len(open_) > _NAMED else ""
    return warn("file modes", f"others can read {named}{more}", f"`chmod go-rwx {named}`{more}")


def _limits(cache: Path) -> Check:
    folder = cache / "limits"
    if writable(folder):
        return ok("limits", f"{folder} can be written")
    do = "make it writable, or set XDG_CACHE_HOME"
    return fail("limits", f"{folder} cannot be written, and the vendors' limits stand there", do)


def _declarations(folder: Path) -> Check:
    try:
        unread = [file.name for file in declared_files(folder) if file.problem]
    except SourceError as error:
        return fail(
            "declarations",
            f"{folder}: {error.message}",
            "create DECLARATIONS_DIR, or name another",
            SOURCE,
        )
    if unread:
        said = f"{len(unread)} files of {folder} cannot be read, such as {unread[0]}"
        return warn("declarations", said, "see their owner, size and form")
    return ok("declarations", f"{folder} can be read")
