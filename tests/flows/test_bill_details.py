"""What Bill.com has of an invoice reaches the warehouse, in the list or only in its detail."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from flows.engine.direct import Direct
from flows.engine.pull import pull_one
from flows.engine.run import Run
from flows.settings import Settings
from sources.bill import Bill
from sources.wiring import Wiring
from store.warehouse import Warehouse
from tests.virtual_time import VirtualLoop
from transforms.policy import Policy

pytestmark = pytest.mark.properties

START = datetime(2026, 11, 3, 3, tzinfo=UTC)
TABLES = ("core.bills", "core.bill_lines", "core.payments", "ops.sync_state", "ops.quarantine")
AMOUNT = st.integers(1, 99_999).map(lambda cents: cents / 100)
BILLS = st.lists(
    st.fixed_dictionaries(
        {
            "lines": st.lists(AMOUNT, max_size=3),
            "payments": st.lists(AMOUNT, max_size=3),
            "thin": st.booleans(),
            "tells_balance": st.booleans(),
        }
    ),
    min_size=1,
    max_size=30,
)


class Office:
    """Bill.com with some bills; a thin one has its lines in its detail alone."""

    def __init__(self, bills: list[dict[str, Any]]) -> None:
        self.bills = bills

    def handle(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        parts = request.url.path.strip("/").split("/")[2:]
        if parts == ["login"] or request.url.path.endswith("/login"):
            return httpx.Response(200, json={"sessionId": "granted-session"})
        if not parts:
            said: Any = [self.bill(n, listed=True) for n in range(len(self.bills))]
        elif len(parts) == 1:
            said = self.bill(int(parts[0][1:]), listed=False)
        else:
            said = self.payments(int(parts[0][1:]))
        return httpx.Response(200, json={"response_data": said})

    def bill(self, n: int, *, listed: bool) -> dict[str, Any]:
        """A bill, as the list or its detail has it."""
        bill = self.bills[n]
        paid = bool(bill["payments"])
        said = {
            "id": f"B{n}",
            "invoiceNumber": f"F-{n}",
            "vendorId": "V1",
            "invoiceDate": "2026-10-31",
            "amount": 1000,
            "status": "paid" if paid else "approved",
            "createdTime": "2026-11-01T00:00:00+00:00",
            "updatedTime": "2026-11-01T00:00:00+00:00",
        }
        if bill["tells_balance"]:
            said["remainingBalance"] = 0 if paid else 1000
        if not (bill["thin"] and listed):
            said["lineItems"] = [{"description": "days", "amount": each} for each in bill["lines"]]
        return said

    def payments(self, n: int) -> list[dict[str, Any]]:
        """The payments of a bill."""
        return [
            {"id": f"P{n}-{at}", "amount": each, "date": "2026-11-02", "status": "paid"}
            for at, each in enumerate(self.bills[n]["payments"])
        ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One working file for all examples; each begins with no bill."""
    with Warehouse.open(tmp_path_factory.mktemp("bills") / "rapproche.duckdb") as opened:
        yield opened


def pulled(warehouse: Warehouse, folder: Path, office: Office) -> None:
    """Reads the bills and their payments in virtual time."""

    async def pull() -> None:
        loop = asyncio.get_running_loop()

        def now() -> datetime:
            return START + timedelta(seconds=loop.time())

        door = Bill(
            Wiring(
                now,
                transport=httpx.MockTransport(office.handle),
                requests_per_minute=10_000,
                burst_per_second=10_000,
            ),
            base_url="https://bill.test",
            username="user",
            password="word-of-tests",
            organization_id="org",
            dev_key="key-of-tests",
        )
        places = Settings(WAREHOUSE_PATH=folder / "rapproche.duckdb")
        driver = Direct(folder, Console(stderr=True))
        run = Run("test", {}, places, Policy(), date(2026, 11, 3), warehouse, {}, driver, now)
        for name in ("invoices", "payments"):
            await pull_one(run, door, door.streams[name])
        await door.aclose()
        assert {"bill.invoices", "bill.payments"} <= run.trusted

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(pull())


# Two pulls cost a fifth of a second: few examples, each of many bills.
@settings(max_examples=15)
@given(bills=BILLS)
def test_p17_a_bill_carries_its_lines_and_payments(
    warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory, bills: list[dict[str, Any]]
) -> None:
    """Every line and payment that the vendor has of a bill stands in the warehouse, no other."""
    for table in TABLES:
        warehouse.execute(f"DELETE FROM {table}")
    for [table] in warehouse.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'raw'"
    ):
        warehouse.execute(f'DELETE FROM raw."{table}"')
    pulled(warehouse, tmp_path_factory.getbasetemp(), Office(bills))
    for column, table in (("lines", "bill_lines"), ("payments", "payments")):
        found = warehouse.rows(f"SELECT bill_id, amount FROM core.{table} ORDER BY ALL")
        assert found == sorted(
            (f"B{n}", Decimal(str(each))) for n, bill in enumerate(bills) for each in bill[column]
        )
