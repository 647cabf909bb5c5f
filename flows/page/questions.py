"""What the page asks the warehouse about one month (warehouse.md, views for people)."""

from flows.page import invoices
from flows.page.annexes import Question, quoted

CLIENTS, SUPPLIERS = "recon.v_client_lines", "recon.v_supplier_lines"
BREAKS = "recon.v_open_breaks"
VIEWS = (CLIENTS, SUPPLIERS, BREAKS)
AGES = (7, 30, 60)
"""Ends of the classes of age, in days."""

BRIDGE = ("clients", "suppliers", "uncontested", "elsewhere", "at_stake")
"""From what is held to what is at stake."""

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
        invoices.billed(period),
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
            also=("accepted", "waiting", "held"),
        ),
        _suppliers(period, "accepted", "accepted <> 0", ("status",)),
        _suppliers(period, "flagged", "(flagged <> 0 OR paid <> 0)", ("paid",), also=("paid",)),
        _suppliers(period, "not_accepted", "held + waiting <> 0", ("status", "explanation")),
        _to_claim(),
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


def _to_claim() -> Question:
    """What is to be claimed back, of whichever month: money that is owed to us has no month."""
    return Question(
        "to_claim",
        SUPPLIERS,
        ("period", *_LINE_COLUMNS, "explanation", "to_claim", "currency"),
        "to_claim <> 0",
        f"to_claim DESC, {_LINE_ORDER}",
        {"to_claim": "sum(to_claim)"},
        {"lines": "count(*)"},
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
            for name in ("invoiced", "accepted", "waiting", "held", "flagged", "paid")
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
        {
            "breaks": "count(*)",
            "unpriced": "count(*) FILTER (amount_at_stake IS NULL)",
            "counted_elsewhere": "count(*) FILTER (amount_at_stake = 0)",
        },
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
        {"breaks": "count(*)", "all_breaks": f"(SELECT count(*) FROM {BREAKS})"},
    )


def bridge(period: str) -> Question:
    """From what is held of the month to what those breaks have at stake, a row a line or break.

    clients + suppliers - uncontested + elsewhere = at_stake, in each currency.
    """
    month = quoted(period)
    table = (
        "(SELECT coalesce(l.break_id, b.break_id) AS break_id, coalesce(b.who, l.who) AS who,"
        " l.clients, l.suppliers, CASE WHEN l.break_id IS NOT NULL THEN coalesce(l.clients, 0)"
        " + coalesce(l.suppliers, 0) - coalesce(b.at_stake, 0) END AS uncontested,"
        " CASE WHEN l.break_id IS NULL THEN b.at_stake END AS elsewhere, b.at_stake, b.code,"
        " coalesce(l.currency, b.currency) AS currency FROM"
        " (SELECT break_id, consultant_name AS who, held_amount AS clients,"
        f" NULL::DECIMAL(18,4) AS suppliers, currency FROM {CLIENTS} WHERE period = {month}"
        " UNION ALL SELECT break_id, supplier_name, NULL, held + waiting, currency"
        f" FROM {SUPPLIERS} WHERE period = {month}) l"
        f" FULL JOIN (SELECT *, amount_at_stake AS at_stake FROM {BREAKS}"
        f" WHERE period <= {month} OR period IS NULL) b ON b.break_id = l.break_id)"
    )
    return Question(
        "bridge",
        table,
        ("break_id", "who", "code", *BRIDGE, "currency"),
        "(clients <> 0 OR suppliers <> 0 OR at_stake <> 0)",
        "at_stake DESC NULLS LAST, break_id",
        {name: f"coalesce(sum({name}), 0)::DECIMAL(18,4)" for name in BRIDGE},
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


def alerts(period: str) -> Question:
    """CRAs of the month that are still owed."""
    table = (
        "(SELECT a.*, c.first_name || ' ' || c.last_name AS consultant_name,"
        # a consultant's lines are held once, however many CRAs are owed for them
        " CASE WHEN row_number() OVER (mine ORDER BY a.cra_id) = 1"
        " THEN least(sum(a.blocked_amount) OVER mine, l.held)::DECIMAL(18,4) END AS held_amount"
        " FROM recon.activity_alerts a LEFT JOIN core.consultants c ON c.id = a.consultant_id"
        " LEFT JOIN (SELECT period, consultant_id, currency, sum(held_amount) AS held"
        f" FROM {CLIENTS} GROUP BY ALL) l ON l.consultant_id = a.consultant_id"
        " AND l.period = a.period AND l.currency = a.currency"
        " WINDOW mine AS (PARTITION BY a.period, a.consultant_id, a.currency))"
    )
    return Question(
        "alerts",
        table,
        (
            *("consultant_name", "consultant_id", "cra_id", "risk", "due_date", "days_left"),
            *("blocked_amount", "held_amount", "currency"),
        ),
        f"period = {quoted(period)}",
        "blocked_amount DESC NULLS LAST, days_left, consultant_id",
        {"blocked_amount": "sum(blocked_amount)", "held_amount": "sum(held_amount)"},
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
