"""The sentences of the explanations, with `{}` for each figure; what stands around it is here too.

In French a no-break space stands before `:`, a narrow one before `;`.
"""

from collections.abc import Mapping

from transforms.words.languages import Language

Words = Mapping[str, str]

CRA: Mapping[Language, Words] = {
    "fr": {
        "nothing": "rien",
        "no_cra": "aucun",
        "also": " ; à décider : ",
        "off": " ({} : off, non vérifié)",
        "unpriced": " (pas de tarif : gap_percent non vérifié)",
        "matched": "Le client déclare {}, le CRA dit de même",
        "over_reported": "Le client déclare {}, le CRA {} : {} de trop déclarés",
        "under_reported": "Le client déclare {}, le CRA {} : {} de trop dans le CRA",
        "missing_cra": "Le client déclare {}, et il n'y a pas de CRA pour le mois",
        "missing_entry": "Le client déclare {} pour {}, que BoondManager ne connaît pas",
        "undeclared": "Le CRA compte {}, et le client n'a déclaré que d'autres personnes",
        "held": "Déclaré : {}, CRA : {} ; en attente : {}",
        "not_checked": "Non vérifié : une source nécessaire n'a pas été lue en entier",
    },
    "en": {
        "nothing": "nothing",
        "no_cra": "none",
        "also": "; to be decided: ",
        "off": " ({} off, not checked)",
        "unpriced": " (no rate: gap_percent not checked)",
        "matched": "The client declares {}, and the CRA says the same",
        "over_reported": "The client declares {}, the CRA {}: {} too many declared",
        "under_reported": "The client declares {}, the CRA {}: {} too many in the CRA",
        "missing_cra": "The client declares {}, and there is no CRA in the month",
        "missing_entry": "The client declares {} for {}, whom BoondManager does not know",
        "undeclared": "The CRA says {}, and the client has declared other people only",
        "held": "Declared: {}, CRA: {}; held: {}",
        "not_checked": "Not checked: a source that is needed was not read in full",
    },
}

BILL: Mapping[Language, Words] = {
    "fr": {
        "matched": "{} à {} commandés et reçus",
        "partial": "{} reçus sur {} facturés : {} peuvent être payés",
        "pending_receipt": "Aucun jour reçu pour {} facturés",
        "not_checked": "Non vérifié : {}",
        "credit": "Avoir de {}",
        "nothing": "rien",
        "decided": "Facturé : {}, prouvé : {}",
        "beside": "Une autre ligne de la facture est bloquée",
        "registered": " ; déjà enregistrée dans BoondManager",
        "off_price": " ; prix non vérifié (off)",
        "off_quantity": " ; quantité non vérifiée (off)",
        "off_totals": " ; totaux non vérifiés (off)",
    },
    "en": {
        "matched": "{} at {} are ordered and received",
        "partial": "{} of {} invoiced are received: {} may be paid",
        "pending_receipt": "No receipt is open for {} invoiced",
        "not_checked": "Not checked: {}",
        "credit": "A credit note of {}",
        "nothing": "none",
        "decided": "Invoiced: {}, proven: {}",
        "beside": "Another line of the invoice is held",
        "registered": "; registered in BoondManager already",
        "off_price": "; price not checked (off)",
        "off_quantity": "; quantity not checked (off)",
        "off_totals": "; totals not checked (off)",
    },
}

PHRASES: Mapping[Language, Words] = {
    "fr": {
        r"^not read in full: ": "lecture incomplète de ",
        r"^quarantined: ": "en quarantaine, ",
        r"^order (.+) of supplier (.+)$": "commande ${1} du fournisseur ${2}",
        r"^(.+) against (.+)$": "${1} contre ${2}",
        r"^(?:from )?(\d{4})-(\d\d)-(\d\d)(?: on)?$": "${3}/${2}/${1}",
    },
    "en": {r"^from (\d{4}-\d\d-\d\d) on$": "${1}"},
}
"""Phrases of the matching (patterns), and how a sentence says them."""

HELD_BY: Mapping[Language, tuple[str, str]] = {
    "fr": (" (et un autre motif)", " (et {} autres motifs)"),
    "en": (" (and one more reason)", " (and {} more reasons)"),
}

_APART = (" : {} facturés, {} attendus", "actual", "expected")
_APART_EN = (": {} invoiced, {} expected", "actual", "expected")

HOLD: Mapping[Language, Mapping[str, tuple[str, ...]]] = {
    "fr": {
        "PRICE": (" : {} facturés, {} commandés", "actual", "expected"),
        "QTY_ORDERED": (" : {} facturés, {} ouverts sur la commande", "actual", "expected"),
        "QTY_RECEIVED": (" : {} facturés, {} reçus et libres", "actual", "expected"),
        "LINE_TOTAL": _APART,
        "TOTAL": _APART,
        "CURRENCY": (" : {} au lieu de {}", "actual", "expected"),
        "DATE": (" : facturée le {}, commande à partir du {}", "actual", "expected"),
        "DUPLICATE": (" : {}", "actual"),
        "PO_AMBIGUOUS": (" : {}", "actual"),
        "PAID_UNPROVEN": (" : {} prouvés seulement", "expected"),
        "SUPPLIER_MISMATCH": (" : {}", "actual"),
        "CRA_TOTAL_INCONSISTENT": (" : {} annoncés, {} saisis", "expected", "actual"),
        "CLIENT_UNKNOWN": (" : {}", "actual"),
        "NAME_AMBIGUOUS": (" : {} ({})", "actual", "detail"),
        "ALREADY_INVOICED": (" : {}", "actual"),
        "TAX_RATE_MISSING": (" : {}", "actual"),
    },
    "en": {
        "PRICE": (": {} invoiced, {} ordered", "actual", "expected"),
        "QTY_ORDERED": (": {} invoiced, {} open on the order", "actual", "expected"),
        "QTY_RECEIVED": (": {} invoiced, {} received and free", "actual", "expected"),
        "LINE_TOTAL": _APART_EN,
        "TOTAL": _APART_EN,
        "CURRENCY": (": {} instead of {}", "actual", "expected"),
        "DATE": (": invoiced on {}, order from {} on", "actual", "expected"),
        "DUPLICATE": (": {}", "actual"),
        "PO_AMBIGUOUS": (": {}", "actual"),
        "PAID_UNPROVEN": (": only {} proven", "expected"),
        "SUPPLIER_MISMATCH": (": {}", "actual"),
        "CRA_TOTAL_INCONSISTENT": (": {} told, {} found", "expected", "actual"),
        "CLIENT_UNKNOWN": (": {}", "actual"),
        "NAME_AMBIGUOUS": (": {} ({})", "actual", "detail"),
        "ALREADY_INVOICED": (": {}", "actual"),
        "TAX_RATE_MISSING": (": {}", "actual"),
    },
}
"""What is said of a hold after its title, and which of its columns are the figures."""
