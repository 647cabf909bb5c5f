"""Between a vendor's object and the columns of a core table, one object at a time.

Pages do not come here: the store reads them as text. What comes here is what is looked up,
sent and read back.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic.fields import FieldInfo

from sources.streams import Record, child_of, holds, wire_keys


def held_by_vendor(record: type[Record], served: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a served object; what it lacks or has in another form is None.

    Nothing is checked here: what a vendor holds is compared as it is.
    """
    return {
        name: _rows(info, _at(served, wire_keys(info)))
        for name, info in record.model_fields.items()
    }


def _at(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _rows(info: FieldInfo, value: Any) -> Any:
    child = child_of(info)
    if child is None or not isinstance(value, list):
        return value
    return [held_by_vendor(child, row if isinstance(row, Mapping) else {}) for row in value]


def wire_body(record: type[Record], columns: Mapping[str, Any]) -> dict[str, Any]:
    """The vendor's object for columns of ours; amounts and days become decimals, None is left out.

    Raises:
        KeyError: a column that the record does not have.
        ValueError: an amount that is no decimal.
    """
    body: dict[str, Any] = {}
    for name, value in columns.items():
        info = record.model_fields[name]
        if value is not None:
            _put(body, wire_keys(info), _on_the_wire(info, value))
    return body


def _put(body: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    for key in keys[:-1]:
        body = body.setdefault(key, {})
    body[keys[-1]] = value


def _on_the_wire(info: FieldInfo, value: Any) -> Any:
    child = child_of(info)
    if child is not None:
        return [wire_body(child, row) for row in value]
    if holds(info, Decimal):
        return _decimal(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def _decimal(value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"no decimal: {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"no decimal: {value!r}")
    return number


def differences(
    record: type[Record], sent: Mapping[str, Any], held: Mapping[str, Any], within: str = ""
) -> list[str]:
    """What the vendor holds otherwise than it was sent, a phrase a column; decimals are exact.

    Only columns that were sent with a value are compared.
    """
    found: list[str] = []
    for name, value in sent.items():
        info = record.model_fields[name]
        child = child_of(info)
        if child is not None:
            found += _line_differences(child, value or [], held.get(name), name)
        elif value is not None and not _same(info, value, held.get(name)):
            found.append(f"{within}{name}: sent {value}, held {_shown(held.get(name))}")
    return found


def _line_differences(child: type[Record], sent: list[Any], held: Any, name: str) -> list[str]:
    rows = held if isinstance(held, list) else []
    if len(rows) != len(sent):
        return [f"{name}: sent {len(sent)}, held {len(rows)}"]
    return [
        phrase
        for number, (mine, theirs) in enumerate(zip(sent, rows, strict=True), start=1)
        for phrase in differences(child, mine, theirs, f"{name} {number} ")
    ]


def _same(info: FieldInfo, sent: Any, held: Any) -> bool:
    if held is None:
        return False
    if holds(info, Decimal):
        return _same_number(sent, held)
    if holds(info, dt.datetime):
        return _same_instant(str(sent), str(held))
    if holds(info, dt.date):
        # A vendor may answer a day with midnight behind it.
        return str(sent)[:10] == str(held)[:10]
    return str(sent) == str(held)


def _same_number(sent: Any, held: Any) -> bool:
    try:
        return not isinstance(held, bool) and _decimal(sent) == _decimal(held)
    except ValueError:
        return False


def _same_instant(sent: str, held: str) -> bool:
    try:
        return dt.datetime.fromisoformat(sent) == dt.datetime.fromisoformat(held)
    except ValueError:
        return sent == held


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
