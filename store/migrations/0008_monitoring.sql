ALTER TABLE recon.activity_alerts ADD COLUMN cra_status VARCHAR;
COMMENT ON COLUMN recon.activity_alerts.cra_status IS 'Status of the CRA: draft, rejected or invalidated; null when none was begun';

CREATE TABLE recon.billing_deadlines (
    contract_id        VARCHAR PRIMARY KEY,
    client_id          VARCHAR NOT NULL,
    contract_reference VARCHAR NOT NULL,
    billing_deadline   DATE NOT NULL,
    days_left          INTEGER NOT NULL,
    pending_cras       INTEGER NOT NULL,
    unpriced_cras      INTEGER NOT NULL,
    blocked_amount     DECIMAL(18,4),
    currency           VARCHAR,
    run_id             VARCHAR NOT NULL
);
COMMENT ON TABLE recon.billing_deadlines IS 'Billing dates to come, and what pending CRAs keep back of them, as the last monitoring found it.';
COMMENT ON COLUMN recon.billing_deadlines.contract_id IS 'Contract';
COMMENT ON COLUMN recon.billing_deadlines.client_id IS 'Client';
COMMENT ON COLUMN recon.billing_deadlines.contract_reference IS 'Reference of the contract';
COMMENT ON COLUMN recon.billing_deadlines.billing_deadline IS 'Day by which the contract is to be billed';
COMMENT ON COLUMN recon.billing_deadlines.days_left IS 'Calendar days left on the run''s date';
COMMENT ON COLUMN recon.billing_deadlines.pending_cras IS 'CRAs of the contract that are owed for months ended by then';
COMMENT ON COLUMN recon.billing_deadlines.unpriced_cras IS 'Those of them whose days or rate cannot be told';
COMMENT ON COLUMN recon.billing_deadlines.blocked_amount IS 'Declared, else expected, days at the daily rate that they keep back, in currency; null when none of it can be told';
COMMENT ON COLUMN recon.billing_deadlines.currency IS 'ISO 4217 code';
COMMENT ON COLUMN recon.billing_deadlines.run_id IS 'Run that found it';
