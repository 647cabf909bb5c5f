"""Deployment `reconcile`: declared days against CRAs."""

from datetime import date
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine import parts
from flows.orchestration import as_flow_run


@flow(name="reconcile", persist_result=False)
async def reconcile(period: str | None = None, as_of: date | None = None) -> State[Any]:
    """Compares declared days with CRAs and plans invoices, over facts that are fresh.

    Args:
        period: the only month to look at, YYYY-MM; the month before and what moved without it.
        as_of: the day it is; today in Paris without it.
    """
    return await as_flow_run("reconcile", parts.reconcile, period=period, as_of=as_of)
