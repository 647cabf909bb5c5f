"""What others wrote is data wherever it goes: SQL, HTML, Markdown, mails, terminals, tables."""

import csv
import io
import json
import re
from datetime import date
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from bs4 import BeautifulSoup
from rich.console import Console

from flows import terminal
from flows.engine import search
from flows.engine.labels import markdown
from flows.engine.report import Table, rows_as_json
from flows.settings import ConfigurationError
from store.publishing import read_published
from tests.flows.conftest import SMALL
from tests.flows.house import House
from transforms.bill_search import Search
from transforms.words.visible import visible

SQL = "'; DROP TABLE core.cras; --"
WICKED = (
    f'{SQL} "<script>alert(1)</script> [red]x[/red] {{{{ 7*7 }}}} %s {{0}} | `x` [a](javascript:b)'
)
ESCAPES = "=1+1\x1b[2J\r\nBcc: a@b.fr\u202e\x9b31m"
TEXT_KEYS = frozenset(
    {"lastName", "name", "vendorName", "comment", "label", "method"}
    | {"profile", "paymentTerms", "recordedBy", "approvedBy", "availability", "validator", "street"}
)


def wicked(value: Any) -> Any:
    """A served object with the words behind every name and text of people."""
    if isinstance(value, list):
        return [wicked(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: said.removesuffix(WICKED) + WICKED
        if key in TEXT_KEYS and isinstance(said, str)
        else wicked(said)
        for key, said in value.items()
    }


def serve_wickedly(house: House) -> None:
    """Has every record served with those words, and the clients declare under the same names."""
    inner = house.sandbox.transport()

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.method != "GET":
            return None
        served = inner.handle_request(request)
        return httpx.Response(served.status_code, json=wicked(json.loads(served.read())))

    house.intercept = answer
    for file in house.settings.DECLARATIONS_DIR.rglob("*.csv"):
        header, *rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig")))
        named = header.index("consultant")
        out = io.StringIO()
        told = csv.writer(out)
        told.writerow(header)
        told.writerows(
            [cell + WICKED if at == named else cell for at, cell in enumerate(row)] for row in rows
        )
        file.write_text(out.getvalue(), encoding="utf-8")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A night that wrote back, in a world of such names, in a folder of such a name."""
    house = House(tmp_path_factory.mktemp("wicked") / 'o\'hare "x" [red] %s {0}', vendors=SMALL)
    serve_wickedly(house)
    house.nightly(apply=True)
    return house


@pytest.mark.nights
def test_names_of_sql_are_stored_as_they_are(night: House) -> None:
    """Nothing is dropped, every table stands, and the night does what it does in any world."""
    assert night.one("SELECT count(*) FROM core.consultants") == 3
    assert night.one("SELECT bool_and(ends_with(last_name, ?)) FROM core.consultants", WICKED)
    assert night.one("SELECT bool_and(ends_with(name, ?)) FROM core.clients", WICKED)
    assert night.one("SELECT bool_and(ends_with(comment, ?)) FROM core.cra_days", WICKED) in {
        True,
        None,
    }
    assert night.one("SELECT count(*) FROM core.cras") > 0
    assert night.one("SELECT count(*) FROM recon.cra_matches WHERE outcome = 'matched'") > 0
    assert night.one("SELECT count(*) FROM recon.billing_ledger") > 0
    assert night.one("SELECT count(*) FROM ops.quarantine") == 0


@pytest.mark.nights
def test_no_page_mail_or_artifact_obeys_a_name(night: House) -> None:
    """Names are shown whole; no tag, no link and no template comes of them."""
    [page] = night.folder.glob("artifacts/report-*.html")
    html = page.read_text(encoding="utf-8")
    soup = BeautifulSoup(html, "html.parser")
    assert soup.find_all(["script", "iframe", "img"]) == []
    assert WICKED in soup.get_text()
    assert "{{ 7*7 }}" in html
    for file in night.folder.glob("artifacts/*.md"):
        assert not re.search(r"(?<!\\)<script|(?<!\\)\[a\]", file.read_text(encoding="utf-8"))
    mails = list(night.folder.rglob("*.eml"))
    sent = [file for file in mails if "declarations" not in file.parts]
    assert sent
    for file in sent:
        made = message_from_bytes(file.read_bytes(), policy=default)
        shown = made.get_body(("html",))
        assert shown is not None
        assert BeautifulSoup(shown.get_content(), "html.parser").find_all(["script", "a"]) == []
        assert made["Bcc"] is None


@pytest.mark.nights
def test_searches_and_decisions_take_any_text(night: House) -> None:
    """It finds nothing or is refused by its name, and what people write is kept word for word."""
    with read_published(night.settings.WAREHOUSE_PATH) as warehouse:
        everything = search.bills(warehouse, Search())
        assert search.bills(warehouse, Search(vendor=WICKED)).height in {0, everything.height}
        assert search.bills(warehouse, Search(number=SQL, status=SQL)).is_empty()
        assert search.breaks(warehouse, search.BreaksAsked(kind="cra", code=SQL)).is_empty()
    who = {"by": WICKED, "reason": WICKED}
    for asked in (SQL, WICKED, "%", "bill/" + SQL):
        with pytest.raises(ConfigurationError):
            night.run("decide", approve=[asked], reject=[], amount=None, **who)
    [[person]] = night.rows("SELECT min(id) FROM core.consultants")
    told = {"declared_name": WICKED, "consultant_id": person, "client_id": None}
    night.run("link_consultant", **told, **who)
    with pytest.raises(ConfigurationError):
        night.run("link_vendor", vendor_id=SQL, supplier_id=SQL, **who)
    kept = night.rows(
        "SELECT declared_name, decided_by, reason FROM core.person_links WHERE method = 'person'"
    )
    assert kept == [(WICKED, WICKED, WICKED)]


ROW = Table("t", "T", pl.DataFrame({"who": [WICKED + ESCAPES], "state": [ESCAPES]}), "none")


@pytest.mark.parametrize("width", [30, 400])
def test_a_terminal_shows_names_and_obeys_none(width: int) -> None:
    """No escape sequence, no markup, no line of its own, no turning of letters."""
    out = io.StringIO()
    terminal.show(Console(file=out, width=width, force_terminal=False), ROW)
    shown = out.getvalue()
    assert [c for c in shown if c != "\n" and visible(c) != c] == []
    assert width < 400 or visible(WICKED + ESCAPES) in shown


def test_a_markdown_table_keeps_its_cells() -> None:
    """Nothing in a cell is a link, a tag, an entity, or another cell."""
    row = markdown(ROW, "en").splitlines()[-1]
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    assert not re.search(r"(?<!\\)[<`\[*~]", row)
    named = Table("t", "T", pl.DataFrame({"who": ["&lt;b&gt; &#60; R&D"]}), "none")
    assert markdown(named, "en").splitlines()[-1] == r"| \&lt;b\&gt; \&#60; R&D |"


def test_json_is_one_value_whatever_it_holds() -> None:
    """What is read back is what was there."""
    assert json.loads(rows_as_json(ROW.rows)) == ROW.rows.to_dicts()


@pytest.mark.nights
def test_a_file_name_cannot_forge_a_line(tmp_path: Path) -> None:
    """What a run says of a file is one line, without anything that a terminal obeys."""
    house = House(tmp_path / "house", vendors=SMALL)
    name = "a\n[2026] ERROR forged\x1b[31m\u202e.docx"
    (house.settings.DECLARATIONS_DIR / name).write_bytes(b"x")
    outcome = house.run("sync", sources=["declarations"], full=False)
    [reason] = outcome.reasons
    assert reason == visible(reason)
    assert "forged" in reason
    assert house.one("SELECT file_name FROM core.declarations WHERE format = 'other'") == name


@pytest.mark.nights
def test_a_date_at_the_ends_of_time_ends_no_night(tmp_path: Path) -> None:
    """A contract without end and a CRA over all of time are compared like any other."""
    house = House(tmp_path / "house", vendors=SMALL)
    contract = next(iter(house.vendors.contracts.values()))
    contract.start, contract.end = date(1, 1, 1), date(9999, 12, 31)
    house.vendors.touch(contract)
    assert house.nightly().exit_code in {0, 1}
    assert house.one("SELECT max(end_date) FROM core.contracts") == date(9999, 12, 31)
