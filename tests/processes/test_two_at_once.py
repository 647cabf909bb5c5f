"""Two commands at once: the second waits or says for whom, and nothing is written twice."""

import pytest

from tests.processes.office import APPLIED, Office, State, ended

pytestmark = pytest.mark.processes


def test_who_comes_second_waits_or_is_told_for_whom(settled: Office, calm: State) -> None:
    """Runs and decisions during a night end with 4 and its name, or go on when it has ended."""
    patient = settled.environment | {"RAPPROCHE_RUN_LOCK_WAIT": "60"}
    with settled.busy(*APPLIED) as first:
        name = f"(nightly, process {first.pid}) holds the lock"
        second = Office(settled.folder, settled.vendors, patient).start("sync", "boond")
        assert second.stderr is not None
        assert name in second.stderr.readline()
        for others in (APPLIED, ("approve", "c1", "--by", "Ada", "--reason", "r")):
            said = settled.run(*others)
            assert said.code == 4
            [line] = said.err.splitlines()
            assert name in line
    assert [ended(first).code, ended(second).code] == [0, 0]
    flows = settled.rows("SELECT flow, state FROM ops.runs ORDER BY started_at DESC LIMIT 2")
    assert flows == [("sync", "completed"), ("nightly", "completed")]
    assert settled.state() == calm
