"""What is deleted at its source counts for nothing, on either side."""

from decimal import Decimal
from typing import Any

import pytest

from tests.transforms import client_facts as clients
from tests.transforms import supplier_facts as suppliers
from tests.transforms.client_facts import (
    NOON,
    contract,
    cra,
    facts,
    line,
    only,
    person,
    proposed,
    rate,
)

GONE = {"deleted_at": NOON}


@pytest.mark.parametrize(
    "told",
    [
        {"clients": [clients.client(**GONE)]},
        {"contracts": [contract(**GONE)]},
        {"cras": [cra("20", **GONE)]},
    ],
)
def test_nothing_is_billed_on_what_is_deleted(told: dict[str, Any]) -> None:
    """No client, no contract and no CRA: no invoice."""
    reports = told.pop("cras", [cra("20")])
    found = proposed(facts([line("20", contract="CT1")], reports, **told))
    assert found.proposals.is_empty()


@pytest.mark.parametrize(
    ("declared", "told", "said"),
    [
        ("CT2", {"contracts": [contract(), contract("CT2", **GONE)]}, "contract CT2"),
        (None, {"contracts": [contract("CT2", **GONE)]}, "contract CT2"),
        ("CT2", {"contracts": [contract("CT2")], "clients": [clients.client(**GONE)]}, "Acme"),
    ],
    ids=["declared", "only", "of a client"],
)
def test_days_to_bill_on_what_is_gone_are_held_with_their_euros(
    declared: str | None, told: dict[str, Any], said: str
) -> None:
    """The line is for the contract and the client that it was for, and a person looks."""
    told |= {"rates": [rate("500", contract="CT2")]}
    found = proposed(facts([line("20", contract=declared)], [cra("20")], **told))
    assert only(found.matches, "contract_id", "client_id", "outcome") == ("CT2", "C1", "matched")
    assert only(found.holds, "code", "amount_at_stake") == ("CONTRACT_NOT_ACTIVE", Decimal(10000))
    assert said in only(found.holds, "actual")
    assert found.proposals.is_empty()


@pytest.mark.parametrize(
    "told",
    [{"clients": [clients.client(**GONE)]}, {"contracts": [contract(**GONE)]}],
    ids=["client", "contract"],
)
def test_a_month_that_was_billed_stays_when_its_client_or_contract_goes(
    told: dict[str, Any],
) -> None:
    """Nothing is to be done for it, and nothing is credited."""
    stored = [clients.billed("20", "10000")]
    done = [cra("20", status="validated")]
    found = proposed(facts([line("20")], done, billed=stored, **told))
    assert only(found.matches, "outcome", "action") == ("matched", "nothing: billed")
    assert found.holds.is_empty()
    assert found.proposals.is_empty()


@pytest.mark.parametrize(
    ("old", "told"),
    [
        ({}, {"id": "C9"}),
        ({}, {"id": "C9", "reference": "REF-C1"}),
        ({"id": "Acme"}, {"id": "C9"}),
        ({"reference": "Acme"}, {"id": "C9"}),
    ],
    ids=["name", "reference", "name and old id", "name and old reference"],
)
def test_who_stands_is_meant_before_who_is_gone(old: dict[str, Any], told: dict[str, Any]) -> None:
    """A client that was made anew under the old name or reference has the line."""
    again = [clients.client(**GONE | old), clients.client(**told)]
    found = proposed(facts([line("20", client="Acme")], clients=again))
    assert only(found.matches, "client_id") == "C9"


@pytest.mark.parametrize(
    ("declared", "mission"), [("R", None), (None, "R")], ids=["declared", "mission"]
)
def test_a_contract_that_stands_is_meant_before_one_that_is_gone(
    declared: str | None, mission: str | None
) -> None:
    """One that was made anew under the old reference is billed."""
    contracts = [contract("CT0", reference="R", **GONE), contract(reference="R"), contract("CT2")]
    report = cra("20", resource_label=mission)
    found = proposed(facts([line("20", contract=declared)], [report], contracts=contracts))
    assert only(found.proposals, "contract_id") == "CT1"


def test_who_is_deleted_and_reports_nothing_is_nobody() -> None:
    """A line that names them is one without a person, and not one without a CRA."""
    found = proposed(facts([line("20")], people=[person(**GONE)]))
    assert only(found.matches, "outcome") == "missing_entry"


def test_days_of_our_deleted_invoice_are_billed_no_more() -> None:
    """What the ledger has of it is to be billed again, once a person has decided."""
    ours = clients.invoice_line("Jean Dupont · 2026-10 · P1", "20", "10000")
    gone = clients.invoice("I1", "RAP-2026-10-R-CT1", ours, **GONE)
    stored = [clients.billed("20", "10000", invoice_id="I1")]
    found = proposed(facts([line("20")], [cra("20")], [gone], billed=stored))
    assert only(found.holds, "code") == "INVOICE_CANCELLED"


@pytest.mark.parametrize(
    ("told", "statuses"),
    [
        (suppliers.billed(**GONE), []),
        (suppliers.billed(**GONE | {"status": "paid"}), ["matched"]),
        ({"cras": [suppliers.cra(**GONE)]}, ["pending_receipt"]),
        ({"purchase_orders": [suppliers.order(**GONE)]}, ["review"]),
        ({"suppliers": [suppliers.supplier(**GONE)]}, ["review"]),
        ({"vendors": [suppliers.vendor(), suppliers.vendor("V2", **GONE)]}, ["matched"]),
        (
            {
                "consultants": [suppliers.consultant(), suppliers.consultant("C2") | GONE],
                "purchase_order_lines": [suppliers.order_line(consultant_id=None)],
            },
            ["matched"],
        ),
        (
            {
                "supplier_invoices": [
                    {"id": "SI1", "supplier_id": "S1", "reference": "F-B1", "status": "cancelled"},
                    {"id": "SI2", "supplier_id": "S1", "reference": "F-B1", "total_excl_tax": 1}
                    | {"status": "registered"}
                    | GONE,
                ]
            },
            ["matched"],
        ),
    ],
    ids=["bill", "paid bill", "cra", "order", "supplier", "vendor", "consultant", "registration"],
)
def test_what_is_deleted_proves_and_disturbs_nothing(
    told: dict[str, Any], statuses: list[str]
) -> None:
    """A leg that is gone proves nothing; what is gone beside a proven bill is no doubt."""
    facts = suppliers.world(**(suppliers.billed() | told))
    assert suppliers.statuses(suppliers.matched(facts)) == statuses
