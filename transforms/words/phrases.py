"""What holds say, as a person reads it: figures, dates, names for ids, and in French the words.

The rules say what they expected and found in plain English with bare figures and ids (`20 d`,
`order PO-7 of supplier SUP-2`), the same in every language, so that decisions rest on no wording.
Here such a text is found in the phrase book (`phrases.fr.toml`) and said in the language, when
everything is decided. A text that the book does not know is a name or a reference: it stays.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

import polars as pl

from transforms.words.languages import Language, day_said, days_said, money_said, month_said

COLUMNS = ("expected", "actual", "tolerance", "detail")
"""Columns of recon.holds that are texts for people."""
_SEMICOLON: Mapping[Language, str] = {"fr": "\u202f; ", "en": "; "}
_OR: Mapping[Language, str] = {"fr": " ou ", "en": " or "}
_QUOTED = ["DECLARATION_UNREADABLE", "PERIOD_AMBIGUOUS", "SENDER_UNKNOWN"]
"""Holds whose `actual` is what a client wrote."""
_HOLE = re.compile(r"\{([a-z]+)(\d?)\}")
_FIGURE = re.compile(r"(-?\d+(?:\.\d+)?) d|(-?\d+\.\d{2,4}) ([A-Z]{3})")
_PERSON = re.compile(r"([^;()]+) \(([^()]+)\) (\d+(?:\.\d+)?)")
_NOTE = re.compile(r"(?:^|; )((?:approved|rejected) by .+ on \d{4}-\d\d-\d\d for other figures)")
_READ = {
    "figure": r"-?\d+(?:\.\d+)?(?: d| [A-Z]{3})?",
    "number": r"-?\d+(?:\.\d+)?",
    "day": r"\d{4}-\d\d-\d\d",
    "month": r"\d{4}-\d\d",
    "rest": r".+",
    "quote": r".+",
}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?: %)?")
_TEXT = r"(?:(?!; ).)+?"


@dataclass(frozen=True, kw_only=True)
class Names:
    """What ids are called: of suppliers, vendors, bills (their numbers), contracts, people."""

    suppliers: Mapping[str, str] = field(default_factory=dict)
    vendors: Mapping[str, str] = field(default_factory=dict)
    bills: Mapping[str, str] = field(default_factory=dict)
    contracts: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)


NO_NAMES = Names()


def names_of(frames: Mapping[str, pl.DataFrame]) -> Names:
    """The names that frames of core give their ids.

    Args:
        frames: frames with `id`, by field of `Names`.
    """
    return Names(**{kind: _called(kind, frame) for kind, frame in frames.items()})


def _called(kind: str, frame: pl.DataFrame) -> dict[str, str]:
    called = {"bills": "invoice_number", "contracts": "reference"}.get(kind, "name")
    full = pl.concat_str("first_name", "last_name", separator=" ")
    name = full if kind == "people" else pl.col(called)
    return dict(frame.select("id", name.alias("name")).drop_nulls().iter_rows())


def in_words(holds: pl.DataFrame, language: Language, names: Names = NO_NAMES) -> pl.DataFrame:
    """Holds (recon.holds) as a person reads them; codes, money and order stay.

    Args:
        holds: as the rules say them.
        language: of the words.
        names: what ids in them are called.
    """
    quoted = pl.col("code").is_in(_QUOTED)
    told = {name: _column(holds[name], language, names) for name in COLUMNS}
    kept = pl.when(quoted).then("actual").otherwise(pl.lit(told["actual"]))
    return holds.with_columns(**(told | {"actual": kept}))


def _column(texts: pl.Series, language: Language, names: Names) -> pl.Series:
    distinct = texts.drop_nulls().unique().to_list()
    limits = texts.name == "tolerance"
    said = {
        text: limits_said(text, language) if limits else phrase_said(text, language, names)
        for text in distinct
    }
    return texts.replace(said)


def limits_said(text: str, language: Language) -> str:
    """The limits of a hold; those that are off go unsaid beside others."""
    limits = text.split(", ")
    told = [limit for limit in limits if limit != "off"] or limits[:1]
    return _OR[language].join(
        _number(limit, language) if _NUMBER.fullmatch(limit) else phrase_said(limit, language)
        for limit in told
    )


def phrase_said(text: str, language: Language, names: Names = NO_NAMES) -> str:
    """One text of the rules in the language; several joined by `;` each by itself.

    Args:
        text: such as `order PO-7 of supplier SUP-2`.
        language: of the words.
        names: what ids in it are called.
    """
    parts = [part for part in _NOTE.split(text) if part] if _NOTE.search(text) else [text]
    said = [_said(part.removeprefix("; ").removesuffix("; "), language, names) for part in parts]
    return _SEMICOLON[language].join(said)


def known(text: str) -> bool:
    """Whether the text is a figure or stands in the phrase book, in one piece or in several."""
    parts = [text] if _found(text, "fr", NO_NAMES) else text.split("; ")
    return all(_found(part, "fr", NO_NAMES) is not None for part in parts)


def _said(text: str, language: Language, names: Names) -> str:
    whole = _found(text, language, names)
    if whole is not None:
        return whole
    parts = ((part, _found(part, language, names)) for part in text.split("; "))
    return _SEMICOLON[language].join(part if said is None else said for part, said in parts)


def _found(text: str, language: Language, names: Names) -> str | None:
    if figure := _FIGURE.fullmatch(text):
        return _figure(figure, language)
    if one := _PERSON.fullmatch(text):
        name = names.people.get(one[2], one[1].strip().title())
        return f"{name} ({one[2]}), {_number(one[3], language)}\u00a0%"
    for start, form, french in _book():
        if text.startswith(start) and (told := form.fullmatch(text)):
            return _filled(told, french, language, names)
    return None


@cache
def _book() -> list[tuple[str, re.Pattern[str], str]]:
    """Each phrase: how it begins, its pattern, and its French."""
    text = files("transforms.words").joinpath("phrases.fr.toml").read_text(encoding="utf-8")
    return [
        (phrase.partition("{")[0], _pattern(phrase), french)
        for phrase, french in tomllib.loads(text).items()
    ]


def _pattern(phrase: str) -> re.Pattern[str]:
    """The phrase as a pattern with a group a hole."""
    parts = _HOLE.split(phrase)
    said = [re.escape(parts[0])]
    for kind, again, words in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        said.append(f"(?P<{kind}{again}>{_READ.get(kind, _TEXT)}){re.escape(words)}")
    return re.compile("".join(said), re.DOTALL)


def _filled(told: re.Match[str], french: str, language: Language, names: Names) -> str:
    """The phrase in the language, each hole filled with what was read there."""
    filled = {
        group: _hole(group.rstrip("0123456789"), text, language, names)
        for group, text in told.groupdict().items()
    }
    if language == "fr":
        return french.format(**filled)
    said, end = "", 0
    for group in told.re.groupindex:
        said += told.string[end : told.start(group)] + filled[group]
        end = told.end(group)
    return said + told.string[end:]


def _hole(kind: str, text: str, language: Language, names: Names) -> str:
    called = {
        "supplier": names.suppliers,
        "vendor": names.vendors,
        "contract": names.contracts,
        "bill": names.bills,
    }
    if kind in called:
        return ", ".join(_named(each, called[kind]) for each in text.split(", "))
    if kind == "day":
        return day_said(date.fromisoformat(text), language)
    if kind == "month":
        return month_said(text, language)
    if kind in {"number", "figure"} and text[-1].isdigit():
        return _number(text, language)
    return text if kind in {"text", "quote"} else _said(text, language, names)


def _named(known_as: str, called: Mapping[str, str]) -> str:
    """An id as a name with the id."""
    name = called.get(known_as, known_as)
    return known_as if name == known_as else f"{name} ({known_as})"


def _figure(figure: re.Match[str], language: Language) -> str:
    days, amount, currency = figure.groups()
    if days:
        return days_said(Decimal(days), language)
    return money_said(Decimal(amount), currency, language)


def _number(text: str, language: Language) -> str:
    text = text.replace(" %", "\u00a0%")
    return text.replace(".", ",") if language == "fr" else text
