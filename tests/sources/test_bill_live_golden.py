"""The golden organization of BILL live: files that were written from the vendor's references."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sources import json_text
from sources.bill_live_records import STREAMS
from sources.errors import Authentication, Critical, Transient, Validation

GOLDEN = Path(__file__).parents[1] / "golden" / "bill_live"
CLASSES = {
    "400-hourly-limit": (Transient, "hour_used_up"),
    "400-invalid": (Validation, "bad_request"),
    "401-session": (Authentication, "session"),
    "403-not-trusted": (Critical, "untrusted_session"),
    "404-not-found": (Validation, "not_found"),
}


def golden(request: httpx.Request) -> httpx.Response:
    """The file that stands where the request points."""
    path = request.url.path.removeprefix("/connect/v3/")
    archived = ".archived" if "archived:eq:true" in request.url.params.get("filters", "") else ""
    file = GOLDEN / f"{path}{archived}.json"
    if file.exists():
        return httpx.Response(200, content=file.read_bytes())
    return httpx.Response(404, content=(GOLDEN / "refused" / "404-not-found.json").read_bytes())


def told(value: Any) -> Any:
    """A value without what is absent, null or not so; instants as instants."""
    if isinstance(value, dict):
        said = {key: one for key, one in value.items() if one is not None and one is not False}
        return {key: told(one) for key, one in said.items()}
    if isinstance(value, list):
        return [told(one) for one in value]
    if isinstance(value, str) and value[10:11] == "T":
        return datetime.fromisoformat(value)
    return value


@pytest.mark.parametrize("stream", STREAMS)
def test_golden_records(vendor: Any, virtually: Any, stream: str) -> None:
    """Each stream is composed into the canonical objects that were written beside it."""
    there = vendor(golden)

    async def work() -> list[Any]:
        door = there.bill_live()
        pages = [page async for page in door.pages(stream)]
        rows = [row for page in pages for row in json_text.exact(page.body)["data"]]
        thin = [row for row in rows if "served" not in row]
        whole = {row["id"]: json_text.exact(await door.one(stream, row["id"])) for row in thin}
        return [whole.get(row["id"], row) for row in rows]

    own = {"version", "served"}
    composed = [{k: v for k, v in row.items() if k not in own} for row in virtually(work)]
    expected = json_text.exact((GOLDEN / f"{stream}.expected.json").read_bytes())
    assert told(composed) == told(expected)


@pytest.mark.parametrize("refusal", sorted(path.stem for path in (GOLDEN / "refused").iterdir()))
def test_golden_refusals(vendor: Any, virtually: Any, outcome: Any, refusal: str) -> None:
    """Each refusal is classed by what is to be done, and says the vendor's words."""
    body = (GOLDEN / "refused" / f"{refusal}.json").read_bytes()
    there = vendor(lambda _: httpx.Response(int(refusal[:3]), content=body))

    async def work() -> Any:
        async for _ in there.bill_live().pages("payments"):
            pass

    error = virtually(lambda: outcome(work()))
    assert (type(error), error.code) == CLASSES[refusal]
    assert " ".join(json.loads(body)[0]["message"].split()) in error.message
