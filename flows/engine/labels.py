"""How a table is said to a person: titles, headings, figures, and codes by what they are called.

The frames of tables keep their columns and codes, which JSON and queries show as they are.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from flows.engine.report import VERBS, Table
from transforms.words.figures import instant_text
from transforms.words.languages import Language
from transforms.words.legend import titles
from transforms.words.visible import visible

_CODES = frozenset({"outcome", "what", "match_status", "holds", "risk", "still_held"})
"""Columns whose codes the legend calls by a title, in every language."""
_WORDS = frozenset(
    {"after", "before", "billed", "cra", "decision", "do", "kind", "owner", "side", "state"}
    | {"status", "what"}
)
"""Columns of our own words."""
_ENTITY = re.compile(r"&(?=#?\w+;)")
_FIRST = re.compile(r"(.+) \(the first (\d+) of (\d+)\)")


@dataclass(frozen=True)
class Said:
    """A table as texts.

    Attributes:
        headings: one a column, in order.
        numeric: which columns are figures.
        rows: texts.
        totals: texts; none where nothing adds up.
    """

    title: str
    empty: str
    names: Sequence[str]
    headings: Sequence[str]
    numeric: Sequence[bool]
    rows: Sequence[Sequence[str]]
    totals: Sequence[Sequence[str]]


@cache
def labels(language: Language) -> Mapping[str, Mapping[str, str]]:
    """The texts, headings and words that are not said as they stand."""
    if language == "en":
        return {"texts": {}, "columns": {}, "cells": {}}
    text = files("flows.engine").joinpath(f"labels.{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def said(table: Table, language: Language) -> Said:
    """The table in the language, cell by cell."""
    names = table.rows.columns
    columns = labels(language)["columns"]
    return Said(
        title=title(table.title, language),
        empty=title(table.empty, language),
        names=names,
        headings=[columns.get(name, name.replace("_", " ")) for name in names],
        numeric=[dtype.is_numeric() for dtype in table.rows.dtypes],
        rows=[_row(names, row, language) for row in table.rows.iter_rows()],
        totals=[_row(names, row, language) for row in table.totals().iter_rows()],
    )


def title(text: str, language: Language) -> str:
    """A title or sentence of a table."""
    told = labels(language)["texts"]
    if language == "fr" and (first := _FIRST.fullmatch(text)):
        return f"{told.get(first[1], first[1])} ({first[2]} sur {first[3]})"
    return told.get(text, text)


def _row(names: Sequence[str], row: Sequence[Any], language: Language) -> list[str]:
    return [_cell(name, value, language) for name, value in zip(names, row, strict=True)]


def _cell(name: str, value: Any, language: Language) -> str:
    if isinstance(value, list):
        return ", ".join(_cell(name, each, language) for each in value)
    if isinstance(value, str) and name in _CODES | _WORDS:
        return visible(_called(name, value, language))
    return text(value, language)


def _called(name: str, value: str, language: Language) -> str:
    """What one of our words or codes is called; others stay."""
    words = labels(language)["cells"]
    verb = VERBS.get(value, value)
    if name in _WORDS and verb in words:
        return words[verb]
    return titles(language).get(value, verb) if name in _CODES else verb


def text(value: Any, language: Language) -> str:
    """A value as a person reads it: money and days with two decimals, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return {"fr": ("non", "oui"), "en": ("no", "yes")}[language][value]
    if isinstance(value, Decimal):
        figure = f"{value:,.2f}"
        return figure.translate({44: "\u202f", 46: ","}) if language == "fr" else figure
    if isinstance(value, datetime):
        return instant_text(value)
    return visible(str(value))


def markdown(table: Table, language: Language) -> str:
    """A table as Markdown; what stands in cells cannot break out of them."""
    shown = said(table, language)
    if not shown.rows:
        return f"## {shown.title}\n\n{shown.empty}\n"
    lines = [
        _line(shown.headings),
        _line("---:" if number else "---" for number in shown.numeric),
        *(_line(map(_escaped, row)) for row in shown.rows),
        *(_line(map(_bold, row)) for row in shown.totals),
    ]
    return f"## {shown.title}\n\n" + "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(cell: str) -> str:
    for character in "\\|<`*[~":
        cell = cell.replace(character, f"\\{character}")
    cell = _ENTITY.sub(r"\\&", cell)
    return " ".join(re.split(r"[ \t\r\n\v\f]+", cell)).strip()


def _bold(cell: str) -> str:
    escaped = _escaped(cell)
    return f"**{escaped}**" if escaped else ""
