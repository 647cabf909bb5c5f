"""Words of mails that are no part of a person's name, without accents, and what they tell."""

import re

from transforms.declarations.mail_period import MONTHS


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


PARTICLES = _listed("al ben bin d da de del den der des di dos du el la le les van von")
"""Small words within a name."""

FILLERS = frozenset(MONTHS) | _listed(
    "a ai and as at au aux avec bonjour ce cette ci client collaborateur complet consultant "
    "consultante cra day days declare declares dessous did donc dont effectue elle en est et "
    "facture factures fait faite faits for has have hello ht i il in is je jour jours jrs "
    "merci mois mon month nb net nombre nos notre nous of ok on ont oui our par pour "
    "prestation prestations qte que qui realise ressource soit sur thanks that the they this "
    "timesheet total travaille travailles valide valides voici vos votre vous was we worked "
    "yes you your à"
)
"""Words of a sentence around a name."""

NO_PEOPLE = _listed(
    "absence absences absent absente adresse astreinte astreintes chacun chacune cp cumul each "
    "present presente recuperation "
    "adresse amount avenue average bic code commande conge conges date day "
    "days delai devis difference dimanche ecart effectif equipe facture fax ferie feries "
    "formation friday heures hours iban intercontrat jeudi jour jours lundi maladie mardi "
    "mercredi mobile monday montant moyenne objet page paiement period periode phone prix ref "
    "reference reste rtt rue samedi saturday semaine siren siret solde sous subject sunday "
    "tarif taux team tel telephone teletravail thursday tjm totaux tuesday tva vendredi "
    "wednesday week"
)
"""Words that say that a line counts something other than a person's days."""

DOUBT = re.compile(
    r"\?|≈|~|±|\b(?:environ|env\.|approx\w*|about|around|a confirmer|to be confirmed|tbc|tbd"
    r"|prevu\w*|previsionnel\w*|prevision|estim\w*"
    r"|forecast|peut-etre|maybe|au lieu|instead|initialement"
    r"|pas|not|annul\w*|cancel\w*|sauf|except|hors|without|absen\w*|conges?|maladie|sick|leave|off|rtt"
    r"|ferie\w*|vacation|holidays?|moins|plus|restants?|remaining|cp|pto|recup\w*|astreintes?|on-call"
    r"|formations?|training|teletravail|inter-?contrats?|rattrap\w*|regul\w*|complement\w*"
    r"|supplement\w*|additional|extra|non|refuse\w*|rejet\w*|rejected|attente|pending|brouillon"
    r"|draft|cumul\w*)\b"
)
"""Doubt, absence, or work that is not billed as days."""
ELSEWHERE = re.compile(
    r"\b(?:ouvres?|ouvrables?|calendaires?|fin de mois|end of month|sous|delais?|within"
    r"|working days|business days"
    r"|paiement|payment|reglement|echeance|depuis|il y a|ago|d.ici|preavis|notice"
    r"|prochains?|derniers?|next|last|net|terms|a reception)\b"
)
"""Days that are a delay or a term of payment."""
TOTAL = re.compile(
    r"^\W*(?:sous[- ]?totau?x?|sub-?total|total|totaux|au total|grand total|soit|somme|sum"
    r"|ensemble)\b"
)
"""The beginning of a line that sums up."""
IN_WORDS = re.compile(
    r"\b(?:jours?|days?|mois complet|full month|(?:temps )?plein|full time|complete?t?|idem|neant"
    r"|aucun|none|nil|absente?|demi-journees?|half day)\b"
)
"""A count without figures."""
COUNT_IN_WORDS = re.compile(
    r"\b(?:une?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze"
    r"|seize|vingt|trente|one|two|three|four|five|seven|eight|nine|ten|eleven|twelve|\w+teen"
    r"|twenty|thirty)\b[\w\s-]{0,20}\b(?:jours?|journees?|days?)\b"
)
"""A number in words, with its unit."""
ABSENCES = re.compile(
    r"\W*(?:(?:les|liste des|jours? d[e']?|days? of)\s?)?(?:absen\w+|conges?|cp\b|rtt\b|arrets?\b"
    r"|maladie|leave\b|holidays?|vacation|sick|astreintes?|on-call|formations?|training|inter-?contrat"
    r"|non (?:factur|travaill)\w+|not (?:billable|worked))"
)
"""The beginning of a heading above days that were not worked."""
NONE = re.compile(r"\b(?:aucune?|neant|none|nil|no|0)\b")
"""Such a heading that says at once that there are none."""
