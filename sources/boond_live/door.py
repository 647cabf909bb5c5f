"""The door to BoondManager, dialect live (boond.md, "Dialect live")."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import date, datetime
from typing import Any

from sources import json_text
from sources.boond_live import (
    companies,
    contracts,
    invoices,
    orders,
    people,
    provider_invoices,
    reports,
    writes,
)
from sources.boond_live.access import OTHER, Access, Credentials, Terms
from sources.boond_live.assumptions import questions
from sources.boond_live.streams import STREAMS, Reader
from sources.errors import Validation
from sources.streams import Assumption, Page, Stream
from sources.wiring import Wiring

_READERS: Mapping[str, Reader] = {
    "consultants": people.READER,
    "clients": companies.CLIENTS,
    "suppliers": companies.SUPPLIERS,
    "contracts": contracts.READER,
    "cras": reports.READER,
    "client_invoices": invoices.READER,
    "purchase_orders": orders.READER,
    "supplier_invoices": provider_invoices.READER,
}


class BoondLive:
    """BoondManager as a door (`sources.streams.Door`).

    Args:
        wiring: clock, transport, limits, audit.
        base_url: of the API, such as `https://ui.boondmanager.com/api`.
        user_token: with `client_token` and `client_key`, a signed token.
        client_token: see `user_token`.
        client_key: see `user_token`.
        basic_user: with `basic_password`, HTTP Basic; used where there is no client key.
        basic_password: see `basic_user`.
        validator_id: who validates activity reports.
        currency: the tenant's own.
        cra_months: months of activity reports that are read, the current one the last.
        states: canonical words that overrule the tenant's labels of states, by kind and number.
        today: the day in Paris.

    Raises:
        ValueError: a URL that would send secrets in the clear, or no credentials.
    """

    source = "boond"
    streams: Mapping[str, Stream] = STREAMS

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        wiring: Wiring,
        *,
        base_url: str,
        user_token: str | None = None,
        client_token: str | None = None,
        client_key: str | None = None,
        basic_user: str | None = None,
        basic_password: str | None = None,
        validator_id: str = "system_auto_validator",
        currency: str = "EUR",
        cra_months: int = 3,
        states: Mapping[str, Mapping[str, str]],
        today: Callable[[], date],
    ) -> None:
        credentials = Credentials(user_token, client_token, client_key, basic_user, basic_password)
        terms = Terms(validator_id, currency, cra_months, states, today)
        self.access = Access(wiring, base_url, credentials, terms)

    async def aclose(self) -> None:
        """Ends all connections."""
        await self.access.aclose()

    async def login(self) -> None:
        """Tries the credentials on the tenant's dictionary (P13)."""
        await self.access.login()

    async def assumptions(self) -> AsyncGenerator[Assumption, None]:
        """What is taken for granted of the live API, as it is at this tenant."""
        await self.access.login()
        async with aclosing(questions(self.access)) as found:
            async for one in found:
                yield one

    async def pages(
        self,
        stream: str,
        *,
        since: datetime | None = None,
        parents: Sequence[str] = (),  # noqa: ARG002 - no list here hangs on a parent
    ) -> AsyncGenerator[Page, None]:
        """All pages of a stream, composed; rows without `served` are to be asked for by id."""
        self.access.begin(stream)
        await self.access.login()
        async with aclosing(_READERS[stream].pages(self.access, since)) as pages:
            async for page in pages:
                yield page

    async def one(self, stream: str, id: str) -> bytes | None:  # noqa: A002 - the column's name
        """One composed record; None when BoondManager answers 404.

        Where another one's object was served, a record that no check accepts, and that says so.
        """
        await self.access.login()
        try:
            found = await _READERS[stream].one(self.access, id)
        except Validation as error:
            if error.code != OTHER:
                raise
            found = {"id": id, "version": "", "updatedAt": error.message, "served": {}}
        return None if found is None else json_text.encode(found)

    async def find(self, kind: str, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What stands under the natural key of a command that creates."""
        return await writes.find(self.access, kind, payload)

    async def read(self, kind: str, vendor_id: str) -> Mapping[str, Any] | None:
        """What BoondManager now holds of a command's object; None when it has none."""
        return await writes.read(self.access, kind, vendor_id)

    async def send(self, kind: str, target: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carries out a command once; repeated only where nothing can have reached the vendor."""
        return await writes.send(self.access, kind, target, payload)

    def differences(self, kind: str, sent: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
        """What BoondManager holds otherwise than a command sent it, a phrase a column."""
        return writes.differences(kind, sent, held)
