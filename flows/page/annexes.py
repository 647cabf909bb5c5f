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
    money: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, str] = field(default_factory=dict)

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
        for view, copy in self._copies.items():
            sql = sql.replace(view, copy)
        return self._warehouse.frame(sql)


def quoted(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"


def answer(reading: Reading, question: Question, title: str) -> Annex:
    """Asks a question."""
    rows = reading.frame(question.rows_query)
    return Annex(question, title, rows, totals(reading, question))


def totals(reading: Reading, question: Question) -> Totals:
    """The totals of a question alone."""
    found: dict[str | None, Mapping[str, Number | None]] = {}
    if question.money:
        for row in reading.frame(question.money_query).to_dicts():
            found[row.pop("currency")] = row
    if question.counts:
        [found[None]] = reading.frame(question.counts_query).to_dicts()
    return found


def parted(
    reading: Reading, whole: Question, column: str, titles: Mapping[str, str] | None = None
) -> dict[str, Annex]:
    """An annex for each value of a column, by value; three queries in all.

    Args:
        reading: what is asked.
        whole: the question that is parted; its columns have `column`.
        column: by what.
        titles: what each value is called; the value itself where it is not told.
    """
    rows = reading.frame(whole.rows_query).filter(pl.col(column).is_not_null())
    sums: dict[str, dict[str | None, Mapping[str, Number | None]]] = {}
    for kind, money in (("currency", True), ("NULL AS currency", False)):
        named = whole.money if money else whole.counts
        if not named:
            continue
        priced = " AND currency IS NOT NULL" if money else ""
        asked = f"SELECT {column} AS part, {kind}, {_named(named)} {whole.chosen}{priced}"
        for row in reading.frame(f"{asked} GROUP BY ALL").to_dicts():
            sums.setdefault(row.pop("part"), {})[row.pop("currency")] = row
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
