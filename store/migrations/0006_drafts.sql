CREATE TABLE recon.drafts (
    bill_id     VARCHAR PRIMARY KEY,
    supplier_id VARCHAR NOT NULL,
    kind        VARCHAR NOT NULL,
    to_email    VARCHAR,
    language    VARCHAR NOT NULL,
    subject     VARCHAR NOT NULL,
    text        VARCHAR NOT NULL,
    html        VARCHAR NOT NULL,
    amount      DECIMAL(18,4) NOT NULL,
    currency    VARCHAR,
    run_id      VARCHAR NOT NULL
);
COMMENT ON TABLE recon.drafts IS 'Letters to suppliers about what of an invoice is not proven: drafts for a person, never sent by rapproche; one row a bill that is partial or waits for a receipt.';
COMMENT ON COLUMN recon.drafts.bill_id IS 'Bill in Bill.com';
COMMENT ON COLUMN recon.drafts.supplier_id IS 'Supplier in BoondManager';
COMMENT ON COLUMN recon.drafts.kind IS 'credit_note: asks for one; wait: says what is paid once reported days are validated';
COMMENT ON COLUMN recon.drafts.to_email IS 'Address on the supplier''s record; null where there is none';
COMMENT ON COLUMN recon.drafts.language IS 'fr or en';
COMMENT ON COLUMN recon.drafts.subject IS 'Subject of the letter';
COMMENT ON COLUMN recon.drafts.text IS 'The letter as plain text, with its evidence';
COMMENT ON COLUMN recon.drafts.html IS 'The letter as HTML, with its evidence as a table';
COMMENT ON COLUMN recon.drafts.amount IS 'What is to be credited or waited for, in currency';
COMMENT ON COLUMN recon.drafts.currency IS 'ISO 4217 code of the invoice';
COMMENT ON COLUMN recon.drafts.run_id IS 'Run that wrote it';
