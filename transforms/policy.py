"""What finance may change without code: tolerances, approvals, freshness (write-back.md).

The file is read by the flows; here is only its meaning. Every limit is three-valued: a number,
zero, or `off`, which means "not checked" and is said in the row. Nothing is read from a blank.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Off = Literal["off"]
"""Not checked, and the row says so."""


def _exact(value: object) -> object:
    """A TOML number as the decimal that was written, never a binary float or a truth value."""
    if isinstance(value, bool):
        raise ValueError('a number >= 0 or "off" is wanted')  # noqa: TRY004 - pydantic reads ValueError
    return str(value) if isinstance(value, int | float) else value


Limit = Annotated[
    Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4)] | Off,
    BeforeValidator(_exact),
]
Amount = Annotated[Decimal, Field(ge=0), BeforeValidator(_exact)]

CommandKind = Literal[
    "boond.cra.validate",
    "boond.cra.invalidate",
    "boond.invoice.create",
    "boond.supplier_invoice.register",
    "boond.supplier_invoice.flag",
    "notify.email",
    "notify.sms",
]
Approval = Literal["never", "always"] | Amount


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Tolerance(_Section):
    """Limits of the three-way match: percent of the price, currency units, days."""

    price_percent: Limit = Decimal(1)
    price_amount: Limit = "off"
    quantity_days: Limit = Decimal(0)
    total_amount: Limit = Decimal("0.01")
    tax_amount: Limit = Decimal("0.02")


class ToleranceOverride(_Section):
    """Limits for one supplier or one purchase order; what is absent keeps the value below it."""

    price_percent: Limit | None = None
    price_amount: Limit | None = None
    quantity_days: Limit | None = None
    total_amount: Limit | None = None
    tax_amount: Limit | None = None


class Tolerances(Tolerance):
    """The default limits, and those by supplier id and by purchase order (id or reference)."""

    supplier: dict[str, ToleranceOverride] = {}
    po: dict[str, ToleranceOverride] = {}


class Match(_Section):
    """What the three-way match looks at: receipts by CRA status, bills from a date on."""

    receipts_from: tuple[Literal["validated", "submitted"], ...] = ("validated",)
    since: date | Literal[""] = ""


class Billing(_Section):
    """How clients are billed, and from which gap on (days, percent) a person decides first."""

    partial: bool = False
    gap_days: Limit = Decimal(5)
    gap_percent: Limit = Decimal(10)


class Freshness(_Section):
    """Minutes for which what was read of a stream is good enough (warehouse.md, Sync)."""

    consultants: int = Field(60, ge=0)
    clients: int = Field(60, ge=0)
    vendors: int = Field(60, ge=0)
    suppliers: int = Field(60, ge=0)
    contracts: int = Field(30, ge=0)
    purchase_orders: int = Field(30, ge=0)
    client_invoices: int = Field(5, ge=0)
    supplier_invoices: int = Field(5, ge=0)
    payments: int = Field(5, ge=0)
    cras: int = Field(0, ge=0)
    invoices: int = Field(0, ge=0)
    files: int = Field(0, ge=0)


Number = Annotated[str, Field(pattern=r"^\d+$")]
Words = dict[str, str]


class BoondStates(_Section):
    """What a tenant's own states of BoondManager mean, by their number, over what their names say.

    Only the production dialect asks: each tenant names its states itself.
    """

    company: dict[Number, Literal["client", "supplier", "archived", "other"]] = {}
    resource_type: dict[Number, Literal["employee", "external"]] = {}
    project: dict[Number, Literal["active", "ended"]] = {}
    order: dict[Number, Literal["open", "archived"]] = {}
    delivery: dict[Number, Literal["signed", "forecast"]] = {}
    invoice: dict[Number, Literal["draft", "sent", "paid", "cancelled"]] = {}
    purchase: dict[Number, Literal["draft", "approved", "closed", "cancelled"]] = {}
    payment: dict[Number, Literal["planned", "confirmed", "settled"]] = {}
    providerinvoice: dict[Number, Literal["registered", "cancelled"]] = {}

    def words(self) -> dict[str, Words]:
        """Kind → number of the state → what it means; only what is said."""
        said = self.model_dump().items()
        return {kind.replace("_", " "): words for kind, words in said if words}


class Policy(_Section):
    """The whole of `policy.toml`."""

    tolerance: Tolerances = Tolerances()
    match: Match = Match()
    billing: Billing = Billing()
    approval: dict[CommandKind, Approval] = {}
    freshness: Freshness = Freshness()
    boond_states: BoondStates = BoondStates()
