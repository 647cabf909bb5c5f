"""The document of the tables is the schema's own word."""

from pathlib import Path

from store import tables
from store.warehouse import Warehouse


def test_the_document_is_what_the_schema_says(warehouse: Warehouse) -> None:
    """A stale document is refused: `python -m store.tables` writes it anew."""
    assert tables.PLACE.read_text(encoding="utf-8") == tables.document(tables.columns(warehouse))


def test_every_table_and_view_has_its_section(warehouse: Warehouse) -> None:
    """Each table and view has a heading, and each column a line."""
    text = tables.document(tables.columns(warehouse))
    named = warehouse.rows(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns()"
        " WHERE database_name = 'warehouse' AND NOT internal"
    )
    assert text.count("\n### ") == len({row[:2] for row in named})
    assert text.count("\n| `") == len(named)


def test_a_comment_cannot_break_its_cell() -> None:
    """A bar or a line break in a comment stays inside its cell."""
    column = tables.Column("ops", "t", "A table.", "c", "VARCHAR", "one\n| two")
    assert "| `c` | VARCHAR | one \\| two |\n" in tables.document([column])


def test_it_is_written_where_it_is_told(tmp_path: Path) -> None:
    """The command writes the same document as the schema of a run has."""
    place = tmp_path / "tables.md"
    tables.write(place)
    assert place.read_text(encoding="utf-8") == tables.PLACE.read_text(encoding="utf-8")
