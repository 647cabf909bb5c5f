"""A stream is data: what to read, how it is paged, and which columns its records become.

A record model names the columns of one core table and where each stands on the wire. The store
reads those paths out of the served text itself (`columns`), so no page becomes Python objects;
the models check and convert single records.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Protocol, get_args
from zoneinfo import ZoneInfo

from pydantic import AliasPath, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_snake
from pydantic.fields import FieldInfo

from sources.errors import SourceError

Kind = Literal["text", "json", "parent"]
Money = Annotated[Decimal, Field(max_digits=18, decimal_places=4)]
Days = Annotated[Decimal, Field(max_digits=9, decimal_places=4)]
Instant = AwareDatetime
PARIS = ZoneInfo("Europe/Paris")
_OVERLAP = timedelta(minutes=5)


class Record(BaseModel):
    """A row of a core table; each field says where it stands on the wire.

    Read one with `model_validate_json`: strict, so a number is no string and no date.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")
    table: ClassVar[str]


def wire(path: str, default: Any = ..., kind: Kind = "text") -> Any:
    """A field that stands at a dotted path of the served object.

    Args:
        path: such as `consultant.id`.
        default: what an absent key means; without it the key is required.
        kind: `json` for a value kept as JSON text, `parent` for the id of the parent record,
            which the page says and the object does not.
    """
    return Field(
        default,
        validation_alias=AliasPath(*path.split(".")),
        json_schema_extra={"kind": kind},
    )


@dataclass(frozen=True)
class Column:
    """One column and its JSON path; kind `text` for a scalar, `json` for a structure."""

    name: str
    path: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Child:
    """A list that becomes a table; `parent_column` holds the id of the record it stands in."""

    table: str
    path: str
    parent_column: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Columns:
    """What the store extracts of one stream.

    Attributes:
        table: the core table.
        columns: its columns, but for those that the store itself knows.
        children: the lists of the record.
        incomplete: the columns to name in `incomplete_fields` when their path is missing;
            empty where the table has no such column.
    """

    table: str
    columns: tuple[Column, ...]
    children: tuple[Child, ...] = ()
    incomplete: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Stream:
    """One kind of record of one source.

    Attributes:
        source: `boond` or `bill`.
        name: as `ops.sync_state` and `raw` name it.
        record: the model, which names the core table.
        path: the list; `{parent}` stands for the id of a parent record.
        one: a single record, `{id}` in it; None where the vendor has none.
        incremental: whether the list takes `updatedSince`.
        page_size: rows to ask for.
        updated: JSON path of the instant of the last change; None where there is none.
        detail: JSON path that a list row may lack; such a row is asked for by id.
        version: JSON path of a text that tells versions of a record apart, where the instant of
            the last change does not; an empty one tells nothing.
        whole_days: whether the list is asked by days, and not by instants.
        window: JSON path of a date by which the list is only a window: what is stored from before
            the earliest one served may still be there.
        archived: JSON path that is true in a record that the vendor has put away.
        parent: stream whose ids fill `{parent}`.
        names_gaps: whether the core table has `incomplete_fields`.
    """

    source: str
    name: str
    record: type[Record]
    path: str
    one: str | None = None
    incremental: bool = True
    page_size: int = 500
    key: str = "$.id"
    updated: str | None = "$.updatedAt"
    detail: str | None = None
    version: str | None = None
    whole_days: bool = False
    window: str | None = None
    archived: str | None = None
    parent: str | None = None
    names_gaps: bool = False

    @property
    def table(self) -> str:
        """The core table, such as `cras`."""
        return self.record.table

    def asked_from(self, cursor: datetime) -> datetime:
        """From when on to ask for what changed: the cursor less an overlap (warehouse.md, Sync).

        That is 5 minutes, and for whole days the day before the cursor's, in Paris.
        """
        if not self.whole_days:
            return cursor - _OVERLAP
        return datetime.combine(cursor.astimezone(PARIS) - timedelta(days=1), time(), PARIS)

    @property
    def columns(self) -> Columns:
        """What the store extracts of each record."""
        found = columns(self.record)
        return Columns(
            found.table,
            found.columns,
            found.children,
            _shape(found, self.record) if self.names_gaps else (),
        )


@dataclass(frozen=True)
class Page:
    """One answer of a list.

    Attributes:
        body: JSON as served; only numbers of more than 15 digits have become strings.
        rows_path: JSON path of the array in it.
        number: of the page, from 1.
        ids: of its records; a record without an id stands with its whole content.
        total_rows: how many the vendor says there are; None where it does not.
        served_at: the vendor's own clock.
        parent: the parent record whose list this is.
    """

    body: bytes = field(repr=False)
    rows_path: str
    number: int
    ids: tuple[str, ...]
    total_rows: int | None = None
    served_at: datetime | None = None
    parent: str | None = None


@dataclass(frozen=True)
class Assumption:
    """One thing that a dialect takes for granted of its vendor.

    Attributes:
        what: in a few words, such as `invoices by their last change`.
        holds: whether it is so at this account; None where it could not be told.
        said: what came back, and what follows where it does not hold.
        advice: what to do then; empty where rapproche does without.
        refused: why it could not be told, where a run would fail there too.
    """

    what: str
    holds: bool | None
    said: str
    advice: str = ""
    refused: SourceError | None = None


class Door(Protocol):
    """One vendor: callers handle neither tokens, nor sessions, nor paging (P09).

    Records come back from `find`, `read` and `send` with the columns of their core table,
    whichever dialect was spoken (P25). Every method raises `SourceError`.
    """

    source: str
    streams: Mapping[str, Stream]

    async def login(self) -> None:
        """Tries the credentials (P13)."""

    def pages(
        self, stream: str, *, since: datetime | None = None, parents: Sequence[str] = ()
    ) -> AsyncGenerator[Page, None]:
        """All pages, in any order; a record may come more than once, none is missed (P16)."""

    async def one(self, stream: str, id: str) -> bytes | None:  # noqa: A002 - the column's name
        """One record's JSON as served; None only when the vendor says that it has none."""

    async def find(self, kind: str, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What the vendor holds under the natural key of a command that creates."""

    async def read(self, kind: str, vendor_id: str) -> Mapping[str, Any] | None:
        """What the vendor now holds of the object of a command; None when it has none."""

    async def send(self, kind: str, target: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carries out a command once; returns the vendor's object."""

    def differences(self, kind: str, sent: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
        """What the vendor holds otherwise than a command sent it, a phrase a column."""

    def assumptions(self) -> AsyncGenerator[Assumption, None]:
        """What this dialect takes for granted, as it is at this account; reads and nothing else."""

    async def aclose(self) -> None:
        """Ends all connections."""


@cache
def columns(record: type[Record]) -> Columns:
    """The columns of a record model and of its lists."""
    plain = tuple(
        Column(name, json_path(info), kind_of(info))
        for name, info in record.model_fields.items()
        if child_of(info) is None
    )
    children = tuple(
        Child(child.table, json_path(info), f"{record.table.removesuffix('s')}_id", _own(child))
        for info in record.model_fields.values()
        if (child := child_of(info)) is not None
    )
    return Columns(record.table, plain, children)


def _own(child: type[Record]) -> tuple[Column, ...]:
    return columns(child).columns


def _shape(found: Columns, record: type[Record]) -> tuple[Column, ...]:
    """Every top-level key of the vendor's shape, named as a column is."""
    lists = tuple(
        Column(to_snake(wire_keys(info)[0]), json_path(info), "json")
        for info in record.model_fields.values()
        if child_of(info) is not None
    )
    return tuple(column for column in found.columns if column.kind != "parent") + lists


def wire_keys(info: FieldInfo) -> tuple[str, ...]:
    """The keys on the way to a field in the served object."""
    alias = info.validation_alias
    return tuple(str(key) for key in alias.path) if isinstance(alias, AliasPath) else ()


def json_path(info: FieldInfo) -> str:
    """The JSON path of a field, such as `$.consultant.id`."""
    return ".".join(("$", *wire_keys(info)))


def kind_of(info: FieldInfo) -> Kind:
    """Whether a field is a scalar, a structure, or the parent's id."""
    extra = info.json_schema_extra
    kind = extra.get("kind") if isinstance(extra, dict) else None
    return "json" if kind == "json" else "parent" if kind == "parent" else "text"


def child_of(info: FieldInfo) -> type[Record] | None:
    """The model of the rows of a list field; None for any other field."""
    found = [t for t in _types(info.annotation) if isinstance(t, type) and issubclass(t, Record)]
    return found[0] if found else None


def holds(info: FieldInfo, kind: type[Decimal | date]) -> bool:
    """Whether a field holds values of that type."""
    return kind in _types(info.annotation)


def _types(annotation: Any) -> list[Any]:
    """The types that an annotation is made of, itself among them."""
    return [annotation, *(inner for part in get_args(annotation) for inner in _types(part))]
