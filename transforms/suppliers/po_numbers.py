"""Which purchase order an invoice names (reconciliation.md 2.1).

A number is compared without case, spaces, `-` and `_`; a letter O is read as zero when that alone
makes a known number. It stands on the invoice, else in its description or its lines. A number that
names no order is never replaced by a guess.
"""

from collections.abc import Callable

import polars as pl

_WORDS_OF_A_NUMBER = 5
_SHORTEST_IN_TEXT = 4
# what reads as a purchase order's number, known or not: such an invoice is not guessed about
_LIKE_A_NUMBER = (
    r"(?i)(?:^|[^\p{L}\p{N}])(?:P\.?\s?[O0]|BDC|BC|CDE|COMMANDE|ORDER)"
    r"(?:[\s:#°.\-_/]|N[O°º]?\b)*\d{2}"
)

NOTHING, UNKNOWN, SEVERAL, FOUND = "nothing", "unknown", "several", "found"
"""What an invoice line says of its order: no number, one that is nobody's, several, or one."""


def normal(number: pl.Expr) -> pl.Expr:
    """A purchase order number as it is compared; null when nothing is left."""
    return number.str.to_uppercase().str.replace_all(r"[\s\-_]", "").replace("", None)


def _signs(text: pl.Expr) -> pl.Expr:
    return text.str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "")


def orders_said(lines: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """What each invoice line says of its purchase order.

    Args:
        lines: `bill_id`, `bill_line`, `supplier_id`, `purchase_order_number`, `description` (of
            the line), `bill_text` (description of the bill).
        orders: `po_id`, `po_reference`, `po_supplier`.

    Returns:
        `bill_id`, `bill_line`, `said` (nothing, unknown, several or found), `po_id` (null unless
        found), `candidates` (their references, or the number that nobody has).
    """
    numbered = lines.with_columns(number=normal(pl.col("purchase_order_number")))
    by_number = _by_number(numbered.filter(pl.col("number").is_not_null()), orders)
    nameless = numbered.filter(pl.col("number").is_null())
    both = [by_number] if nameless.is_empty() else [by_number, _by_text(nameless, orders)]
    return pl.concat(both).sort("bill_id", "bill_line")


def _by_number(lines: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    numbers = lines.select(text="number").unique()
    named = _exact_or_zero(numbers, _known(orders, normal))
    said = lines.select("supplier_id", number="number").unique()
    pairs = said.join(named, left_on="number", right_on="text")
    verdicts = _one_of(pairs, orders, ["number", "supplier_id"])
    return (
        lines.select("bill_id", "bill_line", "purchase_order_number", "number", "supplier_id")
        .join(verdicts, on=["number", "supplier_id"], how="left", nulls_equal=True)
        .select(
            "bill_id",
            "bill_line",
            said=pl.col("said").fill_null(UNKNOWN),
            po_id="po_id",
            candidates=pl.coalesce("candidates", "purchase_order_number"),
        )
    )


def _by_text(lines: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """The line's own order, else the bill's, else the only one that its other lines name."""
    texts = pl.concat([lines.select(text="description"), lines.select(text="bill_text")])
    named = _mentioned(texts.drop_nulls().unique(), orders)
    own = _verdicts(lines, "description", named, orders, ["bill_id", "bill_line"])
    bills = _verdicts(lines, "bill_text", named, orders, ["bill_id"])
    others = _verdicts(lines, "description", named, orders, ["bill_id"])
    texts_of_line = pl.concat_str("bill_text", "description", separator="\n", ignore_nulls=True)
    unknown = texts_of_line.str.contains(_LIKE_A_NUMBER)
    said = [f"said{suffix}" for suffix in ("", "_bill", "_others")]
    first = pl.coalesce(*said)
    return (
        lines.with_columns(unknown=unknown.any().over("bill_id"))
        .join(own, on=["bill_id", "bill_line"], how="left")
        .join(bills, on="bill_id", how="left", suffix="_bill")
        .join(others, on="bill_id", how="left", suffix="_others")
        .select(
            "bill_id",
            "bill_line",
            said=first.fill_null(
                pl.when("unknown").then(pl.lit(UNKNOWN)).otherwise(pl.lit(NOTHING))
            ),
            po_id=_of_first("po_id"),
            candidates=_of_first("candidates"),
        )
    )


def _of_first(column: str) -> pl.Expr:
    """The column of the first place that says anything at all."""
    return (
        pl.when(pl.col("said").is_not_null())
        .then(pl.col(column))
        .when(pl.col("said_bill").is_not_null())
        .then(pl.col(f"{column}_bill"))
        .otherwise(pl.col(f"{column}_others"))
    )


def _verdicts(
    lines: pl.DataFrame, column: str, named: pl.DataFrame, orders: pl.DataFrame, key: list[str]
) -> pl.DataFrame:
    said = lines.select(*key, "supplier_id", text=column).unique().join(named, on="text")
    return _one_of(said.select(*key, "supplier_id", "po_id").unique(), orders, key)


def _known(orders: pl.DataFrame, form: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    """Every number of an order in the form that is compared: its reference, else its id."""
    references = orders.select("po_id", known=form(pl.col("po_reference")))
    ids = orders.select("po_id", known=form(pl.col("po_id")))
    others = ids.join(references, on="known", how="anti")
    return pl.concat([references, others]).drop_nulls().unique()


def _exact_or_zero(texts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """(text, po_id) of texts that are a known number, letter O read as zero where need be."""
    exact = texts.join(known, left_on="text", right_on="known").select("text", "po_id")
    rest = texts.join(exact, on="text", how="anti").filter(pl.col("text").str.contains("O"))
    if rest.is_empty():
        return exact.unique()
    near = rest.with_columns(zeroed=_zeroed("text")).join(
        known.with_columns(zeroed=_zeroed("known")), on="zeroed"
    )
    only_zeros = [_reads_as(*pair) for pair in near.select("text", "known").iter_rows()]
    read = near.filter(pl.Series(only_zeros, dtype=pl.Boolean))
    return pl.concat([exact, read.select("text", "po_id")]).unique()


def _zeroed(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all("O", "0", literal=True)


def _reads_as(text: str, known: str) -> bool:
    """Whether the text is the number once some letters O are read as zeros."""
    return all(a == b or (a == "O" and b == "0") for a, b in zip(text, known, strict=True))


def _mentioned(texts: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """(text, po_id) of every known number in the texts: up to five words in a row."""
    known = _known(orders, _signs).filter(
        (pl.col("known").str.len_chars() >= _SHORTEST_IN_TEXT) & pl.col("known").str.contains(r"\d")
    )
    words = (
        texts.select(
            "text", word=pl.col("text").str.to_uppercase().str.extract_all(r"[\p{L}\p{N}]+")
        )
        .explode("word")
        .drop_nulls()
    )
    runs, run = [], pl.col("word")
    for ahead in range(_WORDS_OF_A_NUMBER):
        if ahead:
            run = run + pl.col("word").shift(-ahead).over("text")
        runs.append(words.select("text", said=run))
    said = pl.concat(runs).drop_nulls().unique()
    named = _exact_or_zero(said.select(text="said").unique(), known)
    return said.join(named, left_on="said", right_on="text").select("text", "po_id").unique()


def _one_of(named: pl.DataFrame, orders: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """One verdict a key: of like numbers the supplier's own counts."""
    own = (pl.col("supplier_id") == pl.col("po_supplier")).fill_null(value=False)
    normal_reference = normal(pl.col("po_reference"))
    known = named.join(orders, on="po_id").with_columns(own=own, reference=normal_reference)
    kept = known.filter(pl.col("own") | ~pl.col("own").any().over(*key, "reference"))
    several = pl.len() > 1
    return (
        kept.sort(*key, "po_id")
        .group_by(key, maintain_order=True)
        .agg(
            said=pl.when(several).then(pl.lit(SEVERAL)).otherwise(pl.lit(FOUND)),
            po_id=pl.when(~several).then(pl.col("po_id").first()),
            candidates=pl.col("po_reference").str.join(", "),
        )
    )
