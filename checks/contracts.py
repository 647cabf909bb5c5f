"""What a canonical row must be before `core` takes it (reconciliation.md 5).

One contract a table of `core`, column by column: type, presence, domain. Values arrive parsed
(`transforms.canonical`); nothing is coerced here, so a contract can only refuse.
"""

from typing import Any

import pandera.polars as pa
import polars as pl

from transforms.money import DAYS, MONEY, RATE

INSTANT = pl.Datetime("us", "UTC")
NAMES = pl.List(pl.String)


def _column(dtype: Any, *checks: pa.Check, required: bool = False) -> pa.Column:
    return pa.Column(dtype, list(checks), nullable=not required)


def text(*, required: bool = False) -> pa.Column:
    """Any text; a required one says something."""
    return _column(
        pl.String, *([pa.Check.str_length(min_value=1)] if required else []), required=required
    )


def one_of(*values: str, required: bool = True) -> pa.Column:
    """One of the words that the specification lists."""
    return _column(pl.String, pa.Check.isin(list(values)), required=required)


def day(*, required: bool = False) -> pa.Column:
    """A calendar date."""
    return _column(pl.Date, required=required)


def instant(*, required: bool = False) -> pa.Column:
    """A point in time, UTC."""
    return _column(INSTANT, required=required)


def money(*, required: bool = False, positive: bool = False) -> pa.Column:
    """An amount, DECIMAL(18,4)."""
    return _column(MONEY, *([pa.Check.ge(0)] if positive else []), required=required)


def days(*, required: bool = False, positive: bool = False) -> pa.Column:
    """A number of days, DECIMAL(9,4)."""
    return _column(DAYS, *([pa.Check.ge(0)] if positive else []), required=required)


def number(dtype: Any, *, required: bool = False) -> pa.Column:
    """A whole number or a truth value."""
    return _column(dtype, required=required)


def names(*, required: bool = True) -> pa.Column:
    """A list of words."""
    return _column(NAMES, required=required)


def contract(table: str, /, **columns: pa.Column) -> pa.DataFrameSchema:
    """The contract of one table: exactly these columns, in any order."""
    return pa.DataFrameSchema(columns, name=table, strict=True, coerce=False)


def _line(parent: str, /, **columns: pa.Column) -> dict[str, pa.Column]:
    return {
        f"{parent}_id": text(required=True),
        "line_no": number(pl.Int32, required=True),
        **columns,
        "updated_at": instant(),
    }


_SHARES_OF_A_DAY = pl.Series(["0.25", "0.5", "0.75", "1"]).cast(DAYS)


def _is_share_of_a_day(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key).is_in(_SHARES_OF_A_DAY.implode()))


_CONTRACTS = (
    contract(
        "consultants",
        id=text(required=True),
        type_resource=one_of("employee", "external"),
        first_name=text(required=True),
        last_name=text(required=True),
        email=text(),
        phone=text(),
        profile=text(),
        supplier_id=text(),
        manager_id=text(),
        manager_email=text(),
        main_contract_id=text(),
        main_contract_start_date=day(),
        main_contract_end_date=day(),
        main_contract_status=text(),
        skills=text(),
        availability=text(),
        updated_at=instant(required=True),
    ),
    contract(
        "clients",
        id=text(required=True),
        reference=text(required=True),
        name=text(required=True),
        billing_address=text(),
        billing_country=text(),
        contacts=text(),
        vat_number=text(),
        updated_at=instant(required=True),
    ),
    contract(
        "contracts",
        id=text(required=True),
        client_id=text(required=True),
        reference=text(required=True),
        start_date=day(required=True),
        end_date=day(),
        status=one_of("active", "ended", required=False),
        billing_frequency=one_of("monthly", "quarterly", "end", required=False),
        billing_deadline=day(),
        payment_terms=text(),
        tax_rate=_column(RATE, pa.Check.in_range(0, 1)),
        updated_at=instant(),
    ),
    contract(
        "contract_rates",
        **_line(
            "contract",
            profile=text(),
            daily_rate=money(required=True, positive=True),
            currency=text(),
            consultant_id=text(),
            start_date=day(),
            end_date=day(),
        ),
    ),
    contract(
        "cras",
        id=text(required=True),
        consultant_id=text(required=True),
        consultant_first_name=text(),
        consultant_last_name=text(),
        resource_id=text(),
        resource_label=text(),
        client_id=text(),
        contract_id=text(),
        purchase_order_id=text(),
        period_start_date=day(required=True),
        period_end_date=day(required=True),
        due_date=day(),
        total_days=days(required=True, positive=True),
        status=one_of("draft", "submitted", "validated", "rejected", "invalidated"),
        validation_date=instant(),
        validator=text(),
        updated_at=instant(required=True),
    ),
    contract(
        "cra_days",
        **_line(
            "cra",
            date=day(required=True),
            duration=_column(
                DAYS, pa.Check(_is_share_of_a_day, name="share of a day"), required=True
            ),
            type_code=one_of("production", "absence", "internal"),
            comment=text(),
            contract_id=text(),
        ),
    ),
    contract(
        "suppliers",
        id=text(required=True),
        name=text(required=True),
        vat_number=text(),
        registration_number=text(),
        email=text(),
        iban=text(),
        updated_at=instant(required=True),
    ),
    contract(
        "purchase_orders",
        id=text(required=True),
        reference=text(required=True),
        supplier_id=text(required=True),
        start_date=day(required=True),
        end_date=day(required=True),
        total_amount=money(),
        currency=text(),
        status=one_of("draft", "approved", "closed", "cancelled"),
        updated_at=instant(required=True),
    ),
    contract(
        "purchase_order_lines",
        **_line(
            "purchase_order",
            id=text(),
            consultant=text(),
            consultant_id=text(),
            daily_rate=money(required=True, positive=True),
            estimated_days=days(required=True, positive=True),
        ),
    ),
    contract(
        "client_invoices",
        id=text(required=True),
        reference=text(required=True),
        client_id=text(required=True),
        contract_id=text(),
        issue_date=day(required=True),
        due_date=day(),
        total_excl_tax=money(required=True),
        total_tax=money(),
        total_incl_tax=money(),
        currency=text(),
        status=one_of("draft", "sent", "paid", "cancelled"),
        paid_amount=money(),
        updated_at=instant(required=True),
    ),
    contract(
        "client_invoice_lines",
        **_line(
            "client_invoice",
            description=text(),
            quantity=days(),
            unit_price=money(),
            total_excl_tax=money(required=True),
        ),
    ),
    contract(
        "supplier_invoices",
        id=text(required=True),
        supplier_id=text(required=True),
        purchase_order_id=text(),
        reference=text(required=True),
        issue_date=day(),
        due_date=day(),
        total_excl_tax=money(),
        total_tax=money(),
        total_incl_tax=money(),
        currency=text(),
        status=one_of("registered", "flagged_for_payment", "paid", "cancelled"),
        updated_at=instant(required=True),
    ),
    contract(
        "supplier_invoice_lines",
        **_line(
            "supplier_invoice",
            description=text(),
            quantity=days(),
            unit_price=money(),
            total_excl_tax=money(),
        ),
    ),
    contract(
        "vendors",
        id=text(required=True),
        name=text(required=True),
        email=text(),
        phone=text(),
        address=text(),
        tax_id=text(),
        is_active=number(pl.Boolean),
        created_time=instant(),
        incomplete_fields=names(),
        updated_at=instant(),
    ),
    contract(
        "bills",
        id=text(required=True),
        invoice_number=text(),
        vendor_id=text(required=True),
        vendor_name=text(),
        invoice_date=day(required=True),
        due_date=day(),
        amount=money(required=True),
        currency=text(),
        status=one_of("draft", "sent", "viewed", "approved", "paid"),
        description=text(),
        purchase_order_number=text(),
        approval_status=text(),
        approved_by=text(),
        created_time=instant(),
        remaining_balance=money(),
        incomplete_fields=names(),
        updated_at=instant(required=True),
    ),
    contract(
        "bill_lines",
        **_line(
            "bill",
            description=text(),
            quantity=days(),
            unit_price=money(),
            amount=money(required=True),
        ),
    ),
    contract(
        "payments",
        id=text(required=True),
        bill_id=text(required=True),
        amount=money(required=True),
        date=day(),
        status=text(),
        method=text(),
        recorded_by=text(),
        incomplete_fields=names(),
        updated_at=instant(),
    ),
    contract(
        "declarations",
        id=text(required=True),
        file_name=text(required=True),
        file_time=instant(required=True),
        sent_at=instant(),
        format=one_of("csv", "xlsx", "mail", "other"),
        status=one_of("read", "partial", "unreadable"),
        sender=text(),
        subject=text(),
        sender_problem=text(),
        updated_at=instant(),
    ),
    contract(
        "declaration_lines",
        **_line(
            "declaration",
            client=text(),
            consultant=text(),
            contract=text(),
            label=text(),
            period=text(),
            days=days(positive=True),
            amount=money(),
            currency=text(),
            sent_at=instant(),
            confidence=_column(RATE, pa.Check.in_range(0, 1)),
            doubt=text(),
            line_text=text(),
            problem=text(),
            problem_code=text(),
        ),
    ),
)

CORE = {schema.name: schema for schema in _CONTRACTS}
"""Contract of each table of `core` that sources fill, by the table's name."""


def dtypes(table: str) -> dict[str, Any]:
    """Column types of a table of `core`, as polars has them."""
    return {name: column.dtype.type for name, column in CORE[table].columns.items()}
