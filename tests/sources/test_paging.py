"""Lists are read to their end, whatever rows do meanwhile."""

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.errors import Critical, SourceError, Transient

MOVES = st.lists(
    st.tuples(st.integers(2, 6), st.sampled_from(["front", "back", "add_front", "add_back"])),
    max_size=3,
)


class Shelf:
    """A list of records that moves while it is read.

    `moves` says after which request a row moves; `cap` is the server's own page size; `lie` is
    what the stated total is off by; `overlap` is how many rows of a page come on the next one too.
    """

    def __init__(
        self, rows: int, cap: int, moves: Any = (), *, meta: bool = True, lie: int = 0
    ) -> None:
        self.order = [f"r{number}" for number in range(rows)]
        self.still = set(self.order)
        self.cap = cap
        self.moves = sorted(moves)
        self.meta = meta
        self.lie = lie
        self.asked = 0
        self.overlap = 0

    def _move(self) -> None:
        self.asked += 1
        while self.moves and self.moves[0][0] <= self.asked:
            _, how = self.moves.pop(0)
            row = f"new{len(self.moves)}"
            if not how.startswith("add") and self.order:
                row = self.order.pop(len(self.order) // 2)
                self.still.discard(row)
            self.order.insert(0 if how.endswith("front") else len(self.order), row)

    def numbered(self, request: httpx.Request) -> httpx.Response:
        """A page as BoondManager serves it."""
        self._move()
        start = (int(request.url.params["page"]) - 1) * self.cap
        rows = self.order[max(0, start - self.overlap) : start + self.cap]
        meta = (
            {"meta": {"totals": {"rows": max(0, len(self.order) + self.lie)}}} if self.meta else {}
        )
        return httpx.Response(200, json={"data": [{"id": row} for row in rows], **meta})

    def chained(self, request: httpx.Request) -> httpx.Response:
        """A page as Bill.com serves it."""
        self._move()
        start = int(request.url.params.get("page", "0"))
        rows = self.order[start : start + self.cap]
        more = {"nextPage": str(start + self.cap)} if start + self.cap < len(self.order) else {}
        return httpx.Response(200, json={"response_data": [{"id": row} for row in rows], **more})


async def read(door: Any, stream: str, **asked: Any) -> list[str]:
    """The ids of all rows of all pages, repeats and all."""
    return [id_ async for page in door.pages(stream, **asked) for id_ in page.ids]


# A total that is too low shows itself only where pages are cut at a size that is known.
SIZES = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(0, 10**12)),
    st.tuples(st.just(30), st.integers(-120, 120)),
)


@pytest.mark.properties
@given(
    rows=st.integers(0, 100),
    sizes=SIZES,
    moves=MOVES,
    overlap=st.integers(0, 3),
    meta=st.booleans(),
)
def test_p16_numbered_pages_miss_no_row_that_stood_still(
    vendor: Any,
    virtually: Any,
    rows: int,
    sizes: tuple[int, int],
    moves: Any,
    overlap: int,
    *,
    meta: bool,
) -> None:
    """With rows repeated, moved or added, and any total, every row that stood still is read."""
    cap, lie = sizes
    shelf = Shelf(rows, cap, moves, meta=meta, lie=lie)
    shelf.overlap = overlap
    there = vendor(shelf.numbered)
    assert shelf.still <= set(virtually(lambda: read(there.boond(), "clients")))


@pytest.mark.properties
@given(rows=st.integers(0, 40), cap=st.integers(1, 9), moves=MOVES)
def test_p16_chained_pages_miss_no_row_that_stood_still(
    vendor: Any, virtually: Any, rows: int, cap: int, moves: Any
) -> None:
    """The same where a page names the next one."""
    shelf = Shelf(rows, cap, moves)
    there = vendor(shelf.chained)
    assert shelf.still <= set(virtually(lambda: read(there.bill(), "vendors")))


@pytest.mark.parametrize(("rows", "requests"), [(0, 1), (7, 1), (499, 1), (501, 2), (2100, 5)])
def test_a_quiet_list_is_read_once(vendor: Any, virtually: Any, rows: int, requests: int) -> None:
    """Where the total is known and nothing moves, a list costs its pages and no more."""
    there = vendor(Shelf(rows, 500).numbered)
    found = virtually(lambda: read(there.boond(), "clients"))
    assert (len(found), len(there.data_requests)) == (rows, requests)


@pytest.mark.parametrize("rows", [0, 29, 30, 31, 95])
def test_a_server_without_meta_that_ignores_the_page_size(
    vendor: Any, virtually: Any, rows: int
) -> None:
    """Without a total, a short page is not the last: the empty one is."""
    there = vendor(Shelf(rows, 30, meta=False).numbered)
    assert len(virtually(lambda: read(there.boond(), "clients"))) == rows


@pytest.mark.parametrize("id_", [" ", "\u00a0", "", None, True, 1.5, []])
def test_rows_without_a_usable_id_are_told_apart_by_what_they_say(
    vendor: Any, virtually: Any, id_: Any
) -> None:
    """They are no repeats of each other, so the list is read once."""
    rows = [{"id": id_, "name": name} for name in ("a", "b")]
    body = {"data": rows, "meta": {"totals": {"rows": 2}}}
    there = vendor(lambda _: httpx.Response(200, json=body))
    assert len(set(virtually(lambda: read(there.boond(), "clients")))) == 2
    assert len(there.data_requests) == 1


def test_repeats_that_never_change_are_read_twice_at_most(vendor: Any, virtually: Any) -> None:
    """A server whose pages always overlap is seen through at the second pass."""
    shelf = Shelf(50, 10, meta=False)
    shelf.overlap = 3
    there = vendor(shelf.numbered)
    assert len(set(virtually(lambda: read(there.boond(), "clients")))) == 50
    assert len(there.data_requests) == 14


@pytest.mark.parametrize("rows", [999, 1000, 1001])
def test_a_total_that_grows_while_reading_is_followed(
    vendor: Any, virtually: Any, rows: int
) -> None:
    """A row that came in at the top after page 1 pushes the last one to a page that is read too."""

    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        pushed = int(page > 1)
        start = (page - 1) * 500 - pushed
        served = [{"id": n} for n in range(rows)[start : start + 500]]
        meta = {"totals": {"rows": rows + pushed}}
        return httpx.Response(200, json={"data": served, "meta": meta})

    there = vendor(answer)
    found = set(virtually(lambda: read(there.boond(), "clients")))
    assert found == {str(n) for n in range(rows)}


def test_a_total_that_never_ends_is_not_followed(vendor: Any, virtually: Any) -> None:
    """A server whose total grows with every page is left at the first empty one."""

    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        served = [{"id": n} for n in range(500)] if page == 1 else []
        meta = {"totals": {"rows": 500 * (page + 1)}}
        return httpx.Response(200, json={"data": served, "meta": meta})

    there = vendor(answer)
    assert len(virtually(lambda: read(there.boond(), "clients"))) == 1000
    assert len(there.data_requests) <= 12


@pytest.mark.parametrize("rows", [500, 1000])
def test_a_full_page_is_never_the_last(vendor: Any, virtually: Any, rows: int) -> None:
    """A total that stops at a full page is not believed: one page more costs a request."""
    there = vendor(Shelf(rows + 40, 500, lie=-40).numbered)
    assert len(set(virtually(lambda: read(there.boond(), "clients")))) == rows + 40


@pytest.mark.parametrize("rows", [0, 2])
def test_a_list_that_makes_up_rows_for_ever_is_refused(
    vendor: Any, virtually: Any, monkeypatch: Any, rows: int
) -> None:
    """Pages without end, of new rows or of none, are Critical, whichever vendor serves them."""
    monkeypatch.setattr("sources.paging._MOST_PAGES", 150)
    served = itertools.count()

    def answer(_request: httpx.Request) -> httpx.Response:
        new = [{"id": next(served)} for _ in range(rows)]
        return httpx.Response(200, json={"response_data": new, "nextPage": f"t{next(served)}"})

    there = vendor(answer)
    with pytest.raises(Critical, match="endless"):
        virtually(lambda: read(there.bill(), "vendors"))
    assert len(there.data_requests) <= 160


def test_numbered_pages_that_make_up_rows_for_ever_are_refused(
    vendor: Any, virtually: Any, monkeypatch: Any
) -> None:
    """So are numbered ones without a total."""
    monkeypatch.setattr("sources.paging._MOST_PAGES", 150)
    served = itertools.count()
    there = vendor(lambda _: httpx.Response(200, json={"data": [{"id": next(served)}]}))
    with pytest.raises(Critical, match="endless"):
        virtually(lambda: read(there.boond(), "clients"))
    assert len(there.data_requests) <= 160


def same_page(rows: int) -> Any:
    """A server that serves one page whatever is asked."""
    return lambda _: httpx.Response(200, json={"data": [{"id": n} for n in range(rows)]})


@pytest.mark.parametrize("rows", [1, 17, 700])
def test_a_server_that_knows_no_pages_is_read(vendor: Any, virtually: Any, rows: int) -> None:
    """The whole list as every page is the whole list."""
    there = vendor(same_page(rows))
    assert len(set(virtually(lambda: read(there.boond(), "clients")))) == rows


@pytest.mark.parametrize("rows", [30, 500])
def test_a_page_cut_at_the_page_size_for_ever_is_refused(
    vendor: Any, virtually: Any, rows: int
) -> None:
    """A server that ignores the page number and cuts hides rows: that is said, not passed over."""
    there = vendor(same_page(rows))
    with pytest.raises(Critical, match="endless"):
        virtually(lambda: read(there.boond(), "clients"))


def test_a_token_that_leads_back_is_refused(vendor: Any, virtually: Any) -> None:
    """Pages that name one another for ever are Critical."""
    body = {"response_data": [{"id": "1"}], "nextPage": "again"}
    there = vendor(lambda _: httpx.Response(200, json=body))
    with pytest.raises(Critical, match="endless"):
        virtually(lambda: read(there.bill(), "vendors"))


def test_since_is_sent_with_its_offset(vendor: Any, virtually: Any) -> None:
    """The cursor goes out as ISO 8601 in UTC, to streams that take it."""
    there = vendor(lambda _: httpx.Response(200, json={"data": [], "response_data": []}))
    since = datetime(2026, 10, 31, 23, 30, 5, 999, tzinfo=UTC)

    async def work() -> None:
        await read(there.boond(), "cras", since=since)
        await read(there.bill(), "invoices", since=since)
        await read(there.bill(), "vendors", since=since)

    virtually(work)
    asked = [request.url.params.get("updatedSince") for _, request in there.data_requests]
    assert asked == ["2026-10-31T23:30:05+00:00"] * 2 + [None]


def test_pages_carry_the_vendors_digits_clock_and_total(vendor: Any, virtually: Any) -> None:
    """A page is the served text, with numbers beyond a float's digits as strings."""
    served = (
        b'{"data": [{"id": "1", "a": 0.10, "b": 12345678901234.5678}],"meta":{"totals":{"rows":1}}}'
    )
    date = {"Date": "Tue, 03 Nov 2026 04:00:00 GMT"}
    there = vendor(lambda _: httpx.Response(200, content=served, headers=date))

    async def work() -> Any:
        return [page async for page in there.boond().pages("clients")]

    [page] = virtually(work)
    assert page.body == served.replace(b"12345678901234.5678", b'"12345678901234.5678"')
    assert (page.rows_path, page.total_rows, page.ids) == ("$.data", 1, ("1",))
    assert page.served_at == datetime(2026, 11, 3, 4, tzinfo=UTC)


def test_payments_are_read_bill_by_bill(vendor: Any, virtually: Any) -> None:
    """A page of payments says whose they are, since the payments do not."""

    def answer(request: httpx.Request) -> httpx.Response:
        bill = request.url.path.split("/")[3]
        return httpx.Response(200, json={"response_data": [{"id": f"p-{bill}"}]})

    there = vendor(answer)

    async def work() -> Any:
        pages = there.bill().pages("payments", parents=["b 1", "b/2"])
        return [(page.parent, page.ids) async for page in pages]

    assert virtually(work)[0] == ("b 1", ("p-b 1",))
    assert [r.url.raw_path.split(b"?")[0] for _, r in there.data_requests] == [
        b"/v3/invoices/b%201/payments",
        b"/v3/invoices/b%2F2/payments",
    ]


@pytest.mark.parametrize("status", [404, 405])
def test_contracts_are_walked_client_by_client(vendor: Any, virtually: Any, status: int) -> None:
    """Where the list of all contracts is missing, the clients are walked."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v3")
        if path == "/clients/contracts":
            return httpx.Response(status)
        ids = ["c1", "c2"] if path == "/clients" else [f"k-{path.split('/')[2]}"]
        rows = {"data": [{"id": id_} for id_ in ids], "meta": {"totals": {"rows": len(ids)}}}
        return httpx.Response(200, json=rows)

    there = vendor(answer)
    assert virtually(lambda: read(there.boond(), "contracts")) == ["k-c1", "k-c2"]


def test_contracts_that_fail_otherwise_are_not_walked(vendor: Any, virtually: Any) -> None:
    """An outage is an outage."""
    there = vendor(lambda _: httpx.Response(503))
    with pytest.raises(Transient):
        virtually(lambda: read(there.boond(), "contracts"))
    assert {request.url.path for _, request in there.data_requests} == {"/api/v3/clients/contracts"}


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {"id": 1}}, [], "x"], ids=repr)
def test_a_list_without_a_list_is_critical(vendor: Any, virtually: Any, body: Any) -> None:
    """JSON of another shape than agreed is nothing that a retry mends."""
    there = vendor(lambda _: httpx.Response(200, json=body))
    with pytest.raises(Critical, match="envelope"):
        virtually(lambda: read(there.boond(), "clients"))


@given(
    rows=st.lists(
        st.one_of(
            st.none(),
            st.integers(-9, 9),
            st.text(max_size=3),
            st.dictionaries(st.text(), st.none()),
        ),
        # Of 30 rows that nothing tells apart, a full page, no next page could bring news.
        max_size=29,
    )
)
@settings(max_examples=40, deadline=None)
def test_rows_of_any_form_reach_the_store(vendor: Any, virtually: Any, rows: Sequence[Any]) -> None:
    """A row that is no object, or has no id, ends no reading: the store judges it."""
    body = {"data": rows, "meta": {"totals": {"rows": len(rows)}}}
    there = vendor(lambda _: httpx.Response(200, json=body))

    async def work() -> Any:
        return [json.loads(page.body)["data"] async for page in there.boond().pages("clients")]

    assert virtually(work)[0] == rows


def test_a_reader_that_stops_early_leaves_nothing_running(vendor: Any, virtually: Any) -> None:
    """Pages under way are dropped when the reader goes."""
    there = vendor(Shelf(5000, 500).numbered)

    async def work() -> int:
        pages = there.boond().pages("clients")
        await anext(pages)
        await anext(pages)
        await pages.aclose()
        return len(there.data_requests)

    assert virtually(work) <= 6


def test_a_page_that_fails_fails_the_reading(vendor: Any, virtually: Any) -> None:
    """A list of which one page cannot be read does not end as if it were whole."""
    shelf = Shelf(3000, 500)

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500) if request.url.params["page"] == "4" else shelf.numbered(request)

    there = vendor(answer)
    with pytest.raises(SourceError):
        virtually(lambda: read(there.boond(), "clients"))
