CREATE OR REPLACE VIEW recon.v_supplier_lines AS
WITH reduced AS (
    -- days that were taken back stand on the last line that was accepted on their order's line
    SELECT arg_max(p.break_id, (p.decided_at, p.break_id)) AS break_id, any_value(h.amount_at_stake) AS amount
    FROM recon.holds h
    JOIN recon.po_matches p ON h.break_id = 'drift/receipt/' || p.po_id || '/' || p.po_line
    WHERE h.code = 'RECEIPT_REDUCED' AND p.accepted_amount > 0 GROUP BY h.break_id
), claimed AS (
    SELECT break_id, sum(amount) AS amount FROM (
        SELECT break_id, amount_at_stake AS amount FROM recon.holds WHERE code = 'PAID_UNPROVEN'
        UNION ALL FROM reduced
    ) GROUP BY break_id
), flags AS (
    SELECT DISTINCT subject_id FROM ops.outbox WHERE kind = 'boond.supplier_invoice.flag' AND state = 'done'
)
SELECT p.break_id, p.period, p.bill_id, p.bill_line, p.invoice_number, b.invoice_date, p.supplier_id,
    coalesce(s.name, v.name, p.vendor_id) AS supplier_name, p.consultant_id,
    c.first_name || ' ' || c.last_name AS consultant_name, p.invoiced_qty,
    p.invoiced_amount::DECIMAL(18,4) AS invoiced, coalesce(p.accepted_amount, 0)::DECIMAL(18,4) AS accepted,
    (CASE WHEN p.status IN ('review', 'not_checked') THEN p.invoiced_amount - coalesce(p.accepted_amount, 0) ELSE 0 END)::DECIMAL(18,4) AS held,
    (CASE WHEN p.status NOT IN ('review', 'not_checked') THEN p.invoiced_amount - coalesce(p.accepted_amount, 0) ELSE 0 END)::DECIMAL(18,4) AS waiting,
    coalesce(h.amount, 0)::DECIMAL(18,4) AS to_claim,
    (CASE WHEN f.subject_id IS NULL THEN 0 ELSE coalesce(p.accepted_amount, 0) END)::DECIMAL(18,4) AS flagged,
    (CASE WHEN row_number() OVER (PARTITION BY p.bill_id ORDER BY p.bill_line) > 1 THEN 0
        WHEN lower(b.status) = 'paid' THEN b.amount
        WHEN b.remaining_balance BETWEEN 0 AND b.amount THEN b.amount - b.remaining_balance ELSE 0
    END)::DECIMAL(18,4) AS paid,
    p.currency, p.status, p.holds, p.status = 'matched' AND len(p.holds) = 0 AND coalesce(k.status <> 'overridden', true) AS matched_alone,
    p.explanation, p.action
FROM recon.po_matches p
LEFT JOIN core.bills b ON b.id = p.bill_id
LEFT JOIN core.suppliers s ON s.id = p.supplier_id
LEFT JOIN core.vendors v ON v.id = p.vendor_id
LEFT JOIN core.consultants c ON c.id = p.consultant_id
LEFT JOIN claimed h ON h.break_id = p.break_id
LEFT JOIN flags f ON f.subject_id = 'bill/' || p.bill_id
LEFT JOIN recon.breaks k ON k.break_id = p.break_id;
COMMENT ON VIEW recon.v_supplier_lines IS 'What each supplier-invoice line came to in money: accepted, held, waiting, to be claimed back. accepted + held + waiting = invoiced.';
COMMENT ON COLUMN recon.v_supplier_lines.break_id IS 'Row of po_matches';
COMMENT ON COLUMN recon.v_supplier_lines.period IS 'Month of the invoice date, YYYY-MM';
COMMENT ON COLUMN recon.v_supplier_lines.bill_id IS 'Bill in Bill.com';
COMMENT ON COLUMN recon.v_supplier_lines.bill_line IS 'Line of the bill, from 1';
COMMENT ON COLUMN recon.v_supplier_lines.invoice_number IS 'The supplier''s own invoice number';
COMMENT ON COLUMN recon.v_supplier_lines.invoice_date IS 'Date of the invoice';
COMMENT ON COLUMN recon.v_supplier_lines.supplier_id IS 'Supplier in BoondManager; null when unknown';
COMMENT ON COLUMN recon.v_supplier_lines.supplier_name IS 'Supplier, or the Bill.com vendor while no supplier is known';
COMMENT ON COLUMN recon.v_supplier_lines.consultant_id IS 'Consultant whose days are invoiced';
COMMENT ON COLUMN recon.v_supplier_lines.consultant_name IS 'Name of the consultant';
COMMENT ON COLUMN recon.v_supplier_lines.invoiced_qty IS 'Days invoiced';
COMMENT ON COLUMN recon.v_supplier_lines.invoiced IS 'Invoiced, in currency';
COMMENT ON COLUMN recon.v_supplier_lines.accepted IS 'Accepted for payment, in currency';
COMMENT ON COLUMN recon.v_supplier_lines.held IS 'Not accepted, on a bill in review or not checked, in currency';
COMMENT ON COLUMN recon.v_supplier_lines.waiting IS 'Not accepted yet, for want of receipts or by a person''s decision, in currency';
COMMENT ON COLUMN recon.v_supplier_lines.to_claim IS 'Paid or flagged although not proven, or not proven any more, in currency';
COMMENT ON COLUMN recon.v_supplier_lines.flagged IS 'Accepted, and flagged for payment in BoondManager by us, in currency';
COMMENT ON COLUMN recon.v_supplier_lines.paid IS 'Paid in Bill.com, as a sum of the whole bill on its first line, in currency';
COMMENT ON COLUMN recon.v_supplier_lines.currency IS 'ISO 4217 code of the invoice';
COMMENT ON COLUMN recon.v_supplier_lines.status IS 'Status of the bill';
COMMENT ON COLUMN recon.v_supplier_lines.holds IS 'Codes of the holds on the line, sorted';
COMMENT ON COLUMN recon.v_supplier_lines.matched_alone IS 'Whether it matched without a hold or a person''s decision';
COMMENT ON COLUMN recon.v_supplier_lines.explanation IS 'Why, in one sentence';
COMMENT ON COLUMN recon.v_supplier_lines.action IS 'What follows';
COMMENT ON COLUMN recon.po_matches.already_matched_qty IS 'Days of the order matched by other invoice lines before, credit notes negative';
COMMENT ON COLUMN recon.po_matches.already_consumed_qty IS 'Received days consumed by other invoice lines before, credit notes negative: below zero where more is credited than was taken';
