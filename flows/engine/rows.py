"""From staged records to canonical rows: taken apart, parsed, checked, stored or quarantined."""

import polars as pl

from checks.contracts import CORE, dtypes
from checks.findings import broken_rows
from sources.streams import Stream
from store.shapes import PARENT_KEY, Batch, ChildShape, Shape
from store.staging import Staging
from transforms.canonical import typed
from transforms.words.figures import sentence


def shape_of(stream: Stream) -> Shape:
    """What the store must know of a stream to take its records apart."""
    found = stream.columns
    paths = {c.name: f"$.{PARENT_KEY}" if c.kind == "parent" else c.path for c in found.columns}
    if stream.updated is None:
        paths.setdefault("updated_at", "$.updatedAt")
    by_path = {c.path: c.name for c in found.columns} | {
        c.path: f"list:{c.table}" for c in found.children
    }
    return Shape(
        source=stream.source,
        stream=stream.name,
        table=stream.table,
        columns=paths,
        json_columns=frozenset(c.name for c in found.columns if c.kind == "json"),
        children=tuple(
            ChildShape(c.table, c.path, {column.name: column.path for column in c.columns})
            for c in found.children
        ),
        gaps={c.name: by_path[c.path] for c in found.incomplete},
        archived=stream.archived,
    )


def store_checked(staging: Staging) -> tuple[int, str]:
    """Parses, checks and stores what is staged; the rest goes to quarantine.

    Returns:
        Records refused, and what was wrong with the first.
    """
    refused, first = 0, ""
    for batch in staging.batches():
        records, children, findings = checked(staging.shape, batch)
        bad = findings.select("seq").unique()
        if bad.height:
            first = first or findings.row(0, named=True)["message"]
            staging.refuse(findings)
            refused += bad.height
        staging.accept(
            records.join(bad, on="seq", how="anti"),
            {t: rows.join(bad, on="seq", how="anti").drop("seq") for t, rows in children.items()},
        )
    return refused, first


def checked(
    shape: Shape, batch: Batch
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame], pl.DataFrame]:
    """A batch of texts as canonical rows, and what their contracts say against them.

    Returns:
        Records with `seq`; child rows with `seq`, by table; findings with `seq`.
    """
    records, findings = _typed_rows(shape.table, _with_gaps(shape, batch.records))
    parents = records.select("seq", "updated_at")
    children = {}
    for child in shape.children:
        rows = batch.children[child.table].join(
            parents, on="seq", how="left", maintain_order="left"
        )
        children[child.table], found = _typed_rows(child.table, rows)
        findings += [*found, _no_list(batch.records, child)]
    return records, children, pl.concat(found.select(_FINDING) for found in findings)


_FINDING = ["seq", "column_name", "check_name", "message"]


def _typed_rows(table: str, texts: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    rows, unread = typed(texts, dtypes(table))
    seqs = texts.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"), "seq")
    said = unread.select("row", "column_name").unique()
    broken = broken_rows(CORE[table], rows).join(said, on=["row", "column_name"], how="anti")
    found = [f.join(seqs, on="row", how="left") for f in (unread, broken)]
    return rows.with_columns(texts.get_column("seq")), found


def _with_gaps(shape: Shape, records: pl.DataFrame) -> pl.DataFrame:
    """Names what the source left out, where the table has a column for it."""
    if not shape.gaps:
        return records
    # a list is known by its JSON type here, and one that is null is left out too
    missing = [
        pl.when(
            pl.col(column).is_null() | (pl.col(column) == "NULL") & column.startswith("list:")
        ).then(pl.lit(name))
        for name, column in shape.gaps.items()
    ]
    return records.with_columns(
        pl.concat_list(missing).list.drop_nulls().list.sort().alias("incomplete_fields")
    )


def _no_list(records: pl.DataFrame, child: ChildShape) -> pl.DataFrame:
    kind = pl.col(f"list:{child.table}")
    return records.filter(kind.is_not_null() & ~kind.is_in(["ARRAY", "NULL"])).select(
        "seq",
        pl.lit(child.table).alias("column_name"),
        pl.lit("list").alias("check_name"),
        sentence("{}: found {}, wanted a list", pl.lit(child.path), kind).alias("message"),
    )
