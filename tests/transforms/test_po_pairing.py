"""Which order and which of its lines an invoice line is for."""

from datetime import date
from typing import Any

import pytest

from tests.transforms.supplier_facts import (
    bill,
    bill_line,
    billed,
    codes,
    consultant,
    matched,
    order,
    order_line,
    row,
    supplier,
    world,
)

TWO_ORDERS = {
    "purchase_orders": [order(), order("PO-2026-002")],
    "purchase_order_lines": [
        order_line(),
        order_line("PO-2026-002", consultant="Marie Curie", consultant_id="C2"),
    ],
    "consultants": [consultant(), consultant("C2", "Marie", "Curie")],
}


def _order_of(**facts: Any) -> str | None:
    return row(matched(world(**facts)))["po_id"]


def _lines_of(*lines: dict[str, Any], orders: list[dict[str, Any]]) -> list[int | None]:
    total = sum(line["amount"] for line in lines)
    facts = world(bills=[bill(amount=total)], bill_lines=lines, purchase_order_lines=orders)
    return matched(facts).matches.get_column("po_line").to_list()


@pytest.mark.parametrize(
    "number", ["PO-2026-001", "po 2026_001", "PO2026001", "PO-2O26-OO1", "id-PO-2026-001"]
)
def test_a_number_is_compared_without_its_dress(number: str) -> None:
    """Case, spaces, dashes and a letter O for a zero do not matter."""
    assert _order_of(**billed(purchase_order_number=number)) == "id-PO-2026-001"


def test_a_zero_is_not_read_as_a_letter() -> None:
    """Only a letter O is read as a zero, not the other way round."""
    assert codes(matched(world(**billed(purchase_order_number="P0-2026-001")))) == ["PO_MISSING"]


@pytest.mark.parametrize(
    "text", ["Order PO-2026-001, November", "po 2026 001", "BC PO2026001.", "PO-2O26-001"]
)
def test_a_number_in_the_description_counts(text: str) -> None:
    """A known number is found in a sentence."""
    facts = billed(price=451, purchase_order_number=None, description=text)
    assert _order_of(**facts) == "id-PO-2026-001"


def test_a_longer_number_is_another() -> None:
    """PO-2026-0012 does not name PO-2026-001."""
    facts = billed(purchase_order_number=None, description="PO-2026-0012")
    assert codes(matched(world(**facts))) == ["PO_MISSING"]


def test_lines_may_name_orders_of_their_own() -> None:
    """Each line of a bill goes to the order that it names."""
    lines = [
        bill_line(quantity=5, description="PO-2026-002"),
        bill_line(quantity=5, line_no=2, description="PO-2026-001"),
    ]
    facts = world(
        bills=[bill(amount=4500, purchase_order_number=None)], bill_lines=lines, **TWO_ORDERS
    )
    orders = matched(facts).matches.get_column("po_id").to_list()
    assert orders == ["id-PO-2026-002", "id-PO-2026-001"]


def test_of_two_orders_of_one_number_the_suppliers_own_counts() -> None:
    """Another supplier's order of the same number is not meant."""
    other = order(supplier_id="S2") | {"id": "other"}
    facts = billed() | {
        "purchase_orders": [other, order()],
        "suppliers": [supplier(), supplier("S2", "Globex")],
    }
    assert _order_of(**facts) == "id-PO-2026-001"


def test_without_a_number_the_named_consultant_tells_the_order() -> None:
    """Of two orders of one price, that of the consultant in the text is taken."""
    facts = billed(purchase_order_number=None, description="CURIE Marie, novembre")
    assert _order_of(**facts | TWO_ORDERS) == "id-PO-2026-002"


def test_without_a_number_the_amount_tells_the_order() -> None:
    """The one open order with that price is taken, and the bill matches."""
    found = matched(world(**billed(purchase_order_number=None, description="Novembre")))
    assert (row(found)["po_id"], codes(found)) == ("id-PO-2026-001", [])


@pytest.mark.parametrize(
    "more", [{"status": "closed"}, {"end_date": date(2026, 9, 30)}, {"supplier_id": "S2"}]
)
def test_only_open_orders_of_the_supplier_are_guessed(more: dict[str, Any]) -> None:
    """A closed order, one that ended before, or another supplier's is no guess."""
    facts = billed(purchase_order_number=None) | {
        "purchase_orders": [order(**more)],
    }
    assert codes(matched(world(**facts))) == ["PO_MISSING"]


def test_a_zero_price_never_matches_by_amount() -> None:
    """A line for nothing names no order by its price."""
    facts = billed(price=0, purchase_order_number=None) | {
        "purchase_order_lines": [order_line(daily_rate=0)]
    }
    assert codes(matched(world(**facts))) == ["PO_MISSING"]


def test_lines_pair_by_consultant_first() -> None:
    """The named consultant's line is taken although another has the price."""
    lines = [bill_line(quantity=1, price=500, description="Jean Dupont")]
    marie = order_line(line_no=2, consultant="Marie Curie", consultant_id=None, daily_rate=500)
    assert _lines_of(*lines, orders=[order_line(), marie]) == [1]


def test_lines_pair_by_price_then_quantity_then_order() -> None:
    """Price comes before quantity, quantity before the order of the lines."""
    orders = [
        order_line(line_no=1, estimated_days=5),
        order_line(line_no=2, estimated_days=7),
        order_line(line_no=3, daily_rate=500, estimated_days=9),
    ]
    by_price = bill_line(quantity=5, price=500)
    by_quantity = bill_line(quantity=7, line_no=2)
    by_order = bill_line(quantity=3, line_no=3)
    assert _lines_of(by_price, by_quantity, by_order, orders=orders) == [3, 2, 1]


def test_two_like_lines_take_two_order_lines() -> None:
    """Like lines pair one to one, and a third is left over."""
    lines = [bill_line(line_no=n, quantity=1, description="Jean Dupont") for n in (1, 2, 3)]
    orders = [order_line(line_no=n) for n in (1, 2)]
    assert _lines_of(*lines, orders=orders) == [1, 2, None]


def test_a_line_that_names_a_consultant_is_for_nobody_else() -> None:
    """A second line of Jean does not take Marie's order line."""
    lines = [bill_line(line_no=n, quantity=1, description="Jean Dupont") for n in (1, 2)]
    orders = [order_line(), order_line(line_no=2, consultant="Marie Curie", consultant_id=None)]
    assert _lines_of(*lines, orders=orders) == [1, None]


def test_a_bill_without_lines_is_its_amount_over_the_price() -> None:
    """9000.00 at 450.00 are 20 days."""
    found = row(matched(world(bills=[bill()])))
    assert (found["invoiced_qty"], found["invoiced_price"], found["status"]) == (20, 450, "matched")


def test_a_line_without_quantity_is_read_likewise() -> None:
    """An amount of 10.25 days is read, and one that is no quarter of a day is not."""
    line = bill_line() | {"quantity": None, "unit_price": None}
    for amount, quantity in (("4612.50", "10.25"), ("4600", None)):
        facts = world(bills=[bill(amount=amount)], bill_lines=[line | {"amount": amount}])
        found = matched(facts)
        assert codes(found) == ([] if quantity else ["LINES_MISSING"])


def test_a_bill_without_lines_on_an_order_of_two_is_held() -> None:
    """Nobody can say which line is meant."""
    facts = world(bills=[bill()], purchase_order_lines=[order_line(), order_line(line_no=2)])
    assert "LINES_MISSING" in codes(matched(facts))


def test_an_amount_with_tax_is_told_as_such() -> None:
    """LINES_MISSING says when the amount is the order's plus VAT."""
    holds = matched(
        world(
            bills=[bill(amount="10800.24")],
            purchase_order_lines=[order_line(daily_rate="450.01")],
        )
    ).holds
    assert holds.get_column("detail").to_list() == [
        "the amount is that of order PO-2026-001 plus 20 % VAT"
    ]


def test_a_line_without_price_is_judged_by_its_amount() -> None:
    """Amount over quantity is the price that is compared with the order's."""
    line = bill_line(quantity=10, amount=5000) | {"unit_price": None}
    found = matched(world(bills=[bill(amount=5000)], bill_lines=[line]))
    assert (codes(found), row(found)["invoiced_price"]) == (["PRICE"], 500)


def test_a_negative_amount_of_days_done_is_left_over() -> None:
    """A discount line with a positive quantity takes no order line."""
    lines = [bill_line(quantity=10), bill_line(line_no=2, quantity=1, price=-100)]
    found = matched(world(bills=[bill(amount=4400)], bill_lines=lines))
    assert codes(found) == ["LINE_UNMATCHED"]
