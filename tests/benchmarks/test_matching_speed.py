"""How fast a million lines are matched, against a hand-written SQL of the same arithmetic.

Both sides read the same frames, in processes of their own, in turn. The SQL answers the same
figures and nothing else: no words, no candidates, no doubtful names. The totals are compared, so
that neither side is fast by deciding something else.
"""

from decimal import Decimal
from typing import Any

import pytest

from tests.benchmarks.measuring import ROUNDS, apart, median, show

LARGEST_RATIO = 4.0

pytestmark = pytest.mark.benchmark


def exact(totals: list[list[Any]]) -> list[list[Any]]:
    """The totals with their sums as decimals, whatever zeros they were written with."""
    return [
        [name, rows, *(None if figure is None else Decimal(figure) for figure in figures)]
        for name, rows, *figures in totals
    ]


def ratio_to_sql(side: str, title: str) -> float:
    """Runs both in turn, prints them, and returns how many times the SQL ours takes."""
    sql, ours = [], []
    for _ in range(ROUNDS):
        sql.append(apart("tests.benchmarks.matching", side, "sql"))
        ours.append(apart("tests.benchmarks.matching", side, "ours"))
    assert exact(ours[0]["totals"]) == exact(sql[0]["totals"])
    ratio = median(ours, "seconds") / median(sql, "seconds")
    rows = [
        ("SQL by hand", median(sql, "seconds"), 1.0, median(sql, "peak_mb")),
        ("rapproche", median(ours, "seconds"), ratio, median(ours, "peak_mb")),
    ]
    show(title, ("match", "seconds", "ratio", "peak MB"), rows)
    return ratio


def test_a_million_declared_lines_match_near_sql() -> None:
    """Declared lines against CRAs take at most 4 times the SQL, with the same totals."""
    assert ratio_to_sql("clients", "1,000,000 declared lines, 990,000 CRAs") <= LARGEST_RATIO


def test_a_million_invoice_lines_match_near_sql() -> None:
    """Invoice lines against orders and 5,000,000 receipt days take at most 4 times the SQL."""
    title = "1,000,000 invoice lines, 50,000 order lines, 5,000,000 receipt days"
    assert ratio_to_sql("suppliers", title) <= LARGEST_RATIO
