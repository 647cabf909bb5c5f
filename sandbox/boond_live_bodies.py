"""Bodies that callers of the live API send, and what becomes of what does not fit the schema.

It is dropped without a word, unless the caller sends `X-Debug-Boondmanager: true`: then it is
refused, one entry a problem (boond-live.md 1 and 4).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from sandbox.boond_live_wire import Json, incomplete, wrong
from sandbox.wire import body_of

Test = Callable[[Any], bool]

STRICT_HEADER = "X-Debug-Boondmanager"
MEMBERS = {"id", "type", "attributes", "relationships"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A JSON:API body, and whether its caller wants to hear of what does not fit."""

    attributes: Json
    relationships: Json
    strict: bool

    def day(self, name: str) -> date | None:
        """Returns a date; an empty text is none.

        Raises:
            LiveRefusal: when it is no date.
        """
        value = self.attributes.get(name)
        if value is None or value == "":
            return None
        try:
            return date.fromisoformat(str(value))
        except ValueError as error:
            raise wrong(attribute(name)) from error

    def amount(self, name: str) -> Decimal | None:
        """Returns an amount, euros; one that is absent is none.

        Raises:
            LiveRefusal: when it is no number.
        """
        value = self.attributes.get(name)
        if value is not None and not is_number(value):
            raise wrong(attribute(name))
        return value

    def text(self, name: str) -> str:
        """Returns a text; one that is absent is empty.

        Raises:
            LiveRefusal: when it is something else.
        """
        value = self.attributes.get(name)
        if value is not None and not isinstance(value, str):
            raise wrong(attribute(name))
        return value or ""

    def choice(self, name: str, known: dict[int, str], default: int) -> str:
        """Returns what a number of the tenant means.

        Raises:
            LiveRefusal: when the tenant has no such number.
        """
        value = self.attributes.get(name, Decimal(default))
        if not is_number(value) or value not in known:
            raise wrong(attribute(name))
        return known[int(value)]

    def relation(self, name: str, kind: str) -> str:
        """Returns the id of a record that must be named.

        Raises:
            LiveRefusal: 1017 when none is named, 1002 when it is no such record.
        """
        found = self.relationships.get(name)
        target = found.get("data") if isinstance(found, dict) else None
        if not target:
            raise incomplete(f"/data/relationships/{name}")
        if not isinstance(target, dict) or target.get("type") != kind:
            raise wrong(f"/data/relationships/{name}")
        return str(target.get("id"))

    def items(self, name: str, shape: "Shape") -> list[Json]:
        """Returns the items of a list that fit their schema.

        Raises:
            LiveRefusal: when it is no list; when an item does not fit and the caller is strict.
        """
        items = self.attributes.get(name, [])
        if not isinstance(items, list):
            raise wrong(attribute(name))
        found = [shape.problems(item, f"{attribute(name)}/{n}") for n, item in enumerate(items)]
        if self.strict and any(found):
            raise wrong(*(problem for problems in found for problem in problems))
        return [item for item, problems in zip(items, found, strict=True) if not problems]


@dataclass(frozen=True, slots=True)
class Shape:
    """The schema of a list's items: keys that must be there, and keys that may."""

    required: dict[str, Test]
    optional: dict[str, Test]

    def problems(self, item: Any, pointer: str) -> list[str]:
        """Returns pointers to what does not fit."""
        if not isinstance(item, dict):
            return [pointer]
        known = self.required | self.optional
        bad = [key for key, value in item.items() if key not in known or not known[key](value)]
        return [f"{pointer}/{key}" for key in [*sorted(self.required.keys() - item.keys()), *bad]]


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number."""
    return isinstance(value, Decimal) and value.is_finite()


def is_text(value: Any) -> bool:
    """Whether a JSON value is a text."""
    return isinstance(value, str)


def is_id(value: Any) -> bool:
    """Whether a JSON value is an id, as a text or as a number."""
    return bool(re.fullmatch(r"[1-9]\d*", str(value)))


def are_numbers(value: Any) -> bool:
    """Whether a JSON value is a list of numbers."""
    return isinstance(value, list) and all(map(is_number, value))


def is_record_type(value: Any) -> bool:
    """Whether a JSON value names a type of an invoice's lines."""
    return (
        isinstance(value, dict) and value.keys() == {"reference"} and is_number(value["reference"])
    )


def is_relation(value: Any) -> bool:
    """Whether a JSON value is a relation: to a record, or to none."""
    if not isinstance(value, dict) or value.keys() != {"data"}:
        return value is None
    target = value["data"]
    return target is None or (isinstance(target, dict) and target.keys() == {"id", "type"})


def attribute(name: str) -> str:
    """Returns the pointer to an attribute."""
    return f"/data/attributes/{name}"


@dataclass(frozen=True, slots=True)
class Schema:
    """What a body may hold: its type, its attributes, its relationships."""

    kind: str
    attributes: frozenset[str] = frozenset()
    relationships: frozenset[str] = frozenset()

    def sent(self, request: httpx.Request, record_id: str | None = None) -> Sent:
        """Reads a body; that of a record, where one is changed.

        Raises:
            LiveRefusal: 422, for a body that is something else, or holds what it may not and is
                not to be taken loosely.
        """
        body = body_of(request)
        data = body.get("data")
        if not isinstance(data, dict):
            raise incomplete("/data")
        if data.get("type") != self.kind:
            raise wrong("/data/type")
        if record_id is not None and data.get("id") != record_id:
            raise wrong("/data/id")
        found, relations = data.get("attributes") or {}, data.get("relationships") or {}
        if not isinstance(found, dict) or not isinstance(relations, dict):
            raise wrong("/data")
        strict, unknown = is_strict(request), [*self._unknown(body, data, found, relations)]
        if strict and unknown:
            raise wrong(*unknown)
        return Sent(found, relations, strict)

    def _unknown(self, body: Json, data: Json, found: Json, relations: Json) -> Iterator[str]:
        yield from (f"/{name}" for name in sorted(body.keys() - {"data"}))
        yield from (f"/data/{name}" for name in sorted(data.keys() - MEMBERS))
        yield from map(attribute, sorted(found.keys() - self.attributes))
        yield from (
            f"/data/relationships/{name}"
            for name, relation in relations.items()
            if name not in self.relationships or not is_relation(relation)
        )


def is_strict(request: httpx.Request) -> bool:
    """Whether a caller wants to hear of what does not fit."""
    said: str = request.headers.get(STRICT_HEADER, "")
    return said.casefold() == "true"
