"""The sandbox's world is seeded, believable, and knows its own mistakes."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz.fuzz import token_sort_ratio

from sandbox.months import bounds, business_days, easter, holidays, shifted
from sandbox.trading import plain
from sandbox.wire import text_of
from sandbox.world import World

Make = Callable[..., Any]
CLIENT_SIDE = {
    "over_reported",
    "under_reported",
    "missing_cra",
    "missing_entry",
    "undeclared",
    "CRA_NOT_SUBMITTED",
    "VALIDATED_CRA_DIFFERS",
    "CRA_TOTAL_INCONSISTENT",
    "CLIENT_UNKNOWN",
    "NAME_AMBIGUOUS",
    "RATE_MISSING",
    "RATE_AMBIGUOUS",
    "CONTRACT_NOT_ACTIVE",
    "CONTRACT_AMBIGUOUS",
    "ALREADY_INVOICED",
    "GAP_TOO_LARGE",
    "TAX_RATE_MISSING",
    "SWAP",
    "FUZZY_NAME",
    "SPANNING_CRA",
    "CORRECTION",
}
SUPPLIER_SIDE = {
    "PARTIAL",
    "PENDING_RECEIPT",
    "PRICE",
    "PO_MISSING",
    "PO_AMBIGUOUS",
    "LINE_UNMATCHED",
    "LINES_MISSING",
    "QTY_ORDERED",
    "LINE_TOTAL",
    "TOTAL",
    "CURRENCY",
    "DATE",
    "PO_STATUS",
    "SUPPLIER_MISMATCH",
    "SUPPLIER_UNKNOWN",
    "SUPPLIER_UNCONFIRMED",
    "DUPLICATE",
    "NOT_APPROVED",
    "PAID_UNPROVEN",
    "RECEIPT_UNKNOWN",
    "CREDIT_NOTE",
    "ADOPTED",
    "PAID_BEFORE",
}


@pytest.fixture(scope="module")
def planted() -> World:
    """The default world; tests only read it."""
    return World.build()


def planted_as(world: World, code: str) -> Any:
    """The first planted entry of a code."""
    return next(p for p in world.planted if p.code == code)


def everything(caller: Any) -> str:
    """Most of the world, as the wires tell it."""
    paths = ("/resources", "/clients/contracts", "/crm/activities", "/purchases/orders")
    rows = [caller.boond_rows(path, maxResults=500) for path in paths]
    return text_of([*rows, caller.bill_rows("/v3/invoices", max=100)])


def test_the_same_seed_builds_the_same_world(make: Make) -> None:
    """One seed tells one story on the wire and in the files, another seed another."""
    first, again, other = (make(consultants=40, mistakes=True, seed=s) for s in (1, 1, 2))
    assert everything(first) == everything(again) != everything(other)
    assert first.world.declaration_files == again.world.declaration_files


def test_a_large_world_builds_fast() -> None:
    """Two thousand consultants take a few seconds, and no name comes twice in any order."""
    began = time.perf_counter()
    world = World.build(consultants=2000)
    assert time.perf_counter() - began < 5
    names = {" ".join(sorted(plain(c.name).lower().split())) for c in world.consultants.values()}
    assert (len(world.consultants), len(names)) == (2000, 2000)


def test_a_small_world_is_clean() -> None:
    """Without mistakes everything declared is invoiced and every unpaid bill may be paid."""
    world = World.build(consultants=5, mistakes=False)
    assert (world.planted, world.unbilled, world.mail_clients) == ([], {}, [])
    assert len(world.expected_invoices) == len(world.contracts)
    assert len(world.expected_paid_bills) == len(world.bills)


@pytest.mark.parametrize(
    "options",
    [
        {"consultants": 39},
        {"consultants": 0, "mistakes": False},
        {"month": "2026-11"},
    ],
)
def test_worlds_that_cannot_be(options: dict[str, Any]) -> None:
    """Too few people for the mistakes, or a month that has not ended, is refused."""
    with pytest.raises(ValueError, match=r"consultants|month"):
        World.build(**options)


@pytest.mark.parametrize("month", ["2026-01", "2026-03", "2026-05", "2026-08", "2024-02"])
def test_any_month_can_be_the_month_of_interest(month: str) -> None:
    """The mistakes fit into any month, be it short or at a quarter's end."""
    as_of = bounds(shifted(month, 1))[0].replace(day=4)
    world = World.build(month=month, as_of=as_of, seed=3)
    assert {p.code for p in world.planted if not p.code.startswith("WAIT")} > CLIENT_SIDE
    assert all(bill.dated <= as_of for bill in world.bills.values())


def test_cras_know_the_french_calendar() -> None:
    """No activity falls on a weekend or a public holiday."""
    world = World.build(month="2026-05", as_of=date(2026, 6, 3), mistakes=False)
    worked = {a.day for cra in world.cras.values() for a in cra.activities}
    assert worked == {*business_days("2026-04"), *business_days("2026-05")}
    assert easter(2026) == date(2026, 4, 5)
    assert easter(2049) == date(2049, 4, 18)
    assert {date(2026, 5, day) for day in (1, 8, 14, 25)} < holidays(2026)


def test_every_mistake_is_planted(planted: World) -> None:
    """Every outcome and hold that CSV and the wires can reach stands in the list."""
    by_side = {
        side: {p.code for p in planted.planted if p.side == side}
        for side in ("clients", "suppliers")
    }
    assert by_side["clients"] >= CLIENT_SIDE
    assert by_side["suppliers"] >= SUPPLIER_SIDE


def test_most_of_the_world_is_clean(planted: World) -> None:
    """Most clients and most bills carry nothing that stops them."""
    stopped = {p.bill_id for p in planted.planted if p.outcome in {"review", "partial"}}
    clean = [bill for bill in planted.bills if bill not in stopped]
    assert len(clean) > len(planted.bills) / 2
    assert len({i.client_id for i in planted.expected_invoices}) > len(planted.clients) / 2
    assert len(planted.expected_paid_bills) >= 15


def test_planted_records_exist(planted: World) -> None:
    """What the list points at is in the books, and no bill is both planted to wait and paid."""
    for note in planted.planted:
        assert note.consultant_id is None or note.consultant_id in planted.consultants
        assert note.cra_id is None or note.cra_id in planted.cras
        assert note.bill_id is None or note.bill_id in planted.bills
        assert note.contract_id is None or note.contract_id in planted.contracts
    paid = {bill.bill_id for bill in planted.expected_paid_bills}
    assert not paid & {p.bill_id for p in planted.planted if p.outcome != "matched"}
    assert paid < set(planted.expected_registered_bills) < set(planted.bills)


def test_names_are_as_alike_as_planted(planted: World) -> None:
    """The misspelt name is one person's, the torn one two people's, the unknown nobody's."""
    names = [plain(c.name).lower() for c in planted.consultants.values()]

    def best(code: str) -> list[float]:
        said = plain(planted_as(planted, code).declared_name).lower()
        return sorted((token_sort_ratio(said, name) for name in names), reverse=True)[:2]

    first, second = best("FUZZY_NAME")
    assert first >= 92
    assert first - second >= 5
    first, second = best("NAME_AMBIGUOUS")
    assert first >= 92
    assert first - second < 5
    assert best("missing_entry")[0] < 80


def test_gaps_are_what_the_list_says(planted: World) -> None:
    """Days of both sides are those of the books, and only one gap is a large one."""
    first, last = bounds(planted.scope.month)
    for note in planted.planted:
        if note.cra_id and note.side == "clients":
            assert note.cra_days == planted.cras[note.cra_id].production_days(first, last)
    wide = [
        p.code
        for p in planted.planted
        if p.side == "clients"
        and p.declared_days
        and p.cra_days is not None
        and abs(p.declared_days - p.cra_days) > 2
    ]
    assert wide == ["GAP_TOO_LARGE"]


def test_expected_invoices_add_up(planted: World) -> None:
    """Totals are days × rate, rounded half up a line; a correction bills only the rest."""
    for invoice in planted.expected_invoices:
        lines = (
            (days * planted.missions[who].sale_rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
            for who, days in invoice.days.items()
        )
        assert invoice.total_excl_tax == sum(lines)
    corrected = [i for i in planted.expected_invoices if i.reference.endswith("-2")]
    assert [list(i.days.values()) for i in corrected] == [[Decimal(3)]]


def test_bills_are_proven_by_orders_and_reports(planted: World) -> None:
    """Each payable bill asks for the days reported at the ordered price, and adds up."""
    lines = {line.consultant_name: line for o in planted.orders.values() for line in o.lines}
    for expected in planted.expected_paid_bills:
        bill = planted.bills[expected.bill_id]
        for line in bill.lines:
            name, _, month = line.description.partition(" - ")
            ordered = lines[name]
            cra = planted.cra_of(str(ordered.consultant_id), month)
            assert (line.unit_price, cra.status) == (ordered.daily_rate, "validated")
            assert line.quantity == cra.production_days(*bounds(month))
            assert line.amount == (line.quantity or 0) * ordered.daily_rate
        assert bill.amount == sum(line.amount for line in bill.lines)


def test_only_the_duplicate_looks_like_one(planted: World) -> None:
    """No two other bills share vendor, date and amount."""
    seen = Counter((b.vendor_id, b.dated, b.amount) for b in planted.bills.values())
    twin = planted.bills[str(planted_as(planted, "DUPLICATE").bill_id)]
    assert {key for key, n in seen.items() if n > 1} == {(twin.vendor_id, twin.dated, twin.amount)}


def test_declarations_of_several_manners(planted: World, tmp_path: Path) -> None:
    """One client sends mails, one a workbook, the others CSV, one as French Excel writes."""
    planted.write_declarations(tmp_path)
    csv = [path.read_bytes() for path in sorted(tmp_path.glob("*.csv"))]
    assert len(csv) == len(planted.clients) - 1
    assert [path.read_bytes()[:2] for path in tmp_path.glob("*.xlsx")] == [b"PK"]
    assert sum(content.startswith(b"\xef\xbb\xbfclient;") for content in csv) >= 1
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted((tmp_path / "mails").glob("*.eml"))
    ]
    texts = [mail.get_body(("plain",)).get_content() for mail in mails]
    assert "<table" in mails[0].get_body(("html",)).get_content()
    assert [" jours" in text for text in texts] == [False, True, True]
    assert "\u202f" in texts[0]
    assert all(mail["Date"].datetime.tzinfo for mail in mails)


def test_days_bring_changes(make: Make) -> None:
    """A day submits a draft, corrects an invalidated CRA, validates a receipt, brings a bill."""
    caller = make(consultants=40, mistakes=True)
    world = caller.world
    over, draft, pending = (
        world.cras[planted_as(world, code).cra_id]
        for code in ("over_reported", "CRA_NOT_SUBMITTED", "PENDING_RECEIPT")
    )
    caller.boond("PUT", f"/crm/activities/{over.id}", json={"status": "invalidated"})
    since, bills = world.now(), len(world.bills)

    reply = caller.http.post("/_sandbox/advance", json={"days": 1})

    assert len(reply.json()["happened"]) == 4
    assert (over.status, draft.status, pending.status) == ("submitted", "submitted", "validated")
    said = planted_as(world, "over_reported").declared_days
    assert over.production_days(*bounds(world.scope.month)) == over.total_days == said
    moved = caller.boond_rows("/crm/activities", updatedSince=since.isoformat())
    assert {row["id"] for row in moved} == {over.id, draft.id, pending.id}
    assert len(world.bills) == bills + 1


@pytest.mark.parametrize("seed", range(1, 6))
def test_corrections_reach_the_declared_days(make: Make, seed: int) -> None:
    """Whatever the gap, a corrected CRA says the declared days in lines of at most one day."""
    world = make(consultants=40, mistakes=True, seed=seed).world
    said = {line.consultant_id: line.days for line in world.declared}
    gaps = [p for p in world.planted if p.outcome in {"over_reported", "under_reported"}]
    for note in gaps:
        world.cras[note.cra_id].status = "invalidated"
    world.advance(len(gaps))
    for note in gaps:
        cra = world.cras[note.cra_id]
        assert cra.total_days == said[note.consultant_id]
        assert max(a.duration for a in cra.activities) <= 1


def test_a_correction_can_add_days_that_no_line_has(make: Make) -> None:
    """More days than the month has lines come as further lines of at most one day."""
    world = make().world
    line = world.declared[0]
    line.days = Decimal(len(business_days(line.period))) + Decimal("2.5")
    cra = world.cra_of(line.consultant_id, line.period)
    cra.status = "invalidated"
    world.advance()
    assert cra.total_days == cra.production_days(*bounds(line.period)) == line.days
    assert max(a.duration for a in cra.activities) == 1


def test_time_only_goes_on(make: Make) -> None:
    """The clock and the days that were advanced add up."""
    caller = make()
    instants = [caller.world.now()]
    caller.clock.turn(minutes=5)
    instants.append(caller.world.now())
    caller.world.advance(2)
    instants.append(caller.world.now())
    assert [(b - a).total_seconds() for a, b in pairwise(instants)] == [300, 172800]
