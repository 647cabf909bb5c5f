"""Whatever a vendor writes ends in a column of its type or in a finding (P06, P32)."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.canonical import typed
from transforms.money import DAYS, MONEY

INSTANT = pl.Datetime("us", "UTC")
ALL: dict[str, Any] = {
    "m": MONEY, "d": DAYS, "on": pl.Date(), "at": INSTANT, "is": pl.Boolean(), "n": pl.Int32(),
    "t": pl.String(),
}  # fmt: skip


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=6))
def test_p32_any_text_becomes_the_same_columns_or_a_finding(texts: list[str | None]) -> None:
    """Whatever was written, the columns have their types, and what was lost is named."""
    given_rows = pl.DataFrame(dict.fromkeys(ALL, texts), schema=dict.fromkeys(ALL, pl.String))
    rows, findings = typed(given_rows, ALL)
    assert dict(rows.schema) == ALL
    lost = sum((given_rows[n].is_not_null() & rows[n].is_null()).sum() for n in ALL)
    assert findings.height == lost


@pytest.mark.parametrize(
    "text", ["٣", "１２", "1_000", "NaN", "Infinity", "0x10", "1,5", " 1", "1."]
)
def test_digits_of_other_scripts_and_words_are_no_amount(text: str) -> None:
    """Only what is written in plain digits is read; nothing else ends the run."""
    rows, findings = typed(pl.DataFrame({"m": [text]}), {"m": MONEY})
    assert (rows.item(), findings["column_name"].to_list()) == (None, ["m"])
