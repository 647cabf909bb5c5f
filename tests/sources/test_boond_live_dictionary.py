"""What a tenant's numbers mean: labels of states read by their words."""

from typing import Any

import pytest

from sources.boond_live.dictionary import Dictionary


def _dictionary(kind: str, *labels: str, states: dict[str, dict[str, str]] | None = None) -> Any:
    entries = [{"id": number, "value": label} for number, label in enumerate(labels)]
    return Dictionary({"state": {kind: entries}, "typeOf": {kind: entries}}, states)


@pytest.mark.parametrize(
    ("kind", "label", "word"),
    [
        ("invoice", "Création", "draft"),
        ("invoice", "ProForma", "draft"),
        ("invoice", "Pro forma", "draft"),
        ("invoice", "Transmis au client", "sent"),
        ("invoice", "Envoyée", "sent"),
        ("invoice", "IMPAYÉE", "sent"),
        ("invoice", "Relance 2", "sent"),
        ("invoice", "Payée partiellement", "sent"),
        ("invoice", "Partially paid", "sent"),
        ("invoice", "Payée", "paid"),
        ("invoice", "Encaissé", "paid"),
        ("invoice", "Réglées", "paid"),
        ("invoice", "Avoirée", "cancelled"),
        ("invoice", "Annulée", "cancelled"),
        ("invoice", "À envoyer", "unknown state 0 (À envoyer)"),
        ("invoice", "Non réglée", "unknown state 0 (Non réglée)"),
        ("invoice", "Bon à payer", "unknown state 0 (Bon à payer)"),
        ("purchase", "Planifié", "draft"),
        ("purchase", "Validée", "approved"),
        ("purchase", "En cours", "approved"),
        ("purchase", "Approved", "approved"),
        ("purchase", "Soldé", "closed"),
        ("purchase", "Archivé", "closed"),
        ("purchase", "Refusé", "cancelled"),
        ("purchase", "Invalidé", "unknown state 0 (Invalidé)"),
        ("purchase", "À valider", "unknown state 0 (À valider)"),
        ("purchase", "En cours de validation", "unknown state 0 (En cours de validation)"),
        ("purchase", "Partiellement réglé", "unknown state 0 (Partiellement réglé)"),
        ("purchase", "Non validé", "unknown state 0 (Non validé)"),
        ("payment", "Planifié", "planned"),
        ("payment", "Confirmé", "confirmed"),
        ("payment", "Réglé", "settled"),
        ("payment", "En attente de confirmation", "unknown state 0 (En attente de confirmation)"),
        ("project", "Terminé", "ended"),
        ("project", "En cours", "active"),
        ("order", "Archivé", "archived"),
        ("order", "En cours", "open"),
        ("providerinvoice", "Annulée", "cancelled"),
        ("providerinvoice", "Validée", "registered"),
    ],
)
def test_a_label_is_read_by_its_words(kind: str, label: str, word: str) -> None:
    """A label is a canonical word where its own words are clear, and is told where they are not."""
    assert _dictionary(kind, label).state(kind, 0) == word


@pytest.mark.parametrize(
    ("label", "roles"),
    [
        ("Client", {"client"}),
        ("Sous-traitant", {"supplier"}),
        ("Client et fournisseur", {"client", "supplier"}),
        ("Client archivé", {"archived"}),
        ("Prospect", set()),
    ],
)
def test_a_company_may_have_two_roles(label: str, roles: set[str]) -> None:
    """The label of a company's state names its roles; one that is put away has none."""
    assert _dictionary("company", label).company_roles(0) == roles


@pytest.mark.parametrize(
    "label", ["Externe", "Sous traitant", "Free-lance", "Portage salarial", "Prestataire"]
)
def test_an_external_is_known_by_their_type(label: str) -> None:
    """Whoever is not employed is external, whatever the tenant calls it."""
    assert _dictionary("resource", label, "CDI").resource_type(0) == "external"
    assert _dictionary("resource", label, "CDI").resource_type(1) == "employee"


def test_the_policy_overrules_labels() -> None:
    """What the policy says of a state counts, also where the dictionary does not know it."""
    states = {
        "invoice": {"0": "paid", "9": "sent"},
        "company": {"0": "supplier", "1": "other"},
        "resource type": {"0": "external"},
    }
    invoices = _dictionary("invoice", "Création", states=states)
    assert [invoices.state("invoice", number) for number in (0, 9)] == ["paid", "sent"]
    companies = _dictionary("company", "Client", "Client", states=states)
    assert companies.company_roles(0) == {"supplier"}
    assert "client" not in companies.company_roles(1)
    assert _dictionary("resource", "CDI", states=states).resource_type(0) == "external"


def test_the_numbers_of_a_word_are_those_to_write() -> None:
    """All states that mean a word are found, the lowest first."""
    dictionary = _dictionary("invoice", "Payée", "Brouillon", "Création")
    assert dictionary.numbers_of("invoice", "draft") == [1, 2]
    assert dictionary.label("invoice", 1) == "Brouillon"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"id": 3, "value": "EUR"}, "EUR"),
        ({"id": 3, "value": "€"}, "EUR"),
        ({"id": 3, "value": "Euro", "symbol": "€"}, "EUR"),
        ({"id": 3, "value": "Franc", "code": "CHF"}, "CHF"),
        ({"id": 3, "value": "Doublon"}, "currency 3 (Doublon)"),
        ({"id": 4, "value": "EUR"}, "currency 3"),
    ],
)
def test_a_currency_is_a_code_or_is_told(entry: dict[str, Any], code: str) -> None:
    """A currency is known by its code or sign; otherwise the record says what was served."""
    dictionary = Dictionary({"currency": [entry]})
    assert dictionary.currency(3) == code
    assert dictionary.currency(None) is None


@pytest.mark.parametrize("setting", [{}, {"state": []}, {"state": {"invoice": {}}}])
def test_a_dictionary_of_another_form_knows_nothing(setting: dict[str, Any]) -> None:
    """Without entries every state is an unknown one, and an absent state stays absent."""
    assert Dictionary(setting).state("invoice", 3) == "unknown state 3"
    assert Dictionary(setting).state("invoice", None) is None
