"""Deployment `publish`: the working file becomes the published one."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine import parts
from flows.orchestration import as_flow_run


@flow(name="publish", persist_result=False)
async def publish() -> State[Any]:
    """Publishes the working file."""
    return await as_flow_run("publish", parts.publish)
