"""JSON:API documents: an object, its attributes and relations, and what came included.

A path says where a value stands: `title`, `a.b` within an attribute, `id`, `>company` for the id
of a relation, `>order>project>company` for one that is followed through what came included, and
`>dependsOn.title` for an attribute of what a relation points at.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Objects = Mapping[tuple[str, str], Mapping[str, Any]]
"""What came included, by type and id."""

_OF_PERSONS = {
    "resource": frozenset(
        {"creationDate", "updateDate", "civility", "firstName", "lastName", "reference", "typeOf"}
        | {"state", "title", "availability", "email1", "phone1", "currency"}
    ),
    "contact": frozenset(
        {"firstName", "lastName", "email1", "phone1", "function", "state", "updateDate"}
    ),
}
"""All that is kept of a person, by type; the rest of a file is for HR alone."""
_TYPES = frozenset(
    {"company", "project", "delivery", "order", "purchase", "invoice", "payment"}
    | {"providerinvoice", "timesreport", "validation", "time"}
)
"""Types of objects that are no persons' and no HR's; of any other the id alone is kept."""
_HR_WORDS = re.compile(
    r"salar|wage|bonus|cost|margin|profitab|birth|naissance|nationalit|socialsecurity"
    r"|securitesociale|gender|situation|workforce|seniority|iban|bic$",
    re.IGNORECASE,
)
"""Names of attributes of anything that tell what a person costs or is."""


@dataclass(frozen=True)
class Item:
    """One object of a document, and what came included with it."""

    data: Mapping[str, Any] = field(repr=False)
    included: Objects = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        """Its id; empty where it has none."""
        return _text(self.data.get("id"))

    @property
    def type(self) -> str:
        """Its type, such as `company`."""
        return _text(self.data.get("type"))

    def at(self, path: str) -> Any:
        """What stands at a path; None where nothing does, or an empty text."""
        relations, _, attribute = path.partition(".") if path[:1] == ">" else ("", "", path)
        names = relations.split(">")[1:]
        if not attribute:
            owner = self._followed(names[:-1])
            return owner.related(names[-1]) if owner else None
        owner = self._followed(names)
        return owner.attribute(attribute) if owner else None

    def attribute(self, path: str) -> Any:
        """An attribute, or a value within one; None for an empty text too."""
        if path == "id":
            return self.id or None
        value: Any = self.data.get("attributes")
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return None if value == "" else value

    def related(self, name: str) -> str | None:
        """The id that a relation points at; None where it points at nothing."""
        return _text(_pointer(self._relation(name)).get("id")) or None

    def type_of(self, name: str) -> str:
        """The type of what a relation points at; empty where it points at nothing."""
        return _text(_pointer(self._relation(name)).get("type"))

    def related_many(self, name: str) -> list[str]:
        """The ids that a relation to many points at."""
        pointers = _linkage(self._relation(name))
        return [_text(one["id"]) for one in pointers if isinstance(one, Mapping) and one.get("id")]

    def follow(self, name: str) -> "Item | None":
        """The included object that a relation points at."""
        pointer = _pointer(self._relation(name))
        found = self.included.get((_text(pointer.get("type")), _text(pointer.get("id"))))
        return None if found is None else Item(found, self.included)

    def _relation(self, name: str) -> Any:
        relations = self.data.get("relationships")
        return relations.get(name) if isinstance(relations, Mapping) else None

    def _followed(self, names: Sequence[str]) -> "Item | None":
        item: Item | None = self
        for name in names:
            item = item.follow(name) if item is not None else None
        return item


def items(document: Any) -> list[Item]:
    """The objects of a list, in its order; what is no object has no id and no attributes."""
    included = _included(document)
    return [Item(one if isinstance(one, Mapping) else {}, included) for one in document["data"]]


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list in an attribute; what is none is one that says nothing."""
    listed = value if isinstance(value, list) else [value] if value else []
    return [one if isinstance(one, Mapping) else {} for one in listed]


def without_hr(rows: Sequence[Item]) -> list[Item]:
    """The rows of one page without HR data, for what is remembered while others are read."""
    included = {key: kept(found) for key, found in rows[0].included.items()} if rows else {}
    return [Item(kept(row.data), included) for row in rows]


def item(document: Any) -> Item | None:
    """The object of a document that holds one."""
    data = document.get("data") if isinstance(document, Mapping) else None
    return Item(data, _included(document)) if isinstance(data, Mapping) else None


def kept(served: Mapping[str, Any]) -> dict[str, Any]:
    """An object as it may be stored: of a person what we use, of HR records their id alone."""
    told = {key: served[key] for key in ("id", "type") if key in served}
    attributes, type_ = served.get("attributes"), _text(served.get("type"))
    if not isinstance(attributes, Mapping) or type_ not in _TYPES | _OF_PERSONS.keys():
        return told
    if type_ in _OF_PERSONS:
        known = {k: v for k, v in attributes.items() if k in _OF_PERSONS[type_]}
        return told | {"attributes": known}
    relations = {"relationships": served["relationships"]} if served.get("relationships") else {}
    return told | {"attributes": freed(attributes)} | relations


def freed(value: Any) -> Any:
    """A value without what is named like HR data, at any depth."""
    if isinstance(value, Mapping):
        return {k: freed(v) for k, v in value.items() if not _HR_WORDS.search(str(k))}
    return [freed(one) for one in value] if isinstance(value, list) else value


def _included(document: Any) -> dict[tuple[str, str], Mapping[str, Any]]:
    found = document.get("included") if isinstance(document, Mapping) else None
    listed = found if isinstance(found, list) else []
    objects = [one for one in listed if isinstance(one, Mapping)]
    return {(_text(one.get("type")), _text(one.get("id"))): one for one in objects}


def _linkage(relation: Any) -> Sequence[Any]:
    data = relation.get("data") if isinstance(relation, Mapping) else None
    return data if isinstance(data, list) else [data]


def _pointer(relation: Any) -> Mapping[str, Any]:
    first = next(iter(_linkage(relation)), None)
    return first if isinstance(first, Mapping) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
