"""What earlier looks found, as the next look needs it."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import polars as pl

from store import history
from store.shapes import Shape, texts
from store.warehouse import Warehouse

_SETTLED = """
    WITH commands AS (
        SELECT substr(subject_id, length('bill/') + 1) AS id,
            bool_or(kind LIKE '%.flag' AND state = 'done') AS flagged,
            bool_or(kind LIKE '%.register' AND state = 'done') AS registered
        FROM ops.outbox
        WHERE state IN ('approved', 'sending', 'unknown', 'done')
            AND kind IN ('boond.supplier_invoice.register', 'boond.supplier_invoice.flag')
        GROUP BY ALL
    ), adopted AS (
        SELECT b.id, true AS flagged, true AS registered
        FROM core.bills b
        JOIN recon.po_matches m ON m.bill_id = b.id AND m.bill_line = 1 AND m.status = 'matched'
        JOIN core.supplier_invoices s ON s.supplier_id = m.supplier_id
            AND regexp_replace(upper(s.reference), '[^\\p{L}\\p{N}]', '', 'g')
                = regexp_replace(upper(b.invoice_number), '[^\\p{L}\\p{N}]', '', 'g')
            AND s.deleted_at IS NULL
            AND s.status IN ('flagged_for_payment', 'paid')
    )
    SELECT id, bool_or(flagged OR (registered AND m.status = 'matched'
        AND (b.status = 'paid' OR b.amount < 0)))
    FROM (FROM commands UNION ALL FROM adopted) x
    JOIN core.bills b USING (id)
    JOIN recon.po_matches m ON m.bill_id = id AND m.bill_line = 1
    GROUP BY id ORDER BY id
"""

_ACCEPTED_SUPPLIERS = """
    (SELECT row_number() OVER () AS seq, h.id, h.content AS payload
    FROM core.history h
    JOIN (
        SELECT split_part(target, '|', 1) AS supplier_id, max(settled_at) AS accepted_at
        FROM ops.outbox
        WHERE state = 'done'
            AND kind IN ('boond.supplier_invoice.register', 'boond.supplier_invoice.flag')
        GROUP BY ALL
    ) a ON a.supplier_id = h.id AND h.valid_from <= a.accepted_at
        AND coalesce(h.valid_to, 'infinity') > a.accepted_at
    WHERE h.table_name = 'suppliers')
"""

_MONTHS = """
    WITH looks AS (
        SELECT * FROM ops.runs
        WHERE flow IN ('nightly', 'reconcile') AND parameters->>'$.period' IS NULL
    ), last_look AS (
        -- a look that failed, or at one month alone, is not the last look at the others; nor is
        -- one of an earlier day, which saw none of the months since
        SELECT coalesce(max(started_at) FILTER (state LIKE 'completed%'
                AND (parameters->>'$.as_of')::DATE >= $2), min(started_at)) AS at,
            min((parameters->>'$.as_of')::DATE) AS first_day
        FROM looks
    ), recent AS (
        SELECT run_id FROM ops.runs, last_look WHERE started_at > last_look.at
    ), moved_cras AS (
        SELECT c.* FROM core.cras c, last_look
        WHERE run_id IN (FROM recent) OR deleted_at > last_look.at
    ), moved_invoices AS (
        SELECT i.* FROM core.client_invoices i, last_look
        WHERE run_id IN (FROM recent) OR deleted_at > last_look.at
    )
    SELECT period FROM recon.breaks WHERE status = 'open' AND kind = 'cra'
    UNION
    SELECT split_part(d.subject_id, '/', 2) FROM recon.decisions d, last_look
    WHERE d.decided_by = 'person' AND d.subject = 'cra'
        AND d.decided_at > coalesce(last_look.at, '-infinity')
    UNION
    SELECT period FROM recon.cra_matches
    WHERE outcome IN ('matched', 'not_checked') AND action <> $1
    UNION
    SELECT strftime(d.date, '%Y-%m') FROM core.cra_days d SEMI JOIN recent USING (run_id)
    UNION
    SELECT unnest([strftime(period_start_date, '%Y-%m'), strftime(period_end_date, '%Y-%m')])
    FROM moved_cras
    UNION
    SELECT period FROM core.declaration_lines SEMI JOIN recent USING (run_id)
    UNION
    -- a contact or a client added since may tell whose such a line is
    SELECT l.period FROM core.declaration_lines l JOIN recon.breaks b
        ON b.kind = 'declaration' AND b.status = 'open' AND b.subject_id = l.declaration_id
    UNION
    SELECT l.period FROM core.declaration_lines l, last_look, core.person_links p
    WHERE p.method = 'person' AND p.decided_at > last_look.at
        AND list_sort(regexp_split_to_array(strip_accents(lower(l.consultant)), '[\\s,-]+'))
            = list_sort(regexp_split_to_array(strip_accents(lower(p.declared_name)), '[\\s,-]+'))
    UNION
    SELECT l.period FROM core.declaration_lines l, last_look
    ANTI JOIN recon.cra_matches m ON m.period = l.period
    WHERE l.problem IS NULL
        AND l.period >= strftime(last_look.first_day - INTERVAL 1 MONTH, '%Y-%m')
    UNION
    SELECT strftime(issue_date - INTERVAL (n) MONTH, '%Y-%m')
    FROM moved_invoices, range(2) months(n)
    UNION
    SELECT b.period FROM recon.billing_ledger b SEMI JOIN moved_invoices i
        ON i.id = b.invoice_id OR i.reference = b.reference
    UNION
    SELECT nullif(regexp_extract(l.description, '· (\\d{4}-\\d{2}) · ', 1), '')
    FROM core.client_invoice_lines l SEMI JOIN moved_invoices i ON i.id = l.client_invoice_id
"""


def cra_versions(warehouse: Warehouse) -> dict[str, str]:
    """The version of each CRA: its `updatedAt` and content hash (write-back.md)."""
    return dict(
        warehouse.rows("SELECT id, vendor_updated_at || '|' || content_hash FROM raw.boond_cras")
    )


def months_to_look_at(warehouse: Warehouse, settled: str, as_of: date) -> list[str]:
    """Months with an open break, something left to do, or a fact that changed since the last look.

    Args:
        warehouse: the open working file.
        settled: the action of a matched row of which nothing is left to do.
        as_of: the run's date, whose month before is looked at in any case.
    """
    since = (as_of.replace(day=1) - timedelta(days=1)).replace(day=1)
    rows = warehouse.rows(_MONTHS, [settled, since])
    return [row[0] for row in rows if row[0] is not None]


def first_as_of(warehouse: Warehouse) -> date | None:
    """The day of the first run that looked at bills."""
    rows = warehouse.rows(
        "SELECT arg_min((parameters->>'$.as_of')::DATE, started_at) FROM ops.runs"
        " WHERE flow IN ('nightly', 'match')"
    )
    return rows[0][0] if rows else None


def invalidated_cras(warehouse: Warehouse) -> pl.DataFrame:
    """CRAs that we invalidated, and what they reported then: `cra_id`, `contract_id`, `cra_days`.

    The days are production days of all months, by the contract that the lines name (null: of the
    lines that name none), where those differed. They are those of the version that the command
    names: our own clock may have been set back between.
    """
    return warehouse.frame(
        "SELECT o.target AS cra_id, c.cra->>'$.part' AS contract_id,"
        " arg_max(coalesce(c.cra->>'$.part_days', c.cra->>'$.production_days')::DECIMAL(9,4),"
        " ((c.cra->>'$.updated_at')::TIMESTAMPTZ, c.decided_at <= o.sent_at, c.kept)) AS cra_days"
        " FROM ops.outbox o JOIN (SELECT decided_at, rowid AS kept,"
        " unnest((inputs->'$.cras')::JSON[]) AS cra FROM recon.decisions WHERE subject = 'cra'"
        " AND decided_by = 'rapproche' AND outcome IN ('over_reported', 'under_reported')) c"
        " ON c.cra->>'$.cra_id' = o.target"
        " AND TRY_CAST(c.cra->>'$.updated_at' AS TIMESTAMPTZ)"
        " = TRY_CAST(split_part(o.natural_key, '|', 3) AS TIMESTAMPTZ)"
        " WHERE o.kind = 'boond.cra.invalidate' AND o.state = 'done' GROUP BY ALL"
    )


def settled_bills(warehouse: Warehouse) -> dict[str, bool]:
    """Bills that were registered or flagged, and whether nothing is left to be done for them.

    One that is registered and neither flagged, nor paid, nor a credit note is looked at again. So
    is one on its way: a drain that was cut short must not let the bills that it reached go before
    those that it did not.
    """
    return dict(warehouse.rows(_SETTLED))


def suppliers_as_accepted(warehouse: Warehouse, shape: Shape) -> pl.DataFrame:
    """Suppliers as they stood when an invoice of theirs was last accepted, as texts."""
    return texts(warehouse, shape, _ACCEPTED_SUPPLIERS).records


def overrides(warehouse: Warehouse) -> pl.DataFrame:
    """The last decision of a person on each break, as the matchings take them.

    The last one kept, whatever the clock said: rows of `recon.decisions` are appended and stay.
    """
    return warehouse.frame(
        "SELECT subject_id AS break_id, outcome AS decision,"
        " (inputs->>'$.amount')::DECIMAL(18,4) AS amount, fingerprint,"
        " inputs->>'$.decided_by' AS decided_by, inputs->>'$.reason' AS reason, decided_at"
        " FROM recon.decisions WHERE decided_by = 'person' AND fingerprint IS NOT NULL"
        " QUALIFY row_number() OVER (PARTITION BY subject_id ORDER BY rowid DESC) = 1"
        " ORDER BY subject_id"
    )


def removed_files(warehouse: Warehouse) -> pl.Series:
    """Declaration files that were read once and are there no more."""
    return warehouse.frame(
        "SELECT id FROM raw.declarations_files WHERE deleted_at IS NOT NULL ORDER BY id"
    ).get_column("id")


def rows_of_bills(warehouse: Warehouse, table: str, bills: Iterable[str]) -> pl.DataFrame:
    """Rows of a recon table that belong to some bills."""
    return warehouse.frame(
        f"SELECT * FROM {table} WHERE bill_id IN (SELECT unnest(?::VARCHAR[]))", [list(bills)]
    )


def quarantined_streams(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Streams of vendors that have rows in quarantine."""
    return [
        (row[0], row[1])
        for row in warehouse.rows(
            "SELECT DISTINCT source, stream FROM ops.quarantine WHERE resolved_at IS NULL"
            " AND source <> 'declarations' ORDER BY ALL"
        )
    ]


def decided_commands(warehouse: Warehouse) -> dict[str, str]:
    """The last decision of a person on each command: approved or rejected."""
    return dict(
        warehouse.rows(
            "SELECT command_id, arg_max(decision, rowid) FROM ops.approvals"
            " WHERE command_id IS NOT NULL GROUP BY command_id"
        )
    )


def last_decisions(warehouse: Warehouse, subject: str) -> pl.DataFrame:
    """The last decision on each subject of a kind: the one that none supersedes."""
    return warehouse.frame(
        "SELECT subject_id, decision_id, fingerprint, inputs, policy, decided_at"
        " FROM recon.decisions d WHERE subject = ?"
        " AND NOT EXISTS (SELECT 1 FROM recon.decisions n WHERE n.supersedes = d.decision_id)",
        [subject],
    )


def remember_people(warehouse: Warehouse, links: pl.DataFrame, run_id: str, now: datetime) -> None:
    """Keeps the names that a look resolved; a person's decisions stay."""
    warehouse.execute("DELETE FROM core.person_links WHERE decided_by = 'rapproche'")
    _remember(warehouse, "core.person_links", links, run_id, now)
    history.follow(warehouse, "person_links", history.PERSON_LINKS, now)


def remember_parties(warehouse: Warehouse, links: pl.DataFrame, run_id: str, now: datetime) -> None:
    """Keeps the suppliers that a look found for vendors; a person's decisions stay."""
    warehouse.execute("DELETE FROM core.party_links WHERE decided_by = 'rapproche'")
    _remember(warehouse, "core.party_links", links, run_id, now)
    history.follow(warehouse, "party_links", history.PARTY_LINKS, now)


def _remember(
    warehouse: Warehouse, table: str, links: pl.DataFrame, run_id: str, now: datetime
) -> None:
    warehouse.insert(
        table, links, decided_by="rapproche", decided_at=now, updated_at=now, run_id=run_id
    )
