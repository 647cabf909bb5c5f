"""The interface that analysts rely on, written down from warehouse.md."""

from pathlib import Path

import polars as pl
import pytest

from checks import contracts, results
from store.warehouse import Places, Warehouse

MIGRATIONS = Path(__file__).parents[2] / "store" / "migrations"
SCRIPTS = Path(__file__).parents[2] / "store" / "migrations"
RAW = "id payload content_hash vendor_updated_at first_seen_at last_seen_at deleted_at run_id"
STREAMS = {
    "boond": "consultants clients contracts cras client_invoices suppliers purchase_orders"
    " supplier_invoices",
    "bill": "invoices vendors payments",
    "declarations": "files",
}
CORE = (
    "consultants clients contracts contract_rates cras cra_days suppliers purchase_orders"
    " purchase_order_lines client_invoices client_invoice_lines supplier_invoices"
    " supplier_invoice_lines vendors bills bill_lines payments declarations declaration_lines"
    " party_links person_links"
)
TABLES = {
    "core.history": "table_name id version valid_from valid_to content",
    "core.declarations": "id file_name file_time sent_at format status sender subject"
    " sender_problem deleted_at",
    "core.declaration_lines": "declaration_id line_no client consultant contract label period days"
    " amount currency sent_at confidence doubt line_text problem problem_code",
    "recon.cra_matches": "break_id period client_id client_name contract_id consultant_id"
    " consultant_name declared_name declared_days cra_days difference_days daily_rate currency"
    " difference_amount outcome severity explanation cra_ids declaration_id holds action run_id"
    " decided_at",
    "recon.po_matches": "break_id bill_id bill_line invoice_number vendor_id supplier_id po_id"
    " po_line consultant_id period ordered_qty already_matched_qty received_qty"
    " already_consumed_qty invoiced_qty matchable_qty po_price invoiced_price proven_amount"
    " accepted_amount invoiced_amount currency status holds explanation action run_id decided_at",
    "recon.holds": "break_id subject subject_id code severity expected actual tolerance"
    " amount_at_stake currency detail run_id",
    "recon.breaks": "break_id kind code subject_id period owner amount_at_stake currency status"
    " first_seen_at last_seen_at closed_at closing_fact times_seen",
    "recon.decisions": "decision_id subject subject_id outcome inputs policy decided_by supersedes"
    " decided_at",
    "recon.receipt_consumption": "",
    "recon.billing_ledger": "reference contract_id consultant_id period days amount currency"
    " invoice_id billed_at",
    "recon.invoice_proposals": "reference client_id contract_id period total_excl_tax total_tax"
    " total_incl_tax currency lines status",
    "recon.billing_deadlines": "contract_id client_id contract_reference billing_deadline days_left"
    " pending_cras unpriced_cras blocked_amount currency run_id",
    "recon.activity_alerts": "period consultant_id cra_id due_date days_left risk manager_email"
    " blocked_amount currency run_id",
    "recon.drafts": "bill_id supplier_id kind to_email language subject text html amount currency"
    " run_id",
    "recon.v_month_summary": "period side outcome rows days amount currency",
    "recon.v_open_breaks": "break_id kind code who period age_days owner amount_at_stake currency"
    " explanation",
    "recon.v_unbilled_days": "period client_name contract_id consultant_name days amount why",
    "recon.v_client_lines": "break_id period client_id client_name contract_id consultant_id"
    " consultant_name declared_days cra_days billed_days billed_amount invoice_references"
    " unbilled_days unbilled_amount waiting_days waiting_amount held_days held_amount"
    " disputed_amount currency outcome holds matched_alone explanation action",
    "recon.v_supplier_lines": "break_id period bill_id bill_line invoice_number invoice_date"
    " supplier_id supplier_name consultant_id consultant_name invoiced_qty invoiced accepted held"
    " waiting to_claim flagged paid currency status holds matched_alone explanation action",
    "recon.v_supplier_exposure": "supplier_name invoiced accepted held waiting to_claim currency",
    "recon.v_auto_match_rate": "period side rows matched rate",
    "ops.runs": "run_id flow parameters started_at ended_at state rows_read rows_changed requests"
    " retries rate_limited quarantined commands_planned commands_done",
    "ops.sync_state": "source stream cursor last_full_crawl_at last_synced_at rows complete",
    "ops.outbox": "command_id kind target natural_key subject_id payload depends_on state attempts"
    " vendor_id last_error planned_at sent_at settled_at run_id",
    "ops.api_calls": "called_at run_id actor source method path status duration_ms attempt bytes"
    " cached",
    "ops.quarantine": "source stream id payload column_name check_name message first_seen_at run_id"
    " resolved_at",
    "ops.approvals": "command_id break_id decision amount decided_by os_user host reason"
    " decided_at",
}
INSTANTS = {"ops.sync_state.cursor", "core.history.valid_from", "core.history.valid_to"}
MONEY = (
    *("amount", "price", "daily_rate", "total_excl_tax", "total_tax", "total_incl_tax"),
    *("balance", "at_stake"),
)
DAYS = ["_qty", "_days", "duration", "quantity"]
# Sums of days of many people outgrow DECIMAL(9,4).
SUMMED = {"recon.v_month_summary.days"}


@pytest.fixture(scope="module")
def columns(empty_file: Path) -> dict[dict[str, dict[str, tuple[str, str | None]]]]:
    """Table → column → type and comment."""
    found: dict[str, dict[str, tuple[str, str | None]]] = {}
    with Warehouse.open(empty_file.with_name("r.duckdb")) as warehouse:
        for table, column, dtype, comment in warehouse.rows(
            "SELECT schema_name || '.' || table_name, column_name, data_type, comment"
            " FROM duckdb_columns() WHERE database_name = 'warehouse' AND NOT internal"
        ):
            found.setdefault(table, {})[column] = (dtype, comment)
    return found


Columns = dict[str, dict[str, tuple[str, str | None]]]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_columns_of_the_interface(columns: Columns, table: str) -> None:
    """Every column that warehouse.md names stands in its table."""
    assert set(TABLES[table].split()) <= set(columns[table])


def test_each_stream_keeps_what_it_was_served(columns: Columns) -> None:
    """One raw table a stream, all with the same columns, and no other raw table."""
    wanted = {f"raw.{s}_{name}" for s, names in STREAMS.items() for name in names.split()}
    raw = {table: " ".join(found) for table, found in columns.items() if table.startswith("raw.")}
    assert raw == dict.fromkeys(wanted, RAW)


def test_each_table_of_core_says_when_and_by_which_run(columns: Columns) -> None:
    """All canonical tables have updated_at and run_id."""
    for name in CORE.split():
        assert {"updated_at", "run_id"} <= set(columns[f"core.{name}"])


def test_tables_and_columns_say_what_they_are(empty_file: Path) -> None:
    """Every table, view and column has a comment."""
    with Warehouse.open(empty_file.with_name("r.duckdb")) as warehouse:
        mute = warehouse.rows(
            "SELECT table_name || '.' || column_name FROM duckdb_columns()"
            " WHERE database_name = 'warehouse' AND NOT internal AND comment IS NULL"
            " UNION ALL SELECT table_name FROM duckdb_tables() WHERE comment IS NULL"
            " AND database_name = 'warehouse' UNION ALL SELECT view_name FROM duckdb_views()"
            " WHERE NOT internal AND comment IS NULL AND database_name = 'warehouse'"
        )
    assert mute == []


def test_money_days_instants_and_months_have_one_type_each(columns: Columns) -> None:
    """Money is DECIMAL(18,4), days DECIMAL(9,4), instants TIMESTAMPTZ, months VARCHAR."""
    wrong = {
        f"{table}.{name}": dtype
        for table, found in columns.items()
        for name, (dtype, _) in found.items()
        if (wanted := _type_of(table, name)) and dtype != wanted
    }
    assert wrong == {}


def _type_of(table: str, name: str) -> str | None:
    column = f"{table}.{name}"
    if name.endswith("_at") or column in INSTANTS:
        return "TIMESTAMP WITH TIME ZONE"
    if name == "period":
        return "VARCHAR"
    if name == "days" or (name.endswith(tuple(DAYS)) and name != "age_days"):
        return "DECIMAL(18,4)" if column in SUMMED else "DECIMAL(9,4)"
    return "DECIMAL(18,4)" if name.endswith(MONEY) else None


def test_no_amount_or_count_of_days_is_a_float(columns: Columns) -> None:
    """Floats measure milliseconds and nothing else."""
    floats = {
        f"{table}.{name}"
        for table, found in columns.items()
        for name, (dtype, _) in found.items()
        if dtype in {"DOUBLE", "FLOAT"}
    }
    assert floats == {"ops.api_calls.duration_ms"}


@pytest.mark.parametrize("table", contracts.CORE)
def test_a_contract_and_its_table_agree(warehouse: Warehouse, table: str) -> None:
    """What a contract lets pass has the columns and types of its table in core."""
    stored = dict(warehouse.table(f"core.{table}").schema)
    engine = {"run_id", "deleted_at"}
    assert contracts.dtypes(table) == {n: t for n, t in stored.items() if n not in engine}


@pytest.mark.parametrize(
    "contract",
    [
        results.CRA_MATCHES,
        results.PO_MATCHES,
        results.HOLDS,
        results.RECEIPT_CONSUMPTION,
        results.INVOICE_PROPOSALS,
        results.BILLING_LEDGER,
        results.ACTIVITY_ALERTS,
        results.BILLING_DEADLINES,
        results.DRAFTS,
    ],
    ids=lambda c: c.name,
)
def test_a_result_and_its_table_agree(warehouse: Warehouse, contract: object) -> None:
    """What a transform hands over has the columns and types of its table in recon."""
    stored = dict(warehouse.table(f"recon.{contract.name}").schema)  # type: ignore[attr-defined]
    said = {n: c.dtype.type for n, c in contract.columns.items()}  # type: ignore[attr-defined]
    assert said == {n: t for n, t in stored.items() if n in said}
    assert set(stored) - set(said) <= {"run_id", "decided_at"}


def test_migrations_run_once(published: Path) -> None:
    """A file that is opened again keeps its rows and its list of migrations."""
    with Warehouse.open(published) as warehouse:
        warehouse.insert("ops.migrations", pl.DataFrame({"name": ["9999_of_tomorrow.sql"]}))
        before = warehouse.rows("FROM ops.migrations ORDER BY 1")
    with Warehouse.open(published) as warehouse:
        assert warehouse.rows("FROM ops.migrations ORDER BY 1") == before
    assert len(before) == 1 + sum(s.suffix == ".sql" for s in MIGRATIONS.iterdir())


def test_a_migration_that_fails_leaves_nothing_of_itself(
    published: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Half of a migration is never kept, and the file opens again once it is mended."""
    scripts = tmp_path / "store"
    (scripts / "migrations").mkdir(parents=True)
    broken = scripts / "migrations" / "0009_new.sql"
    broken.write_text("CREATE TABLE ops.fresh (x INT); SELECT no_such_function();")
    monkeypatch.setattr("store.warehouse.files", lambda _: scripts)
    with pytest.raises(Exception, match="no_such_function"):
        Warehouse.open(published)
    broken.write_text("CREATE TABLE ops.fresh (x INT);")
    with Warehouse.open(published) as warehouse:
        assert warehouse.columns("ops.fresh") == ["x"]
        assert ("0009_new.sql",) in warehouse.rows("FROM ops.migrations")
    assert Places(published).working.exists()
