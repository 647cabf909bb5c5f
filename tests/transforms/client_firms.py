"""The words of several firms, so that what one was told can be told of another beside it."""

import re
from typing import Any

from tests.transforms.client_facts import Row, client, contract, person
from tests.worlds import MOST_AT_ONCE

TEAM = [person(), person("P2", "Paul Martin")]
TWO = [contract(), contract("CT2")]
FIRMS = (
    ("Acme", "Jean", "Dupont", "Paul", "Martin"),
    ("Borealis", "Anne", "Leroy", "Hugo", "Bernard"),
    ("Cyclone", "Karim", "Haddad", "Lucie", "Moreau"),
    ("Dunkirk", "Sven", "Olsson", "Edith", "Kowalski"),
    ("Fougasse", "Igor", "Petrov", "Marie", "Quentin"),
    ("Hippocampe", "Yuki", "Tanaka", "Bruno", "Ferrari"),
    ("Joliette", "Nadia", "Zidane", "Oscar", "Wilde"),
    ("Kumquat", "Ewan", "Gregor", "Sofia", "Blum"),
    ("Lumbini", "Fatou", "Diallo", "Gilles", "Vasseur"),
    ("Margelle", "Rosa", "Iglesias", "Theo", "Nguyen"),
    ("Quintessence", "Chiara", "Esposito", "Denis", "Urbain"),
)
assert len(FIRMS) >= MOST_AT_ONCE

OWN = re.compile(r"\b(?:C1|P[12]|CT[12]|I\d+|F1|AV\d+|Zut|Zoé)\b|\b(?:a|b)$")


def elsewhere(told: Any, k: int) -> Any:
    """The same facts in the words of firm k."""
    if isinstance(told, dict):
        return {key: elsewhere(each, k) for key, each in told.items()}
    if isinstance(told, list | tuple):
        return type(told)(elsewhere(each, k) for each in told)
    if not isinstance(told, str) or k == 0:
        return told
    said = OWN.sub(lambda found: f"{found[0]}{chr(ord('a') + k)}", told)
    for ours, theirs in zip(FIRMS[0], FIRMS[k], strict=True):
        for spelt in (str.title, str.upper, str.lower):
            said = said.replace(spelt(ours), spelt(theirs))
    return said


def in_all(tables: list[list[Any]]) -> list[Any]:
    """The rows of all worlds, each in the words of its firm."""
    return [elsewhere(row, k) for k, rows in enumerate(tables) for row in rows]


def firms(count: int) -> dict[str, list[Row]]:
    """Clients, people and contracts of as many worlds."""
    return {
        "clients": in_all([[client()]] * count),
        "people": in_all([TEAM] * count),
        "contracts": in_all([TWO] * count),
    }
