"""Deployment `match`: supplier invoices against purchase orders and CRAs."""

from datetime import date
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine import parts
from flows.orchestration import as_flow_run


@flow(name="match", persist_result=False)
async def match(as_of: date | None = None) -> State[Any]:
    """Matches supplier invoices three ways and plans registrations, over facts that are fresh.

    Args:
        as_of: the day it is; today in Paris without it.
    """
    return await as_flow_run("match", parts.match, as_of=as_of)
