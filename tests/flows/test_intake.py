"""Mails, workbooks and other files in the folder of declarations, over a whole night."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.flows.conftest import later
from tests.flows.house import House

pytestmark = pytest.mark.nights


@pytest.fixture(scope="module")
def night(dry_night: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The default world after a night that writes back."""
    house = later(House(tmp_path_factory.mktemp("intake"), template=dry_night))
    house.nightly(apply=True)
    return house


def test_the_months_of_mail_and_workbook_are_billed_to_the_cent(night: House) -> None:
    """Each expected invoice of those clients is in BoondManager with its total."""
    vendors = night.vendors
    sent = {*vendors.mail_clients, "301"}
    wanted = {
        i.reference: i.total_excl_tax for i in vendors.expected_invoices if i.client_id in sent
    }
    assert any(i.by_mail for i in vendors.expected_invoices)
    assert len(wanted) > 1
    found = {i.reference: i.net for i in vendors.client_invoices.values()}
    assert {reference: found.get(reference) for reference in wanted} == wanted


def test_every_way_of_sending_is_read(night: House) -> None:
    """All files of the folder are declarations, none of them unreadable."""
    forms = night.rows("SELECT format, count(*) FROM core.declarations GROUP BY 1 ORDER BY 1")
    assert dict(forms) == {"csv": 7, "mail": 3, "xlsx": 1}
    assert night.one("SELECT count(*) FROM core.declarations WHERE status <> 'read'") == 0


def test_the_forged_mail_is_one_hold_and_changes_nothing(night: House) -> None:
    """Its 31 days stand in no row, and no row comes from it."""
    forged = night.one("SELECT id FROM core.declarations WHERE file_name LIKE '%inconnu.eml'")
    [held] = night.rows(
        "SELECT subject_id, code, detail FROM recon.holds WHERE code LIKE 'SENDER%'"
    )
    assert held[:2] == (forged, "SENDER_UNKNOWN")
    assert "compta.urgent@gmail.com" in held[2]
    rows = night.rows("SELECT 1 FROM recon.cra_matches WHERE declaration_id = ?", forged)
    assert rows == []
    assert night.one("SELECT max(declared_days) FROM recon.cra_matches") < Decimal(31)


@pytest.fixture
def folder(planned: House) -> tuple[House, Path]:
    """A small clean house after its first night, and its folder of declarations."""
    return planned, planned.settings.DECLARATIONS_DIR


def _broken(house: House) -> list[tuple[str, str]]:
    return house.rows("SELECT code, status FROM recon.breaks WHERE kind = 'declaration'")


def test_a_file_of_another_form_is_named_once(folder: tuple[House, Path]) -> None:
    """The first night that meets it says so, the break stays until the file is gone."""
    house, lying = folder
    (lying / "notes.docx").write_bytes(b"x")
    first = house.nightly()
    assert "notes.docx" in " ".join(first.reasons)
    assert "notes.docx" not in " ".join(house.nightly().reasons)
    assert _broken(house) == [("DECLARATION_UNREADABLE", "open")]
    (lying / "notes.docx").unlink()
    house.nightly()
    assert _broken(house) == [("DECLARATION_UNREADABLE", "closed")]


def test_a_file_that_is_gone_keeps_what_it_declared(folder: tuple[House, Path]) -> None:
    """People tidy folders; a file that comes back is not read again."""
    house, lying = folder
    rows = "SELECT break_id, outcome FROM recon.cra_matches ORDER BY 1"
    before = house.rows(rows)
    [file] = lying.glob("*.csv")
    kept = file.rename(lying.parent / file.name)
    house.nightly()
    assert house.rows(rows) == before
    assert house.one("SELECT count(deleted_at) FROM core.declarations") == 1
    kept.rename(file)
    house.nightly()
    assert house.one("SELECT count(deleted_at) FROM core.declarations") == 0
    assert house.one("SELECT count(*) FROM core.declarations") == 1


def test_a_file_that_is_too_large_is_a_break(folder: tuple[House, Path]) -> None:
    """It is known by its beginning, and its content is not kept."""
    house, lying = folder
    with (lying / "huge.xlsx").open("wb") as huge:
        huge.truncate(11 * 1024 * 1024)
    assert "huge.xlsx could not be read: larger than 10 MB" in house.nightly().reasons[0]
    assert _broken(house) == [("DECLARATION_UNREADABLE", "open")]
    assert house.one("SELECT max(length(payload)) FROM raw.declarations_files") < 10_000
