"""Drafts to suppliers as they lie beside the warehouse."""

import asyncio
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from flows.engine import drafting
from store.warehouse import Warehouse
from transforms.messages.drafts import DRAFTS

pytestmark = pytest.mark.nights


class _Shown:
    """A driver that keeps what it is to show."""

    def __init__(self) -> None:
        self.markdown = ""

    async def show(self, key: str, title: str, markdown: str) -> None:
        """Keeps the text."""
        assert (key, title) == ("drafts", "Drafts to suppliers")
        self.markdown = markdown


def draft(bill_id: str, **more: Any) -> dict[str, Any]:
    """A draft as it is stored."""
    words = {"subject": f"Facture {bill_id}", "text": "Bonjour\n", "html": "<p>Bonjour</p>\n"}
    about = {"supplier_id": "S1", "kind": "wait", "to_email": "a@b.fr", "language": "fr"}
    return {"bill_id": bill_id, "amount": 5400, "currency": "EUR"} | words | about | more


@pytest.fixture
def warehouse(tmp_path: Path) -> Any:
    """An empty warehouse."""
    with Warehouse.open(tmp_path / "rapproche.duckdb") as opened:
        yield opened


def left(warehouse: Warehouse, folder: Path, *drafts: dict[str, Any]) -> str:
    """What a run shows once it has left these drafts."""
    warehouse.replace("recon.drafts", pl.DataFrame(list(drafts), schema=DRAFTS), "true", run_id="r")
    settings = SimpleNamespace(
        MAIL_FROM=None, RAPPROCHE_LANG="en", WAREHOUSE_PATH=folder / "rapproche.duckdb"
    )
    shown = _Shown()
    run: Any = SimpleNamespace(warehouse=warehouse, settings=settings, driver=shown)
    asyncio.run(drafting.leave(run))
    return shown.markdown


def test_a_draft_is_a_mail_to_be_sent(warehouse: Warehouse, tmp_path: Path) -> None:
    """A mail program opens it with its receiver, both forms of its text, and as not yet sent."""
    left(warehouse, tmp_path, draft("B1"))
    file = tmp_path / "drafts" / "B1.eml"
    mail = message_from_bytes(file.read_bytes(), policy=default)
    assert (mail["X-Unsent"], mail["To"], mail["Subject"]) == ("1", "a@b.fr", "Facture B1")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_draft_goes_with_its_reason(warehouse: Warehouse, tmp_path: Path) -> None:
    """What is proven in the meantime leaves no file behind."""
    left(warehouse, tmp_path, draft("B1"), draft("B2"))
    left(warehouse, tmp_path, draft("B2"))
    assert [file.name for file in (tmp_path / "drafts").iterdir()] == ["B2.eml"]


def test_the_name_of_a_bill_is_no_path(warehouse: Warehouse, tmp_path: Path) -> None:
    """An id of a vendor cannot put a file elsewhere."""
    left(warehouse, tmp_path, draft("../../B1"))
    assert [file.name for file in (tmp_path / "drafts").iterdir()] == ["..%2F..%2FB1.eml"]


def test_people_see_what_is_to_be_written(warehouse: Warehouse, tmp_path: Path) -> None:
    """The table names receiver, subject, amount and file; without drafts it says so."""
    assert "B1.eml" in left(warehouse, tmp_path, draft("B1", to_email=None))
    assert "No letter is to be written." in left(warehouse, tmp_path)
