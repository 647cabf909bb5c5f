"""Runs the command line in a process that dies, or finds no room, at a told moment.

`python dying.py SUFFIX HITS LIMIT ARGUMENT…`: at the HITS-th operation on a file whose path ends
with SUFFIX the process kills itself; no file may grow beyond LIMIT bytes (0: any size).
"""

import os
import resource
import signal
import sys
from typing import Any

OPERATIONS = {"open", "os.chmod", "os.rename", "os.remove", "shutil.copyfile"}


def die_at(suffix: str, hits: int) -> None:
    """Kills this process, as `kill -9` does, at an operation on a file."""
    left = hits

    def heard(event: str, given: tuple[Any, ...]) -> None:
        nonlocal left
        if event in OPERATIONS and str(given[0]).endswith(suffix):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)


def main() -> None:
    """Reads what it is told and hands over to the command line."""
    suffix, hits, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sys.argv[1:4] = []
    if hits:
        die_at(suffix, hits)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    from flows import cli  # noqa: PLC0415 - what it opens is heard too

    cli.main()


if __name__ == "__main__":
    main()
