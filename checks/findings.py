"""What a contract refuses, row by row, and when a whole stream is to stop (reconciliation.md 5).

A finding names the row, the column and the check. The row goes to quarantine and the others go on;
only too many findings, or a key column that is missing altogether, stop the stream: that is a
changed vendor, not a bad row.
"""

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
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return _of(schema, errors.failure_cases)
    return pl.DataFrame(schema=FINDINGS)


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
