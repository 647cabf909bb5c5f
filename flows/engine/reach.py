"""Whom a run has to reach: the vendors, the mail server, Prefect. One login each, nothing else."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import httpx

from flows.engine.checked import SOURCE, Check, fail, note, ok, warn
from flows.engine.run import gathered, settings_of
from flows.engine.wiring import NOBODY, OUTBOX_MAIL, World, doors, to_be_set
from flows.settings import ConfigurationError, Settings
from sources import mail
from sources.assumptions import of_streams
from sources.errors import SourceError
from sources.exchange import Call
from sources.smtp import SmtpDoor
from sources.streams import Assumption, Door
from sources.urls import is_loopback
from sources.wiring import tls_context
from transforms.policy import Policy

LONGEST_S = 60
"""Seconds that one of them has to answer, the retries of a transient failure among them."""
SKEW = timedelta(seconds=60)
WRONG_CLOCK = timedelta(minutes=5)
_PREFECT_S = 10
_HOURS_FROM = 3600
_VENDORS = {"boond": "BoondManager", "bill": "Bill.com"}
_SERVER_FAILURE = 500
_REFUSED = (401, 403)
_TOO_MANY = 429
_SLOWER = {
    "boond": "lower BOOND_BURST_PER_SECOND and BOOND_REQUESTS_PER_MINUTE",
    "bill": "end other programs that use BILL_COM_DEV_KEY",
}


async def vendors(
    settings: Settings, world: World, policy: Policy, *, closely: bool = False
) -> list[Check]:
    """Credentials and clock of each vendor; its calls count in the limit that all runs share.

    They are logged and not in `ops.api_calls`: the doctor is no run and writes nothing there.
    """
    apart: dict[str, timedelta] = {}
    calls: list[Call] = []

    def hear(source: str, theirs: datetime) -> None:
        apart[source] = world.now() - theirs

    try:
        opened = doors(settings, world, policy, on_call=calls.append, on_clock=hear)
    except ConfigurationError as error:
        return [fail("vendors", str(error), "set it right")]
    if not opened:
        said = "no vendor has credentials that can be used"
        return [fail("vendors", said, to_be_set(settings))]
    looking = (_examined(settings, world, door, closely=closely) for door in opened.values())
    tried = [check for checks in await asyncio.gather(*looking) for check in checks]
    left_out = [
        ok(name, "left out of the runs: its credentials are not set")
        for source, name in _VENDORS.items()
        if source not in opened
    ]
    bases = {"boond": settings.BOOND_BASE_URL, "bill": settings.BILL_COM_BASE_URL}
    clocks = [
        _clock(source, seen, stand_in=is_loopback(httpx.URL(bases[source]).host))
        for source, seen in sorted(apart.items())
    ]
    paces = [_pace(source, calls) for source in opened] if closely else []
    return [*tried, *left_out, *paces, *clocks]


async def _examined(settings: Settings, world: World, door: Door, *, closely: bool) -> list[Check]:
    """A vendor's login and, looked at closely, what its dialect takes for granted."""
    try:
        login = await _login(settings, door.source, door)
        if login.state != "ok" or not closely:
            return [login]
        found = [one async for one in door.assumptions()]
        found += [one async for one in of_streams(door, world.now())]
        answers = [_assumption(door.source, one) for one in found if not one.refused]
        refused = [one.refused for one in found if one.refused]
        return [login, *answers, *_refused(settings, door.source, refused)]
    finally:
        await door.aclose()


def _refused(settings: Settings, source: str, errors: Sequence[SourceError]) -> list[Check]:
    """What a run would fail by, a line for all that is refused alike."""
    what = f"{_VENDORS[source]} refuses"
    return [
        fail(what, said, one.error.advice if one.error.settles else f"see {one.hint}", SOURCE)
        for one in gathered(settings, errors)
        if (said := f"{', '.join(one.operations)}: {one.error.code}: {one.error.message}")
    ]


def _assumption(source: str, found: Assumption) -> Check:
    what = f"{_VENDORS[source]}: {found.what}"
    if found.holds:
        return ok(what, found.said)
    to_do = found.advice if found.holds is False else ""
    return warn(what, found.said, to_do) if to_do else note(what, found.said)


async def _login(settings: Settings, source: str, door: Door) -> Check:
    try:
        async with asyncio.timeout(LONGEST_S):
            await door.login()
    except SourceError as error:
        see = f"see {settings_of(settings, source, error.kind)}"
        said = f"{error.operation}: {error.code}: {error.message}"
        return fail(_VENDORS[source], said, error.advice if error.settles else see, SOURCE)
    except TimeoutError:
        said = f"no login within {LONGEST_S} s"
        return fail(_VENDORS[source], said, f"see {settings_of(settings, source)}", SOURCE)
    return ok(_VENDORS[source], "login accepted")


def _pace(source: str, calls: Sequence[Call]) -> Check:
    """Whether the vendor bore the pace at which it was asked."""
    what = f"pace, {_VENDORS[source]}"
    ours = [call for call in calls if call.source == source]
    refused = sum(call.status == _TOO_MANY for call in ours)
    said = f"{len(ours)} requests, {refused or 'none'} refused for coming too fast"
    return warn(what, said, _SLOWER[source]) if refused else ok(what, said)


def _clock(source: str, apart: timedelta, *, stand_in: bool) -> Check:
    """How far our clock is from a vendor's; one that stands on this machine plays its own day."""
    what = f"clock, {_VENDORS[source]}"
    said = f"ours is {_length(apart)} {'ahead of' if apart > timedelta() else 'behind'} theirs"
    do = "set this machine's clock by NTP"
    if stand_in and abs(apart) > SKEW:
        return ok(what, f"{said}: a stand-in on this machine, with a day of its own")
    if abs(apart) > WRONG_CLOCK:
        return fail(what, said, do)
    return warn(what, said, do) if abs(apart) > SKEW else ok(what, said)


def _length(apart: timedelta) -> str:
    seconds = abs(apart.total_seconds())
    return f"{seconds:.0f} s" if seconds < _HOURS_FROM else f"{seconds / 3600:.1f} h"


async def mail_server(settings: Settings, world: World) -> Check:
    """The mail server: connection and greeting, no login and no mail."""
    if settings.SMTP_URL is None:
        kept = settings.WAREHOUSE_PATH.parent / OUTBOX_MAIL
        return ok("mail", f"SMTP_URL is not set: mails are files in {kept}")
    server = mail.mail_server(settings.SMTP_URL.get_secret_value())
    sender = mail.mailbox(settings.MAIL_FROM or NOBODY)
    door = SmtpDoor(server, sender, world.now, tls_context(tls12=settings.RAPPROCHE_TLS12))
    try:
        async with asyncio.timeout(LONGEST_S):
            await door.greet()
    except SourceError as error:
        return fail("mail", f"{server.host}: {error.message}", "see SMTP_URL", SOURCE)
    except TimeoutError:
        return fail("mail", f"{server.host}: no greeting", "see SMTP_URL", SOURCE)
    return ok("mail", f"{server.host} answers; user and password are not tried")


async def prefect(url: str | None, transport: httpx.AsyncBaseTransport | None = None) -> Check:
    """Prefect's API, where one is configured."""
    if url is None:
        return ok("Prefect", "not configured: commands do their work directly")
    auth = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    signed = httpx.BasicAuth(auth[0], auth[2]) if auth[1] else None
    host = httpx.URL(url).host
    try:
        async with httpx.AsyncClient(transport=transport, timeout=_PREFECT_S) as client:
            answer = await client.get(f"{url.rstrip('/')}/admin/version", auth=signed)
    except httpx.HTTPError as error:
        said = f"{host} does not answer ({type(error).__name__})"
        return fail("Prefect", said, "start its server, or unset PREFECT_API_URL", SOURCE)
    if answer.status_code in _REFUSED:
        return fail("Prefect", f"{host} refuses us", "see PREFECT_API_AUTH_STRING", SOURCE)
    if answer.status_code >= _SERVER_FAILURE:
        return fail("Prefect", f"HTTP {answer.status_code}", "look at its server's log", SOURCE)
    return ok("Prefect", f"{host} answers")


async def secret_blocks() -> Mapping[str, str]:
    """Secrets that stand in Prefect; imports it, so only where its API answers."""
    from flows import orchestration  # noqa: PLC0415 - Prefect takes 2 s to import

    return await orchestration.secret_blocks()
