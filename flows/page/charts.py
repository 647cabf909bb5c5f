"""Which charts the page draws, and of which figures."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from flows.page import bars, figures, invoices
from flows.page.annexes import Annex, Figure
from transforms.words.languages import Language

CLIENT_PARTS = ("billed", "waiting", "held")
SUPPLIER_PARTS = ("accepted", "waiting", "held")


def draw(
    said: Mapping[str, str],
    clients: Sequence[Annex],
    suppliers: Sequence[Annex],
    reasons: Sequence[Annex],
    ages: Sequence[Annex],
    billed: bars.Chart,
) -> list[bars.Chart]:
    """The charts, each in the currency that has most of it; the tables have the others."""
    drawn = [
        _stacked("clients", clients, {part: f"{part}_amount" for part in CLIENT_PARTS}, said),
        _stacked("suppliers", suppliers, {part: part for part in SUPPLIER_PARTS}, said),
        _stacked("reasons", reasons, {"held": "at_stake"}, {}),
        _stacked("ages", ages, {"held": "at_stake"}, {}),
        billed,
    ]
    return [chart for chart in drawn if chart.bars]


def _stacked(
    key: str, annexes: Sequence[Annex], parts: Mapping[str, str], said: Mapping[str, str]
) -> bars.Chart:
    """One bar an annex; `parts` tells the sum behind each fill, `said` what a fill is called."""
    currency = main_currency(annexes)
    told = [
        (
            annex.title,
            [
                (part, one)
                for part, name in parts.items()
                for one in annex.money(name)
                if one.currency == currency
            ],
        )
        for annex in annexes
    ]
    fills = [(part, said[f"part_{key}_{part}"]) for part in parts] if said else []
    return bars.rows(key, told, currency, fills)


def by_month(period: str, annex: Annex, said: Mapping[str, str], language: Language) -> bars.Chart:
    """All invoices to clients of the last twelve months, ours and by hand."""
    currency = main_currency([annex])
    makers = (("accepted", invoices.OURS), ("waiting", invoices.OTHERS))

    def figure(maker: str, month: str) -> Figure:
        name = invoices.month_name(maker, month)
        return Figure(annex.key, name, annex.totals.get(currency, {}).get(name), currency)

    told = [
        (figures.month_short(month, language), [(fill, figure(by, month)) for fill, by in makers])
        for month in invoices.months_up_to(period)
    ]
    some = any(one.value for _, parts in told for _, one in parts)
    fills = [(fill, said[f"part_months_{maker}"]) for fill, maker in makers]
    return bars.columns("months", told if some else [], currency, fills)


def main_currency(annexes: Sequence[Annex]) -> str:
    """The currency that has most of the money; empty where there is none."""
    sums: dict[str, Decimal] = {}
    for annex in annexes:
        for currency, said in annex.totals.items():
            if currency:
                amounts = (abs(Decimal(value or 0)) for value in said.values())
                sums[currency] = sums.get(currency, Decimal(0)) + sum(amounts)
    return max(sorted(sums), key=lambda name: sums[name]) if sums else ""
