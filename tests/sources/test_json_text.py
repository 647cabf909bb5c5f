"""JSON as text, digits and all."""

import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import json_text

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.decimals(-(10**14), 10**14, places=4, allow_nan=False)
    | st.text(max_size=12)
    | st.text('0123456789."\\-', min_size=15, max_size=24),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(value=JSON)
def test_written_decimals_are_read_back_exactly(value: Any) -> None:
    """What is encoded is JSON, and exact when read with decimals."""
    text = json_text.encode(value)
    assert json.loads(text, parse_float=Decimal) == value


@given(value=JSON)
def test_only_long_numbers_are_touched(value: Any) -> None:
    """Parsing changes nothing but numbers of more than 15 digits, which become their own text."""
    text = json_text.encode(value)
    body, _ = json_text.parse(text)
    assert _spelled(json.loads(body, parse_float=str, parse_int=str)) == _spelled(
        json.loads(text, parse_float=str, parse_int=str)
    )


def _spelled(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@given(value=JSON)
def test_members_are_cut_out_as_they_stand(value: Any) -> None:
    """One member's text is a piece of the body and means the same."""
    body = b'{ "a" : "x]}" , "data":\n' + json_text.encode(value) + b' , "z": {"data": 1}}'
    found = json_text.member(body, "data")
    assert found is not None
    assert found in body
    assert json.loads(found) == json.loads(json_text.encode(value))
    assert json_text.member(body, "absent") is None
    assert json_text.member(b"{ }", "absent") is None


HALVES = [
    (rb'{"a": "\ud83d"}', rb'{"a": "\ufffd"}'),
    (rb'{"a": "\udc00x\uD83D\uDE00"}', rb'{"a": "\ufffdx\uD83D\uDE00"}'),
    (rb'{"a": "\\ud83d \ud83d\\"}', rb'{"a": "\\ud83d \ufffd\\"}'),
    (rb'{"a": "\ud83d\ud83d\ude00"}', rb'{"a": "\ufffd\ud83d\ude00"}'),
]


@pytest.mark.parametrize(("served", "mended"), HALVES)
def test_half_characters_become_replacement_characters(served: bytes, mended: bytes) -> None:
    """A lone surrogate is mended where it stands; pairs and escaped backslashes are not touched."""
    assert json_text.parse(served)[0] == mended


@pytest.mark.parametrize(
    "served",
    [b'{"a": NaN, "b": 0.10}', b'{"a": "\xff", "b": 0.10}', b'{"a": -Infinity, "b": 0.10}'],
)
def test_what_duckdb_would_refuse_is_mended(served: bytes) -> None:
    """Text that only lenient parsers read becomes JSON for all, other digits untouched."""
    body, _ = json_text.parse(served)
    text = body.decode()
    [(good, kept)] = duckdb.execute(
        "SELECT json_valid(?), json_extract(?, '$.b')", [text, text]
    ).fetchall()
    assert good
    assert Decimal(kept) == Decimal("0.10")


@pytest.mark.parametrize("served", [b"", b"{", b"<p>", b"[" * 90_000, b"[1] 2"], ids=repr)
def test_what_is_no_json_is_refused(served: bytes) -> None:
    """No JSON, or JSON nested beyond any parser, is a ValueError."""
    with pytest.raises(ValueError, match=r".+"):
        json_text.parse(served)
