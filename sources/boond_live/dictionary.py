"""What the numbers of a tenant mean: states, types and currencies by their labels.

BoondManager's states are numbers that each tenant names as it likes, so a state is read by the
words of its label. A label that nobody foresaw is told as it is, so that the checks refuse the
record with these words; `boond_states` of policy.toml settles it.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

RESOURCE_TYPE = "resource type"
_PLACES = {RESOURCE_TYPE: ("typeOf", "resource")}
"""Where the dictionary has what is no state."""

_NOT = r"\b(non|not|pas|never|sans|attente|waiting|pending|a (envoyer|valider|regler|payer))\b"
_PARTLY = r"partiel|partial"
_ENDED = r"archiv|\b(clos|close|closed|termine|terminee|finished|ended|completed)\b"

_RULES: Mapping[str, tuple[tuple[str | None, str], ...]] = {
    "company": (
        ("archived", r"archiv"),
        ("supplier", r"fournisseur|supplier|provider|sous.?trait|prestataire|vendor|subcontract"),
        ("client", r"client|customer"),
    ),
    "project": (("ended", _ENDED), ("active", r"")),
    "order": (("archived", r"archiv"), ("open", r"")),
    "delivery": (("forecast", r"prevision|forecast|hypothe|\bplanned\b"), ("signed", r"")),
    "invoice": (
        (None, _NOT),
        ("draft", r"creation|brouillon|draft|pro.?forma"),
        ("sent", rf"transmis|envoye|sent\b|impay|unpaid|relance|remind|{_PARTLY}"),
        ("paid", r"\b(payee?s?|reglee?s?|soldee?s?|encaissee?s?|paid|settled)\b"),
        ("cancelled", r"annul|avoire|cancel"),
    ),
    "purchase": (
        (None, rf"{_NOT}|{_PARTLY}"),
        ("draft", r"\b(planifiee?|brouillon|draft|planned)\b"),
        (
            "approved",
            (
                r"\b(validee?|validated|confirmee?|confirmed|commandee?|ordered|approuvee?|approved)"
                r"\b|^en cours$"
            ),
        ),
        ("closed", r"\b(clos|close|closed|cloturee?|soldee?|terminee?|reglee?)\b|archiv"),
        ("cancelled", r"annul|refus|cancel"),
    ),
    "payment": (
        (None, rf"{_NOT}|{_PARTLY}"),
        ("confirmed", r"confirm"),
        ("settled", r"\b(reglee?|payee?|paid|settled)\b"),
        ("planned", r"planif|planned|prevu"),
    ),
    "providerinvoice": (("cancelled", r"annul|refus|cancel"), ("registered", r"")),
    RESOURCE_TYPE: (
        (
            "external",
            (
                r"extern|exterieur|sous.?trait|co.?trait|free.?lance|independant|portage|prestataire"
                r"|auto.?entrepreneur|contractor|subcontract"
            ),
        ),
        ("employee", r""),
    ),
}
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}
_CODE = re.compile(r"[A-Z]{3}")


class Dictionary:
    """The dictionary of a tenant.

    Args:
        setting: `data.setting` of `/application/dictionary`.
        states: canonical words that overrule the labels, by kind and by the state's number.
    """

    def __init__(
        self, setting: Mapping[str, Any], states: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self._setting = setting
        self._states = states or {}
        self._signatures: dict[tuple[str, ...], str] = {}

    def state(self, kind: str, number: Any) -> str | None:
        """The canonical word of a state; `unknown state 12 (Bon à payer)` where none is known.

        Args:
            kind: such as `invoice`, as `data.setting.state` names it.
            number: as served; None where none was.
        """
        return self._word(kind, number)

    def resource_type(self, number: Any) -> str | None:
        """Whether a person is an `employee` or `external`."""
        return self._word(RESOURCE_TYPE, number)

    def company_roles(self, number: Any) -> frozenset[str]:
        """What a company is by the label of its state; one may be client and supplier."""
        said = self._states.get("company", {}).get(str(number))
        if said is not None:
            return frozenset({said})
        label = plain(self.label("company", number) or "")
        found = {word for word, rule in _RULES["company"] if word and re.search(rule, label)}
        return frozenset({"archived"} if "archived" in found else found)

    def meanings(self, kind: str) -> list[tuple[str, str, str]]:
        """Number, label and canonical word of each state, in the order of the dictionary."""
        found = []
        group, name = _PLACES.get(kind, ("state", kind))
        for entry in _entries(self._setting, group, name):
            number = entry.get("id")
            if kind == "company":
                word = " and ".join(sorted(self.company_roles(number))) or "other"
            else:
                word = self._word(kind, number) or ""
            found.append((str(number), _value(entry) or "", word))
        return found

    def signature(self, *kinds: str) -> str:
        """A short text that changes when the words of some kinds of state, or a currency, do.

        It stands in the versions of records, so that a corrected word composes them anew.
        """
        if kinds not in self._signatures:
            words = [self.meanings(kind) for kind in kinds]
            overruled = [sorted(self._states.get(kind, {}).items()) for kind in kinds]
            currencies = [*_entries(self._setting, "currency")]
            told = repr((words, overruled, currencies)).encode()
            self._signatures[kinds] = hashlib.blake2b(told, digest_size=4).hexdigest()
        return self._signatures[kinds]

    def numbers_of(self, kind: str, word: str) -> list[int]:
        """The numbers of the states that mean a canonical word, the lowest first."""
        known = _entries(self._setting, "state", kind)
        numbers = [entry["id"] for entry in known if isinstance(entry.get("id"), int)]
        return sorted(number for number in numbers if self.state(kind, number) == word)

    def label(self, kind: str, number: Any) -> str | None:
        """What the tenant calls a state; None where the dictionary does not know it."""
        return _value(_entry(self._setting, *_PLACES.get(kind, ("state", kind)), number))

    def currency(self, number: Any) -> str | None:
        """The code of a currency; `currency 7 (Doublon)` where its entry names none."""
        if number is None:
            return None
        entry = _entry(self._setting, "currency", "", number)
        said = [str(entry.get(key) or "").strip() for key in ("code", "value", "symbol")]
        code = next((_SIGNS.get(one, one) for one in said if _is_currency(one)), None)
        return code or f"currency {number}{_shown(_value(entry))}"

    def _word(self, kind: str, number: Any) -> str | None:
        if number is None:
            return None
        label = self.label(kind, number)
        overruled = self._states.get(kind, {}).get(str(number))
        word = overruled or (_by_words(kind, label) if label else None)
        noun = "type" if kind == RESOURCE_TYPE else "state"
        return word or f"unknown {noun} {number}{_shown(label)}"


def words_of(kind: str) -> list[str]:
    """The canonical words that a state may mean."""
    found = [word for word, _ in _RULES[kind] if word]
    return [*found, "other"] if kind == "company" else found


def _by_words(kind: str, label: str) -> str | None:
    return next((word for word, rule in _RULES[kind] if re.search(rule, plain(label))), None)


def _entry(setting: Mapping[str, Any], group: str, kind: str, number: Any) -> Mapping[str, Any]:
    """The entry of a number; empty where there is none."""
    known = _entries(setting, group, kind)
    return next((one for one in known if str(one.get("id")) == str(number)), {})


def _entries(setting: Mapping[str, Any], group: str, kind: str = "") -> Iterator[Mapping[str, Any]]:
    held = setting.get(group)
    if kind:
        held = held.get(kind) if isinstance(held, Mapping) else None
    yield from (one for one in held if isinstance(one, Mapping)) if isinstance(held, list) else ()


def _value(entry: Mapping[str, Any]) -> str | None:
    said = entry.get("value")
    return said if isinstance(said, str) and said.strip() else None


def _shown(label: str | None) -> str:
    return f" ({label})" if label else ""


def _is_currency(said: str) -> bool:
    return said in _SIGNS or _CODE.fullmatch(said) is not None


def plain(label: str) -> str:
    """A label in lower case, without accents, one space between words."""
    bare = unicodedata.normalize("NFKD", label.casefold())
    return " ".join("".join(sign for sign in bare if not unicodedata.combining(sign)).split())
