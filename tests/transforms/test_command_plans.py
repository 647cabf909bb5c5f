"""Findings to commands: what is written where, and in which order (write-back.md)."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.transforms import supplier_facts as facts
from transforms.clients.billing import Billing
from transforms.commands import (
    FLAG,
    INVALIDATE,
    INVOICE,
    OUTBOX,
    REGISTER,
    VALIDATE,
    bill_subject,
    billed_by,
    client_commands,
    in_flight,
)
from transforms.policy import Policy
from transforms.suppliers.registering import supplier_commands

NOW = datetime(2026, 11, 3, 4, tzinfo=UTC)


def _of(approval: dict[str, Any] | None = None, **world: Any) -> pl.DataFrame:
    """The commands that follow from the match of a world."""
    known = facts.world(**(facts.billed() | world))
    return supplier_commands(
        facts.matched(known).matches,
        known.bills,
        known.bill_lines,
        known.supplier_invoices,
        Policy.model_validate({"approval": approval or {}}),
    )


def _kinds(commands: pl.DataFrame) -> list[str]:
    return sorted(commands["kind"])


def _registered(status: str, number: str = "F-B1") -> dict[str, Any]:
    held = {"id": "80001", "supplier_id": "S1", "reference": number, "status": status}
    return {"supplier_invoices": [held | {"issue_date": date(2026, 11, 30)}]}


def test_a_matched_bill_is_registered_and_then_flagged() -> None:
    """The flag waits for the registration; both are about the whole bill."""
    rows = {row["kind"]: row for row in _of().to_dicts()}
    assert set(rows) == {REGISTER, FLAG}
    assert rows[FLAG]["depends_on"] == [rows[REGISTER]["command_id"]]
    assert {row["subject_id"] for row in rows.values()} == {bill_subject("B1")}


def test_a_registration_says_what_the_bill_says_and_leaves_the_tax_out() -> None:
    """Supplier, order, number, lines and sum go over; no tax is invented."""
    [row] = _of().filter(pl.col("kind") == REGISTER).to_dicts()
    payload = json.loads(row["payload"])
    assert row["natural_key"] == "S1|F-B1"
    assert payload["purchase_order_id"] == "id-PO-2026-001"
    assert (payload["total_excl_tax"], payload["lines"][0]["quantity"]) == ("9000", "20")
    assert not {"total_tax", "total_incl_tax"} & set(payload)


@pytest.mark.parametrize(
    ("world", "kinds"),
    [
        (facts.billed(quantity=25, price=450) | {"cra_days": facts.worked(days=3)}, []),
        ({"cra_days": facts.worked(days=3)}, [REGISTER]),
        ({"cra_days": []}, []),
        ({"suppliers": []}, []),
        ({"unread": frozenset({"boond.cras"})}, []),
        (facts.billed(status="paid"), [REGISTER]),
        (facts.billed(quantity=-1), [REGISTER]),
        (facts.billed(invoice_number=None), []),
    ],
    ids=[
        *("held", "partial", "nothing-received", "unknown"),
        *("not-checked", "paid", "credit-note", "unnumbered"),
    ],
)
def test_only_what_is_proven_is_written(world: dict[str, Any], kinds: list[str]) -> None:
    """What is held or waits writes nothing; what is partial, paid or a credit is not flagged."""
    assert _kinds(_of(**world)) == kinds


@pytest.mark.parametrize(
    ("status", "kinds"),
    [("registered", [FLAG]), ("flagged_for_payment", []), ("cancelled", [FLAG, REGISTER])],
)
def test_what_a_person_registered_is_adopted(status: str, kinds: list[str]) -> None:
    """A bill that BoondManager has is not registered again, and flagged at most once."""
    assert _kinds(_of(**_registered(status))) == kinds


def test_numbers_are_adopted_whatever_their_case() -> None:
    """A person who wrote f-b1 has registered F-B1."""
    assert _kinds(_of(**_registered("registered", "f-b1"))) == [FLAG]


@pytest.mark.parametrize(
    ("rule", "state"),
    [("never", "planned"), ("always", "awaiting_approval"), (9000, "planned"), (8999.99, None)],
)
def test_a_person_decides_above_the_amount(rule: Any, state: str | None) -> None:
    """The amount itself still goes out alone; a cent above waits."""
    rows = _of(approval={FLAG: rule}).filter(pl.col("kind") == FLAG)
    assert rows["state"].to_list() == [state or "awaiting_approval"]


# Client side


def _billing(**frames: pl.DataFrame) -> Billing:
    matches = pl.DataFrame({"break_id": ["cra/2026-10/A"], "cra_ids": [["70001"]]})
    lines = [{"description": "A B · 2026-10 · C1", "quantity": "20", "unit_price": "500"}]
    proposal = {
        "reference": "RAP-2026-10-K",
        "client_id": "301",
        "contract_id": "K1",
        "period": "2026-10",
        "total_excl_tax": Decimal("10000.0000"),
        "total_tax": Decimal(2000),
        "total_incl_tax": Decimal(12000),
        "currency": "EUR",
        "issue_date": date(2026, 11, 3),
        "due_date": date(2026, 12, 3),
        "lines": json.dumps([line | {"total_excl_tax": "10000"} for line in lines]),
        "awaiting_approval": False,
    }
    statuses = [proposal | {"status": "proposed"}, proposal | {"status": "credit_note"}]
    empty: Any = {"cra_id": pl.String, "break_id": pl.String, "awaiting_approval": pl.Boolean}
    whole: dict[str, Any] = {
        "matches": matches,
        "holds": pl.DataFrame(),
        "proposals": pl.DataFrame(statuses),
        "to_validate": pl.DataFrame({"cra_id": ["70001"], "reference": ["RAP-2026-10-K"]}),
        "to_invalidate": pl.DataFrame(schema=empty),
        "ledger": pl.DataFrame(),
        "decided": pl.DataFrame(),
        "rows": pl.DataFrame(),
        "reports": pl.DataFrame({"cra_id": ["70001"] * 2, "production_days": [Decimal(20)] * 2}),
        "unread": pl.DataFrame(),
    }
    return Billing(**(whole | frames))


def test_a_cra_is_validated_after_its_invoice() -> None:
    """The validation waits for the invoice; a credit note is never sent."""
    rows = {r["kind"]: r for r in client_commands(_billing(), {"70001": "v"}, Policy()).to_dicts()}
    assert set(rows) == {INVOICE, VALIDATE}
    assert rows[VALIDATE]["depends_on"] == [rows[INVOICE]["command_id"]]
    decided_on = {"status": "validated", "total_days": "20"}
    assert json.loads(rows[VALIDATE]["payload"]) == decided_on
    assert rows[INVOICE]["subject_id"] == "invoice/2026-10/K1"


def test_a_new_version_of_a_cra_is_another_command() -> None:
    """A CRA resubmitted since is decided on anew: its version is in the natural key."""
    ids = {
        client_commands(_billing(), {"70001": version}, Policy())
        .filter(pl.col("kind") == VALIDATE)["command_id"]
        .item()
        for version in ("2026-11-01|aa", "2026-11-02|bb")
    }
    assert len(ids) == 2


def test_an_invalidation_after_a_large_gap_waits_for_a_person() -> None:
    """What the billing says to ask a person about is planned as awaiting approval."""
    gap = {"cra_id": ["70001"], "break_id": ["cra/2026-10/A"], "awaiting_approval": [True]}
    gap["cra_days"] = [Decimal(20)]
    billing = _billing(to_invalidate=pl.DataFrame(gap))
    [row] = (
        client_commands(billing, {"70001": "v"}, Policy())
        .filter(pl.col("kind") == INVALIDATE)
        .to_dicts()
    )
    assert (row["state"], row["depends_on"]) == ("awaiting_approval", [])


def test_an_invoice_that_may_exist_counts_as_billed() -> None:
    """What is sending or unknown is in flight, and its lines are read back as days billed."""
    sent = client_commands(_billing(), {"70001": "v"}, Policy()).to_dicts()
    rows = [
        dict.fromkeys(OUTBOX) | {"attempts": 1, "planned_at": NOW} | row | {"state": "unknown"}
        for row in sent
    ]
    schema: dict[str, Any] = dict(OUTBOX)
    flying = in_flight(pl.DataFrame(rows, schema=schema, orient="row"))
    [line] = billed_by(flying).to_dicts()
    assert (line["consultant_id"], line["period"], line["days"], line["amount"]) == (
        "C1",
        "2026-10",
        Decimal(20),
        Decimal(10000),
    )


@pytest.mark.parametrize("number", ["FB1", "f b.1"])
def test_numbers_are_adopted_without_their_punctuation(number: str) -> None:
    """A person who left the hyphen out has registered it too: a second one would be paid twice."""
    assert _kinds(_of(**_registered("registered", number))) == [FLAG]


def test_a_number_that_was_flagged_once_is_not_flagged_again() -> None:
    """Of two registrations under one number, a paid one ends it."""
    [one] = _registered("registered")["supplier_invoices"]
    assert _of(supplier_invoices=[one, one | {"id": "80002", "status": "paid"}]).is_empty()


def test_a_deleted_registration_is_none() -> None:
    """It is registered anew, and the flag waits for that."""
    [gone] = _registered("registered")["supplier_invoices"]
    assert _kinds(_of(supplier_invoices=[gone | {"deleted_at": NOW}])) == [FLAG, REGISTER]


@pytest.mark.parametrize(("rest", "kinds"), [(9000, [FLAG, REGISTER]), (4000, [REGISTER])])
def test_a_bill_paid_in_part_is_not_flagged(rest: int, kinds: list[str]) -> None:
    """The flag would pay the whole of it once more."""
    assert _kinds(_of(**facts.billed(remaining_balance=rest))) == kinds
