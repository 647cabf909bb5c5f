"""The envelope in which both dialects of BoondManager serve lists (boond.md, "Envelope")."""

from typing import Any

from sources.errors import Critical
from sources.exchange import Answer
from sources.paging import ids_of
from sources.streams import Page

PAGE_SIZE = 500
DEFAULT_PAGE_SIZE = 30


def page_of(answer: Answer, number: int, operation: str) -> Page:
    """One answer of a list as a page.

    Raises:
        Critical: the answer holds no list.
    """
    rows = answer.member("data")
    if not isinstance(rows, list):
        raise Critical("boond", operation, "envelope", "the answer holds no list `data`.")
    return Page(
        answer.body, "$.data", number, ids_of(rows), _total(answer.member("meta")), answer.served_at
    )


def _total(meta: Any) -> int | None:
    totals = meta.get("totals") if isinstance(meta, dict) else None
    rows = totals.get("rows") if isinstance(totals, dict) else None
    return rows if isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0 else None
