"""P03 over whole runs: whatever a vendor echoes, no secret is anywhere afterwards."""

import logging
from pathlib import Path
from typing import Any

import pytest

from flows import logs
from tests.access.echoes import GRANTED, SECRETS, Echo, files, keep_secrets, leaks, rows
from tests.flows.house import House

pytestmark = pytest.mark.nights
SMALL = {"consultants": 3, "mistakes": False}


class _Everything(logging.Handler):
    """Every record of every logger, as both forms and as it is."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        forms = (logging.Formatter(), logs._Text(), logs._Json())
        self.lines += [form.format(record) for form in forms]


@pytest.fixture
def logged() -> Any:
    """What is logged at any level, by whomever."""
    root, ours, every = logging.getLogger(), logging.getLogger("rapproche"), _Everything()
    before = (root.level, ours.level, ours.propagate)
    root.addHandler(every)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    ours.propagate = True
    yield every.lines
    root.removeHandler(every)
    root.level, ours.level, ours.propagate = before
    ours.setLevel(before[1])


def test_p03_a_night_over_echoing_vendors_keeps_no_secret(
    tmp_path: Path, logged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in the files, the tables, the log, the reasons nor on the terminal."""
    house = House(tmp_path / "house", vendors=SMALL, **SECRETS)
    keep_secrets(house.sandbox)
    house.intercept = Echo(house.sandbox.answer)
    ended = house.nightly(apply=True)
    out, err = capsys.readouterr()
    texts = ["\n".join(logged), out, err, repr(ended), repr(house.settings)]
    stored = rows(house.settings.WAREHOUSE_PATH)
    shown = [*map(str.encode, texts), stored, *files(house.folder)]
    assert ended.exit_code == 3
    assert b"***" in stored
    assert house.one("SELECT count(*) FROM core.cras") > 0
    assert leaks(SECRETS.values(), *shown) == []
    assert [begins for begins in GRANTED if any(begins.encode() in text for text in shown)] == []
