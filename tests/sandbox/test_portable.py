"""A portable world holds what every dialect can tell, and stays so whatever happens in it."""

import asyncio
from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

import httpx
import pytest

from sandbox import events
from sandbox.__main__ import assemble, options, settings
from sandbox.accounts import Accounts
from sandbox.bill_live import BillLive
from sandbox.boond_live_wire import LiveCredentials, signed
from sandbox.domain import Bill
from sandbox.months import bounds
from sandbox.portable import TAKEN_BACK
from sandbox.server import BillDialect, BoondDialect, Sandbox
from sandbox.world import World
from tests.sandbox.conftest import Make

ORDER_OF_KINDS = ("production", "absence", "internal")
ARCHIVED = 8
"""The state of an archived company in the sandbox's dictionary."""
WAYS: list[tuple[BoondDialect, BillDialect]] = [
    ("v3", "gateway"),
    ("v3", "live"),
    ("live", "gateway"),
    ("live", "live"),
]


class Calls:
    """Calls of both vendors of a sandbox, in any dialect.

    Args:
        sandbox: whom it calls.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.http = httpx.Client(transport=sandbox.transport(), base_url="http://here")
        known, login = sandbox.boond.credentials, sandbox.bill.login
        if isinstance(known, LiveCredentials):
            tokens = {"userToken": known.user_token, "clientToken": known.client_token}
            self.boond_key = {"X-Jwt-Client-BoondManager": signed(tokens, known.client_key)}
        else:
            self.boond_key = {"X-API-Key": known.api_key}
        body = {"username": login.username, "password": login.password}
        body |= {"organizationId": login.organization_id, "devKey": login.dev_key}
        said = self.http.post("/bill/connect/v3/login", json=body).json()
        self.bill_key = {"sessionId": said["sessionId"], "devKey": login.dev_key}

    def boond(self, path: str) -> httpx.Response:
        """Asks BoondManager."""
        return self.http.get(f"/boond{path}", headers=self.boond_key)

    def bill(self, path: str) -> httpx.Response:
        """Asks Bill.com, with the session where either dialect wants it."""
        return self.http.get(f"/bill{path}", headers=self.bill_key, params=self.bill_key)


def lived() -> World:
    """A portable world after days, a month, bills and credit notes."""
    world = World.build(seed=4, portable=True)
    world.cra_of("10001", "2026-10").status = "invalidated"
    world.declared[0].days -= Decimal("1.25")
    world.advance(3)
    external = next(c for c in world.consultants.values() if c.supplier_id).id
    events.late_bill(world, external, "2026-10", Decimal(1))
    events.late_bill(world, external, "2026-10", Decimal(-1))
    events.report_again(world, external, "2026-10", Decimal("3.5"))
    events.next_month(world)
    return world


@pytest.fixture(
    scope="module",
    params=[
        {"seed": 1},
        {"seed": 2, "consultants": 160},
        {"seed": 3, "consultants": 200, "as_of": date(2026, 12, 3)},
        None,
    ],
    ids=["one block", "four blocks", "five blocks", "lived"],
)
def world(request: pytest.FixtureRequest) -> World:
    """Portable worlds, three as built and one that went on; tests only read them."""
    return World.build(portable=True, **request.param) if request.param else lived()


def credits_of(world: World) -> list[Bill]:
    """The suppliers' credit notes."""
    return [bill for bill in world.bills.values() if bill.amount < 0]


def test_ids_are_numbers_at_one_vendor_and_prefixed_at_the_other(world: World) -> None:
    """BoondManager's ids are numbers, Bill.com's tell what they are of, and each keeps its key."""
    tables: tuple[dict[str, Any], ...] = (
        *(world.consultants, world.clients, world.contracts, world.cras, world.client_invoices),
        *(world.suppliers, world.orders, world.supplier_invoices),
    )
    missions = {mission.id for mission in world.missions.values()}
    assert all(id_.isdigit() for id_ in chain(missions, *tables))
    assert len(missions) == len(world.missions)
    assert not world.suppliers.keys() & world.clients.keys()
    assert min(map(int, world.suppliers)) == 20001
    for table, prefixes in (
        (world.vendors, "009"),
        (world.bills, ("00n", "vcr")),
        (world.payments, "stp"),
    ):
        assert all(id_.startswith(prefixes) and id_[3:].isdigit() for id_ in table)
    assert all(
        bill.id[:3] == ("vcr" if bill.amount < 0 else "00n") for bill in world.bills.values()
    )
    for table in (*tables, world.vendors, world.bills, world.payments):
        assert list(table) == [record.id for record in table.values()]


def test_every_reference_names_a_record(world: World) -> None:
    """No id points at nothing: neither in the books, nor in what is told of the mistakes."""
    coming = {bill.id for bill in world.coming_bills}
    assert {c.supplier_id for c in world.consultants.values()} - {None} <= world.suppliers.keys()
    assert {order.supplier_id for order in world.orders.values()} <= world.suppliers.keys()
    assert {i.supplier_id for i in world.supplier_invoices.values()} <= world.suppliers.keys()
    assert {bill.vendor_id for bill in world.bills.values()} <= world.vendors.keys()
    assert {payment.bill_id for payment in world.payments.values()} <= world.bills.keys()
    assert {m.order_id for m in world.missions.values()} - {None} <= world.orders.keys()
    assert world.unpaid.keys() <= world.bills.keys() | coming
    assert {said.bill_id for said in world.planted} - {None} <= world.bills.keys() | coming
    assert {said.cra_id for said in world.planted} - {None} <= world.cras.keys()


def test_a_cra_is_a_persons_month_on_the_contract_of_their_mission(world: World) -> None:
    """One CRA a consultant and month: it names contract and delivery, no client, order or date."""
    seen = Counter((cra.consultant_id, cra.start) for cra in world.cras.values())
    assert set(seen.values()) == {1}
    for cra in world.cras.values():
        mission = world.missions[cra.consultant_id]
        assert (cra.start, cra.end) == bounds(cra.start.strftime("%Y-%m"))
        assert (cra.contract_id, cra.mission_id) == (mission.contract_id, mission.id)
        assert (cra.client_id, cra.order_id, cra.due) == (None, None, None)


def test_lines_of_a_cra_are_sorted_and_add_up(world: World) -> None:
    """By day and kind; absences and inner days alone say why; the total is the production."""
    for cra in world.cras.values():
        places = [(line.day, ORDER_OF_KINDS.index(line.kind)) for line in cra.activities]
        assert places == sorted(places)
        assert all(cra.start <= day <= cra.end for day, _ in places)
        assert all((a.kind == "production") != bool(a.comment) for a in cra.activities)
        worked = (a.duration for a in cra.activities if a.kind == "production")
        assert cra.total_days == sum(worked)


def test_contracts_tell_a_rate_by_name_and_their_dates(world: World) -> None:
    """One rate a person at the price of the mission; nothing of how and when it is billed."""
    for contract in world.contracts.values():
        people = [rate.consultant_id for rate in contract.rates]
        prices = [world.missions[str(who)].sale_rate for who in people]
        assert len(set(people)) == len(people)
        assert [rate.daily_rate for rate in contract.rates] == prices
        assert {m.contract_id for who, m in world.missions.items() if who in people} <= {
            contract.id
        }
        untold = (contract.frequency, contract.deadline, contract.terms, contract.tax_rate)
        assert (untold, contract.status in {"active", "ended"}) == ((None,) * 4, True)
    bare = [said.contract_id for said in world.planted if said.code == "RATE_MISSING"]
    assert [c.id for c in world.contracts.values() if not c.rates] == bare


def test_orders_have_one_line_of_one_person(world: World) -> None:
    """One line without an id, of a consultant; the orders of one person share their dates."""
    dates: dict[str, set[tuple[date, date]]] = {}
    for order in world.orders.values():
        (line,) = order.lines
        who = world.consultants[str(line.consultant_id)]
        assert (line.id, line.consultant_name, who.supplier_id) == (
            *(None, who.name),
            order.supplier_id,
        )
        dates.setdefault(who.id, set()).add((order.start, order.end))
    assert all(len(told) == 1 for told in dates.values())
    references = [order.reference for order in world.orders.values()]
    assert len(set(references)) == len(references)


def test_parties_tell_no_account_and_no_employment(world: World) -> None:
    """Suppliers have no address or account, consultants no contract of employment."""
    assert {(s.email, s.iban) for s in world.suppliers.values()} == {(None, None)}
    assert {c.employed_from for c in world.consultants.values()} == {None}
    assert {None, "immediate"} < {c.availability for c in world.consultants.values()}
    roles = {contact.role for client in world.clients.values() for contact in client.contacts}
    assert roles == {"purchasing", "billing"}


def test_bills_are_approved_when_they_are(world: World) -> None:
    """Every bill is in euros; its status follows from its approval unless it is paid."""
    bills = [b for b in (*world.bills.values(), *world.coming_bills) if b.amount >= 0]
    assert {bill.currency for bill in bills} == {"EUR"}
    assert {bill.approval for bill in bills} == {"APPROVED", "UNASSIGNED", "DENIED"}
    for bill in bills:
        told = "approved" if bill.approval == "APPROVED" else "sent"
        paid = any(payment.bill_id == bill.id for payment in world.payments.values())
        assert bill.status == ("paid" if paid else told)
    assert {payment.method for payment in world.payments.values()} == {"ach"}
    numbers = Counter(bill.number for bill in bills)
    assert max(numbers.values()) == 1


def test_credit_notes_name_the_order_of_the_bill_that_they_credit(world: World) -> None:
    """No quantity, price, due date or approval; the credited bill is of the same order."""
    assert credits_of(world)
    for note in credits_of(world):
        assert {(line.quantity, line.unit_price) for line in note.lines} == {(None, None)}
        assert all(line.amount < 0 for line in note.lines)
        assert (note.due, note.approval, note.status) == (None, None, "approved")
        of_order = [b for b in world.bills.values() if b.order_number == note.order_number]
        assert min(of_order, key=lambda bill: bill.created_at).amount > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_can_be_told_stays_planted(seed: int) -> None:
    """Only what no live wire tells is taken back, and every other mistake keeps its code."""
    usual, portable = (World.build(seed=seed, portable=which) for which in (False, True))
    codes = Counter(said.code for said in usual.planted)
    kept = Counter(said.code for said in portable.planted)
    for code in TAKEN_BACK.keys() - {"TAX_RATE_MISSING"}:
        assert (codes.pop(code, 0), kept.pop(code, 0)) != (0, 1), code
    assert codes.keys() == kept.keys()
    # the second order of a shared one; a wrong currency as a wrong total; no tax rate is told
    assert codes - kept == Counter({"DUPLICATE": 1})
    assert kept - codes == Counter({"TOTAL": 1, "TAX_RATE_MISSING": 3})


def test_what_is_expected_is_what_nothing_speaks_against() -> None:
    """Whom a mistake alone stopped is billed or paid, and the rest as in any other world."""
    usual, portable = World.build(), World.build(portable=True)
    billed, now_billed = (
        {i.reference: (i.days, i.total_excl_tax) for i in w.expected_invoices}
        for w in (usual, portable)
    )
    abroad = {
        f"RAP-{usual.scope.month}-{contract.reference}"
        for contract in usual.contracts.values()
        if usual.clients[contract.client_id].country != "FR"
    }
    assert not abroad & now_billed.keys()
    assert {r: now_billed[r] for r in billed.keys() - abroad} == {
        r: billed[r] for r in billed.keys() - abroad
    }
    assert len(now_billed) > len(billed)
    shared = sum(len(order.lines) - 1 for order in usual.orders.values())
    receipt_told = 1
    assert len(portable.expected_paid_bills) == (
        len(usual.expected_paid_bills) + 2 * shared + receipt_told
    )


def test_a_credit_without_quantity_takes_days_back() -> None:
    """The accounts read the days of a credit note out of its amount and the ordered price."""
    world = World.build(consultants=6, mistakes=False, portable=True)
    accounts = Accounts(world)
    for days in (Decimal(1), Decimal(-1)):
        events.late_bill(world, "10003", "2026-10", days)
    accounts.run(world.now().date())
    assert accounts.accepted() == {bill.id: bill.amount for bill in world.bills.values()}


def test_nobody_tells_a_bank_account() -> None:
    """A changed account is refused where no wire could tell it."""
    world = World.build(portable=True)
    with pytest.raises(ValueError, match="bank account"):
        events.change_bank(world, world.coming_bills[0])


def test_v3_leaves_out_what_is_absent(make: Make) -> None:
    """The default dialect serves a portable world without the keys that it lacks."""
    caller = make(portable=True)
    rows = {
        path: caller.boond_rows(path, maxResults=100)
        for path in ("/resources", "/clients/contracts", "/purchases/orders", "/suppliers")
    }
    lines = [line for order in rows["/purchases/orders"] for line in order["lines"]]
    keys = {path: set().union(*rows[path]) for path in rows}
    assert not keys["/resources"] & {"mainContract"}
    assert keys["/resources"] >= {"availability"}
    assert not keys["/clients/contracts"] & {"billingFrequency", "paymentTerms", "taxRate"}
    assert not keys["/suppliers"] & {"email", "iban"}
    assert not set().union(*lines) & {"id"}
    (cra, *_) = caller.boond_rows("/crm/activities")
    assert not cra.keys() & {"client", "purchaseOrder", "dueDate"}


@pytest.mark.parametrize(("boond", "bill"), WAYS[1:])
def test_live_needs_a_portable_world(boond: BoondDialect, bill: BillDialect) -> None:
    """A world that a live dialect could not tell is refused in one line."""
    with pytest.raises(ValueError, match="portable world"):
        Sandbox(World.build(consultants=5, mistakes=False), boond=boond, bill=bill)


@pytest.mark.parametrize(("boond", "bill"), WAYS)
def test_the_command_line_picks_dialects_and_says_how_to_reach_them(
    boond: BoondDialect, bill: BillDialect
) -> None:
    """Each dialect has its own credentials and base URL, and a live one a portable world."""
    dialects = ["--boond-dialect", boond, "--bill-dialect", bill]
    sandbox = assemble(options([*dialects, "--no-mistakes", "--consultants", "3"]))
    said = dict(line.split("=", 1) for line in settings(sandbox, "http://here").splitlines())
    assert sandbox.world.portable == ("live" in {boond, bill})
    assert (said.get("BOOND_DIALECT", "v3"), said.get("BILL_COM_DIALECT", "gateway")) == (
        boond,
        bill,
    )
    assert said["BOOND_BASE_URL"] == "http://here/boond/api" + ("/v3" if boond == "v3" else "")
    assert said["BILL_COM_BASE_URL"] == "http://here/bill" + ("/connect" if bill == "live" else "")
    assert ("BOOND_CLIENT_KEY" in said) == ("BOOND_AUTH_URL" not in said) == (boond == "live")


def test_the_state_is_the_same_in_every_dialect() -> None:
    """What the control surface tells of a world does not depend on who serves it."""
    world, told = World.build(portable=True), []
    for boond, bill in WAYS:
        transport = Sandbox(world, boond=boond, bill=bill).transport()
        told.append(httpx.Client(transport=transport).get("http://here/_sandbox/state").json())
    assert told == [told[0]] * len(WAYS)


def test_archived_and_deleted_records_go_in_every_dialect() -> None:
    """Live dialects say that a record is archived, the others have it no more; deleted is gone."""
    world = World.build(portable=True)
    client, *_ = world.clients
    supplier, *_ = world.suppliers
    archived, deleted, *_ = (bill for bill in world.bills.values() if bill.amount > 0)
    invoice, *_ = world.client_invoices.values()
    events.archive_client(world, client)
    events.archive_supplier(world, supplier)
    events.archive_bill(world, archived)
    events.delete_bill(world, deleted)
    events.delete_client_invoice(world, invoice)

    usual, live = Calls(Sandbox(world)), Calls(Sandbox(world, boond="live", bill="live"))
    gone = [f"/clients/{client}", f"/suppliers/{supplier}", f"/invoicing/invoices/{invoice.id}"]
    assert [usual.boond(f"/api/v3{path}").status_code for path in gone] == [404] * 3
    assert [usual.bill(f"/v3/invoices/{b.id}").status_code for b in (archived, deleted)] == [
        404
    ] * 2
    for company in (client, supplier):
        told = live.boond(f"/api/companies/{company}/information").json()["data"]["attributes"]
        assert told["state"] == ARCHIVED
    assert live.boond(f"/api/invoices/{invoice.id}/information").status_code == 404
    assert live.bill(f"/connect/v3/bills/{archived.id}").json()["archived"] is True
    assert live.bill(f"/connect/v3/bills/{deleted.id}").status_code == 404


def test_the_newest_invoice_is_not_deleted(world: World) -> None:
    """An id is never given twice: the newest one is refused."""
    newest = list(world.client_invoices.values())[-1]
    with pytest.raises(ValueError, match="newest"):
        events.delete_client_invoice(world, newest)


async def test_more_than_three_at_once_are_refused() -> None:
    """Served over sockets, the live Bill.com refuses a fourth request under way, and then none."""
    sandbox = Sandbox(World.build(consultants=3, mistakes=False, portable=True), bill="live")
    gate, refused = asyncio.Event(), list[Any]()

    async def ask(answers: list[dict[str, Any]], *, slowly: bool) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            answers.append(message)
            if slowly:
                await gate.wait()

        scope = {"type": "http", "method": "GET", "headers": [], "query_string": b""}
        path = "/bill/connect/v3/bills"
        await sandbox.asgi(scope | {"path": path, "raw_path": path.encode()}, receive, send)

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(ask([], slowly=True))
        await asyncio.sleep(0)
        await ask(refused, slowly=False)
        gate.set()
    assert b"BDC_1322" in refused[1]["body"]
    assert isinstance(sandbox.bill, BillLive)
    assert sandbox.bill.under_way == 0
