"""Geometry of the page's bar charts: amounts to lengths, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from flows.page.annexes import Figure

ROWS_SHOWN = 12
LABEL, WIDTH, VALUE = 205, 235, 90
"""Widths of a label, of the longest bar, and of the number behind it."""
ROW, BAR = 24, 14
"""Height of a row and of its bar."""
COLUMN, COLUMNS_HEIGHT = 44, 130
"""Width of a month's column and height of the highest."""


@dataclass(frozen=True)
class Segment:
    """A part of a bar: where it begins, how long it is, how it is filled, what it stands for."""

    start: float
    length: float
    fill: str
    figure: Figure


@dataclass(frozen=True)
class Bar:
    """One row or column of a chart."""

    label: str
    segments: tuple[Segment, ...]
    at: int

    @property
    def length(self) -> float:
        """Where the bar ends."""
        return max((part.start + part.length for part in self.segments), default=0.0)

    @property
    def said(self) -> Figure:
        """The sum of its parts."""
        first = self.segments[0].figure
        whole = sum((_amount(part.figure) for part in self.segments), Decimal(0))
        return Figure(first.annex, "", whole, first.currency)


@dataclass(frozen=True)
class Chart:
    """Bars of one currency with their legend."""

    key: str
    bars: tuple[Bar, ...]
    fills: tuple[tuple[str, str], ...]
    currency: str
    left_out: int

    @property
    def height(self) -> int:
        """Of the rows, without what stands above them."""
        return len(self.bars) * ROW


Row = tuple[str, Sequence[tuple[str, Figure]]]
"""A label with its parts: how each is filled, and its figure."""


def rows(key: str, told: Sequence[Row], currency: str, fills: Sequence[tuple[str, str]]) -> Chart:
    """Horizontal stacked bars, the longest first, all on one scale.

    Args:
        key: names the chart.
        told: its rows; amounts that are not above 0 have no length.
        currency: of all figures.
        fills: the legend: how a part is filled, and what it is called.
    """
    ranked = sorted(told, key=lambda row: (-_sum(row), row[0]))
    seen = [row for row in ranked if _sum(row) > 0]
    longest = _sum(seen[0]) if seen else Decimal(1)
    bars = tuple(
        Bar(label, _segments(parts, longest, WIDTH), number * ROW)
        for number, (label, parts) in enumerate(seen[:ROWS_SHOWN])
    )
    return Chart(key, bars, tuple(fills), currency, len(seen) - len(bars))


def columns(
    key: str, told: Sequence[Row], currency: str, fills: Sequence[tuple[str, str]]
) -> Chart:
    """Vertical stacked columns in the order told, all on one scale."""
    highest = max(map(_sum, told), default=Decimal(0)) or Decimal(1)
    bars = tuple(
        Bar(label, _segments(parts, highest, COLUMNS_HEIGHT), number * COLUMN)
        for number, (label, parts) in enumerate(told)
    )
    return Chart(key, bars, tuple(fills), currency, 0)


def _segments(
    parts: Sequence[tuple[str, Figure]], longest: Decimal, full: int
) -> tuple[Segment, ...]:
    found: list[Segment] = []
    start = 0.0
    for fill, figure in parts:
        length = round(float(_amount(figure) / longest) * full, 1)
        if length:
            found.append(Segment(start, length, fill, figure))
        start = round(start + length, 1)
    return tuple(found)


def _sum(row: Row) -> Decimal:
    return sum((_amount(figure) for _, figure in row[1]), Decimal(0))


def _amount(figure: Figure) -> Decimal:
    return max(Decimal(figure.value or 0), Decimal(0))
