"""Reading a list to its end while its rows move (boond.md, "Envelope"; properties.md P16).

A list is read in passes. A pass proves itself when no record came twice and as many came as the
vendor says there are. Otherwise rows may have moved past us and the list is read once more,
until a pass proves itself, is the same as the one before, or brings nothing new.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from sources.errors import Critical, Transient
from sources.streams import Page

_PASSES = 5
_ENOUGH_PASSES = 3
_STALE_PAGES = 5
_CONCURRENT = 4
_EMPTY_PAGES = 100
# Ten million records at 500 a page, three hours at 100 requests a minute.
_MOST_PAGES = 20_000


def ids_of(rows: list[Any]) -> tuple[str, ...]:
    """What tells records apart; a record without a usable id is told apart by its content."""
    return tuple(map(_told_by, rows))


def _told_by(row: Any) -> str:
    id_ = row.get("id") if isinstance(row, dict) else None
    usable = type(id_) is int or (isinstance(id_, str) and id_.strip())
    return str(id_) if usable else repr(row)


@dataclass
class _Pass:
    """What one pass has brought."""

    seen: set[str] = field(default_factory=set)
    pages: dict[int, tuple[str, ...]] = field(default_factory=dict)
    total: int | None = None
    repeated: bool = False
    stale_pages: int = 0

    def add(self, page: Page) -> None:
        new = set(page.ids) - self.seen
        self.repeated |= len(new) < len(page.ids)
        self.stale_pages = 0 if new or not page.ids else self.stale_pages + 1
        self.seen |= new
        self.pages[page.number] = page.ids
        if page.total_rows is not None:
            self.total = page.total_rows

    def short(self) -> bool:
        return self.total is not None and self.total > len(self.seen)

    def proven(self) -> bool:
        return not self.repeated and not self.short()

    def endless(self) -> bool:
        return self.stale_pages >= _STALE_PAGES or len(self.pages) > _MOST_PAGES

    def is_one_page(self, cut: frozenset[int]) -> bool:
        """Whether the server gives the whole list as every page, not cut at a page size."""
        return len(set(self.pages.values())) == 1 and not self.short() and len(self.seen) not in cut


class Reading:
    """One list being read.

    Args:
        source: the vendor.
        operation: what is read, for errors and the log.
        whole: refuses a list that has fewer rows than the vendor states, instead of warning.
    """

    def __init__(self, source: str, operation: str, *, whole: bool = False) -> None:
        self._source = source
        self._whole = whole
        self._operation = operation
        self._log = logging.getLogger(f"rapproche.{source}")

    async def numbered(
        self, fetch: Callable[[int], Awaitable[Page]], page_size: int, default_size: int
    ) -> AsyncGenerator[Page, None]:
        """All pages of a list with page numbers.

        Args:
            fetch: the page of a number, from 1.
            page_size: the rows asked for.
            default_size: the rows that the vendor serves where it ignores what is asked.

        Raises:
            SourceError: a page could not be read, or the pages never end.
        """
        cut = frozenset({page_size, default_size})
        async with aclosing(self._passes(lambda: _numbered(fetch, page_size, cut), cut)) as pages:
            async for page in pages:
                yield page

    async def chained(
        self, fetch: Callable[[int, str | None], Awaitable[tuple[Page, str | None]]]
    ) -> AsyncGenerator[Page, None]:
        """All pages of a list whose pages name the next one.

        Args:
            fetch: the page of a token (None for the first) and the token of the next one.

        Raises:
            SourceError: a page could not be read, or the pages never end.
        """
        async with aclosing(self._passes(lambda: self._chained(fetch), None)) as pages:
            async for page in pages:
                yield page

    async def _passes(
        self, start: Callable[[], AsyncGenerator[Page, None]], cut: frozenset[int] | None
    ) -> AsyncGenerator[Page, None]:
        before, this = _Pass(), _Pass()
        seen: set[str] = set()
        for number in range(1, _PASSES + 1):
            before, this = this, _Pass()
            async with aclosing(start()) as pages:
                async for page in pages:
                    this.add(page)
                    yield page
                    if this.endless():
                        break
            if this.endless():
                self._end_of_repeats(this, cut)
                return
            nothing_new = this.seen <= seen
            seen |= this.seen
            if this.proven() or this.pages == before.pages:
                break
            if nothing_new and number >= _ENOUGH_PASSES:
                break
            self._log.info("rows moved while they were read, reading again: %s", self._operation)
        if this.total is not None and this.total > len(seen):
            self._say_short(len(seen), this.total)

    async def _chained(
        self, fetch: Callable[[int, str | None], Awaitable[tuple[Page, str | None]]]
    ) -> AsyncGenerator[Page, None]:
        page, token = await fetch(1, None)
        yield page
        used: set[str] = set()
        empty = 0
        while token:
            empty = 0 if page.ids else empty + 1
            if token in used or empty >= _EMPTY_PAGES:
                raise self._endless()
            used.add(token)
            page, token = await fetch(page.number + 1, token)
            yield page

    def _end_of_repeats(self, this: _Pass, cut: frozenset[int] | None) -> None:
        """The same rows came page after page: fine only from a server that knows no pages."""
        if cut is None or not this.is_one_page(cut):
            raise self._endless()
        self._log.warning("page numbers are ignored: %s", self._operation)

    def _endless(self) -> Critical:
        message = "pages come without end, or the same rows page after page."
        return Critical(self._source, self._operation, "endless", message)

    def _say_short(self, rows: int, stated: int) -> None:
        said = f"fewer rows than stated: {rows} of {stated}."
        if self._whole:
            raise Transient(self._source, self._operation, "short", said)
        self._log.warning("%s: %s", self._operation, said)


async def _numbered(
    fetch: Callable[[int], Awaitable[Page]], page_size: int, cut: frozenset[int]
) -> AsyncGenerator[Page, None]:
    page = await fetch(1)
    yield page
    if page.total_rows is not None:
        async with aclosing(_counted(fetch, _Counted(page, page_size, cut))) as rest:
            async for other in rest:
                yield other
        return
    # Without a total, a short page may be the server's own page size: only an empty one ends.
    while page.ids:
        page = await fetch(page.number + 1)
        yield page


class _Counted:
    """Which pages of a list with a total are still to be read.

    The largest total that any page states is followed, but it proves no end: a page that is full
    is never the last, and more rows than stated are none to stop at. Empty pages end the list,
    whatever is stated.
    """

    def __init__(self, first: Page, page_size: int, cut: frozenset[int]) -> None:
        self._full = min(len(first.ids) or page_size, page_size)
        self._cut = cut
        self._total = self._rows = self._empty = self._asked = 0
        self.last = first
        self.add(first)

    def add(self, page: Page) -> None:
        self._total = max(self._total, page.total_rows or 0)
        self._rows += len(page.ids)
        self._empty += not page.ids
        self._asked = max(self._asked, page.number)
        self.last = max(self.last, page, key=lambda one: one.number)

    def numbers(self) -> Iterator[int]:
        """The numbers of the pages to ask for now; what comes meanwhile is minded."""
        while self._empty < _CONCURRENT and self._asked < -(-self._total // self._full):
            self._asked += 1
            yield self._asked

    def goes_on(self) -> bool:
        """Whether one page more is to be asked for, although the total says that there is none."""
        rows = len(self.last.ids)
        full = rows in self._cut or (self.last.number > 1 and rows >= self._full)
        return not self._empty and rows > 0 and (full or self._rows > self._total)


async def _counted(
    fetch: Callable[[int], Awaitable[Page]], counted: _Counted
) -> AsyncGenerator[Page, None]:
    """The pages after the first: up to the total, then on while they are full."""
    while numbers := list(islice(counted.numbers(), 1)):
        async with aclosing(gathered(fetch, chain(numbers, counted.numbers()))) as rest:
            async for page in rest:
                counted.add(page)
                yield page
    while counted.goes_on():
        page = await fetch(counted.last.number + 1)
        counted.add(page)
        yield page


async def gathered(
    fetch: Callable[[Any], Awaitable[Page]], keys: Iterable[Any]
) -> AsyncGenerator[Page, None]:
    """What `fetch` gives for each key, in any order; at most 4 are under way or held."""
    waiting = iter(keys)
    running: list[asyncio.Future[Page]] = []
    try:
        while True:
            while len(running) < _CONCURRENT and (key := next(waiting, None)) is not None:
                running.append(asyncio.ensure_future(fetch(key)))
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            # By their start: what a set gives first is another in each process.
            for task in [task for task in running if task in done]:
                running.remove(task)
                yield await task
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
