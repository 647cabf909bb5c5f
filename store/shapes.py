"""Where the columns of a record stand in its JSON, and how they are taken out of it as texts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from store.warehouse import Warehouse

PARENT_KEY = "_parent"


@dataclass(frozen=True)
class ChildShape:
    """A list inside a record: the table its items go to and where each column stands in an item."""

    table: str
    path: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Shape:
    """Where the columns of a record stand in its JSON.

    Args:
        source: source of the stream.
        stream: the stream.
        table: table of core, without its schema.
        columns: JSON path by column.
        json_columns: columns that keep JSON as it is.
        children: lists inside the record.
        gaps: for a table with `incomplete_fields`, the column to look at by the name to list.
        archived: JSON path that is true in a record that its source has put away.
    """

    source: str
    stream: str
    table: str
    columns: Mapping[str, str]
    json_columns: frozenset[str] = frozenset()
    children: tuple[ChildShape, ...] = ()
    gaps: Mapping[str, str] = field(default_factory=dict)
    archived: str | None = None

    @property
    def raw_table(self) -> str:
        """Table of raw that keeps the records as served."""
        return f"raw.{self.source}_{self.stream}"

    @property
    def parent_key(self) -> str:
        """Column of the child tables that points at the record."""
        return f"{self.table.removesuffix('s')}_id"


@dataclass(frozen=True)
class Batch:
    """Some staged records as texts, `seq` telling which; child frames by table."""

    records: pl.DataFrame
    children: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def texts(warehouse: Warehouse, shape: Shape, staged: str) -> Batch:
    """The columns of staged records as texts.

    Args:
        warehouse: the open working file.
        shape: where the columns stand.
        staged: a relation with `seq`, `id` and `payload`, as SQL.

    Returns:
        Records with `seq` and, for each child table, `list:TABLE` (the JSON type of its list);
        children with `seq`, the parent's key and `line_no` from 1.
    """
    plain = [name for name in shape.columns if name not in {"id", *shape.json_columns}]
    values = ", ".join(f'v[{i}] AS "{name}"' for i, name in enumerate(plain, 1))
    kept = "".join(
        f", nullif(json_extract(payload, '{shape.columns[name]}')::VARCHAR, 'null') AS \"{name}\""
        for name in shape.columns
        if name in shape.json_columns
    )
    lists = "".join(
        f", json_type(payload, '{c.path}') AS \"list:{c.table}\"" for c in shape.children
    )
    records = warehouse.frame(
        f"SELECT seq, id, {values}{kept}{lists} FROM (SELECT *, json_extract_string(payload,"
        f" {[shape.columns[name] for name in plain]}) AS v FROM {staged}) ORDER BY seq"
    )
    return Batch(records, {c.table: _items(warehouse, shape, c, staged) for c in shape.children})


def _items(warehouse: Warehouse, shape: Shape, child: ChildShape, staged: str) -> pl.DataFrame:
    values = ", ".join(f'item.{_dotted(path)} AS "{name}"' for name, path in child.columns.items())
    return warehouse.frame(
        f'SELECT seq, id AS "{shape.parent_key}", line_no::INTEGER AS line_no, {values} FROM ('
        "SELECT seq, id, unnest(items) AS item, unnest(range(1, len(items) + 1)) AS line_no FROM ("
        f"SELECT seq, id, from_json(json_extract(payload, '{child.path}'),"
        f" '[{json.dumps(_tree(child.columns))}]') AS items FROM {staged})) ORDER BY seq, line_no"
    )


def _dotted(path: str) -> str:
    return ".".join(f'"{part}"' for part in path.removeprefix("$.").split("."))


def _tree(columns: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in columns.values():
        *parents, leaf = path.removeprefix("$.").split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = "VARCHAR"
    return tree
