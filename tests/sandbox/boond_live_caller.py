"""Writes to the live BoondManager of one world."""

import json
from decimal import Decimal
from typing import Any

import httpx

from sandbox.boond_live import BoondLive
from sandbox.boond_live_wire import signed
from sandbox.wire import text_of
from sandbox.world import World

TOKENS = {"userToken": "sandbox-user-token", "clientToken": "sandbox-client-token"}
PROOF = {"X-Jwt-Client-BoondManager": signed(TOKENS, "sandbox-client-key")}
STRICT = {"X-Debug-Boondmanager": "true"}


class Caller:
    """Calls the live API; says, unless told otherwise, that nothing is to be dropped silently."""

    def __init__(self, **world: Any) -> None:
        options = {"consultants": 5, "mistakes": False, "portable": True} | world
        self.world = World.build(**options)
        self.boond = BoondLive(self.world)

    def call(
        self, method: str, path: str, body: Any = None, *, strict: bool = True, **query: str
    ) -> httpx.Response:
        """Calls with a token that is good."""
        request = httpx.Request(
            method,
            f"http://sandbox/boond/api{path}",
            params=query,
            headers=PROOF | (STRICT if strict else {}),
            content=b"" if body is None else text_of(body).encode(),
        )
        return self.boond(request, f"/api{path}")

    def said(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The body of an answer that must be a good one."""
        response = self.call(method, path, body, **options)
        assert response.status_code == 200, response.text
        return json.loads(response.content, parse_float=Decimal, parse_int=Decimal)

    def refused(self, method: str, path: str, body: Any = None, **options: Any) -> list[str]:
        """What a refusal says, `code at parameter` a problem, its status before them all."""
        response = self.call(method, path, body, **options)
        assert response.status_code >= 400, response.text
        problems = response.json()["errors"]
        about = [p.get("source", {}).get("parameter", p.get("title")) for p in problems]
        said = [f"{p['code']} at {at}" for p, at in zip(problems, about, strict=True)]
        return [str(response.status_code), *said]

    def kinds(self) -> list[str]:
        """The kinds of what was written, in order."""
        return [write["kind"] for write in self.world.writes]
