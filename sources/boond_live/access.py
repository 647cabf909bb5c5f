"""Access to BoondManager's live API: signed calls, whole lists, and what is known of the tenant.

The modules of the streams and of the writes are given an `Access`; it holds what they share.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sources import json_text
from sources.boond_envelope import DEFAULT_PAGE_SIZE, PAGE_SIZE, page_of
from sources.boond_live import jsonapi, token
from sources.boond_live.composing import Part
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.jsonapi import Item
from sources.boond_live.refusals import judge
from sources.errors import Critical, OutcomeUnknown, SourceError, Transient, Validation
from sources.exchange import Answer, Ask
from sources.http import Seam
from sources.paging import Reading
from sources.session import Grant, Session
from sources.streams import PARIS
from sources.wiring import Wiring

log = logging.getLogger("rapproche.boond")
PROJECTS, DELIVERIES, PURCHASES = "/projects", "/deliveries-groupments", "/purchases"
_JOINED = {PROJECTS: "project", DELIVERIES: "delivery", PURCHASES: "purchase"}
OTHER = "other_object"
"""The code of an answer that tells of another object than was asked for."""
_SOURCE = "boond"
_DICTIONARY = Ask("GET", "/application/dictionary", params={"language": "fr"}, login=True)
_WRITE = {"Content-Type": "application/json", "X-Debug-Boondmanager": "true"}
# A token says when it was signed; renewed at half of this.
_TOKEN_LIFETIME = timedelta(minutes=10)
_AT_ONCE = 5
_T = TypeVar("_T")


@dataclass(frozen=True)
class Credentials:
    """Who asks: a signed token where there is a client key, else HTTP Basic."""

    user_token: str | None = None
    client_token: str | None = None
    client_key: str | None = None
    basic_user: str | None = None
    basic_password: str | None = None

    def header(self, now: datetime) -> tuple[str, str]:
        """Name and value of the header that says who asks."""
        if self.client_key and self.user_token and self.client_token:
            said = token.signed(self.client_key, self.user_token, self.client_token, now)
            return token.HEADER, said
        if self.basic_user and self.basic_password:
            return "Authorization", token.basic(self.basic_user, self.basic_password)
        raise ValueError("neither a client key with its tokens nor a user with a password")


@dataclass(frozen=True)
class Terms:
    """What the settings say of the tenant.

    Attributes:
        validator_id: who validates activity reports.
        currency: the tenant's own.
        cra_months: months of activity reports that are read, the current one the last.
        states: canonical words that overrule the tenant's labels.
        today: the day in Paris.
    """

    validator_id: str
    currency: str
    cra_months: int
    states: Mapping[str, Mapping[str, str]]
    today: Callable[[], date]


class Access:
    """Signed calls to one tenant, and what is remembered while a door is open.

    Args:
        wiring: clock, transport, limits, audit.
        base_url: of the API.
        credentials: who asks.
        terms: what the settings say of the tenant.

    Raises:
        ValueError: a URL that would send secrets in the clear, or no credentials.
    """

    def __init__(
        self, wiring: Wiring, base_url: str, credentials: Credentials, terms: Terms
    ) -> None:
        self._header, _ = credentials.header(wiring.now())
        self._credentials = credentials
        self._secrets = wiring.secrets
        self._secrets.learn(
            credentials.user_token,
            credentials.client_token,
            credentials.client_key,
            credentials.basic_password,
        )
        self._seam = Seam(_SOURCE, base_url, wiring, judge=judge(wiring.secrets), at_once=_AT_ONCE)
        self._now = wiring.now
        self._session = Session(_SOURCE, self._log_in, self._signed, wiring.now)
        self._read_dictionary = False
        self._versions: dict[tuple[str, str], str] = {}
        self._known: dict[str, Any] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._users: dict[str, set[str]] = {}
        self._missing: dict[str, int] = {}
        self.providers: dict[str, str | None] = {}
        """The company of each external consultant whose file was read, None where it names none."""
        self.validators: dict[str, str] = {}
        """Who was asked to validate which activity report, while this door is open."""
        self.reports: dict[str, tuple[Any, Any]] = {}
        """Of whom and of which month the list says that each activity report is."""
        self.terms = terms
        self.dictionary = Dictionary({}, terms.states)
        """What the tenant's numbers mean; read at login, so known once anything was read."""

    async def aclose(self) -> None:
        """Ends all connections."""
        await self._seam.aclose()

    async def login(self) -> None:
        """Tries the credentials by reading the dictionary.

        Raises:
            SourceError: they are refused, or no answer came.
        """
        await self._seam.authenticate(self._session)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """One read; `answer.value` has binary floats, `json_text.exact(answer.body)` has none.

        Raises:
            SourceError: what is left after the retries.
        """
        return await self._seam.call(Ask("GET", path, params=params or {}), self._session)

    async def item(
        self, path: str, params: Mapping[str, str] | None = None, *, id_: str | None = None
    ) -> Item | None:
        """The object that a path serves, exact; None only where BoondManager says 404.

        Args:
            path: such as `/companies/1/information`.
            params: of the query.
            id_: whose object it must be; None where that is not asked.

        Raises:
            Validation: `OTHER`, it is another one's object.
            SourceError: it could not be read, or is no object.
        """
        try:
            answer = await self.get(path, params)
        except SourceError as error:
            if error.code == "not_found":
                return None
            raise
        found = jsonapi.item(json_text.exact(answer.body))
        if found is None:
            message = "the answer holds no object `data`."
            raise Critical(_SOURCE, f"GET {path}", "envelope", message)
        return found if id_ is None else own(found, id_, f"GET {path}")

    async def listed(
        self, path: str, params: Mapping[str, str] | None = None, *, whole: bool = False
    ) -> AsyncGenerator[Part, None]:
        """All rows of a list, each once as long as it does not change while it is read.

        Args:
            path: such as `/companies`.
            params: beside the page.
            whole: refuses a list that ends short of what BoondManager states, as what is joined
                must; otherwise the last part says how many rows are `missing`.

        Raises:
            SourceError: it could not be read to its end.
        """

        async def numbered(number: int) -> Any:
            paged = {"page": str(number), "maxResults": str(PAGE_SIZE), **(params or {})}
            answer = await self.get(path, paged)
            page = page_of(answer, number, f"GET {path}")
            return replace(page, ids=_by_type(page.ids, answer.member("data")))

        reading = Reading(_SOURCE, f"GET {path}", whole=whole)
        stated, served = 0, dict[str, bytes]()
        pages = reading.numbered(numbered, PAGE_SIZE, DEFAULT_PAGE_SIZE)
        async with aclosing(pages):
            async for page in pages:
                stated = max(stated, page.total_rows or 0)
                rows = jsonapi.items(json_text.exact(page.body))
                new = [
                    row for row, id_ in zip(rows, page.ids, strict=True) if _new(row, id_, served)
                ]
                yield Part(new, page.served_at)
        if stated > len(served):
            yield Part((), None, stated - len(served))

    async def write(
        self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None
    ) -> Item:
        """One write, never repeated where it may have arrived; drops are errors (boond-live.md 1).

        Raises:
            OutcomeUnknown: no answer came, or one without an object.
            SourceError: it was refused.
        """
        content = None if body is None else json_text.encode(body)
        ask = Ask(method, path, params or {}, _WRITE, content, write=True)
        answer = await self._seam.call(ask, self._session)
        found = jsonapi.item(json_text.exact(answer.body))
        if found is None:
            message = "the answer holds no object `data`."
            raise OutcomeUnknown(_SOURCE, ask.operation, "envelope", message)
        return found

    async def projects(self, by: str = "") -> Mapping[str, Item]:
        """All projects by id, without HR data; read once, until stream `by` is pulled again."""
        return await self._joined(PROJECTS, by)

    async def deliveries(self, by: str = "") -> Mapping[str, Item]:
        """All deliveries by id, likewise; a delivery is a person, a project and a rate."""
        return await self._joined(DELIVERIES, by)

    async def purchases(self, by: str = "") -> Mapping[str, Item]:
        """All purchases by id, likewise."""
        return await self._joined(PURCHASES, by)

    async def once(self, key: str, read: Callable[[], Awaitable[_T]]) -> _T:
        """What `read` gives, asked once a door, by however many at a time."""
        async with self._turns.setdefault(key, asyncio.Lock()):
            if key not in self._known:
                self._known[key] = await read()
            found: _T = self._known[key]
            return found

    def proven_absent(self, path: str) -> None:
        """Whether what a joined list lacks does not exist.

        Raises:
            Transient: the list ended short of what BoondManager states.
        """
        if lacking := self.missing(path):
            served = len(self._known[path])
            said = f"fewer rows than stated: {served} of {served + lacking}."
            raise Transient(_SOURCE, f"GET {path}", "short", said)

    def missing(self, path: str) -> int:
        """Rows that BoondManager stated of a joined list and did not serve."""
        return self._missing.get(path, 0)

    def begin(self, stream: str) -> None:
        """Forgets the joined lists that the last pull of a stream used."""
        for path, users in self._users.items():
            if stream in users:
                self._known.pop(path, None)
                users.clear()

    async def _joined(self, path: str, by: str) -> Mapping[str, Item]:
        self._users.setdefault(path, set()).add(by)
        return await self.once(path, lambda: self._all(path))

    async def _all(self, path: str) -> Mapping[str, Item]:
        found: dict[str, Item] = {}
        self._missing[path] = 0
        async with aclosing(self.listed(path)) as parts:
            async for part in parts:
                self._missing[path] += part.missing
                rows = jsonapi.without_hr(part.rows)
                found.update((_key(path, row), row) for row in rows)
        return found

    def remember(self, stream: str, id_: str, version: str) -> None:
        """Keeps the version in which a list named a record, for when it is composed."""
        self._versions[stream, id_] = version

    def version(self, stream: str, id_: str) -> str:
        """The version in which a list named a record; empty where none did."""
        return self._versions.get((stream, id_), "")

    def updated(self, since: datetime | None) -> dict[str, str]:
        """The parameters that ask a list for what changed; none for the whole list."""
        if since is None:
            return {}
        first = since.astimezone(PARIS).date()
        last = self.terms.today() + timedelta(days=1)
        return {"period": "updated", "startDate": str(first), "endDate": str(last)}

    async def _log_in(self, _held: Grant | None, attempt: int) -> Grant:
        """A new token; the first is tried on the smallest harmless read, the dictionary."""
        now = self._now()
        _, said = self._credentials.header(now)
        self._secrets.learn(said)
        grant = Grant(said, now, now + _TOKEN_LIFETIME)
        if not self._read_dictionary:
            answer = await self._seam.log_in(self._signed(_DICTIONARY, grant), attempt)
            self.dictionary = Dictionary(_setting(answer), self.terms.states)
            self._read_dictionary = True
        return grant

    def _signed(self, ask: Ask, grant: Grant) -> Ask:
        headers = {"Accept": "application/json", **ask.headers, self._header: grant.secret}
        return replace(ask, headers=headers)


def own(item: Item, id_: str, operation: str) -> Item:
    """The object, if it is the one that was asked for.

    Raises:
        Validation: `OTHER`, it is another one's.
    """
    if item.id and item.id != id_:
        message = f"asked for {id_}, BoondManager served {item.id}."
        raise Validation(_SOURCE, operation, OTHER, message)
    return item


def _by_type(ids: Sequence[str], rows: Sequence[Any]) -> tuple[str, ...]:
    """Ids that tell rows of several types apart: a groupment may have the id of a delivery."""
    types = (row.get("type") if isinstance(row, Mapping) else None for row in rows)
    return tuple(f"{type_} {id_}" for type_, id_ in zip(types, ids, strict=True))


def _key(path: str, row: Item) -> str:
    """By what a row of a joined list is found: its id, if it is what the list is read for."""
    wanted = row.id and row.type == _JOINED[path]
    return row.id if wanted else repr(row.data)


def _new(row: Item, id_: str, served: dict[str, bytes]) -> bool:
    """Whether a row is no repetition of one that was served; notes it."""
    content = hashlib.blake2b(repr(row.data).encode(), digest_size=16).digest()
    if served.get(id_) == content:
        return False
    served[id_] = content
    return True


def _setting(answer: Answer) -> Mapping[str, Any]:
    data = answer.member("data")
    setting = data.get("setting") if isinstance(data, dict) else None
    if not isinstance(setting, dict):
        message = "the answer holds no dictionary `data.setting`."
        raise Critical(_SOURCE, _DICTIONARY.operation, "envelope", message)
    return setting
