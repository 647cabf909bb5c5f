"""A whole night over the sandbox's month with its planted mistakes."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flows.engine.run import Outcome
from sandbox.planted import Planted
from tests.flows.conftest import later
from tests.flows.house import House

pytestmark = pytest.mark.nights


class Nights(NamedTuple):
    """A night that only plans, one that sends, and one that finds nothing to do."""

    house: House
    dry: list[dict[str, Any]]
    applied: Outcome
    again: Outcome
    written: int
    requests_again: dict[str, int]


@pytest.fixture(scope="module")
def nights(dry_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """The default world, looked at, written back, and looked at again."""
    house = later(House(tmp_path_factory.mktemp("nights"), template=dry_night))
    dry = _rows(house)
    applied = house.nightly(apply=True)
    written = len(house.vendors.writes)
    house.sandbox.requests.clear()
    again = house.nightly(apply=True)
    return Nights(house, dry, applied, again, written, dict(house.sandbox.requests))


def _rows(house: House) -> list[dict[str, Any]]:
    return [
        *house.frame("SELECT *, 'clients' AS side FROM recon.cra_matches").to_dicts(),
        *house.frame("SELECT *, status AS outcome, 'suppliers' AS side FROM recon.po_matches")
        .to_dicts(),
    ]  # fmt: skip


def _is_about(row: dict[str, Any], said: Planted) -> bool:
    if said.side != row["side"]:
        return False
    if said.side == "suppliers":
        return (row["bill_id"], row["bill_line"]) == (said.bill_id, said.line)
    if (row["period"], row["client_id"]) != (said.period, said.client_id):
        return False
    if row["consultant_id"] == "unknown":
        return bool(row["declared_name"] == said.declared_name)
    return bool(row["consultant_id"] == said.consultant_id)


def _is_right(row: dict[str, Any], said: Planted) -> bool:
    return (row["outcome"], set(row["holds"])) == (said.outcome, set(said.holds))


def test_every_planted_mistake_is_found(nights: Nights) -> None:
    """Each mistake has one row with its outcome and its holds, and no hold that it may not have."""
    planted = [said for said in nights.house.vendors.planted if not said.by_mail]
    found = {
        (said.code, said.side, said.consultant_id, said.bill_id, said.line): [
            _is_right(row, said) for row in nights.dry if _is_about(row, said)
        ].count(True)
        for said in planted
    }
    assert len(planted) > 40
    assert {key for key, count in found.items() if count != 1} == set()


def test_nothing_else_is_held(nights: Nights) -> None:
    """No row that nobody spoilt differs, waits or carries a hold."""
    planted = [said for said in nights.house.vendors.planted if not said.by_mail]
    spoilt = {said.bill_id for said in planted if said.side == "suppliers"}
    loud = [
        (row["side"], row["break_id"], row["outcome"], row["holds"])
        for row in nights.dry
        if (row["outcome"] != "matched" or row["holds"])
        and row.get("bill_id") not in spoilt
        and not any(_is_about(row, said) for said in planted if said.side == "clients")
    ]
    assert loud == []


def test_the_planted_days_and_euros_are_those_of_the_rows(nights: Nights) -> None:
    """Declared days, CRA days and the difference in money are the world's own figures."""
    for said in nights.house.vendors.planted:
        if said.side != "clients" or said.outcome not in {"over_reported", "under_reported"}:
            continue
        [row] = [row for row in nights.dry if _is_about(row, said)]
        figures = (row["declared_days"], row["cra_days"], row["difference_amount"])
        assert figures == (said.declared_days, said.cra_days, said.amount)


def test_partial_and_unproven_euros_are_those_of_the_world(nights: Nights) -> None:
    """What is proven of a partial bill, and what is to be claimed back, are exact."""
    planted = {said.code: said for said in nights.house.vendors.planted}
    [partial] = [row for row in nights.dry if _is_about(row, planted["PARTIAL"])]
    claim = nights.house.one(
        "SELECT sum(amount_at_stake) FROM recon.holds WHERE code = 'PAID_UNPROVEN'"
    )
    assert partial["accepted_amount"] == planted["PARTIAL"].amount
    assert claim == planted["PAID_UNPROVEN"].amount


def test_the_invoices_are_the_expected_ones_to_the_cent(nights: Nights) -> None:
    """BoondManager holds one draft a reference, with the days and the total of the truth."""
    vendors = nights.house.vendors
    made = {write["id"] for write in vendors.writes if write["kind"] == "client_invoices.create"}
    created = [vendors.client_invoices[id_] for id_ in sorted(made)]
    found = {
        i.reference: (
            i.client_id,
            i.contract_id,
            i.net,
            {line.description.rsplit(" · ", 1)[1]: line.quantity for line in i.lines},
        )
        for i in created
    }
    assert len(found) == len(created)
    assert found == {
        i.reference: (i.client_id, i.contract_id, i.total_excl_tax, i.days)
        for i in vendors.expected_invoices
    }


def _released(house: House) -> set[str]:
    """Bills that waited for a receipt which this night's own validation has given."""
    validated = {target for (target,) in house.rows(
        "SELECT target FROM ops.outbox WHERE kind = 'boond.cra.validate' AND state = 'done'"
    )}  # fmt: skip
    return {
        str(said.bill_id)
        for said in house.vendors.planted
        if said.code == "PENDING_RECEIPT" and said.cra_id in validated
    }


def test_the_bills_flagged_are_those_that_nothing_speaks_against(nights: Nights) -> None:
    """Flagged at BoondManager: the truth's, and what a CRA validated tonight has released."""
    vendors = nights.house.vendors
    numbers = {vendors.bills[bill_id].number for bill_id in _released(nights.house)}
    numbers |= {bill.invoice_number for bill in vendors.expected_paid_bills}
    flagged = [i.reference for i in vendors.supplier_invoices.values() if i.status != "registered"]
    assert sorted(flagged) == sorted(numbers)


def test_the_bills_registered_are_the_expected_ones_once_each(nights: Nights) -> None:
    """Registered at BoondManager: the truth's and what was released, for the bill's own sum."""
    vendors = nights.house.vendors
    ids = {*vendors.expected_registered_bills, *_released(nights.house)}
    held = [(i.reference, i.net) for i in vendors.supplier_invoices.values()]
    wanted = [(vendors.bills[bill_id].number, vendors.bills[bill_id].amount) for bill_id in ids]
    assert sorted(held) == sorted(wanted)


def test_a_second_night_writes_and_plans_nothing(nights: Nights) -> None:
    """Without new facts nothing is sent, planned, decided or seen as a new break."""
    house = nights.house
    assert len(house.vendors.writes) == nights.written
    last = house.rows(
        "SELECT rows_changed, commands_planned, commands_done, run_id FROM ops.runs"
        " ORDER BY started_at DESC LIMIT 1"
    )
    [(changed, planned, done, run_id)] = last
    assert (changed, planned, done) == (0, 0, 0)
    since = "(SELECT started_at FROM ops.runs WHERE run_id = ?)"
    assert (
        house.one(f"SELECT count(*) FROM recon.decisions WHERE decided_at > {since}", run_id) == 0
    )
    assert (
        house.one(f"SELECT count(*) FROM recon.breaks WHERE first_seen_at > {since}", run_id) == 0
    )


def test_an_unchanged_night_asks_once_a_stream(nights: Nights) -> None:
    """Two logins, and one request for each stream; payments and details need none."""
    assert set(nights.requests_again.values()) == {1}
    assert len(nights.requests_again) == 2 + 10


def test_a_month_with_a_missing_entry_ends_with_1(nights: Nights) -> None:
    """A hold of severity critical is said, and is the exit code."""
    assert nights.applied.exit_code == nights.again.exit_code == 1
    assert "MISSING_ENTRY" in nights.applied.reasons[0]


def test_the_views_tie_to_their_tables(nights: Nights) -> None:
    """The month's summary adds up to the rows, and exposure to what was invoiced."""
    house = nights.house
    assert house.one("SELECT sum(rows)::BIGINT FROM recon.v_month_summary") == len(_rows(house))
    assert house.one("SELECT sum(invoiced) FROM recon.v_supplier_exposure") == house.one(
        "SELECT sum(invoiced_amount) FROM recon.po_matches"
    )
    assert house.one("SELECT sum(rows)::BIGINT FROM recon.v_auto_match_rate") == len(_rows(house))


def test_what_was_billed_is_in_the_ledger(nights: Nights) -> None:
    """The ledger of our references adds up to the invoices that BoondManager holds."""
    vendors = nights.house.vendors
    ours = {i.reference: i.net for i in vendors.client_invoices.values() if "RAP-" in i.reference}
    ledger = dict(
        nights.house.rows("SELECT reference, sum(amount) FROM recon.billing_ledger GROUP BY 1")
    )
    assert {reference: ledger.get(reference) for reference in ours} == ours


def test_every_money_break_has_an_owner_and_largest_first(nights: Nights) -> None:
    """Open breaks name who acts, and are read by the euros at stake."""
    rows = nights.house.rows("SELECT owner, amount_at_stake FROM recon.v_open_breaks")
    amounts = [amount for _, amount in rows if amount is not None]
    assert all(owner for owner, _ in rows)
    assert amounts == sorted(amounts, reverse=True)
