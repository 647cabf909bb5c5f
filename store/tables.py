"""`docs/tables.md`: every table and view with its columns, from the comments of the schema."""

import re
import sys
import tempfile
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from store.warehouse import Warehouse

PLACE = Path(__file__).parents[1] / "docs" / "tables.md"
_HEAD = """\
# Tables

Everything in the published file, as its own comments say it. Written by `python -m store.tables`;
what is to be changed here is changed by a migration. Money is `DECIMAL(18,4)`, days
`DECIMAL(9,4)`, instants `TIMESTAMP WITH TIME ZONE`, months `VARCHAR` as YYYY-MM.
"""
_SCHEMAS = {
    "recon": "what was compared, decided and held; the views for people begin with `v_`",
    "core": "the canonical tables: what vendors and clients say, as it stands now",
    "ops": "runs, cursors, what is written back, who decided, what was called",
    "raw": "what the sources served, as it was served",
}


class Column(NamedTuple):
    """A column of a table or view, with what both say of themselves."""

    schema: str
    table: str
    said: str
    column: str
    dtype: str
    meaning: str


def columns(warehouse: Warehouse) -> list[Column]:
    """All columns of the open working file, in the order of schemas, names and columns."""
    rows = warehouse.rows(
        "SELECT c.schema_name, c.table_name, coalesce(t.comment, v.comment, ''), c.column_name,"
        " c.data_type, coalesce(c.comment, '') FROM duckdb_columns() c"
        " LEFT JOIN duckdb_tables() t USING (database_name, schema_name, table_name)"
        " LEFT JOIN duckdb_views() v ON v.database_name = c.database_name"
        " AND v.schema_name = c.schema_name AND v.view_name = c.table_name"
        " WHERE c.database_name = 'warehouse' AND NOT c.internal"
        " ORDER BY c.table_name LIKE 'v\\_%' ESCAPE '\\' DESC, c.table_name, c.column_index"
    )
    order = list(_SCHEMAS)
    return sorted((Column(*row) for row in rows), key=lambda column: order.index(column.schema))


def document(found: Iterable[Column]) -> str:
    """The document: a section a schema, in it one a table or view."""
    parts = [_HEAD]
    for schema, of_schema in groupby(found, lambda column: column.schema):
        parts.append(f"\n## {schema}\n\n{_SCHEMAS[schema].capitalize()}.\n")
        for _, of_table in groupby(of_schema, lambda column: column.table):
            parts.append(_section(list(of_table)))
    return "".join(parts)


def _section(found: list[Column]) -> str:
    first = found[0]
    lines = [f"| `{c.column}` | {_cell(c.dtype)} | {_cell(c.meaning)} |" for c in found]
    head = ["| column | type | what |", "|---|---|---|"]
    return (
        f"\n### {first.schema}.{first.table}\n\n{first.said}\n\n" + "\n".join(head + lines) + "\n"
    )


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def write(place: Path = PLACE) -> None:
    """Writes the document of the schema as the migrations make it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Warehouse.open(Path(folder) / "empty.duckdb") as warehouse,
    ):
        place.write_text(document(columns(warehouse)), encoding="utf-8")


if __name__ == "__main__":
    write()
    sys.stdout.write(f"{PLACE}\n")
