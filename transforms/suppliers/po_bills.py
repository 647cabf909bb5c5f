"""The bills as rows to decide, one a line, with all that a rule reads (reconciliation.md 2)."""

from datetime import date

import polars as pl

from transforms.overrides import REJECTED
from transforms.policy import Tolerances
from transforms.suppliers.parties import unlike_vendor_names
from transforms.suppliers.po_duplicates import duplicates, plain_number
from transforms.suppliers.po_facts import LEGS, BillFacts, vanished
from transforms.suppliers.po_numbers import normal
from transforms.suppliers.po_pairing import invoice_lines, pair
from transforms.suppliers.po_registrations import of_bills, registrations
from transforms.suppliers.po_tolerances import limits
from transforms.words.figures import sentence

_SHOWN_OF_IBAN = 4
_ORDER = ["po_id", "po_reference", "po_supplier", "po_status", "start_date", "end_date"]
_ORDER_MORE = ["po_currency", "po_total", "dead", "closed"]
_OF_LINE = ["order_line", "po_line", "price", "ordered", "consultant_id", "person", "base"]


def bills_in_order(
    facts: BillFacts, links: pl.DataFrame, as_of: date, since: date, currency: str
) -> pl.DataFrame:
    """Bills that are no draft, in the order of the decision, those decided before included.

    Returns:
        `core.bills` with `turn`, `before` (settled: not looked at), `shown`, `paid`,
        `denied`, the currency completed, and what is known of the vendor and the supplier.
    """
    settled_ids = facts.settled.get_column("bill_id").unique().implode()
    done = pl.col("id").is_in(settled_ids) & ~pl.col("id").is_in(sorted(facts.waiting))
    counted = facts.bills.filter(
        ~vanished() & ((pl.col("invoice_date") <= as_of) | pl.col("id").is_in(settled_ids))
    )
    return (
        counted.with_columns(
            before=done,
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
    """Each vendor's supplier, what is doubtful about it, and whether its bank account changed.

    Of an account only its last four signs go on, so that a person can tell the two apart.
    """
    account, accepted = (
        pl.col(column).str.replace_all(r"\s", "").str.to_uppercase()
        for column in ("iban", "accepted_iban")
    )
    banks = (
        facts.suppliers.join(facts.ibans, left_on="id", right_on="supplier_id", how="left")
        .unique("id", keep="any")
        .select(
            supplier_id="id",
            bank_changed=account.ne_missing(accepted)
            & pl.col("id").is_in(facts.ibans.get_column("supplier_id").implode()),
            account_end=account.str.tail(_SHOWN_OF_IBAN),
            accepted_end=accepted.str.tail(_SHOWN_OF_IBAN),
        )
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
        rejected=pl.col("id").is_in(_rejected(facts.overrides)),
        bill_id="id",
        party=pl.coalesce("supplier_id", sentence("vendor {}", "vendor_id")),
    )
    by_hand = _by_hand(facts, ours)
    foreign = by_hand.select(
        turn=-1 - pl.int_range(pl.len(), dtype=pl.Int64),
        invoice_number="reference",
        amount="total",
        invoice_date="issue_date",
        before=pl.lit(value=True),
        paid="paid_out",
        rejected=pl.lit(value=False),
        bill_id="bill_id",
        party="supplier_id",
    ).drop_nulls(["amount", "invoice_date"])
    return pl.concat([foreign, ours]), _named(facts, bills, paired, by_hand)


def _rejected(overrides: pl.DataFrame) -> list[str]:
    """Bills whose last decision of a person is a rejection: they are nobody's original."""
    if overrides.is_empty():
        return []
    bill = pl.col("break_id").str.split("/").list.get(1, null_on_oob=True)
    last = overrides.with_columns(bill=bill).sort("decided_at").unique("bill", keep="last")
    return last.filter(pl.col("decision") == REJECTED).get_column("bill").to_list()


def _by_hand(facts: BillFacts, ours: pl.DataFrame) -> pl.DataFrame:
    """Registrations that stand and whose number no bill bears."""
    number = plain_number(pl.col("invoice_number"))
    numbers = ours.select(supplier_id="party", number=number).drop_nulls()
    return (
        registrations(facts.supplier_invoices)
        .filter(~pl.col("cancelled"))
        .join(numbers, on=["supplier_id", "number"], how="anti")
        .sort("registration")
        .with_columns(bill_id=sentence("registered as {}", "registration"))
    )


def _named(
    facts: BillFacts, bills: pl.DataFrame, paired: pl.DataFrame, by_hand: pl.DataFrame
) -> pl.DataFrame:
    """`bill_id`, `po_id` of those that name one order and no other."""
    settled = bills.filter(pl.col("before") & pl.col("purchase_order_number").is_not_null())
    named = pl.concat(
        [
            paired.filter("named").select("bill_id", "po_id"),
            facts.settled.join(settled, left_on="bill_id", right_on="id", how="semi").select(
                "bill_id", "po_id"
            ),
            by_hand.select("bill_id", po_id="purchase_order_id"),
        ]
    )
    return (
        named.drop_nulls()
        .group_by("bill_id")
        .agg(po_id=pl.col("po_id").unique())
        .filter(pl.col("po_id").list.len() == 1)
        .select("bill_id", pl.col("po_id").list.first())
    )


def _heads(bills: pl.DataFrame, facts: BillFacts) -> pl.DataFrame:
    return bills.join(of_bills(bills, facts.supplier_invoices), on="id", how="left").select(
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
        "account_end",
        "accepted_end",
        "registered_as",
        registered=pl.col("registered").fill_null(value=False),
        on_file=(pl.col("again") & pl.col("registered")).fill_null(value=False),
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
