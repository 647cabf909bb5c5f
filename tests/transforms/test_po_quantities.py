"""What lines take, against a plain loop over the bills."""

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.suppliers.po_quantities import take

_TYPES = {
    "turn": pl.Int64,
    "order_line": pl.UInt32,
    "wanted": pl.Int64,
    "live": pl.Boolean,
    "ordered": pl.Int64,
    "received": pl.Int64,
    "base": pl.Int64,
    "limit": pl.Int64,
    "closed": pl.Boolean,
    "paid": pl.Boolean,
}


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Bills of up to three lines over three order lines, credit notes among them."""
    days = st.integers(0, 20)
    orders = [
        {
            "ordered": draw(days),
            "received": draw(days),
            "base": draw(st.integers(-3, 5)),
            "limit": draw(st.sampled_from([0, 0, 1, 3])),
            "closed": draw(st.booleans()),
        }
        for _ in range(3)
    ]
    rows = []
    for turn in range(draw(st.integers(0, 12))):
        live = draw(st.sampled_from([True, True, True, False]))
        paid = draw(st.booleans())
        for line in draw(st.sets(st.integers(0, 2), min_size=1)):
            wanted = draw(st.sampled_from([1, 2, 3, 5, 8, 13, 0, -1, -4]))
            bill = {"turn": turn, "live": live, "paid": paid}
            rows.append({"order_line": line, "wanted": wanted} | bill | orders[line])
    return rows


def _by_loop(rows: list[dict[str, Any]]) -> dict[tuple[int, int], tuple[int, int]]:
    """(before, taken) of each line, bill by bill."""
    matched = {r["order_line"]: r["base"] for r in rows}
    found = {}
    for turn in sorted({r["turn"] for r in rows}):
        lines = [r for r in rows if r["turn"] == turn]
        opens = {r["order_line"]: r["ordered"] - matched[r["order_line"]] for r in lines}
        held = any(
            r["wanted"] > 0
            and not r["paid"]
            and (
                r["wanted"] > opens[r["order_line"]] + r["limit"]
                or (r["closed"] and opens[r["order_line"]] <= 0)
            )
            for r in lines
        )
        for r in lines:
            before = matched[r["order_line"]]
            ceiling = min(r["received"], r["ordered"]) if r["paid"] else r["received"]
            receipts = ceiling - before
            fits = r["wanted"] <= receipts + r["limit"]
            taken = r["wanted"] if fits else min(r["wanted"], max(0, receipts))
            taken = 0 if held or not r["live"] else taken
            found[turn, r["order_line"]] = (before, taken)
            matched[r["order_line"]] = before + taken
    return found


@settings(max_examples=60, deadline=None)
@given(histories(), st.randoms())
def test_rounds_take_what_a_loop_takes(rows: list[dict[str, Any]], random: Any) -> None:
    """Whole frames decide as a loop over the bills does, in any row order."""
    expected = _by_loop(rows)
    shuffled = random.sample(rows, len(rows))
    found = take(pl.DataFrame(shuffled, schema=_TYPES, orient="row"))
    said = found.select("turn", "order_line", "before", "taken").iter_rows()
    assert {(t, o): (b, x) for t, o, b, x in said} == expected


def _line(turn: int, wanted: int, order_line: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "turn": turn,
        "order_line": order_line,
        "wanted": wanted,
        "live": True,
        "ordered": 10,
        "received": 10,
        "base": 0,
        "limit": 0,
        "closed": False,
        "paid": False,
    } | more


def _taken(*rows: dict[str, Any]) -> list[int]:
    found = take(pl.DataFrame(list(rows), schema=_TYPES, orient="row"))
    return found.sort("turn", "order_line").get_column("taken").to_list()


def test_a_bill_beyond_the_order_takes_nothing() -> None:
    """A bill held for one line takes nothing on its other line, and later bills find it open."""
    bill = [_line(0, 11), _line(0, 5, order_line=1)]
    assert _taken(*bill, _line(1, 10), _line(2, 10, order_line=1)) == [0, 0, 10, 10]


def test_a_credit_note_frees_what_it_credits() -> None:
    """What a credit note gives back is open again, also where it comes before its bill."""
    assert _taken(_line(0, 10), _line(1, -4), _line(2, 4)) == [10, -4, 4]
    assert _taken(_line(0, -4), _line(1, 14), _line(2, 4)) == [-4, 14, 0]


def test_a_tolerance_counts_once() -> None:
    """Two lines do not each take the tolerance over the same order line."""
    assert _taken(_line(0, 11, limit=1), _line(1, 1, limit=1)) == [11, 0]


def test_a_paid_bill_takes_what_is_open_of_it() -> None:
    """Its days are spent though it asks for more than was ordered: they go to nobody else."""
    assert _taken(_line(0, 12, received=20, paid=True), _line(1, 1)) == [10, 0]
