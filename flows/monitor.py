"""Deployment `monitor`: who owes a CRA, at 08:00 Europe/Paris on weekdays."""

from datetime import date
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine import parts
from flows.orchestration import as_flow_run


@flow(name="monitor", persist_result=False)
async def monitor(period: str | None = None, as_of: date | None = None) -> State[Any]:
    """Finds the CRAs that are owed and plans reminders, over facts that are fresh.

    Args:
        period: the only month to watch, YYYY-MM; the month before, and late in it this one,
            without it.
        as_of: the day it is; today in Paris without it.
    """
    return await as_flow_run("monitor", parts.monitor, period=period, as_of=as_of)
