"""A long drain: many CRAs to be validated, each by a PUT and a GET that reads it back."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
from rich.console import Console

from flows.engine.direct import Direct
from flows.engine.drain import Drain
from flows.engine.run import Run
from flows.settings import Settings
from sources.boond import Boond
from sources.wiring import Wiring
from store import outbox
from store.warehouse import Warehouse
from transforms.commands import OUTBOX, VALIDATE
from transforms.policy import Policy

START = datetime(2026, 11, 3, 3, tzinfo=UTC)


def validations(commands: int) -> pl.DataFrame:
    """Approved commands of the outbox, each for a CRA of its own."""
    rows = [
        dict.fromkeys(OUTBOX)
        | {
            "command_id": f"validate-{n}",
            "kind": VALIDATE,
            "target": f"CRA-{n}",
            "natural_key": f"CRA-{n}",
            "subject_id": f"cra/{n}",
            "payload": json.dumps({"status": "validated"}),
            "depends_on": [],
            "state": "approved",
            "attempts": 0,
            "planned_at": START,
        }
        for n in range(commands)
    ]
    return pl.DataFrame(rows, schema=dict(OUTBOX), orient="row")


def door(wiring: Wiring, url: str) -> Boond:
    """The door to a BoondManager at a URL."""
    return Boond(
        wiring,
        base_url=f"{url}/api/v3",
        auth_url=f"{url}/oauth/token",
        client_id="client",
        client_secret="word-of-tests",
    )


async def drain(
    warehouse: Warehouse, folder: Path, boond: Boond, now: Callable[[], datetime]
) -> None:
    """Drains the outbox of a warehouse through a door, then closes the door."""
    settings = Settings(WAREHOUSE_PATH=folder / "rapproche.duckdb")
    driver = Direct(folder, Console(stderr=True))
    run = Run("test", {}, settings, Policy(), date(2026, 11, 3), warehouse, {}, driver, now)
    wanted = frozenset(outbox.commands(warehouse)["command_id"])
    await Drain(run, boond, wanted, looked_at=now()).send_all()
    await boond.aclose()
