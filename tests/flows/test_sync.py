"""How streams are read and kept (warehouse.md, Sync)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from checks import contracts
from flows.engine import pull
from flows.engine.run import Outcome, Run
from store import runs
from tests.flows.house import House

pytestmark = pytest.mark.nights

MakeHouse = Callable[..., House]
FUTURE = datetime(2099, 1, 1, tzinfo=UTC)


def _pull(house: House, *labels: str, full: bool = False) -> Run:
    """Reads single streams, and gives the run that did."""

    async def part(run: Run) -> Run:
        for label in labels:
            source, name = label.split(".")
            await pull.pull_one(run, run.doors[source], run.doors[source].streams[name], full=full)
        return run

    return house.opened(part)


def _changed(house: House, record: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(record, name, value)
    house.vendors.touch(record)


def _state(house: House, stream: str) -> dict[str, Any]:
    return house.frame(f"SELECT * FROM ops.sync_state WHERE stream = '{stream}'").to_dicts()[0]


def _first(table: dict[str, Any]) -> Any:
    return next(iter(table.values()))


def test_a_secret_in_a_record_is_masked_and_told(synced: House) -> None:
    """What is stored is not what was served, so a person hears of it, with the streams."""
    secret = "INV-20261122-1"
    synced.settings = synced.settings.model_copy(update={"BILL_COM_DEV_KEY": SecretStr(secret)})
    person = next(iter(synced.vendors.consultants.values()))
    person.last_name = f"of {secret}"
    synced.vendors.touch(person)
    synced.ticks += 7_200_000_000
    outcome = synced.run("sync", sources=["boond"], full=False)
    told = [said for said in outcome.reasons if "secrets of ours stood in its records" in said]
    assert [said.partition(":")[0] for said in told] == ["boond.consultants", "boond.cras"]
    assert secret not in " ".join(told)
    assert synced.rows("SELECT 1 FROM core.consultants WHERE last_name = 'of ***'") == [(1,)]


def test_the_cursor_never_passes_the_vendors_clock(synced: House) -> None:
    """A row dated 2099 is stored, and what changes after it is still found."""
    odd, other = list(synced.vendors.consultants.values())[:2]
    odd.updated_at = FUTURE
    _pull(synced, "boond.consultants")
    assert _state(synced, "consultants")["cursor"] <= synced.now()
    assert synced.one("SELECT updated_at FROM core.consultants WHERE id = ?", odd.id) == FUTURE
    synced.ticks += 3_600_000_000
    _changed(synced, other, first_name="Zoé")
    _pull(synced, "boond.consultants")
    assert synced.one("SELECT first_name FROM core.consultants WHERE id = ?", other.id) == "Zoé"


def test_a_full_crawl_replaces_what_the_future_kept(synced: House) -> None:
    """A row that was dated 2099 and is corrected since is replaced by the next full crawl."""
    odd = _first(synced.vendors.consultants)
    odd.updated_at = FUTURE
    _pull(synced, "boond.consultants")
    _changed(synced, odd, first_name="Zoé")
    name = "SELECT first_name FROM core.consultants WHERE id = ?"
    _pull(synced, "boond.consultants")
    assert synced.one(name, odd.id) != "Zoé"
    _pull(synced, "boond.consultants", full=True)
    assert synced.one(name, odd.id) == "Zoé"


def test_rows_of_the_overlap_change_nothing(synced: House) -> None:
    """What comes twice is read again, and makes no version and no change."""
    _changed(synced, _first(synced.vendors.clients), name="Autre")
    _pull(synced, "boond.clients")
    versions = synced.one("SELECT count(*) FROM core.history")
    counts = _pull(synced, "boond.clients").counts
    assert (counts["rows_read"], counts["rows_changed"]) == (1, 0)
    assert synced.one("SELECT count(*) FROM core.history") == versions


def test_a_row_that_was_kept_late_is_found_in_the_overlap(synced: House) -> None:
    """A vendor may show a row a minute after the instant that it bears."""
    first, late = list(synced.vendors.consultants.values())[:2]
    synced.ticks += 600_000_000
    _changed(synced, first, last_name="Premier")
    _pull(synced, "boond.consultants")
    late.last_name, late.updated_at = "Tard", first.updated_at - timedelta(minutes=1)
    _pull(synced, "boond.consultants")
    assert synced.one("SELECT last_name FROM core.consultants WHERE id = ?", late.id) == "Tard"


def test_an_older_version_never_replaces_a_newer_one(synced: House) -> None:
    """A list that lags behind takes nothing back."""
    client = _first(synced.vendors.clients)
    _changed(synced, client, name="Newer")
    _pull(synced, "boond.clients")
    client.name, client.updated_at = "Older", client.updated_at - timedelta(minutes=2)
    counts = _pull(synced, "boond.clients").counts
    assert (counts["rows_read"], counts["rows_changed"]) == (1, 0)
    assert synced.one("SELECT name FROM core.clients WHERE id = ?", client.id) == "Newer"


def test_each_change_can_be_told_before_and_after(synced: House) -> None:
    """The history keeps both versions, the first one closed when the second began."""
    client = _first(synced.vendors.clients)
    before = client.name
    _changed(synced, client, name="Après")
    _pull(synced, "boond.clients")
    versions = synced.rows(
        "SELECT version, content->>'$.name', valid_to FROM core.history"
        " WHERE table_name = 'clients' AND id = ? ORDER BY version",
        client.id,
    )
    assert [row[:2] for row in versions] == [(1, before), (2, "Après")]
    assert versions[0][2] is not None
    assert versions[1][2] is None


def test_lines_are_replaced_with_their_record(synced: House) -> None:
    """A CRA that loses a day has a day fewer in core.cra_days."""
    cra = _first(synced.vendors.cras)
    days = "SELECT count(*) FROM core.cra_days WHERE cra_id = ?"
    before = synced.one(days, cra.id)
    _changed(synced, cra, activities=cra.activities[:-1])
    _pull(synced, "boond.cras")
    assert synced.one(days, cra.id) == before - 1


# Deletions


def _forget(house: House, table: str, count: int) -> list[str]:
    rows = getattr(house.vendors, table)
    gone = list(rows)[:count]
    for id_ in gone:
        del rows[id_]
    return gone


def _deleted(house: House, table: str) -> list[str]:
    rows = house.rows(f"SELECT id FROM core.{table} WHERE deleted_at IS NOT NULL ORDER BY id")
    raw = house.rows(f"SELECT id FROM raw.boond_{table} WHERE deleted_at IS NOT NULL ORDER BY id")
    assert rows == raw
    return [row[0] for row in rows]


def test_a_deletion_is_found_by_a_full_crawl_only(synced: House) -> None:
    """An incremental pull marks nothing; a full crawl marks what the vendor answers 404 for."""
    gone = _forget(synced, "consultants", 1)
    _pull(synced, "boond.consultants")
    assert _deleted(synced, "consultants") == []
    _pull(synced, "boond.consultants", full=True)
    assert _deleted(synced, "consultants") == gone


def test_a_record_that_a_list_leaves_out_is_not_deleted(synced: House) -> None:
    """What is still served by its id stays."""
    kept = _forget_in_lists(synced)
    _pull(synced, "boond.consultants", full=True)
    assert _deleted(synced, "consultants") == []
    assert synced.sandbox.requests[f"GET /boond/api/v3/resources/{kept}"] == 1


def _forget_in_lists(house: House) -> str:
    kept = _first(house.vendors.consultants)

    def intercept(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith(f"/resources/{kept.id}"):
            house.vendors.consultants[kept.id] = kept
        elif request.url.path.endswith("/resources"):
            house.vendors.consultants.pop(kept.id, None)
        return None

    house.intercept = intercept
    return str(kept.id)


def test_an_incomplete_crawl_marks_nothing(synced: House) -> None:
    """A full crawl that ends in errors deletes nothing and says which stream failed."""
    _forget(synced, "consultants", 1)
    synced.intercept = lambda r: httpx.Response(500) if r.url.path.endswith("/resources") else None
    run = _pull(synced, "boond.consultants", full=True)
    assert _deleted(synced, "consultants") == []
    assert run.outcome().exit_code == 3
    assert _state(synced, "consultants")["complete"] is False


def test_many_records_missing_stop_the_stream(synced: House) -> None:
    """More than a tenth and more than three unseen: nothing is stored, the stream is named."""
    _forget(synced, "cras", 4)
    changed = list(synced.vendors.cras.values())[-1]
    _changed(synced, changed, status="rejected")
    run = _pull(synced, "boond.cras", full=True)
    assert run.outcome().exit_code == 1
    assert "boond.cras stopped: 4 of 6" in run.concerns[0]
    assert _deleted(synced, "cras") == []
    assert synced.one("SELECT status FROM core.cras WHERE id = ?", changed.id) != "rejected"


def test_a_record_that_comes_back_lives_again(synced: House) -> None:
    """Served again, unchanged, it is no longer marked as deleted."""
    gone = _first(synced.vendors.consultants)
    _forget(synced, "consultants", 1)
    _pull(synced, "boond.consultants", full=True)
    synced.vendors.consultants[gone.id] = gone
    _pull(synced, "boond.consultants", full=True)
    assert _deleted(synced, "consultants") == []


# Quarantine


def _quarantine(house: House) -> list[tuple[Any, ...]]:
    return house.rows(
        "SELECT id, column_name, resolved_at IS NULL FROM ops.quarantine ORDER BY column_name"
    )


def test_a_broken_row_is_quarantined_and_the_others_stored(synced: House) -> None:
    """The run ends 1, the row is kept as served with its column, its last good version stands."""
    broken, good = list(synced.vendors.consultants.values())[:2]
    name = broken.last_name
    _changed(synced, broken, last_name=None)
    _changed(synced, good, last_name="Nouveau")
    run = _pull(synced, "boond.consultants")
    assert run.outcome() == Outcome(
        1, ("boond.consultants: 1 record in quarantine",), "completed with quarantine"
    )
    assert _quarantine(synced) == [(broken.id, "last_name", True)]
    names = dict(synced.rows("SELECT id, last_name FROM core.consultants"))
    assert (names[broken.id], names[good.id]) == (name, "Nouveau")


def test_a_row_is_quarantined_once(synced: House) -> None:
    """Served again as broken as before, it is not quarantined a second time."""
    _changed(synced, _first(synced.vendors.consultants), last_name=None)
    _pull(synced, "boond.consultants")
    _pull(synced, "boond.consultants")
    assert len(_quarantine(synced)) == 1


def test_a_corrected_row_leaves_the_quarantine(synced: House) -> None:
    """Served right, it is stored, and its quarantine says when that was."""
    row = _first(synced.vendors.consultants)
    _changed(synced, row, last_name=None)
    _pull(synced, "boond.consultants")
    synced.ticks += 60_000_000
    _changed(synced, row, last_name="Juste")
    _pull(synced, "boond.consultants")
    assert _quarantine(synced) == [(row.id, "last_name", False)]
    assert synced.one("SELECT last_name FROM core.consultants WHERE id = ?", row.id) == "Juste"


def test_a_changed_vendor_stops_its_stream(synced: House) -> None:
    """Over a tenth and over three broken: nothing is stored, not the good rows either."""
    rows = list(synced.vendors.cras.values())
    for row in rows[:4]:
        _changed(synced, row, total_days=Decimal("1.23456"))
    _changed(synced, rows[-1], status="rejected")
    before = _state(synced, "cras")
    run = _pull(synced, "boond.cras")
    assert "boond.cras stopped by its checks: 4 of 6" in run.concerns[0]
    assert _quarantine(synced) == []
    assert synced.one("SELECT count(*) FROM core.cras WHERE status = 'rejected'") == 0
    assert _state(synced, "cras") == before | {"complete": False}


def test_a_stream_without_ids_stops(synced: House) -> None:
    """A key column that is missing altogether is a changed vendor, even with one row."""
    _changed(synced, _first(synced.vendors.clients), name="Sans")
    synced.intercept = lambda r: (
        httpx.Response(200, json={"data": [{"reference": "x"}], "meta": {"totals": {"rows": 1}}})
        if r.url.path.endswith("/clients")
        else None
    )
    run = _pull(synced, "boond.clients")
    assert "boond.clients stopped" in run.concerns[0]


def test_retry_quarantine_takes_what_is_accepted_now(
    synced: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that a mended contract accepts is stored as it was served; a bad one stays."""
    narrow = contracts.CORE["clients"].update_column(
        "reference", checks=[contracts.pa.Check.eq("nothing")]
    )
    client = _first(synced.vendors.clients)
    _changed(synced, client, name="Servi")
    with monkeypatch.context() as patch:
        patch.setitem(contracts.CORE, "clients", narrow)
        _pull(synced, "boond.clients")
    _changed(synced, _first(synced.vendors.consultants), last_name=None)
    _pull(synced, "boond.consultants")
    assert synced.one("SELECT name FROM core.clients WHERE id = ?", client.id) != "Servi"
    assert synced.run("retry_quarantine").state == "completed with quarantine"
    assert synced.one("SELECT name FROM core.clients WHERE id = ?", client.id) == "Servi"
    assert [row[1:] for row in _quarantine(synced)] == [("last_name", True), ("reference", False)]


@pytest.mark.parametrize("how", ["sync", "retry_quarantine"])
def test_a_record_that_is_served_again_as_it_is_stored_leaves_quarantine(
    synced: House, how: str
) -> None:
    """A vendor's fault that passes leaves nothing held: the same version as before is the cure."""
    person = _first(synced.vendors.consultants)
    before = (person.last_name, person.updated_at)
    _changed(synced, person, last_name=None)
    _pull(synced, "boond.consultants")
    person.last_name, person.updated_at = before
    if how == "sync":
        _pull(synced, "boond.consultants")
    else:
        assert synced.run(how).state == "completed"
    assert [row[1:] for row in _quarantine(synced)] == [("last_name", False)]


# Odd servers and crashes


def test_a_server_that_ignores_updated_since_is_noticed(synced: House) -> None:
    """It is recorded, the stream goes on by content, and is told again when it behaves."""
    one, other = list(synced.vendors.consultants.values())[:2]
    synced.ticks += 3_600_000_000
    _changed(synced, one, first_name="Ana")
    _pull(synced, "boond.consultants")
    synced.sandbox.set_faults("boond:ignores-filters")
    _changed(synced, other, first_name="Zoé")
    counts = _pull(synced, "boond.consultants").counts
    assert (counts["rows_read"], counts["rows_changed"]) == (3, 1)
    assert _state(synced, "consultants")["honours_updated_since"] is False
    synced.sandbox.set_faults("")
    _pull(synced, "boond.consultants")
    assert _state(synced, "consultants")["honours_updated_since"] is True


@pytest.mark.parametrize("fault", ["moving-pages", "no-meta", "flaky"])
def test_odd_manners_lose_no_row(make_house: MakeHouse, fault: str) -> None:
    """Moving pages, lists without totals and a flaky line end in the same rows."""
    house = make_house(vendors={"consultants": 120, "mistakes": False})
    house.sandbox.bill.thin_lists = False
    house.sandbox.set_faults(fault)
    _pull(house, "boond.clients", "bill.invoices")
    assert len(house.vendors.bills) > 100
    for table, known in (("bills", house.vendors.bills), ("clients", house.vendors.clients)):
        assert {row[0] for row in house.rows(f"SELECT id FROM core.{table}")} == set(known)


def test_a_crash_between_pages_stores_nothing_and_heals(make_house: MakeHouse) -> None:
    """What ends at the second page leaves no row and no cursor; the next run reads all."""
    house = make_house(vendors={"consultants": 120, "mistakes": False})
    house.sandbox.bill.thin_lists = False

    def crash(request: httpx.Request) -> None:
        if "page" in request.url.params:
            raise KeyboardInterrupt

    house.intercept = crash
    with pytest.raises(KeyboardInterrupt):
        _pull(house, "bill.invoices")
    assert house.one("SELECT count(*) FROM core.bills") == 0
    assert house.one("SELECT count(*) FROM ops.sync_state") == 0
    house.intercept = None
    _pull(house, "bill.invoices")
    assert house.one("SELECT count(*) FROM core.bills") == len(house.vendors.bills)


@pytest.mark.parametrize("place", ["record_sync", "count"])
def test_rows_and_cursor_move_together(
    synced: House, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A crash before or after the cursor is kept takes back the rows and the cursor."""
    old, new = list(synced.vendors.consultants.values())[:2]
    _changed(synced, old, last_name="Demi")
    synced.ticks += 600_000_000
    _changed(synced, new, last_name="Plein")

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs, place, crash)
        with pytest.raises(KeyboardInterrupt):
            _pull(synced, "boond.consultants")
    changed = "SELECT count(*) FROM core.consultants WHERE last_name IN ('Demi', 'Plein')"
    assert synced.one(changed) == 0
    _pull(synced, "boond.consultants")
    assert synced.one(changed) == 2


def test_one_failing_stream_stops_no_other(synced: House) -> None:
    """The others are read, the exit code is 3, and the message names vendor and stream."""
    synced.intercept = lambda r: httpx.Response(500) if r.url.path.endswith("/resources") else None
    _changed(synced, _first(synced.vendors.clients), name="Lu")
    outcome = synced.run("sync", sources=["boond", "bill"], full=True)
    assert outcome.exit_code == 3
    assert "boond.consultants: boond: GET /resources" in outcome.reasons[0]
    assert synced.one("SELECT count(*) FROM core.clients WHERE name = 'Lu'") == 1
    assert _state(synced, "clients")["complete"]


# Requests


def _asked(house: House, start: str) -> int:
    return sum(count for name, count in house.sandbox.requests.items() if name.startswith(start))


def test_the_details_of_a_thin_bill_are_fetched_once_a_version(make_house: MakeHouse) -> None:
    """A bill listed without lines is asked for when it is new or changed, or all are anew."""
    house = make_house(vendors={"consultants": 8, "mistakes": False})
    one = "GET /bill/v3/invoices/"
    _pull(house, "bill.invoices")
    thin = _asked(house, one)
    assert 0 < thin < len(house.vendors.bills)
    assert house.one("SELECT count(DISTINCT bill_id) FROM core.bill_lines") == len(
        house.vendors.bills
    )
    _pull(house, "bill.invoices")
    assert _asked(house, one) == thin
    house.ticks += 60_000_000
    asked = [n.removeprefix(one) for n in house.sandbox.requests if n.startswith(one)]
    bill = house.vendors.bills[asked[0]]
    _changed(house, bill, description="autre")
    _pull(house, "bill.invoices")
    assert _asked(house, one) == thin + 1
    assert house.one("SELECT description FROM core.bills WHERE id = ?", bill.id) == "autre"
    _pull(house, "bill.invoices", full=True)
    assert _asked(house, one) == 2 * thin + 1


def test_payments_are_asked_for_only_where_there_may_be_some(make_house: MakeHouse) -> None:
    """One request a bill that is paid or partly paid, and none again while it stands."""
    house = make_house(vendors={"consultants": 40})
    _pull(house, "bill.invoices", "bill.payments")
    asked = {n.split("/")[-2] for n in house.sandbox.requests if n.endswith("/payments")}
    assert asked == {p.bill_id for p in house.vendors.payments.values()}
    assert house.one("SELECT count(*) FROM core.payments") == len(house.vendors.payments)
    house.sandbox.requests.clear()
    house.ticks += 60_000_000
    _changed(house, _first(house.vendors.clients), name="x")
    _pull(house, "bill.invoices")
    assert not [name for name in house.sandbox.requests if name.endswith("/payments")]


def test_freshness_spares_requests(synced: House) -> None:
    """An hourly sync a minute later asks for CRAs and bills, and for nothing that is fresh."""
    synced.run("sync", sources=["boond", "bill"], full=False)
    reads = {name for name in synced.sandbox.requests if name.startswith("GET")}
    assert reads == {"GET /boond/api/v3/crm/activities", "GET /bill/v3/invoices"}
    synced.ticks += 31 * 60_000_000
    synced.run("sync", sources=["boond"], full=False)
    assert synced.sandbox.requests["GET /boond/api/v3/clients/contracts"] == 1
    assert "GET /boond/api/v3/resources" not in synced.sandbox.requests


def test_a_full_sync_spares_nothing(synced: House) -> None:
    """`sync boond --full` reads every stream of BoondManager, and none of Bill.com."""
    synced.run("sync", sources=["boond"], full=True)
    reads = [name for name in synced.sandbox.requests if name.startswith("GET")]
    assert len(reads) == 8
    assert not [name for name in reads if "/bill/" in name]


def test_every_call_is_in_the_audit(synced: House) -> None:
    """What the vendors were asked in a run is what ops.api_calls has of it, without secrets."""
    run = _pull(synced, "boond.cras", "bill.invoices")
    calls = synced.rows(
        "SELECT method || ' ' || path FROM ops.api_calls WHERE run_id = ?", run.run_id
    )
    assert sorted(row[0] for row in calls) == sorted(synced.sandbox.requests.elements())
    assert synced.one("SELECT requests FROM ops.runs WHERE run_id = ?", run.run_id) == len(calls)


# Exactness


def test_amounts_are_stored_to_the_last_digit(synced: House) -> None:
    """Fourteen digits and four decimals come through as they were written."""
    contract = _first(synced.vendors.contracts)
    exact = Decimal("12345678901234.5678")
    contract.rates[0].daily_rate = exact
    _changed(synced, contract)
    _pull(synced, "boond.contracts")
    rates = "SELECT daily_rate FROM core.contract_rates WHERE contract_id = ? AND line_no = 1"
    assert synced.one(rates, contract.id) == exact


def test_a_fifth_decimal_is_refused_not_rounded(synced: House) -> None:
    """A rate finer than four decimals is quarantined, and the stored one stands."""
    contract = _first(synced.vendors.contracts)
    before = contract.rates[0].daily_rate
    contract.rates[0].daily_rate = Decimal("450.00001")
    _changed(synced, contract)
    _pull(synced, "boond.contracts")
    assert _quarantine(synced) == [(contract.id, "daily_rate", True)]
    rates = "SELECT daily_rate FROM core.contract_rates WHERE contract_id = ? AND line_no = 1"
    assert synced.one(rates, contract.id) == before


def test_absent_is_not_zero(synced: House) -> None:
    """What the vendor leaves out is null, and named where the table says so."""
    bill = _first(synced.vendors.bills)
    _changed(synced, bill, currency=None, approval=None)
    _pull(synced, "bill.invoices")
    [row] = synced.rows(
        "SELECT currency, approval_status, incomplete_fields FROM core.bills WHERE id = ?", bill.id
    )
    assert row[:2] == (None, None)
    assert {"currency", "approval_status"} <= set(row[2])


# Declarations


def test_a_declaration_file_is_read_once(synced: House) -> None:
    """The same content is not read again, under another name neither; new content is."""
    folder = synced.settings.DECLARATIONS_DIR
    [file] = folder.glob("*.csv")
    (folder / "again.csv").write_bytes(file.read_bytes())
    assert synced.run("sync", sources=["declarations"], full=False).exit_code == 0
    assert synced.one("SELECT count(*) FROM core.declarations") == 1
    (folder / "more.csv").write_text("client,consultant,period,days\nX,Jean Dupont,2026-10,2.5\n")
    synced.run("sync", sources=["declarations"], full=False)
    days = "SELECT days FROM core.declaration_lines WHERE consultant = 'Jean Dupont'"
    assert synced.one(days) == Decimal("2.5")


def test_an_unreadable_line_is_said_and_the_others_kept(synced: House) -> None:
    """The run ends 1 and names the file; the readable line is stored."""
    file = synced.settings.DECLARATIONS_DIR / "odd.csv"
    file.write_text("client,consultant,period,days\nX,Jean Dupont,2026-10,2.5\nX,A B,2026-10,??\n")
    outcome = synced.run("sync", sources=["declarations"], full=False)
    assert outcome.exit_code == 1
    assert "odd.csv: 1 line could not be read" in outcome.reasons[0]
    rows = synced.rows(
        "SELECT days, problem IS NULL FROM core.declaration_lines WHERE client = 'X'"
    )
    assert sorted(rows, key=str) == [(Decimal("2.5000"), True), (None, False)]
