"""Declared lines beside the CRAs that they speak of: one row a client, person, contract, month."""

from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from transforms.clients.declared import (
    FOUND,
    People,
    dated_lines,
    newest_file,
    with_clients,
    with_contracts,
)
from transforms.clients.rates import in_force, last_covering
from transforms.clients.reported import OWN
from transforms.money import DAYS, MONEY
from transforms.names import SCORE

_MONTH = ["period", "client_key", "person_key"]
SPOKEN = [
    "period",
    "client",
    "client_id",
    "client_key",
    "client_verdict",
    "consultant",
    "name_key",
    "contract",
    "days",
    "amount",
    "confidence",
    "doubt",
    "declaration_id",
    "file_rank",
]
ROW = [*_MONTH, "contract_key"]
NO_CONTRACT = "-"
UNKNOWN_CLIENT = "unknown:"
_BELOW = 2**32
LEAST_CONFIDENCE = pl.lit("0.85").cast(SCORE)


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Both sides, by row.

    Attributes:
        rows: one row a `ROW` key, with what each side says.
        reports: the CRA parts of each row and month: those of `reported` with the `ROW` key.
        links: names resolved by likeness of names: `client_id`, `declared_name`, `consultant_id`,
            `method`, `score`.
    """

    rows: pl.DataFrame
    reports: pl.DataFrame
    links: pl.DataFrame


def pair(
    lines: pl.DataFrame,
    reports: pl.DataFrame,
    people: People,
    contracts: pl.DataFrame,
    contract_rates: pl.DataFrame,
) -> Pairing:
    """Pairs declared lines and CRAs of the same months.

    Args:
        lines: `SPOKEN` of what `readable_lines` gives of lines without a problem.
        reports: what `reported` gives.
        people: who may be meant.
        contracts: core.contracts.
        contract_rates: core.contract_rates.
    """
    periods = pl.concat([lines["period"], reports["period"]]).unique().drop_nulls().sort().to_list()
    declared = with_contracts(_with_people(lines, people), contracts)
    worked = reports.with_columns(
        client_key=pl.col("client_id").fill_null(UNKNOWN_CLIENT), person_key="consultant_id"
    )
    covers = last_covering(contracts, periods)
    chosen = _chosen(declared, worked, covers, contract_rates)
    declared, worked = _numbered(_keyed(declared, chosen, covers), _keyed(worked, chosen, covers))
    return Pairing(
        rows=_rows(_declared_rows(_standing(declared)), _reported_rows(_whole(worked))),
        reports=worked.drop("row"),
        links=_links(declared),
    )


def readable_lines(
    lines: pl.DataFrame, declarations: pl.DataFrame, clients: pl.DataFrame
) -> pl.DataFrame:
    """Declaration lines with file times and clients, oldest first (`sort` is kept by `pair`)."""
    return with_clients(dated_lines(lines, declarations), clients)


def _with_people(lines: pl.DataFrame, people: People) -> pl.DataFrame:
    unknown = pl.lit("unknown:") + pl.col("name_key")
    return people.resolve(lines).with_columns(person_key=pl.coalesce("consultant_id", unknown))


def _chosen(
    declared: pl.DataFrame,
    worked: pl.DataFrame,
    covers: pl.DataFrame,
    contract_rates: pl.DataFrame,
) -> pl.DataFrame:
    """What a side that names no contract joins, where not simply what covers the month.

    The only contract that either side names; where none is named and several of the client cover
    the month, the mission's, else the only one with a rate for the person.

    Returns:
        The `_MONTH` key, and what `_told` says.
    """
    offers = _offers(declared, worked, covers, contract_rates)
    best = (
        _told(offers, *_MONTH, "rank")
        .filter((pl.col("rank") == 0) | (pl.col("contracts_possible") == 1))
        .sort("rank")
    )
    return best.unique(_MONTH, keep="first", maintain_order=True).drop("rank")


def _offers(
    declared: pl.DataFrame,
    worked: pl.DataFrame,
    covers: pl.DataFrame,
    contract_rates: pl.DataFrame,
) -> pl.DataFrame:
    """Contracts that speak for a month: named (`rank` 0), of the mission (1), with a rate (2)."""
    month = ["period", "client_key"]
    several = covers.rename({"client_id": "client_key"}).filter(pl.len().over(month) > 1)
    missions = worked.select(*_MONTH, contract_id="mission_contract_id").join(
        several, on=[*month, "contract_id"], how="semi"
    )
    priced = (
        contract_rates.drop_nulls("consultant_id")
        .select("contract_id", "start_date", "end_date", person_key="consultant_id")
        .join(several, on="contract_id")
        .filter(in_force())
    )
    named = (side.drop_nulls("contract_id") for side in (declared, worked))
    ranked = zip((0, 0, 1, 2), (*named, missions, priced), strict=True)
    return pl.concat(
        side.select(*_MONTH, "contract_id", rank=pl.lit(rank)) for rank, side in ranked
    )


def _told(contracts: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """The contracts of each key: `only_contract_id`, `contracts_possible`, `contracts_text`."""
    ids = pl.col("contract_id")
    return (
        contracts.group_by(keys)
        .agg(ids.unique().sort())
        .select(
            *keys,
            only_contract_id=pl.when(ids.list.len() == 1).then(ids.list.first()),
            contracts_possible=ids.list.len(),
            contracts_text=ids.list.join(", "),
        )
    )


def _keyed(side: pl.DataFrame, chosen: pl.DataFrame, covers: pl.DataFrame) -> pl.DataFrame:
    """A side with its final contract; where it names none it joins the only possible one."""
    month = ["period", "client_key"]
    covered = _told(covers.rename({"client_id": "client_key"}), *month)
    told = side.join(chosen, on=_MONTH, how="left", maintain_order="left").join(
        covered, on=month, how="left", maintain_order="left", suffix="_covering"
    )
    picked = pl.col("contracts_possible").is_not_null()
    answers = [name for name in chosen.columns if name not in _MONTH]
    told = told.with_columns(
        pl.when(picked).then(name).otherwise(f"{name}_covering").alias(name) for name in answers
    ).with_columns(
        contracts_possible=pl.col("contracts_possible").fill_null(0),
        contracts_text=pl.col("contracts_text").fill_null(""),
    )
    unknown = (
        pl.col("contract_unknown") if "contract_unknown" in side.columns else pl.lit(value=False)
    )
    contract = pl.coalesce("contract_id", pl.when(~unknown).then(pl.col("only_contract_id")))
    return (
        told.drop(f"{name}_covering" for name in answers)
        .with_columns(contract_id=contract)
        .with_columns(
            contract_key=contract.fill_null(NO_CONTRACT),
            contract_ambiguous=unknown | (contract.is_null() & (pl.col("contracts_possible") > 1)),
        )
    )


def _numbered(*sides: pl.DataFrame) -> list[pl.DataFrame]:
    """The sides with `row`, a number that stands for their `ROW` key, exactly.

    Groups and joins by one number take a third of the time of those by four texts. Each text has a
    number of 32 bits; the number of a key's beginning is what is left of them (`_beginning`).
    """
    keys = pl.concat([side.select(ROW) for side in sides])
    numbers = keys.with_columns(pl.all().cast(pl.Categorical).to_physical().cast(pl.UInt128))
    row = pl.lit(0, dtype=pl.UInt128)
    for name in ROW:
        row = row * _BELOW + pl.col(name)
    rows = numbers.select(row.alias("row"))["row"]
    starts = accumulate((side.height for side in sides), initial=0)
    return [
        side.with_columns(rows.slice(start, side.height))
        for start, side in zip(starts, sides, strict=False)
    ]


def _beginning(length: int) -> pl.Expr:
    """The number of the first texts of the `ROW` key."""
    below: int = _BELOW ** (len(ROW) - length)
    return pl.col("row") // below


def _standing(declared: pl.DataFrame) -> pl.DataFrame:
    """The lines that no newer file replaces.

    A line that no contract can be told for gives way to any newer file on the person's month.
    """
    current = declared.filter(pl.col("contract_id").is_not_null() | newest_file(_beginning(3)))
    return current.filter(newest_file(pl.col("row")))


def _declared_rows(standing: pl.DataFrame) -> pl.DataFrame:
    """What each row declares; lines of one file add up."""
    unsure = pl.col("confidence") < LEAST_CONFIDENCE
    return standing.group_by("row", maintain_order=True).agg(
        pl.col(
            *ROW,
            "client",
            "client_id",
            "client_verdict",
            "consultant_id",
            "person_verdict",
            "contract_id",
            "candidates",
            "declaration_id",
        ).first(),
        declared_name=pl.col("consultant").first(),
        declared_contract=pl.col("contract").drop_nulls().first(),
        contracts_text=pl.col("contracts_text").first(),
        declared_days=pl.col("days").sum().cast(DAYS),
        # a sum of nothing said is nothing said, not zero
        declared_amount=pl.when(pl.col("amount").is_not_null().any())
        .then(pl.col("amount").sum())
        .cast(MONEY),
        unsure=unsure.any(),
        doubt=pl.col("doubt").filter(unsure).drop_nulls().unique(maintain_order=True),
        contract_ambiguous=pl.col("contract_ambiguous").any(),
    )


def _whole(worked: pl.DataFrame) -> pl.DataFrame:
    """Each CRA of a row once: lines of a contract, and lines of none, may be of one row."""
    if (worked["part"] == OWN).all():
        return worked
    own = pl.all().exclude("row", "cra_id", "month_days", "confirmed", "contract_ambiguous")
    return worked.group_by("row", "cra_id", maintain_order=True).agg(
        own.first(),
        pl.col("month_days").sum().cast(DAYS),
        pl.col("confirmed").all(),
        pl.col("contract_ambiguous").any(),
    )


def _reported_rows(worked: pl.DataFrame) -> pl.DataFrame:
    """What the CRAs of each row say, and in which state they are."""
    drafts, submitted, validated = (
        pl.col("status") == status for status in ("draft", "submitted", "validated")
    )
    listed = {
        "draft_ids": drafts,
        "submitted_ids": submitted,
        "validated_ids": validated,
        "dead_ids": pl.col("dead"),
        "confirmed_ids": pl.col("confirmed"),
        "inconsistent_ids": ~pl.col("consistent"),
    }
    wrong = pl.when(~pl.col("consistent"))
    # a group keeps the order of its rows: those of `reported` are sorted by CRA
    rows = worked.group_by("row").agg(
        pl.col(*ROW, "client_id", "consultant_id", "contract_id", "contracts_text").first(),
        cra_days=pl.col("month_days").sum().cast(DAYS),
        cra_ids=pl.col("cra_id"),
        said_days=wrong.then("total_days").sum().cast(DAYS),
        found_days=wrong.then("production_days").sum().cast(DAYS),
        # each resubmission is another one, also with the same days
        confirmed_at=pl.when("confirmed").then("updated_at").max(),
        contract_ambiguous=pl.col("contract_ambiguous").any(),
    )
    for name, which in listed.items():
        some = worked.filter(which)
        if some.is_empty():
            rows = rows.with_columns(pl.lit(None, pl.List(pl.String)).alias(name))
            continue
        ids = some.group_by("row").agg(pl.col("cra_id").alias(name))
        rows = rows.join(ids, on="row", how="left")
    return rows


def _rows(declared: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """Both sides beside each other; what one side does not say stays null."""
    both = [name for name in compared.columns if name in declared.columns and name != "row"]
    ids = [name for name in compared.columns if name.endswith("_ids")]
    unclear = pl.concat(side.filter("contract_ambiguous") for side in _narrow(declared, compared))
    joined = declared.join(compared, on="row", how="full", coalesce=True, suffix="_cra")
    return (
        joined.with_columns(
            *(pl.coalesce(name, f"{name}_cra") for name in both),
            pl.col(ids).fill_null([]),
            reported_elsewhere=_among(compared, 3),
        )
        # one side that cannot be told makes the person's whole month unclear
        .with_columns(contract_ambiguous=_among(unclear, 3))
        .drop(f"{name}_cra" for name in both)
        .filter(_worth_a_row(declared))
        .drop("row")
    )


def _narrow(*sides: pl.DataFrame) -> list[pl.DataFrame]:
    return [side.select("row", "contract_ambiguous") for side in sides]


def _among(rows: pl.DataFrame, length: int) -> pl.Expr:
    """Whether the key begins with the same texts as that of one of these rows."""
    beginning = _beginning(length)
    return beginning.is_in(rows.select(beginning.unique()).to_series().implode())


def _worth_a_row(declared: pl.DataFrame) -> pl.Expr:
    """Declared, or production days of a person whom a client left out, or of no known client.

    CRAs of a client that has declared nobody for the month are not looked at yet.
    """
    others = _among(declared, 2)
    unknown = pl.col("client_id").is_null()
    return pl.col("declared_days").is_not_null() | ((pl.col("cra_days") > 0) & (others | unknown))


def unread_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Unreadable lines that still ask for a person, with `client_id` where it is known.

    One that a newer file says readably (same client, name and month), and an unreadable file that
    was replaced by a readable one of its name, ask for nobody any more.
    """
    names = ["client_key", "name_key", "period"]
    unread = lines.filter(pl.col("problem").is_not_null())
    clients, files = (unread[name].unique().implode() for name in ("client_key", "file_name"))
    about = pl.col("client_key").is_in(clients) | pl.col("file_name").is_in(files)
    ok = lines.lazy().filter(pl.col("problem").is_null(), about)
    said = ok.group_by(names).agg(said_again=pl.col("sent").max())
    replaced = ok.group_by("file_name").agg(file_again=pl.col("file_time").max())
    newer = (pl.col("said_again") > pl.col("sent")) | (
        (pl.col("file_again") > pl.col("file_time")) & (pl.col("line_no") == 0)
    )
    return (
        unread.lazy()
        .join(said, on=names, how="left", maintain_order="left")
        .join(replaced, on="file_name", how="left", maintain_order="left")
        .filter(~newer.fill_null(value=False))
        .collect(engine="in-memory")
    )


def _links(declared: pl.DataFrame) -> pl.DataFrame:
    return (
        declared.filter(
            pl.col("person_verdict") == FOUND,
            pl.col("method") != "person",
            pl.col("client_id").is_not_null(),
        )
        .select("client_id", "consultant_id", "method", "score", declared_name="consultant")
        .select("client_id", "declared_name", "consultant_id", "method", "score")
        .unique()
        .sort("client_id", "declared_name", "consultant_id")
    )
