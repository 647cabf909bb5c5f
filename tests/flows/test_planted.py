"""Two hundred consultants, planted breaks of all kinds: each is found, and nothing else is held."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sandbox import events
from sandbox.planted import Planted
from tests.flows.house import House

pytestmark = pytest.mark.nights

# November has a public holiday on a working day.
AS_OF = date(2026, 12, 3)
Subject = tuple[str | None, ...]
Break = tuple[str, Subject]
MONTHS = {10: "octobre", 11: "novembre"}
# How a French sentence names each cause.
WORDS = {
    "public_holiday": "férié",
    "absence": "absence|absent|congé",
    "mission_end": "prend fin|se termine|finit|fin d[eu]",
    "mission_start": "commence|débute|début",
    "half_days": "demi",
    "neighbouring_month": "octobre",
    "second_mission": "autre (mission|client|contrat)|seconde mission|deuxième mission|mission",
    "swap": "échang|invers|interver|crois",
    "none_found": "aucune (cause|explication)",
}


class December(House):
    """A house whose clock runs in the acceptance world's month."""

    def now(self) -> Any:
        """A month after other houses."""
        return super().now() + timedelta(days=30)

    def night(self, *, apply: bool) -> None:
        """One night of the world's day."""
        self.nightly(apply=apply, as_of=AS_OF + timedelta(days=self.vendors.advanced_days))


class Nights(NamedTuple):
    """What a dry look found, what the vendors held after writing, and what a later night found."""

    house: December
    planted: list[Planted]
    found: set[Break]
    explained: dict[Subject, str]
    invoices: dict[str, Any]
    expected: dict[str, Any]
    later_planted: list[Planted]
    later_found: set[Break]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """The world looked at, written back, changed by people, and looked at again."""
    world = {"consultants": 200, "as_of": AS_OF}
    house = December(tmp_path_factory.mktemp("planted"), vendors=world)
    house.night(apply=False)
    planted, found, explained = list(house.vendors.planted), breaks(house), sentences(house)
    house.night(apply=True)
    invoices, expected = created(house), wanted(house)
    people_act(house)
    house.night(apply=True)
    later = list(house.vendors.planted)
    return Nights(house, planted, found, explained, invoices, expected, later, breaks(house))


def people_act(house: December) -> None:
    """The next day: days are confirmed, a bank account changes, a registration is cancelled."""
    world = house.vendors
    events.day_after(world)
    planted = {said.code: said for said in reversed(world.planted)}
    events.confirm_days(world, planted["ABSENCE"])
    events.change_bank(world, world.coming_bills[-1])
    events.cancel_registration(world, planted["PARTIAL"])


def breaks(house: House) -> set[Break]:
    """Every (outcome or hold code, subject) that is told."""
    subjects = dict(_subjects(house))
    outcomes = house.rows(
        "SELECT outcome, break_id FROM recon.cra_matches UNION ALL"
        " SELECT status, break_id FROM recon.po_matches"
    )
    told = {(outcome, _whole(subjects[id_])) for outcome, id_ in outcomes if outcome != "matched"}
    files = dict(house.rows("SELECT id, file_name FROM core.declarations"))
    for code, break_id, *other in house.rows(
        "SELECT code, break_id, subject, subject_id FROM recon.holds"
    ):
        told.add((code, subjects.get(break_id, (other[0], files.get(other[1], other[1])))))
    return told


def _subjects(house: House) -> Iterator[tuple[str, Subject]]:
    people = house.rows(
        "SELECT break_id, period, coalesce(client_id, client_name),"
        " CASE consultant_id WHEN 'unknown' THEN declared_name ELSE consultant_id END"
        " FROM recon.cra_matches"
    )
    yield from ((break_id, ("cra", *who)) for break_id, *who in people)
    lines = house.rows("SELECT break_id, bill_id, bill_line::VARCHAR FROM recon.po_matches")
    yield from ((break_id, ("bill", *which)) for break_id, *which in lines)


def _whole(subject: Subject) -> Subject:
    """A status is the whole bill's, not that of a line."""
    return subject[:2] if subject[0] == "bill" else subject


def breaks_of(planted: list[Planted]) -> set[Break]:
    """Every (outcome or hold code, subject) that was planted."""
    outcomes = {
        (p.outcome, _whole(p.subject)) for p in planted if p.outcome not in {None, "matched"}
    }
    return {(str(outcome), subject) for outcome, subject in outcomes} | {
        (code, p.subject) for p in planted for code in p.holds
    }


def sentences(house: House) -> dict[Subject, str]:
    """The explanation of each row."""
    told = house.rows("SELECT break_id, explanation FROM recon.cra_matches")
    subjects = dict(_subjects(house))
    return {subjects[break_id]: text or "" for break_id, text in told}


def created(house: House) -> dict[str, Any]:
    """The invoices that were made, by reference."""
    world = house.vendors
    made = [w["id"] for w in world.writes if w["kind"] == "client_invoices.create"]
    assert len(made) == len({world.client_invoices[id_].reference for id_ in made})
    return {
        i.reference: (
            i.client_id,
            i.contract_id,
            i.net,
            {line.description.rsplit(" · ", 1)[1]: line.quantity for line in i.lines},
        )
        for i in (world.client_invoices[id_] for id_ in made)
    }


def wanted(house: House) -> dict[str, Any]:
    """The invoices of the truth, by reference."""
    return {
        i.reference: (i.client_id, i.contract_id, i.total_excl_tax, i.days)
        for i in house.vendors.expected_invoices
    }


def listed(told: set[Break]) -> str:
    """The breaks, one a line, so that a difference can be read."""
    return "\n".join(sorted(f"{code} {' '.join(map(str, subject))}" for code, subject in told))


def named(said: Planted, text: str) -> bool:
    """Whether a sentence tells the planted cause, its days and its people."""
    days = all(
        re.search(rf"\b{day.day}(er)?\b", text) and MONTHS[day.month] in text for day in said.dates
    )
    people = all(name in text for name in said.others)
    return days and people and bool(re.search(WORDS[str(said.cause)], text, re.IGNORECASE))


def test_the_world_has_sixty_breaks_of_all_kinds(nights: Nights) -> None:
    """At least sixty mistakes are planted, and each cause is among them."""
    broken = [p for p in nights.planted if p.holds or p.outcome != "matched"]
    assert len(broken) >= 60
    assert {p.cause for p in broken if p.cause} == set(WORDS)


def test_every_planted_break_is_found(nights: Nights) -> None:
    """Each planted break is told with its code, on its row, its bill or its file."""
    assert listed(breaks_of(nights.planted) - nights.found) == ""


def test_nothing_else_is_held(nights: Nights) -> None:
    """Nothing that nobody spoilt differs, waits or carries a hold."""
    assert listed(nights.found - breaks_of(nights.planted)) == ""


def test_breaks_of_a_later_night_are_found(nights: Nights) -> None:
    """What people undid after the first night is told with its code, and nothing else is new."""
    fresh = breaks_of(nights.later_planted) - breaks_of(nights.planted)
    assert {code for code, _ in fresh} >= {"CRA_CONFIRMED", "BANK_CHANGED", "INVOICE_CANCELLED"}
    assert listed(fresh - nights.later_found) == ""
    assert listed(nights.later_found - nights.found - fresh) == ""


def test_invoices_equal_the_planted_truth(nights: Nights) -> None:
    """One draft a reference, with the client, the days and the euros of the truth, to the cent."""
    assert nights.invoices == nights.expected
    assert sum((net for *_, net, _ in nights.invoices.values()), Decimal(0)) == sum(
        (i.total_excl_tax for i in nights.house.vendors.expected_invoices), Decimal(0)
    )


def test_explanations_name_the_planted_cause(nights: Nights) -> None:
    """At least nine of ten sentences name the cause, its days and the others in French."""
    caused = [p for p in nights.planted if p.cause]
    silent = [p for p in caused if not named(p, nights.explained[p.subject])]
    told = [f"{p.cause} {p.dates} {p.others}: {nights.explained[p.subject]}" for p in silent]
    assert len(silent) * 10 <= len(caused), "\n".join(told)


def test_a_quarantined_cra_leaves_client_and_bills_unchecked(tmp_path: Path) -> None:
    """Who a malformed CRA names is not checked and not written; everybody else is as ever."""
    house = House(tmp_path, vendors={"consultants": 40, "mistakes": False})
    house.sandbox.set_faults("boond:broken-rows=cras")
    house.nightly(apply=True)
    world, breaks_row = house.vendors, house.sandbox.boond.manners.breaks
    broken = [cra for cra in world.cras.values() if breaks_row("cras", cra)]
    clients, people = {cra.client_id for cra in broken}, {cra.consultant_id for cra in broken}
    orders = {world.orders[m.order_id].reference for m in world.missions.values()
              if m.order_id and m.consultant_id in people}  # fmt: skip
    unchecked = house.rows("SELECT client_id FROM recon.cra_matches WHERE outcome = 'not_checked'")
    bills = house.rows("SELECT bill_id FROM recon.po_matches WHERE status = 'not_checked'")
    assert {client for (client,) in unchecked} == clients
    assert 0 < len(clients) < len(world.clients)
    assert {b for (b,) in bills} >= {b.id for b in world.bills.values() if b.order_number in orders}
    assert not clients & {client for client, *_ in created(house).values()}
