"""One of several processes that call one vendor through one shared limit.

`python -m tests.benchmarks.limit_caller URL FOLDER CALLS SECONDS:CALLS…`
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from sources.wiring import Wiring
from tests.flows.validating import door

AT_ONCE = 4


class Shortened(Wiring):
    """Wiring whose windows are those that the command line names."""

    @property
    def windows(self) -> tuple[tuple[float, int], ...]:
        """Seconds, and the calls allowed in any so many seconds."""
        pairs = [window.split(":") for window in sys.argv[4:]]
        return tuple((float(seconds), int(calls)) for seconds, calls in pairs)


async def main(url: str, folder: str, calls: int) -> None:
    """Makes the calls, some at once; prints how many were answered."""
    boond = door(Shortened(lambda: datetime.now(UTC), Path(folder)), url)
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> bool:
        async with places:
            return await boond.one("cras", f"CRA-{number}") is not None

    answered = await asyncio.gather(*map(one, range(calls)))
    await boond.aclose()
    print(json.dumps({"answered": sum(answered)}))  # noqa: T201 - the one line that is asked for


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
