"""What the page asks the warehouse about one month (warehouse.md, views for people)."""

from datetime import date, timedelta

from flows.page.annexes import Question, quoted

CLIENTS, SUPPLIERS = "recon.v_client_lines", "recon.v_supplier_lines"
BREAKS = "recon.v_open_breaks"
VIEWS = (CLIENTS, SUPPLIERS, BREAKS)
MONTHS_SHOWN = 12
AGES = (7, 30, 60)
"""Ends of the classes of age, in days."""

_CLIENT_COLUMNS = ("client_name", "consultant_name", "contract_id")
_BREAK_COLUMNS = (
    *("break_id", "code", "kind", "who", "explanation", "period", "age_days", "owner"),
    *("amount_at_stake", "currency"),
)
_LINE_COLUMNS = ("supplier_name", "invoice_number", "bill_line", "invoice_date", "consultant_name")
_LINE_ORDER = "supplier_name, invoice_date, bill_id, bill_line"
_CLIENT_ORDER = "client_name, consultant_name, contract_id, break_id"
_OUT = "CASE WHEN state = 'done' THEN (payload->>'$.total_excl_tax')::DECIMAL(18,4) END"


def headline(period: str) -> list[Question]:
    """The rows behind each headline figure, those of clients first."""
    return [
        _clients(period, "billed", "billed_amount <> 0", ("billed_days", "invoice_references")),
        _clients(period, "waiting", "waiting_days > 0", ("waiting_days", "action")),
        _clients(period, "held", "held_days > 0", ("held_days", "outcome", "holds", "explanation")),
        _clients(
            period,
            "disputed",
            "disputed_amount > 0",
            ("declared_days", "cra_days", "outcome", "explanation"),
        ),
        _unbilled(period),
        _suppliers(
            period,
            "invoiced",
            "invoiced IS NOT NULL",
            ("status",),
            also=("accepted", "waiting", "held", "to_claim"),
        ),
        _suppliers(period, "accepted", "accepted <> 0", ("status",)),
        _suppliers(period, "flagged", "(flagged <> 0 OR paid <> 0)", ("paid",), also=("paid",)),
        _suppliers(period, "not_accepted", "held + waiting <> 0", ("status", "explanation")),
        _suppliers(period, "to_claim", "to_claim <> 0", ("explanation",)),
    ]


def _clients(period: str, key: str, where: str, shown: tuple[str, ...]) -> Question:
    amount = f"{key}_amount"
    return Question(
        key,
        CLIENTS,
        (*_CLIENT_COLUMNS, *shown, amount, "currency"),
        f"period = {quoted(period)} AND {where}",
        f"{amount} DESC NULLS LAST, {_CLIENT_ORDER}",
        {amount: f"sum({amount})"},
        {"lines": "count(*)", "unpriced": f"count(*) FILTER ({amount} IS NULL)"},
    )


def _unbilled(period: str) -> Question:
    return Question(
        "unbilled",
        CLIENTS,
        (*_CLIENT_COLUMNS, "unbilled_days", "unbilled_amount", "currency", "outcome", "action"),
        f"period = {quoted(period)} AND unbilled_days > 0",
        f"unbilled_days DESC, {_CLIENT_ORDER}",
        {"unbilled_amount": "sum(unbilled_amount)"},
        {"unbilled_days": "sum(unbilled_days)", "lines": "count(*)"},
    )


def _suppliers(
    period: str, key: str, where: str, shown: tuple[str, ...], also: tuple[str, ...] = ()
) -> Question:
    amount = "held + waiting" if key == "not_accepted" else key
    return Question(
        key,
        SUPPLIERS,
        (*_LINE_COLUMNS, *shown, f"{amount} AS {key}", "currency"),
        f"period = {quoted(period)} AND {where}",
        f"{amount} DESC, {_LINE_ORDER}",
        {key: f"sum({amount})"} | {name: f"sum({name})" for name in also},
        {"lines": "count(*)", "bills": "count(DISTINCT bill_id)"},
    )


def by_client(period: str) -> Question:
    """The rows of each client."""
    return Question(
        "client",
        CLIENTS,
        (
            *("client_name", "consultant_name", "contract_id", "declared_days", "cra_days"),
            *("billed_amount", "waiting_amount", "held_amount", "currency"),
            *("outcome", "holds", "explanation"),
        ),
        f"period = {quoted(period)}",
        _CLIENT_ORDER,
        {
            name: f"sum({name})"
            for name in ("billed_amount", "waiting_amount", "held_amount", "disputed_amount")
        },
        {
            "declared_days": "sum(declared_days)",
            "cra_days": "sum(cra_days)",
            "unpriced": "count(*) FILTER (unbilled_days > 0 AND unbilled_amount IS NULL)",
            "match_rate": "(100 * count(*) FILTER (matched_alone)"
            " / nullif(count(break_id), 0))::DECIMAL(9,0)",
        },
    )


def by_supplier(period: str) -> Question:
    """The rows of each supplier, of invoices dated in the month."""
    return Question(
        "supplier",
        SUPPLIERS,
        (
            *("supplier_name", "invoice_number", "bill_line", "invoice_date", "consultant_name"),
            *("invoiced", "accepted", "waiting", "held", "to_claim", "currency"),
            *("status", "holds", "explanation"),
        ),
        f"period = {quoted(period)}",
        _LINE_ORDER,
        {
            name: f"sum({name})"
            for name in ("invoiced", "accepted", "waiting", "held", "to_claim", "flagged", "paid")
        },
        {
            "bills": "count(DISTINCT bill_id)",
            "match_rate": "(100 * count(*) FILTER (matched_alone) / count(*))::DECIMAL(9,0)",
        },
    )


def later_bills(period: str) -> Question:
    """Supplier invoices dated after the month."""
    return Question(
        "later",
        SUPPLIERS,
        (*_LINE_COLUMNS, "invoiced", "accepted", "held + waiting AS not_accepted", "currency"),
        f"period > {quoted(period)}",
        f"invoiced DESC, {_LINE_ORDER}",
        {
            "invoiced": "sum(invoiced)",
            "not_accepted": "sum(held + waiting)",
            "to_claim": "sum(to_claim)",
        },
        {"bills": "count(DISTINCT bill_id)"},
    )


def breaks(period: str) -> Question:
    """Breaks that are open, of the month, of those before, or of none."""
    return Question(
        "breaks",
        BREAKS,
        _BREAK_COLUMNS,
        f"(period <= {quoted(period)} OR period IS NULL)",
        "amount_at_stake DESC NULLS LAST, break_id",
        {"at_stake": "sum(amount_at_stake)"},
        {"breaks": "count(*)", "unpriced": "count(*) FILTER (amount_at_stake IS NULL)"},
    )


def later_breaks(period: str) -> Question:
    """Breaks of later months."""
    whole = breaks(period)
    return Question(
        "breaks_later",
        whole.table,
        whole.columns,
        f"period > {quoted(period)}",
        whole.order,
        whole.money,
        whole.counts,
    )


def by_reason(period: str) -> Question:
    """Those breaks by code."""
    whole = breaks(period)
    return Question(
        "reason", whole.table, whole.columns, whole.where, whole.order, whole.money, whole.counts
    )


def by_age(period: str) -> Question:
    """Those breaks by class of age."""
    whole = breaks(period)
    steps = " ".join(f"WHEN age_days <= {end} THEN '{number}'" for number, end in enumerate(AGES))
    aged = f"(SELECT *, CASE {steps} ELSE '{len(AGES)}' END AS age_class FROM {whole.table})"
    columns = ("age_class", *whole.columns)
    return Question("age", aged, columns, whole.where, whole.order, whole.money, whole.counts)


def months_up_to(period: str) -> list[str]:
    """The last twelve months, the oldest first."""
    day = date.fromisoformat(f"{period}-01")
    found = [period]
    while len(found) < MONTHS_SHOWN:
        day = (day - timedelta(days=1)).replace(day=1)
        found.insert(0, f"{day:%Y-%m}")
    return found


def billed_by_month(period: str) -> Question:
    """What was billed for each of the last twelve months."""
    months = months_up_to(period)
    table = (
        "(SELECT period, currency, sum(days) AS billed_days, sum(amount) AS billed_amount"
        " FROM recon.billing_ledger GROUP BY period, currency)"
    )
    return Question(
        "months",
        table,
        ("period", "billed_days", "billed_amount", "currency"),
        f"period BETWEEN {quoted(months[0])} AND {quoted(period)}",
        "period, currency",
        {month_name(m): f"sum(billed_amount) FILTER (period = {quoted(m)})" for m in months},
    )


def month_name(period: str) -> str:
    """A month as the name of a total."""
    return f"billed_{period.replace('-', '_')}"


def alerts(period: str) -> Question:
    """CRAs of the month that are still owed."""
    table = (
        "(SELECT a.*, c.first_name || ' ' || c.last_name AS consultant_name"
        " FROM recon.activity_alerts a LEFT JOIN core.consultants c ON c.id = a.consultant_id)"
    )
    return Question(
        "alerts",
        table,
        (
            *("consultant_name", "consultant_id", "cra_id", "risk", "due_date", "days_left"),
            *("manager_email", "blocked_amount", "currency"),
        ),
        f"period = {quoted(period)}",
        "blocked_amount DESC NULLS LAST, days_left, consultant_id",
        {"blocked_amount": "sum(blocked_amount)"},
        {"alerts": "count(*)"},
    )


def deadlines(period: str) -> Question:
    """Contracts of which days are not billed, by their billing deadline."""
    table = (
        "(SELECT l.period, k.billing_deadline, l.client_name, k.reference AS contract_reference,"
        " sum(l.unbilled_days)::DECIMAL(9,4) AS unbilled_days,"
        " sum(l.waiting_amount)::DECIMAL(18,4) AS waiting_amount,"
        " sum(l.held_amount)::DECIMAL(18,4) AS held_amount, l.currency"
        f" FROM {CLIENTS} l JOIN core.contracts k ON k.id = l.contract_id"
        " WHERE l.unbilled_days > 0 GROUP BY ALL)"
    )
    return Question(
        "deadlines",
        table,
        (
            *("billing_deadline", "client_name", "contract_reference", "unbilled_days"),
            *("waiting_amount", "held_amount", "currency"),
        ),
        f"period = {quoted(period)} AND billing_deadline IS NOT NULL",
        "billing_deadline, held_amount DESC NULLS LAST, contract_reference",
        {"waiting_amount": "sum(waiting_amount)", "held_amount": "sum(held_amount)"},
        {"unbilled_days": "sum(unbilled_days)"},
    )


def written(period: str) -> Question:
    """What was written to the vendors and told to people about the month, or is to be."""
    month = quoted(period)
    bills = f"SELECT 'bill/' || bill_id FROM {SUPPLIERS} WHERE period = {month}"
    table = f"(SELECT *, {_OUT} AS amount, payload->>'$.currency' AS currency FROM ops.outbox)"
    return Question(
        "written",
        table,
        ("kind", "target", "state", "settled_at", "vendor_id", "amount", "currency", "last_error"),
        f"(split_part(subject_id, '/', 2) = {month} OR subject_id IN ({bills})"
        f" OR starts_with(subject_id, 'mail/RAP-' || {month} || '-'))",
        "kind, state, target",
        {"amount": "sum(amount)"},
        {
            "done": "count(*) FILTER (state = 'done')",
            "awaiting": "count(*) FILTER (state = 'awaiting_approval')",
            "planned": "count(*) FILTER (state IN ('planned', 'approved', 'sending'))",
            "unsettled": "count(*) FILTER (state IN ('unknown', 'refused'))",
        },
    )


def unchecked(period: str) -> list[Question]:
    """What the figures of the month leave out."""
    month = quoted(period)
    count = {"lines": "count(*)"}
    return [
        Question(
            "unchecked_clients",
            CLIENTS,
            (*_CLIENT_COLUMNS, "declared_days", "cra_days", "explanation", "currency"),
            f"period = {month} AND outcome = 'not_checked'",
            _CLIENT_ORDER,
            counts=count,
        ),
        Question(
            "unchecked_suppliers",
            SUPPLIERS,
            (*_LINE_COLUMNS, "invoiced", "currency", "explanation"),
            f"period = {month} AND status = 'not_checked'",
            _LINE_ORDER,
            counts=count,
        ),
        Question(
            "quarantine",
            "ops.quarantine",
            ("source", "stream", "id", "column_name", "check_name", "message", "first_seen_at"),
            "resolved_at IS NULL",
            "source, stream, id, column_name",
            counts={"lines": "count(DISTINCT (source, stream, id))"},
        ),
        Question(
            "incomplete",
            "ops.sync_state",
            ("source", "stream", '"rows"', "last_synced_at", "last_full_crawl_at"),
            "(NOT complete OR last_synced_at IS NULL OR last_synced_at <"
            " (SELECT max(started_at) FROM ops.runs WHERE flow = 'nightly'))",
            "source, stream",
            counts=count,
        ),
    ]
