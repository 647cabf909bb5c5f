"""Vendors that contradict themselves over their production dialects: nothing is taken on trust."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.engine import pull
from flows.engine.run import Run
from tests.flows.house import House
from tests.hostile.test_live_records import a_house, kept

pytestmark = pytest.mark.nights

Lie = Callable[[Any], Any]


def lies(house: House, path: str, lie: Lie) -> None:
    """Lets paths that end like a pattern be answered by what a lie makes of the truth."""
    inner = house.sandbox.transport()

    def answer(request: httpx.Request) -> httpx.Response | None:
        if not re.search(f"{path}$", request.url.path):
            return None
        said = inner.handle_request(request)
        content = json.dumps(lie(json.loads(said.content))).encode()
        return httpx.Response(said.status_code, headers=kept(said.headers), content=content)

    house.intercept = answer


def read(house: House, label: str) -> Run:
    """Reads one stream."""
    source, name = label.split(".")

    async def part(run: Run) -> Run:
        await pull.pull_one(run, run.doors[source], run.doors[source].streams[name])
        return run

    return house.opened(part)


def waiting(house: House, id_: str) -> str:
    """Why a record is in quarantine."""
    said = house.rows(
        "SELECT string_agg(message) FROM ops.quarantine WHERE id = ? AND resolved_at IS NULL", id_
    )
    return str(said[0][0])


def state(house: House, label: str) -> dict[str, str]:
    """What is stored of a stream, by id."""
    return dict(house.rows(f"SELECT id, payload::VARCHAR FROM raw.{label.replace('.', '_')}"))


def of_another(id_: str) -> Lie:
    """The object of another one."""
    return lambda body: _renamed(body, id_)


def _renamed(body: Any, id_: str) -> Any:
    if "data" in body:
        return {**body, "data": {**body["data"], "id": id_}}
    return {**body, "id": id_}


OF_ANOTHER = [
    ("boond.consultants", "/resources/10001/information", "10002"),
    ("boond.clients", "/companies/301/information", "20001"),
    ("boond.suppliers", "/companies/20001/information", "20002"),
    ("boond.cras", "/times-reports/70001", "70002"),
    ("boond.client_invoices", "/invoices/60001/information", "60002"),
    ("boond.supplier_invoices", "/provider-invoices/80001", "80002"),
    ("bill.invoices", "/bills/00n00001", "00n00002"),
    ("bill.vendors", "/vendors/00920001", "00920002"),
]


@pytest.mark.parametrize(("label", "path", "other"), OF_ANOTHER)
def test_another_ones_object_is_stored_under_no_id(
    tmp_path: Path, label: str, path: str, other: str
) -> None:
    """It is refused in words under the id that was asked for, and the other one is as it is."""
    asked = next(part for part in path.split("/") if part[:1].isdigit())
    house = a_house(tmp_path)
    lies(house, path, of_another(other))
    read(house, label)
    stored = state(house, label)
    assert asked not in stored
    assert f"served {other}" in waiting(house, asked)
    house.intercept = None
    read(house, label)
    assert state(house, label).items() >= stored.items()
    assert asked in state(house, label)


def test_a_report_of_another_one_than_the_list_says_is_refused(tmp_path: Path) -> None:
    """Two answers name two people: nobody can tell whose days these are."""
    house = a_house(tmp_path)

    def lie(body: Any) -> Any:
        body["data"]["relationships"]["resource"]["data"]["id"] = "10002"
        return body

    lies(house, "/times-reports/70001", lie)
    read(house, "boond.cras")
    assert "70001" not in state(house, "boond.cras")
    assert "the list names" in waiting(house, "70001")
    assert house.one("SELECT count(*) FROM core.cras") == len(house.vendors.cras) - 1


def stating(total: int) -> Lie:
    """Another total than there are rows."""

    def lie(body: Any) -> Any:
        body["meta"]["totals"]["rows"] = total
        return body

    return lie


@pytest.mark.parametrize(("total", "proven"), [(0, True), (1, True), (9, False)])
def test_a_wrong_total_drops_nothing(tmp_path: Path, total: int, proven: bool) -> None:
    """All that is served is stored; where more was stated, the list is read again from there."""
    house = a_house(tmp_path)
    lies(house, "/resources", stating(total))
    read(house, "boond.consultants")
    assert house.one("SELECT count(*) FROM core.consultants") == len(house.vendors.consultants)
    cursor = house.one("SELECT cursor FROM ops.sync_state WHERE stream = 'consultants'")
    assert (cursor is not None) is proven


def test_contracts_without_all_of_their_rates_are_not_stored(tmp_path: Path) -> None:
    """A list that others are joined with must be whole, or the contracts would be wrong ones."""
    house = a_house(tmp_path)
    lies(house, "/deliveries-groupments", stating(9))
    run = read(house, "boond.contracts")
    assert "boond.contracts" not in run.trusted
    assert state(house, "boond.contracts") == {}


def doubled(body: Any) -> Any:
    """Every row once more, with another state."""
    again = [{**row, "attributes": {**row["attributes"], "state": 0}} for row in body["data"]]
    return {**body, "data": [*body["data"], *again]}


def test_ids_that_come_twice_with_other_content_are_one_record(tmp_path: Path) -> None:
    """Neither the list nor what is joined of it counts anything twice."""
    house = a_house(tmp_path)
    for path, label, table in (
        ("/invoices", "boond.client_invoices", house.vendors.client_invoices),
        ("/deliveries-groupments", "boond.contracts", house.vendors.contracts),
    ):
        lies(house, path, doubled)
        run = read(house, label)
        assert label in run.trusted
        assert len(state(house, label)) == len(table)
    rates = sum(len(contract.rates) for contract in house.vendors.contracts.values())
    assert house.one("SELECT count(*) FROM core.contract_rates") == rates


def test_a_list_that_names_a_next_page_for_ever_fails_its_stream(tmp_path: Path) -> None:
    """Its tokens are all new, and its rows are not."""
    house, asked = a_house(tmp_path), list[str]()

    def lie(body: Any) -> Any:
        asked.append("once more")
        return {**body, "nextPage": f"page-{len(asked)}"}

    lies(house, "/bills", lie)
    told = house.intercept

    def first_page(request: httpx.Request) -> httpx.Response | None:
        kept_ = {name: said for name, said in request.url.params.items() if name != "page"}
        url = request.url.copy_with(params=kept_)
        return told(httpx.Request("GET", url, headers=request.headers)) if told else None

    house.intercept = lambda asked: first_page(asked) if asked.url.path[-6:] == "/bills" else None
    run = read(house, "bill.invoices")
    assert "bill.invoices" not in run.trusted
    assert len(asked) < 20
    assert state(house, "bill.invoices") == {}


@pytest.mark.parametrize("term", ["9999-12", "0000-01", "2019-10", "\u0662026-10"])
def test_a_report_of_no_month_that_was_asked_for_costs_itself_alone(
    tmp_path: Path, term: str
) -> None:
    """It is stored as the month that it says, or refused; the others are as they are."""
    house = a_house(tmp_path)

    def lie(body: Any) -> Any:
        rows = body["data"] if isinstance(body["data"], list) else [body["data"]]
        for row in rows:
            if row["id"] == "70001":
                row["attributes"]["term"] = term
        return body

    lies(house, "/times-reports(/70001)?", lie)
    run = read(house, "boond.cras")
    assert "boond.cras" in run.trusted
    others = house.one("SELECT count(*) FROM core.cras WHERE id <> '70001'")
    assert others == len(house.vendors.cras) - 1
    months = house.rows(
        "SELECT strftime(period_start_date, '%Y-%m') FROM core.cras WHERE id = '70001'"
    )
    assert months in ([], [(term,)])


def test_dates_of_the_last_year_are_dates(tmp_path: Path) -> None:
    """A contract that never ends, as many systems say it, is one that ends then."""
    house = a_house(tmp_path)

    def lie(body: Any) -> Any:
        for row in body["data"]:
            row["attributes"]["endDate"] = "9999-12-31"
        return body

    lies(house, "/projects", lie)
    read(house, "boond.contracts")
    ends = house.rows("SELECT DISTINCT end_date::VARCHAR FROM core.contracts")
    assert ends == [("9999-12-31",)]
