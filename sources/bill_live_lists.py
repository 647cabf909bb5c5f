"""BILL's lists, read to their end in spite of what they leave undone (bill-live.md 2).

Whether archived objects are in a list that does not ask for them is not documented, so objects
are asked for in two lists that are read as one: a record that moves from one into the other while
both are read then comes twice, and both are read once more (`sources.paging`).
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sources import json_text
from sources.bill_live_records import PAYMENTS, Resource
from sources.errors import Critical
from sources.exchange import Answer, Ask
from sources.paging import Reading, ids_of
from sources.streams import Page

_SOURCE = "bill"
_LARGEST_PAGE = 100
_log = logging.getLogger(f"rapproche.{_SOURCE}")

Row = tuple[str, Mapping[str, Any]]
"""An object as its text and its exact value."""


@dataclass(frozen=True)
class Listing:
    """One list of a resource, and what it is asked with."""

    resource: Resource
    params: Mapping[str, str] = field(default_factory=dict)

    def ask(self, token: str | None = None) -> Ask:
        """The request for a page of it, the first without a token."""
        paged = {"page": token} if token else {}
        asked = {"max": str(_LARGEST_PAGE), **self.params, **paged}
        return Ask("GET", self.resource.path, params=asked)


def listings(resource: Resource, since: datetime | None) -> tuple[Listing, ...]:
    """The lists that make up all of a resource, or what of it changed since an instant."""
    if not resource.filtered:
        newest_first = {"sort": "updatedTime:desc"} if resource is PAYMENTS else {}
        return (Listing(resource, newest_first),)
    changed = "" if since is None else f',updatedTime:gte:"{_instant(since)}"'
    asked = (f"archived:eq:{archived}{changed}" for archived in ("false", "true"))
    return tuple(
        Listing(resource, {"sort": "updatedTime:asc", "filters": filters}) for filters in asked
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rows_of(answer: Answer, operation: str) -> list[Row]:
    """The objects of a page.

    Raises:
        Critical: the answer is no page.
    """
    try:
        return list(json_text.items(answer.body, "results"))
    except (ValueError, IndexError):
        message = "the answer holds no list `results`."
        raise Critical(_SOURCE, operation, "envelope", message) from None


class _Order:
    """Whether rows came newest first so far; one row that does not fit, and they do not."""

    def __init__(self) -> None:
        self.kept = True
        self._falls = False
        self._last: datetime | None = None

    def passes(self, rows: Iterable[Row], since: datetime) -> bool:
        """Whether all rows that come after these are older than `since`."""
        for _, row in rows:
            at = changed_at(row)
            self.kept &= at is not None and (self._last is None or at <= self._last)
            self._falls |= self.kept and self._last is not None and at != self._last
            self._last = at or self._last
        return self.kept and self._falls and self._last is not None and self._last < since


def changed_at(row: Any) -> datetime | None:
    """When an object changed last; None where it does not say it readably."""
    said = row.get("updatedTime") if isinstance(row, dict) else None
    try:
        at = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def out_of_order(rows: Sequence[Row]) -> int:
    """How many objects of a page are newer than the one before, or do not say when they changed."""
    told = [changed_at(row) for _, row in rows]
    pairs = pairwise(told)
    return sum(1 for before, after in pairs if not (before and after) or after > before)


class Lists:
    """Some lists of one resource, read one after the other as if they were one.

    Args:
        lists: what to read, the archived objects last.
        since: from when on changes are wanted; a list without filters is cut here.
        send: carries out a request.
        compose: makes the canonical rows of a page's objects: their ids and their JSON texts.
    """

    def __init__(
        self,
        lists: Sequence[Listing],
        since: datetime | None,
        send: Callable[[Ask], Awaitable[Answer]],
        compose: Callable[[Sequence[Row]], Awaitable[tuple[tuple[str, ...], str]]],
    ) -> None:
        self._lists = lists
        self._since = since
        self._send = send
        self._compose = compose
        self._operation = f"GET {lists[0].resource.path}"
        self._begin()

    async def pages(self) -> AsyncGenerator[Page, None]:
        """All pages, composed; a record may come twice, none is missed."""
        async with aclosing(Reading(_SOURCE, self._operation).chained(self._fetch)) as pages:
            async for page in pages:
                yield page

    def _begin(self) -> None:
        self._given: dict[str, bool] = {}
        self._order = _Order()

    async def _fetch(self, number: int, token: str | None) -> tuple[Page, str | None]:
        """A page; its token says which of the lists it is of, and the vendor's own."""
        if token is None:
            self._begin()
        at, _, place = (token or "0:").partition(":")
        answer = await self._send(self._lists[int(at)].ask(place))
        rows, following = rows_of(answer, self._operation), following_token(answer)
        if int(at) and self._all_given(rows):
            _log.warning("filters are not honoured: %s", self._operation)
            rows, following = [], None
        if self._since is not None and not self._lists[int(at)].resource.filtered:
            following = None if self._order.passes(rows, self._since) else following
            rows = [row for row in rows if not _is_older(row[1], self._since)]
        if not int(at):
            self._note(rows)
        ids, texts = await self._compose(rows)
        body = f'{{"data":[{texts}]}}'.encode()
        page = Page(body, "$.data", number, ids, served_at=answer.served_at)
        return page, self._next(int(at), following)

    def _all_given(self, rows: Sequence[Row]) -> bool:
        """Whether the first list held these archived objects already, just as they are."""
        told = zip(ids_of([row for _, row in rows]), rows, strict=True)
        return bool(rows) and all(self._given.get(id_) is _archived(row) for id_, (_, row) in told)

    def _note(self, rows: Sequence[Row]) -> None:
        archived = (_archived(row) for _, row in rows)
        self._given.update(zip(ids_of([row for _, row in rows]), archived, strict=True))

    def _next(self, at: int, following: str | None) -> str | None:
        if following:
            return f"{at}:{following}"
        return f"{at + 1}:" if at + 1 < len(self._lists) else None


def _archived(row: Any) -> bool:
    return isinstance(row, dict) and row.get("archived") is True


def _is_older(row: Any, since: datetime) -> bool:
    at = changed_at(row)
    return at is not None and at < since


def following_token(answer: Answer) -> str | None:
    """The token of the next page; an empty one is none."""
    token = answer.member("nextPage")
    return str(token) if isinstance(token, str | int) and token else None
