"""Words that are no part of a person's name, without accents, as mails use them."""

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
    "absence absences adresse amount avenue average bic code commande conge conges date day "
    "days delai devis difference dimanche ecart effectif equipe facture fax ferie feries "
    "formation friday heures hours iban intercontrat jeudi jour jours lundi maladie mardi "
    "mercredi mobile monday montant moyenne objet page paiement period periode phone prix ref "
    "reference reste rtt rue samedi saturday semaine siren siret solde sous subject sunday "
    "tarif taux team tel telephone teletravail thursday tjm totaux tuesday tva vendredi "
    "wednesday week"
)
"""Words that say that a line counts something other than a person's days."""
