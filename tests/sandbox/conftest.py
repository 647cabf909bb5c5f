"""Clients of a sandbox in process, with a clock that the test turns."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox.server import Sandbox
from sandbox.wire import Limits
from sandbox.world import DEFAULT_AS_OF, World, start_of

LOGIN = {
    "username": "compta@esn.example",
    "password": "sandbox-password",
    "organizationId": "org-sandbox",
    "devKey": "sandbox-dev-key",
}
GRANT = {
    "grant_type": "client_credentials",
    "client_id": "rapproche-sandbox",
    "client_secret": "sandbox-secret",
}


class Hands:
    """A clock to turn by hand."""

    def __init__(self) -> None:
        self.now = start_of(DEFAULT_AS_OF)

    def __call__(self) -> datetime:
        """Tells the instant."""
        return self.now

    def turn(self, **by: float) -> None:
        """Lets time pass."""
        self.now += timedelta(**by)


class Caller:
    """Calls both vendors of a sandbox."""

    def __init__(self, sandbox: Sandbox, clock: Hands) -> None:
        self.sandbox, self.world, self.clock = sandbox, sandbox.world, clock
        self.http = httpx.Client(transport=sandbox.transport(), base_url="http://sandbox")
        self.session = ""

    def boond(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Calls the Boond API with the API key."""
        headers = {"X-API-Key": "sandbox-api-key"} | options.pop("headers", {})
        return self.http.request(method, f"/boond/api/v3{path}", headers=headers, **options)

    def bill(self, path: str, method: str = "GET", **params: Any) -> httpx.Response:
        """Calls Bill.com, logged in once."""
        if not self.session:
            self.session = self.log_in().json()["sessionId"]
        everything = {"sessionId": self.session} | params
        return self.http.request(method, f"/bill{path}", params=everything)

    def log_in(self, **changes: Any) -> httpx.Response:
        """Logs in to Bill.com."""
        return self.http.post("/bill/connect/v3/login", json=LOGIN | changes)

    def token(self, **changes: Any) -> httpx.Response:
        """Asks BoondManager for a token."""
        return self.http.post("/boond/oauth/token", data=GRANT | changes)

    def boond_rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Reads a list page by page until an empty one."""
        rows: list[dict[str, Any]] = []
        page = 1
        while got := self.boond("GET", path, params=params | {"page": page}).json()["data"]:
            rows, page = rows + got, page + 1
        return rows

    def bill_rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Reads a list token by token to its end."""
        rows: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            body = self.bill(path, **params, **more).json(parse_float=Decimal)
            rows += body["response_data"]
            if "nextPage" not in body:
                return rows
            more = {"page": body["nextPage"]}


Make = Callable[..., Caller]


@pytest.fixture
def make() -> Iterator[Make]:
    """Builds a caller of a small clean world, or of the world and limits that it is told."""
    made: list[Caller] = []

    def build(*, limits: Limits | None = None, thin_lists: bool = True, **world: Any) -> Caller:
        clock = Hands()
        options = {"consultants": 5, "mistakes": False} | world
        built = World.build(clock=clock, **options)
        made.append(Caller(Sandbox(built, limits=limits, thin_lists=thin_lists), clock))
        return made[-1]

    yield build
    for caller in made:
        caller.http.close()
