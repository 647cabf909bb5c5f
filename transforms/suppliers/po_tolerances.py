"""The limits that a pair of invoice line and purchase order is judged with (policy.toml).

By default, over it by supplier, over both by purchase order (id before reference), key by key.
Here a limit is an Int64 in ten-thousandths, or `OFF`: not checked, and the row says so.
"""

import json
from decimal import Decimal

import polars as pl

from transforms.policy import Limit, Tolerance, ToleranceOverride, Tolerances

OFF = -1
LIMITS = tuple(Tolerance.model_fields)
_LIMIT_TYPES: dict[str, pl.DataType] = dict.fromkeys(LIMITS, pl.Int64())


def limits(pairs: pl.DataFrame, tolerance: Tolerances) -> pl.DataFrame:
    """The limits of each pair, in the row order of `pairs`.

    Args:
        pairs: `supplier_id`, `po_id`, `po_reference`, each null where unknown.
        tolerance: the limits of the policy.

    Returns:
        One column a limit (Int64 ten-thousandths, `OFF`), and `policy`: the same as JSON text, with
        the level that each value came from (`default`, `supplier SUP-1`, `po PO-2026-001`).
    """
    levels = {
        "supplier_id": tolerance.supplier,
        "po_id": tolerance.po,
        "po_reference": tolerance.po,
    }
    of_pairs = pairs.select(
        pl.when(pl.col(key).is_in(list(overrides))).then(pl.col(key)).alias(key)
        for key, overrides in levels.items()
    )
    sets = of_pairs.unique()
    told = [_of_pair(tolerance, **pair) for pair in sets.iter_rows(named=True)]
    schema = _LIMIT_TYPES | {"policy": pl.String()}
    values = pl.DataFrame(told, schema=schema, orient="row")
    if values.height == 1:
        row = values.row(0, named=True)
        return pl.select(
            pl.repeat(row[name], pairs.height, dtype=dtype).alias(name)
            for name, dtype in schema.items()
        )
    named = pl.concat([sets, values], how="horizontal")
    joined = of_pairs.join(
        named, on=of_pairs.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.select(schema.keys())


def read_limits(policy: str) -> dict[str, pl.Expr]:
    """The columns of the limits as a decision kept them."""
    kept = json.loads(policy)
    return {name: pl.lit(_units(_limit(kept[name])), pl.Int64) for name in LIMITS}


def _limit(said: str) -> Limit:
    return "off" if said == "off" else Decimal(said)


def _of_pair(
    tolerance: Tolerances, *, supplier_id: str | None, po_id: str | None, po_reference: str | None
) -> dict[str, int | str]:
    """The limits of one supplier and order, key by key from the nearest level that tells one."""
    levels: list[tuple[str, Tolerance | ToleranceOverride]] = [
        (f"{name} {key}", overrides[key])
        for name, key, overrides in (
            ("po", po_id, tolerance.po),
            ("po", po_reference, tolerance.po),
            ("supplier", supplier_id, tolerance.supplier),
        )
        if key is not None and key in overrides
    ]
    levels.append(("default", tolerance))
    found = {
        name: next(
            (level, limit) for level, told in levels if (limit := getattr(told, name)) is not None
        )
        for name in LIMITS
    }
    values = {name: _units(limit) for name, (_, limit) in found.items()}
    kept = {name: said(value) for name, value in values.items()}
    origin = {name: level for name, (level, _) in found.items()}
    return values | {"policy": json.dumps(kept | {"from": origin})}


def said(units: int) -> str:
    """A limit as people write it: `1`, `0.5` or `off`."""
    if units == OFF:
        return "off"
    return f"{Decimal(units).scaleb(-4).normalize():f}"


def _units(limit: Limit) -> int:
    return OFF if limit == "off" else int(limit.scaleb(4))
