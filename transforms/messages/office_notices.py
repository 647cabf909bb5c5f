"""What clients' billing contacts (reconciliation.md 1.4) and our operations are told."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from transforms.commands import EMAIL, INVOICE, STANDING, VALIDATE, WAITING
from transforms.messages.letters import address
from transforms.messages.notices import OPEN, Desk, Notices, Row, nothing, notices
from transforms.words.languages import Language
from transforms.words.legend import legend

NO_BILLING_CONTACT = "NO_BILLING_CONTACT"
BILLING = "billing"
OPERATIONS = "operations"

_ZERO = Decimal(0)


def billing_mails(
    desk: Desk,
    commands: pl.DataFrame,
    clients: pl.DataFrame,
    client_invoices: pl.DataFrame,
) -> Notices:
    """Tells clients what was billed, once invoice and CRAs are settled at the vendor.

    Args:
        desk: what all messages have in common.
        commands: wanted commands of the client side.
        clients: core.clients.
        client_invoices: core.client_invoices; one that a person cancelled is not told.
    """
    known = {row["id"]: row for row in clients.to_dicts()}
    cancelled = set(client_invoices.filter(pl.col("status") == "cancelled")["reference"])
    validations = _validations(desk, commands)
    rows: list[Row] = []
    holds: list[Row] = []
    for invoice in _invoices(desk, commands).to_dicts():
        billed = json.loads(invoice["payload"])
        client, period = known.get(billed["client_id"]), invoice["subject_id"].split("/")[1]
        key = f"{BILLING}|{billed['client_id']}|{period}|{billed['reference']}"
        if billed["reference"] in cancelled or desk.is_sent(EMAIL, billed["client_id"], key):
            continue
        to = _billing_address(client["contacts"]) if client else None
        if client is None or to is None:
            holds.append(_no_contact(billed, client))
            continue
        following = validations.of(invoice["command_id"], key)
        rows.append(_billing(desk, billed, period, client["name"], to, invoice, following))
    return notices(rows, holds)


def _invoices(desk: Desk, commands: pl.DataFrame) -> pl.DataFrame:
    """Our invoices: those planned now, and those on their way or confirmed before."""
    columns = ["command_id", "subject_id", "payload"]
    now = commands.filter(pl.col("kind") == INVOICE).select(columns)
    before = desk.outbox.filter(
        pl.col("kind") == INVOICE, pl.col("state").is_in([*WAITING, *STANDING])
    ).select(columns)
    return pl.concat([now, before]).unique("command_id", keep="first").sort("command_id")


@dataclass(frozen=True)
class _Validations:
    """What is validated after invoices: read once, for a month may have many of them.

    Attributes:
        after: CRAs that wait for an invoice, by its command.
        doing: commands that still are to validate a CRA, by that CRA.
        told: CRAs that earlier messages named, by natural key.
    """

    after: Mapping[str, Sequence[str]]
    doing: Mapping[str, Sequence[str]]
    told: Mapping[str, Sequence[str]]

    def of(self, invoice_id: str, key: str) -> Row:
        """CRAs that are validated after the invoice, and the commands that still are to do it."""
        cra_ids = sorted({*self.after.get(invoice_id, ()), *self.told.get(key, ())})
        waits_for = {command for cra in cra_ids for command in self.doing.get(cra, ())}
        return {"cra_ids": cra_ids, "depends_on": sorted(waits_for)}


def _validations(desk: Desk, commands: pl.DataFrame) -> _Validations:
    columns = ["command_id", "target", "depends_on"]
    going = desk.outbox.filter(pl.col("kind") == VALIDATE, pl.col("state").is_in(OPEN))
    rows = pl.concat(
        [commands.filter(pl.col("kind") == VALIDATE).select(columns), going.select(columns)]
    ).unique("command_id", keep="first")
    after, doing, told = (defaultdict[str, list[str]](list) for _ in range(3))
    for command_id, cra_id, depends_on in rows.iter_rows():
        doing[cra_id].append(command_id)
        for invoice_id in depends_on:
            after[invoice_id].append(cra_id)
    for row in desk.messages:
        told[row["natural_key"]] += row["refs"].get("cra_ids", [])
    return _Validations(after, doing, told)


def _billing(
    desk: Desk,
    billed: Row,
    period: str,
    client: str,
    to: str,
    invoice: Row,
    validations: Row,
) -> Row:
    totals = ("total_excl_tax", "total_tax", "total_incl_tax")
    sums = {name: Decimal(billed[name]) for name in totals}
    about = {"period": period, "level": billed["reference"], "cra_ids": validations["cra_ids"]}
    due = billed["due_date"]
    said = {
        "client": client,
        "period": period,
        "reference": billed["reference"],
        "currency": billed["currency"],
        "due_date": date.fromisoformat(due) if due else None,
        "lines": [_billed_line(line) for line in billed["lines"]],
    }
    return desk.email(
        BILLING,
        to,
        billed["client_id"],
        f"mail/{billed['reference']}",
        about | sums,
        said | sums,
        depends_on=[invoice["command_id"], *validations["depends_on"]],
        sum=sums["total_incl_tax"],
    )


def _billed_line(line: Mapping[str, str]) -> Row:
    name, period, _ = line["description"].rsplit(" · ", 2)
    return {
        "name": name,
        "period": period,
        "days": Decimal(line["quantity"]),
        "rate": Decimal(line["unit_price"]),
        "amount": Decimal(line["total_excl_tax"]),
    }


def _billing_address(contacts: str | None) -> str | None:
    """The address of the contact with role `billing`, else the first with an address."""
    told = [row for row in json.loads(contacts or "[]") or [] if isinstance(row, dict)]
    reachable = [(row, to) for row in told if (to := address(_text(row.get("email"))))]
    billing = [to for row, to in reachable if _text(row.get("role")).strip().lower() == BILLING]
    return next(iter([*billing, *(to for _, to in reachable)]), None)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _no_contact(billed: Row, client: Row | None) -> Row:
    name = client["name"] if client else billed["client_id"]
    return {
        "break_id": f"mail/{billed['reference']}",
        "subject": "invoice",
        "subject_id": billed["reference"],
        "code": NO_BILLING_CONTACT,
        "severity": "warning",
        "expected": "a contact with an e-mail address",
        "actual": "none",
        "currency": billed["currency"],
        "detail": f"{name}: only the mail waits, the invoice does not",
    }


def operations(desk: Desk, to: str | None, holds: pl.DataFrame, today: date) -> Notices:
    """Tells operations of critical holds, once a day; what failed is an alarm (`alarms`).

    Args:
        desk: what all messages have in common.
        to: OPS_EMAIL.
        holds: recon.holds of the look.
        today: the run's date.
    """
    known = address(to)
    critical = holds.filter(pl.col("severity") == "critical")
    if known is None or critical.is_empty():
        return nothing()
    counted = (
        critical.group_by("code", "currency")
        .agg(count=pl.len(), priced=pl.col("amount_at_stake").count(), sum="amount_at_stake")
        .sort("code", "currency")
    )
    said = {
        "today": today,
        "holds": [_critical(row, desk.language) for row in counted.to_dicts()],
    }
    about = {"period": f"{today:%Y-%m}", "level": today.isoformat()}
    subject = f"notice/{today.isoformat()}/{OPERATIONS}"
    return notices([desk.email(OPERATIONS, known, OPERATIONS, subject, about, said)])


def _critical(row: Row, language: Language) -> Row:
    entry = legend(language).get(row["code"])
    return {
        "code": row["code"],
        "title": entry.title if entry else row["code"],
        "next_step": entry.next_step if entry else "",
        "count": row["count"],
        "amount": sum(filter(None, row["sum"]), _ZERO) if row["priced"] else None,
        "currency": row["currency"],
    }
