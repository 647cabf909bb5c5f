CREATE VIEW recon.v_month_summary AS
SELECT period, 'clients' AS side, outcome, count(*) AS "rows", sum(coalesce(declared_days, cra_days))::DECIMAL(18,4) AS days,
    sum(coalesce(declared_days, cra_days) * daily_rate)::DECIMAL(18,4) AS amount, currency
FROM recon.cra_matches GROUP BY period, outcome, currency
UNION ALL
SELECT period, 'suppliers', status, count(*), sum(invoiced_qty)::DECIMAL(18,4), sum(invoiced_amount)::DECIMAL(18,4), currency
FROM recon.po_matches GROUP BY period, status, currency
ORDER BY period, side, outcome, currency;
COMMENT ON VIEW recon.v_month_summary IS 'The month at a glance: rows, days and money by side and outcome.';
COMMENT ON COLUMN recon.v_month_summary.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.v_month_summary.side IS 'clients or suppliers';
COMMENT ON COLUMN recon.v_month_summary.outcome IS 'Outcome (clients) or status (suppliers)';
COMMENT ON COLUMN recon.v_month_summary."rows" IS 'Rows of cra_matches or po_matches';
COMMENT ON COLUMN recon.v_month_summary.days IS 'Days declared, else reported (clients); days invoiced (suppliers)';
COMMENT ON COLUMN recon.v_month_summary.amount IS 'Days at the daily rate (clients); amount invoiced (suppliers), in currency';
COMMENT ON COLUMN recon.v_month_summary.currency IS 'ISO 4217 code';

CREATE VIEW recon.v_open_breaks AS
SELECT b.break_id, b.kind, b.code,
    coalesce(coalesce(c.consultant_name, c.declared_name) || coalesce(' · ' || c.client_name, ''),
        coalesce(s.name, v.name, p.vendor_id) || coalesce(' · ' || p.invoice_number, ''), b.subject_id) AS who,
    b.period, date_diff('day', b.first_seen_at, (SELECT max(started_at) FROM ops.runs)) AS age_days,
    b.owner, b.amount_at_stake, b.currency, coalesce(c.explanation, p.explanation, h.detail) AS explanation
FROM recon.breaks b
LEFT JOIN recon.cra_matches c USING (break_id)
LEFT JOIN recon.po_matches p USING (break_id)
LEFT JOIN core.suppliers s ON s.id = p.supplier_id
LEFT JOIN core.vendors v ON v.id = p.vendor_id
LEFT JOIN (SELECT break_id, string_agg(detail, '; ' ORDER BY code) AS detail FROM recon.holds GROUP BY break_id) h USING (break_id)
WHERE b.status = 'open'
ORDER BY b.amount_at_stake DESC NULLS LAST, b.break_id;
COMMENT ON VIEW recon.v_open_breaks IS 'What waits for somebody, the most euros first.';
COMMENT ON COLUMN recon.v_open_breaks.break_id IS 'Stable id of the break';
COMMENT ON COLUMN recon.v_open_breaks.kind IS 'cra, bill, declaration or invoice';
COMMENT ON COLUMN recon.v_open_breaks.code IS 'Gravest hold, else the outcome';
COMMENT ON COLUMN recon.v_open_breaks.who IS 'Consultant and client, or supplier and invoice number';
COMMENT ON COLUMN recon.v_open_breaks.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.v_open_breaks.age_days IS 'Days from when it was first found to the last run';
COMMENT ON COLUMN recon.v_open_breaks.owner IS 'Who is to act';
COMMENT ON COLUMN recon.v_open_breaks.amount_at_stake IS 'Money at stake, in currency; null when it cannot be told';
COMMENT ON COLUMN recon.v_open_breaks.currency IS 'ISO 4217 code';
COMMENT ON COLUMN recon.v_open_breaks.explanation IS 'Why, in words';

CREATE VIEW recon.v_unbilled_days AS
SELECT m.period, m.client_name, m.contract_id, coalesce(m.consultant_name, m.declared_name) AS consultant_name,
    (coalesce(m.cra_days, m.declared_days) - coalesce(l.days, 0))::DECIMAL(9,4) AS days,
    ((coalesce(m.cra_days, m.declared_days) - coalesce(l.days, 0)) * m.daily_rate)::DECIMAL(18,4) AS amount,
    m.outcome || CASE WHEN len(m.holds) > 0 THEN ' (' || array_to_string(m.holds, ', ') || ')' ELSE '' END || ': ' || m.action AS why
FROM recon.cra_matches m
LEFT JOIN (SELECT contract_id, consultant_id, period, sum(days) AS days FROM recon.billing_ledger GROUP BY ALL) l
    ON l.contract_id = m.contract_id AND l.consultant_id = m.consultant_id AND l.period = m.period
WHERE coalesce(m.cra_days, m.declared_days) - coalesce(l.days, 0) > 0
ORDER BY m.period, amount DESC NULLS LAST, m.break_id;
COMMENT ON VIEW recon.v_unbilled_days IS 'Days reported or declared that no confirmed invoice bills yet, and why.';
COMMENT ON COLUMN recon.v_unbilled_days.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.v_unbilled_days.client_name IS 'Client';
COMMENT ON COLUMN recon.v_unbilled_days.contract_id IS 'Contract; null when none could be told';
COMMENT ON COLUMN recon.v_unbilled_days.consultant_name IS 'Consultant, or the name as declared';
COMMENT ON COLUMN recon.v_unbilled_days.days IS 'Days not billed';
COMMENT ON COLUMN recon.v_unbilled_days.amount IS 'Those days at the daily rate, in the contract''s currency; null without a rate';
COMMENT ON COLUMN recon.v_unbilled_days.why IS 'What keeps them from being billed';

CREATE VIEW recon.v_supplier_exposure AS
SELECT coalesce(s.name, v.name, p.vendor_id) AS supplier_name, sum(p.invoiced_amount)::DECIMAL(18,4) AS invoiced,
    sum(p.accepted_amount)::DECIMAL(18,4) AS accepted,
    coalesce(sum(p.invoiced_amount) FILTER (p.status IN ('review', 'not_checked')), 0)::DECIMAL(18,4) AS held,
    coalesce(sum(p.invoiced_amount - p.accepted_amount) FILTER (p.status IN ('partial', 'pending_receipt')), 0)::DECIMAL(18,4) AS waiting,
    coalesce(sum(h.amount_at_stake), 0)::DECIMAL(18,4) AS to_claim, p.currency
FROM recon.po_matches p
LEFT JOIN core.suppliers s ON s.id = p.supplier_id
LEFT JOIN core.vendors v ON v.id = p.vendor_id
LEFT JOIN recon.holds h ON h.break_id = p.break_id AND h.code = 'PAID_UNPROVEN'
GROUP BY ALL ORDER BY invoiced DESC;
COMMENT ON VIEW recon.v_supplier_exposure IS 'What suppliers ask for, and what of it is accepted, held, waiting or to be claimed back.';
COMMENT ON COLUMN recon.v_supplier_exposure.supplier_name IS 'Supplier, or the Bill.com vendor while no supplier is known';
COMMENT ON COLUMN recon.v_supplier_exposure.invoiced IS 'Invoiced, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.accepted IS 'Accepted for payment, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.held IS 'Invoiced on bills in review or not checked, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.waiting IS 'Invoiced and waiting for receipts, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.to_claim IS 'Paid although not proven, in currency';
COMMENT ON COLUMN recon.v_supplier_exposure.currency IS 'ISO 4217 code';

CREATE VIEW recon.v_auto_match_rate AS
SELECT period, side, sum("rows")::BIGINT AS "rows", coalesce(sum("rows") FILTER (outcome = 'matched'), 0)::BIGINT AS matched,
    (coalesce(sum("rows") FILTER (outcome = 'matched'), 0) / sum("rows"))::DECIMAL(9,4) AS rate
FROM recon.v_month_summary GROUP BY period, side ORDER BY period, side;
COMMENT ON VIEW recon.v_auto_match_rate IS 'How much matched without a person.';
COMMENT ON COLUMN recon.v_auto_match_rate.period IS 'Month, YYYY-MM';
COMMENT ON COLUMN recon.v_auto_match_rate.side IS 'clients or suppliers';
COMMENT ON COLUMN recon.v_auto_match_rate."rows" IS 'Rows compared';
COMMENT ON COLUMN recon.v_auto_match_rate.matched IS 'Rows that matched';
COMMENT ON COLUMN recon.v_auto_match_rate.rate IS 'matched / rows, 0 to 1';
