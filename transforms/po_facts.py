"""The facts of the three-way match as rows to decide, one a bill line (reconciliation.md 2)."""

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from transforms.figures import sentence
from transforms.parties import unlike_vendor_names
from transforms.po_duplicates import duplicates, plain_number
from transforms.po_numbers import normal
from transforms.po_pairing import invoice_lines, pair
from transforms.po_tolerances import limits
from transforms.policy import Tolerances
from transforms.receipts import people, units

LEGS = frozenset(
    {
        "bill.invoices",
        "bill.vendors",
        "boond.suppliers",
        "boond.purchase_orders",
        "boond.cras",
        "boond.consultants",
        "boond.supplier_invoices",
    }
)
"""Streams without which no bill is checked."""

_CENT = 100
_GONE = ["draft", "cancelled", "canceled", "void", "voided"]
_IBANS = pl.DataFrame(schema={"supplier_id": pl.String, "accepted_iban": pl.String})
_ORDER = ["po_id", "po_reference", "po_supplier", "po_status", "start_date", "end_date"]
_ORDER_MORE = ["po_currency", "po_total", "dead", "closed"]
_OF_LINE = ["order_line", "po_line", "price", "ordered", "consultant_id", "person", "base"]


@dataclass(frozen=True, kw_only=True)
class BillFacts:
    """What the three-way match is decided on; frames as in `core` and `recon`.

    Attributes:
        settled: earlier rows of `recon.po_matches` of bills that were registered or flagged: they
            keep what they took, come first, and are not looked at again.
        consumed: earlier rows of `recon.receipt_consumption` of those bills.
        closed_bills: bills that a person closed: not looked at.
        quarantined: `stream`, `kind`, `id` of what quarantined rows name.
        unread: streams neither read complete nor found fresh.
        ibans: `supplier_id`, `accepted_iban` (null: there was none) as of the last acceptance; a
            supplier without a row is unknown.
        order_currency: currency of orders that name none.
        waiting: settled bills registered in part: looked at again, before all others.
    """

    bills: pl.DataFrame
    bill_lines: pl.DataFrame
    vendors: pl.DataFrame
    suppliers: pl.DataFrame
    purchase_orders: pl.DataFrame
    purchase_order_lines: pl.DataFrame
    consultants: pl.DataFrame
    cras: pl.DataFrame
    cra_days: pl.DataFrame
    supplier_invoices: pl.DataFrame
    supplier_invoice_lines: pl.DataFrame
    party_links: pl.DataFrame
    settled: pl.DataFrame
    consumed: pl.DataFrame
    closed_bills: frozenset[str]
    quarantined: pl.DataFrame
    unread: frozenset[str]
    ibans: pl.DataFrame = field(default_factory=_IBANS.clear)
    order_currency: str = "EUR"
    waiting: frozenset[str] = frozenset()


def kept(facts: BillFacts) -> pl.DataFrame:
    """Settled rows that keep what they took: not those cancelled since, nor looked at again.

    A bill that has gone from Bill.com while its registration stands is still going to be paid, so
    it keeps its days, unless it was entered there again.
    """
    gone = pl.col("deleted_at").is_not_null() | pl.col("status").str.to_lowercase().is_in(_GONE)
    entered = facts.bills.select("id", "vendor_id", gone=gone, number=_plain("invoice_number"))
    again = entered.filter(~pl.col("gone")).drop_nulls("number")
    vanished = entered.filter("gone")
    standing = _registrations(facts).filter(~pl.col("cancelled"))
    settled = facts.settled.filter(~pl.col("bill_id").is_in(sorted(facts.waiting))).with_columns(
        number=_plain("invoice_number")
    )
    kept_by_registration = (
        settled.join(vanished, left_on="bill_id", right_on="id", how="semi")
        .join(standing, on=["supplier_id", "number"], how="semi")
        .join(again, on=["vendor_id", "number"], how="anti")
    )
    freed = vanished.join(kept_by_registration, left_on="id", right_on="bill_id", how="anti")
    cancelled = _registrations(facts).filter(
        pl.col("cancelled").all().over("supplier_id", "number")
    )
    return (
        settled.join(freed, left_on="bill_id", right_on="id", how="anti")
        .join(cancelled, on=["supplier_id", "number"], how="anti")
        .drop("number")
    )


def _plain(column: str) -> pl.Expr:
    return plain_number(pl.col(column))


def _registrations(facts: BillFacts) -> pl.DataFrame:
    """What BoondManager holds of suppliers' invoices, by `supplier_id` and `number`."""
    return facts.supplier_invoices.select(
        "supplier_id",
        "purchase_order_id",
        "issue_date",
        registration="id",
        number=_plain("reference"),
        reference="reference",
        total="total_excl_tax",
        total_currency="currency",
        cancelled=_cancelled(),
        paid_out=pl.col("status").is_in(["flagged_for_payment", "paid"]),
    )


def _cancelled() -> pl.Expr:
    """Registrations that were cancelled or deleted in BoondManager."""
    return (pl.col("status") == "cancelled") | pl.col("deleted_at").is_not_null()


def order_lines(facts: BillFacts, settled: pl.DataFrame) -> pl.DataFrame:
    """Lines of purchase orders with who is meant and what was taken of them before.

    An order without lines has one row with a null `po_line`. Quantities are ten-thousandths.
    """
    lines = facts.purchase_order_lines
    who = people(lines, facts.consultants).drop("purchase_order_id", "line_no")
    named = pl.concat(
        [
            lines.select(
                po_id="purchase_order_id",
                po_line="line_no",
                price="daily_rate",
                ordered=units(pl.col("estimated_days")),
            ),
            who,
        ],
        how="horizontal",
    )
    worth = units(pl.col("price")).cast(pl.Int128) * pl.col("ordered")
    total = (worth.sum().over("po_id") // 10_000).cast(pl.Decimal(38, 0)).cast(pl.Decimal(38, 4))
    taken = settled.group_by("po_id", "po_line").agg(base=_settled_quantity().sum())
    return (
        _orders(facts)
        .join(named, on="po_id", how="left")
        .join(taken, on=["po_id", "po_line"], how="left")
        .with_columns(
            po_total=pl.coalesce("po_total", (total / 10_000).cast(pl.Decimal(18, 4))),
            lines_of_po=pl.col("po_line").count().over("po_id"),
            base=pl.max_horizontal(0, pl.col("base").fill_null(0)),
        )
        .sort("po_id", "po_line")
        .with_row_index("order_line")
    )


def _orders(facts: BillFacts) -> pl.DataFrame:
    status = pl.col("status").str.to_lowercase()
    return facts.purchase_orders.filter(pl.col("deleted_at").is_null()).select(
        "start_date",
        "end_date",
        po_id="id",
        po_reference="reference",
        po_supplier="supplier_id",
        po_status=status,
        po_currency=pl.col("currency").fill_null(facts.order_currency),
        po_total="total_amount",
        dead=status.is_in(["draft", "cancelled"]),
        closed=status == "closed",
    )


def _settled_quantity() -> pl.Expr:
    """What a settled line took: what was proven in part, else all that it invoiced."""
    partial = (pl.col("status") == "partial") & (pl.col("holds").list.len() > 0)
    return units(pl.when(partial).then(pl.col("matchable_qty")).otherwise(pl.col("invoiced_qty")))


def bills_in_order(
    facts: BillFacts, links: pl.DataFrame, as_of: date, since: date, currency: str
) -> pl.DataFrame:
    """Bills that are no draft, in the order of the decision, those decided before included.

    Returns:
        `core.bills` with `turn`, `before` (settled or closed: not looked at), `shown`, `paid`,
        `denied`, the currency completed, and what is known of the vendor and the supplier.
    """
    settled = facts.settled.filter(~pl.col("bill_id").is_in(sorted(facts.waiting)))
    done = [*settled.get_column("bill_id").unique(), *sorted(facts.closed_bills)]
    counted = facts.bills.filter(
        pl.col("deleted_at").is_null()
        & ~pl.col("status").str.to_lowercase().is_in(_GONE)
        & ((pl.col("invoice_date") <= as_of) | pl.col("id").is_in(done))
    )
    return (
        counted.with_columns(
            before=pl.col("id").is_in(done),
            again=pl.col("id").is_in(sorted(facts.waiting)),
            shown=pl.col("invoice_date") >= since,
            paid=pl.col("status").str.to_lowercase() == "paid",
            part_paid=pl.col("remaining_balance").is_between(0, pl.col("amount"), closed="left"),
            denied=(pl.col("approval_status").str.strip_chars().str.to_lowercase() == "denied"),
            currency=pl.col("currency").fill_null(currency),
        )
        .sort(
            pl.col("before").not_(),
            pl.col("again").not_(),
            "invoice_date",
            "created_time",
            "id",
            nulls_last=True,
        )
        .with_columns(turn=pl.int_range(pl.len(), dtype=pl.Int64))
        .join(_vendors(facts, links), on="vendor_id", how="left", maintain_order="left")
        .join(
            unlike_vendor_names(counted, facts.vendors),
            left_on="id",
            right_on="bill_id",
            how="left",
            maintain_order="left",
        )
    )


def _vendors(facts: BillFacts, links: pl.DataFrame) -> pl.DataFrame:
    """Each vendor's supplier, what is doubtful about it, and whether its bank account changed."""
    account = pl.col("iban").str.replace_all(r"\s", "").str.to_uppercase()
    accepted = pl.col("accepted_iban").str.replace_all(r"\s", "").str.to_uppercase()
    banks = (
        facts.suppliers.join(facts.ibans, left_on="id", right_on="supplier_id")
        .unique("id")
        .select(supplier_id="id", bank_changed=account.ne_missing(accepted))
    )
    return (
        facts.vendors.select(vendor_id="id", known_vendor_name="name")
        .join(links, on="vendor_id", how="left")
        .join(banks, on="supplier_id", how="left")
        .drop("method", "score")
    )


def rows_to_decide(
    facts: BillFacts, bills: pl.DataFrame, orders: pl.DataFrame, tolerance: Tolerances
) -> pl.DataFrame:
    """One row a line of each bill that is looked at, with all that a rule reads.

    Args:
        facts: what is known.
        bills: as `bills_in_order` returns them.
        orders: as `order_lines` returns them, with `received`.
        tolerance: the limits of the policy.
    """
    looked_at = bills.filter(~pl.col("before"))
    paired = pair(invoice_lines(looked_at, facts.bill_lines), orders)
    seen, named = _seen(facts, bills, paired)
    rows = (
        paired.drop("supplier_id", "invoice_date", "purchase_order_number")
        .join(_heads(looked_at, facts), on="bill_id")
        .join(duplicates(seen, named), on="turn", how="left")
        .join(orders.unique("po_id").select(_ORDER + _ORDER_MORE), on="po_id", how="left")
        .join(orders.select([*_OF_LINE, "received"]), on="order_line", how="left")
        .sort("turn", "bill_line")
        .with_row_index("row")
        .with_columns(
            break_id=sentence("bill/{}/{}", "bill_id", "bill_line"),
            first=pl.col("turn") != pl.col("turn").shift(1, fill_value=-1),
            lines_of_bill=pl.len().over("turn"),
            sum_of_lines=pl.col("amount").sum().over("turn").cast(pl.Decimal(18, 4)),
            unchecked=_unchecked(facts),
        )
        .with_columns(unchecked=pl.col("unchecked").drop_nulls().first().over("turn"))
        .with_columns(checked=pl.col("unchecked").is_null())
    )
    return pl.concat([rows, limits(rows, tolerance)], how="horizontal")


def _seen(
    facts: BillFacts, bills: pl.DataFrame, paired: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a bill may be a copy of, and the one order that each of them names.

    That is all bills, and what a person registered in BoondManager without a bill.
    """
    ours = bills.select(
        "turn",
        "invoice_number",
        "amount",
        "invoice_date",
        "before",
        "paid",
        bill_id="id",
        party=pl.coalesce("supplier_id", sentence("vendor {}", "vendor_id")),
    )
    numbers = ours.select(supplier_id="party", number=_plain("invoice_number")).drop_nulls()
    by_hand = (
        _registrations(facts)
        .filter(~pl.col("cancelled"))
        .join(numbers, on=["supplier_id", "number"], how="anti")
        .sort("registration")
        .with_columns(bill_id=sentence("registered as {}", "registration"))
    )
    foreign = by_hand.select(
        turn=-1 - pl.int_range(pl.len(), dtype=pl.Int64),
        invoice_number="reference",
        amount="total",
        invoice_date="issue_date",
        before=pl.lit(value=True),
        paid="paid_out",
        bill_id="bill_id",
        party="supplier_id",
    ).drop_nulls(["amount", "invoice_date"])
    orders_of_bills = bills.filter(pl.col("purchase_order_number").is_not_null())
    named = pl.concat(
        [
            paired.filter("named").select("bill_id", "po_id"),
            facts.settled.join(
                orders_of_bills.filter("before"), left_on="bill_id", right_on="id", how="semi"
            ).select("bill_id", "po_id"),
            by_hand.select("bill_id", po_id="purchase_order_id"),
        ]
    )
    one_each = (
        named.drop_nulls()
        .group_by("bill_id")
        .agg(po_id=pl.col("po_id").unique())
        .filter(pl.col("po_id").list.len() == 1)
        .select("bill_id", pl.col("po_id").list.first())
    )
    return pl.concat([foreign, ours]), one_each


def _registered(bills: pl.DataFrame, facts: BillFacts) -> pl.DataFrame:
    """What BoondManager holds under each bill's number.

    Returns:
        `id` (of the bill), `registered` (one stands), `paid_out` (one is flagged or paid),
        `registered_as` (the sum of one that stands and is of another amount, else null).
    """
    other = (units(pl.col("total")) - units(pl.col("amount"))).abs() > _CENT
    unlike = other.fill_null(value=False) | (pl.col("total_currency") != pl.col("currency"))
    amount = sentence("{} {}", "total", pl.coalesce("total_currency", "currency"))
    stands = ~pl.col("cancelled")
    return (
        bills.select("id", "supplier_id", "amount", "currency", number=_plain("invoice_number"))
        .join(_registrations(facts), on=["supplier_id", "number"])
        .sort("id", "registration")
        .group_by("id", maintain_order=True)
        .agg(
            registered=stands.any(),
            paid_out=(stands & pl.col("paid_out")).any(),
            registered_as=amount.filter(stands & unlike).first(),
        )
    )


def _heads(bills: pl.DataFrame, facts: BillFacts) -> pl.DataFrame:
    return bills.join(_registered(bills, facts), on="id", how="left").select(
        "turn",
        "shown",
        "paid",
        "part_paid",
        pl.any_horizontal("paid", "part_paid", "paid_out").fill_null(value=False).alias("paid_out"),
        "denied",
        "approval_status",
        "currency",
        "invoice_number",
        "invoice_date",
        "purchase_order_number",
        "vendor_id",
        "supplier_id",
        "mismatch",
        "unconfirmed",
        "vendor_known_as",
        "bank_changed",
        "registered_as",
        registered=pl.col("registered").fill_null(value=False),
        withdrawn=pl.col("again") & ~pl.col("registered"),
        bill_id="id",
        bill_amount="amount",
        bill_vendor_name="vendor_name",
        vendor_name=pl.coalesce("known_vendor_name", "vendor_name"),
    )


def _unchecked(facts: BillFacts) -> pl.Expr:
    """Why the row is not checked: a leg that was not read, or an object that a quarantine names."""
    missing = sorted(LEGS & facts.unread)
    if missing:
        return pl.lit(f"not read in full: {', '.join(missing)}")
    ids = {
        kind: sorted(rows.get_column("id").drop_nulls().unique())
        for (kind,), rows in facts.quarantined.partition_by("kind", as_dict=True).items()
    }
    reports = facts.cras.filter(pl.col("id").is_in(ids.get("cra", [])))
    numbers = pl.DataFrame({"id": ids.get("purchase_order", [])}, schema={"id": pl.String})
    columns = {
        "bill_id": ids.get("bill", []),
        "vendor_id": ids.get("vendor", []),
        "supplier_id": ids.get("supplier", []),
        "po_supplier": ids.get("supplier", []),
        "po_id": ids.get("purchase_order", []),
        "consultant_id": [*ids.get("consultant", []), *reports.get_column("consultant_id")],
    }
    reasons = [
        pl.when(pl.col(column).is_in(named)).then(sentence("quarantined: {}", column))
        for column, named in columns.items()
        if named
    ]
    orders = numbers.select(normal(pl.col("id"))).get_column("id").to_list()
    if orders:
        said = normal(pl.col("purchase_order_number"))
        reasons.append(pl.when(said.is_in(orders)).then(sentence("quarantined: {}", said)))
    return pl.coalesce(pl.lit(None, dtype=pl.String), *reasons)
