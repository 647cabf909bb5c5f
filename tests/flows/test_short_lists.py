"""A vendor that leaves rows out of a list and states how many there are hides nothing for long."""

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from sandbox import events
from tests.flows.house import House

pytestmark = pytest.mark.nights

MONTH = "2026-10"
CRAWLED = "SELECT last_full_crawl_at FROM ops.sync_state WHERE stream = 'cras'"


def test_a_row_that_was_left_out_is_asked_for_again(synced: House) -> None:
    """Two CRAs change; the older is left out of a list that states two; the next sync has it."""
    older, _, newer = [*synced.vendors.cras][-3:]
    changed = [synced.vendors.cras[older], synced.vendors.cras[newer]]
    for cra in changed:
        events.report_again(synced.vendors, cra.consultant_id, MONTH, Decimal(7))
    changed[0].updated_at -= timedelta(seconds=30)
    changed[1].updated_at += timedelta(hours=1)
    synced.waited += timedelta(hours=2)
    synced.sandbox.set_faults("boond:vanished=1")
    short = synced.run("sync", sources=["boond"], full=False)
    assert any("boond.cras: 3 rows stated, 2 served" in said for said in short.reasons)
    assert not synced.one("SELECT complete FROM ops.sync_state WHERE stream = 'cras'")
    synced.sandbox.set_faults("")
    synced.waited += timedelta(hours=2)
    synced.run("sync", sources=["boond"], full=False)
    assert synced.one("SELECT total_days FROM core.cras WHERE id = ?", older) == 7


def test_records_without_an_id_make_no_list_short(synced: House) -> None:
    """They came: they wait in quarantine, and the list need not be read from the start again."""
    inner = synced.sandbox.transport()

    def nameless(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/crm/activities"):
            return None
        said = inner.handle_request(request).json()
        said["data"] += [said["data"][-1] | {"id": f"more-{n}"} for n in range(40)]
        said["meta"]["totals"]["rows"] += 40
        for row in said["data"][:2]:
            row["id"] = " "
        return httpx.Response(200, json=said)

    synced.intercept = nameless
    before = synced.one(CRAWLED)
    synced.run("sync", sources=["boond"], full=True)
    assert synced.one("SELECT count(DISTINCT payload) FROM ops.quarantine") == 2
    assert synced.one(CRAWLED) > before
