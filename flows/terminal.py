"""Tables on a terminal."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from flows.engine.report import Table, text

PIPED_WIDTH = 160
WHOLE = frozenset(
    {"amount", "amount_at_stake", "break", "code", "command_id", "euros", "reference", "period"}
)
"""Columns that are never broken over lines: what people copy, and numbers."""


def console() -> Console:
    """Standard output; wide where it is no terminal, so that tables keep their shape in files."""
    out = Console()
    return out if out.is_terminal else Console(width=PIPED_WIDTH)


def show(console: Console, table: Table, *, columns: tuple[str, ...] = ()) -> None:
    """Prints one table, numbers to the right; a line where it is empty."""
    rows = table.rows.select(columns) if columns else table.rows
    if rows.is_empty():
        console.print(f"[bold]{escape(table.title)}[/bold]: {escape(table.empty)}")
        return
    shown = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD)
    for name, dtype in rows.schema.items():
        shown.add_column(
            name.replace("_", " "),
            justify="right" if dtype.is_numeric() else "left",
            overflow="fold",
            no_wrap=name in WHOLE,
        )
    for row in rows.iter_rows():
        shown.add_row(*(escape(text(value)) for value in row))
    for row in (table.totals().select(columns) if columns else table.totals()).iter_rows():
        shown.add_section()
        shown.add_row(*(escape(text(value)) for value in row), style="bold")
    console.print(shown)
