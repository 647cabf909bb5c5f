CREATE SCHEMA recon;

CREATE TABLE recon.cra_matches (
    break_id          VARCHAR PRIMARY KEY,
    period            VARCHAR NOT NULL,
    client_id         VARCHAR,
    client_name       VARCHAR,
    contract_id       VARCHAR,
    consultant_id     VARCHAR NOT NULL,
    consultant_name   VARCHAR,
    declared_name     VARCHAR,
    declared_days     DECIMAL(9,4),
    cra_days          DECIMAL(9,4),
    difference_days   DECIMAL(9,4),
    daily_rate        DECIMAL(18,4),
    currency          VARCHAR,
    difference_amount DECIMAL(18,4),
    outcome           VARCHAR NOT NULL,
    severity          VARCHAR NOT NULL,
    explanation       VARCHAR,
    cra_ids           VARCHAR[] NOT NULL,
    declaration_id    VARCHAR,
    holds             VARCHAR[] NOT NULL,
    action            VARCHAR NOT NULL,
    run_id            VARCHAR NOT NULL,
    decided_at        TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE recon.cra_matches IS 'Declared days against CRA days: one row a client, consultant, contract and month, as they stand now.';
COMMENT ON COLUMN recon.cra_matches.break_id IS 'Stable id of the row; also that of its break';
COMMENT ON COLUMN recon.cra_matches.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.cra_matches.client_id IS 'Client; null when the declared client is unknown';
COMMENT ON COLUMN recon.cra_matches.client_name IS 'Client name';
COMMENT ON COLUMN recon.cra_matches.contract_id IS 'Contract; null when none could be told';
COMMENT ON COLUMN recon.cra_matches.consultant_id IS 'Consultant; unknown when the declared name is nobody''s';
COMMENT ON COLUMN recon.cra_matches.consultant_name IS 'Consultant''s name in BoondManager';
COMMENT ON COLUMN recon.cra_matches.declared_name IS 'Name as the client wrote it';
COMMENT ON COLUMN recon.cra_matches.declared_days IS 'Days that the client declared; null when it declared none';
COMMENT ON COLUMN recon.cra_matches.cra_days IS 'Production days of the CRAs inside the month; null without a CRA';
COMMENT ON COLUMN recon.cra_matches.difference_days IS 'declared_days - cra_days; null when a side is absent';
COMMENT ON COLUMN recon.cra_matches.daily_rate IS 'Price of one day; null when none could be told';
COMMENT ON COLUMN recon.cra_matches.currency IS 'ISO 4217 code of the rate';
COMMENT ON COLUMN recon.cra_matches.difference_amount IS 'difference_days x daily_rate, in currency';
COMMENT ON COLUMN recon.cra_matches.outcome IS 'matched, over_reported, under_reported, missing_cra, missing_entry, undeclared, held or not_checked';
COMMENT ON COLUMN recon.cra_matches.severity IS 'info, warning, error or critical';
COMMENT ON COLUMN recon.cra_matches.explanation IS 'Why, in one sentence';
COMMENT ON COLUMN recon.cra_matches.cra_ids IS 'CRAs that were compared';
COMMENT ON COLUMN recon.cra_matches.declaration_id IS 'File that declared the days';
COMMENT ON COLUMN recon.cra_matches.holds IS 'Codes of the holds on the row, sorted';
COMMENT ON COLUMN recon.cra_matches.action IS 'What follows';
COMMENT ON COLUMN recon.cra_matches.run_id IS 'Run that decided';
COMMENT ON COLUMN recon.cra_matches.decided_at IS 'When';

CREATE TABLE recon.po_matches (
    break_id             VARCHAR PRIMARY KEY,
    bill_id              VARCHAR NOT NULL,
    bill_line            INTEGER NOT NULL,
    invoice_number       VARCHAR,
    vendor_id            VARCHAR NOT NULL,
    supplier_id          VARCHAR,
    po_id                VARCHAR,
    po_line              INTEGER,
    consultant_id        VARCHAR,
    period               VARCHAR NOT NULL,
    ordered_qty          DECIMAL(9,4),
    already_matched_qty  DECIMAL(9,4),
    received_qty         DECIMAL(9,4),
    already_consumed_qty DECIMAL(9,4),
    invoiced_qty         DECIMAL(9,4),
    matchable_qty        DECIMAL(9,4),
    po_price             DECIMAL(18,4),
    invoiced_price       DECIMAL(18,4),
    proven_amount        DECIMAL(18,4),
    accepted_amount      DECIMAL(18,4),
    invoiced_amount      DECIMAL(18,4),
    currency             VARCHAR,
    status               VARCHAR NOT NULL,
    holds                VARCHAR[] NOT NULL,
    explanation          VARCHAR,
    action               VARCHAR NOT NULL,
    run_id               VARCHAR NOT NULL,
    decided_at           TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE recon.po_matches IS 'Supplier invoices against purchase orders and receipts: one row an invoice line, as it stands now.';
COMMENT ON COLUMN recon.po_matches.break_id IS 'Stable id of the row; also that of its break';
COMMENT ON COLUMN recon.po_matches.bill_id IS 'Bill in Bill.com';
COMMENT ON COLUMN recon.po_matches.bill_line IS 'Line of the bill, from 1';
COMMENT ON COLUMN recon.po_matches.invoice_number IS 'The supplier''s own invoice number';
COMMENT ON COLUMN recon.po_matches.vendor_id IS 'Vendor in Bill.com';
COMMENT ON COLUMN recon.po_matches.supplier_id IS 'Supplier in BoondManager; null when unknown';
COMMENT ON COLUMN recon.po_matches.po_id IS 'Purchase order; null when none could be told';
COMMENT ON COLUMN recon.po_matches.po_line IS 'Line of the purchase order, from 1';
COMMENT ON COLUMN recon.po_matches.consultant_id IS 'Consultant whose days are invoiced';
COMMENT ON COLUMN recon.po_matches.period IS 'Month of the invoice date, YYYY-MM';
COMMENT ON COLUMN recon.po_matches.ordered_qty IS 'Days ordered on the purchase order line';
COMMENT ON COLUMN recon.po_matches.already_matched_qty IS 'Days of the order matched by other invoice lines before';
COMMENT ON COLUMN recon.po_matches.received_qty IS 'Production days received (CRA) for the purchase order line';
COMMENT ON COLUMN recon.po_matches.already_consumed_qty IS 'Received days consumed by other invoice lines before';
COMMENT ON COLUMN recon.po_matches.invoiced_qty IS 'Days invoiced';
COMMENT ON COLUMN recon.po_matches.matchable_qty IS 'Days that order and receipts prove';
COMMENT ON COLUMN recon.po_matches.po_price IS 'Daily price ordered, in currency';
COMMENT ON COLUMN recon.po_matches.invoiced_price IS 'Daily price invoiced, in currency';
COMMENT ON COLUMN recon.po_matches.proven_amount IS 'matchable_qty x po_price, in currency';
COMMENT ON COLUMN recon.po_matches.accepted_amount IS 'What may be paid, in currency';
COMMENT ON COLUMN recon.po_matches.invoiced_amount IS 'What the line asks for, in currency';
COMMENT ON COLUMN recon.po_matches.currency IS 'ISO 4217 code of the invoice';
COMMENT ON COLUMN recon.po_matches.status IS 'matched, partial, pending_receipt, review or not_checked: the bill''s worst line';
COMMENT ON COLUMN recon.po_matches.holds IS 'Codes of the holds on the line, sorted';
COMMENT ON COLUMN recon.po_matches.explanation IS 'Why, in one sentence';
COMMENT ON COLUMN recon.po_matches.action IS 'What follows';
COMMENT ON COLUMN recon.po_matches.run_id IS 'Run that decided';
COMMENT ON COLUMN recon.po_matches.decided_at IS 'When';

CREATE TABLE recon.holds (
    break_id        VARCHAR NOT NULL,
    subject         VARCHAR NOT NULL,
    subject_id      VARCHAR NOT NULL,
    code            VARCHAR NOT NULL,
    severity        VARCHAR NOT NULL,
    expected        VARCHAR,
    actual          VARCHAR,
    tolerance       VARCHAR,
    amount_at_stake DECIMAL(18,4),
    currency        VARCHAR,
    detail          VARCHAR,
    run_id          VARCHAR NOT NULL
);
COMMENT ON TABLE recon.holds IS 'What keeps a row from being billed or paid: one row a hold, as they stand now.';
COMMENT ON COLUMN recon.holds.break_id IS 'Break that the hold belongs to';
COMMENT ON COLUMN recon.holds.subject IS 'cra, bill, declaration or invoice';
COMMENT ON COLUMN recon.holds.subject_id IS 'Id of the subject';
COMMENT ON COLUMN recon.holds.code IS 'Code of the hold (reconciliation.md)';
COMMENT ON COLUMN recon.holds.severity IS 'warning, error or critical';
COMMENT ON COLUMN recon.holds.expected IS 'What was expected';
COMMENT ON COLUMN recon.holds.actual IS 'What was found';
COMMENT ON COLUMN recon.holds.tolerance IS 'Limit that was applied, or off';
COMMENT ON COLUMN recon.holds.amount_at_stake IS 'Euros, or what currency says, that the hold keeps back; null when they cannot be told';
COMMENT ON COLUMN recon.holds.currency IS 'ISO 4217 code';
COMMENT ON COLUMN recon.holds.detail IS 'What a person needs to decide: candidates, numbers';
COMMENT ON COLUMN recon.holds.run_id IS 'Run that found it';

CREATE TABLE recon.breaks (
    break_id        VARCHAR PRIMARY KEY,
    kind            VARCHAR NOT NULL,
    code            VARCHAR NOT NULL,
    subject_id      VARCHAR NOT NULL,
    period          VARCHAR,
    owner           VARCHAR,
    amount_at_stake DECIMAL(18,4),
    currency        VARCHAR,
    status          VARCHAR NOT NULL,
    first_seen_at   TIMESTAMPTZ NOT NULL,
    last_seen_at    TIMESTAMPTZ NOT NULL,
    closed_at       TIMESTAMPTZ,
    closing_fact    VARCHAR,
    times_seen      INTEGER NOT NULL
);
COMMENT ON TABLE recon.breaks IS 'Every mismatch and hold over time, under one stable id.';
COMMENT ON COLUMN recon.breaks.break_id IS 'Stable id: same cause, same id in every run';
COMMENT ON COLUMN recon.breaks.kind IS 'cra, bill, declaration or invoice';
COMMENT ON COLUMN recon.breaks.code IS 'Code of the gravest hold, else the outcome';
COMMENT ON COLUMN recon.breaks.subject_id IS 'What it is about';
COMMENT ON COLUMN recon.breaks.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.breaks.owner IS 'Who is to act';
COMMENT ON COLUMN recon.breaks.amount_at_stake IS 'Euros, or what currency says, at stake; null when they cannot be told';
COMMENT ON COLUMN recon.breaks.currency IS 'ISO 4217 code';
COMMENT ON COLUMN recon.breaks.status IS 'open, closed or overridden';
COMMENT ON COLUMN recon.breaks.first_seen_at IS 'When a run first found it';
COMMENT ON COLUMN recon.breaks.last_seen_at IS 'When a run last found it';
COMMENT ON COLUMN recon.breaks.closed_at IS 'When it closed; null while open';
COMMENT ON COLUMN recon.breaks.closing_fact IS 'The fact that closed it';
COMMENT ON COLUMN recon.breaks.times_seen IS 'Runs that found it';

CREATE TABLE recon.decisions (
    decision_id VARCHAR PRIMARY KEY,
    subject     VARCHAR NOT NULL,
    subject_id  VARCHAR NOT NULL,
    outcome     VARCHAR NOT NULL,
    inputs      JSON NOT NULL,
    policy      JSON NOT NULL,
    decided_by  VARCHAR NOT NULL,
    supersedes  VARCHAR,
    decided_at  TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE recon.decisions IS 'Every decision ever taken, append-only.';
COMMENT ON COLUMN recon.decisions.decision_id IS 'Hash of subject, outcome, inputs, policy and what it supersedes';
COMMENT ON COLUMN recon.decisions.subject IS 'cra, bill, declaration or invoice';
COMMENT ON COLUMN recon.decisions.subject_id IS 'Id of the subject; the break_id of the row decided';
COMMENT ON COLUMN recon.decisions.outcome IS 'Outcome or status decided';
COMMENT ON COLUMN recon.decisions.inputs IS 'Quantities, amounts and ids that it was decided on';
COMMENT ON COLUMN recon.decisions.policy IS 'Tolerances and limits that it was decided with';
COMMENT ON COLUMN recon.decisions.decided_by IS 'rapproche or person';
COMMENT ON COLUMN recon.decisions.supersedes IS 'Decision that this one replaces';
COMMENT ON COLUMN recon.decisions.decided_at IS 'When';

CREATE TABLE recon.receipt_consumption (
    cra_id            VARCHAR NOT NULL,
    date              DATE NOT NULL,
    purchase_order_id VARCHAR NOT NULL,
    po_line           INTEGER NOT NULL,
    bill_id           VARCHAR NOT NULL,
    bill_line         INTEGER NOT NULL,
    quantity          DECIMAL(9,4) NOT NULL,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE recon.receipt_consumption IS 'Which receipt was consumed by which invoice line.';
COMMENT ON COLUMN recon.receipt_consumption.cra_id IS 'CRA that is the receipt';
COMMENT ON COLUMN recon.receipt_consumption.date IS 'Day received';
COMMENT ON COLUMN recon.receipt_consumption.purchase_order_id IS 'Purchase order that the day counts for';
COMMENT ON COLUMN recon.receipt_consumption.po_line IS 'Line of the purchase order, from 1';
COMMENT ON COLUMN recon.receipt_consumption.bill_id IS 'Bill that consumed it';
COMMENT ON COLUMN recon.receipt_consumption.bill_line IS 'Line of the bill, from 1';
COMMENT ON COLUMN recon.receipt_consumption.quantity IS 'Days consumed';
COMMENT ON COLUMN recon.receipt_consumption.run_id IS 'Run that decided';

CREATE TABLE recon.billing_ledger (
    reference     VARCHAR NOT NULL,
    contract_id   VARCHAR NOT NULL,
    consultant_id VARCHAR NOT NULL,
    period        VARCHAR NOT NULL,
    days          DECIMAL(9,4) NOT NULL,
    amount        DECIMAL(18,4) NOT NULL,
    currency      VARCHAR,
    invoice_id    VARCHAR,
    billed_at     TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE recon.billing_ledger IS 'What was billed, one row a line of our confirmed invoices; credit notes negative.';
COMMENT ON COLUMN recon.billing_ledger.reference IS 'Invoice reference';
COMMENT ON COLUMN recon.billing_ledger.contract_id IS 'Contract';
COMMENT ON COLUMN recon.billing_ledger.consultant_id IS 'Consultant';
COMMENT ON COLUMN recon.billing_ledger.period IS 'Month billed, YYYY-MM';
COMMENT ON COLUMN recon.billing_ledger.days IS 'Days billed';
COMMENT ON COLUMN recon.billing_ledger.amount IS 'Amount without tax, in currency';
COMMENT ON COLUMN recon.billing_ledger.currency IS 'ISO 4217 code';
COMMENT ON COLUMN recon.billing_ledger.invoice_id IS 'Invoice in BoondManager';
COMMENT ON COLUMN recon.billing_ledger.billed_at IS 'When it was confirmed';

CREATE TABLE recon.invoice_proposals (
    reference      VARCHAR PRIMARY KEY,
    client_id      VARCHAR NOT NULL,
    contract_id    VARCHAR NOT NULL,
    period         VARCHAR NOT NULL,
    total_excl_tax DECIMAL(18,4) NOT NULL,
    total_tax      DECIMAL(18,4) NOT NULL,
    total_incl_tax DECIMAL(18,4) NOT NULL,
    currency       VARCHAR NOT NULL,
    lines          JSON NOT NULL,
    status         VARCHAR NOT NULL
);
COMMENT ON TABLE recon.invoice_proposals IS 'Invoices to create, as the last look at their month proposes them.';
COMMENT ON COLUMN recon.invoice_proposals.reference IS 'Our invoice reference: natural key of the write';
COMMENT ON COLUMN recon.invoice_proposals.client_id IS 'Client';
COMMENT ON COLUMN recon.invoice_proposals.contract_id IS 'Contract';
COMMENT ON COLUMN recon.invoice_proposals.period IS 'Month billed, YYYY-MM (the last one of a quarter)';
COMMENT ON COLUMN recon.invoice_proposals.total_excl_tax IS 'Total without tax, in currency';
COMMENT ON COLUMN recon.invoice_proposals.total_tax IS 'Tax, in currency';
COMMENT ON COLUMN recon.invoice_proposals.total_incl_tax IS 'Total with tax, in currency';
COMMENT ON COLUMN recon.invoice_proposals.currency IS 'ISO 4217 code';
COMMENT ON COLUMN recon.invoice_proposals.lines IS 'Lines: consultant, days, rate, total';
COMMENT ON COLUMN recon.invoice_proposals.status IS 'proposed, credit_note (for a person), or the state of its command';

CREATE TABLE recon.activity_alerts (
    period         VARCHAR NOT NULL,
    consultant_id  VARCHAR NOT NULL,
    cra_id         VARCHAR,
    due_date       DATE NOT NULL,
    days_left      INTEGER NOT NULL,
    risk           VARCHAR NOT NULL,
    manager_email  VARCHAR,
    blocked_amount DECIMAL(18,4),
    currency       VARCHAR,
    run_id         VARCHAR NOT NULL
);
COMMENT ON TABLE recon.activity_alerts IS 'CRAs that consultants still owe.';
COMMENT ON COLUMN recon.activity_alerts.period IS 'Month owed, YYYY-MM';
COMMENT ON COLUMN recon.activity_alerts.consultant_id IS 'Consultant who owes it';
COMMENT ON COLUMN recon.activity_alerts.cra_id IS 'CRA, where one was begun';
COMMENT ON COLUMN recon.activity_alerts.due_date IS 'Day by which it is due';
COMMENT ON COLUMN recon.activity_alerts.days_left IS 'Calendar days left on the run''s date; negative when past due';
COMMENT ON COLUMN recon.activity_alerts.risk IS 'low, medium, high or critical';
COMMENT ON COLUMN recon.activity_alerts.manager_email IS 'Whom to tell';
COMMENT ON COLUMN recon.activity_alerts.blocked_amount IS 'Euros, or what currency says, that cannot be billed without it';
COMMENT ON COLUMN recon.activity_alerts.currency IS 'ISO 4217 code';
COMMENT ON COLUMN recon.activity_alerts.run_id IS 'Run that found it';
