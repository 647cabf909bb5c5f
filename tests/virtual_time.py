"""Virtual time: what waits for hours takes none."""

import asyncio
import selectors
from typing import Any


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: what would have been waited for is added to the clock."""

    elapsed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout:
            self.elapsed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is left."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # Floats near zero would hide a nanosecond between a timer and the clock.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """The virtual seconds so far."""
        return self._jumping.elapsed
