"""What clients' billing contacts and operations are told (reconciliation.md 1.4)."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.transforms import client_facts as given
from tests.transforms.client_facts import cra, frame, line
from transforms.clients.cra_outcomes import HOLDS
from transforms.commands import INVOICE, OUTBOX, VALIDATE, client_commands, command_id
from transforms.messages.notices import Desk, Notices
from transforms.messages.office_notices import billing_mails, operations
from transforms.policy import Policy
from transforms.words.languages import Language

CONTACTS = [
    {"name": "Achats", "email": "achats@acme.example", "role": "purchasing"},
    {"name": "Compta", "email": "compta@acme.example", "role": "Billing"},
]
REFERENCE = "RAP-2026-10-R-CT1"
Row = dict[str, Any]


def _desk(*rows: Row, language: Language = "en", policy: Policy | None = None) -> Desk:
    blank = dict.fromkeys(OUTBOX)
    outbox = pl.DataFrame([blank | row for row in rows], schema=dict(OUTBOX), orient="row")
    return Desk(language=language, policy=policy or Policy(), outbox=outbox)


def _told(
    desk: Desk | None = None, contacts: Any = CONTACTS, invoices: Any = (), days: str = "20"
) -> Notices:
    """What is told of October's invoice for Acme."""
    told = contacts if isinstance(contacts, str | None) else json.dumps(contacts)
    clients = [given.client(contacts=told)]
    facts = given.facts([line(days)], [cra(days)], invoices, clients=clients)
    billing = given.proposed(facts)
    wanted = client_commands(billing, {"cra1": "v1"}, Policy())
    return billing_mails(desk or _desk(), wanted, facts.clients, facts.client_invoices)


def _only(notices: Notices) -> Row:
    [row] = notices.wanted.to_dicts()
    return row | {"payload": json.loads(row["payload"])}


def test_the_billing_contact_is_told_after_invoice_and_validation() -> None:
    """The mail depends on both, and goes to the contact with role billing."""
    row = _only(_told())
    assert row["payload"]["to"] == "compta@acme.example"
    ids = {
        command_id(INVOICE, REFERENCE, REFERENCE),
        command_id(VALIDATE, "cra1", "cra1|validated|v1"),
    }
    assert set(row["depends_on"]) == ids


def test_the_mail_says_lines_totals_and_due_date() -> None:
    """And that the invoice itself comes from BoondManager with its legal number."""
    text = _only(_told())["payload"]["text"]
    for said in (
        "Jean Dupont",
        "20 d",
        "500.00 EUR",
        "10,000.00 EUR",
        "12,000.00 EUR",
        "2 December",
    ):
        assert said in text
    assert "invoice itself comes to you from BoondManager, with its legal number" in text


@pytest.mark.parametrize(("language", "word"), [("en", "invoice"), ("fr", "facture")])
def test_the_mail_never_calls_itself_the_invoice(language: Language, word: str) -> None:
    """The word stands once, in the sentence that says where the invoice comes from."""
    payload = _only(_told(_desk(language=language)))["payload"]
    assert word not in payload["subject"].lower()
    assert payload["text"].lower().count(word) == 1
    assert "BoondManager" in payload["text"]


def test_french_mails_are_french() -> None:
    """Decimal comma, elision and words of the language."""
    payload = _only(_told(_desk(language="fr"), days="20.5"))["payload"]
    assert "prestations d'octobre 2026" in payload["subject"]
    assert "20,5 j" in payload["text"]


@pytest.mark.parametrize(
    ("contacts", "to"),
    [
        (CONTACTS[:1], "achats@acme.example"),
        ([{"name": "X", "role": "billing"}, *CONTACTS[:1]], "achats@acme.example"),
        ([{"email": "nobody", "role": "billing"}], None),
        ([], None),
        (None, None),
        ("[1, null]", None),
    ],
)
def test_without_a_billing_contact_the_first_reachable_one(contacts: Any, to: str | None) -> None:
    """Nobody reachable: the mail alone waits, and a hold says so."""
    told = _told(contacts=contacts)
    assert [json.loads(p)["to"] for p in told.wanted["payload"]] == ([to] if to else [])
    held = told.holds.select("subject", "subject_id", "code").rows()
    assert held == ([] if to else [("invoice", REFERENCE, "NO_BILLING_CONTACT")])


def _confirmed(state: str = "done") -> Row:
    """The invoice command as the vendor has confirmed it."""
    facts = given.facts([line("20")], [cra("20")])
    wanted = client_commands(given.proposed(facts), {"cra1": "v1"}, Policy())
    [row] = wanted.filter(pl.col("kind") == INVOICE).to_dicts()
    return row | {"state": state, "attempts": 1}


def _after(desk: Desk, clients: list[Row], invoices: Any = ()) -> Notices:
    """What is told once nothing is to be billed any more."""
    facts = given.facts(invoices=invoices, clients=clients)
    wanted = client_commands(given.proposed(facts), {}, Policy())
    return billing_mails(desk, wanted, facts.clients, facts.client_invoices)


def test_a_contact_that_comes_later_is_told_then() -> None:
    """The invoice is long confirmed; its mail was never sent."""
    reachable = [given.client(contacts=json.dumps(CONTACTS))]
    assert _after(_desk(_confirmed()), reachable).wanted.height == 1
    assert _after(_desk(_confirmed("cancelled")), reachable).wanted.is_empty()


def test_a_cancelled_invoice_is_not_told() -> None:
    """A person cancelled it before its mail went out."""
    reachable = [given.client(contacts=json.dumps(CONTACTS))]
    gone = [given.invoice("1", REFERENCE, status="cancelled")]
    assert _after(_desk(_confirmed()), reachable, gone).wanted.is_empty()


def test_what_was_told_is_not_asked_for_again() -> None:
    """Nor held, when the contact has gone since."""
    sent = _only(_told())
    done = sent | {"payload": json.dumps(sent["payload"]), "state": "done", "attempts": 1}
    told = _after(_desk(_confirmed(), done), [given.client()])
    assert told.wanted.is_empty()
    assert told.holds.is_empty()


def test_the_mail_waits_for_a_validation_that_was_planned_anew() -> None:
    """The CRA has another version by now: its new command counts."""
    sent = _only(_told())
    waiting = sent | {"payload": json.dumps(sent["payload"]), "state": "planned", "attempts": 0}
    newer = {"command_id": "newer", "kind": VALIDATE, "target": "cra1", "depends_on": []}
    newer |= {"payload": "{}", "state": "approved"}
    reachable = [given.client(contacts=json.dumps(CONTACTS))]
    row = _only(_after(_desk(_confirmed(), waiting, newer), reachable))
    assert "newer" in row["depends_on"]


@pytest.mark.parametrize(("rule", "state"), [(12000, "planned"), (11999, "awaiting_approval")])
def test_a_person_decides_above_the_amount(rule: int, state: str) -> None:
    """The rule of `notify.email` is measured by the total including tax."""
    policy = Policy.model_validate({"approval": {"notify.email": rule}})
    assert _only(_told(_desk(policy=policy)))["state"] == state


# Operations


def _hold(code: str, severity: str = "critical", stake: str | None = "100") -> Row:
    amount = Decimal(stake) if stake else None
    about = {"break_id": "b", "subject": "cra", "subject_id": "s", "currency": "EUR"}
    return (
        dict.fromkeys(HOLDS)
        | about
        | {
            "code": code,
            "severity": severity,
            "amount_at_stake": amount,
        }
    )


def _operations(*holds: Row, to: str | None = "o@x.example") -> Notices:
    rows = pl.DataFrame(holds, schema=HOLDS, orient="row")
    return operations(_desk(), to, rows, date(2026, 11, 3))


def test_operations_hear_of_critical_holds_once_a_day() -> None:
    """One message, keyed by the day, with counts and euros."""
    row = _only(_operations(_hold("MISSING_ENTRY"), _hold("MISSING_ENTRY")))
    assert row["natural_key"] == "operations|operations|2026-11|2026-11-03"
    assert "(MISSING_ENTRY): 2, 200.00 EUR at stake" in row["payload"]["text"]


def test_operations_hear_nothing_of_the_rest() -> None:
    """Holds that are not critical are no matter for a mail, nor is anything without an address."""
    assert _operations(_hold("PRICE", "warning")).wanted.is_empty()
    assert _operations(_hold("MISSING_ENTRY"), to=None).wanted.is_empty()


def test_euros_that_cannot_be_told_are_not_told() -> None:
    """No amount is no zero."""
    assert "stake" not in _only(_operations(_hold("MISSING_ENTRY", stake=None)))["payload"]["text"]


def test_the_clients_table_may_be_empty() -> None:
    """A client that is gone has no contact."""
    told = billing_mails(
        _desk(_confirmed()),
        client_commands(given.proposed(given.facts()), {}, Policy()),
        frame("core.clients"),
        frame("core.client_invoices"),
    )
    assert told.holds["code"].to_list() == ["NO_BILLING_CONTACT"]
