"""The month on one page (running.md, `rapproche report`): reads, composes, writes.

One HTML file that needs nothing else: no script at all, no image, font or style from elsewhere.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from flows.page import bars, charts, figures, invoices, questions
from flows.page.annexes import Annex, Figure, Question, Reading, answer, parted, totals
from flows.settings import ConfigurationError
from store.files import write_private
from store.warehouse import StoreError, Warehouse
from transforms.words.languages import Language, month_said
from transforms.words.legend import legend

MIGRATION = "0009_views.sql"
"""The migration that made the views which the page reads."""
ROWS_SHOWN = 60
"""Rows of an annex; the others are counted, and its query gives them."""
BREAKS_SHOWN, LINES_SHOWN = 25, 40
CODED = frozenset(
    {"outcome", "status", "code", "action", "holds", "risk", "state", "kind", "owner"}
    | {"invoice_status", "made_by"}
)
NEVER_SHOWN = frozenset({"currency", "age_class"})
ID_COLUMNS = frozenset({"break_id", "target", "message"})
WHOLE_COLUMNS = frozenset({"period", "owner"})
UNCOMPARED = frozenset({"to_claim"})
"""Cards that are of no month."""


class UnknownMonthError(ConfigurationError):
    """Nothing was compared or billed of a month."""


@dataclass(frozen=True)
class Card:
    """One headline figure.

    Attributes:
        key: names it.
        annex: where it comes from.
        figures: one a currency.
        lines: how many lines it is made of.
        parts: what it is made of, by name; none where it is not parted.
        compared: what is held against the month before.
    """

    key: str
    annex: Annex
    figures: Sequence[Figure]
    lines: Figure
    parts: Mapping[str, Sequence[Figure]]
    compared: Sequence[Figure]


@dataclass(frozen=True)
class Page:
    """Everything that the page says."""

    period: str
    previous: str
    before: str | None
    run: Mapping[str, Any]
    cards: Mapping[str, Card]
    clients: Sequence[Annex]
    suppliers: Sequence[Annex]
    breaks: Annex
    listed: pl.DataFrame
    bridge: Annex
    months: Annex
    reasons: Sequence[Annex]
    ages: Sequence[Annex]
    alerts: Annex
    deadlines: Annex
    written: Sequence[Annex]
    unchecked: Sequence[Annex]
    later: Sequence[Annex]
    charts: Sequence[bars.Chart]
    annexes: Sequence[Annex]


@cache
def words(language: Language) -> Mapping[str, str]:
    """What the page says besides figures and names."""
    text = files("flows.page").joinpath(f"words.{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def file_name(period: str) -> str:
    """The page's file among the artifacts."""
    return f"report-{period}.html"


def write(warehouse: Warehouse, period: str, language: Language, out: Path) -> Path:
    """Writes the page of a month, readable by its owner alone.

    Raises:
        UnknownMonthError: nothing is known of that month.
        ConfigurationError: the file cannot be written.
        StoreError: the file was published by an older version.
    """
    html = render(read(warehouse, period, language), language)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_private(out, html)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}") from error
    return out.absolute()


def _refuse_older(warehouse: Warehouse) -> None:
    if not warehouse.rows("SELECT 1 FROM ops.migrations WHERE name = ?", [MIGRATION]):
        raise StoreError(
            f"{warehouse.places.published} was published by an older version:"
            " run `rapproche publish` first"
        )


def _months(rows: Callable[[str], list[tuple[Any, ...]]]) -> list[str]:
    asked = (
        f"SELECT DISTINCT period FROM {questions.CLIENTS}"
        f" UNION SELECT DISTINCT period FROM {questions.SUPPLIERS} ORDER BY 1"
    )
    return [row[0] for row in rows(asked)]


def read(warehouse: Warehouse, period: str, language: Language) -> Page:
    """Reads all that the page of a month says.

    Raises:
        UnknownMonthError: nothing is known of that month.
        StoreError: the file was published by an older version.
    """
    _refuse_older(warehouse)
    reading = Reading(warehouse, questions.VIEWS)
    known = _months(reading.rows)
    if period not in known:
        there = ", ".join(known) or "none: run `rapproche nightly` first"
        raise UnknownMonthError(f"nothing is known of {period}; months there are: {there}")
    before = invoices.months_up_to(period)[-2]
    run = _last_run(warehouse)
    return _page(reading, run, period, before if before in known else None, language)


def _page(
    reading: Reading, run: Mapping[str, Any], period: str, before: str | None, language: Language
) -> Page:
    said, codes = words(language), _titles(language)

    def ask(question: Question) -> Annex:
        return answer(reading, question, said[f"annex_{question.key}"])

    month_sums = ask(invoices.by_month(period))
    cards = _cards(reading, period, before, said, month_sums)
    clients = _largest(
        _parts(reading, questions.by_client(period), "client_name"),
        [f"{part}_amount" for part in charts.CLIENT_PARTS],
    )
    suppliers = _largest(
        _parts(reading, questions.by_supplier(period), "supplier_name"), charts.SUPPLIER_PARTS
    )
    reasons = _parts(reading, questions.by_reason(period), "code", codes)
    ages = _parts(reading, questions.by_age(period), "age_class", _ages(said))
    written = _parts(reading, questions.written(period), "kind", codes)
    billed = charts.by_month(period, month_sums, said, language)
    breaks, alerts = ask(questions.breaks(period)), ask(questions.alerts(period))
    bridge = ask(questions.bridge(period))
    deadlines = ask(questions.deadlines(period))
    unchecked = [ask(question) for question in questions.unchecked(period)]
    later = [ask(questions.later_bills(period)), ask(questions.later_breaks(period))]
    return Page(
        period,
        invoices.months_up_to(period)[-2],
        before,
        run,
        cards,
        clients,
        suppliers,
        breaks,
        # one that has nothing at stake stands beside the break that has it
        breaks.rows.filter(pl.col("amount_at_stake").ne_missing(0)),
        bridge,
        month_sums,
        reasons,
        ages,
        alerts,
        deadlines,
        written,
        unchecked,
        later,
        charts.draw(said, clients, suppliers, reasons, ages, billed),
        [
            *(card.annex for card in cards.values()),
            *(month_sums, *clients, *suppliers, breaks, bridge, *reasons, *ages),
            *(alerts, deadlines, *written, *unchecked, *later),
        ],
    )


def _cards(
    reading: Reading, period: str, before: str | None, said: Mapping[str, str], months: Annex
) -> dict[str, Card]:
    found = {}
    earlier = questions.headline(before) if before else []
    for number, question in enumerate(questions.headline(period)):
        annex = answer(reading, question, said[f"card_{question.key}"])
        then = totals(reading, earlier[number]) if earlier else None
        name = next(iter(question.money))
        shown = (
            [annex.count("unbilled_days", then)]
            if question.key == "unbilled"
            else annex.money(name, then)
        )
        compared = [] if question.key in UNCOMPARED else shown
        found[question.key] = Card(question.key, annex, shown, annex.count("lines"), {}, compared)
    billed = found["billed"]
    found["billed"] = replace(billed, parts=_by_status(billed.annex), compared=_all(months, period))
    return found


def _by_status(billed: Annex) -> dict[str, list[Figure]]:
    """What of it is a draft, sent, paid or else in BoondManager; those that have some."""
    told = {
        status: [one for one in billed.money(status) if one.value]
        for status in (*invoices.STATUSES, invoices.OTHER_STATUS)
    }
    return {status: found for status, found in told.items() if found}


def _all(months: Annex, period: str) -> list[Figure]:
    """All invoices of the month, held against all of the month before."""
    then, now = (invoices.month_name("all", month) for month in invoices.months_up_to(period)[-2:])
    return [replace(one, before=months.totals[one.currency][then]) for one in months.money(now)]


def _parts(
    reading: Reading,
    whole: Question,
    column: str,
    titles: Mapping[str, str] | None = None,
) -> list[Annex]:
    return list(parted(reading, whole, column, titles).values())


def _largest(annexes: Sequence[Annex], names: Sequence[str]) -> list[Annex]:
    """Those with the most money under some names first, in the currency that has most of it."""
    currency = charts.main_currency(annexes)

    def weight(annex: Annex) -> Decimal:
        said = annex.totals.get(currency, {})
        return sum((Decimal(said.get(name) or 0) for name in names), Decimal(0))

    return sorted(annexes, key=lambda annex: (-weight(annex), annex.title))


def _titles(language: Language) -> dict[str, str]:
    own = {
        name.removeprefix("code_"): text
        for name, text in words(language).items()
        if name.startswith("code_")
    }
    return {code: entry.title for code, entry in legend(language).items()} | own


def next_step(code: str, language: Language) -> str:
    """What somebody who runs no commands does about a break; nothing for an unknown code."""
    entry = legend(language).get(code)
    return words(language).get(f"next_{code}") or (entry.next_step if entry else "")


def _ages(said: Mapping[str, str]) -> dict[str, str]:
    return {str(number): said[f"age_{number}"] for number in range(len(questions.AGES) + 1)}


def _last_run(warehouse: Warehouse) -> Mapping[str, Any]:
    found = warehouse.frame(
        "SELECT run_id, flow, started_at, state FROM ops.runs"
        " WHERE flow IN ('nightly', 'reconcile', 'match', 'write_back')"
        " ORDER BY started_at DESC LIMIT 1"
    ).to_dicts()
    return found[0] if found else {}


def render(page: Page, language: Language) -> str:
    """The page as HTML; everything that is not of the template is escaped."""
    numbered = {annex.key: number for number, annex in enumerate(page.annexes, start=1)}
    reason_of = {annex.rows["code"][0]: annex.key for annex in page.reasons}
    shape = _environment(language).get_template(
        "month.html.j2", globals={"numbered": numbered, "reason_of": reason_of}
    )
    style = Markup(files("flows.page").joinpath("month.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return shape.render(page=page, language=language, style=style)


@cache
def _environment(language: Language) -> Environment:
    """The template's surroundings, made once a process: compiling it takes longer than filling."""
    environment = Environment(
        loader=PackageLoader("flows.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    codes = _titles(language)
    environment.filters |= {
        "figure": lambda one, short=False: figures.figure(one, language, short=short),
        "thousands": lambda one: figures.thousands(one, language),
        "change": lambda one: figures.change(one, language),
        "month": lambda period: month_said(period, language),
        "moment": lambda at: figures.moment(at, language),
        "title": lambda code: codes.get(code, code),
        "next_step": lambda code: next_step(code, language),
        "addressed": figures.addressed,
        "cell": lambda value, name, currency=None: _cell(name, value, currency, language, codes),
    }
    environment.globals |= {
        "w": words(language),
        "bars": bars,
        "bridge": questions.BRIDGE,
        "rows_shown": ROWS_SHOWN,
        "breaks_shown": BREAKS_SHOWN,
        "lines_shown": LINES_SHOWN,
        "never_shown": NEVER_SHOWN,
        "id_columns": ID_COLUMNS,
        "whole_columns": WHOLE_COLUMNS,
    }
    return environment


def _cell(
    name: str, value: Any, currency: str | None, language: Language, codes: Mapping[str, str]
) -> str:
    if name in CODED and value is not None:
        said = value if isinstance(value, list) else [value]
        return ", ".join(codes.get(code, code) for code in said)
    return figures.addressed(figures.cell(name, value, currency, language))
