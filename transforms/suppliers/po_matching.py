"""The three-way match: purchase order, supplier's invoice, receipt (reconciliation.md 2).

Bills are decided in the order of invoice date, creation and id, after what was settled before.
Bills of this wire tell no tax: `amount` is the sum of the lines, `TAX` is not checked. An order
without a currency is in `BillFacts.order_currency`, a bill without one in that of the caller.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from transforms.overrides import DECISION, stale_note
from transforms.policy import Policy
from transforms.suppliers.consumption import consume
from transforms.suppliers.parties import link_vendors
from transforms.suppliers.po_bills import bills_in_order, rows_to_decide
from transforms.suppliers.po_facts import LEGS, BillFacts, kept, order_lines
from transforms.suppliers.po_judging import (
    APPROVED_NOW,
    NOT_CHECKED,
    PARTIAL,
    PENDING,
    REJECTED_NOW,
    REVIEW,
    accepted,
    credited,
    decide,
    status_of,
)
from transforms.suppliers.po_replay import inputs_of, with_bill_decisions
from transforms.suppliers.po_tolerances import OFF
from transforms.suppliers.receipts import days, receive, units

__all__ = ["LEGS", "BillFacts", "BillMatching", "match_bills"]

REGISTER_AND_FLAG = "register and flag for payment"
REGISTER_PAID = "register, it is paid already"
REGISTER_PART_PAID = "register; a person pays the rest, for a part is paid already"
REGISTER_CREDIT = "register the credit note"
REGISTER_CREDITED = "register; a person pays what the credit notes leave"
REGISTER_PART = "register, pay what is proven"
REGISTER_ACCEPTED = "register, pay what a person accepted"
WAIT_FOR_RECEIPT = "wait for a receipt"
WAIT_FOR_READ = "wait for a complete read"
A_PERSON_DECIDES = "a person decides"
CLAIM_BACK = "a person claims back what is not proven"
CLOSED_BY_A_PERSON = "closed by a person"

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
        matches: `recon.po_matches`; `explanation` is empty until `explanations` fills it.
        holds: `recon.holds`.
        consumption: `recon.receipt_consumption` of the bills of this look.
        links: `vendor_id`, `supplier_id`, `method`, `score` of links that no person made.
        tolerances: `break_id`, `policy` (JSON): the limits that the row was decided with.
        remarks: `break_id`, `registered` (in BoondManager already), `unchecked` (why), `off` (what
            the policy leaves unchecked) of the rows that have such a thing to say.
        reduced: order lines of which fewer days are received now than when bills were settled on
            them, and fewer than those took: `po_id`, `po_line`, `po_reference`, `was` and `now`
            (days received), `unproven` (days taken beyond them), `po_price`, `currency`.
        decided: `break_id` and the columns of `overrides.DECISION` of every row of a bill that a
            person decided on, stale decisions included.
    """

    matches: pl.DataFrame
    holds: pl.DataFrame
    consumption: pl.DataFrame
    links: pl.DataFrame
    tolerances: pl.DataFrame
    remarks: pl.DataFrame
    decided: pl.DataFrame
    reduced: pl.DataFrame
    _rows: pl.DataFrame
    _found: pl.DataFrame

    @cached_property
    def inputs(self) -> pl.DataFrame:
        """`break_id`, `fingerprint`, `inputs` of each row (po_replay.py); made when asked for."""
        return inputs_of(self._rows, self._found)


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
    ordered = _received(orders, receipts)
    rows = rows_to_decide(facts, bills, ordered, policy.tolerance)
    decided = with_bill_decisions(rows, facts.overrides)
    return _decided(decided, receipts, links, facts.cras, _reduced(ordered, settled))


def _reduced(orders: pl.DataFrame, settled: pl.DataFrame) -> pl.DataFrame:
    """Order lines whose receipts were corrected below what settled bills took of them.

    What a person accepted beyond the receipts of that day was known then, and is no reduction.
    """
    then = settled.group_by("po_id", "po_line").agg(
        pl.col("po_price", "currency").max(), was=units(pl.col("received_qty")).max()
    )
    lost = pl.min_horizontal("base", "was") - pl.col("received")
    return (
        orders.join(then, on=["po_id", "po_line"])
        .filter(lost > 0)
        .select(
            "po_id",
            "po_line",
            "po_reference",
            "po_price",
            "currency",
            was=days(pl.col("was")),
            now=days(pl.col("received")),
            unproven=days(lost),
        )
        .sort("po_id", "po_line")
    )


def _received(orders: pl.DataFrame, receipts: pl.DataFrame) -> pl.DataFrame:
    """The order lines with the days received; null where nobody's days can be the receipt."""
    total = receipts.group_by("order_line").agg(received=pl.col("quantity").sum())
    known = pl.col("consultant_id").is_not_null()
    return orders.join(total, on="order_line", how="left", maintain_order="left").with_columns(
        received=pl.when(known).then(pl.col("received").fill_null(0))
    )


def _decided(
    rows: pl.DataFrame,
    receipts: pl.DataFrame,
    links: pl.DataFrame,
    cras: pl.DataFrame,
    reduced: pl.DataFrame,
) -> BillMatching:
    judged, holds, found = decide(rows)
    shown = judged.filter("shown")
    every_hold = holds.join(shown, on="turn", how="semi")
    return BillMatching(
        matches=_matches(shown, every_hold),
        holds=_noted(every_hold, shown),
        consumption=consume(receipts, judged.drop_nulls("taken"), cras),
        links=links.filter(
            pl.col("supplier_id").is_not_null() & (pl.col("method") != "person")
        ).select("vendor_id", "supplier_id", "method", "score"),
        tolerances=shown.select("break_id", "policy").sort("break_id"),
        remarks=_remarks(shown),
        decided=shown.filter(pl.col("decision").is_not_null())
        .select("break_id", *DECISION)
        .sort("break_id"),
        reduced=reduced,
        _rows=shown,
        _found=found.join(shown, on="turn", how="semi"),
    )


def _noted(holds: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """`recon.holds`; one that came back says on whose decision, made for other figures."""
    decided = shown.filter(pl.col("decision").is_not_null())
    if decided.is_empty():
        return holds.drop("turn", "stays").sort("break_id", "code")
    notes = decided.select("break_id", note=stale_note())
    detail = pl.concat_str("detail", "note", separator="; ", ignore_nulls=True)
    return (
        holds.join(notes, on="break_id", how="left")
        .with_columns(detail=pl.when(pl.col("note").is_null()).then("detail").otherwise(detail))
        .drop("turn", "stays", "note")
        .sort("break_id", "code")
    )


def _matches(shown: pl.DataFrame, holds: pl.DataFrame) -> pl.DataFrame:
    codes = holds.group_by("break_id").agg(holds=pl.col("code").unique().sort())
    none = pl.lit([], dtype=pl.List(pl.String))
    return (
        shown.join(codes, on="break_id", how="left", maintain_order="left")
        .with_columns(holds=pl.col("holds").fill_null(none))
        .with_columns(accepted=accepted(), period=pl.col("invoice_date").dt.strftime("%Y-%m"))
        .with_columns(action=_action(), explanation=pl.lit(""))
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
            status=status_of(pl.col("rank")),
        )
        .select(_MATCH)
        .sort("break_id")
    )


def _remarks(shown: pl.DataFrame) -> pl.DataFrame:
    """What a row says beside its figures; only rows that have something to say."""
    price = (pl.col("price_percent") == OFF) & (pl.col("price_amount") == OFF)
    unlimited = {
        "price": price,
        "quantity": pl.col("quantity_days") == OFF,
        "totals": pl.col("total_amount") == OFF,
    }
    said = [pl.when(is_off).then(pl.lit(what)) for what, is_off in unlimited.items()]
    return (
        shown.select(
            "break_id",
            "registered",
            unchecked=pl.when(~pl.col("checked")).then("unchecked"),
            off=pl.concat_list(said).list.drop_nulls(),
        )
        .filter(
            pl.col("registered")
            | pl.col("unchecked").is_not_null()
            | (pl.col("off").list.len() > 0)
        )
        .sort("break_id")
    )


def _action() -> pl.Expr:
    return (
        pl.when(pl.col("rank") == NOT_CHECKED)
        .then(pl.lit(WAIT_FOR_READ))
        .when(REJECTED_NOW)
        .then(pl.lit(CLOSED_BY_A_PERSON))
        .when("claimed")
        .then(pl.lit(CLAIM_BACK))
        .when(pl.col("rank") == REVIEW)
        .then(pl.lit(A_PERSON_DECIDES))
        .when(pl.col("rank") == PENDING)
        .then(pl.lit(WAIT_FOR_RECEIPT))
        .when((pl.col("rank") == PARTIAL) & APPROVED_NOW & pl.col("given").is_not_null())
        .then(pl.lit(REGISTER_ACCEPTED))
        .when(pl.col("rank") == PARTIAL)
        .then(pl.lit(REGISTER_PART))
        .when(pl.col("bill_amount") < 0)
        .then(pl.lit(REGISTER_CREDIT))
        .when("paid")
        .then(pl.lit(REGISTER_PAID))
        .when("part_paid")
        .then(pl.lit(REGISTER_PART_PAID))
        .when(credited())
        .then(pl.lit(REGISTER_CREDITED))
        .otherwise(pl.lit(REGISTER_AND_FLAG))
    )
