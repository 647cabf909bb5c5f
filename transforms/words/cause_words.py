"""What a cause says in a sentence, with its dates, people and figures."""

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from transforms.words.languages import Language, dates_said, days_said, month_said

_LEAD: Mapping[Language, str] = {"fr": "\u202f; ", "en": "; "}
_MONTH = re.compile(r"20[0-9]{2}-[01][0-9]")
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "fr": {
        "public_holiday.cra": "{count} jour{s} férié{s} ({dates}) compté{s} dans le CRA",
        "public_holiday.client": "{count} jour{s} férié{s} ({dates}) compté{s} par le client",
        "absence": "absence de {days} ({dates}) saisie dans le CRA",
        "mission_end": "fin de contrat ou de mission le {dates}",
        "mission_start": "début de contrat ou de mission le {dates}",
        "draft_elsewhere": "{days} dans un CRA en brouillon ({others})",
        "second_mission": "{days} sur une autre mission ({others})",
        "half_days": "{count} demi-journée{s} comptée{s} entière{s} ({dates})",
        "neighbouring_month": "{days} du mois voisin ({dates}) dans le même CRA",
        "neighbouring_month.row": "écart inverse en {others}",
        "swap": "écart inverse chez {others}",
        "swap.both": "jours intervertis avec {others}",
        "swap.client": "CRA des mêmes jours, non déclaré : {others}",
        "swap.cra": "mêmes jours déclarés pour {others}",
        "none_found": "aucune explication trouvée dans les données",
        "receipt_not_validated": "{days} dans des CRA pas encore validés ({ids})",
        "receipt_missing": "aucun CRA saisi pour la période",
        "receipt_used": "{days} de CRA déjà pris par d'autres factures ({others})",
        "receipt_used.one": "{days} de CRA déjà pris par une autre facture ({others})",
        "outside_order_dates": "{days} hors des dates de la commande ({dates})",
        "other_order_price": "c'est le prix de la commande {others}",
        "earlier_bill_price": "prix déjà facturé par {others}",
    },
    "en": {
        "public_holiday.cra": "{count} public holiday{s} ({dates}) counted in the CRA",
        "public_holiday.client": "{count} public holiday{s} ({dates}) counted by the client",
        "absence": "absence of {days} ({dates}) entered in the CRA",
        "mission_end": "the contract or mission ends on {dates}",
        "mission_start": "the contract or mission starts on {dates}",
        "draft_elsewhere": "{days} in a CRA that is a draft ({others})",
        "second_mission": "{days} on another mission ({others})",
        "half_days": "{count} half day{s} counted as whole ({dates})",
        "neighbouring_month": "{days} of the neighbouring month ({dates}) in the same CRA",
        "neighbouring_month.row": "the opposite gap in {others}",
        "swap": "the opposite gap of {others}",
        "swap.both": "days swapped with those of {others}",
        "swap.client": "a CRA of the same days by {others}, who is not declared",
        "swap.cra": "the same days are declared for {others}",
        "none_found": "no explanation found in the data",
        "receipt_not_validated": "{days} in CRAs that are not validated yet ({ids})",
        "receipt_missing": "no CRA was entered for the period",
        "receipt_used": "{days} of the CRAs are taken by other bills ({others})",
        "receipt_used.one": "{days} of the CRAs are taken by another bill ({others})",
        "outside_order_dates": "{days} outside the dates of the order ({dates})",
        "other_order_price": "it is the price of order {others}",
        "earlier_bill_price": "the price was invoiced by {others} before",
    },
}


def cause_words(causes: pl.DataFrame, language: Language) -> pl.DataFrame:
    """`break_id` and `cause_words`: the cause as the end of a sentence.

    Args:
        causes: CAUSES.
        language: of the words.
    """
    constant = pl.col("cause") == "none_found"
    told = causes.filter(~constant)
    words = [_LEAD[language] + _said(row, language) for row in told.iter_rows(named=True)]
    none = _LEAD[language] + _WORDS[language]["none_found"]
    return pl.concat(
        [
            told.select("break_id", pl.Series("cause_words", words, dtype=pl.String)),
            causes.filter(constant).select("break_id", cause_words=pl.lit(none)),
        ]
    )


def _said(row: dict[str, Any], language: Language) -> str:
    words = _WORDS[language]
    form = row["cause"]
    if f"{form}.{row['side']}" in words:
        form = f"{form}.{row['side']}"
    elif form == "receipt_used" and len(row["others"]) == 1:
        form = f"{form}.one"
    elif form == "neighbouring_month" and not row["dates"]:
        form = f"{form}.row"
    return words[form].format(
        count=len(row["dates"]),
        s="s" if len(row["dates"]) > 1 else "",
        days=days_said(row["days"], language),
        dates=dates_said(row["dates"], language),
        others=", ".join(_named(other, language) for other in row["others"]),
        ids=", ".join(row["ids"]),
    )


def _named(other: str, language: Language) -> str:
    """A name as it stands, a month in words."""
    return month_said(other, language) if _MONTH.fullmatch(other) else other
