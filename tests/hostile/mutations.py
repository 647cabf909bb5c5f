"""Records as JSON text, and every way of breaking one of their fields.

Text and not values: doubled keys, NaN and 1e400 have no Python value that says them.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from pydantic.fields import FieldInfo

from checks.contracts import CORE
from sources import bill_gateway, boond_v3
from sources.streams import Record, Stream, child_of, kind_of, wire_keys

STREAMS = {s.name: s for s in [*boond_v3.STREAMS.values(), *bill_gateway.STREAMS.values()]}
MARK = "mark"
"""A key that no vendor has: by it a record is found again, whatever became of it."""

_TYPICAL = {
    "Decimal": "1",
    "AwareDatetime": '"2026-10-31T18:00:00+01:00"',
    "date": '"2026-10-31"',
    "bool": "true",
}
NUMBERS = (
    *("-0", "-1", "0", "1e400", "-1e400", "1e-400", "1e5", "1E+2", "0.1e1", "0.00001", "1.23456"),
    *("NaN", "Infinity", "-Infinity", "9" * 18, "9" * 400, "-" + "9" * 5000, "0." + "1" * 3000),
    *("99999999999999.9999", "123456789012345.6789", "1e999999999", "1.0000000000000001"),
)
DATES = tuple(
    f'"{written}"'
    for written in (
        *("0000-00-00", "0000-01-01", "0001-01-01", "9999-12-31", "2026-02-30", "10000-01-01"),
        *("+10000-01-01", "-0001-01-01", "2026-10", "31/10/2026", "infinity", "-infinity", "now"),
        *("2026-10-31T18:00:00+99:99", "2026-10-31T25:00:00Z", "0001-01-01T00:00:00+14:00"),
        *("9999-12-31T23:59:59-12:00", "+10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        *("2026-10-31T18:00:00", "2026-10-31T23:59:60Z", "epoch", "262143-01-01T00:00:00Z"),
    )
)
TEXTS = (
    *(
        '""',
        '" "',
        '"\\u0000"',
        '"a\\u0000b"',
        '"\\ud800"',
        '"\\udc00x\\ud83d"',
        '"\\ud83d\\ude00"',
    ),
    *('"\u202egnp.exe"', '"e\u0301\u0327"', '"\u200b\ufeff"', '"\U0001f9d1\u200d\U0001f4bb"'),
    *('"\u0661\u0662"', '"=1+1"', '"\\r\\n\\t\\u001b[31m"', '"true"', '"null"', '"1,5"', '"NaN"'),
    *('"\'; DROP TABLE core.cras; --"', '"{\\"id\\": 1}"', '"[red]"', '"{{ 7*7 }}"'),
    '"' + "x" * 100_000 + '"',
)
STRUCTURES = (
    *("null", "true", "false", "{}", "[]", "[[]]", "[null]", '[{"id": 1}, 5, null, "x", []]'),
    *('{"id": {"id": {"id": "x"}}}', '{"": ""}', '{"id": [1, 2]}', "[" * 150 + "]" * 150),
    *("[" * 3000 + "]" * 3000, '{"a":' * 2500 + "1" + "}" * 2500, "[" + "0," * 5000 + "0]"),
)
HOSTILE = (*NUMBERS, *DATES, *TEXTS, *STRUCTURES)
INSTEAD_OF_A_RECORD = ("null", "true", "5", '"x"', "[]", "{}", "NaN", "[[1]]")


@dataclass(frozen=True)
class Text:
    """JSON that is written as it stands."""

    json: str


@dataclass(frozen=True)
class Twice:
    """A member that stands twice in its object."""

    first: Any
    second: Any


def sound(stream: Stream, id_: str) -> dict[str, Any]:
    """A record of the stream that every check accepts, all of its fields told."""
    return _record(stream.record) | {"id": id_, MARK: id_}


def written(value: Any) -> str:
    """The value as JSON, hostile parts as they stand."""
    if isinstance(value, Text):
        return value.json
    if isinstance(value, Twice):
        return written(value.first)
    if isinstance(value, dict):
        return "{" + ",".join(_members(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


def _members(value: dict[str, Any]) -> Iterator[str]:
    for key, said in value.items():
        for one in (said.first, said.second) if isinstance(said, Twice) else (said,):
            yield f"{json.dumps(key)}:{written(one)}"


def mutated(record: dict[str, Any], random: Random) -> Any:
    """The record with one to three of its fields broken; its mark stays."""
    if random.random() < 0.02:
        return Text(random.choice(INSTEAD_OF_A_RECORD))
    broken = copy.deepcopy(record)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(_places(broken))
        if places:
            random.choice(_MUTATIONS)(*random.choice(places), random)
    return broken


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a value, as what holds it and the key or number under which it stands."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            if key != MARK and not isinstance(value[key], Text | Twice):
                yield value, key
                yield from _places(value[key])


def _replace(holder: Any, key: Any, random: Random) -> None:
    holder[key] = Text(random.choice(HOSTILE))


def _leave_out(holder: Any, key: Any, random: Random) -> None:
    del random
    del holder[key]


def _double(holder: Any, key: Any, random: Random) -> None:
    if isinstance(holder, dict):
        holder[key] = Twice(holder[key], Text(random.choice(HOSTILE)))
    else:
        holder.append(holder[key])


def _nest(holder: Any, key: Any, random: Random) -> None:
    holder[key] = {"id": holder[key]} if random.random() < 0.5 else [holder[key]]


def _retype(holder: Any, key: Any, random: Random) -> None:
    del random
    said = holder[key]
    holder[key] = str(said) if isinstance(said, int | float) else len(written(said))


def _negate(holder: Any, key: Any, random: Random) -> None:
    said = holder[key]
    digits = written(said).strip('"')
    sign = random.choice(("-", "+", "--"))
    holder[key] = Text(f'"{sign}{digits}"' if isinstance(said, str) else f"-{len(digits)}")


def _prefix(holder: Any, key: Any, random: Random) -> None:
    if isinstance(holder[key], str):
        holder[key] = Text(f'{random.choice(TEXTS)[:-1]}{holder[key]}"')


_MUTATIONS = (_replace, _replace, _replace, _leave_out, _double, _nest, _retype, _negate, _prefix)


def _record(record: type[Record]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, info in record.model_fields.items():
        if kind_of(info) != "parent":
            *parents, last = wire_keys(info)
            inner = body
            for key in parents:
                inner = inner.setdefault(key, {})
            inner[last] = _sound_value(record.table, name, info)
    return body


def _sound_value(table: str, name: str, info: FieldInfo) -> Any:
    child = child_of(info)
    if child is not None:
        return [_record(child), _record(child)]
    if kind_of(info) == "json":
        return [{"a": "b"}] if "list" in str(info.annotation) else {"a": "b"}
    for check in CORE[table].columns[name].checks:
        if check.name == "isin":
            return check.statistics["allowed_values"][0]
    kinds = str(info.annotation)
    found = [json.loads(text) for kind, text in _TYPICAL.items() if kind in kinds]
    return found[0] if found else f"{name} Ümlaut"
