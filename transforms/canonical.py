"""Wire text to canonical columns.

The store takes every value out of the vendor's JSON as the text that the vendor wrote. Here it
becomes a date, an instant, days, money. What cannot be read is named, never guessed and never
rounded: a number with more than 4 decimals is refused at the door.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from transforms.words.figures import sentence

# Not `\d`, which takes the digits of every script.
_NUMBER = r"^-?[0-9]{1,%d}(\.[0-9]{1,4}0*)?$"
_DAYS = (date(1, 1, 1), date(9999, 12, 31))
"""What Python, pandas and most BI tools can hold; polars and DuckDB go further both ways."""
_INSTANTS = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
_INSTANT = "%Y-%m-%dT%H:%M:%S%.f%#z"
_DATE = "%Y-%m-%d"
_FINDINGS = {
    "row": pl.UInt32,
    "column_name": pl.String,
    "check_name": pl.String,
    "message": pl.String,
}
_WORDS = {pl.Date: "a date YYYY-MM-DD", pl.Datetime: "an instant with its offset"}


def typed(text: pl.DataFrame, dtypes: Mapping[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A frame of texts as the canonical columns of one table.

    Args:
        text: columns of strings; columns of other types pass as they are.
        dtypes: canonical column types by name; every one must be in `text`.

    Returns:
        The typed columns, null where nothing was said or nothing could be read, and the findings
        (row, column_name, check_name, message) for what was said and could not be read.
    """
    read = text.select(_read(name, dtype, text.schema[name]) for name, dtype in dtypes.items())
    findings = [
        _unread(text.get_column(name), read.get_column(name))
        for name in dtypes
        if text.schema[name] != read.schema[name]
    ]
    return read, pl.concat([pl.DataFrame(schema=_FINDINGS), *findings])


def _read(name: str, dtype: Any, given: Any) -> pl.Expr:
    column = pl.col(name)
    if given == dtype:
        return column
    if isinstance(dtype, pl.Decimal):
        pattern = _NUMBER % (dtype.precision - dtype.scale)
        return pl.when(column.str.contains(pattern)).then(column).cast(dtype).alias(name)
    if dtype == pl.Date:
        return _within(column.str.to_date(_DATE, strict=False), _DAYS)
    if isinstance(dtype, pl.Datetime):
        read = column.str.to_datetime(_INSTANT, time_unit="us", time_zone="UTC", strict=False)
        return _within(read, _INSTANTS)
    if dtype == pl.Boolean:
        return column.replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        )
    return column.cast(dtype, strict=False)


def _within(read: pl.Expr, bounds: tuple[date, date]) -> pl.Expr:
    return pl.when(read.is_between(*bounds)).then(read)


def _unread(said: pl.Series, read: pl.Series) -> pl.DataFrame:
    lost = said.is_not_null() & read.is_null()
    wanted = _WORDS.get(type(read.dtype)) or str(read.dtype)
    message = sentence("{}: found {}, wanted {}", pl.lit(said.name), "found", pl.lit(wanted))
    return pl.DataFrame({"row": lost.arg_true(), "found": said.filter(lost)}).select(
        pl.col("row").cast(pl.UInt32),
        pl.lit(said.name).alias("column_name"),
        pl.lit(f"type {read.dtype}").alias("check_name"),
        message.alias("message"),
    )
