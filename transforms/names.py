"""Names as people write them, compared as reconciliation.md 1.1 says.

`prepared` is for people (order ignored), `plain` for companies (order kept). `best_fuzzy` looks for
the one alike name among candidates, for either side.
"""

from collections.abc import Iterator
from decimal import Decimal

import polars as pl
from rapidfuzz import fuzz, process

from transforms.words.figures import sentence

SCORE = pl.Decimal(9, 4)
TAKEN_FROM = Decimal(92)
LEAD = Decimal(5)
CANDIDATE_FROM = Decimal(80)

_COMBINING = r"\p{M}+"
_BETWEEN_WORDS = r"[\s\-\u2010-\u2015\u2212'\u2018\u2019\u02BC`´_]+"
# NFKD leaves these letters whole, and mails write them either way
_LETTERS = {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"}

_SCORED: dict[str, pl.DataType] = {
    "group": pl.String(),
    "name": pl.String(),
    "alike": pl.String(),
    "score": SCORE,
}
_NOBODY = pl.DataFrame(
    schema={"key": pl.String, "candidate": pl.String, "name": pl.String, "score": SCORE}
)
_BEST: dict[str, pl.DataType] = {
    "key": pl.String(),
    "verdict": pl.String(),
    "candidate": pl.String(),
    "score": SCORE,
    "candidates": pl.String(),
}


def plain(text: pl.Expr) -> pl.Expr:
    """Text without case and accents; hyphens and apostrophes are spaces, spaces are single."""
    return (
        text.str.replace_all(_BETWEEN_WORDS, " ")
        .str.normalize("NFKD")
        .str.replace_all(_COMBINING, "")
        .str.to_lowercase()
        .str.replace_many(_LETTERS)
        .str.replace_all(_BETWEEN_WORDS, " ")
        .str.strip_chars()
    )


def prepared(name: pl.Expr) -> pl.Expr:
    """A person's name as `plain`, its words sorted (`DUPONT, Jean` = `Jean Dupont`)."""
    # Some letters hold a mark that only their decomposition shows: "⒈" is "1.".
    words = plain(name.str.normalize("NFKD").str.replace_all("[,;.]", " "))
    return words.str.split(" ").list.sort().list.join(" ")


def _alike(query: str, names: list[str]) -> list[tuple[str, Decimal]]:
    found = process.extract(
        query, names, scorer=fuzz.token_sort_ratio, score_cutoff=float(CANDIDATE_FROM), limit=None
    )
    return [(name, Decimal(f"{score:.4f}")) for name, score, _ in found]


def _scored(queries: pl.DataFrame, names: pl.DataFrame) -> Iterator[tuple[str, str, str, Decimal]]:
    """Every (group, query, name, score) from `CANDIDATE_FROM` up; a loop over distinct names."""
    choices = dict(names.group_by("group").agg(pl.col("name").unique().sort()).iter_rows())
    for group, query in queries.select("group", "name").unique().sort("group", "name").iter_rows():
        for name, score in _alike(query, choices.get(group, [])):
            yield group, query, name, score


def candidates(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Every candidate from 80 of 100 up (rapidfuzz `token_sort_ratio`).

    Args:
        left: `key`, `name` (prepared or plain) and, optionally, `group`.
        right: `key`, `name` likewise; with `group` in both, only equal groups are compared.

    Returns:
        `key` (of left), `candidate` (key of right), `name` (of right), `score`, best first.
    """
    if left.is_empty() or right.is_empty():
        return _NOBODY
    if "group" not in left.columns:
        left, right = (side.with_columns(group=pl.lit("")) for side in (left, right))
    scored = pl.DataFrame(list(_scored(left, right)), schema=_SCORED, orient="row")
    return (
        left.select("key", "group", "name")
        .unique()
        .join(scored, on=["group", "name"])
        .join(right.select("group", alike="name", candidate="key").unique(), on=["group", "alike"])
        .select("key", "candidate", name="alike", score="score")
        .sort("key", "score", "candidate", descending=[False, True, False])
    )


def best_fuzzy(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """The one alike name of each key, by reconciliation.md 1.1.

    Best score >= 92 and at least 5 ahead of the second: `taken`. Two that close: `ambiguous`. Best
    below 92: `none`, with the candidates from 80 up. Keys without any candidate have no row.

    Args:
        left: `key`, `name` and optionally `group`, as `candidates` takes them.
        right: likewise. A key that stands there under several names counts by its best.

    Returns:
        `key`, `verdict` (taken, ambiguous or none), `candidate` (null unless taken), `score` (of
        the best), `candidates` (text: `name (key) score; …`), sorted by key.
    """
    best = pl.col("score").first()
    second = pl.col("score").get(1, null_on_oob=True)
    lone = second.is_null() | (best - second >= LEAD)
    verdict = (
        pl.when(best < TAKEN_FROM)
        .then(pl.lit("none"))
        .when(lone)
        .then(pl.lit("taken"))
        .otherwise(pl.lit("ambiguous"))
    )
    text = sentence("{} ({}) {}", "name", "candidate", pl.col("score").cast(pl.Decimal(9, 1)))
    found = candidates(left, right)
    if found.is_empty():
        return pl.DataFrame(schema=_BEST)
    return (
        found.unique(["key", "candidate"], keep="first", maintain_order=True)
        .group_by("key", maintain_order=True)
        .agg(
            verdict=verdict,
            candidate=pl.when(verdict == "taken").then(pl.col("candidate").first()),
            score=best,
            candidates=text.str.join("; "),
        )
    )
