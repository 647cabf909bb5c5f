"""The form of a hold, whichever side it is of: recon.holds without its run."""

import polars as pl

from transforms.money import MONEY

HOLDS: dict[str, pl.DataType] = {
    "break_id": pl.String(),
    "subject": pl.String(),
    "subject_id": pl.String(),
    "code": pl.String(),
    "severity": pl.String(),
    "expected": pl.String(),
    "actual": pl.String(),
    "tolerance": pl.String(),
    "amount_at_stake": MONEY,
    "currency": pl.String(),
    "detail": pl.String(),
}
