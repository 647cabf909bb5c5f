"""What docs/operations.md tells is true: queries answer, commands can be given, data survives."""

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from flows import cli
from flows.engine.run import Outcome
from store.publishing import read_published
from store.warehouse import Places
from tests.flows.conftest import SMALL
from tests.flows.house import House

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^```sql\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = sorted(
    {
        line.split(">")[0].split("||")[0].strip()
        for line in re.findall(r"(?:`|bin/)(rapproche [a-z][^`\n]*)", TEXT)
        if "…" not in line
    }
)
TOLD = {"COMMAND": "c1", "NAME": "Ada", "TEXT": "because"}

pytestmark = pytest.mark.nights


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A small world after a night that wrote back; its published file before it is `backup`."""
    house = House(tmp_path_factory.mktemp("operations"), vendors=SMALL)
    assert house.nightly().exit_code == 0
    shutil.copyfile(house.settings.WAREHOUSE_PATH, house.folder / "backup")
    assert house.nightly(apply=True).exit_code == 0
    return house


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.splitlines()[0][:60])
def test_each_query_answers(house: House, query: str) -> None:
    """Each SQL block runs and has rows, unless it says that it may have none."""
    with read_published(house.settings.WAREHOUSE_PATH) as warehouse:
        assert warehouse.frame(query).height > 0 or "-- may be empty" in query


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_can_be_given(line: str) -> None:
    """Each `rapproche …` is parsed to the end: command, arguments, options and their values."""
    words = [TOLD.get(word, word) for word in shlex.split(line)[1:]]
    command: click.Command = cli.rapproche
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    if words or not any(parameter.required for parameter in command.params):
        command.make_context(command.name, words, resilient_parsing="--csv" in words)


def test_there_is_something_to_try() -> None:
    """The blocks that the other tests read are found."""
    assert (len(QUERIES) > 5, len(COMMANDS) > 15) == (True, True)


def test_a_lost_working_file_costs_nothing_that_was_published(house: House) -> None:
    """The next run takes it from the published file: nothing is sent again, the outbox stands."""
    before, commands = len(house.vendors.writes), house.rows("FROM ops.outbox ORDER BY 1")
    _lose_working_file(house)
    assert house.nightly(apply=True).exit_code == 0
    assert len(house.vendors.writes) == before
    assert [row[:8] for row in house.rows("FROM ops.outbox ORDER BY 1")] == [
        row[:8] for row in commands
    ]


def test_a_lost_published_file_is_made_again(house: House) -> None:
    """`publish` makes it from the working file, with all that stands in it."""
    commands = house.rows("FROM ops.outbox ORDER BY 1")
    house.settings.WAREHOUSE_PATH.unlink()
    assert _publish(house).exit_code == 0
    assert house.rows("FROM ops.outbox ORDER BY 1") == commands


def test_a_restored_backup_bills_and_registers_nothing_twice(house: House) -> None:
    """From a copy older than what was sent: found at the vendors, not made again."""
    made = [dict(house.vendors.client_invoices), dict(house.vendors.supplier_invoices)]
    writes = len(house.vendors.writes)
    _lose_working_file(house)
    house.settings.WAREHOUSE_PATH.unlink()
    shutil.copyfile(house.folder / "backup", house.settings.WAREHOUSE_PATH)
    house.nightly()
    house.nightly(apply=True)
    assert [house.vendors.client_invoices, house.vendors.supplier_invoices] == made
    assert len(house.vendors.writes) == writes
    assert house.one("SELECT count(*) FROM recon.billing_ledger") > 0


def _publish(house: House) -> Outcome:
    return house.run("publish")


def _lose_working_file(house: House) -> None:
    working = Places(house.settings.WAREHOUSE_PATH).working
    working.unlink()
    working.with_name(f"{working.name}.wal").unlink(missing_ok=True)
