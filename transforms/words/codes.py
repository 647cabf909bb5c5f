"""`docs/codes.md`: every code that a person reads, with what it means and what comes next."""

import sys
from collections.abc import Iterable
from pathlib import Path

from transforms.words.languages import Language
from transforms.words.legend import Entry, legend

PLACE = Path(__file__).parents[2] / "docs" / "codes.md"
_HEAD = """\
# Codes

Every outcome, status, hold, action, risk and cause in both languages, as tables, mails and the
month's page say it. Written by `python -m transforms.words.codes` from `transforms/words/legend.*`;
what is to be changed here is changed there.
"""
_TITLES: dict[Language, str] = {"en": "In English", "fr": "En français"}
_COLUMNS: dict[Language, tuple[str, ...]] = {
    "en": ("code", "title", "what it means", "what to do next"),
    "fr": ("code", "titre", "ce que cela veut dire", "que faire"),
}


def document() -> str:
    """The document: a section a language, in it one line a code."""
    return _HEAD + "".join(_section(language) for language in _TITLES)


def _section(language: Language) -> str:
    columns = _COLUMNS[language]
    lines = [
        _line(columns),
        _line("---" for _ in columns),
        *(_line(_cells(code, entry)) for code, entry in legend(language).items()),
    ]
    return f"\n## {_TITLES[language]}\n\n" + "\n".join(lines) + "\n"


def _cells(code: str, entry: Entry) -> tuple[str, ...]:
    return f"`{code}`", entry.title, entry.meaning, entry.next_step


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def write(place: Path = PLACE) -> None:
    """Writes the document of the legend."""
    place.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    write()
    sys.stdout.write(f"{PLACE}\n")
