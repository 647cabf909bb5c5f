"""Records and people of tests of the audit."""

from datetime import UTC, date, datetime

from flows.engine.audit import Period
from flows.engine.rows import shape_of, store_checked
from sources import bill_gateway, boond_v3
from store.staging import Staging
from store.warehouse import Warehouse

DAY_ONE = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
ADA = {"decided_by": "Ada", "os_user": "ada", "host": "desk", "reason": "asked by phone"}
ALL_TIME = Period(date(2026, 1, 1), date(2026, 12, 31))
STREAMS = {
    "cras": (
        boond_v3.STREAMS["cras"],
        (
            '{"id":"%(id)s","consultant":{"id":"1"},"period":{"startDate":"2026-03-01",'
            '"endDate":"2026-03-31"},"totalDays":%(n)s,"status":"draft",'
            '"updatedAt":"2026-03-05T00:00:00Z",'
            '"activities":[{"date":"2026-03-02","duration":1,"typeCode":"production","comment":"%(word)s"}]}'
        ),
    ),
    "contracts": (
        boond_v3.STREAMS["contracts"],
        (
            '{"id":"%(id)s","client":{"id":"1"},"reference":"%(word)s","startDate":"2026-01-01",'
            '"updatedAt":"2026-03-05T00:00:00Z","rates":[{"profile":"a","dailyRate":%(n)s}]}'
        ),
    ),
    "bills": (
        bill_gateway.STREAMS["invoices"],
        (
            '{"id":"%(id)s","vendorId":"1","invoiceDate":"2026-03-01","amount":%(n)s,'
            '"status":"%(word)s","updatedTime":"2026-03-05T00:00:00Z",'
            '"lineItems":[{"amount":%(n)s}]}'
        ),
    ),
    "payments": (
        bill_gateway.STREAMS["payments"],
        ('{"id":"%(id)s","_parent":"b1","amount":%(n)s,"status":"%(word)s"}'),
    ),
}


def serve(warehouse: Warehouse, table: str, payloads: list[str], now: datetime) -> None:
    """One page, stored as a pull stores it."""
    staging = Staging(warehouse, shape_of(STREAMS[table][0]), "r", now)
    staging.add(f"[{','.join(payloads)}]".encode(), "$")
    staging.resolve(whole=True)
    refused, first = store_checked(staging)
    staging.drop()
    assert not refused, first
