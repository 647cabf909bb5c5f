"""Findings to commands: what is to be written where, and how a new plan meets the old one.

A command's id is the hash of its kind, target and natural key, so planning the same thing again
finds the row that stands (write-back.md). Commands are frames with the columns of `ops.outbox`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from transforms.clients.ledger import LEDGER
from transforms.overrides import REJECTED
from transforms.policy import Policy
from transforms.words.figures import sentence

if TYPE_CHECKING:
    from transforms.clients.billing import Billing

VALIDATE = "boond.cra.validate"
INVALIDATE = "boond.cra.invalidate"
INVOICE = "boond.invoice.create"
REGISTER = "boond.supplier_invoice.register"
FLAG = "boond.supplier_invoice.flag"
EMAIL = "notify.email"
SMS = "notify.sms"

STANDING = ("sending", "unknown", "done")
WAITING = ("planned", "awaiting_approval", "approved")
_RUN_DATED = ("issue_date", "due_date", "subject", "text", "html")

INSTANT = pl.Datetime("us", "UTC")
WANTED = {
    "command_id": pl.String(),
    "kind": pl.String(),
    "target": pl.String(),
    "natural_key": pl.String(),
    "subject_id": pl.String(),
    "payload": pl.String(),
    "depends_on": pl.List(pl.String),
    "state": pl.String(),
}
OUTBOX = WANTED | {
    "attempts": pl.Int32(),
    "vendor_id": pl.String(),
    "last_error": pl.String(),
    "planned_at": INSTANT,
    "sent_at": INSTANT,
    "settled_at": INSTANT,
}


def command_id(kind: str, target: str, natural_key: str) -> str:
    """The id of a command: the same thing planned twice has the same id."""
    return hashlib.sha256(f"{kind}\n{target}\n{natural_key}".encode()).hexdigest()[:20]


def make_command(
    kind: str,
    target: str,
    natural_key: str,
    subject_id: str,
    payload: Mapping[str, Any],
    *,
    depends_on: Iterable[str] = (),
    awaits: bool = False,
) -> dict[str, Any]:
    """A wanted command (WANTED), planned or waiting for a person."""
    return {
        "command_id": command_id(kind, target, natural_key),
        "kind": kind,
        "target": target,
        "natural_key": natural_key,
        "subject_id": subject_id,
        "payload": json.dumps(payload, default=_text, sort_keys=True, ensure_ascii=False),
        "depends_on": sorted(depends_on),
        "state": "awaiting_approval" if awaits else "planned",
    }


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a payload")


def wants_person(policy: Policy, kind: str, amount: Decimal | None) -> bool:
    """Whether the policy wants a person for a command; an unknown amount under a limit does."""
    rule = policy.approval.get(kind, "never")  # type: ignore[call-overload]
    if isinstance(rule, str):
        return rule == "always"
    return amount is None or abs(amount) > rule


def invoice_subject(period: str, contract_id: str) -> str:
    """What an invoice command is about: a contract and the month that is billed."""
    return f"invoice/{period}/{contract_id}"


def bill_subject(bill_id: str) -> str:
    """What a registration or a payment flag is about: a whole bill."""
    return f"bill/{bill_id}"


def client_commands(
    billing: "Billing", cra_versions: Mapping[str, str], policy: Policy
) -> pl.DataFrame:
    """Commands of the client side: invoices, then validations, and invalidations.

    Args:
        billing: what follows from the comparison; only `proposed` invoices are sent.
        cra_versions: version of each CRA, its `updatedAt` and content hash.
        policy: who must approve what.

    Returns:
        Wanted commands (WANTED).
    """
    proposed = billing.proposals.filter(pl.col("status") == "proposed").to_dicts()
    rows = [_invoice(row) for row in proposed]
    row_of = billing.matches.select("break_id", cra_id="cra_ids").explode("cra_id")
    days = billing.reports.select("cra_id", cra_days="production_days")
    validated = (
        billing.to_validate.join(row_of, on="cra_id")
        .group_by("cra_id")
        .agg(pl.col("break_id").min(), pl.col("reference").drop_nulls().unique())
        .join(days.unique(), on="cra_id", how="left")
    )
    awaits = wants_person(policy, VALIDATE, None)
    for row in validated.to_dicts():
        waits_for = [command_id(INVOICE, name, name) for name in row["reference"]]
        rows.append(
            _status(VALIDATE, "validated", row, cra_versions, depends_on=waits_for, awaits=awaits)
        )
    rows += [
        _status(INVALIDATE, "invalidated", row, cra_versions, awaits=row["awaiting_approval"])
        for row in billing.to_invalidate.to_dicts()
    ]
    return as_wanted(rows)


def _status(
    kind: str, status: str, row: Mapping[str, Any], versions: Mapping[str, str], **about: Any
) -> dict[str, Any]:
    """A status for a CRA that still has the days on which it was decided."""
    cra_id = row["cra_id"]
    key = f"{cra_id}|{status}|{versions[cra_id]}"
    payload = {"status": status, "total_days": row["cra_days"]}
    return make_command(kind, cra_id, key, row["break_id"], payload, **about)


def _invoice(row: Mapping[str, Any]) -> dict[str, Any]:
    lines = [
        {name: line[name] for name in ("description", "quantity", "unit_price", "total_excl_tax")}
        for line in json.loads(row["lines"])
    ]
    taken = ("reference", "client_id", "contract_id", "issue_date", "due_date", "currency")
    totals = ("total_excl_tax", "total_tax", "total_incl_tax")
    payload = {name: row[name] for name in taken + totals} | {"lines": lines, "status": "draft"}
    subject, reference = invoice_subject(row["period"], row["contract_id"]), row["reference"]
    awaits = row["awaiting_approval"]
    return make_command(INVOICE, reference, reference, subject, payload, awaits=awaits)


def as_wanted(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Commands as a frame of WANTED, in a fixed order."""
    return pl.DataFrame(rows, schema=WANTED, orient="row").sort("kind", "command_id")


def merge(
    existing: pl.DataFrame,
    wanted: pl.DataFrame,
    *,
    decided: Mapping[str, str],
    in_scope: Callable[[str], bool],
    now: datetime,
    rejected: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """What is to be written to the outbox so that it says what is wanted now (write-back.md).

    Commands that are sending, unknown or done stand. Waiting ones keep their state, and with it a
    person's approval, while their substance is the same; the dates of the run are no substance.
    One that now wants a person, and that no person approved, waits for one. What a person rejected
    stays rejected until its facts change. What nobody asks for any more and was never sent is
    cancelled, if its subject was looked at.

    Args:
        existing: `ops.outbox`.
        wanted: commands that the facts ask for.
        decided: a person's last decision, approved or rejected, by command.
        in_scope: whether a subject was looked at and decided on in this run.
        now: when.
        rejected: who rejected what a subject is about, and why; what is cancelled for it says so.

    Returns:
        Rows of `ops.outbox` (OUTBOX) to put; what stands is left out.
    """
    old = {row["command_id"]: row for row in existing.to_dicts()}
    changes = []
    for row in wanted.to_dicts():
        before = old.get(row["command_id"])
        planned = _planned(row, before, decided.get(row["command_id"]), now)
        if planned is not None:
            changes.append(planned)
    asked = set(wanted.get_column("command_id"))
    for row in old.values():
        dropped = row["command_id"] not in asked and in_scope(row["subject_id"])
        if dropped and row["state"] in WAITING:
            why = (rejected or {}).get(row["subject_id"], "its facts changed before it was sent")
            changes.append(row | {"state": "cancelled", "last_error": why, "settled_at": now})
    schema: dict[str, Any] = dict(OUTBOX)
    return pl.DataFrame(
        [{name: row[name] for name in OUTBOX} for row in changes], schema=schema, orient="row"
    )


def rejected_subjects(
    standing: pl.DataFrame, cra_matches: pl.DataFrame, po_matches: pl.DataFrame
) -> dict[str, str]:
    """What commands are about of which a person rejected a row, with who and why.

    Args:
        standing: decisions of people that stand (`breaks.STANDING`).
        cra_matches: rows of `recon.cra_matches` as they are now.
        po_matches: rows of `recon.po_matches` as they are now.
    """
    said = sentence("rejected by {}: {}", "decided_by", "decision_reason")
    no = standing.filter(pl.col("decision") == REJECTED).select("break_id", said=said)
    invoice = sentence("invoice/{}/{}", "period", "contract_id")
    about = [
        no.select("said", subject="break_id"),
        no.join(cra_matches, on="break_id").select("said", subject=invoice),
        no.join(po_matches, on="break_id").select("said", subject=sentence("bill/{}", "bill_id")),
    ]
    rows = pl.concat(about).drop_nulls().sort("subject", "said").unique("subject", keep="first")
    return dict(rows.select("subject", "said").iter_rows())


def _planned(
    wanted: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    decision: str | None,
    now: datetime,
) -> dict[str, Any] | None:
    fresh = dict.fromkeys(OUTBOX) | {"attempts": 0, "planned_at": now} | dict(wanted)
    if before is None:
        return fresh
    if before["state"] in STANDING:
        return None
    same = _substance(before["payload"]) == _substance(wanted["payload"])
    if before["state"] in WAITING and same:
        kept = {"payload": wanted["payload"], "depends_on": wanted["depends_on"]}
        needs_person = wanted["state"] == "awaiting_approval" and decision != "approved"
        released = wanted["state"] == "planned" and before["state"] == "awaiting_approval"
        state = wanted["state"] if needs_person or released else before["state"]
        renewed = dict(before) | kept | {"state": state}
        return renewed if renewed != dict(before) else None
    if decision == "rejected" and before["state"] == "cancelled" and same:
        return None
    return fresh


def _substance(payload: str) -> dict[str, Any]:
    return {k: v for k, v in json.loads(payload).items() if k not in _RUN_DATED}


def billed_by(invoices: pl.DataFrame) -> pl.DataFrame:
    """The ledger rows of invoice commands: what they bill once the vendor has them.

    Args:
        invoices: rows of `ops.outbox` of kind `boond.invoice.create`.

    Returns:
        Rows of `recon.billing_ledger`; `billed_at` is when the command was sent.
    """
    rows = []
    for command in invoices.to_dicts():
        payload = json.loads(command["payload"])
        for line in payload["lines"]:
            _, period, consultant_id = line["description"].rsplit(" · ", 2)
            rows.append(
                {
                    "reference": payload["reference"],
                    "contract_id": payload["contract_id"],
                    "consultant_id": consultant_id,
                    "period": period,
                    "days": Decimal(line["quantity"]),
                    "amount": Decimal(line["total_excl_tax"]),
                    "currency": payload["currency"],
                    "invoice_id": command["vendor_id"],
                    "billed_at": command["sent_at"],
                }
            )
    return pl.DataFrame(rows, schema=LEDGER, orient="row")


def in_flight(outbox: pl.DataFrame) -> pl.DataFrame:
    """Invoice commands that may exist at the vendor without our knowing: sending or unknown."""
    return outbox.filter(
        (pl.col("kind") == INVOICE) & pl.col("state").is_in(["sending", "unknown"])
    )
