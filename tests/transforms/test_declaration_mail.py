"""What a mail declares."""

from datetime import UTC, datetime
from decimal import Decimal
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.mails import mail, read_as, told

OCTOBER = "2026-10"
JEAN = ("Jean Dupont", "20", OCTOBER)
LEAST = Decimal("0.85")


def sure(line: str) -> tuple[Decimal, str | None]:
    """Confidence of a mail's only line, and what lowers it."""
    [row] = read_as(mail(line)).lines.select("confidence", "doubt").rows()
    return row[0], row[1]


def problems(*body: str, **more: object) -> list[str]:
    """What of a mail could not be read."""
    return read_as(mail(*body, **more)).lines["problem"].drop_nulls().to_list()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "name", "days"),
    [
        ("Jean Dupont : 20 jours", "Jean Dupont", "20"),
        ("DUPONT Jean 20,5 j", "DUPONT Jean", "20.5"),
        ("LEVIN Jon | Project X | 7 d | 4\u202f606\u00a0€", "LEVIN Jon", "7"),
        ("- M. Jean Dupont\u00a0: 20\u202fjrs", "Jean Dupont", "20"),
        ("Jean-Pierre O'Neill: 0.5 day", "Jean-Pierre O'Neill", "0.5"),
        ("Jean Dupont (CTR-7) - 20 days", "Jean Dupont", "20"),
    ],
)
def test_a_line_of_the_grammar_is_sure(line: str, name: str, days: str) -> None:
    """The forms of the specification, however spaced, are read above the limit."""
    assert told(line) == [(name, days, OCTOBER)]
    assert sure(line)[0] >= LEAST


def test_project_and_amount_stand_beside_the_days() -> None:
    """What is no name is a label, what has a currency is the amount."""
    row = read_as(mail("LEVIN Jon | Project X | 7 d | 4 606 €")).lines.row(0, named=True)
    assert (row["label"], row["amount"], row["currency"]) == ("Project X", Decimal(4606), "EUR")


@pytest.mark.parametrize(
    "line",
    [
        "Jean Dupont : environ 20 jours",
        "Jean Dupont : 20 jours dont 2 en télétravail",
        "Jean Dupont : 20 jours et demi",
        "Jean Dupont : 20",
        "jean dupont 20 jours",
        "Jean Dupont a fait 20 jours",
        "Jean Dupont : 2 jours de congés",
        "Jean Dupont : 18-20 jours",
    ],
)
def test_an_uncertain_line_is_below_the_limit(line: str) -> None:
    """A person reads it, and sees why."""
    confidence, doubt = sure(line)
    assert confidence < LEAST
    assert doubt


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Jean Dupont : vingt jours", "no number"),
        ("Jean Dupont : 140 heures", "hours"),
        ("Jean Dupont : 32 jours", "between 0 and 31"),
        ("Jean Dupont : -2 jours", "between 0 and 31"),
        ("Jean Dupont : +2 jours", "more or fewer"),
        ("20 jours", "without a name"),
        ("Jean Dupont | 5 | 5 | 4", "several counts"),
        ("Jean : 3 j, Paul : 4 j", "several counts"),
    ],
)
def test_a_line_that_cannot_be_read_is_kept(line: str, why: str) -> None:
    """What looks like a declaration is a row with its problem."""
    [row] = read_as(mail(line)).lines.to_dicts()
    assert why in row["problem"]
    assert (row["problem_code"], row["line_text"]) == ("DECLARATION_UNREADABLE", line)


def test_greetings_signatures_and_terms_declare_nothing() -> None:
    """Only the person's line is one."""
    body = ("Bonjour,", "Voici octobre 2026 :", "Jean Dupont : 20 jours", "Règlement à 30 jours")
    assert told(*body, "Cordialement,", "Anne Roy", "Tél : 01 23 45 67 89") == [JEAN]
    assert problems(*body, "Cordialement,", "Anne Roy", "12 rue de la Paix") == []


def test_people_on_one_line_are_told_apart() -> None:
    """Each name has its own days."""
    line = "Jean Dupont : 20 jours ; Paul Martin : 18 jours"
    assert told(line) == [JEAN, ("Paul Martin", "18", OCTOBER)]


@pytest.mark.parametrize(("total", "less"), [("38", False), ("38,5", True)])
def test_a_total_is_checked_and_declares_nothing(total: str, less: bool) -> None:
    """One that says otherwise makes all lines unsure."""
    got = read_as(mail("Jean Dupont : 20 j", "Paul Martin : 18 j", f"Total : {total} jours")).lines
    assert got.height == 2
    assert (got["confidence"] < LEAST).all() == less


def test_subtotals_are_checked_against_their_own_lines() -> None:
    """A total tells the lines since the last, or all."""
    body = ("Jean Dupont : 20 j", "Total 20 j", "Paul Martin : 18 j", "Total 18 j", "Total : 38 j")
    assert (read_as(mail(*body)).lines["confidence"] == 1).all()


@pytest.mark.parametrize(
    "mark",
    [
        ["Le 1 nov. 2026 à 10:00, Moi <a@b.fr> a écrit :", "> Paul Martin : 3 jours"],
        ["On Mon, Nov 2, 2026, Me wrote:", "Paul Martin : 3 jours"],
        ["-----Original Message-----", "Paul Martin : 3 jours"],
        ["De : Moi <a@b.fr>", "Envoyé : lundi", "Paul Martin : 3 jours"],
        ["> Paul Martin : 3 jours"],
    ],
)
def test_quoted_mails_declare_nothing(mark: list[str]) -> None:
    """What an earlier mail said is not said again."""
    assert told("Jean Dupont : 20 jours", *mark) == [JEAN]


def test_an_answer_below_a_quote_is_read() -> None:
    """Only the marked lines are old."""
    body = (
        "Le 1 nov. 2026, Moi a écrit :",
        "> Paul Martin : 3 jours",
        "",
        "Jean Dupont : 20 jours",
    )
    assert told(*body) == [JEAN]


def test_a_forwarded_table_is_read_and_unsure() -> None:
    """A colleague's table stands, for a person to read."""
    got = read_as(
        mail("---- Message transféré ----", "Jean Dupont : 20 jours", subject="TR: octobre 2026")
    )
    assert got.lines["doubt"].item() == "in a forwarded mail"
    assert got.lines["confidence"].item() < LEAST


TABLE = (
    "<table><tr><th>Nom</th><th>Prénom</th><th>Nb jours</th><th>Montant HT</th></tr>"
    "<tr><td><p>Dupont</p></td><td><p>Jean</p></td><td>20</td><td>13 160,00</td></tr>"
    "<tr><td>Martin</td><td>Paul</td><td></td><td></td></tr>"
    "<tr><td>Total</td><td></td><td>20</td><td>13 160,00</td></tr></table>"
)


def html_only(html: str) -> EmailMessage:
    """A mail without plain text."""
    made = mail("x")
    made.set_content(html, subtype="html")
    return made


def test_a_table_is_read_by_its_headings() -> None:
    """The heading tells the unit, no currency is guessed; a blank count is a problem."""
    jean, paul = read_as(html_only(TABLE)).lines.to_dicts()
    assert (jean["consultant"], jean["days"], jean["confidence"]) == ("Jean Dupont", 20, 1)
    assert (jean["amount"], jean["currency"]) == (Decimal(13160), None)
    assert (paul["consultant"], paul["problem"]) == ("Paul Martin", "days is missing")


def test_lists_are_read_and_hidden_text_is_not() -> None:
    """What the reader does not see does not count."""
    html = (
        "<style>p{}</style><ul><li>Jean Dupont : 20 jours</li></ul>"
        "<p style='display:none'>Paul Martin : 9 jours</p>"
        "<blockquote>Anne Roy : 4 jours</blockquote>"
    )
    lines = read_as(html_only(html)).lines
    assert lines.select("consultant", "days").rows() == [("Jean Dupont", 20)]


def test_texts_of_one_mail_that_differ_are_unsure() -> None:
    """Plain and HTML must say the same."""
    same, other = (
        read_as(mail("Jean Dupont : 20 j", html=f"<p>Jean Dupont : {days} j</p>")).lines
        for days in ("20", "21")
    )
    assert (same.height, same["confidence"].item()) == (1, 1)
    assert other["doubt"].item() == "plain and HTML texts differ"


CSV = b"consultant;days\nJean Dupont;20\n"


def test_attached_tables_belong_to_the_mail() -> None:
    """The mail's month is theirs, and what text and table both say counts once."""
    assert told("Voir ci-joint", attached={"jours.csv": CSV}) == [JEAN]
    assert told("Jean Dupont : 20 jours", attached={"jours.csv": CSV}) == [JEAN]
    differing = read_as(mail("Jean Dupont : 21 jours", attached={"jours.csv": CSV})).lines
    assert set(differing["doubt"]) == {"text and attachment differ"}
    assert (differing["confidence"] < LEAST).all()


def test_an_attachment_that_cannot_be_read_is_said() -> None:
    """A broken table is a row, a form that nobody reads a remark, a logo nothing."""
    assert "no header" in problems("Jean Dupont : 20 j", attached={"a.csv": b"x"})[0]
    got = read_as(mail("Jean Dupont : 20 j", attached={"a.pdf": b"x", "logo.png": b"x"}))
    assert got.remarks == ("attached a.pdf was not read",)


def test_a_mail_on_a_mail_is_read_and_unsure() -> None:
    """Its sender is the outer one."""
    outer = mail("Voir ci-joint")
    outer.add_attachment(mail("Jean Dupont : 20 jours", sender="x@y.fr"))
    got = read_as(outer)
    assert got.declaration["sender"].item() == "achats@acme.fr"
    assert got.lines["doubt"].item() == "in a mail that hangs on another"


def test_a_mail_that_declares_nothing_is_unreadable() -> None:
    """It asks for a person."""
    got = read_as(mail("Bien reçu, merci."))
    assert (got.declaration["status"].item(), got.lines["line_no"].item()) == ("unreadable", 0)


def test_a_line_said_twice_is_unsure() -> None:
    """Twenty days written twice are not forty without a person's word."""
    assert (read_as(mail(*["Jean Dupont : 20 jours"] * 2)).lines["confidence"] < LEAST).all()


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("iso-8859-1", "utf-8"), ("utf-8", "cp1252"), ("nonsense", "utf-8"), ("us-ascii", "cp1252")],
)
def test_a_charset_that_lies_is_not_believed(charset: str, encoding: str) -> None:
    """The bytes tell their own."""
    head = f"From: a@b.fr\nSubject: octobre 2026\nContent-Type: text/plain; charset={charset}\n\n"
    got = read_as(head.encode() + "Zoé Lévêque : 3 jours".encode(encoding))
    assert got.lines["consultant"].item() == "Zoé Lévêque"


def test_without_a_month_the_lines_are_held() -> None:
    """The days are kept, the month is for a person to say."""
    [row] = read_as(mail("Jean Dupont : 20 jours", subject="Jours")).lines.to_dicts()
    assert (row["problem_code"], row["days"], row["period"]) == ("PERIOD_AMBIGUOUS", 20, None)


def test_a_month_of_last_year_is_unsure() -> None:
    """By the rule `octobre` of 20 October is that of the year before: a person looks at it."""
    sent = datetime(2026, 10, 20, tzinfo=UTC)
    row = read_as(mail("Jean Dupont : 20 jours", subject="octobre", sent=sent)).lines
    assert (row["period"].item(), row["doubt"].item()) == ("2025-10", "a month long ago")


def test_a_date_that_lies_ahead_is_not_believed() -> None:
    """It would stand before every later correction."""
    got = read_as(mail("Jean Dupont : 20 jours", sent=datetime(2027, 1, 1, tzinfo=UTC)))
    assert got.declaration["sent_at"].item() is None
    assert got.remarks == ("its date is missing or not believed",)


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        ('"achats@acme.fr" <evil@y.fr>', "evil@y.fr"),
        ("=?utf-8?q?achats=40acme=2Efr_=3C?= <evil@y.fr>", "evil@y.fr"),
        ("achats@acme.fr, evil@y.fr", None),
        ("achats@acme.fr <evil@y.fr", None),
        ("ACHATS@Acme.FR", "achats@acme.fr"),
        ("nobody", None),
    ],
)
def test_the_author_is_an_address_and_no_name(header: str, sender: str | None) -> None:
    """A displayed name that looks like an address fools nobody."""
    content = f"From: {header}\nSubject: octobre 2026\n\nJean Dupont : 20 jours"
    assert read_as(content.encode()).declaration["sender"].item() == sender


def test_two_from_lines_name_no_author() -> None:
    """Which of them a reader shows nobody knows."""
    content = b"From: a@acme.fr\nFrom: b@acme.fr\nSubject: octobre 2026\n\nJean Dupont : 20 jours"
    assert read_as(content).declaration["sender_problem"].item()


def test_failed_authentication_is_kept() -> None:
    """A mail whose servers doubt it says so."""
    made = mail("Jean Dupont : 20 jours")
    made["Authentication-Results"] = "mx.esn.example; spf=pass; dkim=fail; dmarc=fail"
    problem = read_as(made).declaration["sender_problem"].item()
    assert problem == "authentication failed: dkim, dmarc"


def test_a_receiving_server_that_refuses_is_believed() -> None:
    """Its older header counts too."""
    made = mail("Jean Dupont : 20 jours")
    made["Received-SPF"] = "Fail (acme.fr does not designate 1.2.3.4)"
    assert read_as(made).declaration["sender_problem"].item() == "authentication failed: spf"


_PIECES = st.sampled_from(
    [
        *(
            "From: a@b.fr\n",
            "Subject: =?utf-8?b?",
            "?=",
            "Date: 31 Feb\n",
            "\n\n",
            "\n",
            "> ",
            "--x",
        ),
        *("Content-Type: multipart/mixed; boundary=x\n", "Content-Type: message/rfc822\n"),
        *("Content-Type: text/html; charset=utf-7\n", "Content-Transfer-Encoding: base64\n"),
        *("<table><tr><td>", "<![CDATA[", "<!x", "&#xd800;", "</", "Jean Dupont", " : ", " | "),
        *("20 jours", "99999999999 j", "4 606 €", "Total", "octobre", "2026", "\u202f", "\x00"),
    ]
)
_CONTENT = st.binary(max_size=200) | st.lists(_PIECES | st.text(max_size=5), max_size=30).map(
    lambda pieces: "".join(pieces).encode("utf-8", "surrogatepass")
)


@pytest.mark.properties
@given(_CONTENT, st.sampled_from([".eml", ".xlsx", ".csv", ".pdf"]))
def test_p32_any_file_ends_in_rows(content: bytes, suffix: str) -> None:
    """No content of any form crashes, and none leaves without a row that is whole or says why."""
    got = read_as(content, f"a{suffix}").lines
    whole = got.filter(got["problem"].is_null())
    assert got.height >= 1
    assert whole.select("consultant", "period", "days").null_count().sum_horizontal().sum() == 0
    assert got["confidence"].is_between(0, 1).all()
    assert (got["problem"].is_null() == got["problem_code"].is_null()).all()
