"""BILL's own v3 API as data: its resources, and how their objects become canonical (bill-live.md).

Nothing is guessed: a word that nobody knows becomes a status that no check lets pass, so that the
record waits in quarantine with that word.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from sources.bill_records import Bill, ListedPayment, Vendor
from sources.streams import Stream

Served = Mapping[str, Any]
Members = tuple[tuple[str, tuple[str, ...], Callable[[Any], Any]], ...]
"""Canonical key, the path that it is read from, and what is done to the value."""

# Of what is in a number of a JSON text, no sum is longer.
_WIDE = Context(prec=400)
_BANKING = ("bankAccount", "virtualCard")


@dataclass(frozen=True)
class Resource:
    """One kind of object that BILL lists.

    Attributes:
        path: of its list; an object stands under its id there.
        stream: ours, to which it belongs.
        lines: the member that a list row may lack; such an object is asked for by id.
        told: what tells versions of an object apart, its last change first.
        filtered: whether its list takes filters.
        thin: whether its list rows never say all.
    """

    path: str
    stream: str
    told: tuple[str, ...]
    lines: str | None = None
    filtered: bool = True
    thin: bool = False

    def is_whole(self, served: Served) -> bool:
        """Whether a list row says all that its object says; without an id it is all we get."""
        return not served.get("id") or not (
            self.thin or (self.lines is not None and not served.get(self.lines))
        )

    def version(self, served: Served) -> str:
        """A text that is another one when the object has changed; empty where none can be told."""
        first, *others = (_shown(served.get(name)) for name in self.told)
        return " ".join([first, *others]).strip() if first else ""


BILLS = Resource(
    "/v3/bills",
    "invoices",
    # Whether a payment or an approval moves the last change is not documented.
    ("updatedTime", "paymentStatus", "approvalStatus", "amount", "paidAmount", "dueAmount"),
    lines="billLineItems",
)
CREDITS = Resource(
    "/v3/vendor-credits",
    "invoices",
    ("updatedTime", "status", "amount", "appliedAmount"),
    lines="vendorCreditLineItems",
    filtered=False,
)
VENDORS = Resource("/v3/vendors", "vendors", ("updatedTime",), thin=True)
PAYMENTS = Resource("/v3/payments", "payments", ("updatedTime",), filtered=False)
CREDIT_IDS = "vcr"
"""What ids of vendor credits begin with."""

STREAMS: Mapping[str, Stream] = {
    "invoices": Stream(
        "bill",
        "invoices",
        Bill,
        BILLS.path,
        one=f"{BILLS.path}/{{id}}",
        page_size=100,
        updated="$.updatedTime",
        detail="$.served",
        version="$.version",
        archived="$.archived",
        names_gaps=True,
    ),
    "vendors": Stream(
        "bill",
        "vendors",
        Vendor,
        VENDORS.path,
        one=f"{VENDORS.path}/{{id}}",
        # Always whole: the rows say the vendors' currencies, which bills do not.
        incremental=False,
        page_size=100,
        updated="$.updatedTime",
        detail="$.served",
        version="$.version",
        archived="$.archived",
        names_gaps=True,
    ),
    "payments": Stream(
        "bill",
        "payments",
        ListedPayment,
        PAYMENTS.path,
        page_size=100,
        updated="$.updatedTime",
        names_gaps=True,
    ),
}


def _as_told(value: Any) -> Any:
    return value


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def negative(value: Any) -> Any:
    """The number with the other sign, digit by digit; what is no number stays as it is."""
    number = _number(value)
    if number is None or number.is_zero():
        return value
    if isinstance(value, str):
        return value.removeprefix("-") if value.startswith("-") else f"-{value}"
    return number.copy_negate()


def _number(value: Any) -> Decimal | None:
    """A JSON number as a decimal; one of many digits comes as a text."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _members(**paths: str | tuple[str, Callable[[Any], Any]]) -> Members:
    split = (
        (key, (said, _as_told) if isinstance(said, str) else said) for key, said in paths.items()
    )
    return tuple((key, tuple(path.split(".")), read) for key, (path, read) in split)


_TIMES = {"createdTime": "createdTime", "updatedTime": "updatedTime", "archived": "archived"}
_BILL = _members(
    id="id",
    invoiceNumber="invoice.invoiceNumber",
    vendorId="vendorId",
    vendorName="vendorName",
    invoiceDate="invoice.invoiceDate",
    dueDate="dueDate",
    amount="amount",
    description="description",
    purchaseOrderNumber="purchaseOrderNumber",
    approvalStatus="approvalStatus",
    **_TIMES,
)
_BILL_LINE = _members(
    description="description", quantity="quantity", unitPrice="price", amount="amount"
)
_CREDIT = _members(
    id="id",
    invoiceNumber="referenceNumber",
    vendorId="vendorId",
    vendorName="vendorName",
    invoiceDate="creditDate",
    amount=("amount", negative),
    description="description",
    **_TIMES,
)
_CREDIT_LINE = _members(description="description", amount=("amount", negative))
_VENDOR = _members(
    id="id",
    name="name",
    email="email",
    phone="phone",
    address="address",
    taxId="additionalInfo.taxId",
    **_TIMES,
)
_PAYMENT = _members(
    date="processDate",
    status=("status", _lowered),
    method=("disbursementType", _lowered),
    createdTime="createdTime",
    updatedTime="updatedTime",
)
_PAID = _members(id="id", billId="billId", amount="amount")

# UNDEFINED is what the vendor's own clients read where the word is not one of theirs.
_PAYMENT_WORDS = ("PAID", "UNPAID", "SCHEDULED", "PARTIAL", "PARTIAL_PAYMENT", "UNDEFINED")
_APPROVAL_WORDS = ("UNASSIGNED", "ASSIGNED", "APPROVING", "APPROVED", "DENIED", "UNDEFINED")
_CREDIT_WORDS = {
    "NOT_APPLIED": "approved",
    "PARTIALLY_APPLIED": "approved",
    "IN_PROCESS": "approved",
    "FULLY_APPLIED": "paid",
}


def standing(served: Served) -> Served:
    """The object; one that is paid is never put away, as the money is out (decision 0035)."""
    credited = _CREDIT_WORDS.get(str(served.get("status"))) == "paid"
    paid = credited or _bill_status(served) == "paid"
    return {**served, "archived": False} if paid and served.get("archived") is True else served


def bill(served: Served, currency: str | None) -> dict[str, Any]:
    """The canonical invoice of a bill.

    Args:
        served: the bill.
        currency: of its vendor; a bill names none.
    """
    added = {
        "currency": currency,
        "status": _bill_status(served),
        "approvedBy": _approver(served.get("approvers")),
        "remainingBalance": _left_to_pay(served),
        "lineItems": _lines(_BILL_LINE, served.get("billLineItems")),
    }
    return _read(_BILL, standing(served)) | _without_gaps(added)


def credit(served: Served, currency: str | None, order: str | None) -> dict[str, Any]:
    """The canonical invoice of a vendor credit: its amounts are negative.

    Args:
        served: the vendor credit.
        currency: of its vendor.
        order: the purchase order number of the bill that it was first used on.
    """
    said = served.get("status")
    known = said is None or (isinstance(said, str) and said in _CREDIT_WORDS)
    added = {
        "currency": currency,
        "status": _CREDIT_WORDS.get(str(said)) if known else _unknown("status", said),
        "purchaseOrderNumber": order,
        "remainingBalance": _left_of_credit(served),
        "lineItems": _lines(_CREDIT_LINE, served.get("vendorCreditLineItems")),
    }
    return _read(_CREDIT, standing(served)) | _without_gaps(added)


def credited_bill(served: Served) -> str | None:
    """The id of the bill that a vendor credit was first used on."""
    usage = served.get("usage")
    uses = usage if isinstance(usage, list) else []
    ids = (use.get("billId") for use in uses if isinstance(use, dict))
    return next((id_ for id_ in ids if isinstance(id_, str) and id_), None)


def vendor(served: Served) -> dict[str, Any]:
    """The canonical vendor; one that is archived is not active."""
    archived = served.get("archived")
    active = {"isActive": not archived} if isinstance(archived, bool) else {}
    return _read(_VENDOR, served) | active


def without_banking(served: Served) -> Served:
    """A vendor without its bank account and cards, which nothing here needs."""
    paid_by = served.get("paymentInformation")
    if not isinstance(paid_by, dict):
        return served
    kept = {key: value for key, value in paid_by.items() if key not in _BANKING}
    return {**served, "paymentInformation": kept}


def payments(served: Served) -> Iterator[dict[str, Any]]:
    """A canonical payment for each bill that was paid; one without entries pays one bill."""
    common = _read(_PAYMENT, served)
    entries = served.get("billPayments")
    for entry in entries if isinstance(entries, list) and entries else [served]:
        yield common | (_read(_PAID, entry) if isinstance(entry, dict) else {})


def _read(members: Members, served: Served) -> dict[str, Any]:
    """The canonical members that are told; null and the empty text tell nothing."""
    found = {}
    for key, path, read in members:
        value: Any = served
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None and value != "":
            found[key] = read(value)
    return found


def _without_gaps(added: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in added.items() if value is not None}


def _lines(members: Members, rows: Any) -> Any:
    if not isinstance(rows, list):
        return rows
    return [_read(members, row) if isinstance(row, dict) else row for row in rows] or None


def _bill_status(served: Served) -> str:
    """Paid, approved or sent, or the word that nobody knows."""
    payment, approval = served.get("paymentStatus"), served.get("approvalStatus")
    if approval is not None and approval not in _APPROVAL_WORDS:
        return _unknown("approvalStatus", approval)
    total, paid, due = (_number(served.get(key)) for key in ("amount", "paidAmount", "dueAmount"))
    if payment == "PAID" or (due == 0 and total and paid == total):
        return "paid"
    # How BILL says a part payment is not known: then the amounts tell it.
    in_part = total is not None and due is not None and 0 < due < total
    if payment is not None and payment not in _PAYMENT_WORDS and not in_part:
        return _unknown("paymentStatus", payment)
    return "approved" if approval == "APPROVED" else "sent"


def _unknown(member: str, word: Any) -> str:
    return f"unknown {member} {_shown(word)}"


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _approver(approvers: Any) -> Any:
    """Who approved last."""
    rows = (
        [row for row in approvers if isinstance(row, dict)] if isinstance(approvers, list) else []
    )
    approved = [row for row in rows if row.get("status") == "APPROVED"]
    in_order = sorted(approved, key=lambda row: _number(row.get("approverOrder")) or Decimal(0))
    return in_order[-1].get("userId") if in_order else None


def _left_to_pay(served: Served) -> Any:
    """What is due, less what BILL will pay by itself: that is flagged for payment nowhere else."""
    told = served.get("dueAmount")
    due, scheduled = _number(told), _number(served.get("scheduledAmount"))
    if isinstance(told, str) or due is None or scheduled is None or not 0 < scheduled <= due:
        return None if told == "" else told
    return _WIDE.subtract(due, scheduled)


def _left_of_credit(served: Served) -> Any:
    """What is left to use, negative; a phrase where it cannot be reckoned."""
    said = served.get("amount"), served.get("appliedAmount")
    total, applied = map(_number, said)
    if None in said:
        return None
    if total is None or applied is None or isinstance(said[0], str) or isinstance(said[1], str):
        return f"{applied} less {total}"
    return _WIDE.subtract(applied, total)
