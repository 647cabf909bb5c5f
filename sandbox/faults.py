"""Fault profiles: what goes wrong between a vendor and its callers.

A profile is said as `[vendor:]name[=argument]`, several of them with commas: `flaky`,
`bill:down`, `boond:broken-rows=cras,bill:lost-replies=0.5`. The argument of `broken-rows` is a
stream (all of them unless told), that of `flaky`, `lost-replies` and of each mishap
(`sandbox.mishaps`) the share of calls that fail.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random

import httpx

from sandbox import bill_gateway, boond_shapes
from sandbox.mishaps import MISHAPS, CutError, Exchange
from sandbox.wire import Manners, Refusal

VENDORS = ("boond", "bill")
STREAMS = ("", *boond_shapes.BROKEN, *bill_gateway.BROKEN)
PROFILES = (
    "none",
    "flaky",
    "down",
    "ignores-filters",
    "moving-pages",
    "broken-rows",
    "no-meta",
    "empty-pages",
    "lost-replies",
    *MISHAPS,
)
READS = {"GET", "HEAD"}
# The share of calls that fail unless told.
SHARES = {"flaky": 0.25, "lost-replies": 1.0} | dict.fromkeys(MISHAPS, 0.05)
FAILURES_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Profile:
    """A fault: its name, and the stream or the share of calls that it is about."""

    name: str
    stream: str | None = None
    share: float = 1.0


def parse(text: str) -> dict[str, list[Profile]]:
    """Returns vendor → profiles of what a command line or a call says.

    Raises:
        ValueError: for an unknown vendor or profile.
    """
    wanted: dict[str, list[Profile]] = {vendor: [] for vendor in VENDORS}
    for part in filter(None, (word.strip() for word in text.split(","))):
        vendor, colon, said = part.rpartition(":")
        if colon and vendor not in VENDORS:
            raise ValueError(f"unknown fault {part!r}; vendors: {', '.join(VENDORS)}")
        for which in [vendor] if colon else VENDORS:
            wanted[which].append(_profile(said))
    return wanted


def _profile(said: str) -> Profile:
    name, _, argument = said.partition("=")
    if name not in PROFILES:
        raise ValueError(f"unknown fault {said!r}; known: {', '.join(PROFILES)}")
    if name not in SHARES:
        if argument not in STREAMS:
            raise ValueError(f"unknown stream in fault {said!r}; known: {', '.join(STREAMS)}")
        return Profile(name, argument or None)
    share = float(argument or SHARES[name])
    if not 0 <= share <= 1:
        raise ValueError(f"the share of {name} is not between 0 and 1: {share}")
    return Profile(name, share=share)


def manners(profiles: list[Profile]) -> Manners:
    """Returns how a vendor's lists misbehave under these profiles."""
    names = {profile.name for profile in profiles}
    broken = [p.stream or "*" for p in profiles if p.name == "broken-rows"]
    return Manners(
        ignores_filters="ignores-filters" in names,
        moving_pages="moving-pages" in names,
        no_meta="no-meta" in names,
        empty_pages="empty-pages" in names,
        broken_stream=broken[0] if broken else None,
    )


@dataclass(slots=True)
class Line:
    """The line to one vendor, with its faults; chance is seeded.

    `script` names the mishap of a request, before chance is asked.
    """

    rng: Random
    profiles: list[Profile] = field(default_factory=list)
    script: Callable[[httpx.Request], str | None] = lambda _: None
    _failures: dict[str, int] = field(default_factory=dict)

    def carry(self, exchange: Exchange, path: str) -> httpx.Response:
        """Passes a request on, or fails it.

        Raises:
            CutError: when the connection is cut.
            HangError: when no answer arrives.
            Refusal: when the vendor's front answers instead of the vendor.
        """
        names = {profile.name: profile.share for profile in self.profiles}
        if "down" in names:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "down for maintenance")
        if "flaky" in names and exchange.request.method in READS:
            self._stumble(path, names["flaky"])
        mishap = self.script(exchange.request) or self._chance(names)
        response = MISHAPS[mishap](exchange) if mishap else exchange.act()
        login = path.endswith(("/login", "/token"))
        lost = self.rng.random() < names.get("lost-replies", 0)
        if lost and exchange.request.method not in READS and not login:
            raise CutError(sent=True)
        return response

    def _chance(self, shares: dict[str, float]) -> str | None:
        return next((n for n in shares if n in MISHAPS and self.rng.random() < shares[n]), None)

    def _stumble(self, path: str, share: float) -> None:
        """Fails a read now and then, but never one path more than twice in a row."""
        failed = self._failures.get(path, 0)
        if failed >= FAILURES_IN_A_ROW or self.rng.random() >= share:
            self._failures[path] = 0
            return
        self._failures[path] = failed + 1
        status = self.rng.choice((429, 500, 503, None))
        if status is None:
            raise CutError(sent=False)
        headers = {"Retry-After": "1"} if status == HTTPStatus.TOO_MANY_REQUESTS else None
        raise Refusal(HTTPStatus(status), "flaky", "try again", headers)
