"""Tables on a terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table as RichTable

from flows.engine.labels import Said, said
from flows.engine.report import Table
from transforms.words.languages import Language

PIPED_WIDTH = 160
WHOLE = frozenset(
    {"amount", "amount_at_stake", "break", "code", "command_id", "euros", "reference", "period"}
    | {
        "currency",
        "run_id",
        "happened_at",
        "invoice_date",
        "due_date",
        "billing_deadline",
        "bill_id",
    }
)
"""Columns that are never broken over lines: what people copy, dates, and numbers."""
SENTENCES = frozenset({"change", "explanation", "holds", "last_error", "said", "todo", "why"})
"""Columns of sentences: they stand under their row where the terminal is too narrow for them."""
_SENTENCE_WIDTH, _GAP, _EDGE = 40, 3, 1


def console() -> Console:
    """Standard output; wide where it is no terminal, so that tables keep their shape in files."""
    out = Console()
    return out if out.is_terminal else Console(width=PIPED_WIDTH)


def show(console: Console, table: Table, language: Language = "en") -> None:
    """Prints one table, numbers to the right; a line where it is empty."""
    shown = said(table, language)
    if not shown.rows:
        console.print(f"[bold]{escape(shown.title)}[/bold]: {escape(shown.empty)}")
        return
    least = [_least_width(shown, at) for at in range(len(shown.names))]
    if sum(least) + _GAP * len(least) + _EDGE <= console.width:
        _whole_table(console, shown, least)
    else:
        _row_by_row(console, shown)


def _cells(shown: Said, at: int) -> list[str]:
    """Everything that stands in a column."""
    return [shown.headings[at], *(row[at] for row in [*shown.rows, *shown.totals])]


def _least_width(shown: Said, at: int) -> int:
    """The width below which a word or a figure would be broken."""
    if shown.names[at] in SENTENCES:
        return min(_SENTENCE_WIDTH, max(map(len, _cells(shown, at))))
    cells = _cells(shown, at)
    if shown.numeric[at] or shown.names[at] in WHOLE:
        return max(*map(len, cells[1:]), *map(len, cells[0].split()))
    return max(len(word) for cell in cells for word in cell.split() or [""])


def _whole_table(console: Console, shown: Said, least: Sequence[int]) -> None:
    widths = _fitted(shown, range(len(shown.names)), console.width - _EDGE, _GAP, least)
    grid = RichTable(title=shown.title, title_justify="left", box=box.SIMPLE_HEAD)
    for at, heading in enumerate(shown.headings):
        grid.add_column(
            heading,
            justify="right" if shown.numeric[at] else "left",
            overflow="fold",
            no_wrap=shown.names[at] in WHOLE or shown.numeric[at],
            min_width=least[at],
            max_width=max(widths[at], least[at]),
        )
    for row in shown.rows:
        grid.add_row(*map(escape, row))
    for row in shown.totals:
        grid.add_section()
        grid.add_row(*map(escape, row), style="bold")
    console.print(grid)


def _row_by_row(console: Console, shown: Said) -> None:
    """The table with each row's sentences under it, as wide as its figures need."""
    short = [at for at, name in enumerate(shown.names) if name not in SENTENCES]
    widths = _fitted(shown, short, console.width, 2, [1] * len(shown.names))
    console.print(f"[italic]{escape(shown.title)}[/italic]")
    console.print(_line(shown, short, widths, shown.headings), style="bold")
    for row in shown.rows:
        console.print(_line(shown, short, widths, row))
        for at, cell in enumerate(row):
            if at not in short and cell:
                console.print(Padding(escape(cell), (0, 0, 0, 4)), style="dim")
    for row in shown.totals:
        console.print(_line(shown, short, widths, row), style="bold")


def _fitted(
    shown: Said, columns: Sequence[int], room: int, gap: int, least: Sequence[int]
) -> list[int]:
    """Widths of the columns: what they ask for, texts cut down where there is no room for all."""
    widths = [max(map(len, _cells(shown, at))) for at in columns]
    texts = [
        place
        for place, at in enumerate(columns)
        if not shown.numeric[at] and shown.names[at] not in WHOLE
    ]
    while sum(widths) + gap * len(widths) > room:
        wider = [place for place in texts if widths[place] > least[columns[place]]]
        if not wider:
            break
        widths[max(wider, key=widths.__getitem__)] -= 1
    return widths


def _line(
    shown: Said, short: Sequence[int], widths: Sequence[int], row: Sequence[str]
) -> RichTable:
    line = RichTable(box=None, show_header=False, padding=(0, 2, 0, 0))
    for at, width in zip(short, widths, strict=True):
        line.add_column(
            justify="right" if shown.numeric[at] else "left", width=width, overflow="fold"
        )
    line.add_row(*(escape(row[at]) for at in short))
    return line
