"""Files that clients, or others in their name, put into the folder of declarations."""

import io
import os
import time
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from random import Random

import pytest

from sources.declarations import declared_files
from tests.hostile.mutations import TEXTS
from tests.transforms.mails import mail, read_as
from tests.transforms.test_declaration_sheet import HEADER, JEAN, book, repacked

SHEET = "xl/worksheets/sheet1.xml"
BOOK = book(S=[HEADER, JEAN])
XML = zipfile.ZipFile(io.BytesIO(BOOK)).read(SHEET)
MAIL = b"From: a@b.fr\nSubject: Jours octobre 2026\nDate: Mon, 02 Nov 2026 10:00:00 +0000\n"
HTML = MAIL + b"Content-Type: text/html\n\n"
PARTS = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"


def why(content: bytes | EmailMessage, name: str) -> str:
    """Why nothing of a file can be read; it is said at once."""
    began = time.process_time()
    got = read_as(content, name)
    assert time.process_time() - began < 5
    assert got.declaration["status"].item() == "unreadable"
    return str(got.lines["problem"].item())


def with_rows(rows: bytes) -> bytes:
    """The workbook with more rows in its sheet."""
    return repacked(BOOK, **{SHEET: XML.replace(b"</sheetData>", rows + b"</sheetData>")})


def with_texts(*texts: bytes) -> bytes:
    """The workbook with other shared texts, and 50,000 cells that have the first of them."""
    items = b"".join(b"<si><t>" + text + b"</t></si>" for text in texts)
    name = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    shared = b'<sst xmlns="' + name + b'">' + items + b"</sst>"
    rows = b'<row><c t="s"><v>0</v></c></row>' * 50_000
    return repacked(with_rows(rows), **{"xl/sharedStrings.xml": shared})


def packed_by(method: int) -> bytes:
    """The workbook, packed otherwise."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(BOOK)) as old, zipfile.ZipFile(out, "w", method) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
    return out.getvalue()


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "two cells": (lambda: with_rows(b'<row r="99999"><c r="ALK99999"><v>1</v></c></row>'), "cells"),
    "cells without place": (lambda: with_rows(b"<row>" + b"<c/>" * 1_100_000 + b"</row>"), "cells"),
    "rows without place": (lambda: with_rows(b"<row/>" * 150_000), "100000 rows"),
    "prefixed": (lambda: with_rows(b"<x:row>" + b"<x:c/>" * 2_000 + b"</x:row>"), "1000 columns"),
    "a text shared by all": (lambda: with_texts(b"x" * 100_000), "texts too long"),
    "a text of 3 MB": (lambda: with_texts(b"x" * 3_000_000), "texts too long"),
    "bzip2": (lambda: packed_by(zipfile.ZIP_BZIP2), "packed otherwise"),
    "lzma": (lambda: packed_by(zipfile.ZIP_LZMA), "packed otherwise"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_workbook_that_would_fill_the_memory_is_refused(name: str) -> None:
    """A few kilobytes that would become gigabytes are refused before anything is built of them."""
    made, said = BOMBS[name]
    content = made()
    assert len(content) < 200_000
    assert said in why(content, "a.xlsx")


def test_entities_are_not_expanded() -> None:
    """A document type with entities is no workbook."""
    bomb = b'<!DOCTYPE a [<!ENTITY a "' + b"x" * 999 + b'"><!ENTITY b "' + b"&a;" * 999 + b'">]>'
    shared = bomb + b"<sst><si><t>&b;</t></si></sst>"
    assert why(repacked(BOOK, **{"xl/sharedStrings.xml": shared}), "a.xlsx")


def test_a_large_honest_workbook_is_read() -> None:
    """3,000 rows with long notes are no bomb."""
    rows = [("Acme", f"Jean {n}", "2026-10", 20, "x" * 200) for n in range(3_000)]
    assert read_as(book(S=[HEADER, *rows]), "a.xlsx").lines.height == 3_000


def test_a_formula_is_its_last_value_and_never_evaluated() -> None:
    """One without a value is a problem of its line, like an error that a formula gave."""
    cells = [b'<c r="D3"><f>19+1</f><v>18</v></c>', b'<c r="D4"><f>19+1</f></c>']
    cells.append(b'<c r="D5" t="e"><f>1/0</f><v>#DIV/0!</v></c>')
    texts = ((b"A", b"Acme"), (b"B", b"Jean"), (b"C", b"2026-10"))
    rows = b""
    for number, cell in enumerate(cells, start=3):
        told = b"".join(
            b'<c r="%s%d" t="str"><f>x</f><v>%s</v></c>' % (at, number, text) for at, text in texts
        )
        rows += b'<row r="%d">%s%s</row>' % (number, told, cell)
    lines = read_as(with_rows(rows), "a.xlsx").lines
    assert [str(days) for days in lines["days"]] == ["20.1000", "18.0000", "None", "None"]
    assert lines["problem"].to_list()[2:] == ["days is missing"] * 2


def test_a_csv_of_more_lines_than_anybody_declares_is_refused() -> None:
    """Each line would be a row with its problem: millions of them fill the memory."""
    header = b"client,consultant,period,days\n"
    assert why(header + b"a\n" * 2_000_000, "a.csv") == "more than 100000 lines"
    assert why(header + b"\r" * 2_000_000, "a.csv") == "more than 100000 lines"


def nested(depth: int, tail: bytes) -> bytes:
    """A mail of parts within each other."""
    return MAIL + b"".join(PARTS % (n, n) for n in range(depth)) + tail


SLOW_MAILS: dict[str, bytes] = {
    "parts within each other": nested(5_000, b""),
    "lines in many parts": nested(100, b"\n\n" + b"x\n" * 300_000),
    "10,000 attachments": nested(1, b"--b0\nContent-Type: text/csv; name=a.csv\n\na\n" * 10_000),
    "authors": b"From: " + b"a@b.fr, " * 300_000 + b"\n\nx",
    "encoded words": b"From: a@b.fr\nSubject: " + b"=?utf-8?b?YQ==?= " * 100_000 + b"\n\nx",
    "mails within each other": MAIL + b"Content-Type: message/rfc822\n\n" * 3_000,
    "base64": MAIL + b"Content-Transfer-Encoding: base64\n\n" + b"!!!=%$" * 100_000,
    "a charset of its own": MAIL + b"Content-Type: text/plain; charset=\xff\x00\n\n\xff\xfe" * 9,
    "open tags": HTML + b"<a " * 300_000,
    "open quotes": HTML + b"<a b='" * 100_000,
    "open comments": HTML + b"<!-" * 300_000,
    "a wide table": HTML + b"<table><tr>" + b"<td>1</td>" * 100_000,
    "many tags": HTML + b"<p>" * 3_000_000,
    "one line of digits": MAIL + b"\nJean " + b"1" * 500_000 + b" : 20 j",
    "one line of halves": MAIL + b"\n" + "Jean ½ ".encode() * 100_000,
}


@pytest.mark.parametrize("name", SLOW_MAILS)
def test_a_mail_that_would_take_hours_is_refused(name: str) -> None:
    """Whoever knows the address can send one; the night goes on."""
    assert why(SLOW_MAILS[name], "a.eml")


NAMES = [
    *("../../etc/passwd.csv", "/etc/passwd.csv", "a\x00b.csv", "x" * 300 + ".csv", "a\nb.csv"),
    *("\x1b[2J\x1b]0;x\x07.csv", "\u202evsc.exe", "..", "", "con.csv", "[red]a.csv", "a'b\".csv"),
]


@pytest.mark.parametrize("name", NAMES)
def test_what_an_attachment_is_called_is_a_text(name: str, tmp_path: Path) -> None:
    """It is shown, and never a path: what hangs on a mail is read where it is."""
    made = mail("Bonjour", attached={"n.csv": b"consultant,days\nJean Dupont,20\n"})
    part = next(made.iter_attachments())
    part.set_param("filename", name.replace("\n", "\\n"), "Content-Disposition")
    before = sorted(Path.cwd().iterdir()), sorted(tmp_path.iterdir())
    assert read_as(made.as_bytes().replace(b"\\n", b"\n ")).lines.height >= 1
    assert (sorted(Path.cwd().iterdir()), sorted(tmp_path.iterdir())) == before


def test_only_files_of_the_folder_are_read(tmp_path: Path) -> None:
    """Links out of it, devices, pipes and sockets are left alone, and nobody waits for them."""
    folder, outside = tmp_path / "declarations", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "secret.csv").write_text("x")
    (folder / "link.csv").symlink_to(outside / "secret.csv")
    (folder / "folder").symlink_to(outside)
    (folder / "zero.csv").symlink_to("/dev/zero")
    (folder / "loop").symlink_to(folder)
    (folder / "folder.csv").mkdir()
    os.mkfifo(folder / "pipe.csv")
    (folder / "own.csv").write_text("x")
    assert [file.name for file in declared_files(folder)] == ["own.csv"]


def test_a_file_that_is_still_being_written_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a file may declare other days; the next run reads it."""
    (tmp_path / "a.csv").write_text("client,consultant,period,days\nA,B,2026-10,1")
    real = os.fstat
    seen: list[int] = []

    def grown(descriptor: int) -> os.stat_result:
        seen.append(descriptor)
        if len(seen) > 1:
            with (tmp_path / "a.csv").open("a") as more:
                more.write("8.5")
        return real(descriptor)

    monkeypatch.setattr("sources.declarations.os.fstat", grown)
    [found] = declared_files(tmp_path)
    assert (found.id, found.content, found.problem) == (None, None, "changed while it was read")


@pytest.mark.parametrize("seconds", [-1, 10**12, 2**62 // 10**9])
def test_a_clock_gone_mad_stops_no_file(tmp_path: Path, seconds: int) -> None:
    """A file dated in no year is read all the same."""
    (tmp_path / "a.csv").write_text("x")
    try:
        os.utime(tmp_path / "a.csv", (seconds, seconds))
    except OverflowError:
        pytest.skip("this file system keeps no such time")
    [found] = declared_files(tmp_path)
    assert found.content == b"x"


@pytest.mark.properties
@pytest.mark.parametrize("form", ["csv", "xlsx", "eml", "attached"])
def test_p32_any_mutation_of_any_file_ends_in_rows(form: str) -> None:
    """Bytes changed, cut, doubled or put in anywhere: every file has a row, whole or saying why."""
    random = Random(form)  # noqa: S311 - seeded, so that a failure is replayed
    table = b"client,consultant,period,days\nAcme,Jean Dupont,2026-10,18.5\n"
    sound = {
        "csv": table,
        "xlsx": BOOK,
        "eml": mail("Jean Dupont : 18,5 jours", html="<p>Jean Dupont : 18,5 jours</p>").as_bytes(),
        "attached": mail("Bonjour", attached={"a.csv": table, "b.xlsx": BOOK}).as_bytes(),
    }[form]
    pieces = [text[1:-1].encode("utf-8", "surrogatepass") for text in TEXTS[:-1]]
    for _ in range(150):
        content = bytearray(sound)
        for _ in range(random.choice((1, 2, 8))):
            at = random.randrange(len(content))
            end = at + random.choice((0, 1, 1, 20))
            content[at:end] = random.choice(
                [random.randbytes(1), b"", content[at:end] * 2, random.choice(pieces)]
            )
        got = read_as(bytes(content), "a.eml" if form == "attached" else f"a.{form}")
        assert got.lines.height >= 1
        whole = got.lines.filter(got.lines["problem"].is_null())
        nothing = whole.select("consultant", "period", "days").null_count()
        assert nothing.sum_horizontal().sum() == 0
