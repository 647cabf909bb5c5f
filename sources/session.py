"""Credentials that a vendor gave for a while: one login for all callers (P01, P02, P04, P10)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sources.errors import Authentication, SourceError
from sources.exchange import Ask

_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True)
class Grant:
    """A token or session; `expires_at` None lasts for ever, `refresh` renews it."""

    secret: str = field(repr=False)
    given_at: datetime | None = None
    expires_at: datetime | None = None
    refresh: str | None = field(default=None, repr=False)

    def fresh(self, now: datetime) -> bool:
        """Whether it may still be used: until 5 minutes before its end, or half of a short life."""
        if self.expires_at is None or self.given_at is None:
            return True
        return now < self.expires_at - min(_MARGIN, (self.expires_at - self.given_at) / 2)


class Session:
    """The grant that all callers of one door share.

    A refusal of the credentials is remembered: the same password is never tried twice, since a
    second try locks accounts (bill.md).

    Args:
        source: the vendor.
        obtain: logs in, given the grant that is to be renewed or None.
        sign: the request with the grant in it.
        now: the clock.
        renewable: False for credentials that no login can replace, such as an API key.
        idle: how long a grant lasts without a call; each call begins that time anew.
    """

    def __init__(
        self,
        source: str,
        obtain: Callable[[Grant | None, int], Awaitable[Grant]],
        sign: Callable[[Ask, Grant], Ask],
        now: Callable[[], datetime],
        *,
        renewable: bool = True,
        idle: timedelta | None = None,
    ) -> None:
        self.sign = sign
        self.renewable = renewable
        self._log = logging.getLogger(f"rapproche.{source}")
        self._obtain = obtain
        self._now = now
        self._grant: Grant | None = None
        self._refusal: Authentication | None = None
        self._idle = idle
        self._used_at: datetime | None = None
        self._tries = 0
        self._turn = asyncio.Lock()

    async def current(self) -> Grant:
        """A grant that is good now; logs in when there is none.

        Raises:
            SourceError: the login failed.
        """
        grant = self._usable()
        if grant is None:
            async with self._turn:
                grant = self._usable() or await self._login()
        self._used_at = self._now()
        return grant

    def drop(self, refused: Grant) -> None:
        """Forgets a grant that the vendor refused, unless it has been replaced already."""
        if self._grant is refused:
            self._log.warning("session refused by the vendor")
            self._grant = None

    def _usable(self) -> Grant | None:
        grant = self._grant
        return (
            grant if grant is not None and grant.fresh(self._now()) and not self._idled() else None
        )

    def _idled(self) -> bool:
        """Whether so little is left of the time without calls that the next may come too late."""
        if self._idle is None or self._used_at is None:
            return False
        return self._now() - self._used_at > self._idle - _MARGIN

    async def _login(self) -> Grant:
        if self._refusal is not None:
            raise self._refusal
        if self._grant is not None:
            self._log.info("session near its end, renewed")
        self._tries += 1
        try:
            self._grant = await self._obtain(self._grant, self._tries)
        except SourceError as error:
            self._log.warning("login failed code=%s attempt=%d", error.code, self._tries)
            self._refusal = error if isinstance(error, Authentication) else None
            raise
        except asyncio.CancelledError:
            self._log.warning("login interrupted attempt=%d", self._tries)
            raise
        self._log.info("login ok attempt=%d", self._tries)
        self._tries = 0
        return self._grant
