"""A machine whose clock was ahead and has been set back loses nothing by it."""

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from flows.engine.pull import BOOND_STREAMS
from flows.engine.run import Run, paris_today
from store import outbox
from tests.flows.house import House
from transforms.commands import INVOICE

pytestmark = pytest.mark.nights

AHEAD = timedelta(days=30)


def test_the_day_is_that_of_paris() -> None:
    """Half an hour before midnight in UTC a new month may have begun, in winter and in summer."""
    assert paris_today(datetime(2026, 10, 31, 23, 30, tzinfo=UTC)) == date(2026, 11, 1)
    assert paris_today(datetime(2026, 6, 30, 22, 30, tzinfo=UTC)) == date(2026, 7, 1)
    assert paris_today(datetime(2026, 10, 31, 22, 30, tzinfo=UTC)) == date(2026, 10, 31)


def test_what_was_read_at_an_instant_to_come_is_read_again_and_whole(synced: House) -> None:
    """Streams that a clock was ahead for are neither fresh nor crawled lately."""
    synced.waited += AHEAD
    assert synced.run("sync", sources=["boond"], full=True).exit_code == 0
    synced.waited -= AHEAD
    asked: list[httpx.QueryParams] = []

    def listen(request: httpx.Request) -> None:
        if request.method == "GET":
            asked.append(request.url.params)

    synced.intercept = listen
    assert synced.run("sync", sources=["boond"], full=False).exit_code == 0
    assert len(asked) >= len(BOOND_STREAMS)
    assert not any("updatedSince" in params for params in asked)


def test_a_request_of_an_instant_to_come_is_waited_for_like_any_other(planned: House) -> None:
    """It was sent before the clock was set back: minutes later nothing is under way any more."""
    sent: list[str] = []

    async def cut_off(run: Run) -> None:
        [(command,), *_] = run.warehouse.rows(
            "SELECT command_id FROM ops.outbox WHERE kind = ? ORDER BY 1", [INVOICE]
        )
        ahead = {"state": "sending", "attempts": 1, "sent_at": run.now() + AHEAD}
        outbox.mark(run.warehouse, command, run.run_id, run.now(), **ahead)
        sent.append(command)

    planned.opened(cut_off)
    before = planned.waited
    assert planned.run("write_back", apply=True).exit_code == 0
    assert planned.one("SELECT state FROM ops.outbox WHERE command_id = ?", *sent) == "done"
    assert planned.waited - before < timedelta(hours=1)
