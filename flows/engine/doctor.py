"""Looks at all that a run needs, without being one: no lock, no write, one login a vendor.

What is wrong with one thing keeps no other from being looked at.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from flows.engine import backlog, premises, reach
from flows.engine.checked import CONFIGURATION, SOURCE, Check, fail, ok, warn
from flows.engine.report import Table
from flows.engine.wiring import World
from flows.settings import ConfigurationError, Settings, read_policy, salvage
from sources import sms
from store.publishing import read_published
from store.warehouse import Places, StoreError
from transforms.policy import Policy

log = logging.getLogger("rapproche.doctor")
_GRAVEST_FIRST = (CONFIGURATION, SOURCE)


@dataclass(frozen=True)
class Examined:
    """What was found."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """2 for the configuration, else 3 for a source, else 1 for what a person should see."""
        codes = {check.exit_code for check in self.checks}
        return next((code for code in _GRAVEST_FIRST if code in codes), max(codes))


async def examine(world: World, prefect_url: str | None, *, vendor: bool = False) -> Examined:
    """Looks at everything.

    Args:
        world: clock, network and shared places.
        prefect_url: of the Prefect API, where one is configured.
        vendor: also asks each vendor what its dialect takes for granted, with reads alone.
    """
    orchestrated = await reach.prefect(prefect_url)
    supplied = await _supplied() if prefect_url and orchestrated.state == "ok" else {}
    settings, wrong = salvage(supplied)
    policy, judged = _policy(settings.POLICY_FILE)
    places = Places(settings.WAREHOUSE_PATH)
    checks = [
        *_settings(settings, wrong),
        judged,
        *premises.look(places, settings.DECLARATIONS_DIR, world.cache, world.now()),
        *_published(places, policy, world),
        *await reach.vendors(settings, world, policy, closely=vendor),
        await reach.mail_server(settings, world),
        orchestrated,
    ]
    return Examined(tuple(checks))


async def _supplied() -> Mapping[str, str]:
    try:
        return await reach.secret_blocks()
    except Exception as error:  # noqa: BLE001 - Prefect's own; the other checks go on
        log.warning("secret blocks could not be read (%s)", type(error).__name__)
        return {}


def _settings(settings: Settings, wrong: list[str]) -> list[Check]:
    found = [fail("settings", said, "correct it") for said in wrong]
    if settings.SMS_URL:
        try:
            sms.check(settings.SMS_URL.get_secret_value())
        except ValueError as error:
            found.append(fail("settings", f"SMS_URL: {error}", "correct it"))
    return found or [ok("settings", "all can be used")]


def _policy(file: Path) -> tuple[Policy, Check]:
    try:
        return read_policy(file), ok("policy", f"{file} can be used")
    except (ConfigurationError, OSError) as error:
        return Policy(), fail("policy", str(error), "correct it, or set POLICY_FILE")


def _published(places: Places, policy: Policy, world: World) -> list[Check]:
    if not places.published.exists():
        made = "publish" if places.working.exists() else "nightly"
        return [warn("published file", "not there", f"`rapproche {made}` makes it")]
    try:
        with read_published(places.published) as warehouse:
            return backlog.look(warehouse, policy, world.now())
    except StoreError as error:
        return [fail("published file", str(error), "see docs/operations.md, A lost published file")]
    except Exception as error:  # noqa: BLE001 - whatever ails the file is what is to be said
        said = f"cannot be read: {' '.join(str(error).split())}"
        return [fail("published file", said, "see docs/operations.md, A lost published file")]


def table(examined: Examined) -> Table:
    """The checks, for a person."""
    rows = pl.DataFrame(
        [
            {"state": c.state, "check": c.what, "said": c.said, "todo": c.do}
            for c in examined.checks
        ],
        {"state": pl.String, "check": pl.String, "said": pl.String, "todo": pl.String},
        orient="row",
    )
    return Table("doctor", "Doctor", rows, "")


def as_json(examined: Examined) -> str:
    """The checks as one JSON object, for a monitor."""
    told = [asdict(check) for check in examined.checks]
    return json.dumps({"exit_code": examined.exit_code, "checks": told}, ensure_ascii=False)
