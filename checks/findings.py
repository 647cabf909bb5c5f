"""What a contract refuses, row by row, and when a whole stream is to stop (reconciliation.md 5).

A finding names the row, the column and the check. The row goes to quarantine and the others go on;
only too many findings, or a key column that is missing altogether, stop the stream: that is a
changed vendor, not a bad row.
"""

from collections.abc import Callable, Iterator, Mapping

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

from transforms.words.figures import sentence

FINDINGS = {
    "row": pl.UInt32,
    "column_name": pl.String,
    "check_name": pl.String,
    "message": pl.String,
}
"""A finding: the row's number in its frame, the column, the check and what is wrong in words."""

STOP_SHARE = 10
STOP_ROWS = 3


def _long_enough(
    value: pl.Expr, min_value: int, max_value: int | None, exact_value: int | None
) -> pl.Expr:
    open_end = max_value is None and exact_value is None
    return (value.str.len_chars() >= min_value) & pl.lit(value=open_end)


_HOLDS: Mapping[str, Callable[..., pl.Expr]] = {
    "isin": lambda value, allowed_values: value.is_in(allowed_values),
    "greater_than_or_equal_to": lambda value, min_value: value >= min_value,
    "in_range": lambda value, min_value, max_value, include_min, include_max: (
        value.is_between(min_value, max_value) & pl.lit(value=include_min and include_max)
    ),
    "str_length": _long_enough,
}
"""What some checks of pandera ask, by their name and settings; false where we do not know."""


class ContractBrokenError(Exception):
    """A frame of our own broke its contract: a defect of rapproche, not of a row."""


def broken_rows(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> pl.DataFrame:
    """The findings of a contract over a frame whose columns have the contract's types.

    Args:
        schema: contract of the table.
        frame: the table's columns.

    Returns:
        Findings; empty when every row is as it must be.

    Raises:
        ContractBrokenError: the frame itself is not of the contract's shape.
    """
    if _plainly_holds(schema, frame):
        return pl.DataFrame(schema=FINDINGS)
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return _of(schema, errors.failure_cases)
    return pl.DataFrame(schema=FINDINGS)


def _plainly_holds(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> bool:
    """Whether a frame keeps its contract, asked in one query; if that cannot say, pandera does.

    Pandera asks each check of each column by itself: ten times the price of a small frame.
    """
    kinds = {name: column.dtype.type for name, column in schema.columns.items()}
    if schema.checks or schema.unique or frame.schema != kinds:
        return False
    rules = [rule for name, column in schema.columns.items() for rule in _rules(name, column)]
    return all(frame.select(rules).row(0)) if rules else True


def _rules(name: str, column: pa.Column) -> Iterator[pl.Expr]:
    """True where all values keep what is asked of their column, false where that is not known."""
    value = pl.col(name)
    if not column.nullable:
        yield value.is_not_null().all().alias(name)
    for number, check in enumerate(column.checks):
        holds = _HOLDS.get(check.name)
        said = holds(value, **check.statistics).all() if holds else pl.lit(value=False)
        yield said.alias(f"{name} {number}")
    if column.unique:
        yield pl.lit(value=False).alias(f"{name} unique")


def _of(schema: pa.DataFrameSchema, cases: pl.DataFrame) -> pl.DataFrame:
    of_the_frame = cases.filter(pl.col("index").is_null())
    if of_the_frame.height:
        raise ContractBrokenError(f"{schema.name}: {of_the_frame.row(0, named=True)}")
    column, check = pl.col("column").cast(pl.String), pl.col("check").cast(pl.String)
    found = pl.col("failure_case").cast(pl.String).fill_null("nothing")
    return cases.select(
        pl.col("index").cast(pl.UInt32).alias("row"),
        column.alias("column_name"),
        pl.when(check == "not_nullable")
        .then(pl.lit("required"))
        .otherwise(check)
        .alias("check_name"),
        sentence("{}: found {}, wanted {}", column, found, check).alias("message"),
    )


def must_hold(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame itself, once its contract holds; for frames that rapproche made.

    Raises:
        ContractBrokenError: with the first finding, when it does not.
    """
    found = broken_rows(schema, frame)
    if found.height:
        raise ContractBrokenError(f"{schema.name}: {found.row(0, named=True)['message']}")
    return frame


def stops_stream(rows_pulled: int, rows_refused: int, *, key_missing: bool) -> bool:
    """Whether a stream is to stop before anything of it is stored.

    More than 10 % of the rows pulled and more than 3, or a key column missing altogether.
    """
    too_many = rows_refused > STOP_ROWS and rows_refused * 100 > rows_pulled * STOP_SHARE
    return key_missing or too_many
