"""Properties of the client side that hold for any declarations, CRAs and earlier invoices.

Each example judges several worlds at once (tests/worlds.py). All is told in the words of one firm;
`elsewhere` tells it in those of another, which shares no client, person, contract or file with it.
"""

import json
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.client_facts import (
    Row,
    billed,
    cra,
    facts,
    invoice,
    invoice_line,
    line,
    matched,
    policy,
    proposed,
    rate,
    report,
    word,
)
from tests.transforms.client_firms import TEAM, TWO, elsewhere, firms, in_all
from tests.worlds import MOST_AT_ONCE, as_many_worlds, side_by_side
from transforms.clients.billing import Billing
from transforms.clients.cra_decisions import replay_cra
from transforms.clients.cra_matching import CraFacts
from transforms.commands import INVOICE, OUTBOX, billed_by, client_commands, merge
from transforms.overrides import OVERRIDES, nobody_decided
from transforms.policy import Policy

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
DECIDED = [f"cra/2026-10/C1/{who}/{on}" for who in ("P1", "P2") for on in ("CT1", "CT2", "-")]
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
REPORTS = st.builds(
    lambda on, status: report(**on) | {"status": status},
    st.dictionaries(st.sampled_from(["CT1", "CT2", "_"]), st.sampled_from(["5", "10", "20.5"])),
    st.sampled_from(["draft", "submitted", "validated", "rejected", "invalidated"]),
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
        if each.name != "unread" and not getattr(given_facts, each.name).is_empty()
    }
    return replace(given_facts, **tables)


@dataclass(frozen=True)
class Month:
    """What is declared, reported, invoiced and decided in one firm."""

    lines: list[Row]
    cras: list[Row]
    invoices: list[Row]
    on: list[str]


MONTHS = st.builds(
    Month,
    lines=st.lists(LINES, max_size=5),
    cras=st.lists(CRAS | REPORTS, max_size=4),
    invoices=st.lists(INVOICES, max_size=3, unique_by=lambda told: told["id"]),
    on=st.lists(st.sampled_from(DECIDED), unique=True),
)


def told_at_once(worlds: list[Month]) -> CraFacts:
    """The facts of all worlds; what was decided on was rejected."""
    breaks = in_all([one.on for one in worlds])
    words = [{"break_id": each, "decision": "rejected", "decided_at": NOW} for each in breaks]
    return facts(
        in_all([one.lines for one in worlds]),
        in_all([one.cras for one in worlds]),
        in_all([one.invoices for one in worlds]),
        **firms(len(worlds)),
        rates=in_all([[rate()]] * len(worlds)),
        overrides=pl.DataFrame(words, schema=OVERRIDES, orient="row"),
    )


@pytest.mark.properties
@as_many_worlds()
@given(side_by_side(MONTHS), st.integers(0, 99))
def test_p27_p29_any_order_of_rows_decides_the_same_and_plans_nothing_more(
    worlds: list[Month], seed: int
) -> None:
    """Shuffled tables give equal results, one row an id, and what is planned stays planned."""
    straight = told_at_once(worlds)
    one, other = proposed(straight), proposed(shuffled(straight, seed))
    for each in fields(Billing):
        assert getattr(one, each.name).equals(getattr(other, each.name)), each.name
    assert one.matches["break_id"].is_unique().all()
    assert one.proposals["reference"].is_unique().all()
    plan = planned(pl.DataFrame(schema=OUTBOX), one)
    assert planned(plan, other).is_empty()


@settings(max_examples=8)
@given(st.lists(LINES, max_size=5), st.lists(CRAS | REPORTS, max_size=4))
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


Lines = list[dict[str, str]]
WHO = {"P1": "Jean Dupont", "P2": "Paul Martin"}
ROWS = [(who, contract_id) for contract_id in ("CT1", "CT2") for who in WHO]
QUARTERS = st.integers(0, 120)
APART = st.sampled_from([0, 0, 0, 0, 1])
MONTH = st.lists(st.tuples(QUARTERS, APART), min_size=len(ROWS), max_size=len(ROWS))
PRICES = st.lists(st.decimals("0.01", "1999.9999", places=4).map(str), min_size=2, max_size=2)
EARLIER = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(-9, 9)), max_size=3)


def documents(found: Billing) -> list[tuple[str, str, Lines]]:
    """Reference, contract and lines of what is sent, and of what a person credits."""
    told = found.proposals.select("reference", "contract_id", "lines").rows()
    return [(reference, contract_id, json.loads(lines)) for reference, contract_id, lines in told]


def in_ledger(made: list[tuple[str, str, Lines]]) -> list[dict[str, object]]:
    """Confirmed documents as our own ledger has them."""
    return [
        billed(told["quantity"], told["total_excl_tax"], reference)
        | {"contract_id": contract_id, "consultant_id": told["consultant_id"]}
        | {"invoice_id": reference}
        for reference, contract_id, lines in made
        for told in lines
    ]


def at_vendor(made: list[tuple[str, str, Lines]]) -> list[dict[str, object]]:
    """The same documents as BoondManager serves them."""
    return [
        invoice(
            reference,
            reference,
            *(
                invoice_line(told["description"], told["quantity"], told["total_excl_tax"])
                for told in lines
            ),
            contract_id=contract_id,
        )
        for reference, contract_id, lines in made
    ]


def earlier(told: list[tuple[int, int, int]], prices: list[str]) -> list[tuple[str, str, Lines]]:
    """Invoices and credit notes of before, at a rate that may have been another one."""
    made = []
    for number, (at, quarters, cheaper) in enumerate(told):
        who, contract_id = ROWS[at]
        days = Decimal(quarters) / 4
        amount = cents(days * (Decimal(prices[at // 2]) + max(cheaper, 0)))
        line_of = {"consultant_id": who, "description": f"{WHO[who]} · 2026-10 · {who}"}
        figures = {"quantity": str(days), "total_excl_tax": str(amount)}
        reference = f"RAP-2026-10-R-{contract_id}-{number + 2}" if amount >= 0 else f"AV{number}"
        made.append((reference, contract_id, [line_of | figures]))
    return made


def totals(
    made: list[tuple[str, str, Lines]], rows: list[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Days and money by person and contract."""
    summed = dict.fromkeys(rows, (Decimal(0), Decimal(0)))
    for row in in_ledger(made):
        key = (str(row["consultant_id"]), str(row["contract_id"]))
        days, amount = summed[key]
        summed[key] = (days + Decimal(str(row["days"])), amount + Decimal(str(row["amount"])))
    return summed


@dataclass(frozen=True)
class Run:
    """Quarters of a day of each row with those that differ, rates, and all that was made before."""

    month: list[tuple[int, int]]
    prices: list[str]
    made: list[tuple[str, str, Lines]]
    lost: bool

    def lines(self) -> list[Row]:
        """What is declared now."""
        return [
            line(str(Decimal(quarters) / 4), WHO[who], contract=contract_id)
            for (who, contract_id), (quarters, _) in zip(ROWS, self.month, strict=True)
        ]

    def cras(self) -> list[Row]:
        """What is reported now."""
        return [
            cra(str(Decimal(quarters + apart) / 4), who, contract_id=contract_id)
            for (who, contract_id), (quarters, apart) in zip(ROWS, self.month, strict=True)
        ]

    def rates(self) -> list[Row]:
        """The rates of both contracts."""
        on = zip(self.prices, ("CT1", "CT2"), strict=True)
        return [rate(price, contract_id) for price, contract_id in on]


def billed_in(runs: list[Run], *, partial: bool = False) -> list[tuple[str, str, Lines]]:
    """What one run makes of all worlds, after checking that each row is billed to the cent."""
    told = facts(
        in_all([one.lines() for one in runs]),
        in_all([one.cras() for one in runs]),
        in_all([at_vendor(one.made) for one in runs]),
        **firms(len(runs)),
        rates=in_all([one.rates() for one in runs]),
        billed=in_all([[] if one.lost else in_ledger(one.made) for one in runs]),
    )
    new = documents(proposed(told, policy=policy(partial=partial)))
    for k, one in enumerate(runs):
        own = elsewhere(one.made, k)
        mine = [each for each in new if each[1] in elsewhere(["CT1", "CT2"], k)]
        to_the_cent(one, elsewhere(ROWS, k), own, mine, partial=partial)
    references = [reference for reference, _, _ in in_all([one.made for one in runs]) + new]
    assert len(set(references)) == len(references)
    return new


def to_the_cent(
    run: Run,
    rows: list[tuple[str, str]],
    made: list[tuple[str, str, Lines]],
    new: list[tuple[str, str, Lines]],
    *,
    partial: bool,
) -> None:
    """Each row of one world is billed matched days times rate, or left as it was.

    A row that differs keeps the others of its contract; too much billed is credited at once, and
    as a whole where days and money went different ways since.
    """
    before, after = totals(made, rows), totals(made + new, rows)
    for at, key in enumerate(rows):
        quarters, apart = run.month[at]
        days = Decimal(quarters) / 4
        target = cents(days * Decimal(run.prices[at // 2]))
        together = partial or not any(
            differs for _, differs in run.month[at // 2 * 2 : at // 2 * 2 + 2]
        )
        rest, owed = days - before[key][0], target - before[key][1]
        if apart or rest == 0 or (rest > 0 and owed >= 0 and not together):
            assert after[key] == before[key]
        elif (rest > 0) == (owed >= 0):
            assert after[key] == (days, target)
        else:
            assert after[key] == (0, 0)


RUNS = st.builds(
    lambda month, prices, history, lost: Run(month, prices, earlier(history, prices), lost),
    MONTH,
    PRICES,
    EARLIER,
    st.booleans(),
)


@pytest.mark.properties
@as_many_worlds()
@given(side_by_side(RUNS), st.booleans())
def test_p31_whatever_was_billed_before_a_run_brings_it_to_matched_days_times_rate(
    runs: list[Run], partial: bool
) -> None:
    """To the cent, from any earlier invoices, at any earlier rates, also on a lost warehouse."""
    billed_in(runs, partial=partial)


@settings(max_examples=5)
@given(st.lists(MONTH, min_size=3, max_size=3), PRICES, st.booleans())
def test_run_after_run_bills_matched_days_times_rate(
    months: list[list[tuple[int, int]]], prices: list[str], lost: bool
) -> None:
    """Run after run, with corrections up and down and the credit notes that a person writes."""
    made: list[tuple[str, str, Lines]] = []
    for month in [*months, months[-1]]:
        made += billed_in([Run(month, prices, made, lost)])
    assert billed_in([Run(months[-1], prices, made, lost)]) == []


VERSIONS = {f"cra{number}": "v1" for number in range(1, 4 * MOST_AT_ONCE + 1)}


def planned(outbox: pl.DataFrame, found: Billing) -> pl.DataFrame:
    """What a look adds to the outbox."""
    wanted = client_commands(found, VERSIONS, Policy())
    return merge(outbox, wanted, decided={}, in_scope=lambda _: True, now=NOW)


def after_sending(told: list[dict[str, object]], sent: pl.DataFrame) -> list[dict[str, object]]:
    """The CRAs as BoondManager has them then."""
    statuses = dict(
        sent.filter(pl.col("kind").str.contains("cra")).select("target", "payload").rows()
    )
    return [
        each | (json.loads(statuses[f"cra{number}"]) if f"cra{number}" in statuses else {})
        for number, each in enumerate(told, start=1)
    ]


@pytest.mark.properties
@as_many_worlds(100)
@given(side_by_side(st.tuples(st.lists(LINES, max_size=4), st.lists(CRAS | REPORTS, max_size=4))))
def test_looking_again_once_all_is_sent_plans_nothing(
    worlds: list[tuple[list[Row], list[Row]]],
) -> None:
    """Sent and billed, nothing is left to plan."""
    lines, cras = (in_all(list(rows)) for rows in zip(*worlds, strict=True))
    team = firms(len(worlds)) | {"rates": in_all([[rate(), rate(contract="CT2")]] * len(worlds))}
    first = proposed(facts(lines, cras, **team))
    plan = planned(pl.DataFrame(schema=OUTBOX), first)
    sent = plan.with_columns(state=pl.lit("done"), sent_at=pl.lit(NOW, OUTBOX["sent_at"]))
    ledger = billed_by(sent.filter(pl.col("kind") == INVOICE))
    stands = replace(facts(lines, after_sending(cras, sent), **team), billed=ledger)
    assert planned(sent, proposed(stands)).is_empty()


@settings(max_examples=8)
@given(st.lists(LINES, max_size=5), st.lists(CRAS | REPORTS, max_size=4), st.booleans())
def test_every_decision_of_a_month_can_be_replayed(
    lines: list[dict[str, object]], cras: list[dict[str, object]], approved: bool
) -> None:
    """What was kept of a row gives its outcome again, a person's decision included."""
    told = {"people": TEAM, "contracts": TWO}
    on = word(proposed(facts(lines, cras, **told))) if approved else nobody_decided()
    found = proposed(facts(lines, cras, overrides=on, **told))
    kept = found.inputs.join(found.matches, on="break_id").select("inputs", "outcome").rows()
    assert len(kept) == found.matches.height
    for inputs, outcome in kept:
        assert replay_cra(inputs, "{}") == outcome
