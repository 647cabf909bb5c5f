"""What we wrote, and on which figures: what later changes are held against."""

import polars as pl

from store.warehouse import Warehouse


def validated_days(warehouse: Warehouse) -> pl.DataFrame:
    """The CRA days with which the CRAs of each row were last validated: `break_id`, `cra_days`."""
    return warehouse.frame(
        "SELECT d.subject_id AS break_id,"
        " arg_max((d.inputs->>'$.cra_days')::DECIMAL(9,4), (o.sent_at, d.decided_at)) AS cra_days"
        " FROM ops.outbox o JOIN recon.decisions d ON d.decided_at <= o.sent_at"
        " AND d.subject = 'cra' AND d.decided_by = 'rapproche'"
        " AND list_contains((d.inputs->'$.cra_ids')::VARCHAR[], o.target)"
        " WHERE o.kind = 'boond.cra.validate' AND o.state = 'done' GROUP BY d.subject_id"
    )


def registered_amounts(warehouse: Warehouse) -> pl.DataFrame:
    """The amount that we registered of each bill: `bill_id`, `amount`."""
    return warehouse.frame(
        "SELECT substr(subject_id, length('bill/') + 1) AS bill_id,"
        " arg_max((payload->>'$.total_excl_tax')::DECIMAL(18,4), sent_at) AS amount"
        " FROM ops.outbox WHERE kind = 'boond.supplier_invoice.register' AND state = 'done'"
        " GROUP BY subject_id"
    )


def invoiced_totals(warehouse: Warehouse) -> pl.DataFrame:
    """The client invoices that we made: `reference`, `invoice_id`, `total_excl_tax`, `currency`."""
    return warehouse.frame(
        "SELECT target AS reference, vendor_id AS invoice_id,"
        " (payload->>'$.total_excl_tax')::DECIMAL(18,4) AS total_excl_tax,"
        " payload->>'$.currency' AS currency"
        " FROM ops.outbox WHERE kind = 'boond.invoice.create' AND state = 'done'"
    )


def accepted_lines(warehouse: Warehouse) -> pl.DataFrame:
    """Rows of recon.po_matches of bills that were registered or flagged, as decided then."""
    return warehouse.frame(
        "SELECT m.* FROM recon.po_matches m SEMI JOIN ("
        " SELECT substr(subject_id, length('bill/') + 1) AS bill_id FROM ops.outbox"
        " WHERE kind IN ('boond.supplier_invoice.register', 'boond.supplier_invoice.flag')"
        " AND state = 'done') o USING (bill_id)"
    )
