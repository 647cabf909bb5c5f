"""Gather, decide, record: one look at the facts (reconciliation.md, write-back.md).

`facts` reads frames, `decide_*` is the pure transforms, `record` writes findings and commands in
one transaction. Nothing here calls a vendor.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from checks import results
from checks.findings import must_hold
from flows.engine import drafting, drift, notifying
from flows.engine.facts import Gathered, bills_since, gather_suppliers, periods_of
from flows.engine.run import Run
from store import findings, outbox, runs
from transforms import breaks, commands, decisions, overrides
from transforms.clients.billing import Billing, propose_invoices
from transforms.clients.cra_matching import CraMatching, match_cras
from transforms.suppliers.po_matching import BillMatching, match_bills
from transforms.suppliers.registering import supplier_commands
from transforms.words.causes import find_causes
from transforms.words.explanations import explained_bills, explained_cras
from transforms.words.phrases import Names, in_words, names_of
from transforms.words.receipt_causes import find_bill_causes


@dataclass(frozen=True)
class ClientLook:
    """What the client side came to."""

    periods: tuple[str, ...]
    matching: CraMatching
    billing: Billing
    wanted: pl.DataFrame
    causes: pl.DataFrame
    names: Names


@dataclass(frozen=True)
class SupplierLook:
    """What the supplier side came to; `later` are the bills dated after the run, not looked at."""

    matching: BillMatching
    wanted: pl.DataFrame
    names: Names
    later: frozenset[str]

    def covers(self, bill: str) -> bool:
        """Whether a bill, or a line of one (`ID/LINE`), was looked at."""
        return not {bill, bill.rpartition("/")[0]} & self.later


@dataclass(frozen=True)
class Look:
    """One look at both sides, or at one of them.

    `unchecked` names the rows that could not be checked, and what would follow from them.
    """

    clients: ClientLook | None
    suppliers: SupplierLook | None
    unchecked: frozenset[str]
    notified: notifying.Notified | None = None

    def wanted(self) -> pl.DataFrame:
        """Commands that the facts ask for."""
        sides = [side.wanted for side in (self.clients, self.suppliers) if side]
        sides += [self.notified.notices.wanted] if self.notified else []
        return pl.concat(sides) if sides else pl.DataFrame(schema=commands.WANTED)

    def covers(self, subject: str) -> bool:
        """Whether a break or the subject of a command was looked at, and could be checked."""
        kind, _, rest = subject.partition("/")
        if kind == "bill":
            seen = self.suppliers is not None and self.suppliers.covers(rest)
            return seen and subject not in self.unchecked
        if kind == "drift":
            return self.clients is not None and self.suppliers is not None
        if kind in {"mail", "notice"}:
            return self.notified is not None and self.notified.covers(subject)
        if self.clients is None:
            return False
        in_period = rest.partition("/")[0] in self.clients.periods
        return kind == "declaration" or (in_period and subject not in self.unchecked)


def look(
    run: Run,
    *,
    clients: bool = True,
    suppliers: bool = True,
    watch: bool | None = None,
    months: Collection[str] = (),
) -> Look:
    """Decides on the facts as they stand and records what was decided.

    Monitoring is part of a look at both sides, and may be asked for alone (`watch`). `months` are
    looked at beside those of `periods_of`.
    """
    gathered = Gathered(run)
    of_clients = decide_clients(run, gathered, months) if clients else None
    of_suppliers = decide_suppliers(run, gathered) if suppliers else None
    watched = clients and suppliers if watch is None else watch
    told = _for_notices(of_clients, of_suppliers)
    notified = notifying.decide(run, gathered, told, watch=watched)
    seen = Look(of_clients, of_suppliers, _unchecked(of_clients, of_suppliers), notified)
    with run.warehouse.transaction():
        record(run, gathered, seen)
    return seen


def _for_notices(
    clients: ClientLook | None, suppliers: SupplierLook | None
) -> notifying.ClientSide | None:
    if clients is None:
        return None
    holds = [clients.billing.holds] + ([suppliers.matching.holds] if suppliers else [])
    return notifying.ClientSide(
        clients.billing.matches, clients.causes, clients.periods, clients.wanted, holds
    )


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
    holds = [seen.clients.billing.holds] if seen.clients else []
    holds += [seen.suppliers.matching.holds] if seen.suppliers else []
    for frame in holds:
        critical = frame.filter(pl.col("severity") == "critical")
        for code, rows in critical.group_by("code").len().sort("code").iter_rows():
            run.concern(f"{rows} critical {code}: see `rapproche breaks`", code, breaks=rows)


def decide_clients(run: Run, gathered: Gathered, months: Collection[str] = ()) -> ClientLook:
    """Compares declared days with CRA days and proposes invoices."""
    periods = sorted({*periods_of(run), *months})
    facts = gathered.clients
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
    causes = find_causes(matching.rows, facts)
    names = names_of({"contracts": facts.contracts, "people": facts.consultants})
    language = run.settings.RAPPROCHE_LANG
    matches = explained_cras(billing, causes, run.policy, language, names)
    billing = replace(billing, matches=matches)
    versions = findings.cra_versions(run.warehouse)
    wanted = commands.client_commands(billing, versions, run.policy)
    return ClientLook(tuple(periods), matching, billing, wanted, causes, names)


def decide_suppliers(run: Run, gathered: Gathered) -> SupplierLook:
    """Matches purchase orders, supplier invoices and receipts."""
    facts = gather_suppliers(run, gathered)
    matching = match_bills(
        facts,
        as_of=run.as_of,
        since=bills_since(run),
        policy=run.policy,
        currency=run.settings.BILL_COM_CURRENCY,
    )
    causes = find_bill_causes(
        matching.matches, facts, matching.consumption, run.policy.match.receipts_from
    )
    known = {"suppliers": facts.suppliers, "vendors": facts.vendors, "bills": facts.bills}
    names = names_of(known)
    matches = explained_bills(matching, causes, run.settings.RAPPROCHE_LANG, names)
    matching = replace(matching, matches=matches)
    wanted = supplier_commands(
        matching.matches, facts.bills, facts.bill_lines, facts.supplier_invoices, run.policy
    )
    later = facts.bills.filter(pl.col("invoice_date") > run.as_of)["id"]
    return SupplierLook(matching, wanted, names, frozenset(later))


def record(run: Run, gathered: Gathered, seen: Look) -> None:
    """Writes what was decided, and plans the commands, inside the caller's transaction."""
    now = run.now()
    told = [_record_clients(run, gathered, seen.clients)] if seen.clients else []
    told += [_record_suppliers(run, gathered, seen.suppliers)] if seen.suppliers else []
    if seen.notified:
        told.append(_told_of(run, gathered, notifying.record(run, seen.notified)))
    if seen.clients and seen.suppliers:
        reduced = seen.suppliers.matching.reduced
        told.append(_told_of(run, gathered, drift.watch(run, gathered, reduced)))
    _record_breaks(run, seen, told, now)
    before = gathered.commands
    # What the vendor refused in this run is for the next one: the same facts get the same answer.
    refused = before.filter((pl.col("state") == "refused") & (pl.col("run_id") == run.run_id))
    changes = commands.merge(
        before,
        seen.wanted().join(refused, on="command_id", how="anti"),
        decided=findings.decided_commands(run.warehouse),
        in_scope=seen.covers,
        now=now,
        rejected=_rejected(seen, told),
    )
    outbox.put(run.warehouse, changes, run.run_id, now)
    fresh = changes.filter((pl.col("planned_at") == now) & (pl.col("state") != "cancelled"))
    run.counts["commands_planned"] += fresh.height
    runs.count(run.warehouse, run.run_id, commands_planned=fresh.height)


def _rejected(seen: Look, told: Sequence["_Told"]) -> dict[str, str]:
    """What people rejected, by the subjects of its commands."""
    standing = pl.concat([pl.DataFrame(schema=breaks.STANDING), *(side.standing for side in told)])
    of_clients = seen.clients.billing.matches if seen.clients else _none(results.CRA_MATCHES)
    of_suppliers = seen.suppliers.matching.matches if seen.suppliers else _none(results.PO_MATCHES)
    return commands.rejected_subjects(standing, of_clients, of_suppliers)


@dataclass(frozen=True)
class _Told:
    """What one side tells of breaks: outcomes of its rows, those found, decisions that stand."""

    outcomes: pl.DataFrame
    found: pl.DataFrame
    standing: pl.DataFrame


def _record_clients(run: Run, gathered: Gathered, side: ClientLook) -> _Told:
    billing, matching = side.billing, side.matching
    about = {"run_id": run.run_id, "decided_at": run.now()}
    periods = ", ".join(f"'{period}'" for period in side.periods)
    matches = must_hold(results.CRA_MATCHES, billing.matches)
    holds = must_hold(results.HOLDS, billing.holds)
    run.warehouse.replace("recon.cra_matches", matches, f"period IN ({periods})", **about)
    in_periods = f"split_part(break_id, '/', 2) IN ({periods})"
    run.warehouse.replace(
        "recon.holds",
        in_words(holds, run.settings.RAPPROCHE_LANG, side.names),
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
    rows = matches.select("break_id", "outcome")
    lines = holds.filter(pl.col("subject") == "declaration")
    # a line that has a row is decided with it
    unread = lines.join(rows, on="break_id", how="anti").select("break_id", outcome="code")
    loose = _loose_inputs(billing, holds)
    inputs = pl.concat([billing.inputs.select(list(decisions.INPUTS)), loose])
    _decide(run, "cra", rows, inputs, {"*": policy})
    _decide(run, "declaration", unread.unique("break_id"), inputs, {"*": "{}"})
    return _Told(
        pl.concat([rows, _removed(run)]),
        breaks.found(matches, _none(results.PO_MATCHES), holds),
        _standing(
            gathered,
            billing.decided,
            breaks.effective(billing.decided, matches, "break_id"),
            inputs.join(rows, on="break_id", how="anti"),
        ),
    )


def _removed(run: Run) -> pl.DataFrame:
    """Breaks of lines that could not be read, whose file is there no more."""
    ids = findings.removed_files(run.warehouse).to_list()
    stored = run.warehouse.frame("SELECT break_id, kind, subject_id FROM recon.breaks")
    gone = stored.filter(pl.col("kind") == "declaration", pl.col("subject_id").is_in(ids))
    return gone.select("break_id", outcome=pl.lit(breaks.FILE_REMOVED))


def _record_suppliers(run: Run, gathered: Gathered, side: SupplierLook) -> _Told:
    about = {"run_id": run.run_id, "decided_at": run.now()}
    matches = must_hold(results.PO_MATCHES, side.matching.matches)
    holds = must_hold(results.HOLDS, side.matching.holds)
    consumption = must_hold(results.RECEIPT_CONSUMPTION, side.matching.consumption)
    ended = [bill for bill, is_ended in gathered.settled_bills.items() if is_ended]
    kept = ", ".join(map(_quoted, ["", *ended, *sorted(side.later)]))
    others = f"bill_id NOT IN ({kept})"
    run.warehouse.replace("recon.po_matches", matches, others, **about)
    run.warehouse.replace("recon.receipt_consumption", consumption, others, run_id=run.run_id)
    said = in_words(holds, run.settings.RAPPROCHE_LANG, side.names)
    later = ", ".join(map(_quoted, ["", *sorted(side.later)]))
    run.warehouse.replace(
        "recon.holds",
        said,
        f"break_id LIKE 'bill/%' AND split_part(break_id, '/', 2) NOT IN ({later})",
        run_id=run.run_id,
    )
    findings.remember_parties(run.warehouse, side.matching.links, run.run_id, run.now())
    drafting.record(run, gathered, matches)
    tolerances = dict(side.matching.tolerances.iter_rows()) | {"*": "{}"}
    rows = matches.select("break_id", outcome="status")
    loose = _loose_inputs(side.matching, holds)
    _decide(run, "bill", rows, side.matching.inputs, tolerances)
    return _Told(
        rows,
        breaks.found(_none(results.CRA_MATCHES), matches, holds),
        _standing(
            gathered,
            side.matching.decided,
            breaks.effective(side.matching.decided, matches, "bill_id"),
            loose,
        ),
    )


def _told_of(run: Run, gathered: Gathered, holds: pl.DataFrame) -> _Told:
    """What holds without a row tell; a person decides on each by its figures."""
    inputs = _each_hold(holds)
    rows = inputs.select("break_id", outcome=pl.lit("held"))
    _decide(run, "hold", rows, inputs, {"*": "{}"})
    found = breaks.found(_none(results.CRA_MATCHES), _none(results.PO_MATCHES), holds)
    standing = overrides.standing(inputs, gathered.overrides)
    return _Told(rows.clear(), found, standing.select(list(breaks.STANDING)))


def _each_hold(holds: pl.DataFrame) -> pl.DataFrame:
    """What breaks without a row were decided on: their first hold."""
    first = holds.sort("break_id", "code").unique("break_id", keep="first", maintain_order=True)
    return decisions.rows_as_inputs(first)


def _record_breaks(run: Run, seen: Look, told: Sequence[_Told], now: datetime) -> None:
    if not told:
        return
    after = breaks.follow(
        run.warehouse.frame("SELECT * FROM recon.breaks"),
        pl.concat(side.found for side in told),
        pl.concat(side.outcomes for side in told),
        pl.concat(side.standing for side in told),
        in_scope=seen.covers,
        now=now,
    )
    run.warehouse.upsert("recon.breaks", after)


def _loose_inputs(side: Billing | BillMatching, holds: pl.DataFrame) -> pl.DataFrame:
    """What holds were decided on that no row has, such as those of lines nobody can read."""
    return _each_hold(holds.join(side.inputs, on="break_id", how="anti"))


def _standing(
    gathered: Gathered, decided: pl.DataFrame, of_rows: pl.DataFrame, others: pl.DataFrame
) -> pl.DataFrame:
    """Decisions of people that stand: on rows as their side says, on others by their figures."""
    of_others = overrides.standing(others, gathered.overrides)
    new = of_others.join(decided, on="break_id", how="anti")
    return pl.concat([of_rows, new.select(of_rows.columns)])


def _decide(
    run: Run, subject: str, rows: pl.DataFrame, inputs: pl.DataFrame, policies: dict[str, str]
) -> None:
    if rows.is_empty():
        return
    last = findings.last_decisions(run.warehouse, subject)
    taken = decisions.decisions(subject, rows, inputs, policies, last, run.now())
    run.warehouse.insert("recon.decisions", taken)


def _none(contract: object) -> pl.DataFrame:
    return pl.DataFrame(schema={n: c.dtype.type for n, c in contract.columns.items()})  # type: ignore[attr-defined]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
