"""What a CSV file declares."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.client_facts import schema
from transforms.declarations.csv_files import read_csv
from transforms.declarations.forms import Declaration, File

NIGHT = datetime(2026, 11, 2, 3, tzinfo=UTC)
HEADER = "client,consultant,period,days"


def read(text: str | bytes) -> Declaration:
    """The file as read."""
    content = text.encode() if isinstance(text, str) else text
    return read_csv(File(id="sha", name="acme.csv", time=NIGHT, content=content, read_at=NIGHT))


def one(line: str, header: str = HEADER) -> dict[str, object]:
    """The only line under the header."""
    return read(f"{header}\n{line}\n").lines.row(0, named=True)


def test_a_plain_line_is_read() -> None:
    """Client, consultant, month and days come as written."""
    row = one("Acme,Jean Dupont,2026-10,20.5")
    assert (row["client"], row["consultant"], row["period"]) == ("Acme", "Jean Dupont", "2026-10")
    assert (row["days"], row["confidence"], row["problem"]) == (Decimal("20.5"), Decimal(1), None)


def test_optional_columns_stand_in_any_order_and_case() -> None:
    """The header tells the columns, whatever their order."""
    row = one(
        "EUR,20,2026-10,Jean,Acme,CT1,10000,2026-11-01T08:00:00+02:00",
        "CURRENCY,Days,period,Consultant,client,contract,Amount,sent_at",
    )
    assert (row["contract"], row["amount"], row["currency"]) == ("CT1", Decimal(10000), "EUR")
    assert row["sent_at"] == datetime(2026, 11, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_are_told_by_the_header(delimiter: str) -> None:
    """Comma, semicolon and tab are read alike."""
    text = f"{HEADER}\nAcme,Jean,2026-10,3\n".replace(",", delimiter)
    assert read(text).lines["days"].item() == Decimal(3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings_of_excel_are_read(encoding: str) -> None:
    """An accent survives UTF-8, its mark, and Windows-1252."""
    content = f"{HEADER}\nSociété,Zoé,2026-10,3".encode(encoding)
    assert read(content).lines["client"].item() == "Société"


@pytest.mark.parametrize(
    ("written", "days"),
    [("20,5", "20.5"), ("20.25", "20.25"), (" 7 ", "7"), ("0", "0"), ("31", "31")],
)
def test_days_are_read_with_comma_and_point(written: str, days: str) -> None:
    """Both decimal marks are the same number."""
    assert one(f"A;B;2026-10;{written}", HEADER.replace(",", ";"))["days"] == Decimal(days)


@pytest.mark.parametrize("written", ["4\u202f606,50 €", "4\u00a0606,50", "4.606,50", "4,606.50"])
def test_amounts_are_read_with_any_spaces(written: str) -> None:
    """Thin and non-breaking spaces and thousands marks are no part of the number."""
    row = one(f"A;B;2026-10;1;{written}", "client;consultant;period;days;amount")
    assert row["amount"] == Decimal("4606.50")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("A,B,2026-10,-1", "between 0 and 31"),
        ("A,B,2026-10,31.5", "between 0 and 31"),
        ("A,B,2026-10,1.00001", "4 decimals"),
        ("A,B,2026-10,many", "no number"),
        ("A,B,2026-10,", "days is missing"),
        ("A,B,2026-13,1", "period is not"),
        ("A,B,October,1", "period is not"),
        (",B,2026-10,1", "client is missing"),
        ("A,B,2026-10,20,5", "more cells"),
        ('A,"B,2026-10,1', "not CSV"),
    ],
)
def test_an_unreadable_line_says_why(line: str, why: str) -> None:
    """A line that cannot be read stays a row, with its text and its problem."""
    row = one(line)
    assert why in str(row["problem"])
    assert row["line_text"] == line


def test_every_problem_of_a_line_is_told() -> None:
    """Two bad cells are two problems."""
    assert str(one("A,B,oct,xx")["problem"]).count(";") == 1


def test_blank_lines_are_ignored_and_counted() -> None:
    """Line numbers are those of the file, whatever is blank between."""
    lines = read(f"{HEADER}\n\nA,B,2026-10,1\n,,,\nA,C,2026-10,2\n").lines
    assert lines["line_no"].to_list() == [2, 4]


def test_an_open_quote_swallows_no_other_line() -> None:
    """The line after a broken one is read."""
    read_lines = read(f'{HEADER}\nA,"B,2026-10,1\nA,C,2026-10,2\n')
    assert read_lines.lines["days"].to_list() == [None, Decimal(2)]
    assert read_lines.declaration["status"].item() == "partial"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"hello", b"\x81\x8d", HEADER.encode()])
def test_a_file_without_lines_is_unreadable(content: bytes) -> None:
    """No header, no text or no line: one row numbered 0 that says so."""
    got = read(content)
    assert got.declaration["status"].item() == "unreadable"
    assert got.lines["line_no"].to_list() == [0]
    assert got.lines["problem"].null_count() == 0


def test_the_latest_instant_of_a_file_is_its_own() -> None:
    """A file was sent when its last line says."""
    head = f"{HEADER},sent_at"
    got = read(f"{head}\nA,B,2026-10,1,2026-11-01\nA,C,2026-10,1,02/11/2026 10:30\n")
    assert got.declaration["sent_at"].item() == datetime(2026, 11, 2, 10, 30, tzinfo=UTC)


def test_a_line_sent_after_it_was_read_cannot_be_right() -> None:
    """It would stand before every later correction: a person reads it."""
    got = one("A,B,2026-10,1,2027-11-01", f"{HEADER},sent_at")
    assert got["problem"] == "sent_at lies in the future: 2027-11-01 00:00"
    assert got["sent_at"] is None


def test_frames_have_the_columns_of_the_warehouse() -> None:
    """What is read can be stored as it is."""
    got = read(f"{HEADER}\nA,B,2026-10,1\n")
    for found, table in ((got.declaration, "declarations"), (got.lines, "declaration_lines")):
        stored = dict(schema(f"core.{table}"))
        engine = ("run_id", "deleted_at")
        assert dict(found.schema) == {n: t for n, t in stored.items() if n not in engine}


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: (HEADER + "\n" + text).encode())
)
def test_p32_any_content_is_read_or_said_unreadable(content: bytes) -> None:
    """No file ends in a crash, and none without a row."""
    lines = read(content).lines
    assert lines.height >= 1
    readable = lines.filter(pl.col("problem").is_null())
    assert (
        readable.select("client", "consultant", "period", "days")
        .null_count()
        .sum_horizontal()
        .sum()
        == 0
    )
