"""Nothing twice, nothing lost (write-back.md)."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.engine import labels, report
from flows.engine.drain import Drain
from flows.engine.run import Outcome, Run
from flows.settings import ConfigurationError
from sandbox.domain import SupplierInvoice
from sandbox.trading import add_invoice, line_of
from store import outbox
from store.publishing import read_published
from tests.flows.house import AS_OF, House

pytestmark = pytest.mark.nights

INVOICES, BILLS = "/invoicing/invoices", "/purchases/invoices"
WRITES = {"POST", "PUT"}
Answer = Callable[[httpx.Request], httpx.Response | None]


class KilledError(BaseException):
    """Ends everything at once; nothing of the product may catch it."""


def _drain(house: House) -> Outcome:
    """Sends everything that is planned, and looks at nothing before or after."""

    async def part(run: Run) -> Outcome:
        rows = run.warehouse.rows("SELECT command_id FROM ops.outbox")
        wanted = frozenset(row[0] for row in rows)
        await Drain(run, run.doors["boond"], wanted, looked_at=run.now()).send_all()
        return run.outcome()

    return house.opened(part)


def _write_back(house: House) -> Outcome:
    return house.run("write_back", period=None, apply=True)


def _states(house: House) -> Counter[str]:
    """The states of what is written to the vendors."""
    return Counter(
        row[0] for row in house.rows("SELECT state FROM ops.outbox WHERE kind NOT LIKE 'notify.%'")
    )


def _held(house: House) -> dict[str, list[Any]]:
    """What the vendor holds in the end, whatever its ids and instants."""
    invoices = house.vendors.client_invoices.values()
    bills = house.vendors.supplier_invoices.values()
    return {
        "invoices": sorted((i.reference, i.net, i.status) for i in invoices),
        "bills": sorted((i.reference, i.net, i.status) for i in bills),
        "cras": sorted((cra.id, cra.status) for cra in house.vendors.cras.values()),
    }


@pytest.fixture(scope="module")
def healthy(_planned: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the vendor holds after a write-back without faults."""
    from tests.flows.conftest import SMALL  # noqa: PLC0415 - the fixture's own world

    house = House(tmp_path_factory.mktemp("healthy") / "h", template=_planned, vendors=SMALL)
    assert _write_back(house).exit_code == 0
    assert set(_states(house)) == {"done"}
    return _held(house)


def _on(method: str, path: str, answer: Answer) -> Answer:
    def intercept(request: httpx.Request) -> httpx.Response | None:
        asked = request.method == method and path in request.url.path
        return answer(request) if asked else None

    return intercept


def _once(answer: Answer) -> Answer:
    left = [answer]
    return lambda request: left.pop()(request) if left else None


def _raising(error: Exception | type[BaseException]) -> Answer:
    def answer(_: httpx.Request) -> None:
        raise error

    return answer


# What goes out


def test_a_dry_run_sends_nothing(planned: House) -> None:
    """Without --apply the vendors are only read."""
    planned.run("write_back", period=None, apply=False)
    assert planned.vendors.writes == []
    assert set(_states(planned)) == {"planned"}


def test_each_command_goes_out_once_and_in_its_order(planned: House) -> None:
    """One write a command; CRAs are validated after their invoice, flags after registration."""
    assert _drain(planned).exit_code == 0
    assert set(_states(planned)) == {"done"}
    kinds = [write["kind"] for write in planned.vendors.writes]
    assert len(kinds) == sum(_states(planned).values())
    order = {
        row[0]: row[1] for row in planned.rows("SELECT command_id, settled_at FROM ops.outbox")
    }
    for command_id, waits_for in planned.rows(
        "SELECT command_id, depends_on FROM ops.outbox WHERE kind NOT LIKE 'notify.%'"
    ):
        assert all(order[other] < order[command_id] for other in waits_for)


def test_a_second_drain_sends_nothing(planned: House) -> None:
    """What is done is done."""
    _drain(planned)
    sent = len(planned.vendors.writes)
    planned.sandbox.requests.clear()
    _drain(planned)
    assert len(planned.vendors.writes) == sent
    assert set(planned.sandbox.requests) == {
        "POST /boond/oauth/token",
        "POST /bill/connect/v3/login",
    }


def test_the_ledger_says_what_was_billed(planned: House) -> None:
    """Each confirmed invoice is in the ledger under the vendor's id."""
    _drain(planned)
    ledger = planned.rows(
        "SELECT invoice_id, sum(amount) FROM recon.billing_ledger"
        " WHERE starts_with(reference, 'RAP-2026-10') GROUP BY 1 ORDER BY 1"
    )
    created = {w["id"] for w in planned.vendors.writes if w["kind"] == "client_invoices.create"}
    assert ledger == [(id_, planned.vendors.client_invoices[id_].net) for id_ in sorted(created)]


def test_a_write_forgets_the_freshness_of_its_stream(planned: House) -> None:
    """The next sync reads again what we wrote to."""
    _drain(planned)
    fresh = dict(planned.rows("SELECT stream, last_synced_at IS NOT NULL FROM ops.sync_state"))
    assert not fresh["client_invoices"]
    assert not fresh["supplier_invoices"]
    assert fresh["clients"]


# Faults


@pytest.mark.parametrize("fault", ["boond:lost-replies=0.3", "boond:flaky"])
def test_faults_end_where_no_faults_end(
    planned: House, healthy: dict[str, list[Any]], fault: str
) -> None:
    """Lost replies and a flaky line leave at the vendor what a calm night leaves."""
    planned.sandbox.set_faults(fault)
    _drain(planned)
    planned.sandbox.set_faults("")
    planned.ticks += 120_000_000
    _drain(planned)
    assert _held(planned) == healthy
    assert set(_states(planned)) == {"done"}


def test_a_lost_reply_is_looked_up_after_60_times_the_base(planned: House) -> None:
    """The second look comes a minute later, finds the invoice, and sends nothing again."""

    def lose(request: httpx.Request) -> None:
        planned.sandbox.answer(request)
        raise httpx.ReadTimeout("late")

    planned.intercept = _on("POST", INVOICES, lose)
    assert _drain(planned).exit_code == 0
    assert set(_states(planned)) == {"done"}
    assert len(planned.vendors.writes) == sum(_states(planned).values())
    assert planned.waited > timedelta(seconds=59)


def test_not_found_counts_only_at_the_second_look(planned: House) -> None:
    """A request that timed out and never arrived is sent again, a minute later."""
    at: list[Any] = []
    lost = _once(_raising(httpx.ReadTimeout("late")))

    def answer(request: httpx.Request) -> httpx.Response | None:
        at.append(planned.now())
        return lost(request)

    planned.intercept = _on("POST", INVOICES, answer)
    _drain(planned)
    references = [i.reference for i in planned.vendors.client_invoices.values()]
    assert len(set(references)) == len(references)
    assert set(_states(planned)) == {"done"}
    assert at[-1] - at[0] >= timedelta(seconds=60)


def test_what_settles_in_a_later_round_is_no_concern_any_more(planned: House) -> None:
    """A run whose outbox has nothing unknown at its end has nothing to say of it."""
    invoices = "SELECT count(*) FROM ops.outbox WHERE kind = 'boond.invoice.create'"
    left = [httpx.ReadTimeout("late")] * 2 * planned.one(invoices)

    def late(_: httpx.Request) -> None:
        if left:
            raise left.pop()

    planned.intercept = _on("POST", INVOICES, late)
    outcome = _write_back(planned)
    assert (left, set(_states(planned))) == ([], {"done"})
    assert (outcome.exit_code, outcome.reasons) == (0, ())


def test_what_times_out_twice_goes_to_a_person_and_heals(
    planned: House, healthy: dict[str, list[Any]]
) -> None:
    """It is unknown and said, nothing that waits for it goes out, and the next run ends it."""
    planned.intercept = _on("POST", INVOICES, _raising(httpx.ReadTimeout("late")))
    outcome = _drain(planned)
    assert outcome.exit_code == 1
    assert any("timed out twice" in reason for reason in outcome.reasons)
    assert _states(planned)["unknown"] > 0
    assert not [w for w in planned.vendors.writes if w["kind"].startswith("cras")]
    planned.intercept = None
    planned.ticks += 120_000_000
    assert _write_back(planned).exit_code == 0
    assert _held(planned) == healthy


@pytest.mark.parametrize("acted", [True, False], ids=["after the vendor acted", "before"])
@pytest.mark.parametrize("path", [INVOICES, BILLS])
def test_a_kill_between_sending_and_reply_is_looked_up_first(
    planned: House, healthy: dict[str, list[Any]], path: str, *, acted: bool
) -> None:
    """The next run finds the command `sending`, looks, and ends with one object at the vendor."""

    def kill(request: httpx.Request) -> None:
        if acted:
            planned.sandbox.answer(request)
        raise KilledError

    planned.intercept = _on("POST", path, kill)
    with pytest.raises(BaseExceptionGroup):
        _drain(planned)
    assert _states(planned)["sending"] > 0
    planned.intercept = None
    _drain(planned)
    assert _held(planned) == healthy
    assert set(_states(planned)) == {"done"}


def test_what_was_approved_and_is_asked_for_no_more_is_not_sent(planned: House) -> None:
    """A drain of other commands leaves it where it is."""

    async def part(run: Run) -> None:
        ids = [row["command_id"] for row in outbox.states(run.warehouse)]
        outbox.approve(run.warehouse, ids, run.run_id, run.now())
        await Drain(run, run.doors["boond"], frozenset(), looked_at=run.now()).send_all()

    planned.opened(part)
    assert (planned.vendors.writes, set(_states(planned))) == ([], {"approved"})


def test_nothing_is_written_on_facts_that_could_not_be_read(synced: House) -> None:
    """Without the CRAs of today neither side is decided on, though those of yesterday stand."""
    synced.settings = synced.settings.model_copy(update={"RAPPROCHE_RETRY_BASE": 0})
    synced.intercept = _on("GET", "/crm/activities", lambda _: httpx.Response(500))
    assert synced.nightly(apply=True).exit_code == 3
    assert synced.vendors.writes == []


def test_a_status_that_never_arrived_is_sent_again(
    planned: House, healthy: dict[str, list[Any]]
) -> None:
    """An object that is there is not yet as it is wanted: only what it holds proves the write."""
    planned.intercept = _on("PUT", "", _raising(KilledError))
    with pytest.raises(BaseExceptionGroup):
        _drain(planned)
    planned.intercept = None
    _drain(planned)
    assert _held(planned) == healthy


def test_what_a_kill_left_under_way_is_not_sent_again_at_once(planned: House) -> None:
    """A look that finds nothing proves nothing before a minute has passed."""
    sent: dict[str, Any] = {}
    again: dict[str, Any] = {}

    def told(at: dict[str, Any]) -> Answer:
        return lambda request: at.update({json.loads(request.content)["reference"]: planned.now()})

    def kill(request: httpx.Request) -> None:
        told(sent)(request)
        raise KilledError

    planned.intercept = _on("POST", INVOICES, kill)
    with pytest.raises(BaseExceptionGroup):
        _drain(planned)
    planned.intercept = _on("POST", INVOICES, told(again))
    _drain(planned)
    assert sent
    assert all(again[name] - at >= timedelta(seconds=60) for name, at in sent.items())


@pytest.mark.parametrize("acted", [True, False])
def test_an_error_after_the_body_was_sent_is_no_refusal(planned: House, *, acted: bool) -> None:
    """A 500 to a create is looked up before it is sent again, whether it was carried out or not."""

    def fail(request: httpx.Request) -> httpx.Response:
        if acted:
            planned.sandbox.answer(request)
        return httpx.Response(500)

    planned.intercept = _on("POST", INVOICES, _once(fail))
    _drain(planned)
    references = [i.reference for i in planned.vendors.client_invoices.values()]
    assert len(set(references)) == len(references)
    assert set(_states(planned)) == {"done"}


def test_too_many_requests_are_waited_out(planned: House) -> None:
    """A 429 to a write is sent again after its wait, and once."""
    limited = httpx.Response(429, headers={"Retry-After": "7"})
    planned.intercept = _on("POST", INVOICES, _once(lambda _: limited))
    assert _drain(planned).exit_code == 0
    assert planned.waited > timedelta(seconds=6.9)
    assert len(planned.vendors.writes) == sum(_states(planned).values())


def test_a_refusal_blocks_what_waits_for_it(planned: House) -> None:
    """Refused says the vendor's words; what depends on it is not sent and says why."""
    words = httpx.Response(400, json={"errors": [{"code": "x", "detail": "le client est bloqué"}]})
    planned.intercept = _on("POST", INVOICES, lambda _: words)
    outcome = _drain(planned)
    rows = planned.rows("SELECT kind, state, last_error FROM ops.outbox")
    of = {kind: (state, said) for kind, state, said in rows}
    assert outcome.exit_code == 1
    assert of["boond.invoice.create"][0] == "refused"
    assert "le client est bloqué" in of["boond.invoice.create"][1]
    assert of["boond.cra.validate"] == (
        "approved",
        "waits for boond.invoice.create, which is refused",
    )
    assert of["boond.supplier_invoice.register"][0] == "done"


def test_a_refused_command_is_sent_again_while_the_facts_ask_for_it(
    planned: House, healthy: dict[str, list[Any]]
) -> None:
    """Once a run, with the vendor's words; when the vendor takes it the run ends as a calm one."""
    asked: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["reference"])
        return httpx.Response(400, json={"errors": [{"code": "x", "detail": "non"}]})

    planned.intercept = _on("POST", INVOICES, refuse)
    assert _write_back(planned).exit_code == 1
    assert len(set(asked)) == len(asked)
    said = planned.rows("SELECT target, last_error FROM ops.outbox WHERE state = 'refused'")
    assert dict(said) == dict.fromkeys(asked, "non; x")
    planned.intercept = None
    assert _write_back(planned).exit_code == 0
    assert _held(planned) == healthy


def test_what_the_vendor_holds_otherwise_goes_to_a_person(planned: House) -> None:
    """A read-back that differs is unknown, names the column, and releases nothing."""

    def tamper(request: httpx.Request) -> None:
        held = planned.vendors.client_invoices[request.url.path.rsplit("/", 1)[1]]
        held.net += 1

    planned.intercept = _on("GET", f"{INVOICES}/", tamper)
    outcome = _drain(planned)
    rows = planned.rows(
        "SELECT state, last_error FROM ops.outbox WHERE kind = 'boond.invoice.create'"
    )
    assert outcome.exit_code == 1
    assert {state for state, _ in rows} == {"unknown"}
    assert all("total_excl_tax" in said for _, said in rows)
    assert not [w for w in planned.vendors.writes if w["kind"].startswith("cras")]


def test_refused_credentials_stop_the_drain(planned: House) -> None:
    """A 401 that a new login does not mend ends with 3; nothing is lost or half sent."""
    planned.intercept = _on("POST", INVOICES, lambda _: httpx.Response(401))
    outcome = _drain(planned)
    assert outcome.exit_code == 3
    assert not {"sending", "unknown", "refused"} & set(_states(planned))
    planned.intercept = None
    assert _drain(planned).exit_code == 0
    assert len(planned.vendors.writes) == sum(_states(planned).values())


# Facts that moved meanwhile


def _person_invoices(house: House, reference: str, description: str, which: int = 0) -> str:
    """A person bills a contract's month by hand; gives the contract."""
    vendors = house.vendors
    expected = vendors.expected_invoices[which]
    [(who, days), *_] = expected.days.items()
    rate = vendors.missions[who].sale_rate
    text = description.format(who=who, name=vendors.consultants[who].name)
    lines = [line_of(text, days, rate)]
    add_invoice(vendors, vendors.scope, expected.contract_id, reference, lines, AS_OF)
    for invoice in vendors.client_invoices.values():
        if invoice.reference == reference:
            vendors.touch(invoice)
    return expected.contract_id


def _person_registers(house: House) -> str:
    """A person registers a bill by hand; gives its number."""
    vendors = house.vendors
    [(key, body), *_] = house.rows(
        "SELECT target, payload FROM ops.outbox WHERE kind = 'boond.supplier_invoice.register'"
        " ORDER BY 1"
    )
    supplier_id, number = key.split("|")
    said = json.loads(body)
    net = Decimal(said["total_excl_tax"])
    vendors.supplier_invoices["80900"] = SupplierInvoice(
        id="80900",
        updated_at=vendors.now(),
        supplier_id=supplier_id,
        reference=number,
        order_id=said["purchase_order_id"],
        issued=AS_OF,
        due=None,
        lines=[line_of("x", Decimal(1), net)],
        net=net,
        tax=None,
        gross=None,
        currency="EUR",
        status="registered",
    )
    return str(number)


def test_what_a_person_did_meanwhile_is_seen_first(planned: House) -> None:
    """Billed or registered by hand between plan and drain: adopted or held, never made twice."""
    vendors = planned.vendors
    by_hand = _person_invoices(planned, "FA-2026-10-001", "Prestations {name} 2026-10")
    ours = vendors.expected_invoices[1].reference
    _person_invoices(planned, ours, "{name} · 2026-10 · {who}", 1)
    number = _person_registers(planned)
    _write_back(planned)
    invoices = [(i.contract_id, i.reference) for i in vendors.client_invoices.values()]
    assert not [r for contract, r in invoices if contract == by_hand and "RAP-2026-10" in r]
    assert [r for _, r in invoices].count(ours) == 1
    assert planned.one("SELECT count(*) FROM recon.holds WHERE code = 'ALREADY_INVOICED'") > 0
    assert [i.reference for i in vendors.supplier_invoices.values()].count(number) == 1
    assert vendors.supplier_invoices["80900"].status == "flagged_for_payment"


def test_a_cra_that_changed_meanwhile_is_looked_at_anew(planned: House) -> None:
    """A CRA that was corrected since the plan is neither billed nor validated by the old one."""
    [(cra_id,), *_] = planned.rows(
        "SELECT target FROM ops.outbox WHERE kind = 'boond.cra.validate' ORDER BY 1"
    )
    cra = planned.vendors.cras[cra_id]
    cra.activities = cra.activities[:-1]
    cra.total_days = sum((a.duration for a in cra.activities), Decimal(0))
    cra.updated_at = planned.now()
    _write_back(planned)
    assert planned.vendors.cras[cra_id].status != "validated"
    gone = "SELECT state FROM ops.outbox WHERE kind = 'boond.cra.validate' AND target = ?"
    assert {row[0] for row in planned.rows(gone, cra_id)} == {"cancelled"}


# People


@pytest.fixture
def asking(planned: House, tmp_path: Path) -> House:
    """A house whose policy lets a person decide on every invoice."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[approval]\n"boond.invoice.create" = "always"\n')
    settings = planned.settings.model_copy(update={"POLICY_FILE": policy})
    planned.settings = settings
    planned.run("write_back", period=None, apply=False)
    return planned


def _waiting(house: House) -> list[str]:
    rows = house.rows(
        "SELECT command_id FROM ops.outbox WHERE state = 'awaiting_approval' ORDER BY 1"
    )
    return [row[0] for row in rows]


def _decide(house: House, decision: str, *commands: str, **more: Any) -> Outcome:
    about = {"by": "Ada", "reason": "seen", "amount": None} | more
    asked = {"approve": [], "reject": []} | {decision: list(commands)}
    return house.run("decide", **asked, **about)


def test_what_waits_for_a_person_is_not_sent(asking: House) -> None:
    """Invoices wait, and so do their CRAs; registrations go out."""
    assert len(_waiting(asking)) == 2
    _drain(asking)
    kinds = {write["kind"].partition(".")[0] for write in asking.vendors.writes}
    assert kinds == {"supplier_invoices"}


def test_an_approved_command_goes_out_and_says_who_approved_it(asking: House) -> None:
    """Approved by its first characters; the others go on waiting."""
    chosen, other = _waiting(asking)
    _decide(asking, "approve", chosen[:12], amount=Decimal("99.5"))
    _drain(asking)
    states = dict(asking.rows("SELECT command_id, state FROM ops.outbox"))
    assert (states[chosen], states[other]) == ("done", "awaiting_approval")
    kept = asking.rows("SELECT command_id, decision, decided_by, reason, amount FROM ops.approvals")
    assert kept == [(chosen, "approved", "Ada", "seen", Decimal("99.5000"))]
    assert asking.one("SELECT bool_and(os_user <> '' AND host <> '') FROM ops.approvals")


def test_a_rejected_command_stays_rejected(asking: House) -> None:
    """The same facts do not plan it again, and it says who rejected it and why."""
    chosen = _waiting(asking)[0]
    _decide(asking, "reject", chosen, reason="double")
    asking.run("write_back", period=None, apply=False)
    [row] = asking.rows("SELECT state, last_error FROM ops.outbox WHERE command_id = ?", chosen)
    assert row == ("cancelled", "rejected by Ada: double")


@pytest.mark.parametrize("name", ["nonsense", ""])
def test_a_decision_must_name_one_command(asking: House, name: str) -> None:
    """An unknown or ambiguous name changes nothing and says where to look."""
    before = asking.rows("SELECT * EXCLUDE (run_id) FROM ops.outbox ORDER BY command_id")
    with pytest.raises(ConfigurationError, match="rapproche outbox"):
        _decide(asking, "approve", _waiting(asking)[0], name)
    assert asking.rows("SELECT * EXCLUDE (run_id) FROM ops.outbox ORDER BY command_id") == before
    assert asking.one("SELECT count(*) FROM ops.approvals") == 0


def test_what_is_done_is_decided_no_more(planned: House) -> None:
    """A command that was sent is not rejected afterwards."""
    _drain(planned)
    done = planned.rows("SELECT command_id FROM ops.outbox WHERE state = 'done' LIMIT 1")[0][0]
    with pytest.raises(ConfigurationError, match="is done already"):
        _decide(planned, "reject", done)


# The plan as people see it


def _plan(house: House) -> report.Table:
    with read_published(house.settings.WAREHOUSE_PATH) as warehouse:
        return report.plan(warehouse)


def test_the_plan_says_what_becomes_of_what(planned: House) -> None:
    """Each row has create or update, before and after, the amount and why."""
    rows = _plan(planned).rows.to_dicts()
    creates = {row["what"]: row for row in rows if row["do"] == "create"}
    updates = {row["what"]: row for row in rows if row["do"] == "update"}
    assert set(creates) == {"create client invoice", "register supplier invoice"}
    assert set(updates) == {"validate CRA", "flag for payment"}
    validate = updates["validate CRA"]
    assert (validate["before"], validate["after"]) == ("submitted", "validated")
    assert updates["flag for payment"]["after"] == "flagged_for_payment"
    expected = {i.reference: i.total_excl_tax for i in planned.vendors.expected_invoices}
    planned_amounts = {
        row["target"]: row["amount"] for row in rows if row["what"] == "create client invoice"
    }
    assert planned_amounts == expected


def test_a_row_that_waits_says_how_to_approve_it(asking: House) -> None:
    """The plan skips it and names the command to type."""
    rows = [row for row in _plan(asking).rows.to_dicts() if row["state"] == "awaiting_approval"]
    assert {row["do"] for row in rows} == {"skip"}
    assert {row["why"].split()[2] for row in rows} == set(_waiting(asking))


def test_the_plan_as_json_keeps_amounts_exact(planned: House) -> None:
    """Amounts are decimal texts, never floats."""
    rows = json.loads(report.as_json(_plan(planned)))
    amounts = [row["amount"] for row in rows if row["amount"] is not None]
    assert amounts
    assert all(isinstance(amount, str) and Decimal(amount) for amount in amounts)


def test_the_plan_as_markdown_keeps_its_cells(planned: House) -> None:
    """What a name contains cannot break out of its cell."""
    table = _plan(planned)
    evil = table.rows.head(1).with_columns(why=report.pl.lit("a | b\n# c <script>"))
    text = labels.markdown(report.Table("k", "T", evil, ""), "en")
    assert len(text.strip().splitlines()) == 5
    assert r"a \| b # c \<script>" in text


def test_the_plan_names_whom_each_command_concerns(planned: House) -> None:
    """Whose CRA, which client, which supplier: names beside the ids, in the outbox too."""
    named = {row["target"]: row["who"] for row in _plan(planned).rows.to_dicts()}
    assert all(named.values())
    people = "SELECT id, consultant_first_name || ' ' || consultant_last_name FROM core.cras"
    cras = dict(planned.rows(people))
    assert {named[id_] for id_ in cras if id_ in named} <= set(cras.values())
    with read_published(planned.settings.WAREHOUSE_PATH) as warehouse:
        outbox = report.outbox_table(warehouse).rows
        by_kind = report.planned(warehouse).rows
    assert dict(outbox.select("target", "who").iter_rows()) == named
    assert by_kind["commands"].sum() == len(outbox)
    flags = by_kind.filter(report.pl.col("what") == "flag for payment")
    assert flags["amount"].to_list() == [None]
