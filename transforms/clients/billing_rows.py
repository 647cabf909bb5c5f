"""What is left to bill of each row: matched days and money less what was billed."""

from datetime import date
from decimal import Decimal

import polars as pl

from transforms.clients import cra_outcomes as say
from transforms.clients.billing_holds import foreign
from transforms.clients.cra_matching import CraFacts, CraMatching
from transforms.clients.ledger import Ledger
from transforms.clients.rates import covering, month_start
from transforms.money import DAYS, MONEY, product
from transforms.words.figures import sentence

GROUP = ["contract_id", "billing_key"]
"""What one invoice is for: a contract, and its month, quarter or whole duration."""
_ZERO = Decimal(0)


def rows_to_bill(
    facts: CraFacts, matching: CraMatching, ledger: Ledger, leaving: list[str], currency: str
) -> pl.DataFrame:
    """The rows with their contract, what was billed of them, and what is left to bill.

    Args:
        facts: what is known.
        matching: what the comparison said.
        ledger: what was billed.
        leaving: CRAs that go back to their consultants.
        currency: code where a rate tells none.
    """
    return _billable(_measured(facts, matching, ledger, leaving), currency)


def _measured(
    facts: CraFacts, matching: CraMatching, ledger: Ledger, leaving: list[str]
) -> pl.DataFrame:
    """Rows with their contract, client and what was billed of them already."""
    contracts = facts.contracts.select(
        "billing_frequency",
        "payment_terms",
        "tax_rate",
        "start_date",
        "end_date",
        contract_id="id",
        contract_reference="reference",
        contract_gone=pl.col("deleted_at").is_not_null(),
    )
    client_gone = pl.col("deleted_at").is_not_null()
    clients = facts.clients.select(
        "vat_number", "billing_country", client_id="id", client_gone=client_gone
    )
    active = covering(facts.contracts, matching.rows["period"].unique().to_list()).select(
        "period", "client_id", "contract_id", active=pl.lit(value=True)
    )
    people = facts.consultants.select("first_name", "last_name", consultant_id="id")
    elsewhere = _billed_elsewhere(_contracts_left(facts, matching, ledger))
    goes_back = pl.col("cra_ids").list.eval(pl.element().is_in(leaving)).list.any()
    return (
        matching.rows.join(contracts, on="contract_id", how="left")
        .join(clients, on="client_id", how="left")
        .join(active, on=["period", "client_id", "contract_id"], how="left")
        .join(people, on="consultant_id", how="left")
        .join(ledger.net, on=["contract_id", "consultant_id", "period"], how="left")
        .join(elsewhere, on=["client_id", "consultant_id", "period"], how="left")
        .with_columns(
            active=pl.col("active").fill_null(value=False)
            & ~pl.col("client_gone").fill_null(value=False),
            contract_gone=pl.col("contract_gone").fill_null(value=False),
            client_gone=pl.col("client_gone").fill_null(value=False),
            foreign=foreign(pl.col("vat_number"), pl.col("billing_country")),
            # nothing billed is a known zero here: the ledger was read whole
            billed_days=pl.coalesce("billed_days", pl.lit(_ZERO, dtype=DAYS)),
            billed_amount=pl.coalesce("billed_amount", pl.lit(_ZERO, dtype=MONEY)),
            waiting=pl.col("waiting") | goes_back,
        )
    )


def _contracts_left(facts: CraFacts, matching: CraMatching, ledger: Ledger) -> pl.DataFrame:
    """What was billed of a person's month on contracts that no CRA of theirs is on any more.

    The CRA has moved to another contract; billing that one too would bill the days twice.
    """
    key = ["contract_id", "consultant_id", "period"]
    reporting = matching.rows.filter(pl.col("cra_days").is_not_null())
    return (
        ledger.net.filter(pl.col("billed_days") > _ZERO)
        .join(reporting, on=key, how="anti")
        .join(facts.contracts.select("client_id", contract_id="id"), on="contract_id")
    )


def _billed_elsewhere(left: pl.DataFrame) -> pl.DataFrame:
    return left.group_by("client_id", "consultant_id", "period").agg(
        elsewhere_id=pl.col("contract_id").min(),
        elsewhere=pl.col("contract_id").sort().str.join(", "),
        elsewhere_days=pl.col("billed_days").sum().cast(DAYS),
        elsewhere_amount=pl.col("billed_amount").sum().cast(MONEY),
    )


def to_credit_elsewhere(
    rows: pl.DataFrame, facts: CraFacts, matching: CraMatching, ledger: Ledger
) -> pl.DataFrame:
    """Rows for the credit notes of contracts that a CRA has left, all that was billed negative.

    Args:
        rows: rows of `rows_to_bill` that ask for them: those with an `elsewhere_id`.
        facts: what is known.
        matching: what the comparison said.
        ledger: what was billed.
    """
    contracts = facts.contracts.select(
        "payment_terms", "tax_rate", contract_id="id", contract_reference="reference"
    )
    person = ["client_id", "consultant_id", "period"]
    about = rows.select(*person, "first_name", "last_name", "break_id", "bill_currency")
    return (
        _contracts_left(facts, matching, ledger)
        .join(about.unique(person, keep="first", maintain_order=True), on=person)
        .join(contracts, on="contract_id")
        .with_columns(
            billing_key="period",
            daily_rate=pl.lit(None, MONEY),
            rest_days=-pl.col("billed_days"),
            rest_amount=-pl.col("billed_amount"),
            bill_currency=pl.coalesce("billed_currency", "bill_currency"),
        )
    )


def _billable(rows: pl.DataFrame, currency: str) -> pl.DataFrame:
    """Adds what is left to bill: matched days and money less what was billed."""
    target = product(pl.col("declared_days"), pl.col("daily_rate"))
    key = pl.col("billing_frequency").replace_strict(
        {"quarterly": "quarterly", "end": "end"}, default="monthly", return_dtype=pl.String
    )
    return (
        rows.with_columns(
            could_bill=(pl.col("outcome") == say.MATCHED)
            & ~pl.col("waiting")
            & ~pl.col("rejected"),
            rest_days=(pl.col("declared_days") - pl.col("billed_days")).cast(DAYS),
            rest_amount=(target - pl.col("billed_amount")).cast(MONEY),
            bill_currency=pl.coalesce("currency", pl.lit(currency)),
            frequency=key,
        )
        .with_columns(billing_key=_billing_key())
        .with_columns(
            currencies=pl.col("bill_currency")
            .filter("could_bill", pl.col("daily_rate").is_not_null())
            .n_unique()
            .over(GROUP),
            # money billed in another currency cannot be taken off
            currency_changed=(pl.col("billed_amount") != _ZERO)
            & (pl.col("billed_currency") != pl.col("bill_currency")).fill_null(value=False),
        )
        .with_columns(**_to_credit())
    )


def _to_credit() -> dict[str, pl.Expr]:
    """Whether more was billed than is matched, and what is to be credited then (negative).

    `twice`: billed here, and still billed on a contract that the CRA has left.

    Days and money that go different ways (another rate since) are one line of no credit note: all
    that was billed is credited, and billed again.
    """
    days, amount = pl.col("rest_days"), pl.col("rest_amount")
    mixed = ((days > _ZERO) & (amount < _ZERO)) | ((days < _ZERO) & (amount >= _ZERO))
    return {
        "too_much": ((days < _ZERO) | mixed).fill_null(value=False),
        "twice": (pl.col("elsewhere_id").is_not_null() & (days <= _ZERO)).fill_null(value=False),
        "credit_days": pl.when(mixed).then(-pl.col("billed_days")).otherwise(days),
        "credit_amount": pl.when(mixed).then(-pl.col("billed_amount")).otherwise(amount),
    }


def _billing_key() -> pl.Expr:
    """The month, the quarter or the contract's last month under which a row is invoiced."""
    first = month_start(pl.col("period"))
    quarter = sentence("{}-Q{}", first.dt.year(), first.dt.quarter())
    last = pl.col("end_date").dt.strftime("%Y-%m")
    return (
        pl.when(pl.col("frequency") == "quarterly")
        .then(quarter)
        .when(pl.col("frequency") == "end")
        .then(pl.coalesce(last, pl.lit("open")))
        .otherwise("period")
    )


def billing_date_come(as_of: date) -> pl.Expr:
    """Whether the billing date has come: after the quarter, after the end, or at once."""
    first = month_start(pl.col("period"))
    today = pl.lit(as_of)
    after_quarter = today >= first.dt.truncate("1q").dt.offset_by("3mo")
    after_end = (today > pl.col("end_date")).fill_null(value=False)
    return (
        pl.when(pl.col("frequency") == "quarterly")
        .then(after_quarter)
        .when(pl.col("frequency") == "end")
        .then(after_end)
        .otherwise(pl.lit(value=True))
    )
