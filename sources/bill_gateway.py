"""Bill.com, dialect gateway, as data: its streams (bill.md)."""

from collections.abc import Mapping

from sources.bill_records import Bill, Payment, Vendor
from sources.streams import Stream

STREAMS: Mapping[str, Stream] = {
    "invoices": Stream(
        "bill",
        "invoices",
        Bill,
        "/v3/invoices",
        one="/v3/invoices/{id}",
        page_size=100,
        updated="$.updatedTime",
        detail="$.lineItems",
        names_gaps=True,
    ),
    "vendors": Stream(
        "bill",
        "vendors",
        Vendor,
        "/v3/vendors",
        incremental=False,
        page_size=100,
        updated="$.updatedTime",
        names_gaps=True,
    ),
    "payments": Stream(
        "bill",
        "payments",
        Payment,
        "/v3/invoices/{parent}/payments",
        incremental=False,
        page_size=100,
        updated=None,
        parent="invoices",
        names_gaps=True,
    ),
}
