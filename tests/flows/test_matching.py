"""A whole night over the sandbox's month with its planted mistakes."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from flows.engine.run import Outcome
from sandbox.domain import Planted
from tests.flows.house import House

FLAGGED = {"flagged_for_payment", "paid"}


class Nights(NamedTuple):
    """Two nights in a row over the same facts."""

    house: House
    first: Outcome
    second: Outcome
    written_first: int
    requests_second: dict[str, int]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """The default world, reconciled and written back, and then once more."""
    house = House(tmp_path_factory.mktemp("nights"))
    first = house.nightly(apply=True)
    written = len(house.vendors.writes)
    house.sandbox.requests.clear()
    second = house.nightly(apply=True)
    yield Nights(house, first, second, written, dict(house.sandbox.requests))


def _client_row(house: House, said: Planted) -> list[dict[str, Any]]:
    rows = house.frame("SELECT * FROM recon.cra_matches").to_dicts()
    return [
        row
        for row in rows
        if row["period"] == said.period
        and (said.client_id is None or row["client_id"] == said.client_id)
        and (
            row["consultant_id"] == said.consultant_id
            or (said.consultant_id is None or row["consultant_id"] == "unknown")
            and row["declared_name"] == said.declared_name
        )
    ]


def _supplier_row(house: House, said: Planted) -> list[dict[str, Any]]:
    rows = house.frame("SELECT *, status AS outcome FROM recon.po_matches").to_dicts()
    return [r for r in rows if (r["bill_id"], r["bill_line"]) == (said.bill_id, said.line)]


def test_every_planted_mistake_is_found(nights: Nights) -> None:
    """Each mistake has its outcome and its holds, and no other hold unless it may."""
    wrong = []
    for said in nights.house.vendors.planted:
        if said.by_mail:
            continue
        find = _client_row if said.side == "clients" else _supplier_row
        rows = find(nights.house, said)
        holds = [set(row["holds"]) for row in rows]
        right = [
            row["outcome"] == said.outcome
            and set(said.holds) <= held
            and (said.admits_more or held == set(said.holds))
            for row, held in zip(rows, holds, strict=True)
        ]
        if right.count(True) != 1:
            wrong.append((said.code, said.outcome, said.holds, [(r["outcome"], h) for r, h in zip(rows, holds)]))
    assert wrong == []
