"""What every code of the product means, and what to do about it, in French and English.

The texts stand in `legend.fr.toml` and `legend.en.toml` beside this module, so that a person of
finance can read and mend them. Codes are outcomes, statuses, holds, actions, causes and risks.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from transforms.words.languages import Language


@dataclass(frozen=True)
class Entry:
    """What a code is called (up to 6 words), what it means, and who does what next."""

    title: str
    meaning: str
    next_step: str


@cache
def legend(language: Language) -> Mapping[str, Entry]:
    """Every code with its entry."""
    text = files("transforms.words").joinpath(f"legend.{language}.toml").read_text(encoding="utf-8")
    return MappingProxyType({code: Entry(**said) for code, said in tomllib.loads(text).items()})


def entry(code: str, language: Language) -> Entry:
    """The entry of an outcome, status, hold, action, cause or risk.

    Raises:
        KeyError: a code that the legend does not know.
    """
    return legend(language)[code]


def titles(language: Language) -> dict[str, str]:
    """The title of every code, for columns of codes."""
    return {code: said.title for code, said in legend(language).items()}
