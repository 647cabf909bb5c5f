"""What explains a gap between declared and CRA days, one cause a test."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.client_facts import (
    OCTOBER,
    Row,
    client,
    contract,
    cra,
    facts,
    frame,
    line,
    matched,
    person,
)
from transforms.clients.cra_matching import CraFacts
from transforms.words.causes import find_causes
from transforms.words.evidence import CAUSES

TEAM = [person(), person("P2", "Paul Martin")]
PAIR = [client(), client("C2", "Globex")]
OCT_1 = date(2026, 10, 1)


def causes(given_facts: CraFacts, *periods: str) -> list[tuple[Any, ...]]:
    """Cause, side and days of each break, by break id."""
    found = find_causes(matched(given_facts, *(periods or (OCTOBER,))).rows, given_facts)
    return found.select("cause", "side", pl.col("days").cast(pl.Float64)).rows()


def days(*told: tuple[date, str, str], cra_id: str = "cra1") -> pl.DataFrame:
    """The lines of a CRA: date, duration, type."""
    rows = [
        {"cra_id": cra_id, "line_no": n, "date": day, "duration": Decimal(much), "type_code": kind}
        for n, (day, much, kind) in enumerate(told, start=1)
    ]
    return frame("core.cra_days", rows)


def with_days(
    declared: Sequence[Row], reports: Sequence[Row], lines: pl.DataFrame, **told: Any
) -> CraFacts:
    """Facts whose CRAs have exactly these lines."""
    sums = lines.filter(pl.col("type_code") == "production").group_by("cra_id")
    totals = dict(sums.agg(pl.col("duration").sum()).iter_rows())
    dated = [r | {"total_days": totals.get(f"cra{n}", 0)} for n, r in enumerate(reports, start=1)]
    made = facts(declared, dated, **told)
    return CraFacts(**(vars(made) | {"cra_days": lines}))


def month(first: date, *without: date) -> list[tuple[date, str, str]]:
    """A full day on each weekday of a month but these."""
    every = (first + timedelta(days=n) for n in range(31))
    return [
        (day, "1", "production")
        for day in every
        if day.month == first.month and day.weekday() < 5 and day not in without
    ]


def of_november(declared: str, *lines: tuple[date, str, str]) -> CraFacts:
    """Jean Dupont in November 2026, whose 11th is a holiday on a Wednesday."""
    report = cra("0", period_start_date=date(2026, 11, 1), period_end_date=date(2026, 11, 30))
    return with_days([line(declared, period="2026-11")], [report], days(*lines))


def test_a_holiday_that_was_worked() -> None:
    """A CRA with the 11th of November in it is one day above what the client owes."""
    given_facts = of_november("20", *month(date(2026, 11, 1)))
    found = find_causes(matched(given_facts, "2026-11").rows, given_facts)
    assert found.select("cause", "side", "dates").row(0) == (
        "public_holiday",
        "cra",
        [date(2026, 11, 11)],
    )


def test_a_holiday_that_the_client_has_counted() -> None:
    """A client that declares every weekday has counted the holiday."""
    given_facts = of_november("21", *month(date(2026, 11, 1), date(2026, 11, 11)))
    assert causes(given_facts, "2026-11") == [("public_holiday", "client", 1.0)]


def test_absences_of_the_cra() -> None:
    """Two days of leave that the client has declared."""
    assert causes(facts([line("20")], [cra("18", absent=2)])) == [("absence", "client", 2.0)]


def test_absences_of_another_number_explain_nothing() -> None:
    """Three days of leave do not make up a gap of two."""
    assert causes(facts([line("20")], [cra("18", absent=3)])) == [("none_found", "client", 2.0)]


def test_a_contract_that_ends_inside_the_month() -> None:
    """The CRA goes on after the end, and the client has declared up to it."""
    ended = contract(end_date=OCT_1 + timedelta(days=17))
    given_facts = facts([line("18")], [cra("20")], contracts=[ended])
    assert causes(given_facts) == [("mission_end", "cra", 2.0)]


def test_a_contract_that_begins_inside_the_month() -> None:
    """The CRA has days before the start."""
    begun = contract(start_date=OCT_1 + timedelta(days=3))
    assert causes(facts([line("17")], [cra("20")], contracts=[begun])) == [
        ("mission_start", "cra", 3.0)
    ]


def test_an_employment_that_ends_counts_as_well() -> None:
    """The person's own contract ends on the 18th."""
    leaver = person(main_contract_end_date=date(2026, 10, 18))
    assert causes(facts([line("18")], [cra("20")], people=[leaver])) == [("mission_end", "cra", 2)]


def test_days_at_another_client() -> None:
    """What is missing here is in the CRA of another client, whose name is told."""
    reports = [cra("18"), cra("2", client="C2", period_start_date=date(2026, 10, 20))]
    given_facts = facts([line("20")], reports, clients=PAIR)
    found = find_causes(matched(given_facts).rows, given_facts)
    assert found.select("cause", "others", "ids").rows() == [
        ("second_mission", ["Globex"], ["cra2"])
    ]


def test_a_draft_at_another_client() -> None:
    """It is said to be a draft."""
    reports = [cra("18"), cra("2", client="C2", status="draft")]
    given_facts = facts([line("20")], reports, clients=PAIR)
    assert causes(given_facts) == [("draft_elsewhere", "client", 2.0)]


def test_half_days_counted_as_whole() -> None:
    """Three mornings are a day and a half."""
    halves = [(OCT_1 + timedelta(days=n), "0.5", "production") for n in (0, 5, 6)]
    given_facts = with_days([line("3")], [cra("0")], days(*halves))
    assert causes(given_facts) == [("half_days", "client", 1.5)]


def test_two_halves_of_one_day_are_no_half_days() -> None:
    """A morning and an afternoon are a whole day."""
    two = [(OCT_1, "0.5", "production"), (OCT_1, "0.5", "production")]
    assert causes(with_days([line("2")], [cra("0")], days(*two))) == [("none_found", "client", 1.0)]


def test_days_of_the_month_before_in_the_same_cra() -> None:
    """A CRA from the 29th of September on, declared as a whole."""
    spanning = cra("5", period_start_date=date(2026, 9, 29))
    found = causes(facts([line("5")], [spanning]))
    assert ("neighbouring_month", "client", 2.0) in found


def test_a_declaration_that_makes_up_the_month_before() -> None:
    """Two days too few in September, two too many in October."""
    reports = [cra("10", period_start_date=date(2026, 9, 1), period_end_date=date(2026, 9, 30))]
    given_facts = facts([line("8", period="2026-09"), line("12")], [*reports, cra("10")])
    found = causes(given_facts, "2026-09", OCTOBER)
    assert found == [("neighbouring_month", "cra", 2.0), ("neighbouring_month", "client", 2.0)]


def test_two_people_swapped() -> None:
    """Each has been declared with the days of the other."""
    declared = [line("18"), line("20", "Paul Martin")]
    given_facts = facts(declared, [cra("20"), cra("18", "P2")], people=TEAM)
    found = find_causes(matched(given_facts).rows, given_facts)
    assert found.select("cause", "others").rows() == [
        ("swap", ["Paul Martin"]),
        ("swap", ["Jean Dupont"]),
    ]


def test_two_gaps_that_make_each_other_up() -> None:
    """One day too many here, one too few there, without the figures being the same."""
    declared = [line("19"), line("13", "Paul Martin")]
    given_facts = facts(declared, [cra("20"), cra("12", "P2")], people=TEAM)
    assert [cause for cause, *_ in causes(given_facts)] == ["swap", "swap"]


def test_declared_under_the_wrong_name() -> None:
    """Nobody's CRA and nobody's declaration of the same days belong together."""
    given_facts = facts([line("20")], [cra("20", "P2")], people=TEAM)
    assert [cause for cause, *_ in causes(given_facts)] == ["swap", "swap"]


def test_away_all_month() -> None:
    """There is no CRA for the client, and an internal one with nothing but leave."""
    given_facts = facts([line("5")], [cra("0", client=None, absent=22)])
    assert ("absence", "client", 22.0) in causes(given_facts)


def test_a_cra_under_another_contract() -> None:
    """The CRA of the month names another contract of the client."""
    contracts = [contract(), contract("CT2")]
    given_facts = facts(
        [line("20", contract="CT1")], [cra("12", contract_id="CT2")], contracts=contracts
    )
    assert ("second_mission", "client", 12.0) in causes(given_facts)


def test_a_mission_that_ended_before_the_month() -> None:
    """There is no CRA because the contract was over."""
    ended = contract(end_date=date(2026, 9, 30))
    given_facts = facts([line("20", contract="CT1")], [], contracts=[ended])
    assert causes(given_facts) == [("mission_end", "client", 20.0)]


def test_nothing_found_is_said() -> None:
    """Three quarters of a day that nothing explains."""
    assert causes(facts([line("20.75")], [cra("20")])) == [("none_found", "client", 0.75)]


def test_what_ties_has_no_cause() -> None:
    """Only gaps are explained."""
    assert causes(facts([line("20")], [cra("20", absent=2)])) == []


_SIDES = st.tuples(
    st.sampled_from(["C1", "C2"]),
    st.sampled_from(["P1", "P2"]),
    st.sampled_from(["0", "1", "2", "2.5"]),
)


@settings(max_examples=25)
@given(st.lists(_SIDES, max_size=4), st.lists(_SIDES, max_size=4), st.randoms())
def test_causes_never_fail_nor_depend_on_row_order(
    declared: list[tuple[str, str, str]], reports: list[tuple[str, str, str]], random: Any
) -> None:
    """Any world has one cause a break, the same in any order of its rows."""
    names = {"P1": "Jean Dupont", "P2": "Paul Martin", "C1": "Acme", "C2": "Globex"}
    given_facts = facts(
        [line(much, names[who], names[at]) for at, who, much in declared],
        [
            cra(much, who, client=at, absent=n % 3, status=("submitted", "draft")[n % 2])
            for n, (at, who, much) in enumerate(reports)
        ],
        people=TEAM,
        clients=PAIR,
        contracts=[contract(), contract("CT2", "C2", end_date=OCT_1)],
    )
    rows = matched(given_facts).rows
    found = find_causes(rows, given_facts)
    assert found.schema == pl.Schema(CAUSES)
    assert found.get_column("break_id").is_unique().all()
    seed = random.randint(0, 99)
    other = CraFacts(**(vars(given_facts) | {"cra_days": given_facts.cra_days.reverse()}))
    assert find_causes(rows.sample(fraction=1, shuffle=True, seed=seed), other).equals(found)
