"""A decision is replayed from its inputs, through the same rules."""

import json
from typing import Any

import pytest

from tests.transforms.supplier_facts import (
    bill,
    bill_line,
    billed,
    cra,
    matched,
    order_line,
    several,
    supplier,
    worked,
    world,
)
from tests.transforms.test_po_matching import HELD
from tests.transforms.test_po_overrides import DECEMBER, decided
from transforms.suppliers.po_holds import DYNAMIC, STATIC
from transforms.suppliers.po_matching import BillFacts, BillMatching
from transforms.suppliers.po_replay import replay_bill

WORLDS: dict[str, BillFacts] = {
    "matched": world(**billed()),
    "partial": world(**billed(), cra_days=worked(days=8)),
    "pending": world(**billed(), cras=[], cra_days=[]),
    "paid and proven": world(**billed(status="paid")),
    "paid and not proven": world(**billed(status="paid"), cra_days=worked(days=8)),
    "not checked": world(**billed(price=900), unread=frozenset({"boond.cras"})),
    "copies": world(**several(billed(quantity=5), billed("B2", 5))),
    "too many": world(**several(billed(), billed("B2", 5, invoice_date=DECEMBER))),
    "credit": world(**several(billed(), billed("B2", -5, invoice_date=DECEMBER))),
    "approved": decided(world(**billed(price=500)), "bill/B1"),
    "approved in part": decided(world(**billed(price=500)), "bill/B1", amount=9000),
    "rejected": decided(world(**billed()), "bill/B1", decision="rejected"),
    "lines of two kinds": world(
        bills=[bill(amount=9500)],
        bill_lines=[bill_line(quantity=10), bill_line(line_no=2, quantity=10, price=500)],
        purchase_order_lines=[
            order_line(),
            order_line(line_no=2, consultant_id="C2", daily_rate=500),
        ],
        cras=[cra(), cra("R2", "C2")],
        cra_days=worked() + worked("R2", 4),
    ),
}
WORLDS |= {f"held: {name}": world(**facts) for name, (facts, _) in HELD.items()}


def replayed(found: BillMatching) -> dict[str, str]:
    """The status of each row once more."""
    policies = dict(found.tolerances.iter_rows())
    return {
        break_id: replay_bill(inputs, policies[break_id])
        for break_id, _, inputs in found.inputs.iter_rows()
    }


@pytest.mark.parametrize("facts", WORLDS.values(), ids=WORLDS.keys())
@pytest.mark.parametrize("tolerance", [{}, {"price_percent": "off", "quantity_days": "off"}])
def test_every_decision_is_the_same_again(facts: BillFacts, tolerance: dict[str, Any]) -> None:
    """Inputs and policy alone give the status of every row."""
    found = matched(facts, tolerance)
    assert replayed(found) == dict(found.matches.select("break_id", "status").iter_rows())


def test_all_that_the_rules_read_is_an_input() -> None:
    """No rule reads a column that a replay would not have."""
    known = set(json.loads(matched(WORLDS["matched"]).inputs["inputs"][0]))
    made = {"over", "short", "nothing_open", "checked"}
    limits = {"price_percent", "price_amount", "quantity_days", "total_amount", "tax_amount"}
    read = {name for rule in (*STATIC, *DYNAMIC) for name in rule.when.meta.root_names()}
    assert read <= known | made | limits


def test_the_fingerprint_is_of_the_facts_and_not_of_the_row_that_says_them() -> None:
    """Another order of the lines' ids, our registration or a tolerance changes nothing."""
    ours = {"id": "X", "supplier_id": "S1", "reference": "F-B1", "status": "registered"}
    one = matched(world(**billed(price=454)))
    two = matched(world(**billed(price=454), supplier_invoices=[ours]), {"price_percent": 2})
    assert one.inputs["fingerprint"].equals(two.inputs["fingerprint"])


def test_a_changed_fact_is_another_fingerprint() -> None:
    """One day, one cent or another account is another decision."""
    found = [
        matched(facts).inputs["fingerprint"][0]
        for facts in (
            world(**billed()),
            world(**billed(price="450.01")),
            world(**billed(), cra_days=worked(days=19)),
            world(**billed(), suppliers=[supplier(iban="FR76 1")]),
        )
    ]
    assert len(set(found)) == len(found)


def test_the_policy_tells_where_each_limit_came_from() -> None:
    """A decision names the level of each of its values."""
    tolerance = {
        "supplier": {"S1": {"price_percent": 2}},
        "po": {"PO-2026-001": {"quantity_days": 1}},
    }
    said = json.loads(matched(world(**billed()), tolerance).tolerances["policy"][0])
    assert (said["price_percent"], said["quantity_days"]) == ("2", "1")
    assert said["from"] == {
        "price_percent": "supplier S1",
        "price_amount": "default",
        "quantity_days": "po PO-2026-001",
        "total_amount": "default",
        "tax_amount": "default",
    }
