"""Both comparisons as a hand would write them in SQL, for facts without oddities.

The arithmetic is that of reconciliation.md: which lines stand, the days of each side, the
difference in days and money, the gap; what is ordered, received, matched before, proven, accepted
and consumed. No wording, no candidates, no doubtful names.
"""

NAME = "list_sort(string_split(lower(strip_accents({})), ' '))"

CLIENT = f"""
CREATE TABLE matches AS WITH
people AS (SELECT id, {NAME.format("first_name || ' ' || last_name")} AS name FROM consultants),
spoken AS (
    SELECT l.period, c.id AS client_id, p.id AS consultant_id, t.id AS contract_id, l.days,
        l.declaration_id, coalesce(l.sent_at, d.sent_at, d.file_time) AS sent
    FROM declaration_lines l JOIN declarations d ON d.id = l.declaration_id
    JOIN clients c ON c.reference = l.client
    JOIN people p ON p.name = {NAME.format("l.consultant")}
    JOIN contracts t ON t.client_id = c.id
        AND t.start_date <= last_day((l.period || '-01')::DATE)
        AND coalesce(t.end_date >= (l.period || '-01')::DATE, true)
    WHERE l.problem IS NULL),
standing AS (SELECT * FROM spoken QUALIFY declaration_id = last_value(declaration_id) OVER (
    PARTITION BY period, client_id, consultant_id, contract_id ORDER BY sent, declaration_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)),
declared AS (SELECT period, client_id, consultant_id, contract_id, sum(days) AS declared_days
    FROM standing GROUP BY ALL),
by_month AS (SELECT cra_id, strftime(date, '%Y-%m') AS period, sum(duration) AS days
    FROM cra_days WHERE type_code = 'production' GROUP BY ALL),
whole AS (SELECT cra_id, sum(days) AS days FROM by_month GROUP BY ALL),
worked AS (
    SELECT m.period, r.client_id, r.consultant_id, t.id AS contract_id, sum(m.days) AS cra_days,
        list(r.id ORDER BY r.id) AS cra_ids, bool_and(r.total_days = w.days) AS consistent,
        bool_or(r.status = 'draft') AS draft
    FROM by_month m JOIN cras r ON r.id = m.cra_id JOIN whole w ON w.cra_id = r.id
    JOIN contracts t ON t.client_id = r.client_id
    WHERE r.deleted_at IS NULL AND r.status NOT IN ('rejected', 'invalidated')
    GROUP BY ALL),
both_sides AS (
    SELECT period, client_id, consultant_id, contract_id, declared_days, cra_days, cra_ids,
        consistent AND NOT draft AS fit, declared_days - cra_days AS difference_days
    FROM declared FULL JOIN worked USING (period, client_id, consultant_id, contract_id)),
priced AS (
    SELECT b.*, r.daily_rate, r.currency,
        round(difference_days * r.daily_rate, 2) AS difference_amount,
        sum(round(declared_days * r.daily_rate, 2)) OVER (
            PARTITION BY period, client_id, b.contract_id) AS contract_amount
    FROM both_sides b LEFT JOIN contract_rates r ON r.contract_id = b.contract_id)
SELECT *, CASE WHEN declared_days IS NULL THEN 'undeclared' WHEN cra_days IS NULL THEN 'missing_cra'
        WHEN NOT fit THEN 'held' WHEN difference_days = 0 THEN 'matched'
        WHEN difference_days > 0 THEN 'over_reported' ELSE 'under_reported' END AS outcome,
    difference_days <> 0 AND (abs(difference_days) > 5
        OR abs(difference_amount) * 100 > contract_amount * 10) AS gap
FROM priced ORDER BY period, client_id, consultant_id, contract_id
"""
CLIENT_TOTALS = """
SELECT outcome, count(*), sum(declared_days)::VARCHAR, sum(cra_days)::VARCHAR,
    sum(difference_days)::VARCHAR, sum(difference_amount)::VARCHAR
FROM matches GROUP BY outcome ORDER BY outcome
"""

SUPPLIER = """
CREATE TABLE order_lines AS
SELECT o.id AS po_id, l.line_no AS po_line, o.supplier_id, o.start_date, o.end_date, o.currency,
    o.status, l.consultant_id, l.daily_rate AS price, l.estimated_days AS ordered,
    upper(regexp_replace(o.reference, '[\\s\\-_]', '', 'g')) AS number,
    lower(strip_accents(p.first_name || ' ' || p.last_name)) AS person
FROM purchase_orders o JOIN purchase_order_lines l ON l.purchase_order_id = o.id
JOIN consultants p ON p.id = l.consultant_id WHERE o.deleted_at IS NULL;

CREATE TABLE receipts AS
SELECT l.po_id, l.po_line, r.id AS cra_id, d.date, sum(d.duration) AS quantity
FROM cra_days d JOIN cras r ON r.id = d.cra_id
JOIN order_lines l ON l.consultant_id = r.consultant_id AND d.date BETWEEN l.start_date
    AND l.end_date AND coalesce(r.purchase_order_id = l.po_id, true)
WHERE d.type_code = 'production' AND r.status = 'validated' AND r.deleted_at IS NULL
GROUP BY ALL;

CREATE TABLE taken AS WITH
received AS (SELECT po_id, po_line, sum(quantity) AS received FROM receipts GROUP BY ALL),
paired AS (
    SELECT b.id AS bill_id, i.line_no AS bill_line, b.invoice_date, b.created_time, l.po_id,
        l.po_line, l.ordered, l.price, coalesce(r.received, 0) AS received, i.quantity,
        i.unit_price, i.amount, b.amount AS bill_amount, b.currency,
        s.id IS NULL OR s.id <> l.supplier_id OR b.currency <> l.currency
            OR b.invoice_date < l.start_date OR l.status <> 'approved'
            OR (i.unit_price - l.price) * 100 > l.price
            OR abs(i.amount - round(i.quantity * i.unit_price, 2)) > 0.01 AS wrong
    FROM bills b JOIN bill_lines i ON i.bill_id = b.id
    JOIN order_lines l
        ON l.number = upper(regexp_replace(b.purchase_order_number, '[\\s\\-_]', '', 'g'))
        AND contains(lower(strip_accents(i.description)), l.person || ',')
    LEFT JOIN received r ON r.po_id = l.po_id AND r.po_line = l.po_line
    JOIN vendors v ON v.id = b.vendor_id LEFT JOIN suppliers s ON s.vat_number = v.tax_id
    WHERE b.deleted_at IS NULL AND b.invoice_date <= DATE '2026-12-15'),
judged AS (SELECT *, NOT bool_or(wrong) OVER bill
        AND abs(bill_amount - sum(amount) OVER bill) <= 0.01 * count(*) OVER bill AS live
    FROM paired WINDOW bill AS (PARTITION BY bill_id)),
so_far AS (SELECT *, coalesce(sum(CASE WHEN live THEN quantity ELSE 0 END) OVER (
        PARTITION BY po_id, po_line ORDER BY invoice_date, created_time, bill_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS asked_before FROM judged),
open_now AS (SELECT *, least(asked_before, received) AS before FROM so_far)
SELECT *, greatest(0, least(quantity, ordered - before, received - before)) AS matchable,
    CASE WHEN live THEN least(quantity, greatest(0, received - before)) ELSE 0 END AS taken
FROM open_now;

CREATE TABLE matches AS WITH
proven AS (SELECT *, round(matchable * price, 2) AS proven,
    CASE WHEN wrong OR ordered - before < quantity THEN 4
        WHEN received - before >= quantity THEN 0 WHEN matchable > 0 THEN 1 ELSE 2 END AS line_rank
    FROM taken),
ranked AS (SELECT *, max(line_rank) OVER (PARTITION BY bill_id) AS rank FROM proven)
SELECT *, CASE WHEN rank > 1 THEN 0 WHEN line_rank = 0 THEN amount ELSE proven END AS accepted,
    ['matched', 'partial', 'pending_receipt', 'not_checked', 'review'][rank + 1] AS status
FROM ranked ORDER BY bill_id, bill_line;

CREATE TABLE consumption AS WITH
axis AS (SELECT *, sum(quantity) OVER (PARTITION BY po_id, po_line ORDER BY date, cra_id) AS "end"
    FROM receipts)
SELECT a.cra_id, a.date, t.po_id, t.po_line, t.bill_id, t.bill_line,
    least(a."end", t.before + t.taken) - greatest(a."end" - a.quantity, t.before) AS quantity
FROM taken t JOIN axis a ON a.po_id = t.po_id AND a.po_line = t.po_line
    AND a."end" - a.quantity < t.before + t.taken AND a."end" > t.before
WHERE t.taken > 0 ORDER BY t.bill_id, t.bill_line, a.date, a.cra_id
"""
SUPPLIER_TOTALS = """
SELECT status, count(*), sum(matchable)::VARCHAR, sum(proven)::VARCHAR,
    sum(accepted)::DECIMAL(18,2)::VARCHAR FROM matches GROUP BY status
UNION ALL
SELECT 'consumed', count(*), sum(quantity)::VARCHAR, NULL, NULL FROM consumption ORDER BY 1
"""
