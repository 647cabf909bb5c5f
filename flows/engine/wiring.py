"""All wiring in one place: a run with its warehouse, lock, doors and record (running.md).

Nothing is built at import. What is opened here is closed here, whatever happens inside.
"""

import asyncio
import getpass
import hashlib
import logging
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
from platformdirs import user_cache_dir
from pydantic import SecretStr

from flows import logs, metrics
from flows.engine import alarms
from flows.engine.run import Driver, Run, new_run_id, paris_today
from flows.settings import (
    LIVE,
    ConfigurationError,
    Settings,
    exposed_file,
    read_policy,
)
from sources import mail, sms, smtp
from sources.bill import Bill
from sources.bill_live import BillLive
from sources.boond import Boond
from sources.boond_live.door import BoondLive
from sources.errors import Secrets, SourceError
from sources.exchange import Call
from sources.mail import MessageDoor
from sources.streams import Door
from sources.urls import is_loopback
from sources.wiring import Wiring, tls_context
from store import runs
from store.journal import Journal
from store.lock import waited_lock
from store.publishing import publish
from store.warehouse import Places, Warehouse
from transforms.commands import EMAIL, SMS
from transforms.policy import Policy

log = logging.getLogger("rapproche")
OUTBOX_MAIL = "outbox-mail"
"""Folder beside the warehouse in which mails lie where no mail server is set."""
NOBODY = "Rapproche <rapproche@localhost>"
"""Sender of mails that only lie in a folder, where MAIL_FROM is not set."""


@dataclass(frozen=True)
class World:
    """What is outside: the clock, what the machine shares and, in tests, the network.

    `cache` is where the processes of the machine share the vendors' limits; it lies outside the
    warehouse, since two warehouses may use one account. `messages` stand in for the ways out that
    the settings name; `jitter` spreads the waits before retries.
    """

    now: Callable[[], datetime]
    transport: httpx.AsyncBaseTransport | None = None
    cache: Path = field(default_factory=lambda: Path(user_cache_dir("rapproche")))
    messages: Callable[[], dict[str, MessageDoor]] | None = None
    new_run_id: Callable[[], str] = new_run_id
    jitter: Callable[[], float] = random.random


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
    _warn_of_settings()
    day = as_of or paris_today(world.now())
    run = Run(
        *(flow, parameters, settings, policy, day, None, {}, driver, world.now),  # type: ignore[arg-type]
        run_id=world.new_run_id(),
        messages=world.messages or (lambda: message_doors(settings, world.now)),
    )
    places = Places(settings.WAREHOUSE_PATH)
    wait = settings.RAPPROCHE_RUN_LOCK_WAIT
    with (
        await waited_lock(places.lock, run.run_id, flow, wait_seconds=wait),
        Warehouse.open(settings.WAREHOUSE_PATH) as warehouse,
        logs.about(run=run.run_id, flow=flow),
    ):
        run.warehouse = warehouse
        asked = {**parameters, "as_of": day, **_told_of(policy)}
        for lost in runs.begin(warehouse, run.run_id, flow, asked, world.now()):
            log.warning("an earlier run was cut off crashed=%s", lost)
        log.info("run began as_of=%s", day)
        try:
            run.journal = Journal(places.journal, run.run_id, getpass.getuser())
            run.doors = doors(settings, world, policy, on_call=run.heard, on_masked=run.echoed)
            yield run
        except BaseException as error:
            with suppress(Exception):  # what stopped the run is what is to be said
                await _close(run, "failed", error)
            raise
        else:
            await _close(run, run.outcome().state)
        finally:
            await asyncio.gather(*(door.aclose() for door in run.doors.values()))
            if run.journal:
                run.journal.close()


def _warn_of_settings() -> None:
    if exposed := exposed_file():
        log.warning("%s can be read by every user of this machine: chmod 600", exposed)


def _told_of(policy: Policy) -> dict[str, Any]:
    """Who started a run, and the policy that it stands on: for those who ask afterwards."""
    return {
        "os_user": getpass.getuser(),
        "host": socket.gethostname(),
        "policy": policy.model_dump(mode="json"),
    }


async def _close(run: Run, state: str, error: BaseException | None = None) -> None:
    """Tells operations, then records and publishes, also where telling is interrupted."""
    try:
        await _tell(run, state, error)
    finally:
        _end(run, state)


async def _tell(run: Run, state: str, error: BaseException | None = None) -> None:
    """Tells operations, as far as it can; a person who interrupts a run knows."""
    if error is not None and not isinstance(error, Exception):
        return
    try:
        run.write_audit()
        await alarms.tell(run, state, error)
    except Exception:
        log.exception("operations could not be told")


def _end(run: Run, state: str) -> None:
    columns = set(run.warehouse.columns("ops.runs"))
    counts = {name: value for name, value in run.counts.items() if name in columns}
    run.write_audit()
    runs.end(run.warehouse, run.run_id, state, counts, run.now())
    log.info("run ended state=%s%s", state.replace(" ", "_"), logs.pairs(counts))
    try:
        publish(run.warehouse, group=run.settings.WAREHOUSE_GROUP)
    except Exception:
        # Nobody can read what it did: the next run's record of it is not to say otherwise.
        with suppress(Exception):
            runs.end(run.warehouse, run.run_id, "failed", counts, run.now())
        raise
    metrics.leave(run.warehouse, run.settings)


def doors(
    settings: Settings,
    world: World,
    policy: Policy,
    *,
    on_call: Callable[[Call], None] | None = None,
    on_masked: Callable[[str, int], None] | None = None,
    on_clock: Callable[[str, datetime], None] | None = None,
) -> dict[str, Door]:
    """The vendors whose credentials are set, each in its dialect; `Wiring` says who hears what.

    Raises:
        ConfigurationError: the environment names a proxy that cannot be used.
    """
    wiring = Wiring(
        now=world.now,
        transport=world.transport,
        retry_base=settings.RAPPROCHE_RETRY_BASE,
        requests_per_minute=settings.BOOND_REQUESTS_PER_MINUTE,
        burst_per_second=settings.BOOND_BURST_PER_SECOND,
        tls12=settings.RAPPROCHE_TLS12,
        jitter=world.jitter,
        secrets=Secrets(*settings.secrets),
        on_call=on_call,
        on_masked=on_masked,
        on_clock=on_clock,
    )
    opened: dict[str, Door] = {}
    try:
        if settings.has_boond:
            opened["boond"] = _boond(settings, wiring, world, policy)
        if settings.has_bill:
            opened["bill"] = _bill(settings, wiring, world.cache)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    return opened


def limits_directory(cache: Path, base_url: str, account: str | None) -> Path:
    """Where the limit of one account at a vendor is shared."""
    return cache / "limits" / hashlib.sha256(f"{base_url} {account}".encode()).hexdigest()[:16]


def _boond(settings: Settings, wiring: Wiring, world: World, policy: Policy) -> Door:
    if settings.BOOND_DIALECT == LIVE:
        return _boond_live(settings, wiring, world, policy)
    secret, key = settings.BOOND_CLIENT_SECRET, settings.BOOND_API_KEY
    limits = limits_directory(world.cache, settings.BOOND_BASE_URL, settings.BOOND_CLIENT_ID)
    return Boond(
        replace(wiring, state_dir=limits),
        base_url=settings.BOOND_BASE_URL,
        auth_url=settings.BOOND_AUTH_URL,
        client_id=settings.BOOND_CLIENT_ID,
        client_secret=secret.get_secret_value() if secret else None,
        api_key=key.get_secret_value() if key else None,
        validator_id=settings.BOOND_VALIDATOR_ID,
    )


def _boond_live(settings: Settings, wiring: Wiring, world: World, policy: Policy) -> Door:
    tenant = _plain(settings.BOOND_CLIENT_TOKEN) or settings.BOOND_BASIC_USER
    limits = limits_directory(world.cache, settings.BOOND_BASE_URL, tenant)
    return BoondLive(
        replace(wiring, state_dir=limits),
        base_url=settings.BOOND_BASE_URL,
        user_token=_plain(settings.BOOND_USER_TOKEN),
        client_token=_plain(settings.BOOND_CLIENT_TOKEN),
        client_key=_plain(settings.BOOND_CLIENT_KEY),
        basic_user=settings.BOOND_BASIC_USER,
        basic_password=_plain(settings.BOOND_BASIC_PASSWORD),
        validator_id=settings.BOOND_VALIDATOR_ID,
        currency=settings.BOOND_CURRENCY,
        cra_months=settings.RAPPROCHE_CRA_MONTHS,
        states=policy.boond_states.words(),
        today=lambda: paris_today(world.now()),
    )


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _bill(settings: Settings, wiring: Wiring, cache: Path) -> Door:
    password, key = settings.BILL_COM_PASSWORD, settings.BILL_COM_DEV_KEY
    if not (settings.BILL_COM_USERNAME and settings.BILL_COM_ORG_ID and password and key):
        raise ConfigurationError("BILL_COM_PASSWORD is missing")
    # BILL counts by developer key, the gateway by account.
    live = settings.BILL_COM_DIALECT == LIVE
    account = key.get_secret_value() if live else settings.BILL_COM_USERNAME
    limits = limits_directory(cache, settings.BILL_COM_BASE_URL, account)
    door: type[Bill | BillLive] = BillLive if live else Bill
    return door(
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


def to_be_set(settings: Settings) -> str:
    """What to set so that at least one vendor is asked."""
    return (
        f"set {settings.boond_credentials[0]} or BILL_COM_USERNAME, and what goes with it in"
        f" BOOND_DIALECT={settings.BOOND_DIALECT}, BILL_COM_DIALECT={settings.BILL_COM_DIALECT};"
        " see .env.example"
    )


async def log_in(run: Run) -> None:
    """Tries the credentials of every door before anything is planned; a refused door is closed.

    A vendor without credentials is left out, and the log says so.

    Raises:
        ConfigurationError: no vendor has credentials at all.
    """
    if not run.doors:
        raise ConfigurationError(f"no vendor's credentials are set: {to_be_set(run.settings)}")
    wanted = " or ".join(run.settings.boond_credentials)
    if "boond" not in run.doors:
        log.warning("BoondManager is left out: %s is not set", wanted)
    if "bill" not in run.doors:
        log.warning("Bill.com is left out: BILL_COM_USERNAME is not set")
    for source, door in list(run.doors.items()):
        try:
            await run.driver.step(f"log in to {source}", door.login)
        except SourceError as error:
            run.unreachable(error)
            await run.doors.pop(source).aclose()
