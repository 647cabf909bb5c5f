"""Log lines: one form, one line a record, ids and counts alone (running.md)."""

import json
import logging
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest

from flows import logs
from flows.engine.run import Run
from sources.errors import Authentication
from tests.flows.conftest import MakeHouse

LINE = re.compile(r"\[\d{4}-\d\d-\d\dT[\d:.]+\+00:00\] [A-Z]+ \[[\w.]+\] \S.*")
log = logging.getLogger("rapproche.sync")


def _lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_line_has_time_level_component_and_what_it_is_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As `[time] LEVEL [component] message key=value`."""
    logs.configure("text")
    with logs.about(run="r1", flow="sync"), logs.about(source="boond", stream="cras"):
        log.info("read rows=%d", 3)
    [line] = _lines(capsys)
    assert LINE.fullmatch(line)
    assert line.endswith("INFO [sync] read rows=3 run=r1 flow=sync source=boond stream=cras")


def test_a_json_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """With the same keys."""
    logs.configure("json")
    with logs.about(run="r1", subject="c1"):
        log.error("failed")
    [line] = _lines(capsys)
    said = json.loads(line)
    assert said.pop("time").endswith("+00:00")
    assert said == {
        "level": "ERROR",
        "component": "sync",
        "message": "failed",
        "run": "r1",
        "subject": "c1",
    }


def test_what_lines_are_about_ends_with_its_block(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said of a stream after it."""
    logs.configure("text")
    with logs.about(stream="cras"):
        pass
    log.info("later")
    assert _lines(capsys)[0].endswith("[sync] later")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("odd", ["\n", "\r\n", "\x1b[31m", "\u2028", "\u0085", "\0", "\x7f"])
def test_a_record_is_one_line(capsys: pytest.CaptureFixture[str], form: Any, odd: str) -> None:
    """Whatever its texts hold: nobody adds a line, or colours a terminal."""
    logs.configure(form)
    log.warning("operation=%s", f"GET /x{odd}[2026] ERROR [forged] paid")
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert all(char.isprintable() for char in said.rstrip("\n"))
    assert said.count("\n") == 1


def test_an_exception_is_told_by_its_class_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    """Not by its text, which may hold anything."""
    logs.configure("text")
    try:
        Decimal("Camille Durand 1234.56")
    except InvalidOperation:
        log.exception("failed")
    [line] = _lines(capsys)
    assert "error=InvalidOperation where=test_logs.py:" in line
    assert "Durand" not in line


def _words_of(world: Any) -> set[str]:
    """Names, addresses and amounts that the vendors hold."""
    people = [*world.consultants.values()]
    words = {f"{person.first_name} {person.last_name}" for person in people}
    words |= {person.last_name for person in people} | {person.email for person in people}
    words |= {each.name for each in (*world.clients.values(), *world.suppliers.values())}
    words |= {each.name for each in world.vendors.values()}
    words |= {contact.email for client in world.clients.values() for contact in client.contacts}
    return {str(word) for word in words if word}


@pytest.mark.nights
def test_a_planted_night_logs_no_name_no_address_and_no_amount(
    make_house: MakeHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calls, quarantine, unreadable files, refusals and mails included."""
    house = make_house(vendors={}, OPS_EMAIL="ops@esn.example")
    (house.folder / "declarations" / "Zoé Unreadable 9876.54.xlsx").write_bytes(b"none")
    person = next(iter(house.vendors.consultants.values()))
    person.last_name = None
    logs.configure("text", level=logging.DEBUG)
    house.nightly(apply=True)
    lines = _lines(capsys)
    ours = [line for line in lines if LINE.fullmatch(line)]
    assert {line.split()[1] for line in ours} >= {"DEBUG", "INFO", "WARNING"}
    assert len(ours) > 100
    text = "\n".join(lines)
    assert [word for word in _words_of(house.vendors) | {"Zoé", "ops@"} if word in text] == []
    figures = [line for line in ours if re.search(r"(?<![\d:T.])\d+[.,]\d\d(?!\d)", line[34:])]
    assert figures == []


@pytest.mark.nights
def test_every_error_says_run_flow_source_and_stream(
    make_house: MakeHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the words of the vendor are for the person, not for the log."""
    house = make_house(RAPPROCHE_RETRY_BASE=0)
    logs.configure("json")

    async def failing(run: Run) -> None:
        words = Authentication("boond", "GET /clients", "unauthorized", "Camille Durand is out")
        run.unreachable(words, "boond.clients")
        assert "Durand" in run.failures[0]

    house.opened(failing, flow="sync")
    errors = [said for line in _lines(capsys) if (said := json.loads(line))["level"] == "ERROR"]
    [error] = errors
    assert (error["flow"], error["source"], error["stream"]) == ("sync", "boond", "clients")
    assert error["run"]
    assert "code=unauthorized kind=authentication operation=GET /clients" in error["message"]
    assert "Durand" not in json.dumps(errors)
