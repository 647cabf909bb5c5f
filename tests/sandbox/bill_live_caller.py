"""A caller of BILL's live dialect over a world of its own, with a clock that the test turns."""

from decimal import Decimal
from typing import Any

import httpx

from sandbox.bill_live import BillLive
from sandbox.world import DEFAULT_AS_OF, World, start_of

LOGIN = {
    "username": "compta@esn.example",
    "password": "sandbox-password",
    "organizationId": "org-sandbox",
    "devKey": "sandbox-dev-key",
}
BILLS, VENDORS = "/connect/v3/bills", "/connect/v3/vendors"
PAYMENTS, CREDITS = "/connect/v3/payments", "/connect/v3/vendor-credits"
INVOICES = "/connect/v3/invoices"


class Caller:
    """Calls a BILL of its own, with a clock that the test turns."""

    def __init__(self, **options: Any) -> None:
        self.now = start_of(DEFAULT_AS_OF)
        built = {"consultants": 5, "mistakes": False} | {
            key: options.pop(key) for key in ("consultants", "mistakes") if key in options
        }
        self.world = World.build(clock=lambda: self.now, **built)
        self.vendor = BillLive(self.world, **options)
        self.headers = {"devKey": LOGIN["devKey"]}

    def call(self, path: str, method: str = "GET", **params: Any) -> httpx.Response:
        """Asks with both headers, logged in once."""
        if "sessionId" not in self.headers:
            self.headers["sessionId"] = self.log_in().json()["sessionId"]
        return self.raw(method, path, params=params, headers=self.headers)

    def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Asks just what it is told."""
        return self.vendor(httpx.Request(method, f"http://bill{path}", **options), path)

    def log_in(self, **changes: Any) -> httpx.Response:
        """Logs in."""
        return self.raw("POST", "/connect/v3/login", json=LOGIN | changes)

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Reads a list token by token until no token comes."""
        rows: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            page = self.call(path, **params, **more).json(parse_float=Decimal)
            rows += page["results"]
            if "nextPage" not in page:
                return rows
            more = {"page": page["nextPage"]}

    def ids(self, path: str, **params: Any) -> list[str]:
        """The ids that a list holds."""
        return [row["id"] for row in self.rows(path, max=100, **params)]

    def one(self, path: str) -> dict[str, Any]:
        """Reads one object."""
        found: dict[str, Any] = self.call(path).json(parse_float=Decimal)
        return found


def code(response: httpx.Response) -> str:
    """The code of an answer that is an array of errors."""
    return str(response.json()[0]["code"])
