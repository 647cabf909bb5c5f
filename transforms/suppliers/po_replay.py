"""What a bill's rows were decided on: fingerprint, inputs, and the same decision once more.

The fingerprint is that of the bill: a hash of the facts of all its lines, then the holds that these
facts made (`{line}.{code}`). A decision of a person stands while the facts are the same and no
other hold came: one that went away is not missed. What other bills took, and what our own writing
changed (the registration, the last accepted account), is not among the facts: else each approval
would undo itself or the one beside it.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from transforms.money import DAYS, MONEY
from transforms.overrides import DECISION, OVERRIDES, as_inputs, fingerprint_of, with_decisions
from transforms.suppliers.po_holds import DYNAMIC, STATIC, flagged
from transforms.suppliers.po_judging import (
    REVIEW,
    STATUSES,
    judged_quantities,
    ranked,
    standing_holds,
    status_of,
    unproven,
)
from transforms.suppliers.po_quantities import UNLIMITED
from transforms.suppliers.po_tolerances import OFF, read_limits
from transforms.suppliers.receipts import units
from transforms.words.figures import sentence

_FACTS: dict[str, pl.DataType] = {
    "bill_id": pl.String(),
    "bill_line": pl.Int32(),
    "invoice_number": pl.String(),
    "invoice_date": pl.Date(),
    "currency": pl.String(),
    "bill_amount": MONEY,
    "lines_of_bill": pl.UInt32(),
    "sum_of_lines": MONEY,
    "amount": MONEY,
    "quantity": DAYS,
    "unit_price": MONEY,
    "priced": pl.Boolean(),
    "paid": pl.Boolean(),
    "denied": pl.Boolean(),
    "vendor_id": pl.String(),
    "bill_vendor_name": pl.String(),
    "vendor_known_as": pl.String(),
    "supplier_id": pl.String(),
    "mismatch": pl.String(),
    "unconfirmed": pl.String(),
    "account_end": pl.String(),
    "problem": pl.String(),
    "named": pl.Boolean(),
    "po_id": pl.String(),
    "po_line": pl.Int32(),
    "po_supplier": pl.String(),
    "po_currency": pl.String(),
    "dead": pl.Boolean(),
    "closed": pl.Boolean(),
    "start_date": pl.Date(),
    "price": MONEY,
    "ordered": pl.Int64(),
    "consultant_id": pl.String(),
    "received": pl.Int64(),
}
"""The facts of a line; `ordered` and `received` in ten-thousandths of a day."""

_STATE: dict[str, pl.DataType] = {
    "first": pl.Boolean(),
    "order_line": pl.UInt32(),
    "unchecked": pl.String(),
    "before": pl.Int64(),
    "bill_over": pl.Boolean(),
    "original": pl.String(),
    "same_number": pl.Boolean(),
    "twin": pl.String(),
    "registered_as": pl.String(),
    "withdrawn": pl.Boolean(),
    "bank_changed": pl.Boolean(),
    "decision": pl.String(),
    "stands": pl.Boolean(),
    "given": MONEY,
    "others": pl.String(),
}
"""What earlier decisions, our own writing and a person add, and the worst of the other lines."""

_INPUTS = _FACTS | _STATE


def with_bill_decisions(rows: pl.DataFrame, overrides: pl.DataFrame) -> pl.DataFrame:
    """The rows with a person's last decision on their bill, and whether its facts are the same.

    Args:
        rows: as `rows_to_decide` returns them.
        overrides: overrides.OVERRIDES, by line or by bill.

    Returns:
        The rows with the columns of `overrides.DECISION` and `made_on`: the holds that the person
        knew of.
    """
    if overrides.is_empty():
        nobody = pl.DataFrame(schema=DECISION | {"made_on": pl.List(pl.String)})
        none = [pl.lit(None, dtype).alias(name) for name, dtype in nobody.schema.items()]
        return rows.with_columns(none).with_columns(stands=pl.lit(value=False))
    asked = overrides.join(_ids(rows), on="break_id").with_columns(
        made_on=pl.col("fingerprint").str.split("|").list.slice(1),
        fingerprint=pl.col("fingerprint").str.split("|").list.first(),
        break_id=pl.col("turn").cast(pl.String),
    )
    last = asked.sort("decided_at").unique("turn", keep="last")
    named = rows.with_columns(
        line_break=pl.col("break_id"), break_id=pl.col("turn").cast(pl.String)
    )
    facts = _hashes(rows.filter(pl.col("turn").is_in(last.get_column("turn").implode())))
    return (
        with_decisions(
            named.join(facts, on="turn", how="left", maintain_order="left"),
            last.select(OVERRIDES.keys()),
        )
        .join(last.select("turn", "made_on"), on="turn", how="left", maintain_order="left")
        .with_columns(break_id=pl.col("line_break"))
        .drop("line_break", "fingerprint")
    )


def _ids(rows: pl.DataFrame) -> pl.DataFrame:
    """`break_id`, `turn`: by which ids a person may have decided on a bill."""
    whole = sentence("bill/{}", "bill_id")
    lines, bills = rows.select("break_id", "turn"), rows.select("turn", break_id=whole)
    return pl.concat([lines, bills.select("break_id", "turn").unique()])


def _hashes(rows: pl.DataFrame) -> pl.DataFrame:
    """`turn`, `fingerprint`: the hash of the facts of a bill, its lines in their order."""
    said = rows.sort("turn", "bill_line").select("turn", said=as_inputs(*_stable()))
    lines = said.group_by("turn", maintain_order=True).agg("said")
    hashes = [fingerprint_of(*texts) for texts in lines.get_column("said").to_list()]
    return lines.select("turn", fingerprint=pl.Series(hashes, dtype=pl.String))


def _stable() -> list[pl.Expr]:
    return [pl.col(name).cast(dtype) for name, dtype in _FACTS.items()]


def inputs_of(judged: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """What each row was decided on.

    Args:
        judged: rows as `po_judging.decide` returns them.
        found: all holds, those overridden included.

    Returns:
        `break_id`, `fingerprint` (of the bill), `inputs` (JSON: what `replay_bill` reads).
    """
    code = sentence("{}.{}", "bill_line", "code")
    codes = (
        found.join(judged.select("break_id", "bill_line"), on="break_id")
        .select("turn", code=code)
        .group_by("turn")
        .agg(codes=pl.col("code").unique().sort().str.join("|"))
    )
    return (
        judged.with_columns(others=status_of(_others()))
        .join(_hashes(judged), on="turn", how="left", maintain_order="left")
        .join(codes, on="turn", how="left", maintain_order="left")
        .select(
            "break_id",
            fingerprint=pl.concat_str("fingerprint", "codes", separator="|", ignore_nulls=True),
            inputs=as_inputs(*(pl.col(name).cast(dtype) for name, dtype in _INPUTS.items())),
        )
        .sort("break_id")
    )


def _others() -> pl.Expr:
    """The worst rank among the other lines of the bill; the best where there is none."""
    rank = pl.col("line_rank")
    worst = rank.max().over("turn")
    alone = (rank == worst).sum().over("turn") == 1
    second = rank.sort(descending=True).get(1, null_on_oob=True).over("turn")
    return pl.when((rank == worst) & alone).then(second.fill_null(0)).otherwise(worst)


def replay_bill(inputs: str, policy: str) -> str:
    """The status of a row once more, from what it was decided on and with.

    Args:
        inputs: as `inputs_of` told them.
        policy: the limits of the decision (JSON), as `po_tolerances.limits` told them.

    Returns:
        One of `po_judging.STATUSES`.
    """
    row = judged_quantities(_read(inputs, read_limits(policy)))
    flags = [] if row["unchecked"][0] is not None else flagged(row, (*STATIC, *DYNAMIC))
    holds = pl.DataFrame(
        [(row["break_id"][0], rule.code, rule.final, 0) for rule, _ in flags],
        schema={"break_id": pl.String, "code": pl.String, "stays": pl.Boolean, "turn": pl.Int64},
        orient="row",
    )
    others = STATUSES.index(row["others"][0])
    judged = ranked(row, standing_holds(holds, row)).with_columns(
        rank=pl.max_horizontal("rank", pl.lit(others))
    )
    claimed = unproven() & pl.col("checked")
    return str(judged.select(status_of(pl.when(claimed).then(REVIEW).otherwise("rank"))).item())


def _read(inputs: str, limits: Mapping[str, Any]) -> pl.DataFrame:
    """One row of the match as it was decided."""
    row = pl.Series("said", [inputs]).str.json_decode(pl.Struct(_INPUTS)).struct.unnest()
    quantity = pl.col("quantity_days")
    return row.with_columns(**limits, turn=pl.lit(0, pl.Int64)).with_columns(
        break_id=sentence("bill/{}/{}", "bill_id", "bill_line"),
        checked=pl.col("unchecked").is_null(),
        wanted=units(pl.col("quantity")),
        limit=pl.when(quantity == OFF).then(UNLIMITED).otherwise(quantity),
    )
