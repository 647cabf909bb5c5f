"""Drafts of letters to suppliers about what of an invoice is not proven."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.transforms.supplier_facts import (
    bill,
    bill_line,
    billed,
    cra,
    matched,
    order_line,
    supplier,
    worked,
    world,
)
from tests.transforms.test_po_overrides import decided
from transforms.messages.drafts import DRAFTS, DraftFacts, draft_letters
from transforms.suppliers.po_matching import BillFacts
from transforms.words.languages import Language

HALF: dict[str, Any] = {"suppliers": [supplier(email="compta@acme.fr")], "cra_days": worked(days=8)}


def drafts(facts: BillFacts, language: Language = "fr") -> list[dict[str, Any]]:
    """The drafts of a look at the facts."""
    named = {name: getattr(facts, name) for name in DraftFacts.__dataclass_fields__}
    found = draft_letters(
        matched(facts).matches,
        DraftFacts(**named),
        receipts_from=["validated"],
        language=language,
    )
    assert found.schema == pl.Schema(DRAFTS)
    return found.to_dicts()


def test_what_nobody_reported_is_asked_back() -> None:
    """A partial bill asks for a credit note of the days that nothing proves, with its evidence."""
    (draft,) = drafts(world(**billed(), **HALF))
    assert (draft["kind"], draft["amount"], draft["currency"]) == ("credit_note", 5400, "EUR")
    assert draft["to_email"] == "compta@acme.fr"
    assert "demande d'avoir de 5 400,00 EUR HT" in draft["subject"].replace("\u202f", " ")
    for part in ("F-B1", "PO-2026-001", "Jean Dupont", "20 j facturés", "8 j justifiés"):
        assert part in draft["text"].replace("\u202f", " ")


def test_days_that_are_only_not_validated_are_waited_for() -> None:
    """The letter says what is paid now, and what once the reported days are validated."""
    submitted = cra("R2", status="submitted")
    facts = world(
        **billed(),
        **HALF
        | {
            "cras": [cra(), submitted],
            "cra_days": worked(days=8) + worked("R2", 12),
        },
    )
    (draft,) = drafts(facts, "en")
    assert (draft["kind"], draft["amount"]) == ("wait", 5400)
    assert "We pay 3,600.00 EUR excl. tax now, and 5,400.00 EUR" in draft["text"]


@pytest.mark.parametrize(
    ("status", "days", "kind"),
    [("draft", 20, "wait"), ("submitted", 19, "credit_note"), ("rejected", 20, "credit_note")],
)
def test_a_bill_that_waits_says_for_what(status: str, days: int, kind: str) -> None:
    """Reported days that would cover it are waited for; fewer, or disputed ones, are not."""
    facts = world(**billed(), cras=[cra(status=status)], cra_days=worked(days=days))
    (draft,) = drafts(facts)
    assert (draft["kind"], draft["amount"], draft["to_email"]) == (kind, 9000, None)


def test_a_line_that_is_proven_is_not_asked_back() -> None:
    """Of two lines the one without receipts is asked for, also while nothing is paid yet."""
    facts = world(
        bills=[bill(amount=9500)],
        bill_lines=[bill_line(quantity=10), bill_line(line_no=2, quantity=10, price=500)],
        purchase_order_lines=[
            order_line(),
            order_line(line_no=2, consultant_id="C2", daily_rate=500),
        ],
        cras=[cra()],
    )
    (draft,) = drafts(facts)
    assert (draft["kind"], draft["amount"]) == ("credit_note", 5000)


def test_what_a_person_did_not_accept_is_asked_back() -> None:
    """A bill approved up to an amount asks for a credit note of the rest."""
    (draft,) = drafts(decided(world(**billed(price=500)), "bill/B1", amount=9000))
    assert (draft["kind"], draft["amount"]) == ("credit_note", 1000)
    assert "inférieur au montant facturé" in draft["text"]


def test_what_matches_or_is_in_review_has_no_letter() -> None:
    """A person decides on those first."""
    assert drafts(world(**billed())) == []
    assert drafts(world(**billed(price=900))) == []


def test_names_of_vendors_cannot_write_into_a_letter() -> None:
    """Markup is escaped, and a line break in a number adds no header."""
    names = {"suppliers": [supplier(name="ACME")], "cra_days": worked(days=8)}
    facts = world(**billed(invoice_number="F-1\r\nBcc: x@y.zz <b>"), **names)
    (draft,) = drafts(facts)
    assert "\n" not in draft["subject"]
    assert "<b>" not in draft["html"]
    assert "&lt;b&gt;" in draft["html"]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("facts", [world(**billed(), **HALF), world(**billed(), cras=[])])
def test_the_figures_of_a_letter_add_up(facts: BillFacts, language: Language) -> None:
    """What is paid and what is missing are together what was invoiced."""
    (draft,) = drafts(facts, language)
    accepted = matched(facts).matches.get_column("accepted_amount").sum()
    assert accepted + draft["amount"] == Decimal(9000)
