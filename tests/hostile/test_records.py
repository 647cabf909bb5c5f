"""Records of any form: the bytes of a page end in stored rows or in quarantined ones (P32)."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from flows.engine.rows import shape_of, store_checked
from sources import json_text
from sources.streams import Stream
from store.staging import Staging
from store.warehouse import Warehouse
from tests.hostile.mutations import MARK, STREAMS, Text, mutated, sound, written

NOON = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
PAGES, BROKEN, WHOLE = 3, 160, 4
"""Pages a stream, and records of a page: 11 × 3 × 160 are more than 5,000 mutated records."""


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """A working file."""
    with Warehouse.open(tmp_path / "rapproche.duckdb") as opened:
        yield opened


def served(warehouse: Warehouse, stream: Stream, page: str) -> Staging:
    """What a page brings into the staging table."""
    body, value = json_text.parse(page.encode("utf-8", "surrogatepass"))
    assert isinstance(value["data"], list)
    staging = Staging(warehouse, shape_of(stream), "run", NOON)
    staging.add(body, "$.data", parent="bill-1" if stream.parent else None)
    assert staging.pulled == len(value["data"])
    return staging


def records_of(page: str) -> list[Any]:
    """The records of a page; of two values of one key the first counts."""
    body, _ = json_text.parse(page.encode("utf-8", "surrogatepass"))
    value = json.loads(body, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    found: list[Any] = value["data"]
    return found


def usable_id(record: Any) -> Any:
    """What tells a record from others; None where nothing does."""
    id_ = record.get("id") if isinstance(record, dict) else None
    return id_ if type(id_) in {str, int} and 0 < len(str(id_).strip()) <= 200 else None


def told_twice(page: str) -> int:
    """How many records of a page bear another one's id."""
    usable = [id_ for id_ in map(usable_id, records_of(page)) if id_ is not None]
    return len(usable) - len(set(usable))


def said_twice(stream: Stream, page: str) -> int:
    """How many records without an id say what another one does.

    In a parent's list, only objects say anything.
    """
    loose = [record for record in records_of(page) if usable_id(record) is None]
    kept = [{} if stream.parent and not isinstance(record, dict) else record for record in loose]
    said = list(map(json.dumps, kept))
    return len(said) - len(set(said))


def store(warehouse: Warehouse, stream: Stream, page: str) -> tuple[int, int]:
    """Records of a page that were stored and that were refused."""
    staging = served(warehouse, stream, page)
    with warehouse.transaction():
        changed = staging.resolve(whole=True)
        refused, _ = store_checked(staging)
    assert isinstance(staging.newest(), dt.datetime | None)
    staging.drop()
    return changed - refused, refused


def page_of(*records: Any) -> str:
    """An answer with these records."""
    return f'{{"data": [{",".join(map(written, records))}]}}'


def marks(warehouse: Warehouse, stream: Stream) -> set[str]:
    """Marks of the records that are stored or wait in quarantine."""
    return {
        row[0]
        for row in warehouse.rows(
            f"SELECT payload->>'$.{MARK}' FROM raw.{stream.source}_{stream.name} UNION"
            f" SELECT payload->>'$.{MARK}' FROM ops.quarantine WHERE source = ? AND stream = ?",
            [stream.source, stream.name],
        )
    }


def row_of(warehouse: Warehouse, stream: Stream, id_: str) -> list[dict[str, Any]]:
    """The canonical row of a record and its children, without what tells records apart."""
    own = warehouse.frame(f"SELECT * FROM core.{stream.table} WHERE id = ?", [id_])
    found = own.drop("id").to_dicts()
    for child in stream.columns.children:
        rows = warehouse.frame(
            f"SELECT * FROM core.{child.table} WHERE {child.parent_column} = ?", [id_]
        )
        found += rows.drop(child.parent_column).sort("line_no").to_dicts()
    return found


@pytest.mark.properties
@pytest.mark.parametrize("name", STREAMS)
def test_p32_any_mutation_of_any_field_is_stored_or_quarantined(
    warehouse: Warehouse, name: str
) -> None:
    """No record is lost, none crashes its page, and none changes the records beside it."""
    stream = STREAMS[name]
    store(warehouse, stream, page_of(sound(stream, "model")))
    model = row_of(warehouse, stream, "model")
    assert model
    for number in range(PAGES):
        random = Random(f"{name} {number}")  # noqa: S311 - seeded, so that a failure is replayed
        broken = [mutated(sound(stream, f"{name}-{number}-{n}"), random) for n in range(BROKEN)]
        whole = [sound(stream, f"whole-{number}-{n}") for n in range(WHOLE)]
        records = random.sample([*broken, *whole], BROKEN + WHOLE)
        page = page_of(*records)
        stored, refused = store(warehouse, stream, page)
        assert stored + refused == len(records) - told_twice(page) - said_twice(stream, page)
        wanted = {r[MARK] for r in records if not isinstance(r, Text)}
        assert len(wanted - marks(warehouse, stream)) == told_twice(page)
        for record in whole:
            assert row_of(warehouse, stream, record["id"]) == model
    for table in (stream.table, *(child.table for child in stream.columns.children)):
        assert warehouse.table(f"core.{table}").to_dicts()  # every value is one that Python has


NO_ID = ["null", '""', '" "', '"\\u00a0"', "true", "1.5", "{}", '{"a": 1}', "[]", '["x"]']
TOO_LONG = f'"{"x" * 201}"'


@pytest.mark.parametrize("told", [*NO_ID, TOO_LONG])
def test_records_without_a_usable_id_are_refused_one_by_one(
    warehouse: Warehouse, told: str
) -> None:
    """What is no id tells no two records apart, so none of them takes the place of another."""
    stream = STREAMS["clients"]
    bad = [sound(stream, f"bad-{n}") | {"id": Text(told)} for n in range(2)]
    left_out = [{k: v for k, v in sound(stream, f"none-{n}").items() if k != "id"} for n in (1, 2)]
    page = page_of(*bad, *left_out, *(sound(stream, str(n)) for n in range(1, 9)))
    assert store(warehouse, stream, page) == (8, 4)
    assert warehouse.rows("SELECT count(*), count(id) FROM ops.quarantine") == [(4, 0)]


def test_a_record_without_an_id_counts_once_however_often_it_is_read(warehouse: Warehouse) -> None:
    """A list that moved is read again, and its refused records are no more than they were."""
    stream = STREAMS["clients"]
    bad = [sound(stream, f"bad-{n}") | {"id": " "} for n in range(2)]
    page = page_of(*bad, *(sound(stream, str(n)) for n in range(4)))
    staging = served(warehouse, stream, page)
    for _ in range(4):
        staging.add(page.encode(), "$.data")
    assert staging.told_apart() == 6
    with warehouse.transaction():
        staging.resolve(whole=True)
        assert store_checked(staging)[0] == 2
    staging.drop()


@pytest.mark.parametrize(
    "instant",
    [
        *("+10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "infinity"),
        *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "10000-01-01T00:00:00Z"),
    ],
)
def test_an_instant_that_no_reader_can_hold_is_refused(warehouse: Warehouse, instant: str) -> None:
    """It would end every later run in the cursor, and every notebook at the row."""
    stream = STREAMS["clients"]
    far = sound(stream, "far") | {"updatedAt": instant}
    assert store(warehouse, stream, page_of(far, sound(stream, "near"))) == (1, 1)


def test_the_end_of_days_is_a_date(warehouse: Warehouse) -> None:
    """9999-12-31 is how many systems say that there is no end."""
    stream = STREAMS["contracts"]
    assert store(warehouse, stream, page_of(sound(stream, "c") | {"endDate": "9999-12-31"})) == (
        1,
        0,
    )
    assert warehouse.rows("SELECT end_date FROM core.contracts") == [(dt.date(9999, 12, 31),)]


@pytest.mark.parametrize("amount", ["1e-400", "-1e-999", "1e400", "0.00001", "NaN", "1e999999999"])
def test_an_amount_is_never_rounded_to_zero(warehouse: Warehouse, amount: str) -> None:
    """What a binary float would make 0 or infinite is refused as written."""
    stream = STREAMS["invoices"]
    odd = sound(stream, "odd") | {"amount": Text(amount)}
    assert store(warehouse, stream, page_of(odd, sound(stream, "fine"))) == (1, 1)
    [(message,)] = warehouse.rows("SELECT message FROM ops.quarantine")
    assert amount in message


@pytest.mark.parametrize("opens", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [150, 250, 100_000])
def test_a_field_that_is_nested_too_deep_costs_its_record_alone(
    warehouse: Warehouse, opens: str, depth: int
) -> None:
    """The page is read, and what lies beside the field is as it was."""
    stream = STREAMS["invoices"]
    closes = "]" if opens == "[" else "1" + "}" * depth
    deep = Text(opens * depth + (closes * depth if opens == "[" else closes))
    page = page_of(sound(stream, "a") | {"amount": deep}, sound(stream, "b") | {"extra": deep})
    assert store(warehouse, stream, page) == (1, 1)
    assert warehouse.rows("SELECT id FROM raw.bill_invoices") == [("b",)]


def test_a_byte_order_mark_is_no_error(warehouse: Warehouse) -> None:
    """Some servers put one before their JSON."""
    assert store(
        warehouse, STREAMS["clients"], "\ufeff" + page_of(sound(STREAMS["clients"], "c"))
    ) == (1, 0)
