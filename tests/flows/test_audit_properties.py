"""Whatever happened can be told, and totals tie to the tables (properties P19 and P20)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.engine import audit
from flows.engine.audit import Period
from flows.engine.rows import shape_of
from store import decisions, history
from store.warehouse import Warehouse
from tests.flows.audited import ADA, ALL_TIME, DAY_ONE, STREAMS, serve


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A migrated working file; each example rolls back what it wrote."""
    with Warehouse.open(tmp_path_factory.mktemp("audit") / "r.duckdb") as warehouse:
        yield warehouse


# P20: totals are those of the tables, whatever happened and whichever days are asked for


@dataclass
class Tables:
    """Rows of a generated history, and how many seconds after DAY_ONE each lies."""

    versions: list[tuple[str, int, int, int | None]] = field(default_factory=list)
    commands: list[tuple[int, list[int], int]] = field(default_factory=list)
    approvals: list[tuple[int, int | None]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    calls: list[tuple[int, str]] = field(default_factory=list)
    quarantine: list[tuple[int, int | None]] = field(default_factory=list)


# Eight days, the night of the change of clocks among them.
seconds = st.integers(0, 8 * 86_400)
cents = st.integers(-(10**9), 10**9)
histories = st.builds(
    Tables,
    versions=st.lists(
        st.tuples(st.sampled_from(["bills", "cras"]), st.integers(1, 4), seconds, cents),
        max_size=8,
    ),
    commands=st.lists(
        st.tuples(seconds, st.lists(seconds, max_size=3, unique=True), cents), max_size=4
    ),
    approvals=st.lists(st.tuples(seconds, st.none() | cents), max_size=3),
    runs=st.lists(seconds, max_size=3),
    calls=st.lists(st.tuples(seconds, st.sampled_from(["GET", "POST", "PUT"])), max_size=5),
    quarantine=st.lists(st.tuples(seconds, st.none() | seconds), max_size=3),
)
days = st.integers(-1, 9).map(lambda n: date(2026, 3, 28) + timedelta(days=n))


def _at(second: int) -> str:
    return f"'{(DAY_ONE + timedelta(seconds=second)).isoformat()}'::TIMESTAMPTZ"


def _values(warehouse: Warehouse, table: str, columns: str, rows: list[str]) -> None:
    if rows:
        warehouse.execute(f"INSERT INTO {table} ({columns}) VALUES {', '.join(rows)}")


def _write(warehouse: Warehouse, told: Tables) -> None:
    """Puts the history into the tables."""
    ranks: dict[tuple[str, int], int] = {}
    versions = []
    for table, id_, second, cent in sorted(told.versions, key=lambda each: each[2]):
        rank = ranks[table, id_] = ranks.get((table, id_), 0) + 1
        amount = f'{{"amount": "{Decimal(cent or 0) / 100}", "currency": "EUR"}}'
        versions.append(f"('{table}', '{id_}', {rank}, {_at(second)}, '{amount}')")
    _values(warehouse, "core.history", "table_name, id, version, valid_from, content", versions)
    states, steps = [], []
    for number, (planned, moves, cent) in enumerate(told.commands):
        payload = f'{{"total_excl_tax": "{Decimal(cent) / 100}", "currency": "EUR"}}'
        moved = sorted(planned + 1 + move for move in moves)
        steps += [
            f"('c{number}', 'planned', '{payload}', 0, 'r', {_at(second)})" for second in moved
        ]
        states.append(
            f"('c{number}', 'boond.invoice.create', 't', 'k', 's', '{payload}', [], 'planned', 0,"
            f" {_at(planned)}, 'r')"
        )
    _values(
        warehouse,
        "ops.outbox_history",
        "command_id, state, payload, attempts, run_id, recorded_at",
        steps,
    )
    _values(
        warehouse,
        "ops.outbox",
        "command_id, kind, target, natural_key, subject_id, payload, depends_on, state, attempts,"
        " planned_at, run_id",
        states,
    )
    _values(
        warehouse,
        "ops.approvals",
        "break_id, decision, amount, decided_by, os_user, host, reason, decided_at",
        [
            f"('b', 'approved', {'NULL' if cent is None else Decimal(cent) / 100}, 'Ada', 'a',"
            f" 'h', 'r', {_at(second)})"
            for second, cent in told.approvals
        ],
    )
    _values(
        warehouse,
        "ops.runs",
        "run_id, flow, parameters, started_at, state, rows_read, rows_changed, requests, retries,"
        " rate_limited, quarantined, commands_planned, commands_done",
        [
            f"('r{n}', 'nightly', '{{}}', {_at(second)}, 'completed', 0, 0, 0, 0, 0, 0, 0, 0)"
            for n, second in enumerate(told.runs)
        ],
    )
    _values(
        warehouse,
        "ops.api_calls",
        "called_at, run_id, actor, source, method, path, duration_ms, attempt, cached",
        [
            f"({_at(second)}, 'r', 'a', 'boond', '{method}', '/x', 1, 1, false)"
            for second, method in told.calls
        ],
    )
    _values(
        warehouse,
        "ops.quarantine",
        "source, stream, id, payload, column_name, check_name, message, first_seen_at, run_id,"
        " resolved_at",
        [
            f"('boond', 'cras', '1', '{{}}', 'c', 'k', 'm', {_at(second)}, 'r',"
            f" {'NULL' if end is None else _at(end)})"
            for second, end in told.quarantine
        ],
    )


COUNTED = {
    "versions": "SELECT valid_from AS t, (content->>'amount')::DECIMAL(18,4) AS m"
    " FROM core.history",
    "command": "SELECT planned_at AS t, (payload->>'total_excl_tax')::DECIMAL(18,4) AS m"
    " FROM ops.outbox UNION ALL SELECT recorded_at, (payload->>'total_excl_tax')::DECIMAL(18,4)"
    " FROM ops.outbox_history",
    "person": "SELECT decided_at AS t, amount AS m FROM ops.approvals",
    "run": "SELECT started_at AS t, NULL AS m FROM ops.runs",
    "call": "SELECT called_at AS t, NULL AS m FROM ops.api_calls WHERE method <> 'GET'",
    "quarantined": "SELECT first_seen_at AS t, NULL AS m FROM ops.quarantine",
    "released": "SELECT resolved_at AS t, NULL AS m FROM ops.quarantine",
}
SORTS = {"new": "versions", "changed": "versions", "approved by a person": "person"}


def _counted(warehouse: Warehouse, first: date, last: date) -> dict[str, tuple[int, Any]]:
    """Counts and sums straight from the tables."""
    # clocks went forward in Paris on the 29th at 01:00 UTC
    begin, end = (
        f"'{day} 00:00:00{'+02' if day > date(2026, 3, 29) else '+01'}'::TIMESTAMPTZ"
        for day in (first, last + timedelta(days=1))
    )
    found = {
        sort: warehouse.rows(
            f"SELECT count(*), sum(m) FROM ({sql}) WHERE t >= {begin} AND t < {end}"
        )[0]
        for sort, sql in COUNTED.items()
    }
    return {sort: row for sort, row in found.items() if row[0]}


def _told(totals: pl.DataFrame) -> dict[str, tuple[int, Any]]:
    told: dict[str, tuple[int, Any]] = {}
    for what, _, count, amount, _ in totals.iter_rows():
        sort = SORTS.get(what, what.split()[0])
        before = told.get(sort, (0, None))
        known = [each for each in (before[1], amount) if each is not None]
        told[sort] = (before[0] + count, sum(known) if known else None)
    return told


@pytest.mark.properties
@given(told=histories, first=days, length=st.integers(0, 5), cut=st.integers(-3, 4))
def test_p20_totals_tie_to_the_tables(
    opened: Warehouse, told: Tables, first: date, length: int, cut: int
) -> None:
    """Counts and sums are those of the tables, events as many; halves of a period add up."""
    last = first + timedelta(days=length)
    opened.execute("BEGIN")
    try:
        _write(opened, told)
        if cut < 0:
            totals = audit.totals(opened, Period(first, last))
            assert _told(totals) == _counted(opened, first, last)
            return
        rows = audit.events(opened, Period(first, last))
        assert rows["happened_at"].is_sorted()
        middle = first + timedelta(days=min(cut, length))
        after = Period(middle + timedelta(days=1), last)
        if cut % 2 and middle < last:
            first_half = audit.events(opened, Period(first, middle))
            assert rows.head(first_half.height).equals(first_half)
            begin = after.bounds()[0]
            assert rows.slice(first_half.height).filter(pl.col("happened_at") < begin).is_empty()
        elif middle < last:
            second_half = audit.events(opened, after)
            assert rows.tail(second_half.height).equals(second_half)
        else:
            summed = rows.group_by("what", "kind", "currency").agg(
                pl.len().alias("events"), pl.col("amount").sum()
            )
            assert _told(summed.select("what", "kind", "events", "amount", "currency")) == {
                sort: (count, amount or 0)
                for sort, (count, amount) in _counted(opened, first, last).items()
            }
    finally:
        opened.execute("ROLLBACK")


# P19: any change can be told afterwards

TOLD = [(n, word) for n in (1, 20) for word in ("draft", "paid")]
steps = st.lists(st.sampled_from([*TOLD, "gone", None]), min_size=12, max_size=12)


@pytest.mark.properties
@settings(max_examples=50)  # each is twelve records at once
@given(table=st.sampled_from(sorted(STREAMS)), moved=st.lists(steps, min_size=1, max_size=3))
def test_p19_any_change_of_a_record_can_be_told(
    opened: Warehouse, table: str, moved: list[list[Any]]
) -> None:
    """Each version is told once, with its instant and what became of it; so is a record's end."""
    stream, form = STREAMS[table]
    raw = shape_of(stream).raw_table
    expected: list[tuple[datetime, str, str]] = []
    standing: dict[str, Any] = {}
    gone: set[str] = set()
    opened.execute("BEGIN")
    try:
        for number, step in enumerate(moved):
            now = DAY_ONE + timedelta(hours=number)
            moves = {str(at): move for at, move in enumerate(step) if move}
            ended = [id_ for id_, move in moves.items() if move == "gone"]
            served = {id_: move for id_, move in moves.items() if move != "gone"}
            serve(
                opened,
                table,
                [form % {"id": id_, "n": n, "word": word} for id_, (n, word) in served.items()],
                now,
            )
            history.mark_gone(opened, table, ended, now)
            opened.execute(
                f"UPDATE {raw} SET deleted_at = ? WHERE id IN (SELECT unnest(?::VARCHAR[]))",
                [now, ended],
            )
            for id_, move in served.items():
                if id_ in gone:
                    expected.append((now, "back", id_))
                elif standing.get(id_) != move:
                    expected.append((now, "changed" if id_ in standing else "new", id_))
                standing[id_] = move
            gone -= served.keys()
            newly = [id_ for id_ in ended if id_ in standing and id_ not in gone]
            expected += [(now, "gone", id_) for id_ in newly]
            gone |= set(newly)
        told = audit.events(opened, ALL_TIME)
        assert told.select("happened_at", "what", "id").rows() == sorted(
            expected, key=lambda each: (each[0], each[1], each[2])
        )
    finally:
        opened.execute("ROLLBACK")


@pytest.mark.properties
@settings(max_examples=50)
@given(words=st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("12")), max_size=5))
def test_p19_any_change_of_a_link_can_be_told(
    opened: Warehouse, words: list[tuple[str, str]]
) -> None:
    """A link that a person replaces is told with who, when, why, before and after."""
    expected = []
    standing: dict[str, str] = {}
    opened.execute("BEGIN")
    try:
        for number, (name, consultant) in enumerate(words):
            now = DAY_ONE + timedelta(hours=number)
            who = ADA | {"run_id": "r"}
            decisions.link_person(opened, None, name, consultant, who, now)
            if standing.get(name) != consultant:
                expected.append((now, "changed" if name in standing else "new", f"|{name}"))
            standing[name] = consultant
        told = audit.events(opened, ALL_TIME)
        assert told.select("happened_at", "what", "id").rows() == expected
        assert set(told["who"]) <= {"Ada (ada@desk)"}
        assert set(told["why"]) <= {"asked by phone"}
    finally:
        opened.execute("ROLLBACK")
