"""However a run ends, what it did is recorded and published, and is told as what it was."""

import asyncio
from dataclasses import replace

import pytest

from flows.settings import ConfigurationError
from sources.mail import Message, MessageDoor
from store.warehouse import StoreError
from tests.flows.house import House

pytestmark = pytest.mark.nights

STATES = "SELECT state FROM ops.runs ORDER BY started_at"


def test_a_run_whose_doors_cannot_be_opened_has_failed(synced: House) -> None:
    """It was not cut off, and no later run says so."""
    right = synced.settings
    synced.settings = right.model_copy(update={"BOOND_BASE_URL": "http://boond.example"})
    with pytest.raises(ConfigurationError):
        synced.run("publish")
    assert synced.rows(STATES)[-1] == ("failed",)
    synced.settings = right
    synced.run("publish")
    assert ("crashed",) not in synced.rows(STATES)


def test_a_run_that_cannot_publish_has_failed(synced: House) -> None:
    """The working file says so, and the next run publishes it."""
    right = synced.settings
    synced.settings = right.model_copy(update={"WAREHOUSE_GROUP": "no-such-group"})
    with pytest.raises(StoreError, match="WAREHOUSE_GROUP"):
        synced.run("publish")
    synced.settings = right
    synced.run("publish")
    assert synced.rows(STATES)[-2:] == [("failed",), ("completed",)]


class _Slow:
    """A mail server that hangs until the run that talks to it is interrupted."""

    may_repeat = True

    async def open(self) -> None:
        raise asyncio.CancelledError

    async def send(self, message: Message) -> None:
        raise AssertionError(message)

    async def aclose(self) -> None:
        pass


def test_who_interrupts_an_alarm_loses_nothing_of_the_run(
    synced: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run was over: it is recorded as it ended, published, and its alarm waits."""
    synced.settings = synced.settings.model_copy(update={"OPS_EMAIL": "ops@esn.example"})
    outside, mail = synced.outside, _Slow()
    doors: dict[str, MessageDoor] = {"notify.email": mail}
    monkeypatch.setattr(synced, "outside", lambda: replace(outside(), messages=lambda: doors))
    synced.sandbox.set_faults("bill:down")
    with pytest.raises(asyncio.CancelledError):
        synced.run("sync", sources=["boond", "bill"], full=False)
    assert synced.rows(STATES)[-1] == ("failed",)
    assert synced.one("SELECT state FROM ops.outbox WHERE subject_id LIKE 'alarm/%'") == "approved"
