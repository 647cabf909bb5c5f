"""Deployment `approval`: a person decides in the Prefect UI (write-back.md, Approval).

Waiting holds nothing: the run is suspended, so its process ends and its concurrency slot is free;
the lock is taken only to keep what was decided. When it is resumed, the flow begins anew, finds the
input, and decides like `rapproche approve`.
"""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.flow_runs import apause_flow_run, asuspend_flow_run
from prefect.input import RunInput
from prefect.states import Completed
from pydantic import Field

from flows.engine import labels, people, report, search
from flows.orchestration import as_flow_run, supplied_settings
from store.publishing import read_published
from transforms.words.languages import Language

KEY = "decision"
WAITS_SECONDS = 7 * 24 * 3600
"""How long a form waits; the figures of a week ago are to be looked at anew."""


class Decision(RunInput):
    """What a person decides on what waits."""

    approve: list[str] = Field(default_factory=list, description="Commands and breaks, by id.")
    reject: list[str] = Field(default_factory=list, description="Commands and breaks, by id.")
    by: str = Field(min_length=1, description="Who decides.")
    reason: str = Field(min_length=1, description="Why; it is kept.")
    amount: Decimal | None = Field(None, gt=0, description="Up to which amount, of one bill.")


@flow(name="approval", persist_result=False)
async def approval(as_of: date | None = None) -> State[Any]:
    """Shows what waits for a person, waits for the decision, and keeps it.

    Args:
        as_of: the day it is; today in Paris without it.
    """
    settings = await supplied_settings()
    waiting = what_waits(settings.WAREHOUSE_PATH, settings.RAPPROCHE_LANG)
    if not _is_resumed():
        if waiting is None:
            return Completed(message="Nothing waits for a person.")
        await acreate_markdown_artifact(markdown=waiting, key="waiting", description="What waits")
    said = await _asked(waiting)
    return await as_flow_run("decide", people.decide, as_of=as_of, shown_at=_shown_at(), **said)


def what_waits(published: Path, language: Language) -> str | None:
    """Commands and breaks that a person can decide on, as Markdown; nothing when there are none."""
    with read_published(published) as warehouse:
        tables = [report.awaiting(warehouse), search.overridable(warehouse, language)]
    if all(table.rows.is_empty() for table in tables):
        return None
    return "\n".join(labels.markdown(table, language) for table in tables)


async def _asked(waiting: str | None) -> dict[str, Any]:
    """The decision, once somebody has taken it.

    Only the run of a deployment can be suspended; another waits in its process.
    """
    form = Decision.with_initial_data(description=waiting)
    wait = asuspend_flow_run if _run().deployment_id else apause_flow_run
    said = await wait(wait_for_input=form, timeout=WAITS_SECONDS, key=KEY)
    return {name: getattr(said, name) for name in Decision.model_fields}


def _is_resumed() -> bool:
    """Whether this is the second beginning of the flow, with the form filled in."""
    return KEY in (_run().empirical_policy.pause_keys or ())


def _shown_at() -> datetime | None:
    """When the person was shown what waits: the first start of the run."""
    shown: datetime | None = _run().start_time
    return shown


def _run() -> Any:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("a decision is asked for in a flow run")
    return context.flow_run
