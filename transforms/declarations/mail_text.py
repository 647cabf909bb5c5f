"""The lines of a mail's text: cells of tables told apart, quotes and signatures marked."""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString
from bs4.exceptions import ParserRejectedMarkup

from transforms.declarations.forms import UnreadableError

_SPACES = re.compile(r"[^\S\n|]")
_UNSEEN = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")
_EDGE = "\x1f"
"""Stands between two cells of a table, also of empty ones."""
_PARTS = {"½": ",5", "¼": ",25", "¾": ",75"}
_PART = re.compile(r"(\d{0,9})[ \u00a0\u202f]?([½¼¾])")
_HALF = re.compile(
    r"(?<![\d/.,])(?:(\d+)[ \u00a0\u202f]+)?1/2(?=\s*(?:j|d|journ[ée]es?|jours?|days?)\b)",
    re.IGNORECASE,
)
_CELLS = re.compile(r"\s*\|\s*|\s{3,}")
_WROTE = re.compile(
    r"^\s*(le\b.{0,200}\ba écrit|on\b.{0,200}\bwrote|am\b.{0,200}\bschrieb)\s*:?\s*$",
    re.IGNORECASE,
)
_BELOW_IS_OLD = re.compile(
    r"^\W{3,}\s*(original message|message d.origine|message original|forwarded message"
    r"|message transféré|début du message)\b"
    r"|^\s*(début du message (réexpédié|transféré)|begin forwarded message)",
    re.IGNORECASE,
)
_OLD_FROM = re.compile(r"^\s*(de|from|von)\s*:\s*\S", re.IGNORECASE)
_OLD_SENT = re.compile(r"^\s*(envoyé|sent|date|gesendet|le)\b.{0,10}:\s*\S", re.IGNORECASE)
_FAREWELL = re.compile(
    r"^\W*(--|(bien )?cordialement|(bien )?à vous|sincères salutations|salutations|bonne journée"
    r"|bonne soirée|bonne réception|(best|kind|warm) regards|regards|best|sincerely|yours|cheers"
    r"|merci|thanks|thank you)\b[\w\s,.!]{0,25}$|^\s*--\s*$|^\s*_{5,}\s*$",
    re.IGNORECASE,
)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|line-through"
    r"|font-size\s*:\s*0(?![.\d]*[1-9])",
    re.IGNORECASE,
)
_BLOCKS = re.compile(
    "address|article|blockquote|br|caption|dd|div|dl|dt|fieldset|footer|form|h[1-6]|header|hr|li"
    "|main|ol|p|pre|section|table|tbody|tfoot|thead|tr|ul"
)
_QUOTES = frozenset({"gmail_quote", "yahoo_quoted", "moz-cite-prefix"})
_UNSEEN_TAGS = frozenset(
    {"script", "style", "head", "title", "template", "noscript", "s", "strike", "del"}
)
_MOST_MERGED = 5_000
_WIDEST = 1_000
_LONGEST_HTML = 2 * 1024 * 1024
_MOST_TAGS = 50_000
_MOST_UNCLOSED = 100
_LONGEST_LINE = 5_000
"""Beyond it a line is no longer taken apart; no table that people write is as wide."""
_PICTURE = re.compile(r"data:[\w/+.;=-]{1,100},[A-Za-z0-9+/=%\s]+")


@dataclass(frozen=True)
class Line:
    """One line of a mail.

    Attributes:
        number: from 1.
        text: with plain spaces only.
        cells: what stands between `|`, tabs and wide gaps; the whole text where nothing does.
        quoted: whether it is of an earlier mail.
        after_farewell: whether it stands below the greeting at the end.
        under: the heading that it stands under.
    """

    number: int
    text: str
    cells: tuple[str, ...]
    quoted: bool = False
    after_farewell: bool = False
    under: str = ""


def text_lines(text: str) -> list[Line]:
    """The lines of a plain text."""
    seen = _UNSEEN.sub("", text)
    written = re.split(r"\r\n|\r|\n|\u2028|\u2029|\x0b|\x0c", seen)
    return _marked(
        [
            Line(number, _shown(line.replace("\t", _EDGE)), _cells(line.replace("\t", _EDGE)))
            for number, line in enumerate(written, start=1)
        ]
    )


def html_lines(html: str) -> list[Line]:
    """The lines that a reader of the HTML sees; a table's row is one line.

    Raises:
        UnreadableError: it is so large, or has so many tags, that nobody wrote it.
    """
    html = _PICTURE.sub("", html)
    tags = html.count("<")
    if len(html) > _LONGEST_HTML or tags > _MOST_TAGS:
        raise UnreadableError("HTML of more than 2 MB or 50000 tags")
    if tags - html.count(">") > _MOST_UNCLOSED:
        # the parser looks for the end of each of them to the end of the text
        return text_lines(re.sub(r"<[^<>]*>", " ", html))
    try:
        with warnings.catch_warnings():
            # texts that look like a path or like XML are texts all the same
            warnings.simplefilter("ignore")
            soup = BeautifulSoup(html, "html.parser")
    except (ParserRejectedMarkup, AssertionError, ValueError, RecursionError):
        # the standard library's parser refuses some malformed declarations
        return text_lines(re.sub(r"<[^<>]*>", " ", html))
    _spread(soup)
    return text_lines("".join(_Reader().read(soup)))


def _spread(soup: BeautifulSoup) -> None:
    """Puts what spans several rows into each of them, and blanks where it spans columns.

    Raises:
        UnreadableError: so much is merged that nobody wrote it.
    """
    wide, tall = (
        [(cell, _spanned(cell, name)) for cell in soup.find_all(["td", "th"], attrs={name: True})]
        for name in ("colspan", "rowspan")
    )
    if sum(span - 1 for _, span in [*wide, *tall]) > _MOST_MERGED:
        raise UnreadableError(f"more than {_MOST_MERGED} merged cells")
    for cell, columns in wide:
        for _ in range(columns - 1):
            cell.insert_after(soup.new_tag("td"))
    for cell, rows in tall:
        if rows > 1:
            _put_below(soup, cell, rows - 1)


def _put_below(soup: BeautifulSoup, cell: Tag, rows: int) -> None:
    row, at = cell.find_parent("tr"), len(cell.find_previous_siblings(["td", "th"]))
    for below in row.find_next_siblings("tr", limit=rows) if row else []:
        said = soup.new_tag("td")
        said.string = "" if cell.find("table") else cell.get_text(" ")
        cells = below.find_all(["td", "th"], recursive=False)
        if at < len(cells):
            cells[at].insert_before(said)
        else:
            below.append(said)


def _spanned(cell: Tag, name: str) -> int:
    """How many columns or rows a cell spans; as browsers do, at most 1,000."""
    written = str(cell.get(name)).strip()
    return max(1, min(int(written), _WIDEST)) if re.fullmatch(r"[0-9]{1,6}", written) else 1


def _shown(line: str) -> str:
    return _SPACES.sub(" ", line.replace(_EDGE, " | ")).strip()


def _cells(line: str) -> tuple[str, ...]:
    if len(line) > _LONGEST_LINE:
        return (_shown(line),)
    line = _HALF.sub(lambda found: f"{found[1] or 0},5", _PART.sub(_decimal, line))
    if _EDGE in line:
        return tuple(_SPACES.sub(" ", cell).strip() for cell in line.split(_EDGE))
    plain = _SPACES.sub(" ", line).strip().strip("|")
    return tuple(cell.strip() for cell in _CELLS.split(plain.strip()))


def _decimal(found: re.Match[str]) -> str:
    return (found[1] or "0") + _PARTS[found[2]]


class _Reader:
    """What somebody sees who reads an HTML text from its beginning to its end.

    Without recursion: mails nest deeper than Python's stack.
    """

    def __init__(self) -> None:
        self._open: list[Tag] = []
        self._unseen = 0
        self._quoted = 0
        self._in_cell = 0

    def read(self, soup: BeautifulSoup) -> Iterator[str]:
        """Yields the text in pieces, line breaks, cell marks and quote marks included."""
        for node in soup.descendants:
            while self._open and self._open[-1] is not node.parent:
                yield self._closed(self._open.pop())
            if isinstance(node, Tag):
                yield self._opened(node)
                self._open.append(node)
            elif isinstance(node, NavigableString) and self._shows(node):
                yield re.sub(r"[ \t\r\n\f]+", " ", str(node))

    def _shows(self, node: NavigableString) -> bool:
        return not self._unseen and not isinstance(node, PreformattedString)

    def _opened(self, tag: Tag) -> str:
        self._count(tag, 1)
        if tag.name in {"td", "th"} and tag.find_previous_sibling(["td", "th"]):
            return _EDGE
        # a note's number is no digit of the count before it
        note = tag.name == "sup" and re.fullmatch(r"\s*\(?\d+\)?\s*", tag.get_text())
        return " " if note else self._break(tag)

    def _closed(self, tag: Tag) -> str:
        said = self._break(tag)
        self._count(tag, -1)
        return said

    def _break(self, tag: Tag) -> str:
        if not _BLOCKS.fullmatch(tag.name):
            return ""
        return " " if self._in_cell else "\n" + "> " * bool(self._quoted)

    def _count(self, tag: Tag, step: int) -> None:
        style = str(tag.get("style") or "")
        if tag.name in _UNSEEN_TAGS or _HIDDEN.search(style):
            self._unseen += step
        if tag.name == "blockquote" or _QUOTES & set(tag.get_attribute_list("class")):
            self._quoted += step
        if tag.name in {"td", "th"} and _is_of_a_list(tag):
            self._in_cell += step


def _is_of_a_list(cell: Tag) -> bool:
    """Whether a table's cell is one of several in a row and holds no table: no mere layout."""
    others = cell.find_next_sibling(["td", "th"]) or cell.find_previous_sibling(["td", "th"])
    return others is not None and cell.find("table") is None


def _marked(lines: Sequence[Line]) -> list[Line]:
    """The lines that say something, marked where they are old or below the farewell."""
    told = []
    old = below = False
    for at, line in enumerate(lines):
        old = old or _begins_old(lines, at)
        own = line.text.startswith(">")
        below = below or (not old and not own and bool(_FAREWELL.match(line.text)))
        if line.text:
            told.append(replace(line, quoted=old or own, after_farewell=below))
    return told


def _begins_old(lines: Sequence[Line], at: int) -> bool:
    """Whether all that follows is of an earlier mail.

    After "… a écrit :" that is so unless each old line bears its mark: an answer may stand below.
    """
    text = lines[at].text
    if _BELOW_IS_OLD.match(text):
        return True
    following = [line.text for line in lines[at + 1 : at + 6] if line.text]
    if _WROTE.match(text) or (following and _WROTE.match(f"{text} {following[0]}")):
        return not any(line.startswith(">") for line in following[:2])
    return bool(_OLD_FROM.match(text)) and any(map(_OLD_SENT.match, following[:3]))
