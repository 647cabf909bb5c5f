"""Declared days against CRA days."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.transforms.client_facts import (
    OCTOBER,
    cra,
    facts,
    line,
    matched,
    only,
    person,
    policy,
    schema,
)
from transforms.clients.cra_matching import CraMatching

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


def test_a_dead_cra_without_days_gives_way_to_one_of_its_time() -> None:
    """There is no date that both have, and what was refused waits for nobody any more."""
    given_facts = facts([line("20")], [cra("0", status="rejected"), cra("20")])
    assert only(matched(given_facts).matches, "cra_ids") == ["cra2"]


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
    held: bool,
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


def test_a_gap_without_rate_is_compared_by_days_alone() -> None:
    """Its percent is unknown, which is no hold."""
    found = matched(facts([line("20")], [cra("17")], rates=[]))
    assert outcome(found) == ("over_reported", [])


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
