"""What the page asks of the invoices to clients: ours by their status, and all of them by month."""

from datetime import date, timedelta

from flows.page.annexes import Question, quoted

MONTHS_SHOWN = 12
STATUSES = ("draft", "sent", "paid")
OTHER_STATUS = "other"
"""Under which an invoice is summed that is cancelled, deleted or not read."""
OURS, OTHERS = "ours", "others"

_STATUS = (
    "CASE WHEN i.id IS NULL THEN 'unread' WHEN i.deleted_at IS NOT NULL THEN 'deleted'"
    " ELSE i.status END"
)
# a ledger row that a lost warehouse left without its invoice is known by the reference alone
_LEDGER = (
    "recon.billing_ledger l LEFT JOIN (SELECT reference, max(id) AS id FROM core.client_invoices"
    " WHERE deleted_at IS NULL GROUP BY reference) n ON n.reference = l.reference"
    " LEFT JOIN core.client_invoices i ON i.id = coalesce(l.invoice_id, n.id)"
    " LEFT JOIN core.contracts k ON k.id = l.contract_id"
    " LEFT JOIN core.clients c ON c.id = k.client_id"
)
# as the hold on months that are invoiced already reads them (reconciliation.md 1.4)
_WRITTEN_MONTH = (
    r"nullif(regexp_extract(regexp_replace(concat_ws(' ', i.reference, t.said), '[\p{L}_]', ' ',"
    r" 'g'), '\b(20\d{2}-(?:0[1-9]|1[0-2]))\b', 1), '')"
)
_DATED_MONTH = (
    "strftime(CASE WHEN day(i.issue_date) >= 25 THEN i.issue_date"
    " ELSE i.issue_date - INTERVAL 1 MONTH END, '%Y-%m')"
)
_ALL = (
    "(SELECT l.period, coalesce(c.name, k.client_id, '?') AS client_name,"
    f" l.reference AS invoice_reference, '{OURS}' AS made_by, i.issue_date AS invoice_date,"
    f" {_STATUS} AS invoice_status, sum(l.amount)::DECIMAL(18,4) AS amount, l.currency"
    f" FROM {_LEDGER} GROUP BY ALL UNION ALL"
    f" SELECT coalesce({_WRITTEN_MONTH}, {_DATED_MONTH}), coalesce(c.name, i.client_id),"
    f" i.reference, '{OTHERS}', i.issue_date, {_STATUS}, i.total_excl_tax, i.currency"
    " FROM core.client_invoices i LEFT JOIN core.clients c ON c.id = i.client_id"
    " LEFT JOIN (SELECT client_invoice_id, string_agg(description, ' ' ORDER BY line_no) AS said"
    " FROM core.client_invoice_lines GROUP BY ALL) t ON t.client_invoice_id = i.id"
    f" ANTI JOIN (SELECT coalesce(l.invoice_id, n.id) AS id FROM {_LEDGER}) o ON o.id = i.id)"
)


def billed(period: str) -> Question:
    """What our invoices bill of a month, by what became of them in BoondManager."""
    table = (
        "(SELECT l.period, coalesce(c.name, k.client_id, '?') AS client_name,"
        " coalesce(p.first_name || ' ' || p.last_name, l.consultant_id) AS consultant_name,"
        f" l.contract_id, l.reference AS invoice_reference, {_STATUS} AS invoice_status,"
        " l.days AS billed_days, l.amount AS billed_amount, l.currency"
        f" FROM {_LEDGER} LEFT JOIN core.consultants p ON p.id = l.consultant_id)"
    )
    named = ", ".join(map(quoted, STATUSES))
    return Question(
        "billed",
        table,
        (
            *("client_name", "consultant_name", "contract_id", "invoice_reference"),
            *("invoice_status", "billed_days", "billed_amount", "currency"),
        ),
        f"period = {quoted(period)} AND billed_amount <> 0",
        "billed_amount DESC, client_name, consultant_name, invoice_reference",
        {"billed_amount": "sum(billed_amount)"}
        | {
            status: f"sum(billed_amount) FILTER (invoice_status = {quoted(status)})"
            for status in STATUSES
        }
        | {OTHER_STATUS: f"sum(billed_amount) FILTER (invoice_status NOT IN ({named}))"},
        {"lines": "count(*)"},
    )


def by_month(period: str) -> Question:
    """All invoices to clients of the last twelve months, ours and by hand, net of credit notes."""
    months = months_up_to(period)
    sums = {
        month_name(maker, month): f"sum(amount) FILTER (period = {quoted(month)}"
        f" AND made_by = {quoted(maker)})"
        for maker in (OURS, OTHERS)
        for month in months
    }
    whole = {
        month_name("all", month): f"sum(amount) FILTER (period = {quoted(month)})"
        for month in months[-2:]
    }
    return Question(
        "months",
        _ALL,
        (
            *("period", "client_name", "invoice_reference", "made_by", "invoice_date"),
            *("invoice_status", "amount", "currency"),
        ),
        f"period BETWEEN {quoted(months[0])} AND {quoted(period)}"
        " AND invoice_status NOT IN ('cancelled', 'deleted')",
        "period DESC, amount DESC, invoice_reference",
        sums | whole,
        {"lines": "count(*)"},
    )


def months_up_to(period: str) -> list[str]:
    """The last twelve months, the oldest first."""
    day = date.fromisoformat(f"{period}-01")
    found = [period]
    while len(found) < MONTHS_SHOWN:
        day = (day - timedelta(days=1)).replace(day=1)
        found.insert(0, f"{day:%Y-%m}")
    return found


def month_name(maker: str, period: str) -> str:
    """Whose invoices of a month, as the name of a total."""
    return f"{maker}_{period.replace('-', '_')}"
