"""How a canonical object is composed of what the live API serves: said as data.

A table is a list of `Told`: a key of the object of `sources.boond_records`, and where the value
stands in which document. What cannot be read is told as it was served, so that the checks refuse
it; nothing is guessed (0002-numbers-stay-as-written.md).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sources import json_text
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.jsonapi import Item, kept
from sources.paging import ids_of
from sources.streams import Page

Read = Callable[[Any, Dictionary], Any]
_OFFSET = re.compile(r"([+-]\d{2})(\d{2})$")


@dataclass(frozen=True)
class Part:
    """Some rows of a list; `missing` are rows that the vendor stated and never served."""

    rows: Sequence[Item]
    served_at: datetime | None = None
    missing: int = 0


def as_served(value: Any, _words: Dictionary) -> Any:
    """The value itself."""
    return value


def day(value: Any, _words: Dictionary) -> Any:
    """A date; the literal `immediate` is none."""
    return None if value == "immediate" else value


def instant(value: Any, _words: Dictionary | None = None) -> Any:
    """An instant, its offset with a colon: `2026-09-24T15:34:46+02:00`."""
    return _OFFSET.sub(r"\1:\2", value) if isinstance(value, str) else value


def currency(value: Any, words: Dictionary) -> Any:
    """The code of a currency."""
    return words.currency(value)


def state(kind: str) -> Read:
    """The canonical word of a state."""
    return lambda value, words: words.state(kind, value)


@dataclass(frozen=True)
class Told:
    """Where one value of a canonical object stands.

    Attributes:
        key: dotted, such as `supplier.id`.
        document: which of the documents that the object is composed of.
        path: within it (`sources.boond_live.jsonapi`).
        read: how it is read.
    """

    key: str
    document: str
    path: str
    read: Read = as_served


def composed(
    table: Iterable[Told], documents: Mapping[str, Item], words: Dictionary
) -> dict[str, Any]:
    """The canonical object; what is told nowhere is absent."""
    found: dict[str, Any] = {}
    for told in table:
        document = documents.get(told.document)
        value = None if document is None else document.at(told.path)
        put(found, told.key, None if value is None else told.read(value, words))
    return found


def put(found: dict[str, Any], key: str, value: Any) -> None:
    """Sets the value of a dotted key, unless there is none."""
    *parents, last = key.split(".")
    if value is None:
        return
    for parent in parents:
        found = found.setdefault(parent, {})
    found[last] = value


def thin(
    row: Item, version: str, *, updated: str | None = None, archived: bool = False
) -> dict[str, Any]:
    """A list row that is asked for by id, unless the store has it in this version."""
    told = {"id": row.data.get("id"), "version": version, "archived": archived}
    return told | ({"updatedAt": updated} if updated else {})


def whole(
    found: Mapping[str, Any],
    documents: Mapping[str, Item | Sequence[Item]],
    *,
    version: str = "",
    archived: bool = False,
) -> dict[str, Any]:
    """A composed record: with its version, and with what it was composed of, freed of HR data."""
    served = {
        name: kept(held.data) if isinstance(held, Item) else [kept(one.data) for one in held]
        for name, held in documents.items()
    }
    return {**found, "version": version, "archived": archived, "served": served}


def latest(*instants: Any) -> str | None:
    """The last of some instants, with their offsets; what is none does not count."""
    told = [instant(one) for one in instants if _moment(one) is not None]
    return max(told, key=datetime.fromisoformat, default=None)


def is_since(told: Any, since: datetime) -> bool:
    """Whether an instant as served is not before another one."""
    moment = _moment(told)
    return moment is not None and moment >= since


def by_id(item: Item) -> tuple[int, str]:
    """The order of ids: as numbers where they are some."""
    return (int(item.id), "") if item.id.isdecimal() else (0, item.id)


def _moment(told: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(instant(told)) if isinstance(told, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


class Pages:
    """The pages of one stream that are composed while its list is read."""

    def __init__(self) -> None:
        self._number = 0
        self._ids: set[str] = set()
        self._missing = 0

    def of(self, rows: Sequence[Mapping[str, Any]], part: Part | None = None) -> Page:
        """The next page; once a list of the vendor ended short, it states more rows than came."""
        ids = ids_of(list(rows))
        self._ids.update(ids)
        self._number += 1
        self._missing += part.missing if part else 0
        return Page(
            json_text.encode({"data": rows}),
            "$.data",
            self._number,
            ids,
            len(self._ids) + self._missing if self._missing else None,
            part.served_at if part else None,
        )
