"""Properties of the client side that hold for any declarations, CRAs and earlier invoices."""

import json
from dataclasses import fields, replace
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.client_facts import (
    billed,
    contract,
    cra,
    facts,
    invoice,
    invoice_line,
    line,
    matched,
    person,
    proposed,
    rate,
)
from transforms.billing import Billing
from transforms.cra_matching import CraFacts

TEAM = [person(), person("P2", "Paul Martin")]
TWO = [contract(), contract("CT2")]
NAMES = ["Jean Dupont", "DUPONT jean", "Paul Martin", "Paul Martinn", "Zoé Nobody"]
LINES = st.builds(
    line,
    st.sampled_from(["0", "5", "10", "20.5"]),
    st.sampled_from(NAMES),
    st.sampled_from(["Acme", "C1", "Zut"]),
    file=st.sampled_from(["a", "b"]),
    sent=st.just(2),
    contract=st.sampled_from([None, "CT1", "R-CT2", "?"]),
)
CRAS = st.builds(
    cra,
    st.sampled_from(["0", "5", "10", "20.5"]),
    st.sampled_from(["P1", "P2"]),
    st.sampled_from(["C1", None]),
    status=st.sampled_from(["draft", "submitted", "validated", "rejected", "invalidated"]),
    contract_id=st.sampled_from([None, "CT1", "CT2"]),
)


INVOICES = st.builds(
    lambda number, reference, text, days, contract_id: invoice(
        f"I{number}",
        reference,
        invoice_line(text, days, str(Decimal(days) * 500)),
        contract_id=contract_id,
    ),
    st.integers(0, 999),
    st.sampled_from(["RAP-2026-10-R-CT1", "RAP-2026-10-R-CT2", "F1"]),
    st.sampled_from(["Jean Dupont · 2026-10 · P1", "octobre", "?"]),
    st.sampled_from(["5", "10", "-5"]),
    st.sampled_from(["CT1", "CT2", None]),
)


def shuffled(given_facts: CraFacts, seed: int) -> CraFacts:
    """The same facts, the rows of every table in another order."""
    tables = {
        each.name: getattr(given_facts, each.name).sample(fraction=1, shuffle=True, seed=seed)
        for each in fields(given_facts)
        if each.name != "unread"
    }
    return replace(given_facts, **tables)


@settings(max_examples=6, deadline=None)
@given(
    st.lists(LINES, max_size=5),
    st.lists(CRAS, max_size=4),
    st.lists(INVOICES, max_size=3, unique_by=lambda told: told["id"]),
    st.integers(0, 99),
)
def test_p27_any_order_of_rows_gives_the_same_decisions(
    lines: list[dict[str, object]],
    cras: list[dict[str, object]],
    invoices: list[dict[str, object]],
    seed: int,
) -> None:
    """Shuffled tables give equal results, one row an id."""
    straight = facts(lines, cras, invoices, people=TEAM, contracts=TWO)
    one, other = proposed(straight), proposed(shuffled(straight, seed))
    for each in fields(Billing):
        assert getattr(one, each.name).equals(getattr(other, each.name)), each.name
    assert one.matches["break_id"].is_unique().all()
    assert one.proposals["reference"].is_unique().all()


@settings(max_examples=8, deadline=None)
@given(st.lists(LINES, max_size=5), st.lists(CRAS, max_size=4))
def test_every_day_of_a_file_is_in_one_row(
    lines: list[dict[str, object]], cras: list[dict[str, object]]
) -> None:
    """The rows of one file declare what its lines do: no day is dropped or doubled."""
    one_file = [told | {"file": "a"} for told in lines]
    found = matched(facts(one_file, cras, people=TEAM, contracts=TWO)).matches
    assert found["declared_days"].sum() == sum(told["days"] for told in lines)


def cents(amount: Decimal) -> Decimal:
    """Half up, written apart from the code under test."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def sent(found: Billing) -> list[tuple[str, list[dict[str, str]]]]:
    """Reference and lines of every invoice that goes out."""
    out = found.proposals.filter(pl.col("status") == "proposed").select("reference", "lines")
    return [(reference, json.loads(lines)) for reference, lines in out.rows()]


def as_ledger(invoices: list[tuple[str, list[dict[str, str]]]]) -> list[dict[str, object]]:
    """Confirmed invoices as our own ledger has them."""
    return [
        billed(told["quantity"], told["total_excl_tax"], reference)
        | {"consultant_id": told["consultant_id"], "period": told["period"]}
        for reference, lines in invoices
        for told in lines
    ]


def at_vendor(invoices: list[tuple[str, list[dict[str, str]]]]) -> list[dict[str, object]]:
    """The same invoices as BoondManager serves them."""
    return [
        invoice(
            reference,
            reference,
            *(
                invoice_line(told["description"], told["quantity"], told["total_excl_tax"])
                for told in lines
            ),
        )
        for reference, lines in invoices
    ]


DAYS = st.integers(0, 100).map(lambda quarters: str(Decimal(quarters) / 4))
PRICE = st.decimals("0.01", "1999.9999", places=4).map(str)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(DAYS, DAYS, st.booleans()), min_size=1, max_size=3), PRICE)
def test_p31_what_is_billed_over_all_runs_is_matched_days_times_rate(
    months: list[tuple[str, str, bool]], price: str
) -> None:
    """To the cent, however often days grow, also when the ledger was lost; no run bills twice."""
    days = {"P1": Decimal(0), "P2": Decimal(0)}
    confirmed: list[tuple[str, list[dict[str, str]]]] = []
    for first, second, lost in months:
        days = {"P1": max(Decimal(first), days["P1"]), "P2": max(Decimal(second), days["P2"])}
        names = {"P1": "Jean Dupont", "P2": "Paul Martin"}
        lines = [line(str(worked), names[who]) for who, worked in days.items()]
        cras = [cra(str(worked), who) for who, worked in days.items()]
        for _ in range(2):
            ledger = [] if lost else as_ledger(confirmed)
            world = facts(
                lines, cras, at_vendor(confirmed), people=TEAM, rates=[rate(price)], billed=ledger
            )
            found = proposed(world)
            confirmed += sent(found)
        assert found.proposals.is_empty()
    rows = as_ledger(confirmed)
    for who, worked in days.items():
        own = [row["amount"] for row in rows if row["consultant_id"] == who]
        assert sum(own, Decimal(0)) == cents(worked * Decimal(price))
    assert len({reference for reference, _ in confirmed}) == len(confirmed) <= len(months)
