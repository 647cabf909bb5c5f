"""A person who reads the published file all the time; says what was wrong, then how often it read.

`python reading.py PUBLISHED`: until its standard input ends.
"""

import select
import sys
import time
from pathlib import Path

import duckdb

WHOLE = """
SELECT 'run ' || run_id || ' is ' || state FROM ops.runs WHERE state = 'running'
UNION ALL
SELECT 'cursor and rows of cras differ' FROM ops.sync_state s
WHERE stream = 'cras' AND complete AND rows <> (SELECT count(*) FROM raw.boond_cras)
UNION ALL
SELECT 'breaks without rows' FROM recon.cra_matches m
WHERE outcome <> 'matched' AND NOT EXISTS (FROM recon.breaks b WHERE b.break_id = m.break_id)
"""


def read(published: str) -> list[str]:
    """What is wrong with the published file."""
    try:
        with duckdb.connect(published, read_only=True) as connection:
            return [str(row[0]) for row in connection.execute(WHOLE).fetchall()]
    except duckdb.Error as error:
        return [repr(error)]


def main() -> None:
    """Reads until nobody wants it any more."""
    published, times, wrong = Path(sys.argv[1]), 0, set[str]()
    while not select.select([sys.stdin], [], [], 0)[0]:
        if published.exists():
            wrong |= set(read(str(published)))
            times += 1
        time.sleep(0.2)
    sys.stdout.write("\n".join([*sorted(wrong), str(times)]))


if __name__ == "__main__":
    main()
