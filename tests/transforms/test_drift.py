"""What changed after we relied on it is a break that names both values."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.transforms.client_facts import client, contract, frame, person, rate
from transforms.drift import DriftFacts, find_drift

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
ROW = "cra/2026-10/C1/P1/CT1"
REGISTERED = {"bill_id": pl.String, "amount": pl.Decimal(18, 4)}
INVOICED = {
    "reference": pl.String,
    "invoice_id": pl.String,
    "total_excl_tax": pl.Decimal(18, 4),
    "currency": pl.String,
}
REDUCED = {
    "po_id": pl.String,
    "po_line": pl.Int32,
    "po_reference": pl.String,
    "was": pl.Decimal(9, 4),
    "now": pl.Decimal(9, 4),
    "unproven": pl.Decimal(9, 4),
    "po_price": pl.Decimal(18, 4),
    "currency": pl.String,
}
VALIDATED = {"break_id": pl.String, "cra_days": pl.Decimal(9, 4)}


def relied_on(**more: Any) -> DriftFacts:
    """20 days validated and billed at 500, 10 days of an order accepted; nothing moved."""
    days = {"cra_days": Decimal(20), "declared_days": Decimal(20), "daily_rate": Decimal(500)}
    who = {"consultant_id": "P1", "consultant_name": "Jean Dupont", "contract_id": "CT1"}
    match = {"break_id": ROW, "period": "2026-10", "currency": "EUR", "cra_ids": ["A1"]}
    billed = {"contract_id": "CT1", "consultant_id": "P1", "period": "2026-10", "currency": "EUR"}
    accepted = {
        "bill_id": "B1",
        "bill_line": 1,
        "invoice_number": "F-1",
        "supplier_id": "S1",
        "holds": [],
        "po_id": "PO1",
        "po_line": 1,
        "po_price": Decimal(450),
        "ordered_qty": Decimal(20),
        "status": "matched",
        "invoiced_amount": Decimal(4500),
        "accepted_amount": Decimal(4500),
        "currency": "EUR",
        "decided_at": NOON,
    }
    order = {"id": "PO1", "reference": "PO-1", "status": "approved"}
    line = {"purchase_order_id": "PO1", "line_no": 1, "daily_rate": Decimal(450)}
    bill = {
        "id": "B1",
        "vendor_id": "V1",
        "currency": "EUR",
        "invoice_number": "F-1",
        "amount": Decimal(4500),
        "status": "approved",
    }
    registered = {"id": "X1", "supplier_id": "S1", "reference": "F 1", "status": "registered"}
    invoice = {
        "id": "I1",
        "client_id": "C1",
        "contract_id": "CT1",
        "total_excl_tax": Decimal(10000),
        "currency": "EUR",
        "status": "sent",
    }
    sent = {"reference": "RAP-1", "invoice_id": "I1", "total_excl_tax": Decimal(10000)}
    facts: dict[str, pl.DataFrame] = {
        "cra_matches": frame("recon.cra_matches", [match | who | days]),
        "validated": pl.DataFrame([{"break_id": ROW, "cra_days": Decimal(20)}], VALIDATED),
        "billed": frame(
            "recon.billing_ledger", [billed | {"days": Decimal(20), "amount": Decimal(10000)}]
        ),
        "contract_rates": frame("core.contract_rates", [rate("500")]),
        "consultants": frame("core.consultants", [person()]),
        "accepted": frame("recon.po_matches", [accepted]),
        "registered": pl.DataFrame([{"bill_id": "B1", "amount": Decimal(4500)}], REGISTERED),
        "purchase_orders": frame("core.purchase_orders", [order]),
        "purchase_order_lines": frame(
            "core.purchase_order_lines", [line | {"estimated_days": Decimal(20)}]
        ),
        "bills": frame("core.bills", [bill]),
        "reduced": pl.DataFrame(schema=REDUCED),
        "supplier_invoices": frame("core.supplier_invoices", [registered]),
        "invoiced": pl.DataFrame([sent | {"currency": "EUR"}], INVOICED),
        "client_invoices": frame("core.client_invoices", [invoice]),
        "clients": frame("core.clients", [client()]),
        "contracts": frame("core.contracts", [contract()]),
        "vendors": frame("core.vendors", [{"id": "V1", "name": "Dev Partners"}]),
        "suppliers": frame("core.suppliers", [{"id": "S1", "name": "Dev Partners SAS"}]),
    }
    return DriftFacts(**(facts | more))


def put(facts: DriftFacts, table: str, **values: Any) -> DriftFacts:
    """The facts with one value of a table changed."""
    rows: pl.DataFrame = getattr(facts, table)
    typed = {n: pl.lit(v, dtype=rows.schema[n]) for n, v in values.items()}
    return DriftFacts(**(vars(facts) | {table: rows.with_columns(**typed)}))


def test_nothing_is_said_while_nothing_moved() -> None:
    """No drift without a change."""
    assert find_drift(relied_on(), "fr").is_empty()


@pytest.mark.parametrize(
    ("table", "values", "code", "said", "stake"),
    [
        ("cra_matches", {"cra_days": Decimal(18)}, "CRA_CHANGED", ("20 d", "18 d"), "1000"),
        (
            "contract_rates",
            {"daily_rate": Decimal(550)},
            "RATE_CHANGED",
            ("10,000.00 EUR", "11,000.00 EUR"),
            "1000",
        ),
        (
            "purchase_order_lines",
            {"daily_rate": Decimal(400)},
            "PO_CHANGED",
            ("20 d × 450.00 EUR", "20 d × 400.00 EUR"),
            "1000",
        ),
        (
            "purchase_orders",
            {"status": "cancelled"},
            "PO_CHANGED",
            ("20 d × 450.00 EUR", "cancelled"),
            "4500",
        ),
        ("bills", {"amount": Decimal(5000)}, "BILL_CHANGED", ("4,500.00", "5,000.00"), "500"),
        ("bills", {"invoice_number": "F-2"}, "BILL_CHANGED", ("(F-1)", "(F-2)"), "0"),
        ("bills", {"deleted_at": NOON}, "BILL_CHANGED", ("4,500.00", "deleted"), "4500"),
        ("bills", {"status": "Void"}, "BILL_CHANGED", ("4,500.00", "deleted"), "4500"),
        (
            "supplier_invoices",
            {"status": "cancelled"},
            "BILL_CHANGED",
            ("4,500.00 EUR", "cancelled"),
            "4500",
        ),
        (
            "client_invoices",
            {"total_excl_tax": Decimal(9000)},
            "INVOICE_CHANGED",
            ("10,000.00 EUR", "9,000.00 EUR"),
            "1000",
        ),
        (
            "client_invoices",
            {"deleted_at": NOON},
            "INVOICE_CHANGED",
            ("10,000.00 EUR", "deleted"),
            "10000",
        ),
    ],
)
def test_a_change_names_both_values(
    table: str, values: dict[str, Any], code: str, said: tuple[str, str], stake: str
) -> None:
    """A fact that moved is one break with what was, what is, and the euros between them."""
    [hold] = find_drift(put(relied_on(), table, **values), "en").to_dicts()
    assert hold["code"] == code
    assert said[0] in hold["expected"]
    assert said[1] in hold["actual"]
    assert hold["expected"] in hold["detail"]
    assert hold["actual"] in hold["detail"]
    assert hold["amount_at_stake"] == Decimal(stake)


OPEN_ON = {"clients": "client/C1", "contracts": "contract/CT1"} | {
    "vendors": "vendor/V1",
    "suppliers": "supplier/S1",
}


@pytest.mark.parametrize("table", OPEN_ON)
def test_what_is_gone_with_money_open_on_it_is_a_break(table: str) -> None:
    """Deleted or archived, it names the euros that are not paid; once, where several are gone."""
    changed = put(relied_on(), table, deleted_at=NOON)
    [hold] = find_drift(changed, "en").to_dicts()
    assert (hold["code"], hold["break_id"]) == ("RECORD_GONE", f"drift/gone/{OPEN_ON[table]}/EUR")
    stake = Decimal(10000) if table in {"clients", "contracts"} else Decimal(4500)
    assert (hold["amount_at_stake"], hold["actual"]) == (stake, "deleted or archived")
    assert f"{stake:,.2f} EUR" in hold["detail"]
    both = put(put(changed, "clients", deleted_at=NOON), "vendors", deleted_at=NOON)
    beside = {"clients", "vendors"} | ({table} & {"clients", "vendors"})
    assert find_drift(both, "en").height == len(beside)


@pytest.mark.parametrize(
    ("table", "paid"),
    [
        ("clients", "client_invoices"),
        ("contracts", "client_invoices"),
        ("vendors", "bills"),
        ("suppliers", "bills"),
        ("suppliers", "supplier_invoices"),
        ("purchase_orders", "bills"),
        ("bills", "bills"),
    ],
)
def test_what_is_gone_once_all_is_paid_is_normal_life(table: str, paid: str) -> None:
    """Nothing is open on it any more."""
    changed = put(put(relied_on(), table, deleted_at=NOON), paid, status="paid")
    assert find_drift(changed, "en").is_empty()


def test_what_is_left_to_pay_is_open_on_a_client_that_is_gone() -> None:
    """Tax included, by currency, without what was paid and the invoices that are gone too."""
    sent = {"client_id": "C1", "status": "sent", "currency": "EUR", "total_excl_tax": Decimal(50)}
    invoices = [
        sent | {"id": "I1", "total_excl_tax": Decimal(10000)}
        | {"total_incl_tax": Decimal(12000), "paid_amount": Decimal(3000)},
        sent | {"id": "I2", "currency": "USD"},
        sent | {"id": "I3", "deleted_at": NOON},
    ]  # fmt: skip
    gone = put(relied_on(), "clients", deleted_at=NOON)
    given = replace(gone, client_invoices=frame("core.client_invoices", invoices))
    said = find_drift(given, "en").select("amount_at_stake", "currency").rows()
    assert said == [(Decimal(9000), "EUR"), (Decimal(50), "USD")]


def test_the_balance_of_a_bill_is_open_on_a_vendor_that_is_gone() -> None:
    """What was paid of it is not."""
    given = put(put(relied_on(), "vendors", deleted_at=NOON), "bills", remaining_balance=1500)
    [hold] = find_drift(given, "en").to_dicts()
    assert hold["amount_at_stake"] == Decimal(1500)


def test_an_order_that_is_gone_is_a_break_for_what_is_not_paid() -> None:
    """What was accepted on it is named until it is paid."""
    facts = put(relied_on(), "purchase_orders", deleted_at=NOON)
    paid = {name: pl.lit(value) for name, value in (("id", "B2"), ("status", "paid"))}
    given = replace(
        facts,
        bills=pl.concat([facts.bills, facts.bills.with_columns(**paid)]),
        accepted=pl.concat([facts.accepted, facts.accepted.with_columns(bill_id=pl.lit("B2"))]),
    )
    [hold] = find_drift(given, "en").to_dicts()
    assert (hold["code"], hold["amount_at_stake"]) == ("PO_CHANGED", Decimal(4500))


def test_a_rate_is_held_against_what_was_billed_in_its_months() -> None:
    """A new price from the next month on changes nothing that is billed."""
    ends, begins = {"end_date": date(2026, 10, 31)}, {"start_date": date(2026, 11, 1)}
    rates = frame("core.contract_rates", [rate("500") | ends, rate("550") | begins])
    assert find_drift(relied_on(contract_rates=rates), "en").is_empty()


def test_a_correction_that_was_billed_ends_it() -> None:
    """Once what is billed is what the CRA says now, nothing drifts any more."""
    changed = put(relied_on(), "cra_matches", cra_days=Decimal(18))
    settled = put(changed, "billed", days=Decimal(18), amount=Decimal(9000))
    assert find_drift(settled, "fr").is_empty()


def test_a_cancelled_invoice_is_no_drift() -> None:
    """A cancelled invoice has a hold of its own."""
    facts = put(relied_on(), "client_invoices", status="cancelled", total_excl_tax=Decimal(1))
    assert find_drift(facts, "fr").is_empty()


def test_a_cra_that_is_gone_is_said() -> None:
    """Days that are no longer reported at all are the whole of what was validated."""
    [hold] = find_drift(put(relied_on(), "cra_matches", cra_days=None), "fr").to_dicts()
    assert (hold["actual"], hold["amount_at_stake"]) == ("rien : supprimé", Decimal(10000))


def test_an_adopted_bill_has_the_tolerance_of_its_lines() -> None:
    """Without a registration of ours, a cent a line is no change."""
    facts = put(relied_on(), "bills", amount=Decimal("4500.01"))
    adopted = DriftFacts(**(vars(facts) | {"registered": facts.registered.clear()}))
    assert find_drift(adopted, "fr").is_empty()


def test_it_speaks_french() -> None:
    """The sentence is in the language asked for."""
    changed = put(relied_on(), "cra_matches", cra_days=Decimal("18.5"))
    [said] = find_drift(changed, "fr")["detail"]
    assert (
        said
        == "Jean Dupont, octobre 2026 : le CRA a été validé avec 20 j, il dit maintenant 18,5 j"
    )


def test_receipts_below_what_was_paid_are_to_be_claimed() -> None:
    """Both counts of days, and the euros of those that settled bills took beyond them."""
    line = {"po_id": "PO1", "po_line": 1, "po_reference": "PO-1", "currency": "EUR"}
    days = {"was": Decimal(20), "now": Decimal(12), "unproven": Decimal(3)}
    reduced = pl.DataFrame([line | days | {"po_price": Decimal(450)}], REDUCED)
    [hold] = find_drift(relied_on(reduced=reduced), "en").to_dicts()
    assert (hold["code"], hold["break_id"]) == ("RECEIPT_REDUCED", "drift/receipt/PO1/1")
    assert (hold["expected"], hold["actual"]) == ("20 d", "12 d")
    assert hold["amount_at_stake"] == Decimal(1350)


def test_a_bill_that_is_gone_on_both_sides_is_no_drift() -> None:
    """Voided in Bill.com and cancelled in BoondManager: nothing of it is paid."""
    void = put(relied_on(), "bills", status="void")
    assert find_drift(put(void, "supplier_invoices", status="cancelled"), "en").is_empty()


def test_a_cancelled_registration_that_is_held_is_said_once() -> None:
    """A bill that is looked at again says so by its own hold."""
    gone = put(relied_on(), "supplier_invoices", status="cancelled")
    assert find_drift(put(gone, "accepted", holds=["INVOICE_CANCELLED"]), "en").is_empty()
