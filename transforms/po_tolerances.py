"""The limits that a pair of invoice line and purchase order is judged with (policy.toml).

By default, over it by supplier, over both by purchase order (id before reference), key by key.
Here a limit is an Int64 in ten-thousandths, or `OFF`: not checked, and the row says so.
"""

import json
from collections.abc import Mapping
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
        One column a limit (Int64 ten-thousandths, `OFF`), and `policy`: the same as JSON text.
    """
    default = {name: _units(getattr(tolerance, name)) for name in LIMITS}
    of_pairs = pairs.select("supplier_id", "po_id", "po_reference")
    if not tolerance.supplier and not tolerance.po:
        plain = of_pairs.with_columns(**default).select(LIMITS)
    else:
        plain = _overridden(of_pairs, tolerance, default)
    return plain.with_columns(_as_json(plain))


def said(units: int) -> str:
    """A limit as people write it: `1`, `0.5` or `off`."""
    if units == OFF:
        return "off"
    return f"{Decimal(units).scaleb(-4).normalize():f}"


def _units(limit: Limit) -> int:
    return OFF if limit == "off" else int(limit.scaleb(4))


def _overridden(
    pairs: pl.DataFrame, tolerance: Tolerances, default: Mapping[str, int]
) -> pl.DataFrame:
    levels = [
        ("po_id", tolerance.po, "_id"),
        ("po_reference", tolerance.po, "_reference"),
        ("supplier_id", tolerance.supplier, "_supplier"),
    ]
    for key, overrides, suffix in levels:
        pairs = pairs.join(
            _overrides(key, overrides),
            on=key,
            how="left",
            maintain_order="left",
            suffix=suffix,
        ).rename({name: name + suffix for name in LIMITS})
    return pairs.select(
        pl.coalesce(*(name + suffix for _, _, suffix in levels), pl.lit(default[name])).alias(name)
        for name in LIMITS
    )


def _overrides(key: str, overrides: Mapping[str, ToleranceOverride]) -> pl.DataFrame:
    rows = [
        {key: id_} | {n: None if v is None else _units(v) for n, v in override}
        for id_, override in sorted(overrides.items())
    ]
    return pl.DataFrame(rows, schema={key: pl.String(), **_LIMIT_TYPES})


def _as_json(plain: pl.DataFrame) -> pl.Series:
    """The limits of each row as JSON; a loop over the few distinct sets of limits."""
    sets = plain.unique()
    texts = [
        json.dumps({name: said(units) for name, units in row.items()})
        for row in sets.iter_rows(named=True)
    ]
    if len(texts) == 1:
        return pl.repeat(texts[0], plain.height, dtype=pl.String, eager=True).alias("policy")
    named = sets.with_columns(policy=pl.Series(texts, dtype=pl.String))
    return plain.join(named, on=LIMITS, how="left", maintain_order="left").get_column("policy")
