"""How a change is said: both values, in a sentence."""

from collections.abc import Callable, Mapping
from typing import Any

from transforms.words.languages import Language, days_said, money_said

WORDS: Mapping[str, Mapping[Language, str]] = {
    "CRA_CHANGED": {
        "fr": "{who}, {period} : le CRA a été validé avec {was}, il dit maintenant {now}",
        "en": "{who}, {period}: the CRA was validated with {was}, it now says {now}",
    },
    "RATE_CHANGED": {
        "fr": "{who}, {period} : facturé {was} ; au taux d'aujourd'hui ce serait {now}",
        "en": "{who}, {period}: billed {was}; at today's rate it would be {now}",
    },
    "PO_CHANGED": {
        "fr": "commande {who} : {was} quand une facture a été acceptée, maintenant {now}",
        "en": "order {who}: {was} when an invoice was accepted, now {now}",
    },
    "RECEIPT_REDUCED": {
        "fr": "commande {who} : {was} reçus quand des factures ont été acceptées, maintenant {now}",
        "en": "order {who}: {was} received when invoices were accepted, now {now}",
    },
    "BILL_CHANGED": {
        "fr": "facture {who} : acceptée pour {was}, Bill.com dit maintenant {now}",
        "en": "invoice {who}: accepted for {was}, Bill.com now says {now}",
    },
    "REGISTRATION": {
        "fr": "facture {who} : acceptée pour {was}, maintenant {now} dans BoondManager",
        "en": "invoice {who}: accepted for {was}, now {now} in BoondManager",
    },
    "INVOICE_CHANGED": {
        "fr": "facture {who} : créée pour {was}, BoondManager dit maintenant {now}",
        "en": "invoice {who}: created for {was}, BoondManager now says {now}",
    },
    "CLIENT": {
        "fr": "client {who} : {was} de factures non réglées, {now}",
        "en": "client {who}: {was} of invoices are not paid, {now}",
    },
    "CONTRACT": {
        "fr": "contrat {who} : {was} de factures non réglées, {now}",
        "en": "contract {who}: {was} of invoices are not paid, {now}",
    },
    "VENDOR": {
        "fr": "fournisseur {who} de Bill.com : {was} de factures à payer, {now}",
        "en": "vendor {who} of Bill.com: {was} of bills are to be paid, {now}",
    },
    "SUPPLIER": {
        "fr": "fournisseur {who} : {was} de factures acceptées à payer, {now}",
        "en": "supplier {who}: {was} of accepted bills are to be paid, {now}",
    },
}
_GONE: Mapping[Language, str] = {"fr": "rien : supprimé", "en": "nothing: deleted"}
_PUT_AWAY: Mapping[Language, str] = {
    "fr": "supprimé ou archivé",
    "en": "deleted or archived",
}
_CANCELLED: Mapping[Language, str] = {"fr": "annulée", "en": "cancelled"}


def _days(row: Mapping[str, Any], side: str, language: Language) -> str:
    return _GONE[language] if row[side] is None else days_said(row[side], language)


def _money(row: Mapping[str, Any], side: str, language: Language) -> str:
    if row[side] is None:
        return _GONE[language]
    currency = row.get(f"{side}_currency") or row["currency"]
    number = row.get(f"{side}_number")
    said = money_said(row[side], currency, language)
    moved = row.get("was_number") != row.get("now_number")
    return f"{said} ({number})" if moved and number else said


def _line(row: Mapping[str, Any], side: str, language: Language) -> str:
    days, price = {
        "was": (row["ordered_qty"], row["po_price"]),
        "now": (row["estimated_days"], row["daily_rate"]),
    }[side]
    if side == "now" and row["dead"]:
        return _CANCELLED[language]
    if days is None or price is None:
        return _GONE[language]
    return f"{days_said(days, language)} × {money_said(price, row['currency'], language)}"


def _registration(row: Mapping[str, Any], side: str, language: Language) -> str:
    return _money(row, side, language) if side == "was" else _CANCELLED[language]


def _open(row: Mapping[str, Any], side: str, language: Language) -> str:
    return _money(row, side, language) if side == "was" else _PUT_AWAY[language]


FIGURES: Mapping[str, Callable[[Mapping[str, Any], str, Language], str]] = {
    "CRA_CHANGED": _days,
    "RATE_CHANGED": _money,
    "PO_CHANGED": _line,
    "RECEIPT_REDUCED": _days,
    "BILL_CHANGED": _money,
    "REGISTRATION": _registration,
    "INVOICE_CHANGED": _money,
    "CLIENT": _open,
    "CONTRACT": _open,
    "VENDOR": _open,
    "SUPPLIER": _open,
}
