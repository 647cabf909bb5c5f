"""The tenant's own words for its numbers: what `/application/dictionary` of the stand-in says."""

from typing import Any

COMPANY_CLIENT, COMPANY_ARCHIVED, COMPANY_SUPPLIER = 1, 8, 9
COMPANY_PROSPECT, COMPANY_PARTNER = 0, 7
PROJECT_ARCHIVED, PROJECT_RUNNING = 0, 1
DELIVERY_SIGNED = 0
ORDER_ARCHIVED, ORDER_RUNNING = 0, 1
INVOICE_DRAFT, INVOICE_SENT, INVOICE_UNPAID, INVOICE_PAID, INVOICE_REMINDED = 0, 1, 2, 3, 4
INVOICE_PAID_IN_PART, INVOICE_CREDITED, INVOICE_CANCELLED = 7, 8, 9
PAYMENT_PLANNED, PAYMENT_CONFIRMED, PAYMENT_SETTLED = 0, 1, 2
PROVIDER_INVOICE_REGISTERED, PROVIDER_INVOICE_VALID, PROVIDER_INVOICE_CANCELLED = 0, 1, 5
RESOURCE_WORKING = 1
RESOURCE_INTERNAL, RESOURCE_EXTERNAL = 0, 1
PURCHASE_STATES = {"draft": 9, "approved": 1, "closed": 3, "cancelled": 5}
CURRENCIES = ("EUR", "USD", "GBP", "CHF")

_STATES: dict[str, dict[int, str]] = {
    "company": {
        COMPANY_PROSPECT: "Prospect",
        COMPANY_CLIENT: "Client",
        COMPANY_PARTNER: "Partenaire",
        COMPANY_ARCHIVED: "Archivé",
        COMPANY_SUPPLIER: "Fournisseur",
    },
    "project": {PROJECT_ARCHIVED: "Archivé", PROJECT_RUNNING: "En cours"},
    "delivery": {DELIVERY_SIGNED: "Signée", 1: "Prévisionnelle"},
    "order": {ORDER_ARCHIVED: "Archivé", ORDER_RUNNING: "En cours"},
    "invoice": {
        INVOICE_DRAFT: "Création",
        INVOICE_SENT: "Transmis au client",
        INVOICE_UNPAID: "Impayée",
        INVOICE_PAID: "Payée",
        INVOICE_REMINDED: "Relance 1",
        INVOICE_PAID_IN_PART: "Payée partiellement",
        INVOICE_CREDITED: "Avoirée",
        INVOICE_CANCELLED: "Annulée",
        10: "ProForma",
    },
    "purchase": {1: "Validé", 3: "Soldé", 5: "Annulé", 9: "Planifié"},
    "payment": {
        PAYMENT_PLANNED: "Planifié",
        PAYMENT_CONFIRMED: "Confirmé",
        PAYMENT_SETTLED: "Réglé",
    },
    "providerinvoice": {
        PROVIDER_INVOICE_REGISTERED: "Enregistrée",
        PROVIDER_INVOICE_VALID: "Validée",
        PROVIDER_INVOICE_CANCELLED: "Annulée",
    },
    "resource": {0: "Sortie", RESOURCE_WORKING: "En cours", 2: "Intercontrat"},
}
_TYPES: dict[str, dict[int, str]] = {
    "resource": {RESOURCE_INTERNAL: "Interne", RESOURCE_EXTERNAL: "Externe"},
    "purchase": {0: "Divers", 1: "Prestation externe"},
    "contract": {0: "CDI", 1: "CDD", 2: "Sous-traitant", 3: "Freelance"},
}


def dictionary() -> dict[str, Any]:
    """Returns the body of `/application/dictionary`."""
    setting = {
        "state": {kind: _entries(words) for kind, words in _STATES.items()},
        "typeOf": {kind: _entries(words) for kind, words in _TYPES.items()},
        "currency": _entries(dict(enumerate(CURRENCIES))),
        "taxRate": _entries({0: "20", 1: "10", 2: "0"}),
    }
    return {"data": {"setting": setting}}


def currency_number(code: str | None) -> int | None:
    """Returns the number of a currency, none where none is told.

    Raises:
        ValueError: for a currency that the dictionary does not have.
    """
    return None if code is None else CURRENCIES.index(code)


def _entries(words: dict[int, str]) -> list[dict[str, Any]]:
    return [{"id": number, "value": word} for number, word in words.items()]
