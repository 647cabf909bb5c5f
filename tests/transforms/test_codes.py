"""The document of the codes is the legend's own word."""

from pathlib import Path

from transforms.words import codes
from transforms.words.legend import legend


def test_the_document_is_what_the_legend_says() -> None:
    """A stale document is refused: `python -m transforms.words.codes` writes it anew."""
    assert codes.PLACE.read_text(encoding="utf-8") == codes.document()


def test_every_code_has_a_line_in_each_language() -> None:
    """None is left out, and none stands twice."""
    assert codes.document().count("\n| `") == 2 * len(legend("fr"))


def test_it_is_written_where_it_is_told(tmp_path: Path) -> None:
    """The command writes the same document."""
    codes.write(tmp_path / "codes.md")
    assert (tmp_path / "codes.md").read_text(encoding="utf-8") == codes.document()
