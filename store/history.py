"""Versions of what no stream stages, and marks of what is gone, in `core.history`.

A deletion is a version of its own: the last content with `_deleted_at` in it. So whoever asks
what a record was on some day finds it, and whoever asks when it went finds that too.
"""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from store.warehouse import Warehouse

GONE = "_deleted_at"
"""Key of the content that says since when the record is gone."""

PERSON_LINKS = """
    SELECT coalesce(client_id, '') || '|' || declared_name AS id, to_json(struct_pack(
        client_id, declared_name, consultant_id, method, decided_by, os_user, host, reason))
    FROM core.person_links QUALIFY row_number() OVER (PARTITION BY id
        ORDER BY decided_by = 'rapproche', score DESC, consultant_id) = 1
"""
PARTY_LINKS = """
    SELECT vendor_id AS id, to_json(struct_pack(
        vendor_id, supplier_id, method, decided_by, os_user, host, reason))
    FROM core.party_links QUALIFY row_number() OVER (PARTITION BY vendor_id
        ORDER BY decided_by = 'rapproche', score DESC, supplier_id) = 1
"""
DECLARATIONS = """
    SELECT id, to_json(struct_pack(file_name, format, status, sender, subject))
    FROM core.declarations WHERE deleted_at IS NULL
"""


def follow(warehouse: Warehouse, table: str, current: str, now: datetime) -> None:
    """Keeps a version of each record that is new, different or gone since the last look.

    Args:
        warehouse: the open working file, inside the transaction of the change.
        table: table of core that holds the records.
        current: SQL of what stands now: id, and content as JSON.
        now: when.
    """
    changed = warehouse.frame(
        f"WITH standing(id, content) AS ({current}),"
        " last AS (SELECT id, content FROM core.history WHERE table_name = ? AND valid_to IS NULL)"
        " SELECT id, s.content::VARCHAR AS content FROM standing s LEFT JOIN last l USING (id)"
        " WHERE l.content IS DISTINCT FROM s.content"
        f" UNION ALL SELECT id, {_gone('l.content')} FROM last l ANTI JOIN standing s USING (id)"
        f" WHERE l.content->>'$.{GONE}' IS NULL",
        [table, now],
    )
    _keep(warehouse, table, changed, now)


def mark_gone(warehouse: Warehouse, table: str, ids: Sequence[str], now: datetime) -> None:
    """Keeps that the source has some records no more; what they were stays."""
    if not ids:
        return
    ended = warehouse.frame(
        f"SELECT id, {_gone('content')} AS content FROM core.history WHERE valid_to IS NULL"
        f" AND table_name = ? AND content->>'$.{GONE}' IS NULL"
        " AND id IN (SELECT unnest(?::VARCHAR[]))",
        [now, table, list(ids)],
    )
    _keep(warehouse, table, ended, now)


def _gone(content: str) -> str:
    return f"json_merge_patch({content}, json_object('{GONE}', ?::TIMESTAMPTZ))::VARCHAR"


def _keep(warehouse: Warehouse, table: str, versions: pl.DataFrame, now: datetime) -> None:
    """Closes the versions that these replace, and appends them."""
    if versions.is_empty():
        return
    warehouse.connection.register("followed", versions)
    warehouse.execute(
        "UPDATE core.history SET valid_to = ? WHERE table_name = ? AND valid_to IS NULL"
        " AND id IN (SELECT id FROM followed)",
        [now, table],
    )
    warehouse.execute(
        "INSERT INTO core.history SELECT ?, f.id, 1 + coalesce((SELECT max(h.version)"
        " FROM core.history h WHERE h.table_name = ? AND h.id = f.id), 0), ?, NULL, f.content"
        " FROM followed f",
        [table, table, now],
    )
    warehouse.connection.unregister("followed")
