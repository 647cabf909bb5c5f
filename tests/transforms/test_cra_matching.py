"""Declared days against CRA days."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.client_facts import (
    OCTOBER,
    client,
    contract,
    cra,
    facts,
    line,
    matched,
    only,
    person,
    policy,
    rate,
    schema,
)
from transforms.cra_matching import CraMatching

PAUL = person("P2", "Paul Martin")
TEAM = [person(), PAUL]
LATER = datetime(2026, 11, 3, tzinfo=UTC)
SEPTEMBER = {"period_start_date": date(2026, 9, 28), "period_end_date": date(2026, 10, 9)}


def outcome(found: CraMatching) -> object:
    """Outcome and hold codes of the only row."""
    return only(found.matches, "outcome", "holds")


def by_person(found: CraMatching) -> dict[str, str]:
    """The outcome of each consultant."""
    return dict(found.matches.select("consultant_id", "outcome").iter_rows())


# Outcomes of 1.2


def test_equal_days_match() -> None:
    """Declared days that the CRA says too are matched."""
    found = matched(facts([line("20.5")], [cra("20.5")])).matches
    assert only(found, "outcome", "severity", "action") == ("matched", "info", "bill")


@pytest.mark.parametrize(
    ("declared", "worked", "expected", "money"),
    [("20", "19", "over_reported", "500"), ("19", "20", "under_reported", "-500")],
)
def test_a_difference_is_told_in_days_and_money(
    declared: str, worked: str, expected: str, money: str
) -> None:
    """Difference is declared less CRA, times the rate."""
    row = matched(facts([line(declared)], [cra(worked)])).matches
    days = Decimal(declared) - Decimal(worked)
    assert only(row, "outcome", "difference_days", "difference_amount") == (
        expected,
        days,
        Decimal(money),
    )
    assert only(row, "severity", "action") == (
        "warning",
        "invalidate the CRA, tell the consultant",
    )


def test_a_person_without_cra_is_missing_it() -> None:
    """No CRA in the month is an error, and its days are absent, not zero."""
    row = matched(facts([line("20")])).matches
    assert only(row, "outcome", "severity", "cra_days") == ("missing_cra", "error", None)


def test_a_cra_of_absences_says_zero_days() -> None:
    """A CRA without production is there: it is not missing."""
    row = matched(facts([line("2")], [cra("0", absent=3)])).matches
    assert only(row, "outcome", "cra_days") == ("over_reported", Decimal(0))


def test_nobody_of_that_name_is_a_missing_entry() -> None:
    """A name that is nobody's is critical, and its candidates are told."""
    found = matched(facts([line("3", "Jean Dupond")]))
    assert only(found.matches, "consultant_id", "outcome", "severity") == (
        "unknown",
        "missing_entry",
        "critical",
    )
    assert "dupont jean (P1) 90.9" in only(found.holds, "detail")


def test_a_person_whom_the_client_left_out_is_undeclared() -> None:
    """A CRA beside others declared is undeclared."""
    given_facts = facts([line("20")], [cra("20"), cra("5", "P2")], people=TEAM)
    assert by_person(matched(given_facts)) == {"P1": "matched", "P2": "undeclared"}


def test_a_client_that_declared_nobody_is_not_looked_at() -> None:
    """CRAs of a client without declarations make no row."""
    assert matched(facts([], [cra("20")])).matches.is_empty()


def test_a_draft_is_held_even_when_days_tie() -> None:
    """A CRA not submitted is held, and the consultant reminded."""
    found = matched(facts([line("20")], [cra("20", status="draft")]))
    assert outcome(found) == ("held", ["CRA_NOT_SUBMITTED"])
    assert only(found.matches, "action", "severity") == ("remind the consultant", "warning")


def test_a_validated_cra_that_differs_goes_to_a_person() -> None:
    """The outcome stays, the hold is an error."""
    found = matched(facts([line("20")], [cra("19", status="validated")]))
    assert outcome(found) == ("over_reported", ["VALIDATED_CRA_DIFFERS"])
    assert only(found.matches, "action", "severity") == ("a person decides", "error")


def test_a_total_unlike_its_lines_is_held() -> None:
    """A totalDays that its production lines do not say is held, as an error."""
    found = matched(facts([line("20")], [cra("20", total_days=Decimal(21))]))
    assert outcome(found) == ("held", ["CRA_TOTAL_INCONSISTENT"])
    assert only(found.holds, "expected", "actual", "severity") == ("21 d", "20 d", "error")


@pytest.mark.parametrize("stream", ["boond.cras", "boond.client_invoices", "declarations.files"])
def test_an_unread_stream_leaves_the_row_not_checked(stream: str) -> None:
    """Without fresh data nothing is compared."""
    found = matched(facts([line("20")], [cra("20")], unread=[stream]))
    assert only(found.matches, "outcome", "severity") == ("not_checked", "warning")


def test_a_stream_of_the_other_side_does_not_matter() -> None:
    """Bills that were not read keep no CRA from being compared."""
    found = matched(facts([line("20")], [cra("20")], unread=["bill.invoices"]))
    assert outcome(found) == ("matched", [])


@pytest.mark.parametrize(
    ("kind", "name"), [("consultant", "P1"), ("client", "C1"), ("contract", "CT1"), ("cra", "cra1")]
)
def test_a_quarantined_row_leaves_those_it_names_not_checked(kind: str, name: str) -> None:
    """Others are compared all the same."""
    quarantined = [{"stream": "boond.cras", "kind": kind, "id": name}]
    given_facts = facts([line("20")], [cra("20")], quarantined=quarantined)
    assert outcome(matched(given_facts)) == ("not_checked", [])


def test_swapped_days_are_compared_person_by_person() -> None:
    """A month that ties in total but not by person is no match."""
    given_facts = facts(
        [line("18"), line("17", "Paul Martin")], [cra("17"), cra("18", "P2")], people=TEAM
    )
    assert by_person(matched(given_facts)) == {"P1": "over_reported", "P2": "under_reported"}


# Which CRAs count


def test_cras_of_one_month_add_up() -> None:
    """Two CRAs of half a month are compared as one."""
    second = cra("10", period_start_date=date(2026, 10, 16))
    assert outcome(matched(facts([line("20")], [cra("10"), second]))) == ("matched", [])


def test_a_cra_is_split_by_date() -> None:
    """Only the days inside the month count."""
    assert only(
        matched(facts([line("9")], [cra("12", **SEPTEMBER)])).matches, "outcome", "cra_days"
    ) == ("matched", Decimal(9))


@pytest.mark.parametrize("status", ["rejected", "invalidated"])
def test_a_dead_cra_is_compared_and_waits(status: str) -> None:
    """Its days tie, and the action is to wait for the consultant."""
    row = matched(facts([line("20")], [cra("20", status=status)])).matches
    assert only(row, "outcome", "action") == ("matched", "wait for the consultant")


def test_a_dead_cra_that_differs_keeps_its_outcome() -> None:
    """Until it is resubmitted the row waits."""
    row = matched(facts([line("20")], [cra("19", status="invalidated")])).matches
    assert only(row, "outcome", "action") == ("over_reported", "wait for the consultant")


def test_a_newer_cra_takes_the_place_of_a_dead_one() -> None:
    """The dead days count no more once another CRA stands for them."""
    given_facts = facts([line("20")], [cra("19", status="invalidated"), cra("20")])
    assert only(matched(given_facts).matches, "outcome", "cra_ids") == ("matched", ["cra2"])


def test_of_two_dead_cras_the_later_counts() -> None:
    """Days refused twice are compared once."""
    given_facts = facts(
        [line("20")], [cra("20", status="rejected"), cra("18", status="rejected", updated_at=LATER)]
    )
    assert only(matched(given_facts).matches, "cra_ids") == ["cra2"]


def test_a_dead_cra_of_other_days_counts() -> None:
    """A refused half of the month is replaced by no other half."""
    other = cra("10", period_start_date=date(2026, 10, 16))
    row = matched(facts([line("20")], [cra("10", status="rejected"), other])).matches
    assert only(row, "cra_days", "action") == (Decimal(20), "wait for the consultant")


def test_a_cra_resubmitted_with_the_same_days_is_confirmed() -> None:
    """It is not invalidated again, a person asks the client."""
    found = matched(
        facts([line("20")], [cra("19")], invalidated=[{"cra_id": "cra1", "cra_days": Decimal(19)}])
    )
    assert outcome(found) == ("over_reported", ["CRA_CONFIRMED"])
    assert only(found.matches, "action") == "ask the client"


def test_a_new_cra_with_the_days_of_the_invalidated_one_is_confirmed() -> None:
    """A resubmission under another id is one too."""
    found = matched(
        facts(
            [line("20")],
            [cra("19", status="invalidated"), cra("19")],
            invalidated=[{"cra_id": "cra1", "cra_days": Decimal(19)}],
        )
    )
    assert outcome(found) == ("over_reported", ["CRA_CONFIRMED"])


def test_a_cra_resubmitted_with_other_days_is_compared_anew() -> None:
    """Other days that differ are invalidated again."""
    past = [{"cra_id": "cra1", "cra_days": Decimal(18)}]
    assert outcome(matched(facts([line("20")], [cra("19")], invalidated=past))) == (
        "over_reported",
        [],
    )


def test_a_cra_without_client_is_its_contracts() -> None:
    """The contract tells the client."""
    assert outcome(matched(facts([line("20")], [cra("20", client=None, contract_id="CT1")]))) == (
        "matched",
        [],
    )


def test_a_cra_of_no_known_client_goes_to_a_person() -> None:
    """Production days that belong to nobody are held, not dropped."""
    assert outcome(matched(facts([], [cra("20", client=None)]))) == ("held", ["CLIENT_UNKNOWN"])


# Gaps


@pytest.mark.parametrize(
    ("worked", "limits", "held"),
    [
        ("15", {"gap_percent": "off"}, False),
        ("14.75", {"gap_percent": "off"}, True),
        ("18", {}, False),
        ("17.75", {}, True),
        ("1", {"gap_days": "off", "gap_percent": "off"}, False),
        ("20.25", {"gap_days": 0, "gap_percent": "off"}, True),
    ],
)
def test_a_gap_beyond_either_limit_waits_for_a_person(
    worked: str,
    limits: dict[str, object],
    held: bool,  # noqa: FBT001 - parametrized
) -> None:
    """5 days or 10 % of the contract's month pass, anything beyond is held."""
    found = matched(facts([line("20")], [cra(worked)]), policy=policy(**limits))
    assert (only(found.matches, "holds") == ["GAP_TOO_LARGE"]) is held


def test_the_percent_is_of_the_whole_contract() -> None:
    """Two people of 20 days allow a gap of 4 days on one."""
    given_facts = facts(
        [line("20"), line("20", "Paul Martin")], [cra("16"), cra("20", "P2")], people=TEAM
    )
    assert matched(given_facts).holds.is_empty()


def test_a_limit_that_is_off_is_said() -> None:
    """The row says what was not checked."""
    found = matched(facts([line("20")], [cra("18")]), policy=policy(gap_percent="off"))
    assert "gap_percent off" in only(found.matches, "explanation")


# Who is meant


@pytest.mark.parametrize("written", ["C1", "REF-C1", "acme", "ACMÉ"])
def test_a_client_is_meant_by_id_reference_or_name(written: str) -> None:
    """All three find the client."""
    assert outcome(matched(facts([line("20", client=written)], [cra("20")]))) == ("matched", [])


def test_an_unknown_client_is_held() -> None:
    """Nobody's line is held as an error, on the declaration."""
    found = matched(facts([line("20", client="Zut")], [cra("20")]))
    assert outcome(found) == ("held", ["CLIENT_UNKNOWN"])
    assert only(found.holds, "subject", "severity") == ("declaration", "error")


def test_two_clients_of_one_name_are_ambiguous() -> None:
    """A name of two clients is neither's."""
    found = matched(facts([line("20")], clients=[client(), client("C2")]))
    assert outcome(found) == ("held", ["NAME_AMBIGUOUS"])


def test_an_alike_name_is_linked_with_its_score() -> None:
    """A fuzzy name says so."""
    found = matched(facts([line("20", "Jean Duponnt")], [cra("20")]))
    assert only(found.links, "consultant_id", "method") == ("P1", "fuzzy")
    assert outcome(found) == ("matched", [])


def test_namesakes_are_told_apart_by_their_cra() -> None:
    """Of two people of one name, the one with a CRA for the client is meant."""
    given_facts = facts([line("20")], [cra("20", "P9")], people=[person(), person("P9")])
    assert by_person(matched(given_facts)) == {"P9": "matched"}


def test_namesakes_without_cra_are_ambiguous() -> None:
    """Nothing tells them apart: a person says."""
    found = matched(facts([line("20")], people=[person(), person("P9")]))
    assert outcome(found) == ("held", ["NAME_AMBIGUOUS"])
    assert "(P1)" in only(found.holds, "detail")
    assert "(P9)" in only(found.holds, "detail")


@pytest.mark.parametrize("for_client", ["C1", None])
def test_a_persons_decision_on_a_name_wins(for_client: str | None) -> None:
    """What was linked is taken, for one client or for all."""
    told = {"declared_name": "Jeannot", "consultant_id": "P1", "method": "person"}
    links = [told | {"client_id": for_client, "decided_at": LATER}]
    assert outcome(matched(facts([line("20", "JEANNOT")], [cra("20")], links=links))) == (
        "matched",
        [],
    )


def test_a_line_of_little_confidence_is_held() -> None:
    """Under 0.85 a person reads it."""
    found = matched(facts([line("20", confidence=Decimal("0.84"))], [cra("20")]))
    assert outcome(found) == ("held", ["LOW_CONFIDENCE"])


# Which lines stand


def test_lines_of_one_file_add_up() -> None:
    """Two lines of a person and month are one declaration."""
    assert outcome(matched(facts([line("12"), line("8")], [cra("20")]))) == ("matched", [])


def test_the_newer_file_replaces_the_older() -> None:
    """The file sent last is what the client declares."""
    lines = [line("20", file="new.csv", sent=5), line("18", file="old.csv", sent=3)]
    assert only(matched(facts(lines, [cra("20")])).matches, "declared_days") == Decimal(20)


def test_sent_at_goes_before_the_time_of_the_file() -> None:
    """A file copied later is not newer than what it says of itself."""
    early, late = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 4))
    lines = [
        line("20", file="a", sent=2, sent_at=late),
        line("18", file="b", sent=9, sent_at=early),
    ]
    assert only(matched(facts(lines, [cra("20")])).matches, "declared_days") == Decimal(20)


def test_a_newer_file_for_another_person_replaces_nothing() -> None:
    """Each person's declaration stands until it is replaced."""
    lines = [line("20", file="a"), line("5", "Paul Martin", file="b", sent=4)]
    given_facts = facts(lines, [cra("20"), cra("5", "P2")], people=TEAM)
    assert by_person(matched(given_facts)) == {"P1": "matched", "P2": "matched"}


def test_an_unreadable_line_is_held() -> None:
    """A line with a problem is reported with its text."""
    found = matched(facts([line(None, problem="days is no number", line_text="a,b,c,d")]))
    assert only(found.holds, "code", "actual") == ("DECLARATION_UNREADABLE", "a,b,c,d")
    assert only(found.holds, "break_id") == "declaration/sha-a.csv/1"


def test_an_unreadable_line_that_was_sent_again_is_settled() -> None:
    """A newer readable line for the same person and month takes its place."""
    lines = [line(None, problem="?"), line("20", file="b.csv", sent=3)]
    assert outcome(matched(facts(lines, [cra("20")]))) == ("matched", [])
    assert matched(facts(lines, [cra("20")])).holds.is_empty()


# Contracts

TWO = [contract(), contract("CT2")]


@pytest.mark.parametrize("named", ["CT1", "R-CT1", "r-ct1"])
def test_a_contract_is_named_by_id_or_reference(named: str) -> None:
    """Both are the same contract."""
    found = matched(facts([line("20", contract=named)], [cra("20", contract_id="CT1")]))
    assert only(found.matches, "contract_id", "outcome") == ("CT1", "matched")


def test_a_side_that_names_none_joins_the_others_only_one() -> None:
    """The declaration names none, the CRA one of two."""
    found = matched(facts([line("20")], [cra("20", contract_id="CT2")], contracts=TWO))
    assert only(found.matches, "contract_id", "outcome") == ("CT2", "matched")


def test_a_cra_that_names_none_joins_the_declared_one() -> None:
    """And the other way round."""
    found = matched(facts([line("20", contract="CT2")], [cra("20")], contracts=TWO))
    assert only(found.matches, "contract_id", "outcome") == ("CT2", "matched")


def test_several_contracts_of_the_other_side_are_ambiguous() -> None:
    """Days that may be for either are held, all of the person's month."""
    cras = [cra("10", contract_id="CT1"), cra("10", contract_id="CT2")]
    found = matched(facts([line("20")], cras, contracts=TWO)).matches
    assert set(found["outcome"]) == {"held"}
    assert found["holds"].to_list() == [["CONTRACT_AMBIGUOUS"]] * 3


def test_several_covering_contracts_are_ambiguous() -> None:
    """Nobody names one and two cover the month."""
    found = matched(facts([line("20")], [cra("20")], contracts=TWO))
    assert outcome(found) == ("held", ["CONTRACT_AMBIGUOUS"])


def test_of_several_covering_contracts_the_missions_is_taken() -> None:
    """The CRA's mission tells the contract."""
    found = matched(facts([line("20")], [cra("20", resource_label="R-CT2")], contracts=TWO))
    assert only(found.matches, "contract_id", "outcome") == ("CT2", "matched")


def test_a_contract_that_is_not_the_clients_is_held() -> None:
    """A named contract that nobody knows is no guess."""
    found = matched(facts([line("20", contract="XYZ")], [cra("20")]))
    assert "CONTRACT_AMBIGUOUS" in found.holds["code"].to_list()


def test_each_contract_is_compared_alone() -> None:
    """Days of two contracts are two rows."""
    lines = [line("10", contract="CT1"), line("9", contract="CT2")]
    cras = [cra("10", contract_id="CT1"), cra("10", contract_id="CT2")]
    found = matched(facts(lines, cras, contracts=TWO, rates=[rate(), rate(contract="CT2")])).matches
    assert dict(found.select("contract_id", "outcome").iter_rows()) == {
        "CT1": "matched",
        "CT2": "under_reported",
    }


# Form and properties


def test_results_have_the_columns_of_the_warehouse() -> None:
    """Rows, also of nothing, can be stored as they are."""
    for found in (matched(facts()), matched(facts([line("20")], [cra("19")]))):
        for rows, table in ((found.matches, "cra_matches"), (found.holds, "holds")):
            stored = dict(schema(f"recon.{table}"))
            assert dict(rows.schema) == {
                name: kind for name, kind in stored.items() if name not in ("run_id", "decided_at")
            }


def test_only_the_months_asked_for_are_told() -> None:
    """A row of another month is not in the matches."""
    given_facts = facts([line("20"), line("3", period="2026-09")], [cra("20")])
    assert matched(given_facts).matches["period"].to_list() == [OCTOBER]


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


@settings(max_examples=30, deadline=None)
@given(st.lists(LINES, max_size=5), st.lists(CRAS, max_size=4), st.randoms(use_true_random=False))
def test_p27_any_order_of_rows_gives_the_same_decisions(
    lines: list[dict[str, object]], cras: list[dict[str, object]], chance: object
) -> None:
    """Shuffled frames give equal matches and holds, one row an id."""
    straight = facts(lines, cras, people=TEAM, contracts=TWO)
    shuffled = facts(lines, cras, people=TEAM[::-1], contracts=TWO[::-1])
    seed = chance.randint(0, 99)  # type: ignore[attr-defined]
    for name in ("cras", "cra_days", "declarations", "declaration_lines"):
        mixed = getattr(shuffled, name).sample(fraction=1, shuffle=True, seed=seed)
        object.__setattr__(shuffled, name, mixed)
    one, other = matched(straight), matched(shuffled)
    assert one.matches.equals(other.matches)
    assert one.holds.equals(other.holds)
    assert one.matches["break_id"].is_unique().all()


@settings(max_examples=30, deadline=None)
@given(st.lists(LINES, max_size=5), st.lists(CRAS, max_size=4))
def test_every_day_of_a_file_is_in_one_row(
    lines: list[dict[str, object]], cras: list[dict[str, object]]
) -> None:
    """The rows of one file declare what its lines do: no day is dropped or doubled."""
    one_file = [told | {"file": "a"} for told in lines]
    found = matched(facts(one_file, cras, people=TEAM, contracts=TWO)).matches
    assert found["declared_days"].sum() == sum(told["days"] for told in lines)
