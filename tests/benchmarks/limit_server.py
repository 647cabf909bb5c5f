"""A BoondManager that enforces its limits on what arrives, and says afterwards what arrived.

`python -m tests.benchmarks.limit_server PORT QUIET_AFTER QUIET_SECONDS SECONDS:CALLS…`
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn


@dataclass
class Counter:
    """Arrivals, held to so many in any so many seconds.

    Attributes:
        windows: seconds, and the calls allowed in any so many seconds; the longest first.
        arrivals: the second of each.
        refused: how many were one too many.
    """

    windows: Sequence[tuple[float, int]]
    arrivals: list[float] = field(default_factory=list)
    refused: int = 0

    def admits(self, at: float) -> bool:
        """Counts an arrival; False where it is one too many. All count, as with a strict vendor."""
        full = any(
            len(self.arrivals) >= calls and at - self.arrivals[-calls] <= seconds
            for seconds, calls in self.windows
        )
        self.arrivals.append(at)
        self.refused += full
        return not full

    def used(self) -> float:
        """The share of the longest window's allowance that was used.

        It is how late the first call of the last window came, against the earliest it could.
        """
        seconds, calls = self.windows[0]
        whole = (len(self.arrivals) - 1) // calls
        return whole * seconds / (self.arrivals[whole * calls] - self.arrivals[0])


class Vendor:
    """The vendor as an ASGI application; it may ask for quiet once.

    Args:
        counter: the limits.
        quiet_after: the number of the arrival that is answered 429; 0 for none.
        quiet_s: its Retry-After.
    """

    def __init__(self, counter: Counter, quiet_after: int, quiet_s: float) -> None:
        self.counter = counter
        self.quiet_after = quiet_after
        self.quiet_s = quiet_s
        self.quiet_from: float | None = None
        self.held: dict[str, dict[str, Any]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        status, said, headers = 200, self._report(), []
        if scope["path"] != "/report":
            at = time.monotonic()
            admitted = self.counter.admits(at)
            content = (await receive()).get("body", b"") if scope["method"] == "PUT" else b""
            said = self._answer(scope["path"], content)
            if len(self.counter.arrivals) == self.quiet_after:
                self.quiet_from, admitted = at, False
            if not admitted:
                status, headers = 429, [(b"retry-after", str(self.quiet_s).encode())]
        body = json.dumps(said).encode()
        headers += [(b"content-type", b"application/json")]
        headers += [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str, content: bytes) -> dict[str, Any]:
        if path.endswith("/token"):
            return {"access_token": "granted-by-bench", "expires_in": 3600}
        id_ = path.rsplit("/", 1)[1]
        held = self.held.setdefault(id_, {"id": id_, "status": "submitted"})
        held |= json.loads(content) if content else {}
        return {"data": held}

    def _report(self) -> dict[str, Any]:
        counter = self.counter
        return {
            "arrivals": counter.arrivals,
            "refused": counter.refused,
            "used": counter.used() if len(counter.arrivals) > counter.windows[0][1] else 0.0,
            "quiet_from": self.quiet_from,
        }


def main(port: str, quiet_after: str, quiet_s: str, *windows: str) -> None:
    """Serves until it is ended."""
    pairs = [window.split(":") for window in windows]
    counter = Counter([(float(seconds), int(calls)) for seconds, calls in pairs])
    vendor = Vendor(counter, int(quiet_after), float(quiet_s))
    uvicorn.run(vendor, host="127.0.0.1", port=int(port), log_level="error", lifespan="off")


if __name__ == "__main__":
    main(*sys.argv[1:])
