"""Declared lines beside the CRAs that they speak of: one row a client, person, contract, month."""

from dataclasses import dataclass

import polars as pl

from transforms.declared import (
    FOUND,
    People,
    dated_lines,
    newest_file,
    with_clients,
    with_contracts,
)
from transforms.money import DAYS, MONEY
from transforms.names import SCORE
from transforms.rates import covering

_MONTH = ["period", "client_key", "person_key"]
ROW = [*_MONTH, "contract_key"]
NO_CONTRACT = "-"
UNKNOWN_CLIENT = "unknown:"
LEAST_CONFIDENCE = pl.lit("0.85").cast(SCORE)


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Both sides, by row.

    Attributes:
        rows: one row a `ROW` key, with what each side says.
        reports: the CRAs of each row and month: those of `reported` with the `ROW` key.
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
        lines: what `readable_lines` gives.
        reports: what `reported` gives.
        people: who may be meant.
        contracts: core.contracts.
        contract_rates: core.contract_rates.
    """
    periods = sorted({*lines["period"].drop_nulls(), *reports["period"]})
    readable = lines.filter(pl.col("problem").is_null())
    declared = with_contracts(_with_people(readable, people), contracts)
    worked = reports.with_columns(
        client_key=pl.col("client_id").fill_null(UNKNOWN_CLIENT), person_key="consultant_id"
    )
    covers = covering(contracts, periods)
    chosen = _chosen(declared, worked, covers, contract_rates)
    declared = _keyed(declared.join(chosen, on=_MONTH, how="left", maintain_order="left"))
    worked = _keyed(worked.join(chosen, on=_MONTH, how="left", maintain_order="left"))
    standing = _standing(declared)
    return Pairing(
        rows=_rows(_declared_rows(standing), _reported_rows(worked)),
        reports=worked,
        links=_links(declared),
    )


def readable_lines(
    lines: pl.DataFrame, declarations: pl.DataFrame, clients: pl.DataFrame
) -> pl.DataFrame:
    """Declaration lines with file times and clients, oldest first (`sort` is kept by `pair`)."""
    return with_clients(dated_lines(lines, declarations), clients)


def _with_people(lines: pl.DataFrame, people: People) -> pl.DataFrame:
    keys = ["client_id", "period", "name_key"]
    resolved = people.resolve(lines.select(keys).unique())
    unknown = pl.lit("unknown:") + pl.col("name_key")
    return lines.join(resolved, on=keys, how="left", nulls_equal=True).with_columns(
        person_key=pl.coalesce("consultant_id", unknown)
    )


def _chosen(
    declared: pl.DataFrame,
    worked: pl.DataFrame,
    covers: pl.DataFrame,
    contract_rates: pl.DataFrame,
) -> pl.DataFrame:
    """What a side that names no contract joins, by client, person and month.

    The only contract that either side names; where none is named, the only one of the client that
    covers the month, of several the mission's, else the only one with a rate for the person.

    Returns:
        The `_MONTH` key, `only_contract_id` and `contracts_possible` (0, 1 or more).
    """
    named = (
        pl.concat([side.select(*_MONTH, "contract_id") for side in (declared, worked)])
        .group_by(_MONTH)
        .agg(pl.col("contract_id").drop_nulls().unique())
    )
    missions = worked.group_by(_MONTH).agg(mission=pl.col("mission_contract_id").drop_nulls())
    covered = covers.group_by("period", client_key="client_id").agg(covering=pl.col("contract_id"))
    for_person = (
        contract_rates.drop_nulls("consultant_id")
        .join(covers, on="contract_id")
        .group_by("period", client_key="client_id", person_key="consultant_id")
        .agg(priced=pl.col("contract_id"))
    )
    joined = (
        named.join(missions, on=_MONTH, how="left")
        .join(covered, on=["period", "client_key"], how="left")
        .join(for_person, on=_MONTH, how="left")
        .with_columns(pl.col("mission", "covering", "priced").fill_null([]).list.unique())
        .with_columns(mission=pl.col("mission").list.set_intersection("covering"))
    )
    choice = (
        pl.when(pl.col("contract_id").list.len() > 0)
        .then("contract_id")
        .when(pl.col("covering").list.len() <= 1)
        .then("covering")
        .when(pl.col("mission").list.len() == 1)
        .then("mission")
        .when(pl.col("priced").list.len() == 1)
        .then("priced")
        .otherwise("covering")
    )
    return joined.select(
        *_MONTH,
        only_contract_id=pl.when(choice.list.len() == 1).then(choice.list.first()),
        contracts_possible=choice.list.len(),
        contracts_text=choice.list.sort().list.join(", "),
    )


def _keyed(side: pl.DataFrame) -> pl.DataFrame:
    """A side with its final contract; where it names none it joins the only possible one."""
    unknown = (
        pl.col("contract_unknown") if "contract_unknown" in side.columns else pl.lit(value=False)
    )
    contract = pl.coalesce("contract_id", pl.when(~unknown).then(pl.col("only_contract_id")))
    return side.with_columns(contract_id=contract).with_columns(
        contract_key=contract.fill_null(NO_CONTRACT),
        contract_ambiguous=unknown | (contract.is_null() & (pl.col("contracts_possible") > 1)),
    )


def _standing(declared: pl.DataFrame) -> pl.DataFrame:
    """The lines that no newer file replaces.

    A line that no contract can be told for gives way to any newer file on the person's month.
    """
    current = declared.filter(pl.col("contract_id").is_not_null() | newest_file(*_MONTH))
    return current.filter(newest_file(*ROW))


def _declared_rows(standing: pl.DataFrame) -> pl.DataFrame:
    """What each row declares; lines of one file add up."""
    return standing.group_by(ROW, maintain_order=True).agg(
        pl.col(
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
        unsure=(pl.col("confidence") < LEAST_CONFIDENCE).any(),
        contract_ambiguous=pl.col("contract_ambiguous").any(),
    )


def _reported_rows(worked: pl.DataFrame) -> pl.DataFrame:
    """What the CRAs of each row say, and in which state they are."""
    drafts, submitted, validated = (
        pl.col("status") == status for status in ("draft", "submitted", "validated")
    )
    # a group keeps the order of its rows: one sort for all of its lists
    return (
        worked.sort("cra_id")
        .group_by(ROW)
        .agg(
            pl.col("client_id", "consultant_id", "contract_id", "contracts_text").first(),
            cra_days=pl.col("month_days").sum().cast(DAYS),
            cra_ids=pl.col("cra_id"),
            draft_ids=pl.col("cra_id").filter(drafts),
            submitted_ids=pl.col("cra_id").filter(submitted),
            validated_ids=pl.col("cra_id").filter(validated),
            dead_ids=pl.col("cra_id").filter("dead"),
            confirmed_ids=pl.col("cra_id").filter("confirmed"),
            inconsistent_ids=pl.col("cra_id").filter(~pl.col("consistent")),
            said_days=pl.col("total_days").filter(~pl.col("consistent")).sum().cast(DAYS),
            found_days=pl.col("production_days").filter(~pl.col("consistent")).sum().cast(DAYS),
            contract_ambiguous=pl.col("contract_ambiguous").any(),
        )
    )


def _rows(declared: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """Both sides beside each other; what one side does not say stays null."""
    both = ["client_id", "consultant_id", "contract_id", "contracts_text", "contract_ambiguous"]
    joined = declared.join(compared, on=ROW, how="full", coalesce=True, suffix="_cra")
    ids = [name for name in compared.columns if name.endswith("_ids")]
    return (
        joined.with_columns(pl.coalesce(name, f"{name}_cra") for name in both)
        .with_columns(
            pl.col(ids).fill_null([]),
            # one side that cannot be told makes the person's whole month unclear
            contract_ambiguous=pl.any_horizontal("contract_ambiguous", "contract_ambiguous_cra")
            .fill_null(value=False)
            .any()
            .over(_MONTH),
        )
        .with_columns(reported_elsewhere=pl.col("cra_days").is_not_null().any().over(_MONTH))
        .drop(f"{name}_cra" for name in both)
        .filter(_worth_a_row())
        .sort(ROW)
    )


def _worth_a_row() -> pl.Expr:
    """Declared, or production days of a person whom a client left out, or of no known client.

    CRAs of a client that has declared nobody for the month are not looked at yet.
    """
    is_declared = pl.col("declared_days").is_not_null()
    others = is_declared.any().over("period", "client_key")
    unknown = pl.col("client_id").is_null()
    return is_declared | ((pl.col("cra_days") > 0) & (others | unknown))


def unread_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Unreadable lines that still ask for a person, with `client_id` where it is known.

    One that a newer file says readably (same client, name and month), and an unreadable file that
    was replaced by a readable one of its name, ask for nobody any more.
    """
    names = ["client_key", "name_key", "period"]
    ok = lines.filter(pl.col("problem").is_null())
    said = ok.group_by(names).agg(said_again=pl.col("sent").max())
    replaced = ok.group_by("file_name").agg(file_again=pl.col("file_time").max())
    newer = (pl.col("said_again") > pl.col("sent")) | (
        (pl.col("file_again") > pl.col("file_time")) & (pl.col("line_no") == 0)
    )
    return (
        lines.filter(pl.col("problem").is_not_null())
        .join(said, on=names, how="left")
        .join(replaced, on="file_name", how="left")
        .filter(~newer.fill_null(value=False))
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
