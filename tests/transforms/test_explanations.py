"""The sentences of both sides, in French and English."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.transforms import supplier_facts
from tests.transforms.client_facts import (
    cra,
    facts,
    invoice,
    invoice_line,
    line,
    person,
    policy,
    proposed,
)
from tests.transforms.client_facts import matched as compared
from tests.transforms.supplier_facts import billed, several, worked, world
from transforms.clients.cra_matching import CraFacts
from transforms.overrides import OVERRIDES
from transforms.policy import Policy
from transforms.suppliers.po_matching import BillFacts
from transforms.words.causes import find_causes
from transforms.words.explanations import explained_bills, explained_cras
from transforms.words.languages import (
    Language,
    dates_said,
    days_said,
    days_words,
    money_said,
    money_words,
)
from transforms.words.receipt_causes import find_bill_causes

TEAM = [person(), person("P2", "Paul Martin")]


def cras(given: CraFacts, language: Language = "fr", rules: Policy | None = None) -> list[str]:
    """The sentences of October, by break id, without the spaces that do not break."""
    billing = proposed(given, policy=rules)
    causes = find_causes(compared(given, policy=rules).rows, given)
    said = explained_cras(billing, causes, rules or Policy(), language)
    return _plain(said)


def bills(given: BillFacts, language: Language = "fr", **tolerance: Any) -> list[str]:
    """The sentences of the bills, by break id."""
    found = supplier_facts.matched(given, tolerance)
    causes = find_bill_causes(found.matches, given, found.consumption, ["validated"])
    said = explained_bills(found, causes, language)
    return _plain(said)


def _plain(rows: pl.DataFrame) -> list[str]:
    texts = rows.get_column("explanation").to_list()
    return [text.replace("\u00a0", " ").replace("\u202f", " ") for text in texts]


def test_days_that_tie_are_said_shortly() -> None:
    """One figure, no cause."""
    given = facts([line("20.5")], [cra("20.5")])
    assert cras(given) == ["Le client déclare 20,5 j, le CRA dit de même."]
    assert cras(given, "en") == ["The client declares 20.5 d, and the CRA says the same."]


def test_a_gap_is_said_with_money_and_cause() -> None:
    """Figures as the language writes them, and the dates of the absence."""
    given = facts([line("20")], [cra("18", absent=2)])
    assert cras(given) == [
        (
            "Le client déclare 20 j, le CRA 18 j : 2 j de plus dans la déclaration "
            "(1 000,00 EUR) ; "
            "absence de 2 j (19 et 20 octobre 2026) saisie dans le CRA."
        )
    ]
    assert cras(given, "en") == [
        (
            "The client declares 20 d, the CRA 18 d: 2 d more in the declaration (1,000.00 EUR); "
            "absence of 2 d (19 and 20 October 2026) entered in the CRA."
        )
    ]


def test_no_explanation_is_said_as_such() -> None:
    """Nothing in the data is told, and so is what a person has to decide."""
    given = facts([line("20")], [cra("18", status="validated")])
    assert cras(given)[0].endswith(
        "aucune explication trouvée dans les données ; à décider : CRA validé mais différent."
    )


def test_a_held_row_says_what_holds_it() -> None:
    """The title of the hold instead of its code."""
    given = facts([line("20")], [cra("20", status="draft")])
    assert cras(given) == ["Déclaré : 20 j, CRA : 20 j ; en attente : CRA encore en brouillon."]


def test_a_wrong_name_points_to_the_other_person() -> None:
    """Each of two rows that belong together names the other one."""
    missing, undeclared = cras(facts([line("20")], [cra("20", "P2")], people=TEAM))
    assert missing.endswith("; CRA des mêmes jours, non déclaré : Paul Martin.")
    assert undeclared.endswith("; mêmes jours déclarés pour Jean Dupont.")


def test_what_keeps_a_matched_row_from_being_billed_is_said() -> None:
    """A contract without a rate."""
    given = facts([line("20")], [cra("20")], rates=[])
    assert cras(given)[0].endswith("; à décider : tarif absent du contrat.")


def test_a_limit_that_is_off_is_said() -> None:
    """The row says what was not checked."""
    given = facts([line("20")], [cra("18")])
    assert "(gap_percent : off, non vérifié)" in cras(given, rules=policy(gap_percent="off"))[0]


def test_a_gap_without_rate_says_that_its_percent_is_unknown() -> None:
    """Days alone are compared."""
    given = facts([line("20")], [cra("17")], rates=[])
    assert "(no rate: gap_percent not checked)" in cras(given, "en")[0]


def test_a_row_that_was_not_checked_says_so() -> None:
    """Whatever its figures are."""
    given = facts([line("20")], [cra("17")], unread=["boond.cras"])
    assert cras(given) == ["Non vérifié : une source nécessaire n'a pas été lue en entier."]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (world(**billed()), "La commande et les CRA couvrent 20 j à 450,00 EUR."),
        (
            world(**billed(price=480)),
            "Prix supérieur à la commande : facture 480,00 EUR, commande 450,00 EUR.",
        ),
        (
            world(**billed(), cra_days=worked(days=12)),
            (
                "Les CRA prouvent 12 j sur 20 j : 5 400,00 EUR à payer ; "
                "aucune explication trouvée dans les données."
            ),
        ),
        (
            world(**billed(), cras=[supplier_facts.cra(status="submitted")]),
            (
                "La facture demande 20 j, aucun jour de CRA disponible ; "
                "20 j dans des CRA pas encore validés (R1)."
            ),
        ),
        (
            world(
                **billed(invoice_date=date(2026, 11, 5)),
                purchase_orders=[supplier_facts.order(start_date=date(2026, 11, 10))],
                cra_days=worked(start=date(2026, 11, 10)),
            ),
            (
                "Dates hors commande : datée du 5 novembre 2026, "
                "commande valable à partir du 10 novembre 2026."
            ),
        ),
        (world(**billed(quantity=-3)), "Avoir de 1 350,00 EUR."),
        (
            world(**billed(), unread=frozenset({"boond.cras"})),
            "Non vérifié : lecture incomplète de boond.cras.",
        ),
    ],
)
def test_what_is_said_of_a_bill(given: BillFacts, said: str) -> None:
    """One sentence a status."""
    assert bills(given) == [said]


@pytest.mark.parametrize(("decision", "word"), [("approved", "Approuvé"), ("rejected", "Rejeté")])
def test_a_decision_is_said_with_what_is_proven(decision: str, word: str) -> None:
    """Not that all is ordered and received, nor that another line is held."""
    given = world(**billed(price=480))
    [mark] = supplier_facts.matched(given).inputs.get_column("fingerprint")
    decided = {"break_id": "bill/B1/1", "decision": decision, "fingerprint": mark}
    who = {"decided_by": "Anne", "reason": "vu", "decided_at": datetime(2026, 12, 1, tzinfo=UTC)}
    asked = pl.DataFrame([decided | who], schema=OVERRIDES, orient="row")
    assert bills(replace(given, overrides=asked)) == [
        f"Facture : 9 600,00 EUR, prouvé : 9 000,00 EUR. {word} par Anne le 1er décembre 2026 : vu."
    ]


def test_several_holds_are_counted() -> None:
    """The gravest is told, and how many there are beside it."""
    _, second = bills(world(**several(billed(), billed("B2", quantity=18))))
    assert "(et un autre motif)" in second
    assert second.endswith("de CRA déjà pris par une autre facture (F-B1).")


def test_off_and_registered_are_said_of_a_bill() -> None:
    """At the end of whatever is said."""
    registered = {"id": "X", "supplier_id": "S1", "reference": "F-B1", "status": "registered"}
    assert bills(world(**billed(price=900)), price_percent="off")[0].endswith(
        "; prix non vérifié (off)."
    )
    given = world(**billed(), supplier_invoices=[registered])
    assert bills(given, "en")[0].endswith("; registered in BoondManager already.")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("figure", ["0", "20.5", "-1234.5", "1234567.891", "0.25", "999999999.99"])
def test_columns_and_single_figures_are_said_alike(figure: str, language: Language) -> None:
    """A column of figures reads as one figure does."""
    amount = Decimal(figure)
    frame = pl.DataFrame({"v": [amount]}, schema={"v": pl.Decimal(18, 4)})
    euros = money_words(pl.col("v"), pl.lit("EUR"), language)
    assert frame.select(euros).item() == money_said(amount, "EUR", language)
    assert frame.select(days_words(pl.col("v"), language)).item() == days_said(amount, language)


def test_references_stay_as_they_are() -> None:
    """A number that looks like a day or a figure is not written in French."""
    by_hand = invoice("I1", "FA-2026-11-01", invoice_line("Prestations 2026-10"))
    said = cras(facts([line("20")], [cra("20")], [by_hand]))
    assert said[0].endswith("mois déjà facturé ailleurs : FA-2026-11-01.")


def test_the_first_of_a_month_is_the_first() -> None:
    """French says `1er`, in a list as well."""
    days = [date(2026, 11, 1), date(2026, 11, 11)]
    assert dates_said(days, "fr") == "1er et 11 novembre 2026"


def test_dates_are_listed_and_runs_are_one() -> None:
    """Two days are a list, a week is a run; a weekend does not end it."""
    week = [date(2026, 10, day) for day in (8, 9, 12, 13)]
    assert dates_said(week, "fr") == "du 8 au 13 octobre 2026"
    assert dates_said([*week, date(2026, 10, 20)], "fr") == "du 8 au 13 et 20 octobre 2026"
    assert dates_said([date(2026, 10, 30), date(2026, 11, 11)], "fr") == (
        "30 octobre 2026 et 11 novembre 2026"
    )
    assert dates_said([date(2026, 11, d) for d in (3, 5, 11)], "en") == "3, 5 and 11 November 2026"
