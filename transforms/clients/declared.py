"""What clients declare: who is meant, and which lines stand (reconciliation.md 1.1 and 1.2)."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from transforms.names import SCORE, best_fuzzy, plain, prepared
from transforms.standing import answering

FOUND = "found"
UNKNOWN = "unknown"
AMBIGUOUS = "ambiguous"
EXACT = pl.lit(100).cast(SCORE)

_NEWEST = ["sent", "file_rank", "line_no"]
_NO_ANSWER = [
    pl.lit(None, dtype).alias(name)
    for name, dtype in {
        "consultant_id": pl.String(),
        "method": pl.String(),
        "score": SCORE,
        "person_verdict": pl.String(),
        "candidates": pl.String(),
    }.items()
]


def dated_lines(lines: pl.DataFrame, declarations: pl.DataFrame) -> pl.DataFrame:
    """Lines with `sent` (else the file's time), `file_time`, `file_name`: the newer file wins.

    Sorted from the oldest to the newest, so that `last` is the newest of a group; `file_rank` is
    the order of the files that were sent at once.
    """
    files = declarations.select("file_name", "file_time", file_sent="sent_at", declaration_id="id")
    ranked = (
        lines.select("declaration_id")
        .unique()
        .join(files, on="declaration_id", how="left")
        .sort("file_time", "file_name", "declaration_id")
        .with_row_index("file_rank")
    )
    # few names stand on many lines
    names = (
        lines.select("consultant").unique().with_columns(name_key=prepared(pl.col("consultant")))
    )
    return (
        lines.lazy()
        .drop("updated_at")
        .join(ranked.lazy(), on="declaration_id", how="left")
        .join(names.lazy(), on="consultant", how="left")
        .with_columns(
            sent=pl.coalesce("sent_at", "file_sent", "file_time"),
            client=pl.col("client").str.strip_chars(),
        )
        .sort(_NEWEST)
        .collect(engine="in-memory")
    )


def newest_file(key: pl.Expr) -> pl.Expr:
    """Whether the line is in the newest file that speaks of this key."""
    return pl.col("file_rank") == pl.col("file_rank").last().over(key)


def _meant(texts: pl.DataFrame, clients: pl.DataFrame, which: str) -> pl.DataFrame:
    """Adds the ids of the clients that each text may mean, as column `which`."""
    ways = {
        "by_id": (pl.col("id"), pl.col("client")),
        "by_reference": (pl.col("reference"), pl.col("client")),
        "by_name": (plain(pl.col("name")), plain(pl.col("client"))),
    }
    for way, (alias, text) in ways.items():
        known = clients.group_by(text=alias).agg(pl.col("id").sort().alias(way))
        texts = (
            texts.with_columns(text=text)
            .join(known.filter(pl.col("text") != ""), on="text", how="left")
            .drop("text")
        )
    return texts.with_columns(pl.coalesce(*ways).alias(which)).drop(*ways)


def with_clients(lines: pl.DataFrame, clients: pl.DataFrame) -> pl.DataFrame:
    """Adds `client_id`, `client_key` and `client_verdict` (found, unknown or ambiguous).

    A client is meant by its id, else its reference, else its exact name (case, accents and hyphens
    aside); one that is gone where no other is.
    """
    texts, stands = lines.select("client").unique(), pl.col("deleted_at").is_null()
    meant = _meant(
        _meant(texts, clients.filter(stands), "standing"), clients.filter(~stands), "gone"
    )
    meant_ids = pl.coalesce("standing", "gone")
    verdict = (
        pl.when(meant_ids.list.len() == 1)
        .then(pl.lit(FOUND))
        .when(meant_ids.list.len() > 1)
        .then(pl.lit(AMBIGUOUS))
        .otherwise(pl.lit(UNKNOWN))
    )
    only = pl.when(meant_ids.list.len() == 1).then(meant_ids.list.first())
    unknown = pl.lit("unknown:") + plain(pl.col("client"))
    resolved = meant.select(
        "client",
        client_verdict=verdict,
        client_id=only,
        client_key=pl.coalesce(only, unknown),
    )
    return lines.join(resolved, on="client", how="left", maintain_order="left")


@dataclass(frozen=True, kw_only=True)
class People:
    """Who may be meant by a declared name.

    Attributes:
        consultants: core.consultants.
        person_links: core.person_links; only a person's own decisions count.
        present: `client_id`, `period`, `consultant_id` of the CRAs, also more than once.
    """

    consultants: pl.DataFrame
    person_links: pl.DataFrame
    present: pl.DataFrame

    @cached_property
    def known(self) -> pl.DataFrame:
        """`key` (consultant id) and `name` (prepared) of everybody.

        Somebody who was deleted is meant while a CRA of theirs is looked at: a leaver's last month.
        """
        full = pl.concat_str("first_name", "last_name", separator=" ")
        reporting = pl.col("id").is_in(self.present["consultant_id"].unique().implode())
        known = self.consultants.filter(pl.col("deleted_at").is_null() | reporting)
        return known.select(key="id", name=prepared(full))

    def _decided(self) -> pl.DataFrame:
        """The last decision of a person on each client (or all of them) and name."""
        return (
            self.person_links.filter(pl.col("method") == "person")
            .join(self.consultants, left_on="consultant_id", right_on="id", how="semi")
            .with_columns(name_key=prepared(pl.col("declared_name")))
            .sort("decided_at", "consultant_id")
            .group_by("client_id", "name_key")
            .agg(pl.col("consultant_id").last())
        )

    def _sure(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Who is meant by a person's decision, else by an exact name; the others are left out."""
        decided = self._decided()
        for_all = decided.filter(pl.col("client_id").is_null()).select(
            "name_key", by_all="consultant_id"
        )
        known = self.known
        exact = known.filter(pl.col("name").is_unique()).select(name_key="name", by_name="key")
        by_person = pl.coalesce("by_client", "by_all")
        return (
            wanted.join(
                decided.rename({"consultant_id": "by_client"}),
                on=["client_id", "name_key"],
                how="left",
            )
            .join(for_all, on="name_key", how="left")
            .join(exact, on="name_key", how="left")
            .select(
                "client_id",
                "name_key",
                consultant_id=pl.coalesce(by_person, "by_name"),
                method=pl.when(by_person.is_not_null())
                .then(pl.lit("person"))
                .otherwise(pl.lit("exact")),
                score=EXACT,
                person_verdict=pl.lit(FOUND),
            )
            .drop_nulls("consultant_id")
        )

    def resolve(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Who is meant, by reconciliation.md 1.1: a person's decision, exact, then fuzzy.

        Args:
            lines: with `client_id` (or null), `period`, `name_key`.

        Returns:
            The lines, in their order, with `consultant_id`, `method`, `score`, `person_verdict`
            and `candidates`.
        """
        name = ["client_id", "name_key"]
        keys = ["client_id", "period", "name_key"]
        said = self._sure(lines.select(name).unique())
        settled = lines.join(said, on=name, how="left", nulls_equal=True, maintain_order="left")
        rest = settled.filter(pl.col("consultant_id").is_null()).select(keys).unique()
        answers = ["consultant_id", "method", "score", "person_verdict"]
        return (
            settled.join(
                self._alike(rest),
                on=keys,
                how="left",
                nulls_equal=True,
                maintain_order="left",
                suffix="_alike",
            )
            .with_columns(pl.coalesce(answer, f"{answer}_alike") for answer in answers)
            .drop(f"{answer}_alike" for answer in answers)
        )

    def _alike(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Fuzzy: first among people with a CRA for the client in the month, then everyone."""
        if wanted.is_empty():
            return wanted.with_columns(_NO_ANSWER)
        known = self.known
        group = pl.concat_str("client_id", "period", separator="|")
        asked = wanted.with_row_index("row").select(
            "client_id", "period", "name_key", key=pl.col("row").cast(pl.String), name="name_key"
        )
        present = self.present.join(asked, on=["client_id", "period"], how="semi")
        near = best_fuzzy(
            asked.select("key", "name", group=group).drop_nulls(),
            present.join(known, left_on="consultant_id", right_on="key").select(
                "name", key="consultant_id", group=group
            ),
        ).filter(pl.col("verdict") != "none")
        rest = asked.join(near, on="key", how="anti")
        far = best_fuzzy(rest.select("key", "name"), known)
        verdict = pl.col("verdict").replace_strict(
            {"taken": FOUND, "ambiguous": AMBIGUOUS}, default=UNKNOWN, return_dtype=pl.String
        )
        # people of one name, of whom only one has a CRA: the name is exact
        method = pl.when(pl.col("score") == EXACT).then(pl.lit("exact")).otherwise(pl.lit("fuzzy"))
        return asked.join(pl.concat([near, far]), on="key", how="left").select(
            *wanted.columns,
            consultant_id="candidate",
            method=pl.when(verdict == FOUND).then(method),
            score="score",
            person_verdict=verdict.fill_null(UNKNOWN),
            candidates="candidates",
        )


def with_contracts(lines: pl.DataFrame, contracts: pl.DataFrame) -> pl.DataFrame:
    """Adds `contract_id` of the named contract (id, else reference, of that client).

    `contract_unknown` is true where a contract is named that is not one of the client's.
    """
    reference = pl.col("contract").str.strip_chars().str.to_lowercase()
    by_id = contracts.select("client_id", contract="id", named_id="id")
    keyed = contracts.with_columns(reference_key=pl.col("reference").str.to_lowercase())
    by_reference = (
        answering(keyed, "client_id", "reference_key")
        .filter(pl.col("id").n_unique().over("client_id", "reference_key") == 1)
        .select("client_id", "reference_key", named_reference="id")
    )
    named = (
        lines.select("client_id", "contract")
        .drop_nulls()
        .unique()
        .with_columns(reference_key=reference)
        .join(by_id, on=["client_id", "contract"], how="left")
        .join(by_reference, on=["client_id", "reference_key"], how="left")
        .select("client_id", "contract", contract_id=pl.coalesce("named_id", "named_reference"))
    )
    return lines.join(
        named, on=["client_id", "contract"], how="left", maintain_order="left"
    ).with_columns(
        contract_unknown=pl.col("contract").is_not_null()
        & pl.col("client_id").is_not_null()
        & pl.col("contract_id").is_null()
    )
