"""One world, told in four ways: the tables, the decisions and what the vendors end with are one.

Ids are the same in all four, since the world that every dialect can tell has ids that BoondManager
and BILL could have given. What a production dialect has no place for is named here, and nowhere
else.
"""

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.flows.house import House

pytestmark = pytest.mark.nights

WAYS = [("v3", "gateway"), ("live", "gateway"), ("v3", "live"), ("live", "live")]
OURS = {
    "run_id",
    "updated_at",
    "decided_at",
    "first_seen_at",
    "last_seen_at",
    "closed_at",
    "billed_at",
}
"""When and by which run: instants that the vendors' own clocks tell among them."""
UNTOLD = {
    "cras": {"validation_date"},
    "supplier_invoices": {"due_date"},
    "supplier_invoice_lines": {"description", "quantity", "unit_price"},
}
"""What BoondManager's production API has no place for when a supplier's invoice is registered, and
the instant of a validation, which is its own there."""
ONE_WORD = {"invalidated": "rejected"}
"""A CRA that was sent back: BoondManager's production API has one word for both."""
CORE = [
    "consultants", "clients", "contracts", "contract_rates", "cras", "cra_days", "suppliers",
    "purchase_orders", "purchase_order_lines", "client_invoices", "client_invoice_lines",
    "supplier_invoices", "supplier_invoice_lines", "vendors", "bills", "bill_lines", "payments",
    "declarations", "declaration_lines", "party_links", "person_links",
]  # fmt: skip
RECON = [
    "cra_matches", "po_matches", "holds", "breaks", "receipt_consumption", "billing_ledger",
    "invoice_proposals", "activity_alerts",
]  # fmt: skip


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], House]:
    """A night that wrote back, in each of the four ways."""
    told = {}
    for way in WAYS:
        house = House(
            tmp_path_factory.mktemp("-".join(way)),
            vendors={"portable": True},
            speaking=way,
            BOOND_VALIDATOR_ID="900",
        )
        outcome = house.nightly(apply=True)
        assert outcome.exit_code in {0, 1}, (way, outcome.reasons)
        told[way] = house
    return told


def table(house: House, schema: str, name: str) -> pl.DataFrame:
    """A table without what is ours, in an order of its own."""
    rows = house.frame(f"FROM {schema}.{name}")
    told = rows.select(c for c in rows.columns if c not in OURS | UNTOLD.get(name, set()))
    told = told.with_columns(pl.col(c).replace(ONE_WORD) for c in told.columns if "status" in c)
    return told[sorted(range(told.height), key=lambda row: repr(told.row(row)))]


@pytest.mark.parametrize("way", WAYS[1:], ids="+".join)
@pytest.mark.parametrize("name", CORE)
def test_core_is_the_same(
    houses: dict[tuple[str, str], House], way: tuple[str, str], name: str
) -> None:
    """Each canonical table has the same rows, whichever dialects were spoken."""
    assert_frame_equal(table(houses[way], "core", name), table(houses[WAYS[0]], "core", name))


@pytest.mark.parametrize("way", WAYS[1:], ids="+".join)
@pytest.mark.parametrize("name", RECON)
def test_decisions_are_the_same(
    houses: dict[tuple[str, str], House], way: tuple[str, str], name: str
) -> None:
    """What was compared, held, billed and proposed is the same, to the cent and to the word."""
    assert_frame_equal(table(houses[way], "recon", name), table(houses[WAYS[0]], "recon", name))


@pytest.mark.parametrize("way", WAYS[1:], ids="+".join)
def test_vendors_end_alike(houses: dict[tuple[str, str], House], way: tuple[str, str]) -> None:
    """Invoices, registrations, flags and statuses at the vendors are the same."""
    assert ends(houses[way]) == ends(houses[WAYS[0]])


def ends(house: House) -> dict[str, Any]:
    """What the vendors hold after the night."""
    world = house.vendors
    return {
        "cras": {cra.id: ONE_WORD.get(cra.status, cra.status) for cra in world.cras.values()},
        "invoices": sorted(
            (i.reference, i.client_id, i.contract_id, i.net, i.tax, i.status,
             [(line.description, line.total) for line in i.lines])
            for i in world.client_invoices.values()
        ),
        "registered": sorted(
            (i.reference, i.supplier_id, str(i.order_id), i.net, i.status)
            for i in world.supplier_invoices.values()
        ),
    }  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids="+".join)
def test_a_second_night_writes_nothing(
    houses: dict[tuple[str, str], House], way: tuple[str, str]
) -> None:
    """The vendors' lists of writes stay as they are, and so does what is planned."""
    house = houses[way]
    before = list(house.vendors.writes)
    house.nightly(apply=True)
    assert before
    assert house.vendors.writes == before


def test_the_world_has_something_to_tell(houses: dict[tuple[str, str], House]) -> None:
    """Every kind of write, several outcomes of either side and many holds are among it."""
    house = houses[WAYS[0]]
    kinds = {kind for (kind,) in house.rows("SELECT kind FROM ops.outbox WHERE state = 'done'")}
    assert {k for k in kinds if k.startswith("boond.")} == {
        "boond.cra.validate",
        "boond.cra.invalidate",
        "boond.invoice.create",
        "boond.supplier_invoice.register",
        "boond.supplier_invoice.flag",
    }
    assert house.one("SELECT count(DISTINCT outcome) FROM recon.cra_matches") >= 5
    assert house.one("SELECT count(DISTINCT code) FROM recon.holds") >= 12
