"""Texts of others as one line in which nothing is hidden, wherever people are shown them."""

import unicodedata

_BREAKS = frozenset({"Cc", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text as one line, without control and direction characters.

    A name may hold a line break that forges a line of a log, an escape sequence that a terminal
    obeys, or a mark that turns the letters after it around.
    """
    if text.isprintable():
        return text
    kinds = [(character, unicodedata.category(character)) for character in text]
    return "".join(" " if kind in _BREAKS else one for one, kind in kinds if kind != "Cf")
