"""How many requests a night costs over both production dialects, beside the least possible.

The least follows from the vendors' own rules: a list that takes a filter costs one request where
nothing changed, one that takes none a request a page; a detail costs one where the list says less.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from pathlib import Path

import pytest

from sandbox.domain import Cra
from tests.flows.house import House

pytestmark = pytest.mark.benchmark

CONSULTANTS = 2_000
PAGE = 500
FILTERED = 8
"""BoondManager's lists by change: resources, companies, contacts, projects, deliveries, purchases,
invoices, payments; provider invoices have none, and are one page here."""
OF_BILL = 5
"""A login, bills that are archived and not, vendor credits, payments; vendors come by the page."""
MOST = 1.2
"""Times the least: full last pages are followed by one more, and joined lists are read whole."""


@dataclass(frozen=True)
class Night:
    """A night's requests by method and path, ids left out."""

    requests: Counter[str]

    @property
    def total(self) -> int:
        """All of them."""
        return self.requests.total()

    def at(self, ending: str) -> int:
        """Those of the paths that end so."""
        return sum(n for path, n in self.requests.items() if path.endswith(ending))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house that has read everything once."""
    folder: Path = tmp_path_factory.mktemp("requests")
    vendors = {"portable": True, "consultants": CONSULTANTS}
    made = House(folder, vendors=vendors, speaking=("live", "live"))
    first = counted(made, made.nightly)
    print(f"\nfirst night of {CONSULTANTS} consultants: {first.total} requests")  # noqa: T201
    return made


def counted(house: House, work: Callable[[], object]) -> Night:
    """The requests that some work costs."""
    before = Counter(house.sandbox.requests)
    work()
    made = Counter(house.sandbox.requests) - before
    return Night(Counter(re.sub(r"/[^/ ]*\d{3}[^/]*", "/{id}", path) for path in made.elements()))


def unfiltered(house: House) -> int:
    """Pages of the lists that take no filter by change, and the dictionary."""
    world = house.vendors
    lines = sum(len(cra.activities) for cra in world.cras.values())
    pages = ceil(lines / PAGE) + ceil(len(world.cras) / PAGE) + ceil(len(world.vendors) / 100)
    return 1 + 1 + pages + FILTERED + OF_BILL


def test_a_night_without_changes_costs_little_more_than_its_lists(house: House) -> None:
    """Nothing is asked for by its id, and no list twice."""
    night = counted(house, house.nightly)
    least = unfiltered(house)
    print(f"\nunchanged: {night.total} requests, least {least}")  # noqa: T201
    assert night.at("{id}") == night.at("/information") == 0
    assert night.total <= MOST * least


def test_a_night_after_one_percent_changed_asks_for_those_alone(house: House) -> None:
    """One detail a changed record, two where its file has two parts."""
    world = house.vendors
    world.advanced_days += 1
    tables = (world.consultants, world.clients, world.suppliers, world.client_invoices)
    changed = [list(table.values())[::100] for table in (*tables, world.vendors, world.bills)]
    for record in (record for table in changed for record in table):
        world.touch(record)
    reports = list(world.cras.values())[::100]
    for report in reports:
        work_otherwise(house, report)
    people, clients = changed[0], changed[1]
    parts = sum(1 for who in people if who.supplier_id) + len(clients)  # type: ignore[attr-defined]
    details = sum(map(len, changed)) + len(reports) + parts
    night = counted(house, lambda: house.nightly(as_of=house.today().date()))
    least = unfiltered(house) + details
    print(f"\n1 % changed: {night.total} requests, least {least}")  # noqa: T201
    assert night.at("/times-reports/{id}") == len(reports)
    assert night.total <= MOST * least


def work_otherwise(house: House, report: Cra) -> None:
    """Half a day more or less in a report."""
    line = next(line for line in report.activities if line.kind == "production")
    line.duration = Decimal("0.5") if line.duration == 1 else Decimal(1)
    made = (one.duration for one in report.activities if one.kind == "production")
    report.total_days = sum(made, Decimal(0))
    house.vendors.touch(report)
