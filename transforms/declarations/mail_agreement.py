"""Whether what one mail says of a person agrees with the rest that it says.

What does not agree is never chosen from: it takes 0.30 off the confidence of all that it touches.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from transforms.declarations.forms import Row
from transforms.declarations.mail_lines import Said, Total, doubt_in, line_read
from transforms.declarations.mail_period import folded, mentions
from transforms.declarations.mail_words import ABSENCES

MUCH = "0.30"
OTHERWISE = "the total says otherwise"


@dataclass
class Totals:
    """Totals against the lines above them: all so far, or those since the last total."""

    all: Decimal = Decimal(0)
    since: Decimal = Decimal(0)
    contradict: bool = False

    def declared(self, said: Sequence[Said]) -> None:
        """Adds the days of lines."""
        days = sum((one.days for one in said if one.days is not None), Decimal(0))
        self.all, self.since = self.all + days, self.since + days

    def told(self, total: Total) -> None:
        """Holds a total against the lines above it."""
        if total.days is not None and total.days not in {self.all, self.since}:
            self.contradict = True
        self.since = Decimal(0)


def key(name: str | None) -> str:
    """The words of a name in any order."""
    return " ".join(sorted(re.findall(r"\w+", folded(name or ""))))


def beside_unread(rows: list[Row]) -> list[Row]:
    """The rows, less sure where another line of the person cannot be read.

    A line that names nobody may go on about the person above it.
    """
    people, above = set(), ""
    for row in rows:
        who = key(str(row.get("consultant") or ""))
        if row.get("problem") and not (not who and doubt_in(str(row["line_text"]))):
            people.add(who or above)
        above = who or above
    said = "another line of the person cannot be read"
    return [
        unsure(row, said)
        if not row.get("problem") and key(str(row.get("consultant") or "")) in people
        else row
        for row in rows
    ]


def without_totals(rows: list[Row]) -> list[Row]:
    """The rows of one table without its totals; all less sure where one says otherwise.

    Those below a row that says `Absences` are less sure too.
    """
    totals, kept, absent = Totals(), [], False
    for row in rows:
        absent = absent or ABSENCES.match(folded(str(row.get("consultant") or ""))) is not None
        days = row.get("days")
        count = days if isinstance(days, Decimal) else None
        if isinstance(line_read(str(row.get("consultant") or "")), Total):
            totals.told(Total(count))
        else:
            totals.declared([Said(days=count)])
            kept.append(unsure(row, "under a heading of absences") if absent else row)
    return [unsure(row, OTHERWISE) for row in kept] if totals.contradict else kept


def hung(row: Row, place: str, month: str | None) -> Row:
    """An attached row with its month, less sure for what its cells and its table's name say."""
    named = mentions(place.replace("_", " "))
    if doubt := doubt_in(str(row["line_text"]).partition(": ")[2] or str(row["line_text"])):
        row = unsure(row, f"`{doubt}`")
    if row.get("period"):
        return row
    period = month or (min(named.told) if len(named.told) == 1 else None)
    here = named.alone | {int(told[5:]) for told in named.told}
    if period and here and here != {int(period[5:])}:
        row = unsure(row, "in a table named for another month")
    return row | {"period": period}


def each_once(rows: list[Row]) -> list[Row]:
    """The rows, less sure where a person's month stands in two tables, or twice in one."""
    places: dict[tuple[str, str], set[object]] = defaultdict(set)
    for row in rows:
        places[_who(row)].add(row.get("sheet"))
    counts = Counter(map(_whole_line, rows))
    kept = [unsure(row, "said twice") if counts[_whole_line(row)] > 1 else row for row in rows]
    return [unsure(row, "in two tables") if len(places[_who(row)]) > 1 else row for row in kept]


def _whole_line(row: Row) -> tuple[object, ...]:
    return *_who(row), row.get("days"), row.get("contract"), row.get("sheet")


def compared(spoken: list[Row], hanging: list[Row]) -> tuple[list[Row], list[Row]]:
    """Text and attachments: what both say of a person counts once, what differs is unsure."""
    in_text, in_files = _by_person(spoken), _by_person(hanging)
    differ = {who for who, days in in_text.items() if in_files.get(who, days) != days}
    loose = [row for row in spoken if _who(row) not in in_files or _who(row) in differ]
    said = "text and attachment differ"
    return (
        [unsure(row, said) if _who(row) in differ else row for row in loose],
        [unsure(row, said) if _who(row) in differ else row for row in hanging],
    )


def _by_person(rows: Sequence[Row]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        if isinstance(days := row.get("days"), Decimal) and not row.get("problem"):
            sums[_who(row)] += days
    return sums


def _who(row: Row) -> tuple[str, str]:
    return key(str(row.get("consultant") or "")), str(row.get("period") or "")


def unsure(row: Row, reason: str) -> Row:
    """The row, less sure for a reason."""
    sure = row.get("confidence", Decimal(1))
    doubts = "; ".join(filter(None, [str(row.get("doubt") or ""), reason]))
    less = max(Decimal(0), Decimal(str(sure)) - Decimal(MUCH))
    return row | {"confidence": less, "doubt": doubts}
