"""Monitoring and notices as part of a look: who owes a CRA, and who is to be told of what."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from checks import results
from checks.findings import must_hold
from flows.engine.facts import Gathered
from flows.engine.run import Run
from store import findings
from transforms.clients.cra_matching import match_cras
from transforms.clients.cra_outcomes import MATCHES, REMIND, conform
from transforms.messages.consultant_notices import informed, invalidations, reminders
from transforms.messages.notices import Desk, Notices, nothing, together
from transforms.messages.office_notices import billing_mails, operations
from transforms.monitoring import ALERTS, Monitoring, monitor
from transforms.words.phrases import in_words
from transforms.working_days import watched

NEEDED = frozenset({"boond.cras", "boond.consultants", "boond.contracts", "boond.purchase_orders"})
"""Streams without which nobody can be said to owe anything."""


@dataclass(frozen=True)
class Notified:
    """What monitoring and notices came to.

    Attributes:
        notices: what is to be told, and what cannot be.
        billed: whether the client side was looked at, and so what follows from invoices.
        monitoring: what is owed; None where it was not looked at, or could not be.
        period: the only month asked for.
    """

    notices: Notices
    billed: bool
    monitoring: Monitoring | None = None
    period: str | None = None

    def covers(self, subject: str) -> bool:
        """Whether a message or the break of one that cannot be sent was looked at."""
        kind, _, rest = subject.partition("/")
        if kind == "mail":
            return self.billed
        asked = self.period in {None, rest.partition("/")[0]}
        return kind == "notice" and self.monitoring is not None and asked


@dataclass(frozen=True)
class ClientSide:
    """What notices need of a look at the client side."""

    matches: pl.DataFrame
    causes: pl.DataFrame
    periods: tuple[str, ...]
    wanted: pl.DataFrame
    holds: list[pl.DataFrame] = field(default_factory=list)


def decide(run: Run, gathered: Gathered, clients: ClientSide | None, *, watch: bool) -> Notified:
    """Decides who is told of what.

    Args:
        run: the run.
        gathered: what this look stands on.
        clients: what the client side came to; None where it was not looked at.
        watch: monitors too, and tells of what is owed and of what is critical.
    """
    desk = Desk(
        language=run.settings.RAPPROCHE_LANG,
        policy=run.policy,
        outbox=gathered.commands,
        decided=findings.decided_commands(run.warehouse),
        sms=run.settings.SMS_URL is not None,
    )
    consultants = gathered.core("consultants")
    refused = nothing()
    parts = []
    if clients:
        refused = invalidations(desk, clients.wanted, clients.matches, clients.causes, consultants)
        parts += [refused, _billing(gathered, desk, clients)]
    watching = None
    if watch and not run.unread() & NEEDED:
        watching = _monitoring(run, gathered, clients)
        doubtful = _doubtful(gathered)
        told = informed(desk, refused)
        parts.append(reminders(desk, watching.alerts, consultants, told=told, doubtful=doubtful))
    if watch:
        parts.append(_operations(run, desk, clients))
    period = run.parameters.get("period")
    notices = together(parts) if parts else nothing()
    return Notified(notices, clients is not None, watching, period)


def _billing(gathered: Gathered, desk: Desk, clients: ClientSide) -> Notices:
    return billing_mails(
        desk,
        clients.wanted,
        gathered.core("clients"),
        gathered.core("client_invoices"),
    )


def _monitoring(run: Run, gathered: Gathered, clients: ClientSide | None) -> Monitoring:
    asked = run.parameters.get("period")
    periods = watched(run.as_of, asked)
    facts = gathered.clients
    looked = list(clients.periods) if clients else []
    matches = [clients.matches] if clients else []
    missing = [period for period in periods if period not in looked]
    if missing:
        matches.append(match_cras(facts, periods=missing, policy=run.policy).matches)
    if not asked:
        stored = conform(run.warehouse.table("recon.cra_matches"), MATCHES)
        known = pl.col("period").is_in([*looked, *periods])
        matches.append(stored.filter(~known, pl.col("action") == REMIND))
    return monitor(
        facts,
        gathered.core("purchase_orders"),
        gathered.core("purchase_order_lines"),
        pl.concat(matches),
        as_of=run.as_of,
        periods=periods,
    )


def _doubtful(gathered: Gathered) -> frozenset[str]:
    """Consultants whom a quarantined record of BoondManager names."""
    named = gathered.quarantined.filter(pl.col("kind") == "consultant")
    return frozenset(named["id"])


def _operations(run: Run, desk: Desk, clients: ClientSide | None) -> Notices:
    held = clients.holds if clients else [run.warehouse.table("recon.holds").drop("run_id")]
    return operations(desk, run.settings.OPS_EMAIL, pl.concat(held), run.as_of)


def record(run: Run, seen: Notified) -> pl.DataFrame:
    """Writes what is owed and who cannot be told, inside the caller's transaction.

    Returns:
        The holds.
    """
    holds = must_hold(results.HOLDS, seen.notices.holds)
    ids = ", ".join("'" + each.replace("'", "''") + "'" for each in ["", *holds["break_id"]])
    scopes = [f"break_id IN ({ids})"]
    scopes += ["break_id LIKE 'mail/%'"] if seen.billed else []
    period = f"'{seen.period}'" if seen.period else None
    if seen.monitoring:
        scopes.append(f"break_id LIKE 'notice/{seen.period or ''}%'")
        _record_monitoring(run, seen.monitoring, f"period = {period}" if period else "true")
    said = in_words(holds, run.settings.RAPPROCHE_LANG)
    run.warehouse.replace("recon.holds", said, " OR ".join(scopes), run_id=run.run_id)
    return holds


def _record_monitoring(run: Run, watching: Monitoring, scope: str) -> None:
    about: dict[str, Any] = {"run_id": run.run_id}
    alerts = must_hold(results.ACTIVITY_ALERTS, watching.alerts.select(list(ALERTS)))
    run.warehouse.replace("recon.activity_alerts", alerts, scope, **about)
    deadlines = must_hold(results.BILLING_DEADLINES, watching.deadlines)
    run.warehouse.replace("recon.billing_deadlines", deadlines, "true", **about)
