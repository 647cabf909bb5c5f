"""Deployment `sync`: what changed at the sources, hourly in office hours."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine import parts
from flows.orchestration import as_flow_run


@flow(name="sync", persist_result=False)
async def sync(
    sources: tuple[str, ...] = ("boond", "bill", "declarations"),
    full: bool = False,  # noqa: FBT001, FBT002 - a parameter of the deployment
) -> State[Any]:
    """Reads what is not fresh.

    Args:
        sources: of boond, bill, declarations.
        full: reads everything again and finds what was deleted.
    """
    return await as_flow_run("sync", parts.sync, sources=list(sources), full=full)
