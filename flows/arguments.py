"""What people write on the command line: months, days, amounts, parts of numbers."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import click

_WHOLE_DIGITS, _DECIMALS = 14, 4


class Month(click.ParamType[str]):
    """A month, YYYY-MM."""

    name = "YYYY-MM"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """The month as written, once it is one."""
        try:
            date.fromisoformat(f"{value}-01")
        except ValueError:
            self.fail(f"{value!r} is no month; write YYYY-MM", param, ctx)
        return str(value)


class Day(click.ParamType[date]):
    """A day, YYYY-MM-DD."""

    name = "DATE"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        """The day."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write YYYY-MM-DD", param, ctx)


class Amount(click.ParamType[Decimal]):
    """An amount of money, exact: what the warehouse holds as DECIMAL(18,4)."""

    name = "AMOUNT"

    def convert(self, value: Any, param: Any, ctx: Any) -> Decimal:
        """The amount as a decimal."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is no amount", param, ctx)
        if not amount.is_finite() or amount.adjusted() >= _WHOLE_DIGITS:
            self.fail(f"{value!r} is no amount", param, ctx)
        if amount != round(amount, _DECIMALS):
            self.fail(f"{value!r} has more than {_DECIMALS} decimals", param, ctx)
        return amount


class AmountRange(click.ParamType[Any]):
    """A range of amounts: `100-500`, `>1000`, `<50`, `450`."""

    name = "RANGE"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The range."""
        from transforms.bill_search import Amounts  # noqa: PLC0415 - polars takes its time

        try:
            return value if isinstance(value, Amounts) else Amounts.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Number(click.ParamType[str]):
    """A part of an invoice number."""

    name = "NUMBER"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """The part as written, once anything of it can be compared."""
        if not any(sign.isalnum() for sign in str(value)):
            self.fail(f"{value!r} has no letter and no digit", param, ctx)
        return str(value)


Command = Callable[..., Any]

as_of = click.option("--as-of", type=Day(), help="The day it is; default: today in Paris.")
period = click.option(
    "--period", type=Month(), help="Look at this month alone; default: the month before."
)


def dated(command: Command) -> Command:
    """Adds --period and --as-of to a command."""
    return period(as_of(command))
