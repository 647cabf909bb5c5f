"""Every code that the product uses has an entry in both languages."""

import re
from pathlib import Path
from typing import get_args

import pytest

from transforms.clients import cra_outcomes
from transforms.suppliers import po_judging, po_matching
from transforms.words import evidence
from transforms.words.languages import Language
from transforms.words.legend import entry, legend, titles

ROOT = Path(__file__).parents[2]
NOT_CODES = {"DO_NOT_TRACK"}
CODE = re.compile(r'"([A-Z]{2,}(?:_[A-Z]+)+|PRICE|TOTAL|TAX|CURRENCY|DATE|DUPLICATE)"')
LANGUAGES: tuple[Language, ...] = get_args(Language)


def used_codes() -> set[str]:
    """Codes of holds that stand as texts in the transforms."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "transforms").rglob("*.py"))
    return {code for text in texts for code in CODE.findall(text)} - NOT_CODES


def used_actions() -> set[str]:
    """Actions of the modules that say what follows."""
    of_cras = {
        value
        for name, value in vars(cra_outcomes).items()
        if name.isupper() and isinstance(value, str)
    }
    of_bills = {
        value
        for name, value in vars(po_matching).items()
        if name.isupper() and isinstance(value, str)
    }
    return of_cras | of_bills | set(cra_outcomes.HOLD_ACTION.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_action_and_cause_has_an_entry(language: Language) -> None:
    """Nothing that a person reads is a bare code."""
    wanted = {
        *used_codes(),
        *used_actions(),
        *cra_outcomes.OUTCOME_SEVERITY,
        *cra_outcomes.HOLD_SEVERITY,
        *po_judging.STATUSES,
        *evidence.CAUSE_ORDER,
        "none_found",
    }
    assert wanted - set(legend(language)) == set()


def test_both_languages_tell_of_the_same_codes() -> None:
    """No entry is forgotten in one of them."""
    assert list(legend("fr")) == list(legend("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_entries_are_short_and_whole(language: Language) -> None:
    """A title of two to six words, one sentence each for meaning and next step."""
    for code, said in legend(language).items():
        assert 2 <= len(said.title.split()) <= 6, code
        for text in (said.meaning, said.next_step):
            assert text.endswith("."), code
            assert text.count(". ") == 0, code


def test_a_code_is_explained_in_the_language_asked_for() -> None:
    """The same hold in French and English."""
    assert entry("PRICE", "fr").title == "Prix supérieur à la commande"
    assert entry("PRICE", "en").title == "Price above the order"
    assert titles("en")["PRICE"] == entry("PRICE", "en").title


def test_an_unknown_code_is_an_error() -> None:
    """It is never said as nothing."""
    with pytest.raises(KeyError):
        entry("NO_SUCH_CODE", "fr")
