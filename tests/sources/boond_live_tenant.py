"""A tenant of BoondManager live at the transport: what stands at a path, and what was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from sources import json_text
from sources.boond_live.door import BoondLive
from sources.wiring import Wiring

GOLDEN = Path(__file__).parent.parent / "golden" / "boond_live"
NOW = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)
KEYS = {
    "user_token": "user-token-4411",
    "client_token": "client-token-9120",
    "client_key": "client-key-7733",
}


@dataclass
class Tenant:
    """Answers a path with what stands there: a list, an object, or a whole response."""

    holds: dict[str, Any] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    totals: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def golden(cls) -> "Tenant":
        """The tenant that `tests/golden/boond_live` tells."""
        files = [file for file in GOLDEN.rglob("*.json") if not file.match("*.expected.json")]
        held = {f"/{file.relative_to(GOLDEN).with_suffix('')}": file.read_text() for file in files}
        return cls({path: httpx.Response(200, text=text) for path, text in held.items()})

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What stands at the path; lists are cut into the pages that are asked for."""
        self.requests.append(request)
        path = request.url.path.removeprefix("/api")
        held = DICTIONARY if path == "/application/dictionary" else None
        held = self.holds.get(path, held)
        if isinstance(held, httpx.Response):
            return httpx.Response(held.status_code, headers=held.headers, content=held.content)
        if held is None:
            return httpx.Response(404, json={"errors": [{"detail": f"HTTP 404 (GET {path})"}]})
        body = self._page(path, held, request) if isinstance(held, list) else held
        return httpx.Response(200, content=json_text.encode(body))

    def _page(self, path: str, rows: list[Any], request: httpx.Request) -> dict[str, Any]:
        size, number = int(request.url.params["maxResults"]), int(request.url.params["page"])
        shown = rows[(number - 1) * size : number * size]
        meta = {"totals": {"rows": self.totals.get(path, len(rows))}}
        included = [other for row in shown for other in row.get("_included", ())]
        return {"meta": meta, "data": shown, "included": included}

    def door(self, *, retry_base: float = 0.0, **changes: Any) -> BoondLive:
        """A door to it."""
        wiring = Wiring(
            now=lambda: NOW,
            transport=httpx.MockTransport(self.answer),
            retry_base=retry_base,
            requests_per_minute=100_000,
            burst_per_second=100_000,
        )
        given = {"base_url": "https://boond.test/api", "states": {}, **KEYS, **changes}
        return BoondLive(wiring, today=lambda: date(2026, 11, 3), **given)

    def asked(self, path: str) -> list[httpx.Request]:
        """The requests for a path."""
        return [one for one in self.requests if one.url.path == f"/api{path}"]


def entries(**words: int) -> list[dict[str, Any]]:
    """A part of the dictionary; `_` in a label is a space."""
    return [{"id": number, "value": word.replace("_", " ")} for word, number in words.items()]


DICTIONARY = {
    "data": {
        "setting": {
            "state": {
                "company": entries(Prospect=0, Client=1, Archivé=8, Fournisseur=9),
                "project": entries(Archivé=0, En_cours=1),
                "delivery": entries(Signée=0, Prévisionnelle=1),
                "purchase": entries(Validé=1, Planifié=9),
            },
            "typeOf": {"resource": entries(Interne=0, Externe=1)},
            "currency": entries(EUR=0),
        }
    }
}


def thing(kind: str, id_: str, /, _to: Mapping[str, Any] | None = None, **attributes: Any) -> Any:
    """A JSON:API object; a relation is (type, id)."""
    related = {
        name: {"data": {"type": target[0], "id": target[1]}} if target else None
        for name, target in (_to or {}).items()
    }
    return {"type": kind, "id": id_, "attributes": attributes, "relationships": related}


def document(data: Any, *included: Any) -> dict[str, Any]:
    """A document of one object."""
    return {"meta": {}, "data": data, "included": list(included)}


async def rows_of(door: BoondLive, stream: str, **asked: Any) -> list[dict[str, Any]]:
    """The rows of all pages of a stream."""
    return [
        row
        async for page in door.pages(stream, **asked)
        for row in json_text.exact(page.body)["data"]
    ]


async def records_of(door: BoondLive, stream: str, **asked: Any) -> list[dict[str, Any]]:
    """The whole records of a stream: what is thin is asked for by id."""
    found = []
    for row in await rows_of(door, stream, **asked):
        one = None if "served" in row else await door.one(stream, row["id"])
        found.append(row if one is None else json_text.exact(one))
    return found


def golden_file(name: str) -> Any:
    """What a file of the golden tenant holds."""
    return json.loads((GOLDEN / name).read_text(), parse_float=Decimal)
