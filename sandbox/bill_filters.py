"""Which rows a list of BILL's live dialect holds, and in which order (bill.md, "Dialect live").

Fields and operators are those that the vendor documents; whatever else is refused with 400.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from sandbox.wire import day_of, invalid, utc

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

CONDITION = re.compile(
    r'(?P<field>[A-Za-z.]+):(?P<operator>[a-z]+):(?:"(?P<quoted>[^"]*)"|(?P<plain>[^",:]+))(?:,|$)'
)
INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{3}(Z|[+-]\d\d(\d\d)?)?)?)?)?", re.ASCII
)
COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda told, wanted: told == wanted,
    "ne": lambda told, wanted: told != wanted,
    "gt": lambda told, wanted: told is not None and told > wanted,
    "gte": lambda told, wanted: told is not None and told >= wanted,
    "lt": lambda told, wanted: told is not None and told < wanted,
    "lte": lambda told, wanted: told is not None and told <= wanted,
    "in": lambda told, wanted: told in wanted,
    "nin": lambda told, wanted: told not in wanted,
    "sw": lambda told, wanted: told is not None and told.startswith(wanted),
}
LISTED = frozenset({"in", "nin"})


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a list can be filtered by.

    Attributes:
        reads: turns the words of a filter into what a row holds.
        operators: those that the vendor documents for it.
    """

    reads: Callable[[str], Any]
    operators: frozenset[str]


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise invalid(f"archived is true or false, not {text!r}")
    return text == "true"


def _instant(text: str) -> str:
    """An instant as rows write it; without an offset it is in UTC."""
    if not INSTANT.fullmatch(text):
        raise invalid(f"no date-time of ours: {text!r}")
    try:
        said = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid(f"no date-time of ours: {text!r}") from error
    return utc(said if said.tzinfo else said.replace(tzinfo=UTC))


def _day(text: str) -> str:
    return day_of(text, "the date").isoformat()


def _field(reads: Callable[[str], Any], operators: str) -> Field:
    return Field(reads, frozenset(operators.split()))


WHICH, SPAN = "eq ne in nin", "gt gte lt lte"
ARCHIVED = _field(_flag, "eq ne")
TIMES = {"createdTime": _field(_instant, SPAN), "updatedTime": _field(_instant, SPAN)}
CLASSES = {
    f"classifications.{name}": _field(str, WHICH)
    for name in ("accountingClassId", "departmentId", "locationId", "itemId")
}
FILTERABLE: Mapping[str, Mapping[str, Field]] = {
    "bills": {
        "id": _field(str, "eq ne in"),
        "archived": ARCHIVED,
        "vendorId": _field(str, "eq in"),
        "dueDate": _field(_day, SPAN),
        "paymentStatus": _field(str, "eq ne in"),
        "payFromChartOfAccountId": _field(str, WHICH),
        "classifications.chartOfAccountId": _field(str, WHICH),
        **CLASSES,
        **TIMES,
    },
    "vendors": {
        "id": _field(str, WHICH),
        "archived": ARCHIVED,
        "name": _field(str, "eq sw"),
        "accountType": _field(str, WHICH),
        "address.country": _field(str, WHICH),
        "billCurrency": _field(str, WHICH),
        "paymentStatus": _field(str, WHICH),
        **TIMES,
    },
    "payments": {"id": _field(str, WHICH), "vendorId": _field(str, "eq ne in")},
    "vendor-credits": {},
    "invoices": {
        "id": _field(str, "eq ne in"),
        "archived": ARCHIVED,
        "customerId": _field(str, "eq in"),
        "payToChartOfAccountId": _field(str, WHICH),
        **CLASSES,
        **TIMES,
    },
}
SORTABLE: Mapping[str, frozenset[str]] = {
    resource: frozenset(fields.split())
    for resource, fields in {
        "bills": "archived fundingAmount exchangeRate description dueDate createdTime updatedTime",
        "vendors": "archived name shortName email phone billCurrency createdTime updatedTime",
        "payments": "description processDate amount confirmationNumber onlinePayment createdTime"
        " updatedTime disbursementStatus",
        "vendor-credits": "",
        "invoices": "archived invoiceNumber invoiceDate dueDate totalAmount createdTime"
        " updatedTime",
    }.items()
}


def kept(resource: str, rows: list[dict[str, Any]], filters: str) -> list[dict[str, Any]]:
    """Returns the rows that meet every condition of `field:operator:value,…`.

    Raises:
        Refusal: for a field, operator or value that is not documented, or quotes that miss.
    """
    tests, at = [], 0
    while at < len(filters):
        found = CONDITION.match(filters, at)
        if found is None:
            raise invalid(f"filters cannot be read at {filters[at:]!r}; quote times and lists")
        tests.append(_test(resource, found))
        at = found.end()
    return [row for row in rows if all(test(row) for test in tests)]


def _test(resource: str, found: re.Match[str]) -> Test:
    name, operator, quoted = found["field"], found["operator"], found["quoted"]
    field = FILTERABLE[resource].get(name)
    if field is None:
        raise invalid(f"{resource} cannot be filtered by {name}")
    if operator not in field.operators:
        raise invalid(f"{name} cannot be filtered with {operator}")
    wanted = _wanted(field, operator, quoted, found["plain"])
    return lambda row: COMPARED[operator](_told(row, name), wanted)


def _wanted(field: Field, operator: str, quoted: str | None, plain: str | None) -> Any:
    if operator not in LISTED:
        return field.reads(quoted if quoted is not None else str(plain))
    if quoted is None:
        raise invalid(f"a list stands in double quotes: {plain!r}")
    return [field.reads(word.strip()) for word in quoted.split(",")]


def _told(row: Row, name: str) -> Any:
    value: Any = row
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def ordered(resource: str, rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Returns the rows in the order of `field:asc|desc,…`; those without the field come last.

    Raises:
        Refusal: for a field that is not documented, or another direction.
    """
    for said in reversed(sort.split(",") if sort else []):
        name, _, direction = said.partition(":")
        if name not in SORTABLE[resource] or direction not in {"asc", "desc"}:
            raise invalid(f"{resource} cannot be sorted by {said!r}")
        having = [row for row in rows if name in row]
        having.sort(key=itemgetter(name), reverse=direction == "desc")
        rows = having + [row for row in rows if name not in row]
    return rows
