"""Names as people write them."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.names import best_fuzzy, plain, prepared


def say(name: str) -> str:
    """The name as prepared."""
    return pl.DataFrame({"name": [name]}).select(prepared(pl.col("name"))).item()


def people(*names: str) -> pl.DataFrame:
    """Names as keys, and as prepared."""
    return pl.DataFrame({"key": list(names), "name": [say(name) for name in names]})


def best(declared: str, *known: str) -> tuple[str, str | None]:
    """The verdict on a declared name."""
    found = best_fuzzy(people(declared), people(*known))
    return found.select("verdict", "candidate").row(0) if found.height else ("nobody", None)


@pytest.mark.parametrize(
    "written",
    [
        "DUPONT Jean",
        "jean  dupont",
        "Jean-Dupont",
        "DUPONT, Jéan",
        "Jean\u00a0DUPONT",
        "Jean’Dupont",
    ],
)
def test_case_accents_order_and_hyphens_say_nothing(written: str) -> None:
    """One person, however the name is written."""
    assert say(written) == "dupont jean"


def test_ligatures_are_written_out() -> None:
    """An œ is an o and an e."""
    assert say("Jean Lebœuf") == say("LEBOEUF jean")


def test_plain_keeps_the_order() -> None:
    """A company's words stay where they are."""
    assert pl.select(plain(pl.lit("L'Île-Verte  SAS"))).item() == "l ile verte sas"


def test_lone_alike_name_is_taken() -> None:
    """A score of 92 or more with nobody near is the person."""
    assert best("Jean Duponnt", "Jean Dupont", "Paul Martin") == ("taken", "Jean Dupont")


def test_two_close_names_are_ambiguous() -> None:
    """Less than 5 ahead of the second names nobody."""
    verdict = best("Jean Dupontelle", "Jean Dupontella", "Jean Dupontelli")
    assert verdict == ("ambiguous", None)


def test_five_ahead_is_enough() -> None:
    """A second that scores 95 leaves the one of 100 the person."""
    verdict = best("abcdefghi klmnopqrst", "abcdefghi klmnopqrst", "abcdefghi klmnopqrsx")
    assert verdict == ("taken", "abcdefghi klmnopqrst")


def test_far_names_are_candidates_only() -> None:
    """Below 92 nobody is taken, from 80 up a candidate is told."""
    found = best_fuzzy(people("Jean Dupond"), people("Jean Dupont"))
    assert found["verdict"].item() == "none"
    assert "dupont jean (Jean Dupont) 90.9" in found["candidates"].item()


def test_groups_keep_to_themselves() -> None:
    """A name of another group is no candidate."""
    left = people("Jean Dupont").with_columns(group=pl.lit("a"))
    assert best_fuzzy(left, people("Jean Dupont").with_columns(group=pl.lit("b"))).is_empty()


def test_score_is_a_decimal_out_of_a_hundred() -> None:
    """The same name scores 100."""
    assert best_fuzzy(people("A B"), people("B A"))["score"].item() == Decimal(100)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=20))
def test_preparing_twice_changes_nothing(name: str) -> None:
    """A prepared name is prepared."""
    assert say(say(name)) == say(name)
