"""Which days count for which order line, and which bill takes them."""

from datetime import date
from typing import Any

import pytest

from tests.transforms.supplier_facts import (
    NOVEMBER,
    billed,
    cra,
    matched,
    order,
    order_line,
    row,
    several,
    worked,
    world,
)

NEWER = order("PO-2026-002", start_date=date(2026, 11, 2))


def _received(number: str = "PO-2026-001", **facts: Any) -> Any:
    return row(matched(world(**billed(purchase_order_number=number), **facts)))["received_qty"]


def _two(**more: Any) -> dict[str, Any]:
    lines = [order_line(estimated_days=5), order_line("PO-2026-002", **more)]
    return {"purchase_orders": [order(), NEWER], "purchase_order_lines": lines}


@pytest.mark.parametrize("kind", ["absence", "internal"])
def test_only_production_is_received(kind: str) -> None:
    """Absences and internal days are no receipt."""
    days = worked(days=3)
    days[0]["type_code"] = kind
    assert _received(cra_days=days) == 2


def test_days_are_received_whatever_contract_their_lines_name() -> None:
    """A report on two contracts is received with all its production days."""
    days = [day | {"contract_id": f"CT{at % 2}"} for at, day in enumerate(worked(days=10))]
    assert _received(cra_days=days) == 10


def test_days_outside_the_order_are_not_received() -> None:
    """Only days inside the order's dates count."""
    assert _received(cra_days=worked(days=10, start=date(2026, 10, 27))) == 5


@pytest.mark.parametrize("status", ["draft", "submitted", "rejected", "invalidated"])
def test_only_validated_days_are_received(status: str) -> None:
    """A CRA in another status is no receipt."""
    assert _received(cras=[cra(status=status)]) == 0


def test_the_older_order_is_filled_first() -> None:
    """The older order receives what it ordered, the newer the rest."""
    assert _received(**_two()) == 5
    assert _received("PO-2026-002", **_two()) == 15


def test_days_beyond_all_orders_count_for_the_newest() -> None:
    """What is worked beyond what was ordered is still received."""
    assert _received("PO-2026-002", **_two(estimated_days=2)) == 15


def test_days_that_only_the_older_covers_use_it_up() -> None:
    """A day before the newer order begins counts for the older, and fills it."""
    facts = _two()
    facts["purchase_orders"] = [order(), order("PO-2026-002", start_date=date(2026, 11, 11))]
    assert _received("PO-2026-002", **facts) == 10


def test_a_cra_that_names_an_order_counts_for_it() -> None:
    """The newer order receives the days that name it, though the older is empty."""
    facts = _two() | {"cras": [cra(purchase_order_id="id-PO-2026-002")]}
    assert _received("PO-2026-002", **facts) == 19
    assert _received(**facts) == 0


def test_a_draft_order_receives_what_no_other_covers() -> None:
    """A cancelled older order does not swallow the days of the live one."""
    facts = _two() | {"purchase_orders": [order(status="cancelled"), NEWER]}
    assert _received("PO-2026-002", **facts) == 19
    assert _received(**facts) == 1


def test_receipts_are_consumed_oldest_first() -> None:
    """The first bill takes the first days, by CRA and date; the next goes on where it ended."""
    facts = world(
        **several(billed(quantity="1.5"), billed("B2", 1, invoice_date=date(2026, 12, 1))),
        cra_days=worked(days=3),
    )
    taken = matched(facts).consumption.select("bill_id", "date", "quantity").rows()
    first, second, third = (date(2026, 11, day) for day in (1, 2, 3))
    assert taken == [("B1", first, 1), ("B1", second, 0.5), ("B2", second, 0.5), ("B2", third, 0.5)]


def test_a_consumed_day_stays_with_its_order() -> None:
    """A day that a settled bill took of the newer order is not given to the older."""
    first = matched(world(**billed(quantity=10, purchase_order_number="PO-2026-002"), **_two()))
    again = world(
        **several(billed(quantity=10, purchase_order_number="PO-2026-002"), billed("B2", 5)),
        **_two(),
        settled=first.matches,
        consumed=first.consumption,
    )
    found = row(matched(again), "bill/B2/1")
    assert (found["received_qty"], found["matchable_qty"]) == (5, 5)


def test_a_settled_bill_keeps_days_that_have_gone() -> None:
    """When a consumed CRA is withdrawn, the next bill finds less, not more."""
    first = matched(world(**billed(quantity=10)))
    again = world(
        **several(billed(quantity=10), billed("B2", 9)),
        cras=[cra(status="invalidated"), cra("R2")],
        cra_days=worked() + worked("R2", 12, start=NOVEMBER),
        settled=first.matches,
        consumed=first.consumption,
    )
    found = row(matched(again), "bill/B2/1")
    assert (found["received_qty"], found["matchable_qty"], found["status"]) == (12, 2, "partial")


def test_a_credit_note_gives_the_newest_days_back() -> None:
    """Its consumption is negative, on the days that were taken last."""
    first = matched(world(**billed(quantity=3)))
    again = world(
        **several(billed(quantity=3), billed("B2", -1, invoice_date=date(2026, 12, 1))),
        settled=first.matches,
        consumed=first.consumption,
    )
    assert matched(again).consumption.select("bill_id", "date", "quantity").rows() == [
        ("B2", date(2026, 11, 3), -1)
    ]


def test_a_day_of_a_replaced_cra_is_the_same_day() -> None:
    """What the newer order's bill consumed is not received by the older when a new CRA says it."""
    named = "id-PO-2026-002"
    first = matched(
        world(
            **billed(purchase_order_number="PO-2026-002"),
            **_two() | {"purchase_orders": [order(), order("PO-2026-002")]},
            cras=[cra(purchase_order_id=named)],
        )
    )
    again = world(
        **several(
            billed(purchase_order_number="PO-2026-002"),
            billed("B2", 5, invoice_date=date(2026, 12, 1)),
        ),
        **_two() | {"purchase_orders": [order(), order("PO-2026-002")]},
        cras=[cra(purchase_order_id=named, status="invalidated"), cra("R2")],
        cra_days=worked() + worked("R2"),
        settled=first.matches,
        consumed=first.consumption,
    )
    assert row(matched(again), "bill/B2/1")["status"] == "pending_receipt"
