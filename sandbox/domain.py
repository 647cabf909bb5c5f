"""Records of the world: what is true, whichever wire tells it.

Days and money are decimals (euros unless a currency is told), instants are aware and in UTC.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from sandbox.planted import Planted

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Returns an amount rounded half up to cents."""
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(slots=True, kw_only=True)
class Record:
    """Anything that a vendor keeps under an id."""

    id: str
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Consultant(Record):
    """A person who works at clients; an external one belongs to a supplier."""

    first_name: str
    last_name: str
    profile: str
    manager_id: str
    manager_email: str
    employed_from: date | None
    supplier_id: str | None = None
    email: str | None = None
    phone: str | None = None
    availability: str | None = None

    @property
    def name(self) -> str:
        """First name, then last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(slots=True, kw_only=True)
class Contact:
    """A person at a client."""

    name: str
    email: str | None
    role: str


@dataclass(slots=True, kw_only=True)
class Client(Record):
    """Who is billed."""

    reference: str
    name: str
    street: str
    postcode: str
    town: str
    country: str
    contacts: list[Contact]
    vat_number: str | None
    archived: bool = False


@dataclass(slots=True, kw_only=True)
class Rate:
    """A daily rate (euros) of a contract, for one consultant or one profile, from day to day."""

    profile: str
    daily_rate: Decimal
    consultant_id: str | None = None
    currency: str = "EUR"
    start: date | None = None
    end: date | None = None


@dataclass(slots=True, kw_only=True)
class Contract(Record):
    """What a client pays for."""

    client_id: str
    reference: str
    start: date
    end: date | None
    status: str
    rates: list[Rate]
    frequency: str | None
    deadline: date | None
    terms: str | None
    tax_rate: Decimal | None


@dataclass(slots=True)
class Activity:
    """A line of a CRA, `duration` in days."""

    day: date
    duration: Decimal
    kind: str = "production"
    comment: str | None = None


@dataclass(slots=True, kw_only=True)
class Cra(Record):
    """An activity report."""

    consultant_id: str
    mission_id: str
    mission: str
    client_id: str | None
    contract_id: str | None
    order_id: str | None
    start: date
    end: date
    due: date | None
    activities: list[Activity]
    total_days: Decimal
    status: str
    validated_at: datetime | None = None
    validator: str | None = None

    def production_days(self, first: date, last: date) -> Decimal:
        """Returns the production days dated from `first` to `last`, both included."""
        return sum(
            (
                a.duration
                for a in self.activities
                if a.kind == "production" and first <= a.day <= last
            ),
            Decimal(0),
        )


@dataclass(slots=True, kw_only=True)
class InvoiceLine:
    """A line of a client or supplier invoice kept in BoondManager."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    total: Decimal


@dataclass(slots=True, kw_only=True)
class ClientInvoice(Record):
    """An invoice to a client."""

    reference: str
    client_id: str
    contract_id: str
    issued: date
    due: date
    lines: list[InvoiceLine]
    net: Decimal
    tax: Decimal
    gross: Decimal
    currency: str | None
    status: str
    paid: Decimal


@dataclass(slots=True, kw_only=True)
class Supplier(Record):
    """A subcontractor, as BoondManager knows it."""

    name: str
    vat_number: str | None
    registration_number: str | None
    email: str | None
    iban: str | None
    archived: bool = False


@dataclass(slots=True, kw_only=True)
class OrderLine:
    """A line of a purchase order: days of one consultant at a daily rate (euros)."""

    id: str | None
    consultant_name: str
    consultant_id: str | None
    daily_rate: Decimal
    days: Decimal


@dataclass(slots=True, kw_only=True)
class PurchaseOrder(Record):
    """What was ordered from a supplier."""

    reference: str
    supplier_id: str
    start: date
    end: date
    lines: list[OrderLine]
    currency: str | None
    status: str

    @property
    def total(self) -> Decimal:
        """Days × rate over all lines, euros."""
        return sum((cents(line.days * line.daily_rate) for line in self.lines), Decimal(0))


@dataclass(slots=True, kw_only=True)
class SupplierInvoice(Record):
    """A supplier's invoice registered in BoondManager."""

    supplier_id: str
    order_id: str | None
    reference: str
    issued: date
    due: date | None
    lines: list[InvoiceLine]
    net: Decimal
    tax: Decimal | None
    gross: Decimal | None
    currency: str | None
    status: str


@dataclass(slots=True, kw_only=True)
class Vendor(Record):
    """A subcontractor, as Bill.com knows it."""

    name: str
    email: str | None
    tax_id: str | None
    town: str
    created_at: datetime
    active: bool = True
    archived: bool = False


@dataclass(slots=True, kw_only=True)
class BillLine:
    """A line of a bill."""

    description: str
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: Decimal


@dataclass(slots=True, kw_only=True)
class Bill(Record):
    """A supplier's invoice, as Bill.com received it."""

    number: str
    vendor_id: str
    dated: date
    due: date | None
    amount: Decimal
    currency: str | None
    status: str
    description: str
    order_number: str | None
    lines: list[BillLine]
    approval: str | None
    created_at: datetime
    archived: bool = False


@dataclass(slots=True, kw_only=True)
class Payment(Record):
    """Money that went out for a bill."""

    bill_id: str
    amount: Decimal
    dated: date
    method: str = "virement"


@dataclass(slots=True, kw_only=True)
class Mission:
    """Where a consultant works in the month, at which rates (euros a day)."""

    id: str
    consultant_id: str
    client_id: str
    contract_id: str
    sale_rate: Decimal
    order_id: str | None = None


@dataclass(slots=True, kw_only=True)
class DeclaredLine:
    """What a client says of one person: `days` of the month, under the name it uses."""

    client_id: str | None
    client_text: str
    consultant_id: str | None
    name_text: str
    period: str
    days: Decimal
    contract_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedInvoice:
    """A client invoice that must be created: days by consultant, euros without tax."""

    reference: str
    client_id: str
    contract_id: str
    days: dict[str, Decimal]
    total_excl_tax: Decimal
    by_mail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPaidBill:
    """A bill that must be registered and flagged for payment, euros."""

    bill_id: str
    invoice_number: str
    amount: Decimal


@dataclass(slots=True)
class Books:
    """Everything that is true in the world, by table.

    `letters` are files of clients beside their declarations, name → content.
    """

    consultants: dict[str, Consultant] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    cras: dict[str, Cra] = field(default_factory=dict)
    reports: dict[tuple[str, str], str] = field(default_factory=dict)
    client_invoices: dict[str, ClientInvoice] = field(default_factory=dict)
    suppliers: dict[str, Supplier] = field(default_factory=dict)
    orders: dict[str, PurchaseOrder] = field(default_factory=dict)
    supplier_invoices: dict[str, SupplierInvoice] = field(default_factory=dict)
    vendors: dict[str, Vendor] = field(default_factory=dict)
    bills: dict[str, Bill] = field(default_factory=dict)
    bills_ever: int = 0
    payments: dict[str, Payment] = field(default_factory=dict)
    missions: dict[str, Mission] = field(default_factory=dict)
    declared: list[DeclaredLine] = field(default_factory=list)
    mail_clients: list[str] = field(default_factory=list)
    letters: dict[str, bytes] = field(default_factory=dict)
    planted: list[Planted] = field(default_factory=list)
    coming_bills: list[Bill] = field(default_factory=list)
    unbilled: dict[str, str] = field(default_factory=dict)
    unpaid: dict[str, str] = field(default_factory=dict)

    def staff(self, client_id: str) -> list[Consultant]:
        """Returns the consultants on mission at a client, in order of id."""
        at = [m.consultant_id for m in self.missions.values() if m.client_id == client_id]
        return [self.consultants[consultant_id] for consultant_id in sorted(at)]

    def cra_of(self, consultant_id: str, month: str) -> Cra:
        """Returns the CRA that a consultant wrote for a month `YYYY-MM`."""
        return self.cras[self.reports[consultant_id, month]]

    def with_several_contracts(self) -> set[str]:
        """Returns the ids of the clients that have more than one contract."""
        seen = Counter(contract.client_id for contract in self.contracts.values())
        return {client_id for client_id, count in seen.items() if count > 1}
