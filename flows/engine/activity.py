"""What monitoring shows to people: who owes a CRA, and the billing dates that wait for it."""

from flows.engine.report import Table
from store.warehouse import Warehouse


def alerts(warehouse: Warehouse) -> Table:
    """CRAs that are owed, the most pressing first."""
    rows = warehouse.frame(
        "SELECT a.risk, a.days_left, a.due_date, a.period,"
        " coalesce(c.first_name || ' ' || c.last_name, a.consultant_id) AS consultant,"
        " a.cra_id, coalesce(a.cra_status, 'not begun') AS cra, a.blocked_amount, a.currency,"
        " a.manager_email FROM recon.activity_alerts a"
        " LEFT JOIN core.consultants c ON c.id = a.consultant_id"
        " ORDER BY a.days_left, a.blocked_amount DESC NULLS LAST, consultant, a.cra_id"
    )
    return Table("activity-alerts", "CRAs owed", rows, "Nobody owes a CRA.")


def deadlines(warehouse: Warehouse) -> Table:
    """Billing dates to come, the most euros kept back first."""
    rows = warehouse.frame(
        "SELECT CASE WHEN d.pending_cras > 0 THEN d.blocked_amount END AS blocked,"
        " CASE WHEN d.pending_cras > 0 THEN d.currency END AS currency,"
        " d.billing_deadline, d.days_left,"
        " coalesce(c.name, d.client_id) AS client, d.contract_reference AS contract,"
        " d.pending_cras, d.unpriced_cras FROM recon.billing_deadlines d"
        " LEFT JOIN core.clients c ON c.id = d.client_id"
        " ORDER BY blocked DESC NULLS LAST, d.billing_deadline, d.contract_id"
    )
    return Table(
        "billing-deadlines",
        "Billing dates to come",
        rows,
        "No billing date is to come.",
        ("blocked",),
    )
