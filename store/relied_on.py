"""What we wrote, and on which figures: what later changes are held against."""

import polars as pl

from store.warehouse import Warehouse


def validated_days(warehouse: Warehouse) -> pl.DataFrame:
    """The CRA days with which the CRAs of each row were last validated: `break_id`, `cra_days`.

    A decision is of a command that names the version of the CRA that it was made on: by instants
    alone, a clock that was set back would put a later one before the command.
    """
    return warehouse.frame(
        "SELECT d.subject_id AS break_id, arg_max((d.inputs->>'$.cra_days')::DECIMAL(9,4),"
        " (d.version, d.decided_at <= o.sent_at, d.kept)) AS cra_days"
        " FROM ops.outbox o JOIN (SELECT *, cra->>'$.cra_id' AS cra_id,"
        " TRY_CAST(cra->>'$.updated_at' AS TIMESTAMPTZ) AS version FROM (SELECT *, rowid AS kept,"
        " unnest((inputs->'$.cras')::JSON[]) AS cra FROM recon.decisions"
        " WHERE subject = 'cra' AND decided_by = 'rapproche')) d ON d.cra_id = o.target"
        " AND d.version = TRY_CAST(split_part(o.natural_key, '|', 3) AS TIMESTAMPTZ)"
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
