"""JSON as text: digits stay what the vendor wrote and what we mean (P06, P32).

Binary floats hold 15 significant digits for sure, and no exponent of 400. Python's parser and
DuckDB's both go through them, so such a number is handed on as a JSON string of the same digits.
"""

import codecs
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pydantic_core

_SAFE_DIGITS = 15
_DEEPEST = 190
"""Levels within each other that every parser here reads; what lies deeper is kept as its text."""

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
# 1e-400 is 0 to a parser that goes through binary floats.
_NUMBER = rb"-?\d[\d.]{15,}(?:[eE][+-]?\d+)?|-?\d[\d.]*[eE][+-]?\d{3,}"
# Cheap and too wide: it may also find digits in a string, so that the exact search is worth it.
_LONG_NUMBER = re.compile(rb"[:\[,\s](?:%s)[,\]}\s]" % _NUMBER)
_STRING_OR_NUMBER = re.compile(rb"%s|%s" % (_STRING, _NUMBER), re.DOTALL)
_FAR = re.compile(rb"[eE][+-]?\d{3}")
_TOKEN = re.compile(rb"%s|-?Infinity|NaN|[\[\]{}]" % _STRING, re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)
_LONE_SURROGATE_LENGTH = 6
_SPACE = " \t\n\r"
_PLAIN = json.JSONDecoder()
_EXACT = json.JSONDecoder(parse_float=Decimal)
_WORDS = {True: "true", False: "false", None: "null"}
_quoted = json.encoder.encode_basestring


def parse(body: bytes) -> tuple[bytes, Any]:
    """The value of a body, and the body that a strict parser reads.

    Text that no strict parser takes is mended where it stands, so that one bad field costs no
    other record of its page: a half character becomes U+FFFD; a NaN, an infinity and what is
    nested too deep become strings, which no amount and no list can be.

    Raises:
        ValueError: the body is no JSON.
    """
    kept = _quote_long_numbers(body.removeprefix(codecs.BOM_UTF8))
    try:
        return kept, pydantic_core.from_json(kept, allow_inf_nan=False)
    except ValueError:
        mended = _mended(kept)
        return mended, pydantic_core.from_json(mended, allow_inf_nan=False)


def _mended(body: bytes) -> bytes:
    text = body.decode("utf-8", "replace").encode()
    return b"".join(_readable(_ESCAPE.sub(_whole_character, text)))


def _whole_character(match: re.Match[bytes]) -> bytes:
    escape = match.group()
    lone = len(escape) == _LONE_SURROGATE_LENGTH and escape[2:3] in b"dD"
    return rb"\ufffd" if lone else escape


def _readable(text: bytes) -> Iterator[bytes]:
    """The text in pieces, with strings for constants and for what is nested too deep."""
    depth = done = 0
    for token in _TOKEN.finditer(text):
        first = token.group()[:1]
        if first in b"[{":
            depth += 1
            if depth == _DEEPEST:
                yield text[done : token.start()]
                done = token.start()
        elif first in b"]}":
            if depth == _DEEPEST:
                yield json.dumps(text[done : token.end()].decode()).encode()
                done = token.end()
            depth -= 1
        elif first != b'"' and depth < _DEEPEST:
            yield text[done : token.start()] + b'"%s"' % token.group()
            done = token.end()
    yield text[done:]


def _quote_long_numbers(body: bytes) -> bytes:
    if _LONG_NUMBER.search(body) is None:
        return body
    return _STRING_OR_NUMBER.sub(_as_text, body)


def _as_text(match: re.Match[bytes]) -> bytes:
    token = match.group()
    if token[:1] == b'"':
        return token
    digits = sum(48 <= c <= 57 for c in token)  # noqa: PLR2004 - the ASCII digits
    is_exact = digits <= _SAFE_DIGITS and not _FAR.search(token)
    return token if is_exact else b'"%s"' % token


def exact(body: bytes) -> Any:
    """The value of a body with every fraction as `Decimal`."""
    return json.loads(body, parse_float=Decimal)


def member(body: bytes, key: str) -> bytes | None:
    """The text of one member of the outermost object, as it stands; None without it."""
    text = body.decode()
    start = _start(text, key)
    return None if start is None else text[start : _PLAIN.raw_decode(text, start)[1]].encode()


def items(body: bytes, key: str) -> Iterator[tuple[str, Any]]:
    """Each item of a list of the outermost object: its text as it stands, and its exact value.

    Raises:
        ValueError: there is no such list.
    """
    text = body.decode()
    start = _start(text, key)
    if start is None or text[start] != "[":
        raise ValueError(f"no list {key}")
    at = start + 1
    while text[start := _skip(text, at)] != "]":
        value, end = _EXACT.raw_decode(text, start)
        yield text[start:end], value
        at = _skip(text, end)
        at += text[at] == ","


def _start(text: str, key: str) -> int | None:
    """Where the value of a member of the outermost object begins."""
    at = _skip(text, 0) + 1
    while text[_skip(text, at)] == '"':
        name, at = _PLAIN.raw_decode(text, _skip(text, at))
        start = _skip(text, _skip(text, at) + 1)
        if name == key:
            return start
        _, at = _PLAIN.raw_decode(text, start)
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
    # The plain types are named first: an abstract one is found ten times as slowly.
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (dict, Mapping)):
        return "{" + ",".join([f"{_quoted(str(k))}:{_encode(v)}" for k, v in value.items()]) + "}"
    if isinstance(value, (list, Sequence)):
        return "[" + ",".join([_encode(item) for item in value]) + "]"
    if isinstance(value, bool) or value is None:
        return _WORDS[value]
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
