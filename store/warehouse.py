"""The working file: opened by one run at a time, migrated, read and written in transactions.

DuckDB lets one process hold a file, readers included. So a run works on a file of its own
beside the published one (`store.publishing`), and holds the run lock (`store.lock`) meanwhile.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import polars as pl

from store.files import PRIVATE, StoreError, advice, copy_private, of_the_disk, replacing

__all__ = ["PRIVATE", "Places", "StoreError", "Warehouse"]

STORAGE_VERSION = "v1.4.0"
"""What today's DuckDB command line and most BI tools read (warehouse.md)."""

BLOCK_SIZE = 16_384


@dataclass(frozen=True)
class Places:
    """Where the files of one warehouse lie, all beside the published one."""

    published: Path

    @property
    def directory(self) -> Path:
        """The folder of all files."""
        return self.published.parent

    @property
    def working(self) -> Path:
        """The file that runs write."""
        return self.published.with_suffix(".work.duckdb")

    @property
    def lock(self) -> Path:
        """The run lock."""
        return self.published.with_suffix(".lock")

    @property
    def journal(self) -> Path:
        """Calls of a run that do not stand in the working file yet (`store.journal`)."""
        return self.published.with_suffix(".calls.jsonl")

    @property
    def spill(self) -> Path:
        """Where DuckDB puts what does not fit into memory."""
        return self.published.with_suffix(".spill")


class Warehouse:
    """The working file, open for one run."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, places: Places) -> None:
        self.connection = connection
        self.places = places

    @classmethod
    def open(cls, published: Path, *, memory_limit: str = "320MB") -> Self:
        """Opens the working file beside `published`, making it or taking it from the published one.

        Raises:
            StoreError: the folder cannot be written, the file is damaged or open elsewhere.
        """
        places = Places(published)
        connection = duckdb.connect()
        try:
            _attach(connection, places, memory_limit)
        except (OSError, duckdb.Error) as error:
            connection.close()
            raise StoreError(advice(places.working, error)) from error
        warehouse = cls(connection, places)
        try:
            warehouse._migrate()
        except BaseException as error:
            warehouse.__exit__(type(error), error, None)
            raise
        return warehouse

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it; a disk that failed is said as what to do about it.

        Raises:
            StoreError: what ended the work lies at the disk, and not in us.
        """
        self.connection.close()
        shutil.rmtree(self.places.spill, ignore_errors=True)
        if cause := of_the_disk(error):
            raise StoreError(advice(self.places.working, cause)) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written inside, or nothing.

        DuckDB's COMMIT after a failed statement succeeds and is a rollback: so an error leaves
        through here as itself, and nothing is committed after it.
        """
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):  # what stopped the transaction is what is to be said
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        """Runs one statement and closes its result."""
        self.connection.execute(sql, parameters or None).fetchall()

    def rows(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(sql, parameters or None).fetchall()

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """The frame of a query, with exact decimals and instants in UTC."""
        # Arrow's own interface would spare importing pyarrow, but DuckDB's binding then prints, at
        # the process's end, that it has leaked.
        frame: pl.DataFrame = self.connection.sql(sql, params=list(parameters) or None).pl()
        return frame

    def table(self, name: str) -> pl.DataFrame:
        """A whole table as a frame."""
        return self.frame(f"SELECT * FROM {name}")

    def columns(self, name: str) -> list[str]:
        """The columns of a table, in order."""
        return [row[0] for row in self.rows(f"SELECT column_name FROM (DESCRIBE {name})")]

    def insert(self, table: str, frame: pl.DataFrame, **constants: Any) -> None:
        """Appends a frame to a table by column names, with constant columns beside it."""
        self._put("INSERT INTO", table, frame, constants)

    def upsert(self, table: str, frame: pl.DataFrame, **constants: Any) -> None:
        """Puts rows into a table with a primary key, over those with the same key."""
        self._put("INSERT OR REPLACE INTO", table, frame, constants)

    def replace(self, table: str, frame: pl.DataFrame, where: str, **constants: Any) -> None:
        """Puts a frame in the place of the rows that `where` selects."""
        self.execute(f"DELETE FROM {table} WHERE {where}")
        self.insert(table, frame, **constants)

    def _put(self, verb: str, table: str, frame: pl.DataFrame, constants: dict[str, Any]) -> None:
        if frame.is_empty():
            return
        added = "".join(f', ? AS "{name}"' for name in constants)
        self.connection.register("incoming", frame)
        self.execute(
            f"{verb} {table} BY NAME SELECT *{added} FROM incoming", list(constants.values())
        )
        self.connection.unregister("incoming")

    def _migrate(self) -> None:
        self.execute("CREATE SCHEMA IF NOT EXISTS ops")
        self.execute("CREATE TABLE IF NOT EXISTS ops.migrations (name VARCHAR PRIMARY KEY)")
        done = {row[0] for row in self.rows("SELECT name FROM ops.migrations")}
        for script in sorted(files("store").joinpath("migrations").iterdir(), key=lambda s: s.name):
            if script.name.endswith(".sql") and script.name not in done:
                with self.transaction():
                    self.connection.execute(script.read_text(encoding="utf-8")).fetchall()
                    self.execute("INSERT INTO ops.migrations VALUES (?)", [script.name])


def _attach(connection: duckdb.DuckDBPyConnection, places: Places, memory_limit: str) -> None:
    connection.execute(f"SET memory_limit = '{memory_limit}'")
    connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    connection.execute("SET temp_directory = ?", [str(places.spill)])
    if not places.working.exists():
        _make(connection, places)
    connection.execute(_attaching(places.working))
    connection.execute("USE warehouse")
    places.working.chmod(PRIVATE)


def _make(connection: duckdb.DuckDBPyConnection, places: Places) -> None:
    """Makes the working file, whole or not at all: from the published one where there is one."""
    places.directory.mkdir(parents=True, exist_ok=True)
    with replacing(places.working) as fresh:
        if places.published.exists():
            copy_private(places.published, fresh)
            return
        connection.execute(_attaching(fresh))
        connection.execute("DETACH warehouse")


def _attaching(file: Path) -> str:
    # Sixty small tables in blocks of 256 KB would be a file of 27 MB, copied at each publishing.
    return (
        f"ATTACH '{_quoted(file)}' AS warehouse"
        f" (STORAGE_VERSION '{STORAGE_VERSION}', BLOCK_SIZE {BLOCK_SIZE})"
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
