"""What is written once a person has decided on a bill."""

from typing import Any

import pytest

from tests.transforms.supplier_facts import billed, matched, several, world
from tests.transforms.test_po_overrides import DECEMBER, decided
from transforms.commands import FLAG, REGISTER
from transforms.policy import Policy
from transforms.suppliers.po_matching import BillFacts
from transforms.suppliers.registering import supplier_commands


def written(facts: BillFacts) -> list[tuple[str, str]]:
    """Kinds and subjects of what is planned."""
    planned = supplier_commands(
        matched(facts).matches,
        facts.bills,
        facts.bill_lines,
        facts.supplier_invoices,
        Policy(),
    )
    return sorted(planned.select("kind", "subject_id").rows())


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ({}, [FLAG, REGISTER]),
        ({"amount": 9000}, [REGISTER]),
        ({"decision": "rejected"}, []),
    ],
    ids=["in full", "up to an amount", "rejected"],
)
def test_a_decision_is_followed_by_its_commands(said: dict[str, Any], kinds: list[str]) -> None:
    """In full it is registered and flagged, in part registered alone, rejected nothing."""
    facts = world(**billed(price=500))
    assert written(facts) == []
    assert [kind for kind, _ in written(decided(facts, "bill/B1", **said))] == kinds


def test_two_bills_of_one_number_are_never_both_written() -> None:
    """Whichever is approved, one number has one registration and one flag."""
    both = several(
        billed(quantity=5), billed("B2", 5, invoice_number="F-B1", invoice_date=DECEMBER)
    )
    facts = decided(world(**both), "bill/B2")
    assert {subject for _, subject in written(facts)} == {"bill/B1"}
    rejected = decided(facts, "bill/B1", decision="rejected")
    assert {subject for _, subject in written(rejected)} == {"bill/B2"}
