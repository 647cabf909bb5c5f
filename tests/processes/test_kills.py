"""Runs that are killed, for real: the next healthy one ends where an undisturbed one would have.

Each phase is hit at the very moment: at a request, which the vendors tell of, or at an operation on
a file; in the look, of which nothing outside tells, after the last line of the sync.
"""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.processes.office import (
    APPLIED,
    Heard,
    Office,
    State,
    ended,
    opened,
    somebody_reads,
)

pytestmark = pytest.mark.processes

Phase = Callable[[Office, Random], bool]
ONE_OBJECT = re.compile(r"/\d+$")
LAST_STREAM = "bill.payments read"
LOOK_SECONDS = 0.8
KILLS_IN_A_ROW = 5
PRIVATE, READABLE = 0o600, 0o440


def _nth(n: int, wanted: Callable[[Heard], bool]) -> Callable[[Heard], bool]:
    left = n

    def at(heard: Heard) -> bool:
        nonlocal left
        left -= wanted(heard)
        return left == 0 and wanted(heard)

    return at


def _making(office: Office, rng: Random) -> bool:
    """While the working file is made."""
    dying = (".work.next.duckdb", rng.randint(1, 3))
    return office.run(*APPLIED, dying=dying).code == -signal.SIGKILL


def _sync(office: Office, rng: Random) -> bool:
    """At a request for a page, or with its answer under way."""
    acted = rng.random() < 0.5
    at = _nth(
        rng.randint(1, 10), lambda heard: heard.request.method == "GET" and heard.acted == acted
    )
    return office.killed(at, *APPLIED)


def _look(office: Office, rng: Random) -> bool:
    """Between the sync and the first write: comparing, matching, planning."""
    process = office.start(*APPLIED)
    assert process.stderr is not None
    for line in process.stderr:
        if LAST_STREAM in line:
            time.sleep(rng.uniform(0, LOOK_SECONDS))
            os.killpg(process.pid, signal.SIGKILL)
            break
    return ended(process).code == -signal.SIGKILL


def _unsent(office: Office, rng: Random) -> bool:
    """After `sending` was committed, before the vendor has acted."""
    at = _nth(rng.randint(1, 4), lambda heard: heard.writes and not heard.acted)
    return office.killed(at, *APPLIED)


def _unsettled(office: Office, rng: Random) -> bool:
    """After the vendor acted, before rapproche knows."""
    at = _nth(rng.randint(1, 4), lambda heard: heard.writes and heard.acted)
    return office.killed(at, *APPLIED)


def _unread(office: Office, rng: Random) -> bool:
    """At the reading back of what was written."""
    at = _nth(
        rng.randint(1, 4),
        lambda heard: (
            heard.request.method == "GET" and bool(ONE_OBJECT.search(heard.request.url.path))
        ),
    )
    return office.killed(at, *APPLIED)


def _mailing(office: Office, rng: Random) -> bool:
    """While a message is put where it goes."""
    return office.run(*APPLIED, dying=(".new", rng.randint(1, 4))).code == -signal.SIGKILL


def _publishing(office: Office, rng: Random) -> bool:
    """Between the operations of publishing, the rename among them."""
    dying = ("rapproche.next.duckdb", rng.randint(1, 6))
    return office.run(*APPLIED, dying=dying).code == -signal.SIGKILL


def _stopped(office: Office, rng: Random) -> bool:
    """Told to stop, by the keyboard or by the system, while it writes."""
    number = rng.choice([signal.SIGINT, signal.SIGTERM])
    said = office.told(number, lambda heard: heard.writes and heard.acted, *APPLIED)
    if said.code == 0:  # nothing was left to write
        return False
    *_, last = said.err.splitlines()
    assert "Traceback" not in said.err
    assert last == "rapproche: interrupted; the next run goes on where this one stopped"
    [(state,)] = office.rows("SELECT state FROM ops.runs ORDER BY started_at DESC LIMIT 1")
    return (said.code, state) == (130, "failed")


PHASES: dict[str, Phase] = {
    phase.__name__.strip("_"): phase
    for phase in (
        _making,
        _sync,
        _look,
        _unsent,
        _unsettled,
        _unread,
        _stopped,
        _mailing,
        _publishing,
    )
}


def _heals(office: Office, calm: State) -> None:
    """One healthy night, and all is as if nothing had happened."""
    said = office.run(*APPLIED)
    assert (said.code, said.err.count("Traceback")) == (0, 0), said.err
    healed = office.state()
    assert {name for name in calm if healed[name] != calm[name]} == set()
    assert not list(office.folder.glob("*.next*"))
    assert {state for (state,) in office.rows("SELECT state FROM ops.runs")} <= {
        "completed",
        "crashed",
        "failed",
    }
    published = str(office.places.published)
    assert {path for path, mode in office.modes().items() if mode != PRIVATE} == {published}
    assert office.modes()[published] == READABLE


def test_a_night_killed_in_every_phase_ends_as_if_it_never_was(
    an_office: Office, calm: State
) -> None:
    """One kill after the other: nothing twice, nothing lost, and readers never see half a run."""
    rng = Random(1)  # noqa: S311 - a moment, not a secret
    phases = ("sync", "look", "unsent", "stopped", "unsettled", "publishing")
    with somebody_reads(an_office) as said:
        assert [name for name in phases if PHASES[name](an_office, rng)] == list(phases)
        _heals(an_office, calm)
    assert said[:-1] == []


def test_a_lost_working_file_sends_nothing_again(an_office: Office, calm: State) -> None:
    """What was sent and forgotten with the file is found at the vendor before it is sent again."""
    assert an_office.told(signal.SIGTERM, lambda heard: heard.writes, *APPLIED).code == 130
    written = len(an_office.vendors.world.writes)
    assert _unread(an_office, Random(1))  # noqa: S311 - a moment, not a secret
    assert len(an_office.vendors.world.writes) > written
    for left in an_office.folder.glob("*.work.duckdb*"):
        left.unlink()
    _heals(an_office, calm)


def test_a_night_killed_at_a_write_over_production_dialects_writes_nothing_twice(
    tmp_path: Path,
) -> None:
    """What the vendor did unheard is found by the next night, which does the rest."""
    with opened(tmp_path, live=True) as office:
        acted = _nth(2, lambda heard: heard.writes and heard.acted)
        assert office.killed(acted, "nightly", "--apply")
        killed = len(office.vendors.world.writes)
        said = office.run("nightly", "--apply")
        assert (said.code, said.err.count("Traceback")) == (0, 0), said.err
        done = office.rows(
            "SELECT state, count(*) FROM ops.outbox WHERE kind LIKE 'boond.%' GROUP BY ALL"
        )
        assert done == [("done", len(office.vendors.world.writes))]
        assert 0 < killed < len(office.vendors.world.writes)


def test_kills_at_any_moments_are_healed(an_office: Office, calm: State, kill_seed: int) -> None:
    """Whatever the phases and the moments in them; `--kills N` tries N such nights."""
    rng = Random(kill_seed)  # noqa: S311 - a moment, not a secret
    with somebody_reads(an_office) as said:
        for name in sorted(rng.sample(list(PHASES), k=KILLS_IN_A_ROW), key=list(PHASES).index):
            hit = PHASES[name](an_office, rng)
            print(f"{kill_seed} {name}: {'killed' if hit else 'ended before'}")  # noqa: T201 - by -s
        _heals(an_office, calm)
    assert said[:-1] == []
