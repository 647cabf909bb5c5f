"""The month on one page: every number is that of its query, and the file stands alone."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from flows.page import annexes, bars, figures, invoices, month
from flows.settings import ConfigurationError
from store.publishing import publish, read_published
from store.warehouse import StoreError, Warehouse
from tests.flows.house import AS_OF, House
from tests.rows import bill, cra, put
from transforms.words.languages import Language
from transforms.words.legend import legend

WICKED = '<img src=x onerror=alert(1)> & "Cie"'
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
in_browser = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
BIG = 1000


def fill(warehouse: Warehouse) -> None:
    """Two months of three clients and two suppliers in two currencies, with all that can happen."""
    put(warehouse, "ops.runs", run_id="r1", flow="nightly", state="completed")
    _clients(warehouse)
    _suppliers(warehouse)
    for break_id, code, amount in (("b", "over_reported", 500), ("held", "QTY_RECEIVED", 400)):
        found = {"kind": "cra", "period": "2026-10", "owner": "finance", "status": "open"}
        at = {"amount_at_stake": amount, "currency": "EUR"}
        put(warehouse, "recon.breaks", break_id=break_id, code=code, **found, **at)
    put(warehouse, "recon.breaks", break_id="x", code="CLIENT_UNKNOWN", kind="cra", status="open")
    _other_breaks(warehouse)
    put(
        warehouse,
        "recon.activity_alerts",
        period="2026-10",
        consultant_id="b",
        risk="critical",
        days_left=-2,
        blocked_amount=10000,
        currency="EUR",
    )
    put(warehouse, "core.contracts", id="K1", reference="CTR-1", billing_deadline="2026-11-09")
    for number, state in enumerate(("done", "awaiting_approval", "refused")):
        subject = {"subject_id": f"cra/2026-10/{number}", "target": f"7{number}", "state": state}
        kind = "boond.cra.invalidate"
        put(warehouse, "ops.outbox", command_id=str(number), kind=kind, depends_on=[], **subject)
    for kind, target in (
        ("notify.email", "chef@alpha.example"),
        ("notify.sms", "+33 6 12 34 56 78"),
    ):
        told = {"subject_id": "cra/2026-10/9", "target": target, "state": "done"}
        put(warehouse, "ops.outbox", command_id=kind, kind=kind, depends_on=[], **told)
    put(warehouse, "ops.sync_state", source="boond", stream="cras", complete=True)
    put(warehouse, "ops.quarantine", source="bill", stream="invoices", id="9", message=WICKED)


def _other_breaks(warehouse: Warehouse) -> None:
    """One of an earlier month, one of a later, and one whose euros stand with another."""
    for break_id, period, amount in (
        ("old", "2026-08", 70),
        ("late", "2026-11", 30),
        ("e", None, 0),
    ):
        found = {"code": "NAME_AMBIGUOUS", "kind": "cra", "status": "open", "owner": "finance"}
        at = {"period": period, "amount_at_stake": amount, "currency": "EUR"}
        put(warehouse, "recon.breaks", break_id=break_id, **found, **at)


def _clients(warehouse: Warehouse) -> None:
    cra(warehouse, "a")
    cra(warehouse, "b", declared_days=21, difference_days=1, outcome="over_reported")
    cra(warehouse, "c", client_name="Dollar Inc", contract_id="K2", currency="USD")
    cra(warehouse, "d", client_name=WICKED, contract_id="K3", daily_rate=None, currency=None)
    cra(warehouse, "e", client_name="O'Neill", contract_id="K4", outcome="not_checked")
    cra(warehouse, "then", period="2026-09", consultant_id="a")
    for reference, period, days, status in (
        ("RAP-2026-09", "2026-09", 20, "paid"),
        ("RAP-2026-10", "2026-10", 10, "draft"),
        ("RAP-2026-10-2", "2026-10", 4, "sent"),
        ("RAP-2026-10-3", "2026-10", 1, "cancelled"),
    ):
        line = {"reference": reference, "contract_id": "K1", "consultant_id": "a"}
        sums = {"period": period, "days": days, "amount": days * 500, "currency": "EUR"}
        put(warehouse, "recon.billing_ledger", **line, **sums)
        _invoice(warehouse, reference, status, days * 500)
    _invoice(warehouse, "F2026-09-1", "sent", 4000)
    _invoice(warehouse, "F-early", "sent", 300, issue_date="2026-10-24")
    _invoice(warehouse, "F-end", "sent", 1000, issue_date="2026-10-25")
    _invoice(warehouse, "F-gone", "cancelled", 9999, issue_date="2026-10-25")


def _invoice(warehouse: Warehouse, reference: str, status: str, amount: int, **told: str) -> None:
    said = {"reference": reference, "status": status, "total_excl_tax": amount, "currency": "EUR"}
    put(warehouse, "core.client_invoices", id=f"I-{reference}", **(said | told))


def _suppliers(warehouse: Warehouse) -> None:
    put(warehouse, "core.vendors", id="V1", name="Iroise & Fils", incomplete_fields=[])
    bill(warehouse, "fits")
    bill(warehouse, "held", status="review", accepted_amount=0, holds=["PAID_UNPROVEN"])
    bill(warehouse, "part", status="partial", accepted_amount="600.55")
    bill(warehouse, "usd", vendor_id="V2", currency="USD")
    bill(warehouse, "next", period="2026-11", status="review", accepted_amount=0)
    put(warehouse, "recon.holds", break_id="held", code="PAID_UNPROVEN", amount_at_stake=400)
    put(warehouse, "recon.holds", break_id="next", code="PAID_UNPROVEN", amount_at_stake=30)
    flag = {"kind": "boond.supplier_invoice.flag", "subject_id": "bill/fits", "state": "done"}
    put(warehouse, "ops.outbox", command_id="f", depends_on=[], **flag)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """What was published."""
    published = tmp_path_factory.mktemp("page") / "r.duckdb"
    with Warehouse.open(published) as working:
        fill(working)
        publish(working)
    with read_published(published) as opened:
        yield opened


@pytest.fixture(scope="module")
def html(warehouse: Warehouse) -> str:
    """The page of October in French."""
    return month.render(month.read(warehouse, "2026-10", "fr"), "fr")


@pytest.fixture(scope="module")
def page(html: str) -> BeautifulSoup:
    """That page, parsed."""
    return BeautifulSoup(html, "html.parser")


def query(annex: Tag, kind: str) -> str:
    """A query of an annex, as a reader copies it."""
    [said] = annex.select(f"pre.{kind}")
    return said.text.rstrip(";")


def check_numbers(warehouse: Warehouse, page: BeautifulSoup, part: str = "main") -> int:
    """Holds each number of a part against the query of its annex; returns how many there are."""
    annexes_by_key = {str(tag["id"]): tag for tag in page.select("details > div")}
    by_annex: dict[str, list[Tag]] = {}
    for number in page.select(f"{part} a.n"):
        by_annex.setdefault(str(number["href"]).removeprefix("#"), []).append(number)
    for key, numbers in by_annex.items():
        annex = annexes_by_key[key]
        kinds = {"money" if number.has_attr("data-in") else "counts" for number in numbers}
        found = [row for kind in kinds for row in warehouse.frame(query(annex, kind)).to_dicts()]
        proven = {(row.get("currency"), name): row[name] for row in found for name in row}
        for number in numbers:
            said = proven[number.get("data-in"), str(number["data-of"])]
            assert said == Decimal(str(number["data-is"])), (key, number)
    return sum(map(len, by_annex.values()))


def test_every_number_is_what_its_query_says(warehouse: Warehouse, page: BeautifulSoup) -> None:
    """The query beside the rows, run on the published file, gives the number of the page."""
    assert check_numbers(warehouse, page) > 80


def test_every_annex_lists_the_rows_of_its_query(warehouse: Warehouse, page: BeautifulSoup) -> None:
    """As many rows as the annex says, and as it shows while they are few."""
    for annex in page.select("details > div"):
        said = int(annex.parent.summary.span.text.split()[0])  # type: ignore[union-attr]
        rows = warehouse.rows(query(annex, "lines"))
        assert len(rows) == said == len(annex.select("tbody tr")), annex["id"]


def test_every_link_leads_to_something_on_the_page(page: BeautifulSoup) -> None:
    """No link is dead and none leaves the file."""
    targets = {f"#{tag['id']}" for tag in page.select("[id]")}
    assert {str(tag["href"]) for tag in page.select("[href]")} <= targets


def test_the_file_needs_nothing_else(html: str, page: BeautifulSoup) -> None:
    """No script at all; no image, font or style from elsewhere; and the browser is told so."""
    assert page.select("script, img, iframe, link, object, embed, [src], [onclick]") == []
    assert re.findall(r"@import|url\((?!#)|https?://", html) == []
    assert "default-src 'none'" in str(page.select_one("[http-equiv]"))


def test_what_vendors_wrote_is_text(page: BeautifulSoup) -> None:
    """Markup in a name or message is shown, not obeyed; an apostrophe does not end its query."""
    assert WICKED in page.select_one("main").text  # type: ignore[union-attr]
    assert "client_name = 'O''Neill'" in page.text


def test_currencies_stand_apart(page: BeautifulSoup) -> None:
    """Euros and dollars are two figures; what has no rate is counted, not valued."""
    waiting = page.select(".card.waiting .big a")
    assert [(a["data-in"], a["data-is"]) for a in waiting] == [
        ("USD", "10000.0000"),
        ("EUR", "2500.0000"),
    ]
    assert page.select(".card.waiting .of a[data-of=unpriced]")[0]["data-is"] == "1"


def words_of(tag: Tag) -> str:
    """What a reader sees of a tag, with plain spaces."""
    return " ".join(tag.text.split())


def test_what_is_billed_is_parted_by_its_status(page: BeautifulSoup) -> None:
    """Drafts in BoondManager are not passed off as sent: the parts add up to what is billed."""
    card, lead = page.select(".card.billed, .lead")[::-1]
    assert [(words_of(part), part.a["data-is"]) for part in card.select(".part")] == [  # type: ignore[index]
        ("5 000 € en brouillon dans BoondManager", "5000.0000"),
        ("2 000 € envoyés, non réglés", "2000.0000"),
        ("500 € annulés ou introuvables dans BoondManager", "500.0000"),
    ]
    assert card.select(".big a")[0]["data-is"] == "7500.0000"
    assert "7 500 € facturés, dont 5 000 € en brouillon" in words_of(lead)


def test_all_invoices_are_held_against_all_of_the_month_before(page: BeautifulSoup) -> None:
    """Ours and those by hand, by the month written on them or by their date; none cancelled."""
    [said] = page.select(".headline .all")
    assert words_of(said).startswith(
        "Toutes factures clients du mois, de rapproche ou d'une personne :"
        " 8 000 €, − 6 300 € par rapport à septembre 2026."
    )


def test_a_first_month_is_held_against_nothing(warehouse: Warehouse) -> None:
    """Without the month before there is no change, and the page says so."""
    html = month.render(month.read(warehouse, "2026-09", "fr"), "fr")
    assert 'class="change"' not in html
    assert "Août 2026 : rapproche n'a rien comparé ce mois-là." in html.replace("&#39;", "'")


def test_a_line_leads_from_held_to_at_stake(page: BeautifulSoup) -> None:
    """Held, less what waits undisputed, and breaks of other months: the sum of the breaks."""
    told: dict[str, Decimal] = {}
    for number in page.select(".bridge a[data-in=EUR]"):
        told[str(number["data-of"])] = Decimal(str(number["data-is"]))
    held = told["clients"] + told["suppliers"]
    assert told["at_stake"] == held - told["uncontested"] + told["elsewhere"] == 970
    assert told["elsewhere"] == 70
    cards = page.select(".card.held .big a, .card.not_accepted .big a")
    assert [Decimal(str(one["data-is"])) for one in cards] == [told["clients"], told["suppliers"]]


def test_the_breaks_of_the_page_are_reckoned_up_to_all(page: BeautifulSoup) -> None:
    """Whoever counts the console's breaks finds the same number here."""
    [said] = [tag for tag in page.select("main p") if "en tout" in tag.text]
    found = {
        str(one["data-of"]): one["data-is"] for one in said.select("a[href='#a-breaks_later']")
    }
    assert found == {"breaks": "1", "at_stake": "30.0000", "all_breaks": "6"}
    assert said.select("a[data-of=breaks]")[0]["data-is"] == "5"


def test_what_is_to_claim_is_one_figure(page: BeautifulSoup) -> None:
    """Whatever month the invoices are of, and nowhere another figure beside it."""
    said = {one["data-is"] for one in page.select("main a[data-of=to_claim]")}
    assert said == {"430.0000"}


def test_money_that_stands_with_another_break_is_not_listed_as_nothing(page: BeautifulSoup) -> None:
    """A break of 0 is counted and in the annex, and no line of the list."""
    assert "0 €" not in {words_of(row.td) for row in page.select(".breaks tbody tr")}  # type: ignore[arg-type]
    assert page.select("main a[data-of=counted_elsewhere]")[0]["data-is"] == "1"


def test_paper_has_no_addresses(html: str) -> None:
    """Each mail address and telephone number is marked as what print leaves out."""
    page = BeautifulSoup(html, "html.parser")
    hidden = [tag.extract().text for tag in page.select(".address")]
    assert set(hidden) == {"chef@alpha.example", "+33 6 12 34 56 78"}
    assert "@" not in page.body.text  # type: ignore[union-attr]
    assert re.search(r"@media print.*\.address[^{}]* \{ display: none; \}", html, re.DOTALL)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_nobody_is_sent_to_a_command_line(language: Language) -> None:
    """What to do about a break names no command; those who run them are asked."""
    steps = [month.next_step(code, language) for code in legend(language) if " " not in code]
    assert not [step for step in steps if re.search(r"rapproche (link|approve|nightly)", step)]


def test_the_run_stands_with_the_queries(page: BeautifulSoup) -> None:
    """Its id is for who traces a number, not for the head of the page."""
    assert "r1" not in page.select_one("header").text.split()  # type: ignore[union-attr]
    assert "nightly r1." in page.select_one(".annexes .note").text  # type: ignore[union-attr]


def test_later_months_are_said_and_not_counted(page: BeautifulSoup) -> None:
    """An invoice dated after the month stands beside the table of suppliers."""
    [aside] = [tag for tag in page.select(".aside") if "datées après" in tag.text]
    assert aside.a["data-is"] == "1"  # type: ignore[index]


def test_a_break_says_what_to_do(page: BeautifulSoup) -> None:
    """Breaks are named in words, the most money first, with who does what next."""
    rows = page.select("table.breaks tbody tr")
    titles = legend("fr")
    found = ("over_reported", "QTY_RECEIVED", "NAME_AMBIGUOUS", "CLIENT_UNKNOWN")
    assert [row.b.text for row in rows] == [titles[code].title for code in found]  # type: ignore[union-attr]
    steps = [titles[code].next_step for code in ("over_reported", "QTY_RECEIVED")]
    assert all(
        step in row.text and "finance" in row.text for step, row in zip(steps, rows, strict=False)
    )


def test_what_was_not_checked_is_said(page: BeautifulSoup) -> None:
    """Rows not checked, records in quarantine and streams not read have their own heading."""
    counts = [li.a["data-is"] for li in page.select("main ul li")]  # type: ignore[index]
    assert counts == ["1", "1", "1"]


def test_the_page_speaks_english(warehouse: Warehouse) -> None:
    """Words, months and amounts follow the language."""
    html = month.render(month.read(warehouse, "2026-10", "en"), "en")
    assert '<html lang="en">' in html
    assert "October 2026" in html
    assert "€7,500" in html


def test_both_languages_have_the_same_words() -> None:
    """No word of the page is missing in one of them."""
    said = [
        tomllib.loads(files("flows.page").joinpath(f"words.{language}.toml").read_text("utf-8"))
        for language in ("fr", "en")
    ]
    assert set(said[0]) == set(said[1])
    assert all(text.strip() for words in said for text in words.values())


def test_a_month_that_is_not_there_names_those_that_are(warehouse: Warehouse) -> None:
    """One line that says what to ask for instead."""
    with pytest.raises(ConfigurationError, match=r"2025-01; .*: 2026-09, 2026-10, 2026-11$"):
        month.read(warehouse, "2025-01", "fr")


def test_an_older_file_says_what_to_run(tmp_path: Path) -> None:
    """A file without the views of the page is not a defect but a publishing away."""
    with Warehouse.open(tmp_path / "r.duckdb") as older:
        older.execute("DELETE FROM ops.migrations WHERE name = ?", [month.MIGRATION])
        with pytest.raises(StoreError, match="rapproche publish"):
            month.read(older, "2026-10", "fr")


def test_the_file_is_its_owners_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    """0600, also over an older one that others could read; nothing else is left beside it."""
    out = tmp_path / "new" / "page.html"
    out.parent.mkdir()
    out.write_text("older")
    month.write(warehouse, "2026-10", "fr", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]


def test_a_place_that_cannot_be_written_is_told(warehouse: Warehouse, tmp_path: Path) -> None:
    """A file where a folder is wanted is wrong use, in one line."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        month.write(warehouse, "2026-10", "fr", tmp_path / "taken" / "page.html")


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A thousand consultants at forty clients, half of them with a break, and their invoices."""
    with Warehouse.open(tmp_path_factory.mktemp("big") / "r.duckdb") as working:
        cra(working, "0", explanation="x" * 120)
        bill(working, "0", explanation="x" * 120)
        put(working, "recon.breaks", break_id="0", period="2026-10", status="open", kind="cra")
        working.execute(
            f"INSERT INTO recon.cra_matches SELECT m.* REPLACE (i::VARCHAR AS break_id,"
            f" i::VARCHAR AS consultant_id, 'Client ' || i % 40 AS client_name,"
            f" CASE WHEN i % 2 = 0 THEN 'held' ELSE 'matched' END AS outcome)"
            f" FROM recon.cra_matches m, range(1, {BIG}) r(i)"
        )
        working.execute(
            f"INSERT INTO recon.po_matches SELECT m.* REPLACE (i::VARCHAR AS break_id,"
            f" i::VARCHAR AS bill_id, 'V' || i % 30 AS vendor_id)"
            f" FROM recon.po_matches m, range(1, {BIG}) r(i)"
        )
        working.execute(
            f"INSERT INTO recon.breaks SELECT m.* REPLACE (i::VARCHAR AS break_id,"
            f" i AS amount_at_stake, 'EUR' AS currency, 'held' AS code)"
            f" FROM recon.breaks m, range(1, {BIG // 2}) r(i)"
        )
        yield working


@pytest.mark.nights
def test_a_thousand_consultants_fit_into_two_megabytes(big: Warehouse) -> None:
    """Rows of an annex end at a limit and say how many more there are; its numbers are whole."""
    html = month.render(month.read(big, "2026-10", "fr"), "fr")
    assert len(html.encode()) < 2_000_000
    page = BeautifulSoup(html, "html.parser")
    accepted = page.select_one("#a-accepted")
    assert len(accepted.select("tbody tr")) == month.ROWS_SHOWN  # type: ignore[union-attr]
    assert f"+ {BIG - month.ROWS_SHOWN} " in accepted.select_one(".more").text  # type: ignore[union-attr]
    assert check_numbers(big, page, ".headline") >= 15


def test_bars_are_drawn_to_scale_and_largest_first() -> None:
    """Half the amount is half the length; what is not above zero has no bar."""

    def of(amount: int) -> list[tuple[str, annexes.Figure]]:
        return [("held", annexes.Figure("a", "held", Decimal(amount), "EUR"))]

    chart = bars.rows("k", [("half", of(50)), ("none", of(-5)), ("all", of(100))], "EUR", ())
    assert [(bar.label, bar.length) for bar in chart.bars] == [
        ("all", bars.WIDTH),
        ("half", bars.WIDTH / 2),
    ]


def test_bars_beyond_the_limit_are_counted() -> None:
    """The smallest are left out of the chart, and it says how many."""
    told = [
        (str(number), [("held", annexes.Figure("a", "held", Decimal(number + 1), "EUR"))])
        for number in range(bars.ROWS_SHOWN + 3)
    ]
    chart = bars.rows("k", told, "EUR", ())
    assert (len(chart.bars), chart.left_out) == (bars.ROWS_SHOWN, 3)


def test_twelve_months_end_with_the_one_asked() -> None:
    """The year before is there, month by month."""
    months = invoices.months_up_to("2026-03")
    assert (months[0], months[-1], len(set(months))) == ("2025-04", "2026-03", 12)


@pytest.mark.parametrize(
    ("amount", "said"), [("1234.5", "1 235 €"), ("-0.5", "-1 €"), ("0.49", "0 €")]
)
def test_whole_euros_round_halves_away_from_zero(amount: str, said: str) -> None:
    """As everywhere in the product."""
    shown = figures.round_money(Decimal(amount), "EUR", "fr")
    assert re.sub(r"[\u202f\xa0]", " ", shown) == said


@pytest.fixture
def file(html: str, tmp_path: Path) -> Path:
    """The page as a file, with a script that writes its width into its title."""
    width = "<script>document.title = document.documentElement.scrollWidth</script>"
    told = html.replace("</body>", f"{width}</body>")
    path = tmp_path / "page.html"
    path.write_text(re.sub(r"<meta http-equiv[^>]+>", "", told), encoding="utf-8")
    return path


def chromium(*arguments: str) -> str:
    """What headless Chromium says of a page."""
    always = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,1600"]
    ran = subprocess.run(  # noqa: S603 - the system's browser
        [str(CHROMIUM), *always, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ran.stdout


@in_browser
@pytest.mark.processes
def test_a_number_opens_its_rows_in_a_browser(file: Path, tmp_path: Path) -> None:
    """Following a number unfolds the annex, with no script of ours; 1280 px hold the page."""
    dom = BeautifulSoup(
        chromium(f"--user-data-dir={tmp_path}/b", "--dump-dom", f"{file.as_uri()}#a-held"),
        "html.parser",
    )
    assert [tag.div["id"] for tag in dom.select("details[open]")] == ["a-held"]  # type: ignore[index]
    assert int(dom.title.text) <= 1280  # type: ignore[union-attr]


@in_browser
@pytest.mark.processes
def test_the_page_prints_on_a4(file: Path, tmp_path: Path) -> None:
    """Several pages of 210 × 297 mm: the main ones, and the annexes unfolded behind them."""
    out = tmp_path / "page.pdf"
    chromium(f"--user-data-dir={tmp_path}/b", f"--print-to-pdf={out}", file.as_uri())
    pdf = out.read_bytes()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {(595, 842)}
    assert len(boxes) > 3


@pytest.mark.nights
def test_a_night_leaves_the_page_beside_its_artifacts(planned: House) -> None:
    """The page of the month before lies among them and is of the same facts."""
    planned.nightly()
    file = planned.folder / "artifacts" / "report-2026-10.html"
    page = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
    with read_published(planned.settings.WAREHOUSE_PATH) as warehouse:
        assert check_numbers(warehouse, page) > 20
    assert month.words("fr")["all_checked"] in page.text


@pytest.mark.processes
def test_the_command_reads_at_once(planned: House, tmp_path: Path) -> None:
    """It prints where the page lies, and imports no Prefect."""
    script = (
        "import sys; from flows import cli\n"
        "try: cli.main()\nexcept SystemExit as end: code = end.code\n"
        "print(code, sorted(m for m in sys.modules if m.split('.')[0] == 'prefect'))"
    )
    arguments = ["report", "--as-of", AS_OF.isoformat(), "--out", str(tmp_path / "o.html")]
    ran = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"WAREHOUSE_PATH": str(planned.settings.WAREHOUSE_PATH)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout.split() == [str(tmp_path / "o.html"), "0", "[]"]
