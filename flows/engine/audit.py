"""Who did what, when, before and after, over whole days (properties.md P19 and P20).

Each table that remembers tells its events in one form: versions of records, commands and every
state that they went through, what people and rapproche decided, runs, policy, calls that may
change something at a vendor, quarantine. Which run an event belongs to is told by time, since one
run works at a time.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from flows.engine.report import Table, rows_as_json
from flows.engine.run import PARIS
from store.history import GONE
from store.warehouse import Warehouse

COLUMNS = (
    "happened_at",
    "who",
    "run_id",
    "what",
    "kind",
    "id",
    "before",
    "after",
    "why",
    "amount",
    "currency",
)
"""The form of an event, whatever it is about."""
_SHOWN = 70
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell."""

_RECORDS = f"""
    SELECT h.valid_from AS happened_at, coalesce(CASE WHEN h.content->>'$.{GONE}' IS NULL
            THEN {{person}} END, CASE WHEN h.table_name IN ('bills', 'vendors', 'payments')
            THEN 'bill' WHEN h.table_name = 'declarations' THEN 'client'
            WHEN h.table_name IN ('person_links', 'party_links') THEN 'rapproche' ELSE 'boond' END)
            AS who, CASE WHEN h.content->>'$.{GONE}' IS NOT NULL THEN 'gone'
            WHEN p.content IS NULL THEN 'new'
            WHEN p.content->>'$.{GONE}' IS NOT NULL THEN 'back' ELSE 'changed' END AS what,
        h.table_name AS kind, h.id, p.content::VARCHAR AS before, h.content::VARCHAR AS after,
        h.content->>'$.reason' AS why, coalesce({{amounts}}) AS amount,
        CASE WHEN amount IS NOT NULL THEN h.content->>'$.currency' END AS currency
    FROM core.history h LEFT JOIN core.history p
        ON p.table_name = h.table_name AND p.id = h.id AND p.version = h.version - 1
""".format(
    person="h.content->>'$.decided_by' || coalesce(' (' || (h.content->>'$.os_user') || '@'"
    " || (h.content->>'$.host') || ')', '')",
    amounts=", ".join(
        f"TRY_CAST(h.content->>'$.{name}' AS DECIMAL(18,4))"
        for name in ("totalExclTax", "totalAmount", "amount")
    ),
)
_COMMANDS = """
    SELECT CASE WHEN s.nth > 1 THEN s.since
            WHEN s.planned_at IS NOT NULL THEN s.planned_at
            WHEN o.planned_at < s.until THEN o.planned_at
            ELSE coalesce(r.started_at, s.until, o.planned_at) END AS happened_at,
        coalesce(CASE WHEN s.nth > 1 THEN (SELECT any_value({who}) FROM ops.approvals a
            WHERE a.command_id = o.command_id AND a.decided_at = s.since) END, 'rapproche') AS who,
        'command ' || s.state AS what, o.kind, o.target AS id, s.previous AS before,
        s.state AS after,
        s.last_error AS why, TRY_CAST(s.payload->>'$.total_excl_tax' AS DECIMAL(18,4)) AS amount,
        CASE WHEN amount IS NOT NULL THEN s.payload->>'$.currency' END AS currency
    FROM (
        SELECT *, row_number() OVER steps AS nth, lag(state) OVER steps AS previous,
            lag(until) OVER steps AS since
        FROM (
            SELECT command_id, state, payload, last_error, run_id, recorded_at AS until,
                planned_at, rowid AS place FROM ops.outbox_history
            UNION ALL
            SELECT command_id, state, payload, last_error, run_id, NULL, planned_at, NULL
            FROM ops.outbox
        ) WINDOW steps AS (PARTITION BY command_id ORDER BY until NULLS LAST, place)
    ) s JOIN ops.outbox o USING (command_id) LEFT JOIN ops.runs r ON r.run_id = s.run_id
"""
_WHO = "a.decided_by || ' (' || a.os_user || '@' || a.host || ')'"
_PEOPLE = """
    SELECT a.decided_at AS happened_at, {who} AS who, a.decision || ' by a person' AS what,
        CASE WHEN a.command_id IS NULL THEN 'break' ELSE 'command' END AS kind,
        coalesce(a.command_id, a.break_id) AS id,
        (SELECT any_value(p.outcome) FROM recon.decisions d
            JOIN recon.decisions p ON p.decision_id = d.supersedes
            WHERE a.command_id IS NULL AND d.subject_id = a.break_id
                AND d.decided_at = a.decided_at) AS before,
        a.decision AS after, a.reason AS why, a.amount, NULL AS currency
    FROM ops.approvals a
"""
_DECISIONS = """
    SELECT d.decided_at AS happened_at, d.decided_by AS who, 'decided' AS what, d.subject AS kind,
        d.subject_id AS id, p.outcome AS before, d.outcome AS after, NULL AS why, NULL AS amount,
        NULL AS currency
    FROM recon.decisions d LEFT JOIN recon.decisions p ON p.decision_id = d.supersedes
    WHERE d.decided_by = 'rapproche'
"""
_STARTER = "(parameters->>'$.os_user') || '@' || (parameters->>'$.host')"
_RUNS = f"""
    SELECT started_at AS happened_at, coalesce((parameters->>'$.by') || ' (' || {_STARTER} || ')',
            {_STARTER}, 'rapproche') AS who, 'run' AS what, flow AS kind, run_id AS id,
        NULL AS before, state AS after, parameters->>'$.reason' AS why, NULL AS amount,
        NULL AS currency
    FROM ops.runs
"""
_POLICY = """
    SELECT started_at AS happened_at, 'policy.toml' AS who, 'policy' AS what, 'policy' AS kind,
        'policy.toml' AS id, previous AS before, policy AS after, NULL AS why, NULL AS amount,
        NULL AS currency
    FROM (SELECT started_at, policy, lag(policy) OVER (ORDER BY started_at, run_id) AS previous
        FROM (SELECT *, (parameters->'$.policy')::VARCHAR AS policy FROM ops.runs)
        WHERE policy IS NOT NULL)
    WHERE policy IS DISTINCT FROM previous
"""
_CALLS = """
    SELECT called_at AS happened_at, actor AS who, 'call' AS what, source || ' API' AS kind,
        method || ' ' || path AS id, NULL AS before, coalesce(status::VARCHAR, 'no answer')
            AS after, NULL AS why, NULL AS amount, NULL AS currency
    FROM ops.api_calls WHERE method NOT IN ('GET', 'HEAD')
"""
_QUARANTINE = """
    SELECT {at} AS happened_at, 'rapproche' AS who, '{what}' AS what,
        source || '.' || stream AS kind, id, NULL AS before, column_name AS after,
        message AS why, NULL AS amount, NULL AS currency
    FROM ops.quarantine WHERE {at} IS NOT NULL
"""
_EVENTS = " UNION ALL BY NAME ".join(
    f"({sql})"
    for sql in (
        _RECORDS,
        _COMMANDS.format(who=_WHO),
        _PEOPLE.format(who=_WHO),
        _DECISIONS,
        _RUNS,
        _POLICY,
        _CALLS,
        _QUARANTINE.format(at="first_seen_at", what="quarantined"),
        _QUARANTINE.format(at="resolved_at", what="released"),
    )
)
_IN_PERIOD = f"SELECT * FROM ({_EVENTS}) WHERE happened_at >= $1 AND happened_at < $2"
_ORDER = "ORDER BY happened_at, what, kind, id, before, after"


@dataclass(frozen=True)
class Period:
    """Whole days in Paris, both included."""

    first: date
    last: date

    def bounds(self) -> list[datetime]:
        """The instant at which the period begins, and that at which it is over."""
        days = (self.first, self.last + timedelta(days=1))
        return [datetime.combine(day, time(), PARIS) for day in days]


def events(warehouse: Warehouse, period: Period, limit: int | None = None) -> pl.DataFrame:
    """What happened, oldest first, in COLUMNS; instants are those of Paris.

    Versions of records say in `before` and `after` what differs; a new one is told whole.
    """
    chosen = f"{_IN_PERIOD} {_ORDER}" + (f" LIMIT {limit}" if limit is not None else "")
    rows = warehouse.frame(
        f"SELECT e.*, r.run_id FROM ({chosen}) e ASOF LEFT JOIN ops.runs r"
        f" ON e.happened_at >= r.started_at {_ORDER}",
        period.bounds(),
    )
    told = [_differing(*pair) for pair in rows.select("before", "after").iter_rows()]
    pairs = pl.DataFrame(told, {"before": pl.String, "after": pl.String}, orient="row")
    at = pl.col("happened_at").dt.convert_time_zone("Europe/Paris")
    return rows.drop("before", "after").hstack(pairs).with_columns(at).select(COLUMNS)


def totals(warehouse: Warehouse, period: Period) -> pl.DataFrame:
    """How many events of each sort there were, and their amounts by currency."""
    return warehouse.frame(
        "SELECT what, kind, count(*) AS events, sum(amount)::DECIMAL(18,4) AS amount, currency"
        f" FROM ({_IN_PERIOD}) GROUP BY ALL ORDER BY what, kind, currency",
        period.bounds(),
    )


def tables(warehouse: Warehouse, period: Period, limit: int) -> tuple[Table, Table]:
    """The events and their totals, for a person."""
    summed = totals(warehouse, period)
    count = int(summed["events"].sum())
    rows = events(warehouse, period, limit)
    changes = [_change(*pair) for pair in rows.select("before", "after").iter_rows()]
    shown = rows.select(
        pl.col("happened_at").dt.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "who",
        "what",
        "kind",
        "id",
        "amount",
        "currency",
        pl.Series("change", changes, pl.String),
        "why",
    ).with_columns(pl.col(pl.String).str.replace_all(r"\p{C}", "\N{REPLACEMENT CHARACTER}"))
    first = f" (the first {limit} of {count})" if count > limit else ""
    return (
        Table("audit", f"What happened{first}", shown, "Nothing happened."),
        Table("audit-totals", "In all", summed, "Nothing happened."),
    )


def _change(before: str | None, after: str | None) -> str:
    """What changed, short enough for a line; the JSON and CSV forms tell all of it."""
    told = [_shortened(text) for text in (before, after) if text]
    return " → ".join(told)


def _shortened(text: str) -> str:
    whole = _object(text)
    said = text if whole is None else _said(dict(_leaves(whole)), list(dict(_leaves(whole))))
    return said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}…"


def as_json(warehouse: Warehouse, period: Period) -> str:
    """The whole report as one JSON object; amounts are decimal texts."""
    return (
        f'{{\n"from": "{period.first}",\n"to": "{period.last}",\n"days": "Europe/Paris",\n'
        f'"events": {rows_as_json(events(warehouse, period))},\n'
        f'"totals": {rows_as_json(totals(warehouse, period))}\n}}'
    )


def as_csv(warehouse: Warehouse, period: Period) -> str:
    """The events as CSV; no text begins as a formula does."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in events(warehouse, period).iter_rows():
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value.isoformat() if isinstance(value, datetime) else value


def _differing(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """What of two JSON objects differs, as texts; anything else as it stands."""
    old, new = _object(before), _object(after)
    if old is None or new is None:
        return before, after
    was, now = dict(_leaves(old)), dict(_leaves(new))
    paths = [path for path in {**was, **now} if was.get(path) != now.get(path)]
    return _said(was, paths), _said(now, paths)


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None or not text.startswith("{"):
        return None
    try:
        value = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _leaves(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each value with its path, lists and objects gone through."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, found = waiting.pop()
        if isinstance(found, dict) and found:
            waiting += [(f"{path}.{key}" if path else key, each) for key, each in found.items()]
        elif isinstance(found, list) and found:
            waiting += [(f"{path}[{at}]", each) for at, each in enumerate(found)]
        else:
            yield path, found


def _said(values: Mapping[str, Any], paths: list[str]) -> str:
    there = [path for path in sorted(paths) if path in values]
    return "; ".join(f"{path}: {_word(values[path])}" for path in there)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
