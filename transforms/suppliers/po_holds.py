"""The holds of the three-way match, each with what was expected, found and allowed (2.2).

A rule is a condition on a row of the match and the texts of its hold; texts are made for held rows
only. Holds of a whole bill stand on its first line, with the euros of the bill. The sources tell no
tax, so there is no rule `TAX`: the tax is not checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from transforms.holds import HOLDS
from transforms.money import MONEY, product
from transforms.overrides import NOT_OVERRIDABLE
from transforms.suppliers.po_duplicates import plain_number
from transforms.suppliers.po_tolerances import OFF
from transforms.suppliers.receipts import days, units
from transforms.words.figures import sentence

ERRORS = ("SUPPLIER_MISMATCH", "DUPLICATE", "BANK_CHANGED", "PAID_UNPROVEN")
"""Holds of severity error; the others are warnings."""

_NONE = pl.lit(None, dtype=pl.String)
_WIDE = pl.Int128
_VAT = 120
_CENT = 100
_LINE = pl.col("amount").abs()
_BILL = pl.col("bill_amount").abs()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One hold: its code, when it applies, what it says, and whether it stays though approved."""

    code: str
    when: pl.Expr
    expected: pl.Expr = _NONE
    actual: pl.Expr = _NONE
    tolerance: pl.Expr = _NONE
    stake: pl.Expr = _LINE
    detail: pl.Expr = _NONE
    stays: bool = False

    @property
    def final(self) -> bool:
        """Whether no approval overrides it: a figure or a party is missing, or a number taken."""
        return self.stays or self.code in NOT_OVERRIDABLE


def _of_bill(
    code: str, when: pl.Expr, *, stake: pl.Expr = _BILL, stays: bool = False, **said: pl.Expr
) -> Rule:
    """A hold of the whole bill: on its first line, with the euros of the bill."""
    return Rule(code=code, when=pl.col("first") & when, stake=stake, stays=stays, **said)


def number(value: pl.Expr) -> pl.Expr:
    """A decimal without needless zeros."""
    return value.cast(pl.String).str.replace(r"\.?0+$", "")


def money(value: pl.Expr) -> pl.Expr:
    """Money with its two decimals, more where it has more."""
    return value.cast(pl.Decimal(18, 4)).cast(pl.String).str.replace(r"(\.\d\d\d*?)0+$", "$1")


def _amount(value: pl.Expr) -> pl.Expr:
    return sentence("{} {}", money(value), "currency")


def _limit(column: str, unit: str) -> pl.Expr:
    value = pl.col(column).cast(pl.Decimal(38, 0)).cast(pl.Decimal(38, 4)) / 10_000
    text = sentence("{}{}", number(value), pl.lit(unit))
    return pl.when(pl.col(column) == OFF).then(pl.lit("off")).otherwise(text)


def _days(value: pl.Expr) -> pl.Expr:
    return sentence("{} d", number(value))


def _account(column: str) -> pl.Expr:
    return pl.coalesce(sentence("account ending in {}", column), pl.lit("no account"))


def _checked(column: str) -> pl.Expr:
    return pl.col(column) != OFF


def _difference(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    return (units(one) - units(other)).abs()


_ordered = pl.col("po_id").is_not_null()
_po = pl.col("po_reference")
_line_total = product(pl.col("quantity"), pl.col("unit_price"))
_above = units(pl.col("unit_price")).cast(_WIDE) - units(pl.col("price"))
# a credit below the order's price would free days that it does not pay back
_excess = pl.when(pl.col("quantity") < 0).then(_above.abs()).otherwise(_above)
_paid_price = units(pl.col("unit_price")).cast(_WIDE)
_over_percent = _checked("price_percent") & (
    _excess * 1_000_000 > units(pl.col("price")).cast(_WIDE) * pl.col("price_percent")
)
_over_amount = _checked("price_amount") & (_excess > pl.col("price_amount"))
_free_of_charge = (pl.col("price") == 0) & (_paid_price > 0)
# days prove a line only while it is quantity x price, so this is checked where totals are off too
_line_limit = pl.when(_checked("total_amount")).then("total_amount").otherwise(_CENT)
_lines_limit = pl.col("total_amount") * pl.col("lines_of_bill")
_other_supplier = pl.col("named") & (pl.col("po_supplier") != pl.col("supplier_id"))
_wrong_vendor = pl.col("first") & (
    pl.col("mismatch").is_not_null() | pl.col("vendor_known_as").is_not_null()
)
_vat_bill = units(pl.col("bill_amount")).cast(_WIDE) * 100 - units(pl.col("po_total")) * _VAT

STATIC: tuple[Rule, ...] = (
    _of_bill(
        "SUPPLIER_UNKNOWN",
        pl.col("supplier_id").is_null() & pl.col("unconfirmed").is_null(),
        expected=pl.lit("a supplier in BoondManager"),
        actual=pl.coalesce("vendor_name", "vendor_id"),
    ),
    _of_bill(
        "SUPPLIER_UNCONFIRMED",
        pl.col("unconfirmed").is_not_null(),
        expected=pl.lit("one vendor that a person or its name or number confirms"),
        actual=pl.coalesce("vendor_name", "vendor_id"),
        detail=pl.col("unconfirmed"),
    ),
    Rule(
        code="SUPPLIER_MISMATCH",
        when=_other_supplier | _wrong_vendor,
        expected=pl.coalesce("vendor_known_as", sentence("supplier {}", "supplier_id")),
        actual=pl.when(pl.col("vendor_known_as").is_not_null())
        .then(pl.col("bill_vendor_name"))
        .when(_other_supplier)
        .then(sentence("order {} of supplier {}", _po, "po_supplier"))
        .otherwise(pl.col("mismatch")),
        stake=pl.when(_wrong_vendor).then(_BILL).otherwise(_LINE),
        detail=pl.col("mismatch"),
    ),
    Rule(
        code="PO_MISSING",
        when=pl.col("problem") == "PO_MISSING",
        expected=pl.lit("one purchase order"),
        actual=pl.coalesce("candidates", pl.lit("no number on it, and no open order fits")),
    ),
    Rule(
        code="PO_AMBIGUOUS",
        when=pl.col("problem") == "PO_AMBIGUOUS",
        expected=pl.lit("one purchase order"),
        actual=pl.col("candidates"),
    ),
    Rule(
        code="LINE_UNMATCHED",
        when=pl.col("problem") == "LINE_UNMATCHED",
        expected=sentence("a line of order {}", _po),
        actual=sentence("line {}, order {}", "bill_line", _po),
    ),
    Rule(
        code="LINES_MISSING",
        when=pl.col("quantity").is_null(),
        expected=pl.lit("a quantity"),
        actual=_amount(pl.col("amount")),
        detail=pl.when(_vat_bill.abs() <= 100 * 100).then(
            sentence("the amount is that of order {} plus 20 % VAT", _po)
        ),
    ),
    Rule(
        code="RECEIPT_UNKNOWN",
        when=pl.col("order_line").is_not_null() & pl.col("consultant_id").is_null(),
        expected=pl.lit("a consultant whose days are the receipt"),
        actual=pl.coalesce("person", pl.lit("nobody")),
    ),
    Rule(
        code="PRICE",
        when=_over_percent | _over_amount | _free_of_charge,
        expected=_amount(pl.col("price")),
        actual=_amount(pl.col("unit_price")),
        tolerance=sentence(
            "{}, {}", _limit("price_percent", " %"), _limit("price_amount", " a day")
        ),
        stake=product(pl.col("quantity"), pl.col("unit_price") - pl.col("price")).abs(),
    ),
    Rule(
        code="LINE_TOTAL",
        when=(pl.col("priced") & (_difference(pl.col("amount"), _line_total) > _line_limit))
        | ((pl.col("quantity") == 0) & (units(pl.col("amount")).abs() > _line_limit)),
        expected=_amount(pl.coalesce(_line_total, pl.lit(0).cast(MONEY))),
        actual=_amount(pl.col("amount")),
        tolerance=number(days(_line_limit)),
        stake=(pl.col("amount") - pl.coalesce(_line_total, pl.lit(0).cast(MONEY))).abs(),
    ),
    _of_bill(
        "TOTAL",
        _checked("total_amount")
        & (_difference(pl.col("bill_amount"), pl.col("sum_of_lines")) > _lines_limit),
        expected=_amount(pl.col("sum_of_lines")),
        actual=_amount(pl.col("bill_amount")),
        tolerance=_limit("total_amount", " a line"),
        stake=(pl.col("bill_amount") - pl.col("sum_of_lines")).abs(),
    ),
    Rule(
        code="CURRENCY",
        when=_ordered & (pl.col("currency") != pl.col("po_currency")),
        expected=pl.col("po_currency"),
        actual=pl.col("currency"),
    ),
    Rule(
        code="DATE",
        when=_ordered & (pl.col("invoice_date") < pl.col("start_date")),
        expected=sentence("from {} on", "start_date"),
        actual=sentence("dated {}", "invoice_date"),
    ),
    Rule(
        code="PO_STATUS",
        when=_ordered & pl.col("dead"),
        expected=pl.lit("an approved order"),
        actual=sentence("order {} is {}", _po, "po_status"),
    ),
    _of_bill(
        "DUPLICATE",
        pl.col("original").is_not_null() & pl.col("same_number"),
        stays=True,
        expected=pl.lit("an invoice not seen before"),
        actual=pl.col("invoice_number"),
        detail=sentence(
            "same as bill {}; a number is registered once: reject the other", "original"
        ),
    ),
    _of_bill(
        "DUPLICATE",
        pl.col("original").is_not_null() & ~pl.col("same_number"),
        expected=pl.lit("an invoice not seen before"),
        actual=pl.col("invoice_number"),
        detail=sentence("same as bill {}", "original"),
    ),
    _of_bill(
        "DUPLICATE",
        pl.col("registered_as").is_not_null() & pl.col("original").is_null(),
        expected=_amount(pl.col("bill_amount")),
        actual=sentence("{} registered in BoondManager", "registered_as"),
        detail=pl.lit("what is registered under this number is another sum: it would be paid"),
    ),
    _of_bill(
        "INVOICE_CANCELLED",
        pl.col("withdrawn"),
        stays=True,
        expected=pl.lit("the registration that was made"),
        actual=sentence("the registration of {}", "invoice_number"),
        detail=pl.lit("to pay it after all, register it again in BoondManager"),
    ),
    _of_bill(
        "NUMBER_MISSING",
        plain_number(pl.col("invoice_number")).is_null(),
        expected=pl.lit("the supplier's invoice number"),
        actual=pl.coalesce("invoice_number", pl.lit("none")),
        detail=pl.lit("nothing can be registered, nor told from a copy, without a number"),
    ),
    _of_bill(
        "BANK_CHANGED",
        pl.col("bank_changed"),
        expected=_account("accepted_end"),
        actual=_account("account_end"),
        detail=pl.lit("not the bank account of the last accepted invoice"),
    ),
    _of_bill(
        "NOT_APPROVED",
        pl.col("denied"),
        expected=pl.lit("approved in Bill.com"),
        actual=pl.col("approval_status"),
    ),
)

_room = pl.max_horizontal(pl.lit(0, dtype=pl.Decimal(9, 4)), pl.col("room"))
_receipts = pl.max_horizontal(pl.lit(0, dtype=pl.Decimal(9, 4)), pl.col("open_receipt"))

DYNAMIC: tuple[Rule, ...] = (
    Rule(
        code="QTY_ORDERED",
        when=pl.col("over"),
        expected=_days(pl.col("room")),
        actual=_days(pl.col("quantity")),
        tolerance=_limit("quantity_days", " d"),
        stake=product(pl.col("quantity") - _room, pl.col("unit_price")),
    ),
    Rule(
        code="QTY_RECEIVED",
        when=pl.col("short") & pl.col("consultant_id").is_not_null(),
        expected=_days(pl.col("open_receipt")),
        actual=_days(pl.col("quantity")),
        tolerance=_limit("quantity_days", " d"),
        stake=product(pl.col("quantity") - _receipts, pl.col("unit_price")),
    ),
    Rule(
        code="PO_STATUS",
        when=pl.col("nothing_open") & ~pl.col("dead"),
        expected=pl.lit("an order with days left"),
        actual=sentence("order {} is closed with nothing open", _po),
    ),
    _of_bill(
        "DUPLICATE",
        pl.col("twin").is_not_null() & pl.col("bill_over"),
        expected=pl.lit("an order of its own with room"),
        actual=pl.col("invoice_number"),
        detail=sentence("same amount and date as bill {}", "twin"),
    ),
)

PAID_UNPROVEN = Rule(
    code="PAID_UNPROVEN",
    when=pl.col("first") & pl.col("checked"),
    expected=_amount(pl.col("bill_proven")),
    actual=sentence("{} paid", _amount(pl.col("bill_amount"))),
    stake=pl.col("bill_amount") - pl.col("bill_proven"),
    detail=pl.lit("paid without proof: to claim back"),
)


def held(rows: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """The holds of the rows, with their columns in `recon.holds` but `run_id`.

    Args:
        rows: rows of the match with every column that the rules read.
        rules: which holds to look for.

    Returns:
        Holds, `turn` (the place of their bill) and `stays` (no approval overrides it).
    """
    empty = pl.DataFrame(schema=HOLDS | {"turn": pl.Int64(), "stays": pl.Boolean()})
    checked = rows.filter("checked")
    if checked.is_empty():
        return empty
    found = [_hold(checked.filter(flag), rule) for rule, flag in flagged(checked, rules)]
    return pl.concat([empty, *found])


def flagged(rows: pl.DataFrame, rules: Sequence[Rule]) -> list[tuple[Rule, pl.Series]]:
    """The rules that hold any row, each with the rows that it holds."""
    flags = rows.select(
        rule.when.fill_null(value=False).alias(f"{number}") for number, rule in enumerate(rules)
    )
    return [(rule, flag) for rule, flag in zip(rules, flags, strict=True) if flag.any()]


def _hold(rows: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    severity = "error" if rule.code in ERRORS else "warning"
    return rows.select(
        "break_id",
        pl.lit("bill").alias("subject"),
        pl.col("bill_id").alias("subject_id"),
        pl.lit(rule.code).alias("code"),
        pl.lit(severity).alias("severity"),
        rule.expected.alias("expected"),
        rule.actual.alias("actual"),
        rule.tolerance.alias("tolerance"),
        rule.stake.cast(MONEY).alias("amount_at_stake"),
        "currency",
        rule.detail.alias("detail"),
        "turn",
        pl.lit(rule.final).alias("stays"),
    )
