"""What the transforms may hand over: contracts of the `recon` frames (warehouse.md, recon).

A result that breaks its contract is a defect of rapproche and fails the run before anything of it
is stored; there is no quarantine for our own rows.
"""

import polars as pl

from checks.contracts import contract, day, days, instant, money, names, number, one_of, text

CRA_OUTCOMES = (
    "matched",
    "over_reported",
    "under_reported",
    "missing_cra",
    "missing_entry",
    "undeclared",
    "held",
    "not_checked",
)
BILL_STATUSES = ("matched", "partial", "pending_receipt", "review", "not_checked")
SUBJECTS = ("cra", "bill", "declaration", "invoice")

CRA_MATCHES = contract(
    "cra_matches",
    break_id=text(required=True),
    period=text(required=True),
    client_id=text(),
    client_name=text(),
    contract_id=text(),
    consultant_id=text(required=True),
    consultant_name=text(),
    declared_name=text(),
    declared_days=days(positive=True),
    cra_days=days(positive=True),
    difference_days=days(),
    daily_rate=money(positive=True),
    currency=text(),
    difference_amount=money(),
    outcome=one_of(*CRA_OUTCOMES),
    severity=one_of("info", "warning", "error", "critical"),
    explanation=text(),
    cra_ids=names(),
    declaration_id=text(),
    holds=names(),
    action=text(required=True),
)
PO_MATCHES = contract(
    "po_matches",
    break_id=text(required=True),
    bill_id=text(required=True),
    bill_line=number(pl.Int32, required=True),
    invoice_number=text(),
    vendor_id=text(required=True),
    supplier_id=text(),
    po_id=text(),
    po_line=number(pl.Int32),
    consultant_id=text(),
    period=text(required=True),
    ordered_qty=days(),
    already_matched_qty=days(),
    received_qty=days(),
    already_consumed_qty=days(),
    invoiced_qty=days(),
    matchable_qty=days(),
    po_price=money(),
    invoiced_price=money(),
    proven_amount=money(),
    accepted_amount=money(),
    invoiced_amount=money(),
    currency=text(),
    status=one_of(*BILL_STATUSES),
    holds=names(),
    explanation=text(),
    action=text(required=True),
)
HOLDS = contract(
    "holds",
    break_id=text(required=True),
    subject=one_of(*SUBJECTS),
    subject_id=text(required=True),
    code=text(required=True),
    severity=one_of("info", "warning", "error", "critical"),
    expected=text(),
    actual=text(),
    tolerance=text(),
    amount_at_stake=money(),
    currency=text(),
    detail=text(),
)
RECEIPT_CONSUMPTION = contract(
    "receipt_consumption",
    cra_id=text(required=True),
    date=day(required=True),
    purchase_order_id=text(required=True),
    po_line=number(pl.Int32, required=True),
    bill_id=text(required=True),
    bill_line=number(pl.Int32, required=True),
    quantity=days(required=True),
)
INVOICE_PROPOSALS = contract(
    "invoice_proposals",
    reference=text(required=True),
    client_id=text(required=True),
    contract_id=text(required=True),
    period=text(required=True),
    total_excl_tax=money(required=True),
    total_tax=money(required=True),
    total_incl_tax=money(required=True),
    currency=text(required=True),
    lines=text(required=True),
    status=text(required=True),
)
BILLING_LEDGER = contract(
    "billing_ledger",
    reference=text(required=True),
    contract_id=text(required=True),
    consultant_id=text(required=True),
    period=text(required=True),
    days=days(required=True),
    amount=money(required=True),
    currency=text(),
    invoice_id=text(),
    billed_at=instant(required=True),
)
DRAFTS = contract(
    "drafts",
    bill_id=text(required=True),
    supplier_id=text(required=True),
    kind=one_of("credit_note", "wait"),
    to_email=text(),
    language=one_of("fr", "en"),
    subject=text(required=True),
    text=text(required=True),
    html=text(required=True),
    amount=money(required=True),
    currency=text(),
)
ACTIVITY_ALERTS = contract(
    "activity_alerts",
    period=text(required=True),
    consultant_id=text(required=True),
    cra_id=text(),
    due_date=day(required=True),
    days_left=number(pl.Int32, required=True),
    risk=one_of("low", "medium", "high", "critical"),
    manager_email=text(),
    blocked_amount=money(positive=True),
    currency=text(),
    cra_status=text(),
)
BILLING_DEADLINES = contract(
    "billing_deadlines",
    contract_id=text(required=True),
    client_id=text(required=True),
    contract_reference=text(required=True),
    billing_deadline=day(required=True),
    days_left=number(pl.Int32, required=True),
    pending_cras=number(pl.Int32, required=True),
    unpriced_cras=number(pl.Int32, required=True),
    blocked_amount=money(positive=True),
    currency=text(),
)
