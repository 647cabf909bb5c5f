"""The door to Bill.com, dialect gateway (bill.md); it is read, never written to."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sources.assumptions import answered
from sources.bill_gateway import STREAMS
from sources.bill_login import session_of
from sources.errors import Critical
from sources.exchange import Answer, Ask, path_segment
from sources.http import Seam
from sources.paging import Reading, ids_of
from sources.read_only import ReadOnly
from sources.session import Grant, Session
from sources.streams import Assumption, Page, Stream
from sources.wiring import Wiring

_SOURCE = "bill"
_LOGIN_PATH = "/connect/v3/login"
_LIFETIME = timedelta(hours=2)


class Bill(ReadOnly):
    """Bill.com as a door (`sources.streams.Door`).

    Args:
        wiring: clock, transport, limits, audit.
        base_url: of the gateway, such as `https://gateway.stage.bill.com`.
        username: of the account.
        password: of the account.
        organization_id: whose invoices are read.
        dev_key: of the application.

    Raises:
        ValueError: a URL that would send secrets in the clear.
    """

    source = _SOURCE
    streams: Mapping[str, Stream] = STREAMS

    def __init__(
        self,
        wiring: Wiring,
        *,
        base_url: str,
        username: str,
        password: str,
        organization_id: str,
        dev_key: str,
    ) -> None:
        wiring.secrets.learn(password, dev_key)
        self._seam = Seam(_SOURCE, base_url, wiring)
        self._now = wiring.now
        self._credentials = {
            "username": username,
            "password": password,
            "organizationId": organization_id,
            "devKey": dev_key,
        }
        self._session = Session(_SOURCE, self._log_in, _with_session, wiring.now)

    async def aclose(self) -> None:
        """Ends all connections."""
        await self._seam.aclose()

    async def assumptions(self) -> AsyncGenerator[Assumption, None]:
        """Whether lists come with the lines of their invoices."""
        what = "lines of invoices in their list"
        yield await answered(what, self._with_lines(what))

    async def _with_lines(self, what: str) -> Assumption:
        ask = Ask("GET", self.streams["invoices"].path, params={"max": "100"})
        rows = (await self._seam.call(ask, self._session)).member("response_data")
        listed = rows if isinstance(rows, list) else []
        bare = sum(1 for row in listed if isinstance(row, dict) and not row.get("lineItems"))
        return Assumption(
            what,
            holds=not bare if listed else None,
            said=f"{bare} of {len(listed)} have none; those are asked for by id, once a change",
        )

    async def login(self) -> None:
        """Tries the credentials (P13)."""
        await self._seam.authenticate(self._session)

    async def pages(
        self, stream: str, *, since: datetime | None = None, parents: Sequence[str] = ()
    ) -> AsyncGenerator[Page, None]:
        """All pages of a stream; payments those of the bills in `parents`, bill by bill."""
        asked = {"max": str(self.streams[stream].page_size)}
        if since is not None and self.streams[stream].incremental:
            asked["updatedSince"] = since.astimezone(UTC).isoformat(timespec="seconds")
        lists: Sequence[str | None] = parents if self.streams[stream].parent else [None]
        for parent in lists:
            async with aclosing(self._list(self.streams[stream].path, asked, parent)) as pages:
                async for page in pages:
                    yield page

    async def one(self, stream: str, id: str) -> bytes | None:  # noqa: A002 - the column's name
        """One record's JSON as served; None when Bill.com answers 404."""
        path = self.streams[stream].one
        if path is None:
            raise LookupError(f"{stream} are not served one by one")
        where = path.format(id=path_segment(id))
        return await self._seam.one(where, "response_data", self._session)

    async def _list(
        self, path: str, params: Mapping[str, str], parent: str | None
    ) -> AsyncGenerator[Page, None]:
        operation = f"GET {path}"
        asked_path = path.format(parent=path_segment(parent or ""))

        async def fetch(number: int, token: str | None) -> tuple[Page, str | None]:
            paged = params if token is None else {**params, "page": token}
            answer = await self._seam.call(Ask("GET", asked_path, params=paged), self._session)
            return _page(answer, number, operation, parent), _token(answer)

        async with aclosing(Reading(_SOURCE, operation).chained(fetch)) as pages:
            async for page in pages:
                yield page

    async def _log_in(self, _held: Grant | None, attempt: int) -> Grant:
        session = await session_of(self._seam, _LOGIN_PATH, self._credentials, attempt)
        now = self._now()
        return Grant(session, now, now + _LIFETIME)


def _with_session(ask: Ask, grant: Grant) -> Ask:
    return replace(ask, params={**ask.params, "sessionId": grant.secret})


def _page(answer: Answer, number: int, operation: str, parent: str | None) -> Page:
    rows = answer.member("response_data")
    if not isinstance(rows, list):
        message = "the answer holds no list `response_data`."
        raise Critical(_SOURCE, operation, "envelope", message)
    ids = ids_of(rows)
    return Page(
        answer.body, "$.response_data", number, ids, served_at=answer.served_at, parent=parent
    )


def _token(answer: Answer) -> str | None:
    """The token of the next page; a number is one too, an empty one is none."""
    token = answer.member("nextPage")
    return str(token) if isinstance(token, str | int) and token else None
