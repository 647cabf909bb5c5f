"""One stream on its way in: pages, then what of them is new, then one transaction.

Pages land in a temporary table as served. Values are taken out of the JSON as text, in SQL and a
batch at a time, so that memory is bounded by a batch and no Python object stands for a row. The
flows parse and check them between `batches` and `accept`.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

import polars as pl

from store.shapes import PARENT_KEY, Batch, Shape, texts
from store.warehouse import Warehouse

BATCH_RECORDS = 5_000
LONGEST_ID = 200
"""Characters of an id; a longer one fits into no path by which a record is asked for."""


class Staging:
    """The pages of one stream, from the first one to the commit."""

    def __init__(self, warehouse: Warehouse, shape: Shape, run_id: str, now: datetime) -> None:
        self.warehouse = warehouse
        self.shape = shape
        self.run_id = run_id
        self.now = now
        self.pulled = 0
        self._name = f"staged_{shape.source}_{shape.stream}"
        self._table = f"temp.{self._name}"
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE {self._name} (seq BIGINT,"
            " payload JSON, content_hash VARCHAR, id VARCHAR, vendor_updated_at TIMESTAMPTZ)"
        )

    def add(self, body: bytes, rows_path: str, *, parent: str | None = None) -> None:
        """Stages the records of one page.

        Args:
            body: JSON text of the page; numbers of over 15 digits must stand in it as strings,
                since DuckDB reads JSON numbers through binary floats.
            rows_path: where the list of records stands in it, such as `$.data`.
            parent: the record whose list this is; kept in each record under `_parent`.
        """
        record = "payload" if parent is None else "json_merge_patch(payload, ?::JSON)"
        patch = [] if parent is None else [json.dumps({PARENT_KEY: parent})]
        updated = self.shape.columns.get("updated_at", "$.updatedAt")
        inserted = self.warehouse.rows(
            f"INSERT INTO {self._table} SELECT {self.pulled} + row_number() OVER (), payload,"
            f" sha256(payload), {_usable_id(self.shape.columns['id'])},"
            " TRY_CAST(json_extract_string(payload, ?) AS TIMESTAMPTZ)"
            f" FROM (SELECT {record} AS payload FROM"
            " (SELECT unnest(json_extract(?::JSON, ?)) AS payload))",
            [updated, *patch, body.decode(), f"{rows_path}[*]"],
        )
        self.pulled += int(inserted[0][0])

    def ids(self) -> set[str]:
        """Ids of the records staged so far."""
        return {row[0] for row in self.warehouse.rows(f"SELECT DISTINCT id FROM {self._table}")}

    def told_apart(self) -> int:
        """Records staged so far, each once; those without an id by what they say."""
        counted = f"SELECT count(DISTINCT coalesce(id, content_hash)) FROM {self._table}"
        return int(self.warehouse.rows(counted)[0][0])

    def key_missing(self) -> bool:
        """Whether records came and not one of them has an id."""
        return self.pulled > 0 and self.ids() == {None}

    def without(self, path: str, version: str | None = None, *, anew: bool = False) -> list[str]:
        """Ids of staged records that lack a key and are not known in this version.

        Args:
            path: the key.
            version: JSON path of what tells versions apart; otherwise the vendor's instant does.
            anew: takes none for known.
        """
        self._leave_out_unknown_archives()
        known = "false" if anew else self._same_version(version, "s")
        return [
            row[0]
            for row in self.warehouse.rows(
                f"SELECT DISTINCT s.id FROM {self._table} s LEFT JOIN {self.shape.raw_table} r"
                f" ON r.id = s.id AND {known}"
                " WHERE r.id IS NULL AND s.id IS NOT NULL AND json_type(s.payload, ?) IS NULL"
                " ORDER BY s.id",
                [path],
            )
        ]

    def supersede(self, path: str, version: str | None = None) -> None:
        """Forgets staged records that lack a key: their details came, or stand already."""
        self.warehouse.execute(
            f"DELETE FROM {self._table} WHERE json_type(payload, ?) IS NULL AND (EXISTS"
            f" (SELECT 1 FROM {self.shape.raw_table} r WHERE r.id = {self._name}.id"
            f" AND {self._same_version(version, self._name)}) OR EXISTS"
            f" (SELECT 1 FROM {self._table} d WHERE d.id = {self._name}.id"
            f" AND d.seq > {self._name}.seq))",
            [path],
        )

    def resolve(self, *, whole: bool) -> int:
        """Keeps, of what was staged, one version a record, and only what changes something.

        Args:
            whole: a full crawl replaces whatever differs; otherwise no stored record is replaced
                by an older version of itself.

        Returns:
            Records that are new or different.
        """
        self._leave_out_unknown_archives()
        older = "" if whole else " AND s.vendor_updated_at < r.vendor_updated_at"
        as_alive = f"(r.deleted_at IS NOT NULL) = {self._archived('s')}"
        stale = f"r.content_hash = s.content_hash AND {as_alive}" + (
            f" OR (r.id IS NOT NULL{older})" if older else ""
        )
        self.warehouse.execute(
            f"UPDATE {self.shape.raw_table} SET last_seen_at = ? WHERE id IN"
            f" (SELECT id FROM {self._table})",
            [self.now],
        )
        self.warehouse.execute(
            f"DELETE FROM {self._table} WHERE seq NOT IN (SELECT arg_max(seq,"
            f" (coalesce(vendor_updated_at, '-infinity'::TIMESTAMPTZ), seq)) FROM {self._table}"
            " GROUP BY coalesce(id, content_hash))"
            f" OR seq IN (SELECT s.seq FROM {self._table} s"
            f" JOIN {self.shape.raw_table} r ON r.id = s.id WHERE {stale})"
        )
        return self._count()

    def batches(self, size: int = BATCH_RECORDS) -> Iterator[Batch]:
        """The staged records as texts, a batch at a time."""
        seqs = [r[0] for r in self.warehouse.rows(f"SELECT seq FROM {self._table} ORDER BY seq")]
        for start in range(0, len(seqs), size):
            chosen = seqs[start : start + size]
            yield texts(
                self.warehouse,
                self.shape,
                f"{self._table} WHERE seq BETWEEN {chosen[0]} AND {chosen[-1]}",
            )

    def accept(self, records: pl.DataFrame, children: Mapping[str, pl.DataFrame]) -> None:
        """Stores checked records: as served, as canonical rows, and as a version of their history.

        Args:
            records: canonical rows and `seq`.
            children: canonical rows of the child tables, by table.
        """
        warehouse, raw = self.warehouse, self.shape.raw_table
        warehouse.connection.register("accepted", records.select("seq"))
        staged = f"{self._table} s SEMI JOIN accepted a ON a.seq = s.seq"
        warehouse.execute(
            "UPDATE core.history SET valid_to = ? WHERE table_name = ? AND valid_to IS NULL"
            f" AND id IN (SELECT s.id FROM {staged})",
            [self.now, self.shape.table],
        )
        warehouse.execute(
            "INSERT INTO core.history SELECT ?, s.id, 1 + coalesce((SELECT max(h.version)"
            " FROM core.history h WHERE h.table_name = ? AND h.id = s.id), 0), ?, NULL, s.payload"
            f" FROM {staged}",
            [self.shape.table, self.shape.table, self.now],
        )
        warehouse.execute(
            f"INSERT OR REPLACE INTO {raw} BY NAME SELECT s.id, s.payload, s.content_hash,"
            " s.vendor_updated_at, coalesce("
            f"(SELECT r.first_seen_at FROM {raw} r WHERE r.id = s.id), $now) AS first_seen_at,"
            " $now AS last_seen_at, NULL AS deleted_at, $run AS run_id"
            f" FROM {staged}",
            {"now": self.now, "run": self.run_id},
        )
        warehouse.execute(
            "UPDATE ops.quarantine SET resolved_at = ? WHERE resolved_at IS NULL AND source = ?"
            f" AND stream = ? AND id IN (SELECT s.id FROM {staged})",
            [self.now, self.shape.source, self.shape.stream],
        )
        for child in self.shape.children:
            warehouse.execute(
                f"DELETE FROM core.{child.table} WHERE {self.shape.parent_key} IN"
                f" (SELECT s.id FROM {staged})"
            )
        warehouse.connection.unregister("accepted")
        # What was marked as deleted and is served again is no longer deleted.
        warehouse.upsert(
            f"core.{self.shape.table}", records.drop("seq"), run_id=self.run_id, deleted_at=None
        )
        for table, rows in children.items():
            warehouse.insert(f"core.{table}", rows, run_id=self.run_id)

    def refuse(self, findings: pl.DataFrame) -> None:
        """Quarantines the staged records that findings name, once for each reason.

        Args:
            findings: `seq`, `column_name`, `check_name`, `message`.
        """
        self.warehouse.connection.register("refused", findings)
        self.warehouse.execute(
            "INSERT INTO ops.quarantine SELECT DISTINCT ?, ?, s.id, s.payload, f.column_name,"
            f" f.check_name, f.message, ?::TIMESTAMPTZ, ?, NULL::TIMESTAMPTZ FROM {self._table} s"
            " JOIN refused f ON f.seq = s.seq"
            " ANTI JOIN ops.quarantine q ON q.resolved_at IS NULL AND q.source = ? AND q.stream = ?"
            " AND q.id IS NOT DISTINCT FROM s.id AND q.column_name = f.column_name"
            " AND q.check_name = f.check_name AND q.payload = s.payload",
            [*self._stream, self.now, self.run_id, *self._stream],
        )
        self.warehouse.connection.unregister("refused")

    def quarantined(self) -> set[str]:
        """Ids of the stream's records that wait in quarantine."""
        return {
            row[0]
            for row in self.warehouse.rows(
                f"SELECT DISTINCT id FROM {self._waiting()} WHERE id IS NOT NULL", self._stream
            )
        }

    def add_refused(self) -> None:
        """Stages what waits in quarantine, as it was served."""
        inserted = self.warehouse.rows(
            f"INSERT INTO {self._table} SELECT {self.pulled} + row_number() OVER (), payload,"
            " sha256(payload), id, NULL FROM (SELECT DISTINCT id, payload FROM"
            f" {self._waiting()})",
            self._stream,
        )
        self.pulled += int(inserted[0][0])

    def release_reverted(self) -> None:
        """Ends the quarantine of records that are served again as they are stored."""
        self.warehouse.execute(
            "UPDATE ops.quarantine SET resolved_at = ? WHERE resolved_at IS NULL AND source = ?"
            f" AND stream = ? AND id IN (SELECT r.id FROM {self.shape.raw_table} r JOIN (SELECT id,"
            " arg_max(content_hash, (coalesce(vendor_updated_at, '-infinity'::TIMESTAMPTZ), seq))"
            f" AS served FROM {self._table} GROUP BY id) s"
            " ON s.id = r.id AND s.served = r.content_hash)",
            [self.now, *self._stream],
        )

    def forget_refused(self) -> None:
        """Forgets staged records that wait in quarantine as they are: they say nothing new."""
        forgotten = self.warehouse.rows(
            f"DELETE FROM {self._table} WHERE EXISTS (SELECT 1 FROM {self._waiting()} q"
            f" WHERE q.payload = {self._name}.payload)",
            self._stream,
        )
        self.pulled -= int(forgotten[0][0])

    @property
    def _stream(self) -> list[str]:
        return [self.shape.source, self.shape.stream]

    @staticmethod
    def _waiting() -> str:
        return (
            "(SELECT id, payload FROM ops.quarantine WHERE resolved_at IS NULL AND source = ?"
            " AND stream = ?)"
        )

    def newest(self) -> datetime | None:
        """The largest `updatedAt` that is stored of the stream."""
        newest: datetime | None = self.warehouse.rows(
            f"SELECT max(vendor_updated_at) FROM {self.shape.raw_table}"
        )[0][0]
        return newest

    def older_than(self, instant: datetime) -> int:
        """Staged records that are older than what was asked for."""
        rows = self.warehouse.rows(
            f"SELECT count(*) FROM {self._table} WHERE vendor_updated_at < ?", [instant]
        )
        return int(rows[0][0])

    def unseen(self, seen: set[str], window: str | None = None) -> list[str]:
        """Ids that are stored, not known to be gone, and not among `seen`.

        Args:
            seen: ids that were served.
            window: JSON path of a date; records from before the earliest one staged do not count.
        """
        since = f"json_extract_string(payload, '{window}')"
        served = f" AND {since} >= (SELECT min({since}) FROM {self._table})" if window else ""
        stored = self.warehouse.rows(
            f"SELECT id FROM {self.shape.raw_table} WHERE deleted_at IS NULL{served} ORDER BY id"
        )
        return [row[0] for row in stored if row[0] not in seen]

    def put_away(self) -> list[str]:
        """Ids of records that were stored now and that their source has archived."""
        rows = self.warehouse.rows(
            f"SELECT r.id FROM {self._table} s JOIN {self.shape.raw_table} r ON r.id = s.id"
            f" AND r.content_hash = s.content_hash WHERE {self._archived('s')}"
            " AND r.deleted_at IS NULL ORDER BY r.id"
        )
        return [row[0] for row in rows]

    def _leave_out_unknown_archives(self) -> None:
        """Forgets what was archived before it was ever stored, also where it was refused."""
        if self.shape.archived is None:
            return
        forgotten = self.warehouse.rows(
            f"DELETE FROM {self._table} WHERE id IN (SELECT s.id FROM {self._table} s"
            f" ANTI JOIN {self.shape.raw_table} r ON r.id = s.id GROUP BY s.id"
            f" HAVING arg_max({self._archived('s')},"
            " (coalesce(s.vendor_updated_at, '-infinity'::TIMESTAMPTZ), s.seq))) RETURNING id"
        )
        self.warehouse.execute(
            "UPDATE ops.quarantine SET resolved_at = ? WHERE resolved_at IS NULL AND source = ?"
            " AND stream = ? AND id IN (SELECT unnest(?::VARCHAR[]))",
            [self.now, *self._stream, [row[0] for row in forgotten]],
        )

    def _archived(self, record: str) -> str:
        """Whether a staged or stored record says that it is archived, as SQL."""
        if self.shape.archived is None:
            return "false"
        said = f"json_extract_string({record}.payload, '{self.shape.archived}')"
        return f"coalesce({said} = 'true', false)"

    def _same_version(self, path: str | None, staged: str) -> str:
        """Whether `r`, a stored record, is in the version of a staged one, as SQL."""
        # What was gone and is listed again is read again, whatever version it is in.
        alike = f" AND (r.deleted_at IS NOT NULL) = {self._archived(staged)}"
        if path is None:
            return f"r.vendor_updated_at = {staged}.vendor_updated_at{alike}"
        said = f"json_extract_string({staged}.payload, '{path}')"
        return f"{said} <> '' AND json_extract_string(r.payload, '{path}') = {said}{alike}"

    def _count(self) -> int:
        return int(self.warehouse.rows(f"SELECT count(*) FROM {self._table}")[0][0])

    def drop(self) -> None:
        """Forgets the staged pages."""
        self.warehouse.execute(f"DROP TABLE IF EXISTS {self._table}")


def _usable_id(path: str) -> str:
    """The id of a record as SQL; null where what stands there cannot tell one from another."""
    said = f"json_extract_string(payload, '{path}')"
    return (
        f"CASE WHEN json_type(payload, '{path}') IN ('VARCHAR', 'UBIGINT', 'BIGINT') AND"
        f" length({said}) <= {LONGEST_ID} AND regexp_matches({said}, '[^\\s\\p{{Z}}]')"
        f" THEN {said} END"
    )
