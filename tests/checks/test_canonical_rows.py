"""From any record that a vendor's model accepts to canonical rows, whatever its vendor left out.

Each example reads the records of several worlds at once (tests/worlds.py), all of one stream.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from checks.contracts import CORE, dtypes
from flows.engine.rows import _with_gaps, checked, shape_of
from sources import bill_gateway, boond_v3, json_text
from sources.streams import Record, Stream, child_of, kind_of, wire_keys
from store.shapes import PARENT_KEY, Batch, Shape
from store.staging import Staging
from store.warehouse import Warehouse
from tests.worlds import as_many_worlds, side_by_side
from transforms.canonical import typed

pytestmark = pytest.mark.properties

STREAMS = {s.name: s for s in [*boond_v3.STREAMS.values(), *bill_gateway.STREAMS.values()]}
NOON = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
PARIS = dt.timezone(dt.timedelta(hours=1))
ABSENT = object()

SCALARS: Mapping[str, st.SearchStrategy[Any]] = {
    "Decimal": st.decimals(-(10**4), 10**4, places=4),
    "AwareDatetime": st.integers(10**9, 4 * 10**9).map(
        lambda seconds: dt.datetime.fromtimestamp(seconds, PARIS).isoformat()
    ),
    "date": st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)).map(dt.date.isoformat),
    "bool": st.booleans(),
}
"""A value on the wire by what a field's type is called."""

Served = dict[str, Any]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One working file for all examples: nothing of them is stored in it."""
    with Warehouse.open(tmp_path_factory.mktemp("rows") / "rapproche.duckdb") as opened:
        yield opened


def value(info: FieldInfo) -> st.SearchStrategy[Any]:
    """Any value that a field may hold on the wire."""
    child = child_of(info)
    if child is not None:
        return st.lists(served(child), max_size=2)
    if kind_of(info) == "json":
        words = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2)
        return st.lists(words, max_size=2) if "list" in str(info.annotation) else words
    kinds = str(info.annotation)
    found = [strategy for name, strategy in SCALARS.items() if name in kinds]
    return found[0] if found else st.text(min_size=1, max_size=8)


@st.composite
def served(draw: st.DrawFn, record: type[Record]) -> Served:
    """Any object that the model accepts; what is optional may be missing or null."""
    body: Served = {}
    for info in record.model_fields.values():
        keys = (PARENT_KEY,) if kind_of(info) == "parent" else wire_keys(info)
        left_out = st.sampled_from([ABSENT, None])
        optional = not info.is_required() and kind_of(info) != "parent"
        said = draw(left_out | value(info) if optional else value(info))
        if said is not ABSENT:
            put(body, keys, said)
    return body


def put(body: Served, keys: tuple[str, ...], said: Any) -> None:
    """Puts a value at the end of its keys, unless something on the way was said to be nothing."""
    for key in keys[:-1]:
        body = body.setdefault(key, {})
        if body is None:
            return
    body[keys[-1]] = said


@st.composite
def records(
    draw: st.DrawFn, names: tuple[str, ...] = tuple(STREAMS)
) -> tuple[Stream, list[Served]]:
    """A stream and up to three records of it a world, each with an id of its own."""
    stream = STREAMS[draw(st.sampled_from(names))]
    worlds = draw(side_by_side(st.lists(served(stream.record), min_size=1, max_size=3)))
    many = [record for world in worlds for record in world]
    return stream, [record | {"id": f"{record['id']}{n}"} for n, record in enumerate(many)]


def batch_of(warehouse: Warehouse, stream: Stream, many: list[Served]) -> tuple[Shape, Batch]:
    """The records as pages bring them in: staged, and taken apart into texts."""
    body, _ = json_text.parse(json_text.encode(many))
    staging = Staging(warehouse, shape_of(stream), "run", NOON)
    staging.add(body, "$")
    staging.resolve(whole=False)
    [batch] = staging.batches()
    return staging.shape, batch


def rows_of(warehouse: Warehouse, stream: Stream, many: list[Served]) -> pl.DataFrame:
    """The records as canonical rows, before any contract."""
    shape, batch = batch_of(warehouse, stream, many)
    rows, findings = typed(_with_gaps(shape, batch.records), dtypes(stream.table))
    assert findings.is_empty()
    return rows


def said_at(record: Mapping[str, Any], info: FieldInfo) -> Any:
    """What the vendor said of a field; null where it is missing."""
    found: Any = record
    for key in wire_keys(info):
        found = found.get(key) if isinstance(found, dict) else None
    return found


@as_many_worlds()
@given(drawn=records())
def test_p06_what_a_model_accepts_becomes_rows_of_one_form(
    warehouse: Warehouse, drawn: tuple[Stream, list[Served]]
) -> None:
    """Any accepted record has the columns and types of its table, and each line has its row."""
    stream, many = drawn
    for record in many:
        body, _ = json_text.parse(json_text.encode(record))
        stream.record.model_validate_json(body)
    rows, children, findings = checked(*batch_of(warehouse, stream, many))
    assert dict(rows.drop("seq").schema) == dtypes(stream.table)
    assert rows.height == len(many)
    for child in stream.columns.children:
        key = child.path.removeprefix("$.")
        assert dict(children[child.table].drop("seq").schema) == dtypes(child.table)
        assert children[child.table].height == sum(len(record.get(key) or []) for record in many)
    # what the model accepts can be read; only the domain of a value may still be refused
    assert not findings["check_name"].str.starts_with("type").any()


@as_many_worlds()
@given(drawn=records())
def test_p18_what_was_left_out_is_null_and_named(
    warehouse: Warehouse, drawn: tuple[Stream, list[Served]]
) -> None:
    """A value is there exactly where the vendor said one; gaps are named where the table can."""
    stream, many = drawn
    rows = rows_of(warehouse, stream, many)
    by_id = {record["id"]: record for record in many}
    gaps = {c.name: c.path.removeprefix("$.") for c in stream.columns.incomplete}
    for row in rows.to_dicts():
        record = by_id[row["id"]]
        for name, info in stream.record.model_fields.items():
            if child_of(info) is None and kind_of(info) != "parent":
                assert (row[name] is None) == (said_at(record, info) is None), name
        if gaps:
            missing = sorted(name for name, key in gaps.items() if record.get(key) is None)
            assert row["incomplete_fields"] == missing


@as_many_worlds()
@given(drawn=records())
def test_p25_results_have_one_form(
    warehouse: Warehouse, drawn: tuple[Stream, list[Served]]
) -> None:
    """Whichever vendor they came from, rows are keyed by a text id and dated by one instant."""
    stream, many = drawn
    rows, children, findings = checked(*batch_of(warehouse, stream, many))
    assert rows.schema["id"] == pl.String
    assert rows.schema["updated_at"] == pl.Datetime("us", "UTC")
    assert findings.columns == ["seq", "column_name", "check_name", "message"]
    for table, lines in children.items():
        assert lines.schema[f"{stream.table.removesuffix('s')}_id"] == pl.String, table
        assert lines.schema["line_no"] == pl.Int32


@as_many_worlds()
@given(
    ordered=records(tuple(boond_v3.STREAMS)),
    invoiced=records(tuple(bill_gateway.STREAMS)),
)
def test_p26_rows_of_both_vendors_go_together(
    warehouse: Warehouse,
    ordered: tuple[Stream, list[Served]],
    invoiced: tuple[Stream, list[Served]],
) -> None:
    """What both vendors tell under one name joins and stacks without a cast."""
    frames = [rows_of(warehouse, *drawn) for drawn in (ordered, invoiced)]
    shared = [name for name in frames[0].columns if name in frames[1].columns]
    together = pl.concat([frame.select(shared) for frame in frames], how="vertical")
    assert together.height == sum(frame.height for frame in frames)
    assert frames[0].join(frames[1], on="id", how="left").height == frames[0].height


def test_p26_one_name_has_one_type_in_all_tables() -> None:
    """A column name means the same type wherever it stands."""
    kinds: dict[str, set[str]] = {}
    for contract in CORE.values():
        for name, column in contract.columns.items():
            kinds.setdefault(name, set()).add(f"{column.dtype}")
    several = {name: found for name, found in kinds.items() if len(found) > 1}
    assert several == {}
