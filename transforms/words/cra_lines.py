"""The lines of CRAs that may explain a row: its own, and what the person has elsewhere."""

import polars as pl

from transforms.clients.cra_matching import CraFacts
from transforms.clients.reported import DEAD
from transforms.money import DAYS

_OF_ANOTHER = pl.col("line").is_not_null() & pl.col("line").ne_missing(pl.col("contract_id"))
"""Whether a line names another contract than the row's."""


def own_lines(broken: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """The days of each row's CRAs by date and type, those outside its month included.

    Of lines that name a contract only those of the row's.
    """
    days = facts.cra_days.lazy().select(
        "cra_id", "date", "type_code", "duration", line="contract_id"
    )
    keys = ["break_id", "first", "last", "gap", "contract_id", "consultant_id"]
    return (
        broken.lazy()
        .select(*keys, cra_id="cra_ids")
        .explode("cra_id")
        .join(days, on="cra_id")
        .filter(~_OF_ANOTHER)
        .group_by(*keys, "date", "type_code")
        .agg(quantity=pl.col("duration").sum().cast(DAYS))
        .collect()
    )


def elsewhere_lines(broken: pl.DataFrame, facts: CraFacts) -> pl.DataFrame:
    """The days in the month that the person has elsewhere than in the row, by CRA and date.

    In other CRAs, and in lines of its own CRAs that name another contract.
    """
    standing = (
        facts.cras.lazy()
        .filter(pl.col("deleted_at").is_null(), ~pl.col("status").is_in(DEAD))
        .select(
            "consultant_id",
            "status",
            "resource_label",
            cra_id="id",
            cra_client="client_id",
            cra_contract="contract_id",
        )
    )
    asked = broken.lazy().select(
        "break_id", "first", "last", "gap", "outcome", "client_id", "consultant_id", "contract_id"
    )
    own = (
        broken.lazy().select("break_id", cra_id="cra_ids", own=pl.lit(value=True)).explode("cra_id")
    )
    dated = facts.cra_days.lazy().select(
        "cra_id",
        "date",
        "type_code",
        "duration",
        first=pl.col("date").dt.month_start(),
        line="contract_id",
    )
    others = (
        asked.join(standing, on="consultant_id")
        .join(own, on=["break_id", "cra_id"], how="left")
        .join(dated, on=["cra_id", "first"])
        .filter(pl.col("own").is_null() | _OF_ANOTHER)
    )
    return (
        _placed(others, facts)
        .group_by(pl.exclude("duration"))
        .agg(quantity=pl.col("duration").sum().cast(DAYS))
        .collect()
    )


def _placed(lines: pl.LazyFrame, facts: CraFacts) -> pl.LazyFrame:
    """Lines of CRAs with the client, its name and the contract that they are of."""
    contracts = facts.contracts.lazy().select(
        lines_of="id", owner="client_id", contract_reference="reference"
    )
    clients = facts.clients.lazy().select(other_client="id", other_name="name")
    named = pl.when(pl.col("line").is_not_null())
    return (
        lines.with_columns(lines_of=pl.coalesce("line", "cra_contract"))
        .join(contracts, on="lines_of", how="left")
        .with_columns(other_client=pl.coalesce(named.then("owner"), "cra_client", "owner"))
        .join(clients, on="other_client", how="left")
        .select(
            "break_id",
            "first",
            "last",
            "gap",
            "outcome",
            "client_id",
            "consultant_id",
            "status",
            "other_client",
            "other_name",
            "cra_id",
            "date",
            "type_code",
            "duration",
            other_contract=pl.coalesce(
                "contract_reference", named.then("line"), "resource_label", "cra_id"
            ),
        )
    )
