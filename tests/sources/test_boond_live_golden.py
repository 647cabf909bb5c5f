"""The golden tenant of BoondManager live: files that were written from the vendor's references."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from sources.boond_live.streams import STREAMS
from sources.errors import Authentication, Critical, SourceError, Validation
from tests.sources.boond_live_tenant import GOLDEN, Tenant, golden_file, records_of

_OWN = {"version", "served"}
_CLASSES = {"401": Authentication, "403": Critical, "404": Validation, "422": Validation}


def _told(value: Any) -> Any:
    """A value without what is absent, null or not so; instants as instants."""
    if isinstance(value, dict):
        said = {key: one for key, one in value.items() if one is not None and one is not False}
        return {key: _told(one) for key, one in said.items()}
    if isinstance(value, list):
        return [_told(one) for one in value]
    if isinstance(value, str) and value[10:11] == "T":
        return datetime.fromisoformat(value)
    return value


@pytest.mark.parametrize("stream", STREAMS)
async def test_golden_records(stream: str) -> None:
    """Each stream is composed into the canonical objects that were written beside it."""
    records = await records_of(Tenant.golden().door(), stream)
    composed = [{k: v for k, v in record.items() if k not in _OWN} for record in records]
    assert _told(composed) == _told(golden_file(f"{stream}.expected.json"))


@pytest.mark.parametrize("refusal", sorted(path.stem for path in (GOLDEN / "refused").iterdir()))
async def test_golden_refusals(refusal: str) -> None:
    """Each refusal is classed by what is to be done, and says it."""
    tenant = Tenant.golden()
    door = tenant.door()
    await door.login()
    body = (GOLDEN / "refused" / f"{refusal}.json").read_bytes()
    tenant.holds["/resources"] = httpx.Response(int(refusal[:3]), content=body)
    with pytest.raises(SourceError) as raised:
        await records_of(door, "consultants")
    wanted = Authentication if "signature" in refusal else _CLASSES[refusal[:3]]
    assert (type(raised.value), raised.value.status) == (wanted, int(refusal[:3]))
