"""Invoices that were seen before (reconciliation.md 2.2, `DUPLICATE`)."""

import polars as pl

_KEY = ["party", "amount", "invoice_date"]


def plain_number(number: pl.Expr) -> pl.Expr:
    """An invoice number as it is compared, without case and punctuation; null when none is left."""
    signs = number.str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "")
    return pl.when(signs != "").then(signs)


def duplicates(seen: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """The later one of two invoices that are the same; what money went out on is never the later.

    The same supplier and number, without case and punctuation, whatever the date; or the same
    supplier, amount and date, unless each names an order of its own.

    Args:
        seen: bills in their order: `turn`, `bill_id`, `party`, `invoice_number`, `amount`,
            `invoice_date`, `before` (decided before), `paid`, `rejected` (by a person).
        named: `bill_id`, `po_id`: the one order that the bill names.

    Returns:
        `turn`, `original` (the earlier bill, null when it is only alike), `same_number` (it bears
        the number of the earlier one), `twin` (the earlier bill of the same amount and date where
        each names an order of its own, else null).
    """
    # a copy that is dated before what it copies must not pass for the original
    by_turn = seen.sort(pl.col("before").not_(), pl.col("paid").not_(), "rejected", "turn")
    return (
        _same_number(by_turn)
        .join(_same_amount(by_turn, named), on="turn", how="full", coalesce=True)
        .select(
            "turn",
            original=pl.coalesce("original", "original_alike"),
            same_number=pl.col("original").is_not_null(),
            twin=pl.when(pl.col("original").is_null()).then(pl.col("twin")),
        )
    )


def _same_number(seen: pl.DataFrame) -> pl.DataFrame:
    numbered = seen.select(
        "turn", "bill_id", "party", number=plain_number(pl.col("invoice_number"))
    )
    again = _grouped(numbered.drop_nulls(), ["party", "number"])
    later = pl.int_range(pl.len()).over("group") > 0
    first = pl.col("bill_id").first().over("group")
    return again.select("turn", original=first, later=later).filter("later").drop("later")


def _same_amount(seen: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Later bills of like amount and date; those that name an order of their own are twins."""
    alike = _grouped(seen.select("turn", "bill_id", *_KEY), _KEY).join(
        named.select("bill_id", "po_id"), on="bill_id", how="left", maintain_order="left"
    )
    nameless = pl.col("po_id").is_null()
    nameless_before = (nameless.cum_sum() - nameless.cast(pl.UInt32)).over("group") > 0
    order_before = pl.int_range(pl.len()).over("group", "po_id") > 0
    first = pl.col("bill_id").first().over("group")
    same = nameless | nameless_before | order_before
    return (
        alike.with_columns(
            original_alike=pl.when(same).then(first),
            twin=pl.when(~same).then(first),
            later=pl.int_range(pl.len()).over("group") > 0,
        )
        .filter("later")
        .select("turn", "original_alike", "twin")
    )


def _grouped(seen: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Bills that share their key with another, in their order, with the number of the group."""
    groups = seen.group_by(key).len().filter(pl.col("len") > 1).with_row_index("group")
    return seen.join(groups, on=key, maintain_order="left")
