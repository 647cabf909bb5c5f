"""The door to Bill.com, dialect live: BILL's own v3 API (bill.md); it is read, never written to."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sources import bill_live_records as records
from sources import json_text
from sources.assumptions import answered
from sources.bill_live_lists import Listing, Lists, Row, listings, out_of_order, rows_of
from sources.bill_live_records import BILLS, CREDIT_IDS, CREDITS, PAYMENTS, VENDORS, Resource
from sources.bill_login import session_of
from sources.bill_refusals import Judge
from sources.errors import Critical, SourceError
from sources.exchange import Ask, path_segment
from sources.http import Seam
from sources.paging import ids_of
from sources.read_only import ReadOnly
from sources.session import Grant, Session
from sources.streams import Assumption, Page, Stream
from sources.wiring import Wiring

REQUESTS_PER_HOUR = 19_000
"""Of the 20,000 that BILL allows a developer key; the others are left to people."""
AT_ONCE = 3
_SOURCE = "bill"
_LOGIN_PATH = "/v3/login"
_IDLE = timedelta(minutes=35)
_THIN = ("id", "updatedTime", "archived")
_RESOURCES = {"invoices": (BILLS, CREDITS), "vendors": (VENDORS,), "payments": (PAYMENTS,)}


class BillLive(ReadOnly):
    """Bill.com as a door (`sources.streams.Door`).

    A record is composed of what BILL serves: the canonical members, a `version`, and as `served`
    the object itself. A list row that does not say all has no `served`.

    Args:
        wiring: clock, transport, audit; without an own limit, BILL's documented one holds.
        base_url: with `/connect`, such as `https://gateway.stage.bill.com/connect`.
        username: of the account, or the name of a sync token.
        password: of the account, or the sync token.
        organization_id: whose bills are read.
        dev_key: of the application.

    Raises:
        ValueError: a URL that would send secrets in the clear.
    """

    source = _SOURCE
    streams: Mapping[str, Stream] = records.STREAMS

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
        limited = replace(wiring, requests_per_hour=wiring.requests_per_hour or REQUESTS_PER_HOUR)
        judge = Judge(wiring.now, wiring.secrets, wiring.retry_base)
        self._seam = Seam(_SOURCE, base_url, limited, judge=judge, at_once=AT_ONCE)
        self._credentials = {
            "username": username,
            "password": password,
            "organizationId": organization_id,
            "devKey": dev_key,
        }
        self._session = Session(_SOURCE, self._log_in, self._sign, wiring.now, idle=_IDLE)
        self._versions: dict[tuple[str, str], str] = {}
        self._currencies = _Memory(self._currency_of)
        self._orders = _Memory(self._order_of)

    async def aclose(self) -> None:
        """Ends all connections."""
        await self._seam.aclose()

    async def login(self) -> None:
        """Tries the credentials (P13)."""
        await self._seam.authenticate(self._session)

    async def pages(
        self,
        stream: str,
        *,
        since: datetime | None = None,
        parents: Sequence[str] = (),  # noqa: ARG002 - as the door has it
    ) -> AsyncGenerator[Page, None]:
        """All pages of a stream: invoices are bills, then the vendors' credit notes.

        Of a list that takes no filter, what is older than `since` is left out. Bills of payments
        that changed come too, to be asked for by id: whether a payment moves its bill's
        `updatedTime` is not documented.
        """
        since = since if self.streams[stream].incremental else None
        given: set[str] = set()
        readings = [(one, partial(self._composed, one)) for one in _RESOURCES[stream]]
        if stream == "invoices" and since is not None:
            readings.append((PAYMENTS, partial(self._paid, given)))
        for resource, compose in readings:
            lists = Lists(listings(resource, since), since, self._call, compose)
            async with aclosing(lists.pages()) as pages:
                async for page in pages:
                    given.update(page.ids)
                    yield page

    async def one(self, stream: str, id: str) -> bytes | None:  # noqa: A002 - the column's name
        """One record, composed; None when BILL answers that it has none.

        Where another one was served, a record that no check accepts, and that says so.
        """
        if self.streams[stream].one is None:
            raise LookupError(f"{stream} are not served one by one")
        credited = stream == "invoices" and id.startswith(CREDIT_IDS)
        resource = CREDITS if credited else _RESOURCES[stream][0]
        row = await self._detail(resource, id)
        if row is None:
            return None
        if (other := _other(row, id)) is not None:
            said = f"asked for {id}, Bill.com served {other}"
            return json_text.encode({"id": id, "version": "", "updatedTime": said, "served": {}})
        _, text = await self._composed(resource, [row], listed=False)
        return text.encode()

    async def assumptions(self) -> AsyncGenerator[Assumption, None]:
        """Whether the lists are as thick and as well sorted as is good."""
        for what, listing, odd, *words in _ASSUMED:
            yield await answered(what, self._assumed(what, listing, odd, words))

    async def _assumed(
        self,
        what: str,
        listing: Listing,
        odd: Callable[[Sequence[Row]], int],
        words: Sequence[str],
    ) -> Assumption:
        served = rows_of(await self._call(listing.ask()), f"GET {listing.resource.path}")
        rows = [row for row in served if isinstance(row[1], dict)]
        if not rows:
            return Assumption(what, holds=None, said="there are none yet")
        found, (right, wrong, advice) = odd(rows), words
        said = f"{found} of {len(rows)} {wrong}" if found else f"{len(rows)} looked at, {right}"
        return Assumption(what, holds=not found, said=said, advice=advice)

    async def _call(self, ask: Ask) -> Any:
        return await self._seam.call(ask, self._session)

    async def _detail(self, resource: Resource, id_: str) -> Row | None:
        ask = Ask("GET", f"{resource.path}/{path_segment(id_)}")
        try:
            answer = await self._call(ask)
        except SourceError as error:
            if error.code == "not_found":
                return None
            raise
        served = json_text.exact(answer.body)
        if not isinstance(served, dict):
            raise Critical(_SOURCE, ask.operation, "envelope", "the answer is no object.")
        return answer.body.decode(), served

    async def _composed(
        self, resource: Resource, rows: Sequence[Row], *, listed: bool = True
    ) -> tuple[tuple[str, ...], str]:
        """The ids of the canonical records of some objects, and their JSON texts in a row."""
        whole = [
            row for _, row in rows if isinstance(row, dict) and _is_whole(resource, row, listed)
        ]
        if resource in (BILLS, CREDITS):
            await self._currencies.learn(row.get("vendorId") for row in whole)
        if resource is CREDITS:
            await self._orders.learn(records.credited_bill(row) for row in whole)
        made = [one for row in rows for one in self._records(resource, row, listed=listed)]
        return ids_of([record for record, _ in made]), ",".join(text for _, text in made)

    async def _paid(
        self, given: Container[str], rows: Sequence[Row]
    ) -> tuple[tuple[str, ...], str]:
        """The ids of some payments, and as rows to be asked for the bills that they pay."""
        paid = [
            {"id": one["billId"], "version": ""}
            for _, row in rows
            if isinstance(row, dict)
            for one in records.payments(row)
            if isinstance(one.get("billId"), str) and one["billId"] not in given
        ]
        texts = ",".join(json_text.encode(bill).decode() for bill in paid)
        return ids_of([row for _, row in rows]), texts

    def _records(self, resource: Resource, row: Row, *, listed: bool) -> Iterator[tuple[Any, str]]:
        """What becomes of one object: the canonical record and its text."""
        text, served = row
        if not isinstance(served, dict):
            yield served, text
            return
        version = self._version(resource, served, listed=listed)
        if resource is VENDORS and (not listed or "billCurrency" in served):
            self._currencies.note(served.get("id"), served.get("billCurrency"))
        if not _is_whole(resource, served, listed):
            said = records.standing(served)
            thin = {key: said[key] for key in _THIN if key in said} | {"version": version}
            yield thin, json_text.encode(thin).decode()
            return
        for record in self._canonical(resource, served):
            made = json_text.encode(record | {"version": version}).decode()
            yield record, f'{made[:-1]},"served":{self._kept(resource, row)}}}'

    def _canonical(self, resource: Resource, served: records.Served) -> Iterable[dict[str, Any]]:
        currency = self._currencies.recall(served.get("vendorId"))
        if resource is BILLS:
            self._orders.note(served.get("id"), served.get("purchaseOrderNumber"))
            return [records.bill(served, currency)]
        if resource is CREDITS:
            order = self._orders.recall(records.credited_bill(served))
            return [records.credit(served, currency, order)]
        return [records.vendor(served)] if resource is VENDORS else records.payments(served)

    def _kept(self, resource: Resource, row: Row) -> str:
        text, served = row
        if resource is not VENDORS:
            return text
        return json_text.encode(records.without_banking(served)).decode()

    def _version(self, resource: Resource, served: records.Served, *, listed: bool) -> str:
        """What the list said last; it may lag behind the object, so that it is asked for again."""
        key = resource.stream, str(served.get("id"))
        if listed:
            self._versions[key] = resource.version(served)
        return self._versions.get(key, "")

    async def _currency_of(self, vendor_id: str) -> Any:
        row = await self._detail(VENDORS, vendor_id)
        if row is not None and (other := _other(row, vendor_id)) is not None:
            return f"asked for vendor {vendor_id}, Bill.com served {other}"
        return None if row is None else row[1].get("billCurrency")

    async def _order_of(self, bill_id: str) -> Any:
        row = await self._detail(BILLS, bill_id)
        known = row is not None and _other(row, bill_id) is None
        return row[1].get("purchaseOrderNumber") if row and known else None

    async def _log_in(self, _held: Grant | None, attempt: int) -> Grant:
        return Grant(await session_of(self._seam, _LOGIN_PATH, self._credentials, attempt))

    def _sign(self, ask: Ask, grant: Grant) -> Ask:
        credentials = {"sessionId": grant.secret, "devKey": self._credentials["devKey"]}
        return replace(ask, headers={**ask.headers, **credentials})


class _Memory:
    """What is said once of another object and needed for many, asked for at most once."""

    def __init__(self, ask: Callable[[str], Awaitable[Any]]) -> None:
        self._ask = ask
        self._known: dict[str, Any] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def note(self, id_: Any, value: Any) -> None:
        """Keeps what was said without being asked for."""
        self._known[str(id_)] = value or None

    def recall(self, id_: Any) -> Any:
        """What is known; None where nothing is."""
        return self._known.get(str(id_))

    async def learn(self, ids: Iterable[Any]) -> None:
        """Asks for those of which nothing is known yet.

        Raises:
            SourceError: one could not be read.
        """
        wanted = {str(id_): None for id_ in ids if id_ is not None}
        unknown = [id_ for id_ in wanted if id_ not in self._known]
        found = await asyncio.gather(*map(self._learn, unknown), return_exceptions=True)
        for error in found:
            if error is not None:
                raise error

    async def _learn(self, id_: str) -> None:
        async with self._asking.setdefault(id_, asyncio.Lock()):
            if id_ not in self._known:
                self.note(id_, await self._ask(id_))


def _other(row: Row, id_: str) -> Any:
    """The id of what was served where another one was asked for; one without an id may be it."""
    told = row[1].get("id")
    return None if told is None or str(told) == id_ else told


def _is_whole(resource: Resource, served: records.Served, listed: bool) -> bool:  # noqa: FBT001
    """What was asked for by id says all that there is."""
    return not listed or resource.is_whole(served)


def _without(key: str) -> Callable[[Sequence[Row]], int]:
    return lambda rows: sum(1 for _, row in rows if not row.get(key))


_ASSUMED = (
    (
        "archived bills in a list of their own",
        listings(BILLS, None)[1],
        _without("archived"),
        "each of them archived",
        "are not archived: the filter is ignored, and each bill's own word counts",
        "",
    ),
    (
        "lines of bills in their list",
        listings(BILLS, None)[0],
        _without("billLineItems"),
        "each with its lines",
        "have none; those are asked for by id, once a change",
        "",
    ),
    (
        "currencies of vendors in their list",
        listings(VENDORS, None)[0],
        _without("billCurrency"),
        "each with its own",
        "have none; those are asked for by id when their bills change, once a run",
        "",
    ),
    (
        "vendor credits name their vendor",
        listings(CREDITS, None)[0],
        lambda rows: sum(1 for _, row in rows if not row.get("vendorId")),
        "each with one",
        "name no vendor",
        "ask BILL what a vendor credit is here",
    ),
    (
        "payments newest first",
        listings(PAYMENTS, None)[0],
        out_of_order,
        "newest first",
        "are not in their place: every run reads the list to its end",
        "",
    ),
)
