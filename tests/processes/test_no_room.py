"""A disk with no room: one line that says so, nothing corrupted, and the next run heals."""

import pytest

from tests.processes.office import Ended, Office

pytestmark = pytest.mark.processes


def _no_room(said: Ended) -> bool:
    *_, last = said.err.splitlines()
    return said.code == 2 and "no room in" in last and "Traceback" not in said.err


def test_a_first_run_without_room_leaves_nothing_broken(an_office: Office) -> None:
    """It ends with 2 in the middle of the load; with room the next one reads everything."""
    assert _no_room(an_office.run("sync", room=400_000))
    assert not an_office.places.published.exists()
    assert an_office.run("sync").code == 0
    assert an_office.rows("SELECT count(*) FROM ops.sync_state WHERE complete") == [(12,)]


def test_no_room_at_the_end_leaves_the_last_published_file(settled: Office) -> None:
    """Readers keep what they had, no half copy stays, and the next run publishes."""
    before = settled.places.published.stat()
    runs = settled.rows("SELECT count(*) FROM ops.runs")
    assert _no_room(settled.run("sync", "boond", room=1_500_000))
    assert settled.places.published.stat() == before
    assert not list(settled.folder.glob("*.next*"))
    assert settled.run("publish").code == 0
    assert settled.rows("SELECT count(*) FROM ops.runs") > runs
