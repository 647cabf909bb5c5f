"""The language of a house changes what people read, and nothing that is decided or written."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.engine import labels
from tests.flows.house import House
from transforms.words.phrases import known

pytestmark = pytest.mark.nights

MAIL = ("subject", "text", "html", "language", "body")


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, House]:
    """The same world looked at, written back and looked at again, in each language."""
    told = {}
    for language in ("fr", "en"):
        folder = tmp_path_factory.mktemp(language)
        house = House(folder, RAPPROCHE_LANG=language)
        house.nightly(apply=True)
        house.vendors.advance(1)
        house.nightly(apply=True)
        told[language] = house
    return told


def decisions(house: House) -> list[tuple[Any, ...]]:
    """What was decided on which facts."""
    return house.rows(
        "SELECT subject, subject_id, outcome, fingerprint, inputs, policy FROM recon.decisions"
        " ORDER BY ALL"
    )


def commands(house: House) -> list[Any]:
    """What was planned, mails without their words."""
    rows = house.rows(
        "SELECT command_id, kind, target, natural_key, subject_id, state, payload FROM ops.outbox"
        " ORDER BY command_id"
    )
    return [(*row[:-1], without_words(json.loads(row[-1]))) for row in rows]


def without_words(payload: dict[str, Any]) -> dict[str, Any]:
    """A payload without what only a person reads."""
    return {name: value for name, value in payload.items() if name not in MAIL}


def test_decisions_rest_on_no_language(houses: dict[str, House]) -> None:
    """The same outcomes on the same fingerprints, breaks and money."""
    assert decisions(houses["fr"]) == decisions(houses["en"])
    money = "SELECT break_id, code, status, amount_at_stake FROM recon.breaks ORDER BY 1"
    assert houses["fr"].rows(money) == houses["en"].rows(money)


def test_commands_rest_on_no_language(houses: dict[str, House]) -> None:
    """The same commands with the same ids, but for the words of mails."""
    assert len(commands(houses["fr"])) > 20
    assert commands(houses["fr"]) == commands(houses["en"])


def test_the_line_after_the_tables_is_french_too() -> None:
    """So are the instants: both languages give those of Paris, with their season."""
    assert labels.title("Look further:", "fr") == "Pour regarder plus loin :"
    summer = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert labels.text(summer, "fr") == labels.text(summer, "en") == "2026-07-02 00:30 CEST"


def test_a_french_house_says_no_english(houses: dict[str, House]) -> None:
    """Each text of a hold in English has its French; what is the same in both is a reference."""
    texts = "SELECT DISTINCT unnest([expected, tolerance, detail]) FROM recon.holds"
    english = {row[0] for row in houses["en"].rows(texts) if row[0]}
    french = {row[0] for row in houses["fr"].rows(texts) if row[0]}
    same = {text for text in english & french if " " in text and not known(text)}
    assert len(french) > 20
    assert same == set()
