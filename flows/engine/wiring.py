"""All wiring in one place: a run with its warehouse, lock, doors and record (running.md).

Nothing is built at import. What is opened here is closed here, whatever happens inside.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
from platformdirs import user_cache_dir

from flows.engine.run import Driver, Run, paris_today
from flows.settings import ConfigurationError, Settings, read_policy, unread_names
from sources import mail, sms, smtp
from sources.bill import Bill
from sources.boond import Boond
from sources.errors import SourceError
from sources.mail import MessageDoor
from sources.streams import Door
from sources.wiring import Wiring, is_loopback, tls_context
from store import runs
from store.lock import run_lock
from store.publishing import publish
from store.warehouse import Places, Warehouse
from transforms.commands import EMAIL, SMS

log = logging.getLogger("rapproche")
OUTBOX_MAIL = "outbox-mail"
"""Folder beside the warehouse in which mails lie where no mail server is set."""
NOBODY = "Rapproche <rapproche@localhost>"
"""Sender of mails that only lie in a folder, where MAIL_FROM is not set."""
_LEFT_OUT = {
    "boond": "BoondManager is left out: BOOND_CLIENT_ID or BOOND_API_KEY is not set",
    "bill": "Bill.com is left out: BILL_COM_USERNAME is not set",
}


@dataclass(frozen=True)
class World:
    """What is outside: the clock, what the machine shares and, in tests, the network.

    `cache` is where the processes of the machine share the vendors' limits; it lies outside the
    warehouse, since two warehouses may use one account.
    """

    now: Callable[[], datetime]
    transport: httpx.AsyncBaseTransport | None = None
    cache: Path = field(default_factory=lambda: Path(user_cache_dir("rapproche")))


@asynccontextmanager
async def open_run(
    flow: str,
    settings: Settings,
    driver: Driver,
    world: World,
    *,
    as_of: date | None = None,
    **parameters: Any,
) -> AsyncIterator[Run]:
    """A run that holds the lock and the working file; at its end it is recorded and published.

    Raises:
        ConfigurationError: `policy.toml` is wrong.
        LockedError: another run held the lock for too long.
        StoreError: the warehouse cannot be written.
    """
    policy = read_policy(settings.POLICY_FILE)
    _check_messages(settings)
    day = as_of or paris_today(world.now())
    for name in unread_names():
        log.warning("%s is set, and nothing reads it yet", name)
    run = Run(flow, parameters, settings, policy, day, None, {}, driver, world.now)  # type: ignore[arg-type]
    places = Places(settings.WAREHOUSE_PATH)
    with (
        run_lock(places.lock, run.run_id, flow, wait_seconds=settings.RAPPROCHE_RUN_LOCK_WAIT),
        Warehouse.open(settings.WAREHOUSE_PATH) as warehouse,
    ):
        run.warehouse = warehouse
        runs.begin(warehouse, run.run_id, flow, {**parameters, "as_of": day}, world.now())
        run.doors = doors(settings, world, run)
        try:
            yield run
        except BaseException:
            with suppress(Exception):  # what stopped the run is what is to be said
                _end(run, "failed")
            raise
        else:
            _end(run, run.outcome().state)
        finally:
            await asyncio.gather(*(door.aclose() for door in run.doors.values()))


def _end(run: Run, state: str) -> None:
    columns = set(run.warehouse.columns("ops.runs"))
    counts = {name: value for name, value in run.counts.items() if name in columns}
    run.write_audit()
    runs.end(run.warehouse, run.run_id, state, counts, run.now())
    publish(run.warehouse, group=run.settings.WAREHOUSE_GROUP)


def doors(settings: Settings, world: World, run: Run) -> dict[str, Door]:
    """The vendors whose credentials are set."""
    wiring = Wiring(
        now=world.now,
        transport=world.transport,
        on_call=run.heard,
        retry_base=settings.RAPPROCHE_RETRY_BASE,
        requests_per_minute=settings.BOOND_REQUESTS_PER_MINUTE,
        burst_per_second=settings.BOOND_BURST_PER_SECOND,
        tls12=settings.RAPPROCHE_TLS12,
    )
    opened: dict[str, Door] = {}
    if settings.has_boond:
        opened["boond"] = _boond(settings, wiring, world.cache)
    if settings.has_bill:
        opened["bill"] = _bill(settings, wiring, world.cache)
    return opened


def limits_directory(cache: Path, base_url: str, account: str | None) -> Path:
    """Where the limit of one account at a vendor is shared."""
    return cache / "limits" / hashlib.sha256(f"{base_url} {account}".encode()).hexdigest()[:16]


def _boond(settings: Settings, wiring: Wiring, cache: Path) -> Door:
    secret, key = settings.BOOND_CLIENT_SECRET, settings.BOOND_API_KEY
    limits = limits_directory(cache, settings.BOOND_BASE_URL, settings.BOOND_CLIENT_ID)
    return Boond(
        replace(wiring, state_dir=limits),
        base_url=settings.BOOND_BASE_URL,
        auth_url=settings.BOOND_AUTH_URL,
        client_id=settings.BOOND_CLIENT_ID,
        client_secret=secret.get_secret_value() if secret else None,
        api_key=key.get_secret_value() if key else None,
        validator_id=settings.BOOND_VALIDATOR_ID,
    )


def _bill(settings: Settings, wiring: Wiring, cache: Path) -> Door:
    password, key = settings.BILL_COM_PASSWORD, settings.BILL_COM_DEV_KEY
    if not (settings.BILL_COM_USERNAME and settings.BILL_COM_ORG_ID and password and key):
        raise ConfigurationError("BILL_COM_PASSWORD is missing")
    limits = limits_directory(cache, settings.BILL_COM_BASE_URL, settings.BILL_COM_USERNAME)
    return Bill(
        replace(wiring, state_dir=limits),
        base_url=settings.BILL_COM_BASE_URL,
        username=settings.BILL_COM_USERNAME,
        password=password.get_secret_value(),
        organization_id=settings.BILL_COM_ORG_ID,
        dev_key=key.get_secret_value(),
    )


def _check_messages(settings: Settings) -> None:
    """Refuses what no message could go out by, and warns of a password in the clear."""
    if settings.SMS_URL:
        try:
            sms.check(settings.SMS_URL.get_secret_value())
        except ValueError as error:
            raise ConfigurationError(f"SMS_URL: {error}") from None
    if settings.SMTP_URL:
        server = mail.mail_server(settings.SMTP_URL.get_secret_value())
        if server.security == "plain" and server.password and not is_loopback(server.host):
            log.warning(
                "SMTP_URL sends its password in the clear: use smtp+starttls:// or smtps://"
            )


def message_doors(settings: Settings, now: Callable[[], datetime]) -> dict[str, MessageDoor]:
    """The ways out for messages by the kind of their commands."""
    url, sender = settings.SMTP_URL, mail.mailbox(settings.MAIL_FROM or NOBODY)
    mails: MessageDoor
    if url:
        server = mail.mail_server(url.get_secret_value())
        tls = tls_context(tls12=settings.RAPPROCHE_TLS12)
        mails = smtp.SmtpDoor(server, sender, now, tls)
    else:
        mails = mail.Folder(settings.WAREHOUSE_PATH.parent / OUTBOX_MAIL, sender, now)
    opened: dict[str, MessageDoor] = {EMAIL: mails}
    if settings.SMS_URL:
        opened[SMS] = sms.SmsDoor(settings.SMS_URL.get_secret_value())
    return opened


async def log_in(run: Run) -> None:
    """Tries the credentials of every door before anything is planned; a refused door is closed.

    A vendor without credentials is left out, and the log says so.

    Raises:
        ConfigurationError: no vendor has credentials at all.
    """
    if not run.doors:
        raise ConfigurationError(
            "no vendor's credentials are set: set BOOND_CLIENT_ID or BILL_COM_USERNAME;"
            " see .env.example"
        )
    for source, said in _LEFT_OUT.items():
        if source not in run.doors:
            log.warning(said)
    for source, door in list(run.doors.items()):
        try:
            await run.driver.step(f"log in to {source}", door.login)
        except SourceError as error:
            run.unreachable(error)
            await run.doors.pop(source).aclose()
        finally:
            run.write_audit()
