"""What the heading of a column means, in French or English, in mails and what hangs on them."""

import re

from transforms.declarations.mail_period import folded

_COLUMNS: dict[str, str] = {
    "name": r"nom et prenom|nom prenom|prenom nom|nom complet|consultants?|collaborateurs?|name"
    r"|full name|ressources?|resource|intervenants?|prestataires?|salaries?|employees?|personnes?",
    "last": r"noms?|nom de famille|last name|surname",
    "first": r"prenoms?|first name|given name",
    "days": r"(?:nb|nbre|nombre|total|no)?\.? ?(?:de |of )?(?:jours?|jrs?|j|days?|jh)"
    r"(?: (?:travailles|factures|valides|worked|declares|prestes|realises))?|qte|quantite|quantity"
    r"|uo|days worked",
    "amount": r"(?:montant|prix total|amount|sum|total(?= .))"
    r"(?: ht| \(?(?:ht|eur|€)\)?| excl\.? tax)?",
    "contract": r"contrats?|contract|bdc|bon de commande|commande",
    "label": r"projets?|project|missions?|prestation|lot|description",
    "period": r"mois|month|periode|period",
    "client": r"clients?|customer|societe",
    "total": r"total",
}


def columns_meant(heading: str) -> list[str]:
    """The columns that a heading may be, the likeliest first."""
    text = heading_text(heading)
    return [column for column, pattern in _COLUMNS.items() if re.fullmatch(pattern, text)]


def heading_text(heading: str) -> str:
    """The heading without case, accents, colons and wide gaps."""
    return re.sub(r"[\s:*]+", " ", folded(heading)).strip()
