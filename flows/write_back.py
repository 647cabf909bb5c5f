"""Deployment `write-back`: what is proven goes to the vendors."""

from datetime import date
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine import parts
from flows.orchestration import as_flow_run


@flow(name="write-back", persist_result=False)
async def write_back(
    period: str | None = None,
    as_of: date | None = None,
    apply: bool = False,  # noqa: FBT001, FBT002 - a parameter of the deployment
) -> State[Any]:
    """Plans over fresh facts and sends what is planned.

    Args:
        period: the only month to look at, YYYY-MM; the month before and what moved without it.
        as_of: the day it is; today in Paris without it.
        apply: sends to the vendors; otherwise only plans.
    """
    return await as_flow_run(
        "write_back", parts.write_back, period=period, as_of=as_of, apply=apply
    )
