"""What a dialect takes for granted of a vendor, and whether it holds at a real account.

Much of the production dialects is known from public material alone. So each door can be asked,
with reads that change nothing, what of it is so at this account: a customer's first hour then
tells what is wrong.
"""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from datetime import datetime

from sources import json_text
from sources.errors import SourceError
from sources.streams import Assumption, Door, Page, Stream


async def answered(what: str, asked: Awaitable[Assumption], instead: str = "") -> Assumption:
    """What a question found; a refusal is an answer too.

    Args:
        what: the question.
        asked: the answer to come.
        instead: what is done where it is refused; without it runs fail there too.
    """
    try:
        return await asked
    except SourceError as error:
        said = f"{error.operation}: {error.message.removesuffix('.')}"
        if instead:
            return Assumption(what, holds=False, said=f"{said}; {instead}")
        return Assumption(what, holds=None, said=said, advice=error.advice, refused=error)


async def of_streams(door: Door, now: datetime) -> AsyncGenerator[Assumption, None]:
    """Whether each list that is asked by its last change gives only what changed since.

    Args:
        door: logged in.
        now: from when on changes are asked for, so that little comes back.
    """
    for stream in door.streams.values():
        if stream.incremental and stream.parent is None:
            what = f"{stream.name.replace('_', ' ')} by their last change"
            yield await answered(what, _honours_since(door, stream, what, now))


async def _honours_since(door: Door, stream: Stream, what: str, now: datetime) -> Assumption:
    since = stream.asked_from(now)
    page = await _first(door, stream, since)
    instants = [] if page is None else _instants(page, stream)
    older = sum(1 for instant in instants if instant < since)
    if older:
        said = (
            f"{older} of {len(instants)} rows are older than asked: the filter is ignored, and"
            " every run reads this list whole"
        )
        return Assumption(what, holds=False, said=said)
    asked = f"asked since {since:%Y-%m-%d %H:%M}"
    return Assumption(what, holds=True, said=f"{asked}: {len(instants)} came, none older")


async def _first(door: Door, stream: Stream, since: datetime) -> Page | None:
    async with aclosing(door.pages(stream.name, since=since)) as pages:
        async for page in pages:
            return page
    return None


def _instants(page: Page, stream: Stream) -> list[datetime]:
    """When the rows of a page changed last, where they say it."""
    key = (stream.updated or "").removeprefix("$.")
    rows = json_text.exact(page.body)[page.rows_path.removeprefix("$.")]
    said = (row.get(key) for row in rows if isinstance(row, dict))
    return [datetime.fromisoformat(text) for text in said if isinstance(text, str)]
