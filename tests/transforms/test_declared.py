"""Who is meant, which declared lines stand, and under which contract."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.transforms.client_facts import (
    NOON,
    Row,
    client,
    contract,
    cra,
    facts,
    line,
    matched,
    only,
    person,
    rate,
)
from transforms.clients.cra_matching import CraMatching

TEAM = [person(), person("P2", "Paul Martin")]
LATER = datetime(2026, 11, 3, tzinfo=UTC)


def outcome(found: CraMatching) -> object:
    """Outcome and hold codes of the only row."""
    return only(found.matches, "outcome", "holds")


def by_person(found: CraMatching) -> dict[str, str]:
    """The outcome of each consultant."""
    return dict(found.matches.select("consultant_id", "outcome").iter_rows())


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
    """Of two people of one name, the one with a CRA for the client is meant, by the exact name."""
    given_facts = facts([line("20")], [cra("20", "P9")], people=[person(), person("P9")])
    assert by_person(matched(given_facts)) == {"P9": "matched"}
    assert only(matched(given_facts).links, "method", "score") == ("exact", Decimal(100))


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
    """Under 0.85 a person reads it, and is told what was doubtful."""
    doubtful = line("20", confidence=Decimal("0.84"), doubt="`environ` 0.30")
    found = matched(facts([doubtful], [cra("20")]))
    assert outcome(found) == ("held", ["LOW_CONFIDENCE"])
    assert "`environ` 0.30" in only(found.holds, "detail")


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


def test_a_cra_under_another_contract_is_said() -> None:
    """The consultant is not reminded of a CRA that exists: a person decides."""
    lines = [line("20", contract="CT1")]
    found = matched(facts(lines, [cra("20", contract_id="CT2")], contracts=TWO)).matches
    assert dict(found.select("contract_id", "outcome").iter_rows()) == {
        "CT1": "missing_cra",
        "CT2": "undeclared",
    }
    assert found["action"].to_list() == ["a person decides", "ask the client"]


def test_a_dead_cra_is_replaced_under_its_own_contract_only() -> None:
    """Half days of another contract on the same dates are another thing."""
    lines = [line("10", contract="CT1"), line("10", contract="CT2")]
    cras = [cra("10", contract_id="CT1", status="rejected"), cra("10", contract_id="CT2")]
    found = matched(facts(lines, cras, contracts=TWO, rates=[rate(), rate(contract="CT2")])).matches
    assert found["action"].to_list() == ["wait for the consultant", "bill"]


def test_a_person_may_mean_somebody_deleted() -> None:
    """A decision on a name wins, whoever left since."""
    link = {"client_id": "C1", "declared_name": "JD", "consultant_id": "P1", "method": "person"}
    gone = [person(deleted_at=NOON)]
    found = matched(facts([line("20", "JD")], people=gone, links=[link | {"decided_at": NOON}]))
    assert only(found.matches, "consultant_id", "outcome") == ("P1", "missing_cra")


@pytest.mark.parametrize(
    ("said_again", "held"), [([], 1), ([line("3", "Zoé", file="b", sent=5)], 0)]
)
def test_an_unreadable_line_of_another_month_is_told(said_again: list[Row], held: int) -> None:
    """Whatever month is looked at, until a newer file says it."""
    old = [told | {"period": "2026-08"} for told in (line(None, "Zoé", problem="?"), *said_again)]
    assert matched(facts([line("20"), *old], [cra("20")])).holds.height == held
