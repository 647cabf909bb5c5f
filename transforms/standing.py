"""Records that their source has deleted or archived (decision 0035).

They still say who and what was meant, where nothing that stands does: a month that was billed stays
as it is. What is left to do on them is held.
"""

import polars as pl


def answering(table: pl.DataFrame, *key: str) -> pl.DataFrame:
    """The rows that stand, and of those that are gone the ones whose key no standing row has.

    Args:
        table: rows with `deleted_at`.
        key: columns by which a row is asked for.
    """
    stands = pl.col("deleted_at").is_null()
    return table.filter(stands | ~stands.any().over(key))
