"""Tables in mails: which column is what, and the rows under the headings."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from transforms.declarations.column_words import columns_meant, heading_text
from transforms.declarations.mail_lines import Reading, Said, Total, is_doubtful, line_read

Headings = dict[str, int]
_LONGEST_DOUBT = 60
_FIGURES = ("days", "days_again", "amount", "contract", "period", "client")


_WEEK = re.compile(r"(?:s|w|sem\.?|semaine|week|wk)? ?\d{1,2}")


def headings(cells: Sequence[str]) -> Headings | None:
    """The columns by what they hold, where the cells are headings of a name and of days."""
    found: Headings = {}
    weeks = 0
    for at, cell in enumerate(cells):
        weeks += _WEEK.fullmatch(heading_text(cell)) is not None
        for column in columns_meant(cell)[:1]:
            other = "days_again" if column == "days" and "days" in found else column
            found.setdefault(other, at)
    if weeks > 1 and "days" not in found and "total" in found:
        found["days"] = found.pop("total")
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
    read = _doubted(_counted(name, told), told, cells, columns)
    return [
        replace(
            read,
            contract=told.get("contract") or read.contract,
            label=told.get("label") or read.label,
            period=told.get("period") or read.period,
            client=told.get("client") or read.client,
        )
    ]


def _doubted(read: Said, told: dict[str, str], cells: Sequence[str], columns: Headings) -> Said:
    """The reading, less sure for what the row's other cells say."""
    figures = {columns.get(column) for column in _FIGURES}
    others = [cell for at, cell in enumerate(cells) if at not in figures]
    doubtful = next(filter(is_doubtful, others), None)
    if doubtful:
        read = less_sure(read, f"`{doubtful[:_LONGEST_DOUBT]}`", "0.30")
    if told.get("days_again") not in {None, "", told.get("days")}:
        read = less_sure(read, "two columns of days", "0.30")
    return read


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
    count = written + unit
    signed = re.search(r"[€$£]|[A-Z]{3}", told.get("total", ""))
    sum_written = told.get("amount", "") or (told["total"] if signed else "")
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
