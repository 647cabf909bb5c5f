CREATE VIEW recon.v_client_lines AS
WITH billed AS (
    SELECT contract_id, consultant_id, period, currency, sum(days) AS days, sum(amount) AS amount,
        string_agg(DISTINCT reference, ', ' ORDER BY reference) AS invoice_references
    FROM recon.billing_ledger GROUP BY ALL
), twice AS (
    -- a name that may be one of several people, one of whom has a CRA that nobody declared
    SELECT DISTINCT m.break_id
    FROM recon.cra_matches m
    JOIN recon.holds h ON h.break_id = m.break_id AND h.code = 'NAME_AMBIGUOUS'
    JOIN recon.cra_matches u ON u.outcome = 'undeclared' AND u.client_id = m.client_id AND u.period = m.period
        AND regexp_matches(h.detail, '\b' || regexp_escape(u.consultant_id) || '\b')
    WHERE m.cra_days IS NULL
), compared AS (
    SELECT m.*, b.days AS billed_days, b.amount AS billed_amount, b.invoice_references,
        coalesce(m.currency, b.currency) AS line_currency,
        CASE WHEN t.break_id IS NULL
            THEN greatest(0, greatest(m.declared_days, m.cra_days) - coalesce(b.days, 0)) END AS unbilled_days,
        m.outcome = 'matched' AND len(m.holds) = 0 AS fits,
        coalesce(k.status = 'overridden', false) AS overridden
    FROM recon.cra_matches m
    LEFT JOIN billed b ON b.contract_id = m.contract_id AND b.consultant_id = m.consultant_id AND b.period = m.period
        AND coalesce(b.currency, m.currency, '') = coalesce(m.currency, b.currency, '')
    LEFT JOIN twice t ON t.break_id = m.break_id
    LEFT JOIN recon.breaks k ON k.break_id = m.break_id
)
SELECT break_id, period, client_id, coalesce(client_name, client_id, '?') AS client_name, contract_id, consultant_id,
    coalesce(consultant_name, declared_name) AS consultant_name, declared_days, cra_days,
    coalesce(billed_days, 0)::DECIMAL(9,4) AS billed_days,
    coalesce(billed_amount, 0)::DECIMAL(18,4) AS billed_amount, invoice_references,
    unbilled_days::DECIMAL(9,4) AS unbilled_days,
    (unbilled_days * daily_rate)::DECIMAL(18,4) AS unbilled_amount,
    (CASE WHEN fits THEN unbilled_days ELSE 0 END)::DECIMAL(9,4) AS waiting_days,
    (CASE WHEN fits THEN unbilled_days * daily_rate ELSE 0 END)::DECIMAL(18,4) AS waiting_amount,
    (CASE WHEN fits THEN 0 ELSE unbilled_days END)::DECIMAL(9,4) AS held_days,
    (CASE WHEN fits THEN 0 ELSE unbilled_days * daily_rate END)::DECIMAL(18,4) AS held_amount,
    (CASE WHEN fits THEN 0 WHEN outcome IN ('over_reported', 'under_reported') THEN abs(difference_days) * daily_rate
        WHEN outcome IN ('missing_cra', 'missing_entry', 'undeclared') THEN unbilled_days * daily_rate ELSE 0
    END)::DECIMAL(18,4) AS disputed_amount,
    line_currency AS currency, outcome, holds, fits AND NOT overridden AS matched_alone, explanation, action
FROM compared
UNION ALL
SELECT NULL, b.period, k.client_id, coalesce(c.name, k.client_id, '?'), b.contract_id, b.consultant_id, p.first_name || ' ' || p.last_name, NULL, NULL,
    b.days::DECIMAL(9,4), b.amount::DECIMAL(18,4), b.invoice_references, 0::DECIMAL(9,4), 0, 0::DECIMAL(9,4), 0, 0::DECIMAL(9,4), 0, 0,
    b.currency, NULL, [], false, NULL, NULL
FROM billed b
ANTI JOIN recon.cra_matches m ON b.contract_id = m.contract_id AND b.consultant_id = m.consultant_id AND b.period = m.period
    AND coalesce(b.currency, m.currency, '') = coalesce(m.currency, b.currency, '')
LEFT JOIN core.contracts k ON k.id = b.contract_id
LEFT JOIN core.clients c ON c.id = k.client_id
LEFT JOIN core.consultants p ON p.id = b.consultant_id;
COMMENT ON VIEW recon.v_client_lines IS 'What each client, consultant, contract and month came to in money: billed, waiting, held. What is billed without having been compared is a line of its own.';
COMMENT ON COLUMN recon.v_client_lines.break_id IS 'Row of cra_matches; null for what is billed and was not compared';
COMMENT ON COLUMN recon.v_client_lines.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.v_client_lines.client_id IS 'Client; null when the declared client is unknown';
COMMENT ON COLUMN recon.v_client_lines.client_name IS 'Client name, else its id, else ?';
COMMENT ON COLUMN recon.v_client_lines.contract_id IS 'Contract; null when none could be told';
COMMENT ON COLUMN recon.v_client_lines.consultant_id IS 'Consultant; unknown when the declared name is nobody''s';
COMMENT ON COLUMN recon.v_client_lines.consultant_name IS 'Consultant, or the name as declared';
COMMENT ON COLUMN recon.v_client_lines.declared_days IS 'Days that the client declared; null when it declared none';
COMMENT ON COLUMN recon.v_client_lines.cra_days IS 'Production days of the CRAs inside the month; null without a CRA';
COMMENT ON COLUMN recon.v_client_lines.billed_days IS 'Days on our confirmed invoices, net of credit notes';
COMMENT ON COLUMN recon.v_client_lines.billed_amount IS 'Billed without tax, net of credit notes, in currency';
COMMENT ON COLUMN recon.v_client_lines.invoice_references IS 'Our invoices that bill them';
COMMENT ON COLUMN recon.v_client_lines.unbilled_days IS 'Days reported or declared, the larger, less those billed; null where another line has the same days: an unclear name beside the CRA of somebody whom it may mean';
COMMENT ON COLUMN recon.v_client_lines.unbilled_amount IS 'unbilled_days at the daily rate, in currency; null without a rate';
COMMENT ON COLUMN recon.v_client_lines.waiting_days IS 'Days not billed that are matched without a hold: they wait for their billing date, other lines or the next run';
COMMENT ON COLUMN recon.v_client_lines.waiting_amount IS 'waiting_days at the daily rate, in currency';
COMMENT ON COLUMN recon.v_client_lines.held_days IS 'Days not billed that do not match, or that a hold keeps back';
COMMENT ON COLUMN recon.v_client_lines.held_amount IS 'held_days at the daily rate, in currency; null without a rate';
COMMENT ON COLUMN recon.v_client_lines.disputed_amount IS 'Part of the held amount that one side does not confirm: the difference, or all of it where a side is missing; in currency';
COMMENT ON COLUMN recon.v_client_lines.currency IS 'ISO 4217 code; null when no rate could be told';
COMMENT ON COLUMN recon.v_client_lines.outcome IS 'Outcome of the comparison; null where nothing was compared';
COMMENT ON COLUMN recon.v_client_lines.holds IS 'Codes of the holds on the row, sorted';
COMMENT ON COLUMN recon.v_client_lines.matched_alone IS 'Whether it matched without a hold or a person''s decision';
COMMENT ON COLUMN recon.v_client_lines.explanation IS 'Why, in one sentence';
COMMENT ON COLUMN recon.v_client_lines.action IS 'What follows';

CREATE VIEW recon.v_supplier_lines AS
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

CREATE OR REPLACE VIEW recon.v_open_breaks AS
SELECT b.break_id, b.kind, b.code,
    coalesce(coalesce(c.consultant_name, c.declared_name) || coalesce(' · ' || c.client_name, ''),
        coalesce(s.name, v.name, p.vendor_id) || coalesce(' · ' || p.invoice_number, ''), d.file_name, b.subject_id) AS who,
    b.period, greatest(0, date_diff('day', b.first_seen_at, (SELECT max(started_at) FROM ops.runs))) AS age_days,
    b.owner, b.amount_at_stake, b.currency, coalesce(c.explanation, p.explanation, h.detail) AS explanation
FROM recon.breaks b
LEFT JOIN recon.cra_matches c USING (break_id)
LEFT JOIN recon.po_matches p USING (break_id)
LEFT JOIN core.suppliers s ON s.id = p.supplier_id
LEFT JOIN core.vendors v ON v.id = p.vendor_id
LEFT JOIN core.declarations d ON d.id = b.subject_id AND b.kind = 'declaration'
LEFT JOIN (SELECT break_id, string_agg(detail, '; ' ORDER BY code) AS detail FROM recon.holds GROUP BY break_id) h USING (break_id)
WHERE b.status = 'open'
ORDER BY b.amount_at_stake DESC NULLS LAST, b.break_id;
COMMENT ON VIEW recon.v_open_breaks IS 'What waits for somebody, the most euros first.';
COMMENT ON COLUMN recon.v_open_breaks.break_id IS 'Stable id of the break';
COMMENT ON COLUMN recon.v_open_breaks.kind IS 'cra, bill, declaration or invoice';
COMMENT ON COLUMN recon.v_open_breaks.code IS 'Gravest hold, else the outcome';
COMMENT ON COLUMN recon.v_open_breaks.who IS 'Consultant and client, supplier and invoice number, or the file';
COMMENT ON COLUMN recon.v_open_breaks.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.v_open_breaks.age_days IS 'Days from when it was first found to the last run';
COMMENT ON COLUMN recon.v_open_breaks.owner IS 'Who is to act';
COMMENT ON COLUMN recon.v_open_breaks.amount_at_stake IS 'Money at stake, in currency; null when it cannot be told';
COMMENT ON COLUMN recon.v_open_breaks.currency IS 'ISO 4217 code';
COMMENT ON COLUMN recon.v_open_breaks.explanation IS 'Why, in words';

CREATE OR REPLACE VIEW recon.v_unbilled_days AS
SELECT period, client_name, contract_id, consultant_name, unbilled_days AS days, unbilled_amount AS amount, currency,
    outcome || CASE WHEN len(holds) > 0 THEN ' (' || array_to_string(holds, ', ') || ')' ELSE '' END || ': ' || action AS why
FROM recon.v_client_lines WHERE unbilled_days > 0
ORDER BY period, amount DESC NULLS LAST, break_id;
COMMENT ON VIEW recon.v_unbilled_days IS 'Days reported or declared that no confirmed invoice of ours bills yet, each once, and why.';
COMMENT ON COLUMN recon.v_unbilled_days.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.v_unbilled_days.client_name IS 'Client';
COMMENT ON COLUMN recon.v_unbilled_days.contract_id IS 'Contract; null when none could be told';
COMMENT ON COLUMN recon.v_unbilled_days.consultant_name IS 'Consultant, or the name as declared';
COMMENT ON COLUMN recon.v_unbilled_days.days IS 'Days not billed';
COMMENT ON COLUMN recon.v_unbilled_days.amount IS 'Those days at the daily rate, in currency; null without a rate';
COMMENT ON COLUMN recon.v_unbilled_days.currency IS 'ISO 4217 code; null when no rate could be told';
COMMENT ON COLUMN recon.v_unbilled_days.why IS 'What keeps them from being billed';

CREATE OR REPLACE VIEW recon.v_supplier_exposure AS
SELECT supplier_name, sum(invoiced)::DECIMAL(18,4) AS invoiced, sum(accepted)::DECIMAL(18,4) AS accepted,
    sum(held)::DECIMAL(18,4) AS held, sum(waiting)::DECIMAL(18,4) AS waiting, sum(to_claim)::DECIMAL(18,4) AS to_claim, currency
FROM recon.v_supplier_lines GROUP BY supplier_name, currency ORDER BY invoiced DESC NULLS LAST, supplier_name;
COMMENT ON VIEW recon.v_supplier_exposure IS 'What suppliers ask for, and what of it is accepted, held, waiting or to be claimed back; accepted + held + waiting = invoiced.';
COMMENT ON COLUMN recon.v_supplier_exposure.supplier_name IS 'Supplier, or the Bill.com vendor while no supplier is known';
COMMENT ON COLUMN recon.v_supplier_exposure.invoiced IS 'Invoiced, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.accepted IS 'Accepted for payment, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.held IS 'Not accepted, on bills in review or not checked, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.waiting IS 'Not accepted yet, for want of receipts or by a person''s decision, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.to_claim IS 'Paid although not proven, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.currency IS 'ISO 4217 code';

CREATE OR REPLACE VIEW recon.v_auto_match_rate AS
SELECT period, side, count(*) AS "rows", count(*) FILTER (matched_alone) AS matched,
    (count(*) FILTER (matched_alone) / count(*))::DECIMAL(9,4) AS rate
FROM (
    SELECT period, 'clients' AS side, matched_alone FROM recon.v_client_lines WHERE break_id IS NOT NULL
    UNION ALL
    SELECT period, 'suppliers', matched_alone FROM recon.v_supplier_lines
)
GROUP BY period, side ORDER BY period, side;
COMMENT ON VIEW recon.v_auto_match_rate IS 'How much matched without a person.';
COMMENT ON COLUMN recon.v_auto_match_rate.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.v_auto_match_rate.side IS 'clients or suppliers';
COMMENT ON COLUMN recon.v_auto_match_rate."rows" IS 'Rows looked at, those that could not be checked included';
COMMENT ON COLUMN recon.v_auto_match_rate.matched IS 'Rows that matched with no hold and no decision of a person';
COMMENT ON COLUMN recon.v_auto_match_rate.rate IS 'matched / rows, 0 to 1';

COMMENT ON COLUMN recon.po_matches.already_matched_qty IS 'Days of the order matched by other invoice lines before, credit notes negative';
COMMENT ON COLUMN recon.po_matches.already_consumed_qty IS 'Received days consumed by other invoice lines before, credit notes negative: below zero where more is credited than was taken';
