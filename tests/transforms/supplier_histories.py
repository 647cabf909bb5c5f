"""Histories of several suppliers side by side, which share nothing (tests/worlds.py).

World k has supplier `Sk`, order `POk`, bills `Bk.n`, and days of `Ck.1` and `Ck.2`.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests.transforms.supplier_facts import (
    NOVEMBER,
    bill,
    bill_line,
    cra,
    order,
    order_line,
    supplier,
    vendor,
    worked,
    world,
)
from tests.worlds import MOST_AT_ONCE
from transforms.suppliers.po_matching import BillFacts

DAYS = st.integers(0, 10)
TWO_DAYS = st.tuples(DAYS, DAYS)
FIRMS = (
    *("ACME", "Borealis", "Cyclone", "Dunkirk", "Fougasse", "Hippocampe"),
    *("Joliette", "Kumquat", "Lumbini", "Margelle", "Quintessence"),
)

Line = tuple[Any, int]


assert len(FIRMS) >= MOST_AT_ONCE


@dataclass(frozen=True)
class Billed:
    """A bill of some days and a price on the first order lines; `day` counts from 1 November."""

    lines: tuple[Line, ...]
    day: int
    status: str


@dataclass(frozen=True)
class History:
    """Two order lines of two people, their half days, and bills over one or both."""

    ordered: tuple[int, int]
    days: tuple[int, int]
    bills: tuple[Billed, ...]


def tuples(of: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """One to so many of them."""
    return st.lists(of, min_size=1, max_size=most).map(tuple)


LINES = st.tuples(st.sampled_from([1, 2, 4, "2.5", -1, -3]), st.sampled_from([450, 450, 450, 500]))
STATUSES = st.sampled_from(["approved", "approved", "approved", "paid"])
HISTORIES = st.builds(
    History,
    ordered=TWO_DAYS,
    days=TWO_DAYS,
    bills=tuples(
        st.builds(Billed, lines=tuples(LINES, 2), day=st.integers(0, 9), status=STATUSES), 5
    ),
)


def facts_of(histories: list[History]) -> BillFacts:
    """Worlds side by side."""
    numbers = range(len(histories))
    both = [(k, n) for k in numbers for n in (1, 2)]
    bills = [
        (k, number, told)
        for k, one in enumerate(histories)
        for number, told in enumerate(one.bills)
    ]
    return world(
        vendors=[vendor(f"V{k}", FIRMS[k]) for k in numbers],
        suppliers=[supplier(f"S{k}", FIRMS[k]) for k in numbers],
        purchase_orders=[order(f"PO{k}", supplier_id=f"S{k}") for k in numbers],
        purchase_order_lines=[
            order_line(
                f"PO{k}",
                n,
                consultant_id=f"C{k}.{n}",
                consultant=None,
                estimated_days=histories[k].ordered[n - 1],
            )
            for k, n in both
        ],
        cras=[cra(f"R{k}.{n}", f"C{k}.{n}") for k, n in both],
        cra_days=half_days([one.days for one in histories]),
        bills=[_bill(*each) for each in bills],
        bill_lines=[line for each in bills for line in _bill_lines(*each)],
    )


def _bill(k: int, number: int, told: Billed) -> dict[str, Any]:
    return bill(
        f"B{k}.{number}",
        vendor_id=f"V{k}",
        vendor_name=FIRMS[k],
        purchase_order_number=f"PO{k}",
        amount=sum(line["amount"] for line in _bill_lines(k, number, told)),
        invoice_date=NOVEMBER + timedelta(days=told.day),
        status=told.status,
    )


def _bill_lines(k: int, number: int, told: Billed) -> list[dict[str, Any]]:
    return [
        bill_line(f"B{k}.{number}", quantity, price, line_no=n)
        for n, (quantity, price) in enumerate(told.lines, 1)
    ]


def half_days(counts: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """Days of each world and person, by halves."""
    return [
        day
        for k, count in enumerate(counts)
        for n in (1, 2)
        for day in worked(f"R{k}.{n}", count[n - 1], duration="0.5")
    ]
