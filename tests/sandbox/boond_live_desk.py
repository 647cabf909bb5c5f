"""A caller of BoondManager's live dialect over a world."""

from decimal import Decimal
from typing import Any

import httpx

from sandbox.boond_live import BoondLive
from sandbox.boond_live_wire import signed
from sandbox.trading import register
from sandbox.wire import Limits
from sandbox.world import World

MONTHS = {"startMonth": "2026-09", "endMonth": "2026-10"}
OCTOBER = {"period": "inProgress", "startDate": "2026-10-01", "endDate": "2026-10-31"}


class Desk:
    """Calls the live API of one world."""

    def __init__(self, world: World, limits: Limits | None = None) -> None:
        self.world, self.boond = world, BoondLive(world, limits)

    def jwt(self, key: str = "sandbox-client-key", **changes: Any) -> dict[str, str]:
        """A header that proves who calls."""
        known = {"userToken": "sandbox-user-token", "clientToken": "sandbox-client-token"}
        return {"X-Jwt-Client-BoondManager": signed(known | changes, key)}

    def call(
        self,
        path: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        params: Any = None,
    ) -> httpx.Response:
        """Calls, with a good token unless told other headers."""
        url = httpx.URL(f"http://sandbox/boond/api{path}", params=params)
        proof = self.jwt() if headers is None else headers
        return self.boond(httpx.Request(method, url, headers=proof), f"/api{path}")

    def get(self, path: str, **params: Any) -> Any:
        """Reads a body that must be there."""
        response = self.call(path, params=params)
        assert response.status_code == 200, response.text
        return response.json(parse_float=Decimal)

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Reads a list page by page until an empty one."""
        found: list[dict[str, Any]] = []
        page = 1
        while got := self.get(path, **params, page=page)["data"]:
            found, page = found + got, page + 1
        return found

    def ids(self, path: str, **params: Any) -> list[str]:
        """The ids of a list of at most 500 rows."""
        return [row["id"] for row in self.get(path, **params, maxResults=500)["data"]]


def registered(desk: Desk) -> str:
    """The id of a supplier invoice of the first bill."""
    register(desk.world, next(iter(desk.world.bills.values())))
    return next(reversed(desk.world.supplier_invoices))


def report_ids(desk: Desk) -> list[str]:
    """The ids of all activity reports."""
    return desk.ids("/times-reports", **MONTHS)
