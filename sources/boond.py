"""The door to BoondManager, dialect v3 (boond.md)."""

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sources import json_text, mapping
from sources.assumptions import answered
from sources.boond_envelope import DEFAULT_PAGE_SIZE, PAGE_SIZE, page_of
from sources.boond_v3 import CONTRACTS_OF_CLIENT, STREAMS, WRITES, Write
from sources.errors import Authentication, Critical, OutcomeUnknown, SourceError
from sources.exchange import Answer, Ask, path_segment
from sources.http import Seam
from sources.paging import Reading
from sources.session import Grant, Session
from sources.streams import Assumption, Page, Stream
from sources.urls import checked_url
from sources.wiring import Wiring

_log = logging.getLogger("rapproche.boond")
_SOURCE = "boond"
_LIFETIME_S = 3600
_LONGEST_S = 366 * 86_400
_NO_ROUTE = ("not_found", "not_allowed")
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Boond:
    """BoondManager as a door (`sources.streams.Door`).

    Args:
        wiring: clock, transport, limits, audit.
        base_url: of the API, such as `https://api.boondmanager.com/api/v3`.
        auth_url: where tokens are given.
        client_id: with `client_secret`, OAuth client credentials.
        client_secret: see `client_id`.
        api_key: used when there is no client id.
        validator_id: whom a validation names.

    Raises:
        ValueError: a URL that would send secrets in the clear, or no credentials.
    """

    source = _SOURCE
    streams: Mapping[str, Stream] = STREAMS

    def __init__(
        self,
        wiring: Wiring,
        *,
        base_url: str,
        auth_url: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        api_key: str | None = None,
        validator_id: str = "system_auto_validator",
    ) -> None:
        if not (client_id and client_secret) and not api_key:
            raise ValueError("neither client credentials nor an API key")
        self._secrets = wiring.secrets
        self._secrets.learn(client_secret, api_key)
        self._seam = Seam(_SOURCE, base_url, wiring)
        self._now = wiring.now
        self._validator_id = validator_id
        self._auth_url = checked_url(auth_url)
        self._client = {"client_id": client_id or "", "client_secret": client_secret or ""}
        if client_id:
            self._session = Session(_SOURCE, self._token, _with_bearer, wiring.now)
        else:
            self._session = self._key_session(api_key or "")

    async def aclose(self) -> None:
        """Ends all connections."""
        await self._seam.aclose()

    async def assumptions(self) -> AsyncGenerator[Assumption, None]:
        """Whether lists tell how many rows there are, and all contracts come in one."""
        what = "lists tell how many rows there are"
        yield await answered(what, self._counted(what))
        what = "all contracts in one list"
        yield await answered(what, self._in_one_list(what), "each client is asked for its own")

    async def _counted(self, what: str) -> Assumption:
        path = self.streams["clients"].path
        total = page_of(await self._get(path, {"maxResults": "1"}), 1, f"GET {path}").total_rows
        until = "no total: lists are read until an empty page comes"
        said = until if total is None else f"{total} clients"
        return Assumption(what, holds=total is not None, said=said)

    async def _in_one_list(self, what: str) -> Assumption:
        await self._get(self.streams["contracts"].path, {"maxResults": "1"})
        return Assumption(what, holds=True, said="the list is there")

    async def login(self) -> None:
        """Tries the credentials (P13); an API key is tried on the smallest list."""
        await self._seam.authenticate(self._session)

    async def pages(
        self,
        stream: str,
        *,
        since: datetime | None = None,
        parents: Sequence[str] = (),  # noqa: ARG002 - no list here hangs on a parent
    ) -> AsyncGenerator[Page, None]:
        """All pages of a stream, in any order; no stream of BoondManager has parents."""
        asked = {} if since is None else {"updatedSince": _iso(since)}
        path = self.streams[stream].path
        reading = self._contracts(asked) if stream == "contracts" else self._list(path, asked)
        async with aclosing(reading) as pages:
            async for page in pages:
                yield page

    async def one(self, stream: str, id: str) -> bytes | None:  # noqa: A002 - the column's name
        """One record's JSON as served; None when BoondManager answers 404."""
        path = self.streams[stream].one
        if path is None:
            raise LookupError(f"{stream} are not served one by one")
        return await self._seam.one(path.format(id=path_segment(id)), "data", self._session)

    async def find(self, kind: str, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What stands under the natural key; compared here too, since filters may be ignored.

        A list that ends short of what BoondManager states is an error: it proves no absence.
        """
        write = WRITES[kind]
        stream = self.streams[write.stream]
        key = {column: str(payload[column]) for column in write.natural_key}
        asked = {write.natural_key[column]: value for column, value in key.items()}
        found: dict[str, Mapping[str, Any]] = {}
        async with aclosing(self._list(stream.path, asked, whole=True)) as pages:
            async for page in pages:
                for served in json_text.exact(page.body)["data"]:
                    held = mapping.held_by_vendor(stream.record, served)
                    if all(str(held[column]) == value for column, value in key.items()):
                        found[str(held["id"])] = held
        return list(found.values())

    async def read(self, kind: str, vendor_id: str) -> Mapping[str, Any] | None:
        """What BoondManager now holds of a command's object; None when it has none."""
        stream = self.streams[WRITES[kind].stream]
        served = await self.one(stream.name, vendor_id)
        return None if served is None else self._held(stream, served)

    async def send(self, kind: str, target: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carries out a command once; repeated only where nothing can have reached the vendor.

        Args:
            kind: such as `boond.invoice.create`.
            target: the id of the object that is changed; a create does not use it.
            payload: columns of the core table.

        Returns:
            The vendor's object, as columns.
        """
        write = WRITES[kind]
        stream = self.streams[write.stream]
        creates = bool(write.natural_key)
        path = stream.path if creates else f"{stream.path}/{path_segment(target)}"
        body = mapping.wire_body(stream.record, write.told(payload)) | self._stamp(write)
        ask = Ask(
            "POST" if creates else "PUT",
            path,
            headers=_JSON,
            content=json_text.encode(body),
            write=True,
        )
        answer = await self._seam.call(ask, self._session)
        served = answer.object("data")
        if served is None:
            message = "the answer holds no object `data`."
            raise OutcomeUnknown(_SOURCE, ask.operation, "envelope", message)
        return self._held(stream, served)

    def differences(self, kind: str, sent: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
        """What BoondManager holds otherwise than the command sent it, a phrase a column."""
        return differences(kind, sent, held)

    def _stamp(self, write: Write) -> dict[str, str]:
        if not write.stamp:
            return {}
        return {"validator": self._validator_id, "validationDate": _iso(self._now())}

    def _held(self, stream: Stream, served: bytes) -> Mapping[str, Any]:
        return mapping.held_by_vendor(stream.record, json_text.exact(served))

    async def _get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        return await self._seam.call(Ask("GET", path, params=params or {}), self._session)

    async def _list(
        self, path: str, params: Mapping[str, str], *, whole: bool = False
    ) -> AsyncGenerator[Page, None]:
        async def fetch(number: int) -> Page:
            paged = {"page": str(number), "maxResults": str(PAGE_SIZE), **params}
            return page_of(await self._get(path, paged), number, f"GET {path}")

        reading = Reading(_SOURCE, f"GET {path}", whole=whole)
        async with aclosing(reading.numbered(fetch, PAGE_SIZE, DEFAULT_PAGE_SIZE)) as pages:
            async for page in pages:
                yield page

    async def _contracts(self, params: Mapping[str, str]) -> AsyncGenerator[Page, None]:
        """All contracts at once; from a vendor without that list, client by client."""
        begun = False
        try:
            async with aclosing(self._list(self.streams["contracts"].path, params)) as pages:
                async for page in pages:
                    begun = True
                    yield page
        except SourceError as error:
            if begun or error.code not in _NO_ROUTE:
                raise
        else:
            return
        async with aclosing(self._contracts_by_client(params)) as pages:
            async for page in pages:
                yield page

    async def _contracts_by_client(self, params: Mapping[str, str]) -> AsyncGenerator[Page, None]:
        clients: dict[str, None] = {}
        async for page in self._list(self.streams["clients"].path, {}):
            clients.update(dict.fromkeys(page.ids))
        for client in clients:
            path = CONTRACTS_OF_CLIENT.format(parent=path_segment(client))
            async with aclosing(self._list(path, params)) as pages:
                async for page in pages:
                    yield page

    def _key_session(self, api_key: str) -> Session:
        """An API key is a grant that needs no login: it is tried once all the same."""
        grant = Grant(api_key)

        async def tried(_held: Grant | None, attempt: int) -> Grant:
            smallest = Ask("GET", "/clients", params={"page": "1", "maxResults": "1"}, login=True)
            await self._seam.log_in(_with_key(smallest, grant), attempt)
            return grant

        return Session(_SOURCE, tried, _with_key, self._now, renewable=False)

    async def _token(self, held: Grant | None, attempt: int) -> Grant:
        """A token by refresh where that is accepted, else by the client's credentials."""
        if held is not None and held.refresh:
            refresh = {"grant_type": "refresh_token", "refresh_token": held.refresh}
            try:
                return await self._granted(refresh, attempt)
            except Authentication as error:
                _log.warning("refresh refused code=%s attempt=%d", error.code, attempt)
        return await self._granted({"grant_type": "client_credentials"}, attempt)

    async def _granted(self, form: Mapping[str, str], attempt: int) -> Grant:
        content = urlencode({**form, **self._client}).encode()
        ask = Ask("POST", self._auth_url, headers=_FORM, content=content, login=True)
        answer = await self._seam.log_in(ask, attempt)
        token, refresh = answer.member("access_token"), answer.member("refresh_token")
        if not isinstance(token, str) or not token:
            raise Critical(_SOURCE, ask.operation, "no_token", "the answer holds no token.")
        refresh = refresh if isinstance(refresh, str) else None
        self._secrets.learn(token, refresh)
        now = self._now()
        return Grant(token, now, now + _lifetime(answer.member("expires_in")), refresh)


def differences(kind: str, sent: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """What BoondManager holds otherwise than the command sent it, a phrase a column.

    A status further on is no difference: an invoice that a person has sent since was created.
    """
    write = WRITES[kind]
    sent = write.told(sent)
    if held.get("status") in write.status:
        sent = {name: value for name, value in sent.items() if name != "status"}
    return mapping.differences(STREAMS[write.stream].record, sent, held)


def _with_bearer(ask: Ask, grant: Grant) -> Ask:
    return replace(ask, headers={**ask.headers, "Authorization": f"Bearer {grant.secret}"})


def _with_key(ask: Ask, grant: Grant) -> Ask:
    return replace(ask, headers={**ask.headers, "X-API-Key": grant.secret})


def _lifetime(seconds: Any) -> timedelta:
    known = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
    return timedelta(seconds=min(seconds, _LONGEST_S) if known else _LIFETIME_S)


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")
