"""Whose a mail of declared days is."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from tests.transforms.client_facts import (
    Row,
    client,
    contract,
    cra,
    facts,
    frame,
    line,
    matched,
    only,
)
from transforms.clients.cra_matching import CraFacts, CraMatching
from transforms.declarations.forms import PERIOD_AMBIGUOUS

ACME = client(contacts=json.dumps([{"email": "Achats@Acme.fr"}, {"name": "no address"}]))
OTHER = client("C2", "Umbrella", contacts=json.dumps([{"email": "x@umbrella.fr"}]))


def mailed(*lines: Row, clients: list[Row] | None = None, cras: list[Row] | None = None,
           **head: object) -> CraFacts:  # fmt: skip
    """Facts with one mail of these lines, and with whatever files the lines name."""
    given = [{"client": None} | one if "file" not in one else one for one in lines]
    made = facts(
        given,
        cras if cras is not None else [cra("20")],
        clients=clients or [ACME, OTHER],
    )
    told = {"format": "mail", "sender": "achats@acme.fr", "sent_at": None} | head
    rows = [
        row | (told if row["file_name"] == "a.csv" else {"format": "csv"})
        for row in made.declarations.to_dicts()
    ]
    return CraFacts(**vars(made) | {"declarations": frame("core.declarations", rows)})


def said(days: str = "20", **more: object) -> Row:
    """A line of the mail: it names no client."""
    row = line(days, **more)
    row.pop("client")
    return row


def held(found: CraMatching) -> list[tuple[str, str]]:
    """Codes and details of the holds."""
    return found.holds.select("code", "detail").rows()


@pytest.mark.parametrize("sender", ["achats@acme.fr", "anybody@acme.fr"])
def test_a_contact_or_its_colleague_speaks_for_the_client(sender: str) -> None:
    """The address, else the domain that is one client's alone."""
    found = matched(mailed(said(), sender=sender))
    assert only(found.matches, "client_id", "outcome") == ("C1", "matched")


@pytest.mark.parametrize(
    "head",
    [
        {"sender": "evil@gmail.com"},
        {"sender": "achats@acme.fr.evil.com"},
        {"sender": None},
        {"sender_problem": "authentication failed: dkim"},
    ],
)
def test_a_mail_of_nobody_counts_for_nothing(head: dict[str, object]) -> None:
    """It is one hold, and the file that it would replace stands."""
    given = mailed(said("31"), said("3", who="X Y"), line("20", file="b.csv", sent=1), **head)
    found = matched(given)
    assert only(found.matches, "declared_days", "outcome") == (Decimal(20), "matched")
    assert [code for code, _ in held(found)] == ["SENDER_UNKNOWN"]


def test_a_mailbox_provider_is_no_clients_domain() -> None:
    """A contact at a provider speaks with its own address only."""
    clients = [client(contacts=json.dumps([{"email": "boss@gmail.com"}]))]
    assert matched(mailed(said(), clients=clients, sender="boss@gmail.com")).holds.is_empty()
    other = matched(mailed(said(), clients=clients, sender="evil@gmail.com"))
    assert only(other.holds, "code") == "SENDER_UNKNOWN"


SHARED = [ACME, client("C2", "Umbrella", contacts=ACME["contacts"])]


def test_our_own_domain_is_no_clients() -> None:
    """A colleague does not speak for the client among whose contacts our salesman is."""
    clients = [client(contacts=json.dumps([{"email": "sales@esn.fr"}]))]
    given = mailed(said(), clients=clients, sender="jean@esn.fr")
    ours = given.consultants.with_columns(manager_email=pl.lit("Chef@ESN.fr"))
    assert only(matched(given).matches, "client_id") == "C1"
    found = matched(CraFacts(**vars(given) | {"consultants": ours}))
    assert only(found.holds, "code") == "SENDER_UNKNOWN"


def test_an_address_of_two_clients_names_both() -> None:
    """Nobody is guessed, unless the line says the client."""
    found = matched(mailed(said(), clients=SHARED))
    assert "Acme (C1), Umbrella (C2)" in only(found.holds, "detail")
    told = matched(mailed(line("20", client="Acme"), clients=SHARED))
    assert only(told.matches, "client_id", "outcome") == ("C1", "matched")


def test_a_line_for_another_client_is_not_believed() -> None:
    """A client declares its own days."""
    found = matched(mailed(said(), line("5", client="Umbrella")))
    assert only(found.matches, "client_id", "outcome") == ("C1", "matched")
    assert "not for Umbrella" in only(found.holds, "detail")


def test_a_label_that_is_a_contract_names_it() -> None:
    """Any other label is no contract."""
    two = [contract("CT0", reference="R-CT2", deleted_at=GONE), contract(), contract("CT2")]
    named = [cra("20", contract_id="CT2")]
    for label, wanted in (("r-ct2", "CT2"), ("Project X", "CT2")):
        given = mailed(said(label=label), cras=named)
        full = CraFacts(**vars(given) | {"contracts": frame("core.contracts", two)})
        assert only(matched(full).matches, "contract_id") == wanted


AMBIGUOUS = {"problem": "the month cannot be told", "problem_code": PERIOD_AMBIGUOUS}


def test_a_line_without_month_is_held_until_it_is_said_again() -> None:
    """A newer file of the client that names the person settles it, whatever its month."""
    unclear = said(period=None, **AMBIGUOUS)
    found = matched(mailed(unclear))
    assert only(found.holds, "code") == PERIOD_AMBIGUOUS
    assert only(found.unread, "client_id", "period") == ("C1", "2026-10")
    again = line("20", file="b.csv", sent=3, period="2026-09")
    assert matched(mailed(unclear, again)).holds.is_empty()


GONE = datetime(2026, 11, 4, tzinfo=UTC)


def test_an_unreadable_file_that_is_gone_asks_for_nobody() -> None:
    """What it declared otherwise stands."""
    broken = line(None, problem="?", line_no=0)
    assert matched(mailed(broken, format="csv", status="unreadable")).holds.height == 1
    gone = {"deleted_at": GONE, "format": "csv"}
    assert matched(mailed(broken, status="unreadable", **gone)).holds.is_empty()
    assert only(matched(mailed(said(), deleted_at=GONE)).matches, "outcome") == "matched"
    assert matched(mailed(said(), deleted_at=GONE, sender="evil@y.fr")).holds.is_empty()


def test_the_newer_of_mail_and_file_stands() -> None:
    """By the day on which each was sent."""
    found = matched(mailed(said("18"), line("20", file="b.csv", sent=3)))
    assert only(found.matches, "declared_days") == Decimal(20)
    later = datetime(2026, 11, 5, tzinfo=UTC)
    found = matched(mailed(said("18"), line("20", file="b.csv", sent=3), sent_at=later))
    assert only(found.matches, "declared_days") == Decimal(18)


@pytest.mark.parametrize("sender", ["achats@acme.fr", "anybody@acme.fr"])
@pytest.mark.parametrize("address", ["achats@acme.fr", "compta@acme.fr"])
def test_a_client_that_stands_speaks_before_one_that_is_gone(sender: str, address: str) -> None:
    """One made anew has the mails of its domain, also those of a contact of the old one."""
    again = client("C9", contacts=json.dumps([{"email": address}]))
    found = matched(mailed(said(), clients=[ACME | {"deleted_at": GONE}, again], sender=sender))
    assert only(found.matches.filter(pl.col("declared_days") > 0), "client_id") == "C9"


def test_a_client_that_is_gone_speaks_where_no_other_does() -> None:
    """Its address and its domain are still its own."""
    for sender in ("achats@acme.fr", "anybody@acme.fr"):
        found = matched(mailed(said(), clients=[ACME | {"deleted_at": GONE}, OTHER], sender=sender))
        assert only(found.matches, "client_id") == "C1"
