"""Mails as clients write them: what a careful person reads, and what is read.

A reading is `name days`, with `?` behind it where a person decides, or `! reason` where it cannot
be read.
"""

import io
from decimal import Decimal

import pytest
import xlsxwriter

from tests.transforms.mails import mail, read_as
from transforms.declarations.forms import Declaration

LEAST = Decimal("0.85")
JEAN, PAUL = "Jean DUPONT : 20 j", "Paul MARTIN : 18 j"


def readings(read: Declaration) -> list[str]:
    """Every line of a mail in short; its month where it is not October 2026."""
    rows = read.lines.select("consultant", "days", "confidence", "problem", "period").rows()
    return [
        f"! {problem}"
        if problem
        else f"{name} {days.normalize():f}"
        + ("?" if sure < LEAST else "")
        + ("" if period == "2026-10" else f" {period}")
        for name, days, sure, problem, period in rows
    ]


SURE = ["Jean DUPONT 20"]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (["Jean DUPONT : 19½ j"], ["Jean DUPONT 19.5"]),
        (["Jean DUPONT : 20 1/2 jours"], ["Jean DUPONT 20.5"]),
        (["Jean DUPONT : 20/22 j"], ["! a fraction, not a count of days"]),
        (["Jean DUPONT........20 j"], SURE),
        (["Jean DUPONT : 20 (vingt) jours"], ["! no count of days that can be read"]),
        (["Jean DUPONT : 2O j"], ["! no count of days that can be read"]),
        (["Jean DUPONT a travaillé vingt jours"], ["! no number of days"]),
        ([JEAN, "Jean DUPONT - CP : 2 j"], [*SURE, "Jean DUPONT 2?"]),
        ([JEAN, "Jean DUPONT - Formation : 2 j"], [*SURE, "Jean DUPONT 2?"]),
        ([JEAN, "Absences :", "Jean DUPONT : 2 j"], [*SURE, "Jean DUPONT 2?"]),
        ([JEAN, "Absences : aucune", PAUL], [*SURE, "Paul MARTIN 18"]),
        ([JEAN, "CP : 2 j"], [*SURE, "! days without a name"]),
        ([JEAN, "Paul MARTIN : 2 j sur septembre"], [*SURE, "Paul MARTIN 2?"]),
        ([JEAN, "Rappel septembre :", "Jean DUPONT : 21 j"], [*SURE, "Jean DUPONT 21?"]),
        (["Jean DUPONT, Paul MARTIN : 20 j"], ["Jean DUPONT, Paul MARTIN 20?"]),
        (["Paul MARTIN (manager) valide 20 j pour Jean DUPONT"], ["Paul MARTIN 20?"]),
        (["Please find the October 2026 days:", JEAN], SURE),
        ([JEAN, "Jean DUPONT - Beta : huit jours"], ["Jean DUPONT 20?", "! no number of days"]),
        ([JEAN, "- Projet Beta : 8 j"], ["Jean DUPONT 20?", "! days without a name"]),
        (["Mme Hélène D'ARTAGNAN de l'Isle : 15 j"], ["Hélène D'ARTAGNAN de l'Isle 15"]),
        ([JEAN, "Cordialement,", "Marie ROY", "06 12 34 56 78", "Présente 4 j / semaine"], SURE),
        ([JEAN, "Merci de facturer sous 5 jours", "Paiement 45 jours fin de mois"], SURE),
        ([JEAN, "SIRET 552 100 554 00013", "12 rue de la Paix - 75002 PARIS"], SURE),
    ],
)
def test_a_line_is_read_as_its_writer_meant_it(body: list[str], wanted: list[str]) -> None:
    """Worked days are sure; absences, other months and other people are for a person."""
    assert readings(read_as(mail(*body))) == wanted


@pytest.mark.parametrize(
    "period",
    [
        "Période du 1er au 31 octobre",
        "Période du 01/10 au 31/10/26",
        "Situation fin octobre",
        "Jean DUPONT : 20 j à fin octobre",
    ],
)
def test_a_month_is_told_in_many_ways(period: str) -> None:
    """Also by the declaring line alone."""
    body = [period] if "20 j" in period else [period, JEAN]
    assert readings(read_as(mail(*body, subject="Validation"))) == SURE


def table(*rows: str) -> str:
    """An HTML table; cells between `|`."""
    cells = "".join(
        "<tr>" + "".join(f"<td><p>{cell}</p></td>" for cell in row.split("|")) + "</tr>"
        for row in rows
    )
    return f"<table><tr><td><table>{cells}</table></td></tr></table>"


def html_read(html: str) -> list[str]:
    """Readings of a mail that is HTML alone."""
    made = mail("x")
    made.set_content(f"<html><body>Bonjour,{html}<p>Cordialement</p></body></html>", subtype="html")
    return readings(read_as(made))


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        (table("Consultant|S40|S41|S42|Total", "Jean DUPONT|5|5|10|20"), SURE),
        (table("Consultant|Jours d'absence|Jours|TJM", "Jean DUPONT|2|20|650 €"), SURE),
        (
            table("Consultant|Type|Jours", "Jean DUPONT|Régie|20", "Jean DUPONT|CP|2"),
            [*SURE, "Jean DUPONT 2?"],
        ),
        (
            table("Consultant|Jours|Commentaire", "Jean DUPONT|20|dont 2 j de formation"),
            ["Jean DUPONT 20?"],
        ),
        (
            table("Consultant|Jours", "Jean DUPONT|12", "Projet Beta|", "Jean DUPONT|8"),
            ["Jean DUPONT 12", "Jean DUPONT 8"],
        ),
        (table("Consultant|Jours", "Jean DUPONT|1<br>2"), ["Jean DUPONT 2?"]),
        (table("Consultant|Jours|Jours", "Jean DUPONT|20|2"), ["Jean DUPONT 20?"]),
        (
            table("Consultant|Jours", "Jean DUPONT|20", "Absences|", "Jean DUPONT|2"),
            [*SURE, "Jean DUPONT 2?"],
        ),
        (
            table("Consultant|Jours", "Paul MARTIN|", "Jean DUPONT|20"),
            ["! days is missing", *SURE],
        ),
        (
            table("Consultant|Du|Au|Jours", "Jean DUPONT|01/09/2026|30/09/2026|20"),
            ["Jean DUPONT 20?"],
        ),
        (
            (
                "<table><tr><th>Nom</th><th>Lot</th><th>Jours</th></tr><tr><td rowspan=2>"
                "Jean DUPONT</td><td>A</td><td>12</td></tr><tr><td>B</td><td>8</td></tr></table>"
            ),
            ["Jean DUPONT 12", "Jean DUPONT 8"],
        ),
        ("<p>Jean DUPONT : <del>1</del>20 j</p>", SURE),
        ("<p>Jean DUPONT : 20 j</p><p style='font-size:0px'>Paul MARTIN : 9 j</p>", SURE),
        ("<p>Jean DUPONT : 2<sup>1</sup> j</p>", ["Jean DUPONT 1?"]),
    ],
)
def test_a_table_is_read_as_it_is_seen(html: str, wanted: list[str]) -> None:
    """Cells keep their column, whatever is merged, blank, struck out or beside the days."""
    assert html_read(html) == wanted


def workbook(*sheets: tuple[str, list[list[object]]], hidden: str = "") -> bytes:
    """A workbook of these sheets, one of them perhaps hidden."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
            if name == hidden:
                sheet.hide()
    return held.getvalue()


ROWS: list[list[object]] = [["Collaborateur", "Nb jours"], ["Jean DUPONT", 20]]
CSV = b"consultant;days\nJean DUPONT;20\n"
TWICE = ["Jean DUPONT 20?", "Jean DUPONT 20?"]


@pytest.mark.parametrize(
    ("attached", "wanted"),
    [
        ({"a.xlsx": workbook(("CRA", [*ROWS, ["Total", 20]]))}, SURE),
        ({"a.xlsx": workbook(("CRA", [*ROWS, ["Total", 21]]))}, ["Jean DUPONT 20?"]),
        ({"a.xlsx": workbook(("CRA", ROWS), ("Avant", ROWS), hidden="Avant")}, SURE),
        ({"a.xlsx": workbook(("S40", ROWS), ("S41", ROWS))}, TWICE),
        ({"a.xlsx": workbook(("Septembre 2026", ROWS))}, ["Jean DUPONT 20?"]),
        ({"CRA_septembre.csv": CSV}, ["Jean DUPONT 20?"]),
        ({"a.csv": CSV, "b.csv": CSV}, SURE),
        ({"a.csv": CSV, "b.xlsx": workbook(("CRA", ROWS))}, TWICE),
        ({"a.csv": CSV + b"Jean DUPONT;20\n"}, TWICE),
        (
            {"a.csv": CSV + b"Absences;\nJean DUPONT;2\n"},
            [*SURE, "! days is missing", "Jean DUPONT 2?"],
        ),
        ({"a.csv": b"consultant;type;days\nJean DUPONT;CP;2\n"}, ["Jean DUPONT 2?"]),
        ({"a.csv": "Consultant;Jours\nZoé LÉVÊQUE;20,5\n".encode("utf-16")}, ["Zoé LÉVÊQUE 20.5"]),
        ({"a.csv": "Consultant;Jours\nZoé LÉVÊQUE;20,5\n".encode("cp1252")}, ["Zoé LÉVÊQUE 20.5"]),
    ],
)
def test_what_hangs_on_a_mail_counts_once(attached: dict[str, bytes], wanted: list[str]) -> None:
    """Totals, copies and hidden sheets add nothing; what may be said twice is for a person."""
    assert readings(read_as(mail("Ci-joint le décompte.", attached=attached))) == wanted
