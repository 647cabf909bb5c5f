"""What holds say is said in the language, by names where they are known, and nothing else moves."""

import re
from pathlib import Path

import polars as pl
import pytest

from transforms.clients.cra_outcomes import HOLDS
from transforms.words.phrases import Names, in_words, known, limits_said, phrase_said

DECLARATIONS = Path(__file__).parents[2] / "transforms" / "declarations"
PROBLEM = re.compile(r"(?:UnreadableError\(|problem=|[a-z]+, |return )f?\"([a-z][^\"]* [^\"]+)\"")
NAMES = Names(
    suppliers={"SUP-2": "Calanque SARL"},
    bills={"B1": "F-2026-1"},
    contracts={"5023": "CTR-23", "5024": "CTR-24"},
    people={"10031": "Nicolas Lefebvre"},
)


@pytest.mark.parametrize(
    ("text", "french", "english"),
    [
        ("20.5 d", "20,5 j", "20.5 d"),
        ("13715.00 EUR", "13\u202f715,00 EUR", "13,715.00 EUR"),
        ("from 2026-11-01 on", "à partir du 1er novembre 2026", "from 1 November 2026 on"),
        (
            "order PO-7 of supplier SUP-2",
            "commande PO-7 du fournisseur Calanque SARL (SUP-2)",
            "order PO-7 of supplier Calanque SARL (SUP-2)",
        ),
        ("same as bill B1", "même facture que F-2026-1 (B1)", "same as bill F-2026-1 (B1)"),
        (
            "among 5023, 5024",
            "parmi CTR-23 (5023), CTR-24 (5024)",
            "among CTR-23 (5023), CTR-24 (5024)",
        ),
        (
            "lefebvre nicolas (10031) 96.8; lefevre nicolas (10032) 93.3",
            "Nicolas Lefebvre (10031), 96,8\u00a0%\u202f; Lefevre Nicolas (10032), 93,3\u00a0%",
            "Nicolas Lefebvre (10031), 96.8\u00a0%; Lefevre Nicolas (10032), 93.3\u00a0%",
        ),
        (
            "a.csv, line 3: days is no number: vingt; more cells than the header",
            (
                "a.csv, ligne 3\u00a0: les jours (days) ne sont pas un nombre\u00a0: vingt\u202f; "
                "plus de cellules que l'en-tête"
            ),
            "a.csv, line 3: days is no number: vingt; more cells than the header",
        ),
        (
            "same as bill B1; approved by Anne on 2026-11-03 for other figures",
            (
                "même facture que F-2026-1 (B1)\u202f; approuvé par Anne le 3 novembre 2026 pour "
                "d'autres chiffres"
            ),
            "same as bill F-2026-1 (B1); approved by Anne on 3 November 2026 for other figures",
        ),
        ("FA-2026.11", "FA-2026.11", "FA-2026.11"),
        ("2026 ABC", "2026 ABC", "2026 ABC"),
    ],
)
def test_what_is_said_of_a_text(text: str, french: str, english: str) -> None:
    """Figures, dates, names and phrases in the language; references stay as written."""
    assert phrase_said(text, "fr", NAMES) == french
    assert phrase_said(text, "en", NAMES) == english


def test_limits_that_are_off_go_unsaid_beside_others() -> None:
    """One limit of two, both, and none."""
    assert limits_said("1 %, off", "fr") == "1\u00a0%"
    assert limits_said("1 %, 5 a day", "fr") == "1\u00a0% ou 5 par jour"
    assert limits_said("off", "fr") == "non vérifié"


def test_what_a_client_wrote_is_quoted_as_written() -> None:
    """A line that looks like a phrase of ours is nobody's phrase."""
    row = dict.fromkeys(HOLDS) | {"code": "DECLARATION_UNREADABLE", "actual": "20 d"}
    held = pl.DataFrame([row, row | {"code": "QTY_RECEIVED"}], schema=HOLDS)
    assert in_words(held, "fr")["actual"].to_list() == ["20 d", "20 j"]


def problems() -> set[str]:
    """What the readers of declarations may say of a line, with an `x` for what they quote."""
    texts = (path.read_text(encoding="utf-8") for path in DECLARATIONS.glob("*.py"))
    said = {text for source in texts for text in PROBLEM.findall(source)}
    return {re.sub(r"\{[^}]+\}", "7", text) for text in said}


def test_every_problem_of_a_declaration_stands_in_the_phrase_book() -> None:
    """No reader says what a French office cannot read."""
    told = problems()
    assert len(told) > 30
    assert {text for text in told if not known(text)} == set()
