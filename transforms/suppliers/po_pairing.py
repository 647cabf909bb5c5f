"""Which line of which purchase order an invoice line is for (reconciliation.md 2.1).

The order is the one that the invoice names (po_numbers.py); where it names none, the only open
order of the supplier that fits. Open: approved, and its dates meet the time from the first day of
the month before the invoice's to the invoice's date. Fits: the invoice names a consultant of the
order; where it names nobody's, its amount is the order's or a line's, or a line's price is.

Lines pair one to one: by consultant, then price, then quantity, then order. A line that names a
consultant of the order is for nobody else.
"""

import polars as pl

from transforms.names import plain
from transforms.suppliers.po_numbers import FOUND, NOTHING, SEVERAL, UNKNOWN, orders_said
from transforms.suppliers.receipts import days, units

_BILL_LINE = ["bill_id", "bill_line"]
_PAIR = ["bill_id", "po_id"]
_QUARTER = 2_500
_CENT = 100
_LEVELS = (
    ("person", "price", "quantity"),
    ("person", "price"),
    ("person", "quantity"),
    ("person",),
    ("price", "quantity"),
    ("price",),
    ("quantity",),
    (),
)


def invoice_lines(bills: pl.DataFrame, bill_lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of the bills; a bill without lines is one line of its whole amount.

    Args:
        bills: `core.bills` with `supplier_id`.
        bill_lines: `core.bill_lines`.

    Returns:
        `bill_id`, `bill_line`, `supplier_id`, `invoice_date`, `purchase_order_number`,
        `bill_text`, `description`, `quantity`, `unit_price`, `amount`, `bare` (no line on the
        bill).
    """
    heads = bills.select(
        "supplier_id",
        "invoice_date",
        "purchase_order_number",
        bill_id="id",
        bill_text="description",
        bill_amount="amount",
    )
    lines = bill_lines.select(
        "bill_id", "description", "quantity", "unit_price", "amount", bill_line="line_no"
    )
    return (
        heads.join(lines, on="bill_id", how="left")
        .with_columns(
            bare=pl.col("bill_line").is_null(),
            bill_line=pl.col("bill_line").fill_null(1),
            amount=pl.coalesce("amount", "bill_amount"),
        )
        .drop("bill_amount")
        .sort(_BILL_LINE)
    )


def pair(lines: pl.DataFrame, order_lines: pl.DataFrame) -> pl.DataFrame:
    """Every invoice line with its order and order line, and why where it has none.

    Args:
        lines: as `invoice_lines` returns them.
        order_lines: `order_line`, `po_id`, `po_line`, `po_reference`, `po_supplier`, `po_status`,
            `start_date`, `end_date`, `price`, `ordered` (ten-thousandths of a day), `person`,
            `po_total`, `lines_of_po`; orders without lines have one row with a null `po_line`.

    Returns:
        The lines with `po_id`, `named` (the invoice names the order), `order_line` (null when
        none), `problem` (PO_MISSING, PO_AMBIGUOUS, LINE_UNMATCHED, LINES_MISSING or null),
        `candidates`, `quantity` and `unit_price` completed by amount / price.
    """
    orders = order_lines.unique("po_id")
    said = orders_said(lines, orders.select("po_id", "po_reference", "po_supplier"))
    found = lines.join(said, on=_BILL_LINE, how="left", maintain_order="left")
    guessed = _guessed(found.filter(pl.col("said") == NOTHING), order_lines)
    chosen = (
        found.with_columns(named=pl.col("said") == FOUND)
        .join(guessed, on="bill_id", how="left", maintain_order="left", suffix="_guess")
        .with_columns(
            said=pl.coalesce("said_guess", "said"),
            po_id=pl.coalesce("po_id", "po_id_guess"),
            candidates=pl.coalesce("candidates", "candidates_guess"),
        )
        .drop("said_guess", "po_id_guess", "candidates_guess")
        .join(_single_lines(order_lines), on="po_id", how="left", maintain_order="left")
    )
    complete = chosen.with_columns(_read_quantity()).drop("single_price", "single_total")
    paired = _paired(complete, order_lines.drop_nulls("po_line"))
    return paired.with_columns(problem=_problem()).drop("said")


def _problem() -> pl.Expr:
    return (
        pl.when(pl.col("said").is_in([UNKNOWN, NOTHING]))
        .then(pl.lit("PO_MISSING"))
        .when(pl.col("said") == SEVERAL)
        .then(pl.lit("PO_AMBIGUOUS"))
        .when(pl.col("order_line").is_null())
        .then(pl.lit("LINE_UNMATCHED"))
    )


def _single_lines(order_lines: pl.DataFrame) -> pl.DataFrame:
    """The price of orders with one line, for lines that say no quantity."""
    alone = order_lines.filter((pl.col("lines_of_po") == 1) & (pl.col("price") > 0))
    return alone.select("po_id", single_price="price", single_total="po_total")


def _read_quantity() -> list[pl.Expr]:
    """Amount / order price where it is a multiple of 0.25, and the price of a line without one."""
    amount, price = units(pl.col("amount")), units(pl.col("single_price"))
    total = units(pl.col("single_total"))
    # 20 days plus 20 % VAT are 24 whole days too: the tax must not pass for days
    with_tax = (amount * 10 - total * 12).abs() <= _CENT * 10
    whole = ((amount * 4) % price == 0) & ~with_tax
    read = days((amount * 4) // price * _QUARTER)
    quantity = pl.coalesce("quantity", pl.when(whole).then(read))
    alone = pl.col("quantity").is_not_null() & (pl.col("quantity") != 0)
    of_amount = (pl.col("amount") / pl.col("quantity")).cast(pl.Decimal(18, 4))
    return [
        quantity.alias("quantity"),
        pl.coalesce(
            "unit_price",
            pl.when(alone).then(of_amount),
            pl.when(pl.col("quantity").is_null() & whole).then(pl.col("single_price")),
        ).alias("unit_price"),
        pl.col("unit_price").is_not_null().alias("priced"),
    ]


def _guessed(lines: pl.DataFrame, order_lines: pl.DataFrame) -> pl.DataFrame:
    """The only open order of the supplier that fits, for bills that name none."""
    if lines.is_empty():
        return lines.select("bill_id", "said", "po_id", "candidates")
    since = pl.col("invoice_date").dt.month_start().dt.offset_by("-1mo")
    pairs = (
        lines.drop("po_id")
        .join(
            order_lines.drop_nulls("po_line").filter(pl.col("po_status") == "approved"),
            left_on="supplier_id",
            right_on="po_supplier",
        )
        .filter((pl.col("start_date") <= pl.col("invoice_date")) & (pl.col("end_date") >= since))
    )
    text = pl.concat_str("bill_text", "description", separator=" ", ignore_nulls=True)
    by_person = _named_persons(pairs.with_columns(text=text)).select(_PAIR).unique()
    by_amount = pairs.filter(_amount_fits()).select(_PAIR).unique()
    fits = pl.concat([by_person, by_amount.join(by_person, on="bill_id", how="anti")])
    several = pl.len() > 1
    references = order_lines.select("po_id", "po_reference").unique()
    return (
        fits.join(references, on="po_id")
        .sort(_PAIR)
        .group_by("bill_id", maintain_order=True)
        .agg(
            said=pl.when(several).then(pl.lit(SEVERAL)).otherwise(pl.lit(FOUND)),
            po_id=pl.when(~several).then(pl.col("po_id").first()),
            candidates=pl.col("po_reference").str.join(", "),
        )
    )


def _amount_fits() -> pl.Expr:
    """A line's amount is an order line's or the order's; or its price is the order line's."""
    amount, price = pl.col("amount"), pl.col("price")
    total = units(price).cast(pl.Int128) * pl.col("ordered")
    of_line = units(amount).cast(pl.Int128) * 10_000 == total
    of_order = (amount == pl.col("po_total")) & (amount != 0)
    of_price = pl.col("unit_price") == price
    return of_order | ((price != 0) & (of_line | of_price))


def _named_persons(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs of invoice line and order line whose text names the order line's consultant.

    Args:
        pairs: `bill_id`, `bill_line`, `po_id`, `order_line`, `person`, `text`.

    Returns:
        `bill_id`, `po_id`, `bill_line`, `order_line`, `person`.
    """
    keyed = pairs.drop_nulls(["text", "person"])
    names = (
        keyed.select("person")
        .unique()
        .with_columns(
            word=pl.col("person").str.split(" "),
            size=pl.col("person").str.split(" ").list.n_unique(),
        )
    )
    words = (
        keyed.select("text")
        .unique()
        .with_columns(word=plain(pl.col("text")).str.extract_all(r"[\p{L}\p{N}]+").list.unique())
        .explode("word")
    )
    named = (
        keyed.select("text", "person")
        .unique()
        .join(names.explode("word").unique(), on="person")
        .join(words, on=["text", "word"])
        .group_by("text", "person")
        .agg(hit=pl.len(), size=pl.col("size").first())
        .filter(pl.col("hit") == pl.col("size"))
    )
    return keyed.join(named, on=["text", "person"]).select(
        *_PAIR, "bill_line", "order_line", "person"
    )


def _paired(lines: pl.DataFrame, order_lines: pl.DataFrame) -> pl.DataFrame:
    """The lines with `order_line`; levels of likeness, each over all that is left."""
    ours = lines.filter(
        pl.col("po_id").is_not_null()
        & ((pl.col("quantity") >= 0) == (pl.col("amount") >= 0)).fill_null(value=True)
    ).with_columns(size=pl.len().over(_PAIR))
    theirs = order_lines.select(
        "po_id", "order_line", "person", "price", "lines_of_po", quantity=days(pl.col("ordered"))
    )
    trivial = (pl.col("size") == 1) & (pl.col("lines_of_po") == 1)
    sized = ours.join(theirs.select("po_id", "lines_of_po").unique(), on="po_id")
    direct = sized.filter(trivial).join(theirs.select("po_id", "order_line"), on="po_id")
    rest = _by_levels(sized.filter(~trivial).drop("lines_of_po"), theirs.drop("lines_of_po"))
    found = pl.concat([direct.select(*_BILL_LINE, "order_line"), rest])
    return lines.join(found, on=_BILL_LINE, how="left", maintain_order="left")


def _by_levels(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    if ours.is_empty():
        return ours.join(theirs.select("po_id", "order_line"), on="po_id").select(
            *_BILL_LINE, "order_line"
        )
    right = ours.select(_PAIR).unique().join(theirs, on="po_id")
    named = _named_persons(
        ours.select(*_PAIR, "bill_line", text=pl.coalesce("description", "bill_text")).join(
            theirs.select("po_id", "order_line", "person"), on="po_id"
        )
    )
    whom = (
        named.sort(*_BILL_LINE, "order_line")
        .unique(_BILL_LINE, keep="first", maintain_order=True)
        .select(*_BILL_LINE, "person")
    )
    left = ours.select(*_PAIR, "bill_line", "quantity", price="unit_price").join(
        whom, on=_BILL_LINE, how="left"
    )
    pairs = []
    for level in _LEVELS:
        hits = _kth_with_kth(left, right, level)
        pairs.append(hits)
        left = left.join(hits, on=_BILL_LINE, how="anti")
        if left.is_empty():
            break
        right = right.join(hits, on=["bill_id", "order_line"], how="anti")
    return pl.concat(pairs)


def _kth_with_kth(left: pl.DataFrame, right: pl.DataFrame, level: tuple[str, ...]) -> pl.DataFrame:
    """The first of those alike with the first, the second with the second."""
    if "person" not in level:
        left = left.filter(pl.col("person").is_null())
    if "price" in level:
        left = left.filter(pl.col("price") != 0)
    alike = [*_PAIR, *level]
    ours = left.sort("bill_line").with_columns(n=pl.int_range(pl.len()).over(alike))
    others = right.sort("order_line").with_columns(n=pl.int_range(pl.len()).over(alike))
    return ours.join(others.select(*alike, "n", "order_line"), on=[*alike, "n"]).select(
        *_BILL_LINE, "order_line"
    )
