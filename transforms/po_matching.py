"""The three-way match: purchase order, supplier's invoice, receipt (reconciliation.md 2).

Bills are decided in the order of invoice date, creation and id, after what was settled before.
Bills of this wire tell no tax: `amount` is the sum of the lines, `TAX` is not checked. An order
without a currency is in `BillFacts.order_currency`, a bill without one in that of the caller.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from transforms.figures import sentence
from transforms.money import MONEY, product
from transforms.parties import link_vendors
from transforms.po_facts import LEGS, BillFacts, bills_in_order, kept, order_lines, rows_to_decide
from transforms.po_holds import DYNAMIC, PAID_UNPROVEN, STATIC, held, money, number
from transforms.po_quantities import UNLIMITED, take
from transforms.po_tolerances import OFF
from transforms.policy import Policy
from transforms.receipts import consume, days, receive, units

__all__ = ["LEGS", "BillFacts", "BillMatching", "match_bills"]

MATCHED, PARTIAL, PENDING, NOT_CHECKED, REVIEW = range(5)
STATUSES = ("matched", "partial", "pending_receipt", "not_checked", "review")
"""Statuses of a line, the worst last; a bill has that of its worst line."""

REGISTER_AND_FLAG = "register and flag for payment"
REGISTER_PAID = "register, it is paid already"
REGISTER_PART_PAID = "register; a person pays the rest, for a part is paid already"
REGISTER_CREDIT = "register the credit note"
REGISTER_PART = "register, pay what is proven"
WAIT_FOR_RECEIPT = "wait for a receipt"
WAIT_FOR_READ = "wait for a complete read"
A_PERSON_DECIDES = "a person decides"
CLAIM_BACK = "a person claims back what is not proven"

_PROVEN_IN_PART = ["PRICE", "QTY_ORDERED", "QTY_RECEIVED", "LINE_TOTAL", "TOTAL"]
_SAME = [
    "break_id",
    "bill_id",
    "bill_line",
    "invoice_number",
    "vendor_id",
    "supplier_id",
    "po_id",
    "po_line",
    "consultant_id",
    "period",
    "currency",
    "holds",
    "explanation",
    "action",
]
_MATCH = [
    "break_id",
    "bill_id",
    "bill_line",
    "invoice_number",
    "vendor_id",
    "supplier_id",
    "po_id",
    "po_line",
    "consultant_id",
    "period",
    "ordered_qty",
    "already_matched_qty",
    "received_qty",
    "already_consumed_qty",
    "invoiced_qty",
    "matchable_qty",
    "po_price",
    "invoiced_price",
    "proven_amount",
    "accepted_amount",
    "invoiced_amount",
    "currency",
    "status",
    "holds",
    "explanation",
    "action",
]


@dataclass(frozen=True, kw_only=True)
class BillMatching:
    """What was decided; frames as in `recon`, without `run_id` and `decided_at`.

    Attributes:
        matches: `recon.po_matches`.
        holds: `recon.holds`.
        consumption: `recon.receipt_consumption` of the bills of this look.
        links: `vendor_id`, `supplier_id`, `method`, `score` of links that no person made.
        tolerances: `break_id`, `policy` (JSON): the limits that the row was decided with.
    """

    matches: pl.DataFrame
    holds: pl.DataFrame
    consumption: pl.DataFrame
    links: pl.DataFrame
    tolerances: pl.DataFrame


def match_bills(
    facts: BillFacts, *, as_of: date, since: date, policy: Policy, currency: str
) -> BillMatching:
    """Decide every bill dated up to `as_of` that is not settled.

    Args:
        facts: what is known.
        as_of: date of the run.
        since: bills dated before consume and are not shown.
        policy: tolerances and which CRAs are receipts.
        currency: of bills that name none.
    """
    settled = kept(facts)
    consumed = facts.consumed.join(settled, on="bill_id", how="semi")
    links = link_vendors(facts.vendors, facts.suppliers, facts.party_links)
    orders = order_lines(facts, settled)
    receipts = receive(
        orders.drop_nulls("po_line"),
        facts.cras,
        facts.cra_days,
        consumed,
        policy.match.receipts_from,
    )
    bills = bills_in_order(facts, links, as_of, since, currency)
    rows = rows_to_decide(facts, bills, _received(orders, receipts), policy.tolerance)
    return _decided(rows, receipts, links, facts.cras)


def _received(orders: pl.DataFrame, receipts: pl.DataFrame) -> pl.DataFrame:
    """The order lines with the days received; null where nobody's days can be the receipt."""
    total = receipts.group_by("order_line").agg(received=pl.col("quantity").sum())
    known = pl.col("consultant_id").is_not_null()
    return orders.join(total, on="order_line", how="left", maintain_order="left").with_columns(
        received=pl.when(known).then(pl.col("received").fill_null(0))
    )


def _decided(
    rows: pl.DataFrame, receipts: pl.DataFrame, links: pl.DataFrame, cras: pl.DataFrame
) -> BillMatching:
    static = held(rows, STATIC)
    taken = _taken(rows, static)
    holds = pl.concat([static, held(taken, DYNAMIC)])
    judged = _judged(taken, holds)
    unproven = held(_paid(judged), (PAID_UNPROVEN,))
    shown = judged.filter("shown")
    every_hold = pl.concat([holds, unproven]).join(shown, on="turn", how="semi")
    return BillMatching(
        matches=_matches(shown, every_hold),
        holds=every_hold.drop("turn").sort("break_id", "code"),
        consumption=consume(receipts, taken.drop_nulls("taken"), cras),
        links=links.filter(
            pl.col("supplier_id").is_not_null() & (pl.col("method") != "person")
        ).select("vendor_id", "supplier_id", "method", "score"),
        tolerances=shown.select("break_id", "policy").sort("break_id"),
    )


def _taken(rows: pl.DataFrame, static: pl.DataFrame) -> pl.DataFrame:
    """The rows with what they find open; a bill with a hold of its own takes nothing.

    One that money went out on takes what of it is proven, unless it is doubtful as a whole.
    """
    limit = pl.when(pl.col("quantity_days") == OFF).then(UNLIMITED).otherwise("quantity_days")
    held_bills = static.get_column("turn").unique().implode()
    doubtful = static.filter(~pl.col("code").is_in(_PROVEN_IN_PART)).get_column("turn")
    held = pl.col("turn").is_in(held_bills) & ~pl.col("paid_out")
    lines = rows.filter(
        pl.col("order_line").is_not_null() & pl.col("quantity").is_not_null()
    ).select(
        "row",
        "turn",
        "order_line",
        "ordered",
        "base",
        "closed",
        wanted=units(pl.col("quantity")),
        live=pl.col("checked") & ~held & ~pl.col("turn").is_in(doubtful.unique().implode()),
        paid="paid_out",
        received=pl.col("received").fill_null(0),
        limit=limit,
    )
    found = _take_registered(lines).select(
        "row", "before", "over", "nothing_open", "short", "matchable", "taken"
    )
    return rows.join(found, on="row", how="left", maintain_order="left").with_columns(
        room=days(pl.col("ordered") - pl.col("before")),
        open_receipt=days(pl.col("received") - pl.col("before")),
        matchable=days(pl.col("matchable")),
    )


def _take_registered(lines: pl.DataFrame) -> pl.DataFrame:
    """What the lines take, where no bill that waits for a receipt gives days back.

    Such a bill is not registered, so what it credits beside must not be paid to another. Each
    round bars more credits and opens no day, so it ends.
    """
    while True:
        found = take(lines)
        waits = (pl.col("short") & (pl.col("matchable") <= 0)).any().over("turn")
        early = found.filter(waits & (pl.col("taken") < 0)).get_column("row")
        if early.is_empty():
            return found
        lines = lines.with_columns(live=pl.col("live") & ~pl.col("row").is_in(early.implode()))


def _judged(rows: pl.DataFrame, holds: pl.DataFrame) -> pl.DataFrame:
    """The rows with `proven` and the rank of the worst line of their bill."""
    codes = holds.group_by("break_id").agg(
        only_receipt=(pl.col("code") == "QTY_RECEIVED").all(),
        claimable=pl.col("code").is_in(_PROVEN_IN_PART).all(),
    )
    whole = pl.col("amount") < 0
    proven = pl.when(whole).then("amount").otherwise(product(pl.col("matchable"), pl.col("price")))
    rank = (
        pl.when(~pl.col("checked"))
        .then(NOT_CHECKED)
        .when(pl.col("only_receipt").is_null())
        .then(MATCHED)
        .when(pl.col("only_receipt") & (pl.col("matchable") > 0))
        .then(PARTIAL)
        .when("only_receipt")
        .then(PENDING)
        .otherwise(REVIEW)
    )
    return (
        rows.join(codes, on="break_id", how="left", maintain_order="left")
        .with_columns(
            proven=pl.when(pl.col("order_line").is_not_null()).then(proven), line_rank=rank
        )
        .with_columns(rank=pl.col("line_rank").max().over("turn"))
    )


def _paid(judged: pl.DataFrame) -> pl.DataFrame:
    """Paid bills that are not proven, with what of them is: the rest is to claim back.

    Nothing counts as proven of a bill that is held for who sent it or what it is for. What a paid
    bill has taken stays taken: its days must not be paid again to another.
    """
    claimable = pl.col("claimable").fill_null(value=True).all().over("turn")
    price = pl.min_horizontal("price", "unit_price")
    of_line = (
        pl.when(pl.col("amount") < 0).then("amount").otherwise(product(pl.col("matchable"), price))
    )
    proven = of_line.fill_null(0).sum().over("turn").cast(MONEY)
    return judged.filter(
        pl.col("paid") & (pl.col("rank") > MATCHED) & (pl.col("bill_amount") > 0)
    ).with_columns(bill_proven=pl.when(claimable).then(proven).otherwise(pl.lit(0).cast(MONEY)))


def _matches(shown: pl.DataFrame, holds: pl.DataFrame) -> pl.DataFrame:
    codes = holds.group_by("break_id").agg(holds=pl.col("code").unique().sort())
    claimed = holds.filter(pl.col("code") == "PAID_UNPROVEN").get_column("turn").implode()
    none = pl.lit([], dtype=pl.List(pl.String))
    rank = pl.when(pl.col("turn").is_in(claimed)).then(REVIEW).otherwise("rank")
    return (
        shown.join(codes, on="break_id", how="left", maintain_order="left")
        .with_columns(
            holds=pl.col("holds").fill_null(none),
            rank=rank,
            claimed=pl.col("turn").is_in(claimed),
        )
        .with_columns(accepted=_accepted(), period=pl.col("invoice_date").dt.strftime("%Y-%m"))
        .with_columns(action=_action())
        .pipe(_explained)
        .select(
            *_SAME,
            ordered_qty=days(pl.col("ordered")),
            already_matched_qty=days(pl.col("before")),
            received_qty=days(pl.col("received")),
            already_consumed_qty=days(pl.col("before")),
            invoiced_qty="quantity",
            matchable_qty="matchable",
            po_price="price",
            invoiced_price="unit_price",
            proven_amount="proven",
            accepted_amount="accepted",
            invoiced_amount="amount",
            status=pl.col("rank").replace_strict(dict(enumerate(STATUSES)), return_dtype=pl.String),
        )
        .select(_MATCH)
        .sort("break_id")
    )


def _accepted() -> pl.Expr:
    """What may be paid of the line, never more than it asks; nothing while its bill waits."""
    return (
        pl.when(pl.col("rank") > PARTIAL)
        .then(pl.lit(0).cast(MONEY))
        .when(pl.col("line_rank") == MATCHED)
        .then("amount")
        .otherwise(pl.min_horizontal("proven", "amount"))
    )


def _explained(shown: pl.DataFrame) -> pl.DataFrame:
    """The rows with `explanation`; sentences are made for distinct figures and for held rows."""
    figures = shown.select("quantity", "unit_price").unique()
    fits = sentence(
        "{} d at {} are ordered and received",
        number(pl.col("quantity")),
        money(pl.col("unit_price")),
    )
    others = shown.filter((pl.col("rank") > MATCHED) | (pl.col("amount") < 0))
    adopted = pl.when("registered").then(pl.lit("; registered in BoondManager already"))
    return (
        shown.join(
            figures.with_columns(fits=fits),
            on=["quantity", "unit_price"],
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        .join(others.select("row", said=_why_not()), on="row", how="left", maintain_order="left")
        .with_columns(
            explanation=pl.concat_str(
                pl.coalesce("said", "fits"), adopted.otherwise(pl.lit("")), _off()
            )
        )
    )


def _why_not() -> pl.Expr:
    quantity = number(pl.col("quantity"))
    part = sentence(
        "{} of {} d are received: {} {} may be paid",
        number(pl.col("matchable")),
        quantity,
        money(pl.col("proven")),
        "currency",
    )
    own = pl.col("holds").list.join(", ")
    return (
        pl.when(pl.col("rank") == NOT_CHECKED)
        .then("unchecked")
        .when((own != "") & (pl.col("rank") == REVIEW))
        .then(sentence("held: {}", own))
        .when((own != "") & (pl.col("line_rank") == PARTIAL))
        .then(part)
        .when(own != "")
        .then(sentence("no receipt is open for {} d", quantity))
        .when(pl.col("rank") == MATCHED)
        .then(pl.lit("a credit note"))
        .otherwise(pl.lit("another line of the bill is held"))
    )


def _off() -> pl.Expr:
    """What the policy leaves unchecked is said in the row."""
    price = (pl.col("price_percent") == OFF) & (pl.col("price_amount") == OFF)
    unchecked = {
        "price": price,
        "quantity": pl.col("quantity_days") == OFF,
        "totals": pl.col("total_amount") == OFF,
    }
    return pl.concat_str(
        pl.when(off).then(pl.lit(f"; {what} not checked (off)")).otherwise(pl.lit(""))
        for what, off in unchecked.items()
    )


def _action() -> pl.Expr:
    return (
        pl.when("claimed")
        .then(pl.lit(CLAIM_BACK))
        .when(pl.col("rank") == REVIEW)
        .then(pl.lit(A_PERSON_DECIDES))
        .when(pl.col("rank") == NOT_CHECKED)
        .then(pl.lit(WAIT_FOR_READ))
        .when(pl.col("rank") == PENDING)
        .then(pl.lit(WAIT_FOR_RECEIPT))
        .when(pl.col("rank") == PARTIAL)
        .then(pl.lit(REGISTER_PART))
        .when(pl.col("bill_amount") < 0)
        .then(pl.lit(REGISTER_CREDIT))
        .when("paid")
        .then(pl.lit(REGISTER_PAID))
        .when("part_paid")
        .then(pl.lit(REGISTER_PART_PAID))
        .otherwise(pl.lit(REGISTER_AND_FLAG))
    )
