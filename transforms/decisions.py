"""Decisions, of rapproche and of people, each with the facts that it was made on.

They are appended, never rewritten, and name the one that they replace (reconciliation.md 2.2). A
person's decision stands while the row has the fingerprint that it was made on.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from transforms.breaks import INSTANT

DECISIONS: dict[str, Any] = {
    "decision_id": pl.String(),
    "subject": pl.String(),
    "subject_id": pl.String(),
    "outcome": pl.String(),
    "fingerprint": pl.String(),
    "inputs": pl.String(),
    "policy": pl.String(),
    "decided_by": pl.String(),
    "supersedes": pl.String(),
    "decided_at": INSTANT,
}
INPUTS: dict[str, Any] = {
    "break_id": pl.String(),
    "fingerprint": pl.String(),
    "inputs": pl.String(),
}


def decisions(
    subject: str,
    rows: pl.DataFrame,
    inputs: pl.DataFrame,
    policies: Mapping[str, str],
    last: pl.DataFrame,
    now: datetime,
) -> pl.DataFrame:
    """What was decided on each row that is not as it was decided before.

    A row that only says it in other words is the same decision.

    Args:
        subject: cra or bill.
        rows: `break_id` and `outcome` of the rows of this look.
        inputs: `break_id`, `fingerprint` of the facts, `inputs`: all values that the outcome is
            computed from, as JSON.
        policies: limits that each row was decided with (JSON), by break_id, `*` for the others.
        last: last decision on each subject: `subject_id`, `decision_id`, `fingerprint`, `inputs`,
            `policy`.
        now: when.

    Returns:
        Rows of `recon.decisions` to append.
    """
    own = pl.DataFrame(
        [(name, said) for name, said in policies.items() if name != "*"],
        schema={"break_id": pl.String, "policy": pl.String},
        orient="row",
    )
    before = last.select(
        pl.col("subject_id").alias("break_id"),
        pl.col("decision_id").alias("supersedes"),
        pl.col("fingerprint").alias("fingerprint_before"),
        pl.col("inputs").alias("inputs_before"),
        pl.col("policy").alias("policy_before"),
    )
    taken = (
        rows.select("break_id", "outcome")
        .join(inputs, on="break_id")
        .join(own, on="break_id", how="left")
        .with_columns(policy=pl.col("policy").fill_null(policies["*"]))
        .join(before, on="break_id", how="left")
        .filter(
            pl.any_horizontal(
                pl.col(name).ne_missing(pl.col(f"{name}_before"))
                for name in ("fingerprint", "inputs", "policy")
            )
        )
        .sort("break_id")
    )
    return pl.DataFrame(
        [_decision(subject, row, "rapproche", now) for row in taken.to_dicts()],
        schema=DECISIONS,
        orient="row",
    )


def persons_decision(
    broken: Mapping[str, Any], decision: str, said: Mapping[str, Any], now: datetime
) -> pl.DataFrame:
    """A person's decision on a break, for the facts as they stand.

    Args:
        broken: `break_id`, `subject` of its decisions, `fingerprint` of the facts, and
            `decision_id` of the decision that this one replaces.
        decision: approved or rejected.
        said: decided_by, reason and amount.
        now: when.

    Returns:
        One row of `recon.decisions`.
    """
    taken = {
        "break_id": broken["break_id"],
        "outcome": decision,
        "fingerprint": broken["fingerprint"],
        "inputs": json.dumps(dict(said), default=_plain, sort_keys=True, ensure_ascii=False),
        "policy": "{}",
        "supersedes": broken["decision_id"],
    }
    row = _decision(broken["subject"], taken, "person", now)
    return pl.DataFrame([row], schema=DECISIONS, orient="row")


def _decision(
    subject: str, row: Mapping[str, Any], decided_by: str, now: datetime
) -> dict[str, Any]:
    replaced = row["supersedes"] or ""
    basis = "\n".join((subject, row["break_id"], row["inputs"], row["policy"], replaced))
    return {
        "decision_id": hashlib.sha256(basis.encode()).hexdigest()[:20],
        "subject": subject,
        "subject_id": row["break_id"],
        "outcome": row["outcome"],
        "fingerprint": row["fingerprint"],
        "inputs": row["inputs"],
        "policy": row["policy"],
        "decided_by": decided_by,
        "supersedes": row["supersedes"],
        "decided_at": now,
    }


def rows_as_inputs(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of recon as what they were decided on; what they say in words is none of it (INPUTS)."""
    said = rows.drop("explanation", "action", "detail", strict=False).to_dicts()
    texts = [json.dumps(row, default=_plain, sort_keys=True, ensure_ascii=False) for row in said]
    taken = [
        (row["break_id"], hashlib.sha256(text.encode()).hexdigest()[:20], text)
        for row, text in zip(said, texts, strict=True)
    ]
    return pl.DataFrame(taken, schema=INPUTS, orient="row")


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a decision")
