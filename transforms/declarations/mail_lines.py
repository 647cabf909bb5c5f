"""What one line of a mail declares, and how sure its reading is (reconciliation.md 1.3).

A line that is read begins at 1, and loses

| for | |
|---|---|
| a word of doubt or of absence (`environ`, `à confirmer`, `congés`, `?`) | 0.30 |
| a number that nothing explains (`dont 2 en télétravail`) | 0.30 |
| no unit beside the number and no heading that tells it | 0.20 |
| a name within a sentence, or in small letters with nothing between it and the days | 0.20 |
| two names where one is meant | 0.20 |
| a half in words (`20 jours et demi`) | 0.20 |
| a name of one word | 0.10 |
| several people on one line | 0.10 |
| a name in small letters, set apart from the days | 0.05 |

and 0.30 each for what is wrong with the mail around it (`declaration_mail`). Under 0.85 a person
decides. A line that seems to declare and cannot be read has a `problem` instead.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from transforms.declarations.forms import UnreadableError, currency, days, number
from transforms.declarations.mail_period import MONTHS, folded
from transforms.declarations.mail_words import (
    COUNT_IN_WORDS,
    DOUBT,
    ELSEWHERE,
    FILLERS,
    IN_WORDS,
    NO_PEOPLE,
    PARTICLES,
    TOTAL,
)

_NUM = r"\d+(?:[.,]\d+)?"
_UNIT = r"(?:jours?|journ[ée]es?|jrs?|j\.?/?h\.?|j|(?:man|person)[- ]?days?|days?|md|d)"
_FIGURE = re.compile(
    rf"(?<![\w.,])(?P<sign>[+\-−–])?(?P<days>{_NUM})\s*(?P<unit>{_UNIT})(?!\w)"
    r"(?P<half>\s+(?:et\s+demie?|and\s+(?:a\s+)?half))?",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"(?P<rate>(?:\b(?:tjm|taux|rate|tarif|@|à|x)\W{0,3})?)"
    r"(?:(?P<before>[€$£])\s*)?(?P<sum>(?<![\w.,])\d{1,3}(?:[ .,']\d{3})*(?:[.,]\d{1,4})?(?!\d)"
    r"|(?<![\w.,])\d+(?:[.,]\d{1,4})?(?!\d))\s*"
    r"(?(before)|(?P<after>€|euros?\b|eur\b|usd\b|gbp\b|chf\b|\$|£))"
    r"(?:\s*(?:ht|htva|hors taxes?|excl\.?(?: tax| vat)?)\b)?"
    r"(?P<gross>\s*(?:ttc|tvac|ati|incl\.?\s*(?:vat|tax))\b)?"
    r"(?P<each>\s*(?:/|par|per)\s*(?:j|jour|jr|day|d)\b)?",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s*[|:;=()\[\]→…]+\s*|\s+[-–—>]+\s+|\s*->\s*|\s{2,}")
_BULLET = re.compile(r"^\s*(?:[-*•·▪◦–—>]+|\d{1,2}[.)])\s+")
_CIVILITY = re.compile(
    r"^(?:m\.|mrs?\.?|ms\.?|mme\.?|mlle\.?|monsieur|madame|mademoiselle|dr\.?)\s+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:[.'’ʼ\-‐‑][^\W\d_]*)*\.?|,")
_PROJECT = re.compile(
    r"\b(?:proje[ct]t?s?|mission|lot|contrats?|contracts?|client|phase)\b", re.IGNORECASE
)
_CONTRACT = re.compile(
    r"^(?:contrat|contract|bon de commande|bdc|commande|r[ée]f(?:[ée]rence)?)\s*[.:n°#]*\s*(\S+)$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"^[A-Za-z]+[\w./\-]*\d[\w./\-]*$")
_YEAR_OF_DAYS = re.compile(r"\b([^\W\d_]+\.?)\s+20\d\d(?=\s+(?:jours?|days?)\b)", re.IGNORECASE)
_LEADERS = re.compile(r"\.{3,}|_{3,}")
_BEGINS_A_COUNT = re.compile(r"\d{1,2}(?!\d)")
_MOST_DIGITS = 5
_FRACTION = re.compile(r"\d\s*/\s*$")
_HOURS = re.compile(rf"(?<![\w.,]){_NUM}\s*(?:h|hrs?|heures?|hours?)\b", re.IGNORECASE)
_BARE = re.compile(rf"(?<![\w.,/\-]){_NUM}(?![\w/])")
_LONGEST_NAME = 6
_LONGEST_LINE = 2_000


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one line declares of one person.

    Attributes:
        name: as written.
        days: of the month; None where `problem` says why.
        amount: without tax, in `currency`.
        label: what stands beside name and days, such as a project.
        contract: a contract named as such.
        period: the month that the line itself names, as written.
        client: the client that a table names.
        lost: what was taken off its confidence, each with its reason.
        problem: why it cannot be read.
    """

    name: str | None = None
    days: Decimal | None = None
    amount: Decimal | None = None
    currency: str | None = None
    label: str | None = None
    contract: str | None = None
    period: str | None = None
    client: str | None = None
    lost: dict[str, Decimal] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True)
class Total:
    """A sum of the lines above; None where it says no days."""

    days: Decimal | None


Reading = list[Said] | Total


def line_read(text: str) -> Reading:
    """What a line declares: people with their days, a total, or nothing (an empty list).

    Args:
        text: the line, with plain spaces; cells between `|`.
    """
    if len(text) > _LONGEST_LINE:
        return [Said(problem="too long a line to be read")] if _FIGURE.search(text) else []
    plain = _YEAR_OF_DAYS.sub(_without_year, _LEADERS.sub(" : ", _BULLET.sub("", text)))
    if TOTAL.match(folded(plain)):
        return Total(_total(plain))
    pieces = _people(plain)
    if len(pieces) > 1:
        lost = {"several people on one line": Decimal("0.10")}
        told = [_person(piece) for piece in pieces]
        if all(said and said.name and " " in said.name for said in told):
            return [_less(said, lost) for said in told if said]
        return [Said(problem="several counts of days on one line")]
    said = _person(plain) if pieces else _without_unit(plain) or _in_words(plain)
    return [said] if said else []


def _without_year(found: re.Match[str]) -> str:
    """The month without its year, which is no count of the days behind it."""
    return found[1] if folded(found[1]).strip(".") in MONTHS else found[0]


def _total(text: str) -> Decimal | None:
    figure = _FIGURE.search(_MONEY.sub(" ", text))
    bare = _BARE.findall(_MONEY.sub(" ", text))
    said = figure["days"] if figure else bare[0] if len(bare) == 1 else None
    return Decimal(said.replace(",", ".")) if said else None


def _people(text: str) -> list[str]:
    """The line cut behind each count of days, what follows the last one included."""
    figures = list(_FIGURE.finditer(text))
    if not figures:
        return []
    starts = [0]
    for figure in figures[:-1]:
        money = _MONEY.match(text, figure.end() + len(_gap(text, figure.end())))
        starts.append(money.end() if money else figure.end())
    ends = [*starts[1:], len(text)]
    return [text[a:b].strip(" ,;|.&") for a, b in zip(starts, ends, strict=True)]


def _gap(text: str, at: int) -> str:
    found = re.compile(r"[\s|:;,()=\-–—]*").match(text, at)
    return found[0] if found else ""


def _person(text: str) -> Said | None:
    """One person's line with one count of days."""
    figure = _FIGURE.search(text)
    if figure is None:
        return None
    rest, amount, code = _without_money(text[: figure.start()] + " | " + text[figure.end() :])
    told = _told(rest)
    if told.name is None:
        elsewhere = ELSEWHERE.search(folded(text)) is not None
        return None if elsewhere else Said(problem="days without a name")
    try:
        count = days(f"{figure['sign'] or ''}{figure['days']}".replace("−", "-").replace("–", "-"))
        if _FRACTION.search(text[: figure.start()]):
            return _named(told, "a fraction, not a count of days")
        if figure["sign"] == "+":
            return _named(told, "more or fewer days, not a count of days")
    except UnreadableError as error:
        return _named(told, str(error))
    if figure["half"]:
        count += Decimal("0.5")
        told = _less(told, {"a half in words": Decimal("0.20")})
    doubt = doubt_in(text)
    lost = {f"`{doubt}`": Decimal("0.30")} if doubt else {}
    said = Said(**vars(_less(told, lost)) | {"days": count, "amount": amount, "currency": code})
    return said if count <= days("31") else _named(told, f"days is not between 0 and 31: {count}")


def _without_money(text: str) -> tuple[str, Decimal | None, str | None]:
    """The text without its sums of money, and the first that is no rate a day."""
    amount = code = None
    for found in _MONEY.finditer(text):
        if found["gross"] or found["each"] or found["rate"].strip() or amount is not None:
            continue
        sign = found["before"] or found["after"]
        try:
            # a sum with three digits behind its only mark has that mark between its thousands
            whole = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", found["sum"])
            figures = re.sub(r"[.,]", "", found["sum"]) if whole else found["sum"]
            read = number("amount", figures.replace("'", ""))
            code = currency("EUR" if sign.lower().startswith("eur") else sign)
        except UnreadableError:
            continue
        amount = read
    return _MONEY.sub(" | ", text), amount, code if amount is not None else None


def _told(text: str) -> Said:
    """Name, label and contract in the text beside a count of days, and what makes it unsure."""
    lost: dict[str, Decimal] = {}
    names, labels, contract = [], [], None
    for segment in (one.strip(" ,.-–—*•\"'«»") for one in _SEPARATOR.split(text)):
        named = _CONTRACT.match(segment)
        if named:
            contract = named[1]
        elif is_name(segment):
            names.append(segment)
        elif segment and not _says_nothing(segment):
            labels.append(segment)
    full = [name for name in names if " " in name.strip()]
    if not names:
        names, labels, lost = _in_sentence(labels)
        full = names
    name = (full or names or [None])[0]
    others = [other for other in names if other is not name]
    if len(full) > 1 or (not lost and _in_sentence(labels)[0]):
        lost["two names"] = Decimal("0.20")
    if any(_has_figures(label) for label in labels):
        lost["a number that nothing explains"] = Decimal("0.30")
    labels = others + labels
    told = Said(
        name=name and _CIVILITY.sub("", name),
        label=labels[0] if labels else None,
        contract=contract,
    )
    return _less(told, lost | (_doubts_on(name, text) if name else {}))


def _doubts_on(name: str, text: str) -> dict[str, Decimal]:
    own = _CIVILITY.sub("", name)
    if " " not in own:
        return {"a name of one word": Decimal("0.10")}
    if "," in own and all(" " in part.strip() for part in own.split(",")):
        return {"two names": Decimal("0.20")}
    small = [word for word in own.split() if word.islower() and word not in PARTICLES]
    if not small:
        return {}
    apart = _SEPARATOR.search(text.strip(" |")) is not None
    return {"a name in small letters": Decimal("0.05") if apart else Decimal("0.20")}


def _in_sentence(labels: list[str]) -> tuple[list[str], list[str], dict[str, Decimal]]:
    """The first run of two or more capitalised words that may be a name."""
    for at, label in enumerate(labels):
        for run in re.findall(r"(?:[^\W\d_][\w'’\-]*[ ,]*)+", label):
            words = run.split()
            while words and (not words[0][:1].isupper() or folded(words[0]) in FILLERS):
                words.pop(0)
            taken = []
            for word in words:
                if not word[:1].isupper() and word not in PARTICLES:
                    break
                taken.append(word.strip(","))
            name = " ".join(taken)
            if " " in name and is_name(name):
                left = [other for i, other in enumerate(labels) if i != at]
                rest = label.replace(name, " ")
                extra = [rest.strip()] if _has_figures(rest) else []
                return [name], left + extra, {"a name within a sentence": Decimal("0.20")}
    return [], labels, {}


def is_doubtful(text: str) -> bool:
    """Whether a text speaks of doubt or absence, or holds a number that nothing explains."""
    plain = _MONEY.sub(" ", text)
    counts = re.search(r"[^\W\d_]", plain) is not None and _has_figures(plain)
    return counts or doubt_in(text) is not None


def doubt_in(text: str) -> str | None:
    """The word of doubt or absence that a text holds."""
    doubt = DOUBT.search(folded(_MONEY.sub(" ", text)))
    return doubt[0] if doubt else None


def is_name(text: str) -> bool:
    """Whether a text may be a person's name: words of letters only, none of them of another use."""
    own = _CIVILITY.sub("", text)
    words = own.replace(",", " ").split()
    if not 1 <= len(words) <= _LONGEST_NAME or _PROJECT.search(own):
        return False
    plain = [folded(word).strip(".") for word in words]
    if any(word in NO_PEOPLE for word in plain):
        return False
    if len(words) == 1 and (plain[0] in FILLERS or len(plain[0]) < len("li")):
        return False
    fillers = [
        word
        for word, said in zip(plain, words, strict=True)
        if word in FILLERS and said.islower() and word not in PARTICLES
    ]
    return not fillers and all(_WORD.fullmatch(word) for word in words)


def _says_nothing(segment: str) -> bool:
    words = re.findall(r"\w+", folded(segment))
    return all(word in FILLERS or re.fullmatch(r"20\d\d", word) for word in words)


def _has_figures(label: str) -> bool:
    if _PROJECT.search(label):
        return False
    words = label.split()
    return any(re.search(r"\d", word) for word in words if not _REFERENCE.match(word))


def _without_unit(text: str) -> Said | None:
    """A line that seems to declare and has no count with a unit."""
    bare, amount, code = _without_money(text)
    segments = [one.strip(" ,-*•") for one in _SEPARATOR.split(bare) if one.strip(" ,-*•")]
    name, figures = _leading_name(segments) if segments else (None, [])
    if name is None or not _looks_full(name):
        return None
    counts = [one for one in figures if re.fullmatch(_NUM, one)]
    if len(counts) == 1 and len(figures) <= 2:  # noqa: PLR2004 - the count and one label
        return _counted(name, counts[0], [f for f in figures if f != counts[0]], amount, code)
    several = len(counts) > 1 and len(counts) == len(figures)
    problem = "several counts of days on one line" if several else _no_count(figures)
    return Said(name=name, problem=problem) if problem else None


def _no_count(figures: list[str]) -> str | None:
    """Why what stands behind a name seems to count days and is no count; None where it does not."""
    after = folded(" ".join(figures))
    if _HOURS.search(after):
        return "hours, not days"
    begins = bool(figures) and _BEGINS_A_COUNT.match(figures[0]) is not None
    if begins and len(re.sub(r"\D", "", after)) <= _MOST_DIGITS:
        return "no count of days that can be read"
    return "no number of days" if len(figures) == 1 and IN_WORDS.search(after) else None


def _in_words(text: str) -> Said | None:
    """A sentence that counts somebody's days in words."""
    plain = folded(text)
    counted = COUNT_IN_WORDS.search(plain) and not ELSEWHERE.search(plain)
    names, _, _ = _in_sentence([text]) if counted else ([], [], {})
    return Said(name=names[0], problem="no number of days") if names else None


def _leading_name(segments: list[str]) -> tuple[str | None, list[str]]:
    glued = re.fullmatch(rf"(\D+?)\s+({_NUM})", segments[0])
    if glued and is_name(glued[1]):
        return glued[1], [glued[2], *segments[1:]]
    return (segments[0], segments[1:]) if is_name(segments[0]) else (None, segments)


def _looks_full(name: str) -> bool:
    """Whether every word of two or more is written as a name's: `Bon de commande` is none."""
    words = [word for word in _CIVILITY.sub("", name).split() if word not in PARTICLES]
    return len(words) > 1 and all(word[:1].isupper() for word in words)


def _counted(
    name: str, count: str, labels: list[str], amount: Decimal | None, code: str | None
) -> Said:
    told = Said(name=name, amount=amount, currency=code, label=labels[0] if labels else None)
    try:
        read = days(count)
    except UnreadableError as error:
        return _named(told, str(error))
    return _less(
        Said(**vars(told) | {"days": read}), {"no unit beside the number": Decimal("0.20")}
    )


def _named(told: Said, problem: str) -> Said:
    return Said(name=told.name, label=told.label, contract=told.contract, problem=problem)


def _less(said: Said, lost: dict[str, Decimal]) -> Said:
    return Said(**vars(said) | {"lost": said.lost | lost})
