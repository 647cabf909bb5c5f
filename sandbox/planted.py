"""What is wrong in a world, and how a right reconciliation tells it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A mistake put into the world, and what a right reconciliation says of it.

    Attributes:
        side: `clients` or `suppliers`.
        code: what is planted: an outcome, a hold code, or a word of ours.
        outcome: the expected outcome (clients) or status (suppliers) of the row.
        holds: all hold codes expected on the row.
        amount: euros that the mistake is about, where that is one figure.
        by_mail: whether only a reader of mails can see it.
        file: the declaration file that it lies in, where no row of a person does.
        invoice: the reference of our invoice that it is about, likewise.
        cause: why the days differ: `public_holiday`, `absence`, `mission_end`, `mission_start`,
            `second_mission`, `half_days`, `neighbouring_month`, `swap`, `none_found`; none where
            the mistake is no difference of days that something in the data explains.
        dates: days that an explanation of it must name.
        others: people or clients that an explanation of it must name.
    """

    side: str
    code: str
    outcome: str | None
    holds: tuple[str, ...] = ()
    period: str
    client_id: str | None = None
    consultant_id: str | None = None
    contract_id: str | None = None
    cra_id: str | None = None
    bill_id: str | None = None
    line: int | None = None
    declared_client: str | None = None
    declared_name: str | None = None
    declared_days: Decimal | None = None
    cra_days: Decimal | None = None
    amount: Decimal | None = None
    by_mail: bool = False
    file: str | None = None
    invoice: str | None = None
    cause: str | None = None
    dates: tuple[date, ...] = ()
    others: tuple[str, ...] = ()
    note: str = ""

    @property
    def subject(self) -> tuple[str | None, ...]:
        """What breaks: a bill's line, a file, an invoice, or a person's month at a client."""
        if self.bill_id:
            return "bill", self.bill_id, str(self.line)
        if self.file:
            return "declaration", self.file
        if self.invoice:
            return "invoice", self.invoice
        who = self.consultant_id or self.declared_name
        return "cra", self.period, self.client_id or self.declared_client, who
