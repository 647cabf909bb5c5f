"""Letters: facts put into words by the templates of a language, as text and as HTML.

A template `NAME.LANGUAGE.j2` has the macros `subject`, `text` and `html`, and `sms` where it is
sent as one too. What vendors wrote (names, explanations) is escaped in HTML, and keeps no line
break or control character anywhere, so that it cannot add a header or a line of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from transforms.words.languages import Language, day_said, days_said, money_said, month_said
from transforms.words.visible import visible

_ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"']{1,64}@[^\s@<>()\[\]\\,;:\"']{1,255}")
_PHONE = re.compile(r"\+?\d{8,15}")
_PHONE_MARKS = re.compile(r"[\s().\-/]|\(0\)")
_LONGEST = 500


@dataclass(frozen=True)
class Letter:
    """A message in words."""

    subject: str
    text: str
    html: str


def written(name: str, language: Language, facts: Mapping[str, Any]) -> Letter:
    """The letter of a template."""
    said = plain_words(facts)
    return Letter(
        subject=one_line(_said(name, language, "subject", said)),
        text=_said(name, language, "text", said).strip() + "\n",
        html=_said(name, language, "html", said, escaped=True).strip() + "\n",
    )


def short(name: str, language: Language, facts: Mapping[str, Any]) -> str:
    """The same as one line for a phone."""
    return one_line(_said(name, language, "sms", plain_words(facts)))


def address(text: str | None) -> str | None:
    """An e-mail address, or nothing where the text is none; several are none either."""
    said = (text or "").strip()
    return said if said.isascii() and _ADDRESS.fullmatch(said) else None


def phone(text: str | None) -> str | None:
    """A phone number in digits, or nothing where the text is none."""
    said = _PHONE_MARKS.sub("", (text or "").replace("(0)", ""))
    return said if _PHONE.fullmatch(said) else None


def one_line(text: str) -> str:
    """The text without line breaks, control and direction characters, of bounded length."""
    return visible(text)[:_LONGEST].strip()


def plain_words(value: Any) -> Any:
    """Every text inside as one line; figures and dates stay."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Mapping):
        return {name: plain_words(each) for name, each in value.items()}
    return [plain_words(each) for each in value] if isinstance(value, list | tuple) else value


def _said(
    name: str, language: Language, part: str, facts: Mapping[str, Any], *, escaped: bool = False
) -> str:
    template = _environment(language, escaped).get_template(f"{name}.{language}.j2")
    return str(getattr(template.make_module(dict(facts)), part)())


@cache
def _environment(language: Language, escaped: bool) -> Environment:  # noqa: FBT001 - a cache key
    made = Environment(
        loader=PackageLoader("transforms.messages", "templates"),
        autoescape=escaped,  # noqa: S701 - escaped where it is HTML, and only there
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for filter_name, said in (("days", days_said), ("day", day_said), ("month", month_said)):
        made.filters[filter_name] = partial(said, language=language)
    made.filters["of_month"] = _of_month
    made.filters["money"] = partial(_money, language=language)
    return made


def _money(amount: Any, currency: str | None, language: Language) -> str:
    return money_said(amount, currency, language)


def _of_month(period: str) -> str:
    """A month after the French "de": `d'octobre 2026`, `de mars 2026`."""
    month = month_said(period, "fr")
    return f"d'{month}" if month[0] in "ao" else f"de {month}"
