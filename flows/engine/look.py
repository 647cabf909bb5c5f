"""Gather, decide, record: one look at the facts (reconciliation.md, write-back.md).

`gather_*` reads frames, `decide_*` is the pure transforms, `record` writes findings and commands
in one transaction. Nothing here calls a vendor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from checks import results
from checks.findings import must_hold
from flows.engine.rows import shape_of
from flows.engine.run import Run, month_before
from store import findings, outbox
from store.staging import texts
from transforms import breaks, commands
from transforms.billing import Billing, propose_invoices
from transforms.cra_matching import CraFacts, CraMatching, match_cras
from transforms.cra_outcomes import SETTLED
from transforms.po_matching import BillFacts, BillMatching, match_bills

CLIENT_TABLES = (
    "clients",
    "consultants",
    "contracts",
    "contract_rates",
    "cras",
    "cra_days",
    "declarations",
    "declaration_lines",
    "person_links",
    "client_invoices",
    "client_invoice_lines",
)
SUPPLIER_TABLES = (
    "bills",
    "bill_lines",
    "vendors",
    "suppliers",
    "purchase_orders",
    "purchase_order_lines",
    "consultants",
    "cras",
    "cra_days",
    "supplier_invoices",
    "supplier_invoice_lines",
    "party_links",
)
NAMED_BY = {
    "consultant_id": "consultant",
    "client_id": "client",
    "contract_id": "contract",
    "supplier_id": "supplier",
    "vendor_id": "vendor",
    "purchase_order_id": "purchase_order",
    "bill_id": "bill",
}
KIND_OF_TABLE = {
    "consultants": "consultant",
    "clients": "client",
    "contracts": "contract",
    "suppliers": "supplier",
    "vendors": "vendor",
    "purchase_orders": "purchase_order",
    "bills": "bill",
    "cras": "cra",
}
QUARANTINED = {"stream": pl.String, "kind": pl.String, "id": pl.String}


@dataclass(frozen=True)
class ClientLook:
    """What the client side came to."""

    periods: tuple[str, ...]
    matching: CraMatching
    billing: Billing
    wanted: pl.DataFrame


@dataclass(frozen=True)
class SupplierLook:
    """What the supplier side came to."""

    matching: BillMatching
    wanted: pl.DataFrame


@dataclass(frozen=True)
class Look:
    """One look at both sides, or at one of them.

    `unchecked` names the rows that could not be checked, and what would follow from them.
    """

    clients: ClientLook | None
    suppliers: SupplierLook | None
    unchecked: frozenset[str]

    def wanted(self) -> pl.DataFrame:
        """Commands that the facts ask for."""
        sides = [side.wanted for side in (self.clients, self.suppliers) if side]
        return pl.concat(sides) if sides else pl.DataFrame(schema=commands.WANTED)

    def covers(self, subject: str) -> bool:
        """Whether a break or the subject of a command was looked at, and could be checked."""
        kind, _, rest = subject.partition("/")
        if kind == "bill":
            return self.suppliers is not None and subject not in self.unchecked
        if self.clients is None:
            return False
        in_period = rest.partition("/")[0] in self.clients.periods
        return kind == "declaration" or (in_period and subject not in self.unchecked)


def look(run: Run, *, clients: bool = True, suppliers: bool = True) -> Look:
    """Decides on the facts as they stand and records what was decided."""
    of_clients = decide_clients(run) if clients else None
    of_suppliers = decide_suppliers(run) if suppliers else None
    seen = Look(of_clients, of_suppliers, _unchecked(of_clients, of_suppliers))
    with run.warehouse.transaction():
        record(run, seen)
    return seen


def _unchecked(clients: ClientLook | None, suppliers: SupplierLook | None) -> frozenset[str]:
    names: set[str] = set()
    if clients:
        rows = clients.billing.matches.filter(pl.col("outcome") == breaks.NOT_CHECKED)
        for break_id, period, contract_id in rows.select(
            "break_id", "period", "contract_id"
        ).iter_rows():
            names |= {break_id, commands.invoice_subject(period, contract_id or "")}
    if suppliers:
        rows = suppliers.matching.matches.filter(pl.col("status") == breaks.NOT_CHECKED)
        for break_id, bill_id in rows.select("break_id", "bill_id").iter_rows():
            names |= {break_id, commands.bill_subject(bill_id)}
    return frozenset(names)


def raise_concerns(run: Run, seen: Look) -> None:
    """Tells of holds of severity critical, which end a run with exit code 1 (running.md)."""
    holds = [
        side.holds
        for side in (
            seen.clients and seen.clients.billing,
            seen.suppliers and seen.suppliers.matching,
        )
        if side
    ]
    for frame in holds:
        critical = frame.filter(pl.col("severity") == "critical")
        for code, rows in critical.group_by("code").len().sort("code").iter_rows():
            run.concern(f"{rows} critical {code}: see `rapproche breaks`")


def decide_clients(run: Run) -> ClientLook:
    """Compares declared days with CRA days and proposes invoices."""
    periods = periods_of(run)
    facts = gather_clients(run)
    matching = match_cras(facts, periods=periods, policy=run.policy)
    billing = propose_invoices(
        facts,
        matching,
        periods=periods,
        policy=run.policy,
        as_of=run.as_of,
        tax_rate=run.settings.TAX_RATE,
        currency=run.settings.BOOND_CURRENCY,
    )
    versions = findings.cra_versions(run.warehouse)
    wanted = commands.client_commands(billing, versions, run.policy)
    return ClientLook(tuple(periods), matching, billing, wanted)


def decide_suppliers(run: Run) -> SupplierLook:
    """Matches purchase orders, supplier invoices and receipts."""
    facts = gather_suppliers(run)
    matching = match_bills(
        facts,
        as_of=run.as_of,
        since=bills_since(run),
        policy=run.policy,
        currency=run.settings.BILL_COM_CURRENCY,
    )
    wanted = commands.supplier_commands(
        matching.matches, facts.bills, facts.bill_lines, facts.supplier_invoices, run.policy
    )
    return SupplierLook(matching, wanted)


def periods_of(run: Run) -> list[str]:
    """Months to look at: the one asked for, or the month before and what moved earlier."""
    asked = run.parameters.get("period")
    if asked:
        return [asked]
    latest = month_before(run.as_of)
    moved = findings.months_to_look_at(run.warehouse, SETTLED)
    return sorted({latest, *(period for period in moved if period < latest)})


def bills_since(run: Run) -> date:
    """The first day whose bills are looked at: as shipped, of the month before the first run."""
    said = run.policy.match.since
    if isinstance(said, date):
        return said
    first = findings.first_as_of(run.warehouse) or run.as_of
    return date.fromisoformat(f"{month_before(first)}-01")


def gather_clients(run: Run) -> CraFacts:
    """All facts of the client side."""
    core = {name: run.warehouse.table(f"core.{name}") for name in CLIENT_TABLES}
    return CraFacts(
        **core,
        billed=run.warehouse.table("recon.billing_ledger"),
        in_flight=commands.billed_by(commands.in_flight(outbox.commands(run.warehouse))),
        quarantined=quarantined(run),
        unread=run.unread(),
        invalidated=findings.invalidated_cras(run.warehouse),
    )


def gather_suppliers(run: Run) -> BillFacts:
    """All facts of the supplier side."""
    core: dict[str, Any] = {name: run.warehouse.table(f"core.{name}") for name in SUPPLIER_TABLES}
    settled = findings.settled_bills(run.warehouse)
    return BillFacts(
        **core,
        settled=findings.rows_of_bills(run.warehouse, "recon.po_matches", settled),
        consumed=findings.rows_of_bills(run.warehouse, "recon.receipt_consumption", settled),
        waiting=frozenset(bill for bill, ended in settled.items() if not ended),
        closed_bills=frozenset(findings.closed_bills(run.warehouse)),
        ibans=accepted_ibans(run),
        order_currency=run.settings.BOOND_CURRENCY,
        quarantined=quarantined(run),
        unread=run.unread(),
    )


def accepted_ibans(run: Run) -> pl.DataFrame:
    """The bank account of each supplier when an invoice of theirs was last accepted."""
    boond = run.doors.get("boond")
    if boond is None:
        return pl.DataFrame(schema={"supplier_id": pl.String, "accepted_iban": pl.String})
    shape = shape_of(boond.streams["suppliers"])
    return findings.suppliers_as_accepted(run.warehouse, shape).select(
        supplier_id="id", accepted_iban="iban"
    )


def quarantined(run: Run) -> pl.DataFrame:
    """The objects that quarantined rows name, so that what they touch is not decided on."""
    named = [pl.DataFrame(schema=QUARANTINED)]
    for source, stream in findings.quarantined_streams(run.warehouse):
        door = run.doors.get(source)
        if door is None:
            continue
        shape = shape_of(door.streams[stream])
        records = texts(
            run.warehouse,
            shape,
            "(SELECT row_number() OVER () AS seq, id, payload FROM ops.quarantine"
            f" WHERE resolved_at IS NULL AND source = '{source}' AND stream = '{stream}')",
        ).records
        own = {"id": KIND_OF_TABLE.get(shape.table, "")}
        for column, kind in (NAMED_BY | own).items():
            if column in records.columns and kind:
                named.append(
                    records.select(
                        pl.lit(f"{source}.{stream}").alias("stream"),
                        pl.lit(kind).alias("kind"),
                        pl.col(column).alias("id"),
                    ).drop_nulls()
                )
    return pl.concat(named).unique().sort("stream", "kind", "id")


def record(run: Run, seen: Look) -> None:
    """Writes what was decided, and plans the commands, inside the caller's transaction."""
    now = run.now()
    found = [_record_clients(run, seen.clients)] if seen.clients else []
    found += [_record_suppliers(run, seen.suppliers)] if seen.suppliers else []
    _record_breaks(run, seen, found, now)
    before = outbox.commands(run.warehouse)
    # What the vendor refused in this run is for the next one: the same facts get the same answer.
    refused = before.filter((pl.col("state") == "refused") & (pl.col("run_id") == run.run_id))
    changes = commands.merge(
        before,
        seen.wanted().join(refused, on="command_id", how="anti"),
        decided=findings.decided_commands(run.warehouse),
        in_scope=seen.covers,
        now=now,
    )
    outbox.put(run.warehouse, changes, run.run_id, now)
    fresh = changes.filter((pl.col("planned_at") == now) & (pl.col("state") != "cancelled"))
    run.counts["commands_planned"] += fresh.height


def _record_clients(run: Run, side: ClientLook) -> tuple[pl.DataFrame, pl.DataFrame]:
    billing, matching, about = side.billing, side.matching, _about(run)
    periods = ", ".join(f"'{period}'" for period in side.periods)
    matches = must_hold(results.CRA_MATCHES, billing.matches)
    holds = must_hold(results.HOLDS, billing.holds)
    run.warehouse.replace("recon.cra_matches", matches, f"period IN ({periods})", **about)
    in_periods = f"split_part(break_id, '/', 2) IN ({periods})"
    run.warehouse.replace(
        "recon.holds",
        holds,
        f"subject <> 'bill' AND (break_id LIKE 'declaration/%' OR {in_periods})",
        run_id=run.run_id,
    )
    columns = list(results.INVOICE_PROPOSALS.columns)
    proposals = must_hold(results.INVOICE_PROPOSALS, billing.proposals.select(columns))
    again = ", ".join(map(_quoted, ["", *proposals["reference"]]))
    run.warehouse.replace(
        "recon.invoice_proposals",
        proposals,
        # the invoice of a quarter bears its last month, which may not be one of those looked at
        f"period IN ({periods}) OR reference IN ({again})"
        f" OR list_has_any(lines->>'$[*].period', [{periods}])",
    )
    run.warehouse.insert("recon.billing_ledger", must_hold(results.BILLING_LEDGER, billing.ledger))
    findings.remember_people(run.warehouse, matching.links, run.run_id, run.now())
    policy = run.policy.model_dump_json(include={"billing", "approval"})
    _decide(run, "cra", matches, "outcome", {"*": policy})
    return matches.select("break_id", "outcome"), breaks.found(
        matches, _none(results.PO_MATCHES), holds
    )


def _record_suppliers(run: Run, side: SupplierLook) -> tuple[pl.DataFrame, pl.DataFrame]:
    about = _about(run)
    matches = must_hold(results.PO_MATCHES, side.matching.matches)
    holds = must_hold(results.HOLDS, side.matching.holds)
    consumption = must_hold(results.RECEIPT_CONSUMPTION, side.matching.consumption)
    ended = [bill for bill, is_ended in findings.settled_bills(run.warehouse).items() if is_ended]
    others = f"bill_id NOT IN ({', '.join(map(_quoted, ['', *ended]))})"
    run.warehouse.replace("recon.po_matches", matches, others, **about)
    run.warehouse.replace("recon.receipt_consumption", consumption, others, run_id=run.run_id)
    run.warehouse.replace("recon.holds", holds, "subject = 'bill'", run_id=run.run_id)
    findings.remember_parties(run.warehouse, side.matching.links, run.run_id, run.now())
    tolerances = dict(side.matching.tolerances.iter_rows()) | {"*": "{}"}
    _decide(run, "bill", matches, "status", tolerances)
    return matches.select("break_id", pl.col("status").alias("outcome")), breaks.found(
        _none(results.CRA_MATCHES), matches, holds
    )


def _record_breaks(
    run: Run, seen: Look, found: Sequence[tuple[pl.DataFrame, pl.DataFrame]], now: datetime
) -> None:
    if not found:
        return
    after = breaks.follow(
        run.warehouse.frame("SELECT * FROM recon.breaks"),
        pl.concat(rows for _, rows in found),
        pl.concat(outcomes for outcomes, _ in found),
        in_scope=seen.covers,
        now=now,
    )
    run.warehouse.upsert("recon.breaks", after)


def _decide(
    run: Run, subject: str, rows: pl.DataFrame, outcome: str, policies: dict[str, str]
) -> None:
    last = findings.last_decisions(run.warehouse, subject)
    taken = breaks.decisions(subject, rows, outcome, policies, last, run.now())
    run.warehouse.insert("recon.decisions", taken)


def _about(run: Run) -> dict[str, object]:
    return {"run_id": run.run_id, "decided_at": run.now()}


def _none(contract: object) -> pl.DataFrame:
    return pl.DataFrame(schema={n: c.dtype.type for n, c in contract.columns.items()})  # type: ignore[attr-defined]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
