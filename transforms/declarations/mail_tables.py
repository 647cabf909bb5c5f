"""Tables in mails: which column is what, and the rows under the headings."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from transforms.declarations.mail_lines import Reading, Said, Total, line_read
from transforms.declarations.mail_period import folded

Headings = dict[str, int]

_COLUMNS: dict[str, str] = {
    "name": r"nom et prenom|nom prenom|prenom nom|nom complet|consultants?|collaborateurs?|name"
    r"|full name|ressources?|resource|intervenants?|prestataires?|salaries?|employees?|personnes?",
    "last": r"noms?|nom de famille|last name|surname",
    "first": r"prenoms?|first name|given name",
    "days": r"(?:nb|nbre|nombre|total|no)?\.? ?(?:de |of )?(?:jours?|jrs?|j|days?|jh)"
    r"(?: (?:travailles|factures|valides|worked|declares|prestes|realises))?|qte|quantite|quantity"
    r"|uo|days worked",
    "amount": r"(?:montant|total|amount|sum|prix)(?: ht| \(?(?:ht|eur|€)\)?| excl\.? tax)?",
    "contract": r"contrats?|contract|bdc|bon de commande|commande",
    "label": r"projets?|project|missions?|prestation|lot|description",
    "period": r"mois|month|periode|period",
    "client": r"clients?|customer|societe",
}


def headings(cells: Sequence[str]) -> Headings | None:
    """The columns by what they hold, where the cells are headings of a name and of days."""
    found: Headings = {}
    for at, cell in enumerate(cells):
        text = re.sub(r"[\s:*]+", " ", folded(cell)).strip()
        for column, pattern in _COLUMNS.items():
            if column not in found and re.fullmatch(pattern, text):
                found[column] = at
                break
    named = "name" in found or "last" in found
    return found if named and "days" in found else None


def row_read(cells: Sequence[str], columns: Headings) -> Reading:
    """What a row under headings declares: one person, a total, or nothing."""
    told = {name: cells[at].strip() for name, at in columns.items() if at < len(cells)}
    parts = [told.get("name"), told.get("first"), told.get("last")]
    name = " ".join(part for part in parts if part)
    if not re.search(r"\w", "".join(cells)):
        return []
    first = next(cell for cell in cells if cell)
    if not name or isinstance(line_read(first), Total):
        return _unnamed(first, told)
    read = _counted(name, told)
    return [
        replace(
            read,
            contract=told.get("contract") or read.contract,
            label=told.get("label") or read.label,
            period=told.get("period") or read.period,
            client=told.get("client") or read.client,
        )
    ]


def _unnamed(first: str, told: dict[str, str]) -> Reading:
    total = line_read(f"Total {told.get('days', '')}")
    if isinstance(line_read(first), Total):
        return total
    # a sum often stands alone in the last row
    return total if told.get("days") else []


def _counted(name: str, told: dict[str, str]) -> Said:
    """The days and the amount by the grammar of lines, with the unit that the heading tells."""
    written = told.get("days", "")
    if not written:
        return Said(name=name, problem="days is missing")
    unit = " d" if re.fullmatch(r"[-+]?[\d., ]+", written) else ""
    count = re.sub(r"(?<=\d) (?=\d)", "", written) + unit
    sum_written = told.get("amount", "")
    is_bare = re.fullmatch(r"[\d., ]*\d", sum_written) is not None
    sign = " €" if is_bare else ""  # only to be read as money: no currency is told
    read = line_read(f"Un Nom | {count} | {sum_written}{sign}")
    if isinstance(read, Total) or not read:
        return Said(name=name, problem=f"days is no number: {written}")
    if len(read) > 1 or read[0].lost.get("no unit beside the number"):
        return Said(name=name, problem=f"days is no number: {written}")
    code = None if is_bare else read[0].currency
    return replace(read[0], name=name, label=None, currency=code)


def less_sure(said: Said, reason: str, loss: str) -> Said:
    """The reading, less sure by `loss` for a reason."""
    return replace(said, lost=said.lost | {reason: Decimal(loss)})
