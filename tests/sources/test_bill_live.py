"""BILL's lists as its live dialect serves them, and what the door makes of them."""

import asyncio
import itertools
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from sources import json_text
from sources.errors import Critical

NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)


def at(hours: float) -> str:
    """An instant so many hours after noon, as BILL writes it."""
    return (NOON + timedelta(hours=hours)).isoformat(timespec="milliseconds")


def bill(number: int, **more: Any) -> dict[str, Any]:
    """A whole bill."""
    return {
        "id": f"00n{number}",
        "archived": False,
        "vendorId": "0091",
        "amount": 10,
        "invoice": {"invoiceNumber": f"F-{number}", "invoiceDate": "2026-10-01"},
        "billLineItems": [{"amount": 10}],
        "updatedTime": at(number),
        **more,
    }


def payment(number: int, hours: float | None) -> dict[str, Any]:
    """A payment of one bill, without an hour one that does not say when it changed."""
    entry = {"id": f"stp{number}", "billId": f"00n{number}", "amount": 10}
    changed = {} if hours is None else {"updatedTime": at(hours)}
    return {"id": f"p{number}", "billPayments": [entry], **changed}


VENDOR = {"id": "0091", "archived": False, "name": "N", "billCurrency": "EUR", "updatedTime": at(0)}


class Shelves:
    """Lists by path, and by whether archived objects are asked for; objects by path.

    A list is given as its pages; their tokens are their numbers.
    """

    def __init__(self, **lists: Any) -> None:
        self.lists = {"bills": [[]], "vendor-credits": [[]], "vendors": [[]], "payments": [[]]}
        self.lists |= {name.replace("_", "-"): pages for name, pages in lists.items()}
        self.objects = {"vendors/0091": VENDOR}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The page or the object that is asked for."""
        name = request.url.path.removeprefix("/connect/v3/")
        archived = "archived:eq:true" in request.url.params.get("filters", "")
        pages = self.lists.get(f"{name}-archived", [[]]) if archived else self.lists.get(name)
        if pages is None:
            found = self.objects.get(name)
            error = [{"code": "BDC_1205", "message": "none such"}]
            return httpx.Response(200, json=found) if found else httpx.Response(404, json=error)
        number = int(request.url.params.get("page", 0))
        more = {"nextPage": str(number + 1)} if number + 1 < len(pages) else {}
        return httpx.Response(200, content=json_text.encode({"results": pages[number], **more}))


@pytest.fixture
def read(vendor: Any, virtually: Any) -> Callable[..., Any]:
    """Reads a stream of a vendor with such shelves: its rows, and the requests that it took."""

    def reading(
        answer: Any, stream: str = "invoices", since: datetime | None = None
    ) -> tuple[list[dict[str, Any]], list[str]]:
        there = vendor(answer)

        async def work() -> list[dict[str, Any]]:
            door = there.bill_live()
            pages = [page async for page in door.pages(stream, since=since)]
            await door.aclose()
            return [row for page in pages for row in json_text.exact(page.body)["data"]]

        rows = virtually(work)
        asked = [unquote(str(request.url)) for _, request in there.data_requests]
        return rows, [url.removeprefix("https://bill.test/connect/v3/") for url in asked]

    return reading


def test_bills_are_asked_for_in_two_lists_and_credits_in_one(read: Any) -> None:
    """Each list takes 100 rows, archived objects are asked for, and date-times are quoted."""
    since = datetime(2026, 10, 20, 14, 0, 0, 123_999, tzinfo=UTC)
    _, asked = read(Shelves(), since=since)
    changed = 'updatedTime:gte:"2026-10-20T14:00:00.123Z"'
    assert asked == [
        f"bills?max=100&sort=updatedTime:asc&filters=archived:eq:false,{changed}",
        f"bills?max=100&sort=updatedTime:asc&filters=archived:eq:true,{changed}",
        "vendor-credits?max=100",
        "payments?max=100&sort=updatedTime:desc",
    ]


def test_filters_are_url_encoded(vendor: Any, virtually: Any) -> None:
    """Quotes, colons and commas of a filter travel as codes."""
    there = vendor(Shelves())

    async def work() -> None:
        async for _ in there.bill_live().pages("invoices", since=NOON):
            pass

    virtually(work)
    query = there.data_requests[0][1].url.query.decode()
    assert not re.search(r'[":,]', query)
    assert "%22" in query


@pytest.mark.parametrize("lines", [[{"amount": 10}], []])
@pytest.mark.parametrize(("paid", "archived"), [("PAID", False), ("UNPAID", True)])
def test_a_paid_bill_is_not_put_away(
    read: Any, lines: list[dict[str, Any]], paid: str, archived: bool
) -> None:
    """One archived before the first night still takes its days, as the money is out."""
    shelves = Shelves(
        bills_archived=[[bill(1, archived=True, paymentStatus=paid, billLineItems=lines)]],
        vendor_credits=[[bill(2, archived=True, status="FULLY_APPLIED")]],
    )
    rows, _ = read(shelves)
    assert [row["archived"] for row in rows] == [archived, False]


def test_all_pages_of_all_lists_come_once(read: Any) -> None:
    """Tokens are followed past an empty page, and vendors are always read whole."""
    shelves = Shelves(
        bills=[[bill(1)], [], [bill(2)]],
        bills_archived=[[bill(3, archived=True)]],
        vendors=[[VENDOR], [VENDOR | {"id": "0092"}]],
    )
    rows, _ = read(shelves)
    assert [(row["id"], row["archived"]) for row in rows] == [
        ("00n1", False),
        ("00n2", False),
        ("00n3", True),
    ]
    vendors, asked = read(shelves, "vendors", NOON)
    assert [row["id"] for row in vendors] == ["0091", "0092"]
    assert not any("updatedTime:gte" in url for url in asked)


def test_a_token_that_comes_twice_ends_the_reading(vendor: Any, virtually: Any) -> None:
    """A list whose next page is always the same is refused, and no run waits for its end."""
    endless = {"results": [bill(1)], "nextPage": "same"}
    there = vendor(lambda _: httpx.Response(200, json=endless))

    async def work() -> None:
        async for _ in there.bill_live().pages("payments"):
            pass

    with pytest.raises(Critical, match="without end"):
        virtually(work)
    assert len(there.data_requests) < 10


def test_a_list_that_repeats_itself_is_refused(vendor: Any, virtually: Any) -> None:
    """The same archived rows page after page are no filter that is ignored, and no end."""
    pages = [[bill(9, archived=True)]] * 50
    there = vendor(Shelves(bills=[[bill(1)]], bills_archived=pages))

    async def work() -> None:
        async for _ in there.bill_live().pages("invoices"):
            pass

    with pytest.raises(Critical, match="same rows page after page"):
        virtually(work)


@pytest.mark.parametrize("body", [{"data": []}, {"results": {}}, {"results": None}, []])
def test_an_answer_without_rows_is_no_empty_list(vendor: Any, virtually: Any, body: Any) -> None:
    """Another envelope is an error, so that no record is taken for gone."""
    there = vendor(lambda _: httpx.Response(200, json=body))

    async def work() -> None:
        async for _ in there.bill_live().pages("payments"):
            pass

    with pytest.raises(Critical, match="no list `results`"):
        virtually(work)


@pytest.mark.parametrize("told", [True, False])
def test_ignored_filters_give_no_row_twice(read: Any, caplog: Any, *, told: bool) -> None:
    """Where both lists are the same, the second is left at once; each row's own word counts."""
    rows = [bill(1), bill(2, archived=True)]
    if not told:
        rows = [{key: v for key, v in row.items() if key != "archived"} for row in rows]
    shelves = Shelves(bills=[rows, [bill(3)]], bills_archived=[rows, [bill(3)]])
    found, asked = read(shelves)
    assert [(row["id"], row.get("archived")) for row in found] == [
        ("00n1", False if told else None),
        ("00n2", True if told else None),
        ("00n3", False),
    ]
    assert len([url for url in asked if url.startswith("bills?")]) == 3
    assert "filters are not honoured: GET /v3/bills" in caplog.text


def test_a_bill_that_is_archived_meanwhile_hides_no_other(read: Any) -> None:
    """A bill that moved into the other list may have pushed one past us: both are read again."""
    shelves = Shelves(bills_archived=[[bill(1, archived=True)]])
    first = iter([[[bill(1), bill(2)], [bill(4)]], [[bill(2), bill(3)], [bill(4)]]])

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if "archived:eq:false" in query.get("filters", "") and "page" not in query:
            shelves.lists["bills"] = next(first)
        return shelves(request)

    rows, _ = read(answer)
    assert {row["id"] for row in rows} == {"00n1", "00n2", "00n3", "00n4"}
    assert [row["archived"] for row in rows if row["id"] == "00n1"] == [False, True, True]


def test_rows_older_than_asked_reach_the_flow(read: Any) -> None:
    """A bill list that ignores what was asked is not cut here: the flow notices it."""
    rows, _ = read(Shelves(bills=[[bill(1), bill(5)]]), since=NOON + timedelta(hours=3))
    assert [row["id"] for row in rows] == ["00n1", "00n5"]


def test_payments_end_where_older_ones_come(read: Any) -> None:
    """Newest first, the list is left at the first page that ends with an older one."""
    pages = [[payment(1, 9), payment(2, 8)], [payment(3, 7), payment(4, 1)], [payment(5, 0)]]
    rows, asked = read(Shelves(payments=pages), "payments", NOON + timedelta(hours=5))
    assert [row["id"] for row in rows] == ["stp1", "stp2", "stp3"]
    assert asked[0] == "payments?max=100&sort=updatedTime:desc"
    assert len(asked) == 2
    whole, asked = read(Shelves(payments=pages), "payments")
    assert (len(whole), len(asked)) == (5, 3)


def test_bills_of_changed_payments_are_to_be_asked_for(read: Any) -> None:
    """Those that came by themselves are not, nor are those of a payment that did not change."""
    shelves = Shelves(bills=[[bill(6)]], payments=[[payment(6, 9), payment(7, 8), payment(8, 1)]])
    rows, _ = read(shelves, since=NOON + timedelta(hours=5))
    assert [(row["id"], row["version"] == "") for row in rows] == [("00n6", False), ("00n7", True)]
    rows, asked = read(shelves)
    assert [row["id"] for row in rows] == ["00n6"]
    assert not any("payments" in url for url in asked)


@pytest.mark.parametrize(
    ("hours", "ids"),
    [
        ([[1, 2], [9, 0]], ["stp2"]),
        ([[0, 0], [0, 7]], ["stp3"]),
        ([[0], [8]], ["stp1"]),
        ([[9, None], [0], [7]], ["stp0", "stp1", "stp3"]),
    ],
)
def test_payments_in_another_order_are_read_to_the_end(
    read: Any, hours: list[list[float | None]], ids: list[str]
) -> None:
    """Where the order is not honoured, or cannot be told, nothing that changed is left out."""
    count = itertools.count()
    pages = [[payment(next(count), at) for at in page] for page in hours]
    rows, asked = read(Shelves(payments=pages), "payments", NOON + timedelta(hours=5))
    assert ([row["id"] for row in rows], len(asked)) == (ids, len(pages))


def test_credits_older_than_asked_are_left_out(read: Any) -> None:
    """A list without filters is cut here, so that it is not taken for one that ignores them."""
    notes = [{"id": f"vcr{n}", "vendorCreditLineItems": [{}], "updatedTime": at(n)} for n in (1, 5)]
    undated = {"id": "vcr9", "vendorCreditLineItems": [{}]}
    rows, _ = read(Shelves(vendor_credits=[[*notes, undated]]), since=NOON + timedelta(hours=3))
    assert [row["id"] for row in rows] == ["vcr5", "vcr9"]


def test_digits_are_kept_as_they_were_served(read: Any, vendor: Any) -> None:
    """No amount passes through a binary float, be it canonical or as served."""
    served = (
        b'{"results":[{"id":"00n1","amount":0.10,"dueAmount":12345678901234.5678,'
        b'"billLineItems":[{"amount":1e2,"quantity":1.2345}]}]}'
    )

    def answer(request: httpx.Request) -> httpx.Response:
        empty = "eq:true" in str(request.url) or "bills" not in request.url.path
        return httpx.Response(200, content=b'{"results":[]}' if empty else served)

    (row,), _ = read(answer)
    assert (row["amount"], str(row["amount"])) == (Decimal("0.10"), "0.10")
    assert Decimal(row["remainingBalance"]) == Decimal("12345678901234.5678")
    assert row["lineItems"] == [{"amount": 100, "quantity": Decimal("1.2345")}]
    assert str(row["served"]["amount"]) == "0.10"


def test_the_currency_of_a_vendor_is_asked_for_once(vendor: Any, virtually: Any) -> None:
    """However many bills and callers, one request a vendor; what it does not say is absent."""
    shelves = Shelves(bills=[[bill(n) for n in range(1, 9)], [bill(9, vendorId="0092")]])
    shelves.objects |= {f"bills/00n{n}": bill(n, vendorId="0093") for n in range(20, 26)}
    shelves.objects |= {"vendors/0093": VENDOR | {"id": "0093", "billCurrency": "USD"}}
    there = vendor(shelves)

    async def work() -> tuple[set[Any], set[Any]]:
        door = there.bill_live()
        rows = [
            row async for page in door.pages("invoices") for row in json.loads(page.body)["data"]
        ]
        many = await asyncio.gather(*(door.one("invoices", f"00n{n}") for n in range(20, 26)))
        again = [json.loads(one)["currency"] for one in many]
        return {(row["vendorId"], row.get("currency")) for row in rows}, set(again)

    assert virtually(work) == ({("0091", "EUR"), ("0092", None)}, {"USD"})
    asked = [r.url.path for _, r in there.data_requests if "/vendors/" in r.url.path]
    assert sorted(asked) == [f"/connect/v3/vendors/009{n}" for n in (1, 2, 3)]


def test_currencies_of_listed_vendors_are_not_asked_for(vendor: Any, virtually: Any) -> None:
    """What the list of vendors says is remembered; a vendor that it says nothing of is asked."""
    quiet = {key: value for key, value in VENDOR.items() if key != "billCurrency"} | {"id": "0092"}
    shelves = Shelves(vendors=[[VENDOR, quiet]], bills=[[bill(1), bill(2, vendorId="0092")]])
    shelves.objects["vendors/0092"] = quiet | {"billCurrency": "GBP"}
    there = vendor(shelves)

    async def work() -> list[Any]:
        door = there.bill_live()
        async for _ in door.pages("vendors"):
            pass
        pages = [page async for page in door.pages("invoices")]
        return [row["currency"] for page in pages for row in json.loads(page.body)["data"]]

    assert virtually(work) == ["EUR", "GBP"]
    asked = [r.url.path for _, r in there.data_requests if "/vendors/" in r.url.path]
    assert asked == ["/connect/v3/vendors/0092"]


def test_a_currency_that_could_not_be_asked_for_is_not_remembered(
    vendor: Any, virtually: Any, outcome: Any
) -> None:
    """A failure ends the reading with its error, and the next reading asks again."""
    shelves = Shelves()
    shelves.objects["bills/00n1"] = bill(1)
    down = [True]

    def answer(request: httpx.Request) -> httpx.Response:
        if down[0] and "/vendors/" in request.url.path:
            return httpx.Response(400, text="no")
        return shelves(request)

    there = vendor(answer)

    async def work() -> tuple[Any, Any]:
        door = there.bill_live()
        error = await outcome(door.one("invoices", "00n1"))
        down[0] = False
        return error, json.loads(await door.one("invoices", "00n1"))

    error, found = virtually(work)
    assert (error.code, found["currency"]) == ("bad_request", "EUR")


def test_a_list_row_without_lines_is_thin_and_its_detail_has_the_lists_version(
    vendor: Any, virtually: Any
) -> None:
    """What the list said of a version stands in the detail; without a list there is none."""
    bare = {key: value for key, value in bill(1).items() if key != "billLineItems"}
    shelves = Shelves(bills=[[bare]], vendors=[[VENDOR]])
    shelves.objects |= {"bills/00n1": bill(1, updatedTime=at(7)), "bills/00n2": bill(2)}
    there = vendor(shelves)

    async def work() -> Any:
        door = there.bill_live()
        found = []
        for stream in ("invoices", "vendors"):
            pages = [page async for page in door.pages(stream)]
            found += [row for page in pages for row in json.loads(page.body)["data"]]
        asked = [("invoices", "00n1"), ("vendors", "0091"), ("invoices", "00n2")]
        return found, [json.loads(await door.one(*which)) for which in asked]

    thin, whole = virtually(work)
    assert [set(row) for row in thin] == [{"id", "version", "updatedTime", "archived"}] * 2
    assert [row["version"] for row in whole] == [thin[0]["version"], thin[1]["version"], ""]
    assert whole[0]["lineItems"] == [{"amount": 10}]
    assert whole[0]["served"] == shelves.objects["bills/00n1"]
    assert (whole[1]["name"], whole[1]["isActive"]) == ("N", True)


def test_a_detail_without_lines_is_whole(vendor: Any, virtually: Any) -> None:
    """A bill that has no lines anywhere is stored without them, and not asked for for ever."""
    shelves = Shelves()
    shelves.objects["bills/00n1"] = bill(1, billLineItems=[])
    found = json.loads(virtually(lambda: vendor(shelves).bill_live().one("invoices", "00n1")))
    assert "lineItems" not in found
    assert "served" in found


def test_what_is_gone_is_none(vendor: Any, virtually: Any) -> None:
    """A bill, a credit or a vendor that BILL has no more is none, by its own code."""
    there = vendor(Shelves())

    async def work() -> list[bytes | None]:
        door = there.bill_live()
        return [
            await door.one("invoices", "00n1"),
            await door.one("invoices", "vcr1"),
            await door.one("vendors", "../0091"),
        ]

    assert virtually(work) == [None] * 3
    asked = [request.url.raw_path for _, request in there.data_requests]
    assert asked[1:] == [b"/connect/v3/vendor-credits/vcr1", b"/connect/v3/vendors/..%2F0091"]


def test_a_credit_has_the_order_of_the_bill_it_was_used_on(vendor: Any, virtually: Any) -> None:
    """The bill is asked for where it was not listed, once; a bill that is gone names no order."""

    def used(number: int, bill_id: str) -> dict[str, Any]:
        lines = [{"amount": 5}]
        usage = [{"billId": bill_id, "amount": 5}]
        return {"id": f"vcr{number}", "vendorCreditLineItems": lines, "usage": usage}

    rows = [used(1, "00n1"), used(2, "00n2"), used(3, "00n2"), used(4, "00n3")]
    shelves = Shelves(bills=[[bill(1, purchaseOrderNumber="PO-1")]], vendor_credits=[rows])
    shelves.objects["bills/00n2"] = bill(2, purchaseOrderNumber="PO-2")
    there = vendor(shelves)

    async def work() -> list[Any]:
        pages = [page async for page in there.bill_live().pages("invoices")]
        found = [row for page in pages for row in json.loads(page.body)["data"]]
        return [row.get("purchaseOrderNumber") for row in found]

    assert virtually(work) == ["PO-1", "PO-1", "PO-2", "PO-2", None]
    asked = [r.url.path[12:] for _, r in there.data_requests if "/bills/" in r.url.path]
    assert sorted(asked) == ["bills/00n2", "bills/00n3"]


@pytest.mark.parametrize("odd", [7, "text", None, [], {}, {"id": None}, {"id": 7}])
def test_an_odd_row_stays_in_its_page(read: Any, odd: Any) -> None:
    """A row that is no object, or has no id, is handed on for the checks, beside the others."""
    rows, _ = read(Shelves(bills=[[odd, bill(1)]]))
    assert len(rows) == 2
    assert rows[1]["id"] == "00n1"


def test_nothing_is_written_to_bill(vendor: Any, virtually: Any) -> None:
    """No command goes to this door."""
    door = vendor(vendor.ok).bill_live()
    for refused in (door.find("x", {}), door.read("x", "1"), door.send("x", "1", {})):
        with pytest.raises(LookupError):
            virtually(lambda work=refused: work)
    with pytest.raises(LookupError):
        door.differences("x", {}, {})


def test_what_the_dialect_takes_for_granted_is_told(vendor: Any, virtually: Any) -> None:
    """Each assumption is asked once, and says how many rows are otherwise."""
    pages = [[payment(1, 1), payment(2, 2)]]
    there = vendor(Shelves(bills=[[bill(1)]], vendors=[[VENDOR]], payments=pages))

    async def work() -> dict[str, Any]:
        return {found.what: found async for found in there.bill_live().assumptions()}

    found = virtually(work)
    assert {what: one.holds for what, one in found.items()} == {
        "archived bills in a list of their own": None,
        "lines of bills in their list": True,
        "currencies of vendors in their list": True,
        "vendor credits name their vendor": None,
        "payments newest first": False,
    }
    assert len(there.data_requests) == 5
