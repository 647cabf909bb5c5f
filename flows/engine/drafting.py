"""Drafts of letters to suppliers: into the warehouse, and as files that a mail program opens."""

import hashlib
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from checks import results
from checks.findings import must_hold
from flows.engine.facts import Gathered
from flows.engine.labels import markdown, title
from flows.engine.report import Table
from flows.engine.run import Run
from store.files import write_private
from transforms.messages.drafts import DraftFacts, draft_letters

FOLDER = "drafts"
_LONGEST_NAME = 200
_OWN = 0o700
_TABLES = ("bills", "suppliers", "purchase_orders", "consultants", "cras")


def record(run: Run, gathered: Gathered, matches: pl.DataFrame) -> None:
    """Writes the letters of this look in the place of the last ones, in the caller's transaction.

    Args:
        run: the run.
        gathered: what this look stands on.
        matches: `recon.po_matches` of this look.
    """
    people = matches.get_column("consultant_id").drop_nulls().unique().to_list()
    days = run.warehouse.frame(
        "SELECT d.* FROM core.cra_days d JOIN core.cras c ON c.id = d.cra_id"
        " WHERE c.consultant_id IN (SELECT unnest(?::VARCHAR[])) AND c.status <> 'validated'",
        [people],
    )
    core = {name: gathered.core(name) for name in _TABLES}
    letters = draft_letters(
        matches,
        DraftFacts(**core, cra_days=days),
        receipts_from=run.policy.match.receipts_from,
        language=run.settings.RAPPROCHE_LANG,
    )
    run.warehouse.replace(
        "recon.drafts", must_hold(results.DRAFTS, letters), "true", run_id=run.run_id
    )


async def leave(run: Run) -> None:
    """Leaves the drafts as files beside the warehouse, and a table of them."""
    rows = run.warehouse.frame(
        "SELECT coalesce(s.name, d.supplier_id) AS supplier, d.to_email, d.subject, d.amount,"
        " d.currency, d.bill_id, d.text, d.html FROM recon.drafts d"
        " LEFT JOIN core.suppliers s ON s.id = d.supplier_id ORDER BY d.amount DESC, d.bill_id"
    )
    sender = run.settings.MAIL_FROM
    folder = run.settings.WAREHOUSE_PATH.parent / FOLDER
    files = {f"{_file_name(row['bill_id'])}.eml": _as_mail(row, sender) for row in rows.to_dicts()}
    _put(folder, files)
    shown = rows.select("supplier", "to_email", "subject", "amount", "currency").with_columns(
        file=pl.Series([str(folder / name) for name in files], dtype=pl.String)
    )
    table = Table("drafts", "Drafts to suppliers", shown, "No letter is to be written.")
    language = run.settings.RAPPROCHE_LANG
    await run.driver.show(table.key, title(table.title, language), markdown(table, language))


def _file_name(bill_id: str) -> str:
    """The id as a name that every file system takes."""
    said = quote(bill_id, safe="")
    if len(said) <= _LONGEST_NAME:
        return said
    return said[:_LONGEST_NAME] + hashlib.sha256(bill_id.encode()).hexdigest()[:16]


def _as_mail(row: Mapping[str, Any], sender: str | None) -> bytes:
    """A mail that mail programs open as one to be sent."""
    mail = EmailMessage(policy=SMTP)
    mail["X-Unsent"] = "1"
    mail["Subject"] = row["subject"]
    if sender:
        mail["From"] = sender
    if row["to_email"]:
        mail["To"] = row["to_email"]
    mail.set_content(row["text"], cte="quoted-printable")
    mail.add_alternative(row["html"], subtype="html", cte="quoted-printable")
    mail.set_boundary("=_draft")
    return mail.as_bytes()


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Has these drafts in the folder and no others; each file is whole or not there."""
    if not files and not folder.exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=_OWN)
    for name, content in files.items():
        write_private(folder / name, content)
    for file in folder.glob("*.eml"):
        if file.name not in files:
            file.unlink()
