"""Where the numbers of the page come from: rows of the published file, and the queries of both.

An annex is a query with the rows that it gives; a figure of the page is a total of one annex.
Nothing is summed across currencies: sums of money stand by currency, the others over all rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from store.warehouse import Warehouse

Number = Decimal | int
Totals = Mapping[str | None, Mapping[str, Number | None]]
"""By currency, then by name; under None those that are no money."""


@dataclass(frozen=True)
class Question:
    """What is asked of the warehouse.

    Attributes:
        key: names its annex.
        table: what the rows come from.
        columns: columns shown, as SQL.
        where: which rows, as SQL; a text of a value in it is quoted.
        order: how the rows are sorted, as SQL.
        money: sums of money by currency, by name, as SQL.
        counts: other totals over all rows, by name, as SQL.
    """

    key: str
    table: str
    columns: Sequence[str]
    where: str
    order: str
    money: dict[str, str] = field(default_factory=dict)
    counts: dict[str, str] = field(default_factory=dict)

    @property
    def chosen(self) -> str:
        """The rows that totals are made of."""
        return f"FROM {self.table}\nWHERE {self.where}"

    @property
    def rows_query(self) -> str:
        """The rows of the annex."""
        return f"SELECT {', '.join(self.columns)}\n{self.chosen}\nORDER BY {self.order}"

    @property
    def money_query(self) -> str:
        """Sums of money, a row a currency."""
        return (
            f"SELECT currency, {_named(self.money)}\n{self.chosen} AND currency IS NOT NULL\n"
            "GROUP BY currency ORDER BY currency"
        )

    @property
    def counts_query(self) -> str:
        """Totals that are no money, in one row."""
        return f"SELECT {_named(self.counts)}\n{self.chosen}"

    def of(self, key: str, column: str, value: str) -> "Question":
        """The same question of those rows where a column has a value."""
        return Question(
            key,
            self.table,
            self.columns,
            f"{self.where} AND {column} = {quoted(value)}",
            self.order,
            self.money,
            self.counts,
        )


@dataclass(frozen=True)
class Figure:
    """A number of the page: a total of an annex."""

    annex: str
    name: str
    value: Number | None
    currency: str | None = None
    before: Number | None = None


@dataclass(frozen=True)
class Annex:
    """A question with its answer.

    Attributes:
        question: what was asked.
        title: what a reader calls it.
        rows: all the rows.
        totals: what the figures of the page are.
        parted_by: the column of which it has one value.
    """

    question: Question
    title: str
    rows: pl.DataFrame
    totals: Totals
    parted_by: str = ""

    @property
    def key(self) -> str:
        """Its anchor."""
        return self.question.key

    @property
    def empty(self) -> bool:
        """Whether it has no row."""
        return self.rows.is_empty()

    def money(self, name: str, before: Totals | None = None) -> list[Figure]:
        """A sum of money, one figure a currency, the largest first; none where there is no row."""
        found = [
            Figure(self.key, name, said[name], currency, _at(before, currency, name))
            for currency, said in self.totals.items()
            if currency is not None and said.get(name) is not None
        ]
        return sorted(found, key=lambda figure: (-(figure.value or 0), figure.currency or ""))

    def count(self, name: str, before: Totals | None = None) -> Figure:
        """A total that is no money."""
        value = self.totals.get(None, {}).get(name)
        return Figure(self.key, name, value, None, _at(before, None, name))


class Reading:
    """The warehouse, with some views worked out once for the many questions asked of them.

    The queries that a reader sees name the views; here they are asked of copies that live as
    long as the connection.
    """

    def __init__(self, warehouse: Warehouse, views: Sequence[str]) -> None:
        self._warehouse = warehouse
        self._copies = {f"FROM {view}": f"FROM temp.{view.rpartition('.')[2]}" for view in views}
        for view in views:
            name = view.rpartition(".")[2]
            warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM {view}")

    def frame(self, sql: str) -> pl.DataFrame:
        """The frame of a query."""
        return self._warehouse.frame(self._of_copies(sql))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query; for a few of them it takes a third of the time of a frame."""
        return self._warehouse.rows(self._of_copies(sql))

    def _of_copies(self, sql: str) -> str:
        for view, copy in self._copies.items():
            sql = sql.replace(view, copy)
        return sql


def quoted(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"


def answer(reading: Reading, question: Question, title: str) -> Annex:
    """Asks a question."""
    rows = reading.frame(question.rows_query)
    return Annex(question, title, rows, totals(reading, question))


def totals(reading: Reading, question: Question) -> Totals:
    """The totals of a question alone: what its two queries give, asked as one."""
    return _sums(reading, question).get(None, {})


def _sums(
    reading: Reading, question: Question, part: str | None = None
) -> Mapping[str | None, Totals]:
    """Totals by the values of a column; a row without a currency counts, and is no money."""
    named = question.money | question.counts
    if not named:
        return {}
    priced = ", ".join(filter(None, [part, "currency"]))
    sets = [f"({priced})"] * bool(question.money) + [f"({part or ''})"] * bool(question.counts)
    grouped = "currency, grouping(currency) = 0" if question.money else "NULL, false"
    asked = f"SELECT {part or 'NULL'}, {grouped}, {_named(named)} {question.chosen}"
    found: dict[str | None, dict[str | None, Mapping[str, Number | None]]] = {}
    for value, currency, is_money, *said in reading.rows(
        f"{asked} GROUP BY GROUPING SETS ({', '.join(sets)})"
    ):
        if currency is None and is_money:
            continue
        told = dict(zip(named, said, strict=True))
        shown = question.money if is_money else question.counts
        found.setdefault(value, {})[currency] = {name: told[name] for name in shown}
    return found


def parted(
    reading: Reading, whole: Question, column: str, titles: Mapping[str, str] | None = None
) -> dict[str, Annex]:
    """An annex for each value of a column, by value; two queries in all.

    Args:
        reading: what is asked.
        whole: the question that is parted; its columns have `column`.
        column: by what.
        titles: what each value is called; the value itself where it is not told.
    """
    rows = reading.frame(whole.rows_query).filter(pl.col(column).is_not_null())
    sums = _sums(reading, whole, column)
    parts = rows.partition_by(column, as_dict=True, maintain_order=True)
    return {
        value: Annex(
            whole.of(f"{whole.key}-{number}", column, value),
            (titles or {}).get(value, value),
            part,
            sums[value],
            column,
        )
        for number, ((value,), part) in enumerate(parts.items(), start=1)
    }


def _named(measures: Mapping[str, str]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, sql in measures.items())


def _at(before: Totals | None, currency: str | None, name: str) -> Any:
    return (before or {}).get(currency, {}).get(name)
