"""JSON as text: digits stay what the vendor wrote and what we mean (P06, P32).

Binary floats hold 15 significant digits for sure. Python's parser and DuckDB's both go through
them, so a longer number is handed on as a JSON string of the same digits.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pydantic_core

_SAFE_DIGITS = 15
# Cheap and too wide: it may also find digits in a string, so that the exact search is worth it.
_LONG_NUMBER = re.compile(rb"[:\[,\s]-?\d[\d.]{15,}(?:[eE][+-]?\d+)?[,\]}\s]")
_STRING_OR_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.]{15,}(?:[eE][+-]?\d+)?', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)
_LONE_SURROGATE_LENGTH = 6
_SPACE = " \t\n\r"


def parse(body: bytes) -> tuple[bytes, Any]:
    """The value of a body, and the body that a strict parser reads.

    Text that no strict parser takes (half a character, NaN) is mended where it stands: a half
    character becomes U+FFFD, a NaN or infinity becomes a string, which no amount can be.

    Raises:
        ValueError: the body is no JSON, or is nested too deep.
    """
    kept = _quote_long_numbers(body)
    try:
        return kept, pydantic_core.from_json(kept, allow_inf_nan=False)
    except ValueError:
        return _mended(kept)


def _mended(body: bytes) -> tuple[bytes, Any]:
    text = body.decode("utf-8", "replace").encode()
    text = _ESCAPE.sub(_whole_character, text)
    odd: list[str] = []
    try:
        value = json.loads(text, parse_constant=odd.append)
        if odd:
            # Constants stand inside records only; the mended text must be read again as a whole.
            value = json.loads(text, parse_float=Decimal, parse_constant=str)
            text = encode(value)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return text, value


def _whole_character(match: re.Match[bytes]) -> bytes:
    escape = match.group()
    lone = len(escape) == _LONE_SURROGATE_LENGTH and escape[2:3] in b"dD"
    return rb"\ufffd" if lone else escape


def _quote_long_numbers(body: bytes) -> bytes:
    if _LONG_NUMBER.search(body) is None:
        return body
    return _STRING_OR_NUMBER.sub(_as_text, body)


def _as_text(match: re.Match[bytes]) -> bytes:
    token = match.group()
    digits = sum(48 <= c <= 57 for c in token)  # noqa: PLR2004 - the ASCII digits
    return token if token[:1] == b'"' or digits <= _SAFE_DIGITS else b'"%s"' % token


def exact(body: bytes) -> Any:
    """The value of a body with every fraction as `Decimal`."""
    return json.loads(body, parse_float=Decimal)


def member(body: bytes, key: str) -> bytes | None:
    """The text of one member of the outermost object, as it stands; None without it."""
    text = body.decode()
    decoder = json.JSONDecoder()
    at = _skip(text, 0) + 1
    while text[_skip(text, at)] == '"':
        name, at = decoder.raw_decode(text, _skip(text, at))
        start = _skip(text, _skip(text, at) + 1)
        _, at = decoder.raw_decode(text, start)
        if name == key:
            return text[start:at].encode()
        at = _skip(text, at) + 1
        if at >= len(text):
            break
    return None


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return min(at, len(text) - 1)


def encode(value: Any) -> bytes:
    """A value as JSON; a `Decimal` is written as the number it is, digit by digit."""
    return _encode(value).encode()


def _encode(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        members = ",".join(f"{_encode(str(k))}:{_encode(v)}" for k, v in value.items())
        return "{" + members + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(map(_encode, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
