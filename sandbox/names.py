"""French names of people, streets and companies, so that a world reads like a real one."""

from itertools import product
from random import Random


def _listed(text: str) -> tuple[str, ...]:
    """Names in a row: between bars where one holds a space, else between spaces."""
    return tuple(text.split("|" if "|" in text else " "))


# No token stands in both lists: names are told apart whatever their order.
FIRST_NAMES = _listed(
    "Adrien Agathe Alexis Amandine Anaïs Antoine Arnaud Aurélie Bastien Béatrice Boris Brigitte "
    "Camille Cécile Céline Clémence Corentin Cyril Damien Delphine Édouard Élise Élodie Émilie "
    "Étienne Fabien Fanny Florence Frédéric Gaëlle Gaspard Geoffroy Grégory Hélène Hugo Inès "
    "Jérémy Joëlle Juliette Karim Laëtitia Léa Loïc Ludivine Maëlle Malik Margaux Marion Mathilde "
    "Maxime Mélanie Noémie Océane Pauline Quentin Raphaël Romain Sabrina Solène Sylvain Tristan "
    "Valentine Xavier Yasmine Yohan Zoé"
)

LAST_NAMES = _listed(
    "Abadie Allard Aubry Bailly Barbier Baudry Benoist Berger Besnard Blanchet Bonnard Boucher "
    "Bouvier Brunel Carlier Carpentier Chauvin Chevallier Cordier Coulon Courtois Cousin Daniau "
    "Delmas Deschamps Devaux Duchêne Dumoulin Duval Fabre Fleury Fontaine Fournier Gauthier "
    "Gérard Gillet Giraud Grangé Guérin Guichard Hamon Hébert Huet Jacquet Joubert Klein Lacroix "
    "Lambert Langlois Leblanc Leclerc Legrand Lemaître Leroux Lévêque Maillard Marchand Maréchal "
    "Masson Mercier Meunier Millet Monnier Moreau Navarro Olivier Parmentier Pasquier Perrot "
    "Picard Poirier Prévost Renard Riou Rivière Rousseau Roussel Salmon Schmitt Tanguy Tessier "
    "Thibault Vasseur Verdier Vidal Weber"
)

STREETS = _listed(
    "rue des Tanneurs|avenue de la Gare|boulevard Carnot|quai des Chartrons|rue du Faubourg-Neuf|"
    "place du Marché|rue Jean-Jaurès|avenue des Peupliers|rue de la Verrerie|cours Gambetta"
)

TOWNS = (
    ("69003", "Lyon"),
    ("75009", "Paris"),
    ("44000", "Nantes"),
    ("59000", "Lille"),
    ("33000", "Bordeaux"),
    ("31000", "Toulouse"),
    ("35000", "Rennes"),
    ("67000", "Strasbourg"),
)

CLIENT_TRADES = _listed(
    "Banque|Assurances|Mutuelle|Laboratoires|Transports|Énergies|Éditions|Groupe|Aéronautique|"
    "Distribution|Logistique|Télécom|Régie|Crédit|Hospices|Automobiles|Chantiers|Services|"
    "Industries|Optique"
)
CLIENT_ROOTS = _listed(
    "Vauban Ponant Cévenol Montclar Garonne Saintonge Bellecour Armorique Valmy Estérel Roussillon "
    "Clairvaux Sologne Beauregard Chambord Duquesne Lorraine Marquenterre Vercors Aubrac Gascogne "
    "Luberon Oléron Quercy Trianon"
)
CLIENT_FORMS = ("SA", "SAS", "", "SCA")

SUPPLIER_ROOTS = _listed(
    "Brisants Calanque Déferlante Embruns Falaise Goéland Hauturière Iroise Jusant Littoral "
    "Marégraphe Noroît Ozone Pilotis Ressac Sémaphore Tramontane Ubac Vigie Zéphyr"
)
SUPPLIER_TRADES = _listed(
    "Conseil|Systèmes|Numérique|Data|Digital|Logiciels|Réseaux|Cloud|Agilité|Recette|Études|"
    "Architecture|Technologies|Solutions|Développement|Sécurité|Infogérance|Qualité|Partners|Lab"
)
SUPPLIER_FORMS = ("SAS", "SARL", "EURL", "SASU")

PROFILES = ("Développeur", "Architecte", "Chef de projet", "Analyste", "DevOps", "Testeur")
MANAGERS = ("Solange Keravel", "Patrice Oudin", "Mireille Fauconnet")


def people(rng: Random, count: int) -> list[tuple[str, str]]:
    """Returns `count` different (first, last) names."""
    pairs = list(product(FIRST_NAMES, LAST_NAMES))
    rng.shuffle(pairs)
    while len(pairs) < count:
        pairs += [(first, f"{last}-{rng.choice(LAST_NAMES)}") for first, last in pairs[:count]]
        pairs = list(dict.fromkeys(pairs))
    return pairs[:count]


def companies(rng: Random, count: int, *, clients: bool) -> list[str]:
    """Returns `count` different company names, each with a legal form or none."""
    heads, tails, forms = (
        (CLIENT_TRADES, CLIENT_ROOTS, CLIENT_FORMS)
        if clients
        else (SUPPLIER_ROOTS, SUPPLIER_TRADES, SUPPLIER_FORMS)
    )
    pairs = [f"{head} {tail}" for head, tail in product(heads, tails)]
    rng.shuffle(pairs)
    while len(pairs) < count:
        pairs += [f"{name} {len(pairs) // len(heads)}" for name in pairs]
    return [f"{name} {forms[i % len(forms)]}".strip() for i, name in enumerate(pairs[:count])]
