"""Supplier invoices are found by what is asked of them (properties.md P05, P15)."""

import unicodedata
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.bill_search import Amounts, Search, search
from transforms.money import MONEY

SCHEMA: dict[str, Any] = {
    "bill_id": pl.String,
    "invoice_number": pl.String,
    "vendor_id": pl.String,
    "vendor_name": pl.String,
    "invoice_date": pl.Date,
    "amount": MONEY,
    "status": pl.String,
    "match_status": pl.String,
}
NUMBERS = ["F-2026/012", "f2026012", "2026 13", "É-7", "", None]
VENDORS = [("V1", "Société Générale-d'Aide"), ("V2", "ACME S.A.S."), ("V10", "acme"), ("V3", None)]
STATUSES = ["paid", "approved", "Sent"]
MATCHED = ["matched", "review", None]
FIRST = date(2026, 10, 1)

cents = st.integers(-120_000, 120_000).map(lambda n: Decimal(n) / 100)
days = st.integers(0, 40).map(lambda n: FIRST + timedelta(days=n))


@st.composite
def bills(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few bills that have much in common."""
    rows = []
    for n in range(draw(st.integers(0, 6))):
        vendor_id, name = draw(st.sampled_from(VENDORS))
        rows.append(
            {
                "bill_id": f"B{n}",
                "invoice_number": draw(st.sampled_from(NUMBERS)),
                "vendor_id": vendor_id,
                "vendor_name": name,
                "invoice_date": draw(days),
                "amount": draw(st.sampled_from([Decimal(100), Decimal(500)]) | cents),
                "status": draw(st.sampled_from(STATUSES)),
                "match_status": draw(st.sampled_from(MATCHED)),
            }
        )
    return rows


@st.composite
def ranges(draw: st.DrawFn) -> tuple[str, Any]:
    """An amount as a person writes it, and what it means."""
    low, high = sorted((draw(cents), draw(cents)))
    return draw(
        st.sampled_from(
            [
                (f"{low}-{high}", lambda a: low <= a <= high),
                (f" {low} - {high}", lambda a: low <= a <= high),
                (f">{low}", lambda a: a > low),
                (f"< {str(high).replace('.', ',')}", lambda a: a < high),
                (f"{low}", lambda a: a == low),
                ("100-500", lambda a: 100 <= a <= 500),
                ("500", lambda a: a == 500),
            ]
        )
    )


def _bare(text: str | None) -> str | None:
    """Letters and digits alone, in upper case."""
    if text is None:
        return None
    return "".join(c for c in text.upper() if c.isalnum()) or None


def _folded(text: str | None) -> str:
    """Without case, accents, hyphens and apostrophes."""
    marked = unicodedata.normalize("NFKD", (text or "").lower())
    letters = "".join(c for c in marked if not unicodedata.combining(c))
    return " ".join(letters.replace("-", " ").replace("'", " ").split())


def _satisfies(row: dict[str, Any], asked: dict[str, Any]) -> bool:
    number, vendor = asked["number"], asked["vendor"]
    within = asked["amount"][1] if asked["amount"] else None
    named = row["vendor_name"] is not None and _folded(vendor) in _folded(row["vendor_name"])
    checks = [
        number is None or _bare(number) in (_bare(row["invoice_number"]) or ""),
        vendor is None or named or row["vendor_id"] == vendor,
        within is None or within(row["amount"]),
        asked["first"] is None or row["invoice_date"] >= asked["first"],
        asked["last"] is None or row["invoice_date"] <= asked["last"],
        asked["status"] is None
        or asked["status"].lower() in {row["status"].lower(), row["match_status"]},
    ]
    return all(checks)


def _found(rows: list[dict[str, Any]], asked: dict[str, Any]) -> pl.DataFrame:
    return search(
        pl.DataFrame(rows, schema=SCHEMA, orient="row"),
        Search(
            number=asked["number"],
            vendor=asked["vendor"],
            amounts=Amounts.read(asked["amount"][0]) if asked["amount"] else None,
            first_day=asked["first"],
            last_day=asked["last"],
            status=asked["status"],
        ),
    )


questions = st.fixed_dictionaries(
    {
        "number": st.none() | st.sampled_from(["2026-01", "F 2026", "é7", "13", "f"]),
        "vendor": st.none()
        | st.sampled_from(["societe generale", "ACME", "V1", "d'aide", "v10", "V3"]),
        "amount": st.none() | ranges(),
        "first": st.none() | days,
        "last": st.none() | days,
        "status": st.none() | st.sampled_from(["PAID", "sent", "review", "matched", "draft"]),
    }
)


@pytest.mark.properties
@given(rows=bills(), asked=questions)
def test_p05_every_invoice_found_satisfies_all_that_is_asked(
    rows: list[dict[str, Any]], asked: dict[str, Any]
) -> None:
    """However many filters are asked together (P05)."""
    assert all(_satisfies(row, asked) for row in _found(rows, asked).to_dicts())


@pytest.mark.properties
@given(rows=bills(), asked=questions)
def test_p15_any_search_finds_exactly_what_satisfies_it(
    rows: list[dict[str, Any]], asked: dict[str, Any]
) -> None:
    """Number, vendor, amount, dates and status, alone and together, each invoice once (P15)."""
    found = _found(rows, asked)["bill_id"].to_list()
    assert sorted(found) == sorted(row["bill_id"] for row in rows if _satisfies(row, asked))


@pytest.mark.parametrize(
    ("text", "low", "high", "closed"),
    [
        ("100-500", 100, 500, True),
        (">1000", 1000, None, False),
        ("<50", None, 50, False),
        ("450,25", "450.25", "450.25", True),
        ("-450", -450, -450, True),
        ("-500--100", -500, -100, True),
    ],
)
def test_an_amount_has_four_forms(text: str, low: Any, high: Any, closed: bool) -> None:
    """A range with both ends in it, above, below, and exactly."""
    exact = [None if bound is None else Decimal(str(bound)) for bound in (low, high)]
    assert Amounts.read(text) == Amounts(*exact, closed=closed)


@pytest.mark.parametrize("text", ["", "ten", "100..500", "500-100", ">", "1e3", "1.23456", "٣"])
def test_another_form_is_refused_with_the_forms(text: str) -> None:
    """Nothing is guessed of what a person meant."""
    with pytest.raises(ValueError, match="write 100-500, >1000, <50 or 450"):
        Amounts.read(text)


def test_the_newest_comes_first() -> None:
    """By date, then by id."""
    row: dict[str, Any] = {"vendor_id": "V1", "amount": Decimal(1), "status": "paid"}
    dated = [("B1", 1), ("B3", 2), ("B2", 2)]
    rows = [row | {"bill_id": i, "invoice_date": date(2026, 10, d)} for i, d in dated]
    found = search(pl.DataFrame(rows, schema=SCHEMA, orient="row"), Search())
    assert found["bill_id"].to_list() == ["B2", "B3", "B1"]
