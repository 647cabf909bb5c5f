"""The sandbox: both vendors and a control surface on one root, in process or on loopback.

`/boond` is BoondManager, `/bill` is Bill.com, `/_sandbox` steers the world.
"""

import asyncio
import contextlib
import logging
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from random import Random
from typing import Any, Literal

import httpx
import uvicorn

from sandbox import bill_live, control, faults
from sandbox.bill_gateway import BillGateway
from sandbox.bill_live import BillLive
from sandbox.boond_live import BoondLive
from sandbox.boond_live_wire import refusal_of
from sandbox.boond_v3 import BoondV3
from sandbox.mishaps import LATE_S, CutError, Exchange, HangError, pieces
from sandbox.wire import Limits, Refusal, missing, refusal
from sandbox.world import World

HOST = "127.0.0.1"
LIVE = "live"
BoondDialect = Literal["v3", "live"]
BillDialect = Literal["gateway", "live"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Sandbox:
    """Both vendors over one world.

    Args:
        world: what they tell.
        boond: which dialect BoondManager speaks.
        bill: which dialect Bill.com speaks.
        limits: how often one key may call each vendor; none for no limit. Bill.com's live dialect
            knows the hour alone, and keeps to its own.
        thin_lists: whether some bills have their lines only in their detail.
        seed: of the faults' chance.

    Raises:
        ValueError: when a dialect is to be live over a world that is not portable.
    """

    def __init__(
        self,
        world: World,
        *,
        boond: BoondDialect = "v3",
        bill: BillDialect = "gateway",
        limits: Limits | None = None,
        thin_lists: bool = True,
        seed: int = 1,
    ) -> None:
        if LIVE in {boond, bill} and not world.portable:
            raise ValueError("a live dialect needs a portable world: World.build(portable=True)")
        self.world = world
        self.boond: BoondV3 | BoondLive = (BoondLive if boond == LIVE else BoondV3)(world, limits)
        self.bill: BillGateway | BillLive = (
            BillLive(world, thin_lists=thin_lists)
            if bill == LIVE
            else BillGateway(world, limits, thin_lists=thin_lists)
        )
        self.lines = {vendor: faults.Line(Random(f"{seed}/{vendor}")) for vendor in faults.VENDORS}
        self.requests: Counter[str] = Counter()

    def set_faults(self, text: str) -> None:
        """Sets the faults of both vendors anew; an empty text ends them all.

        Raises:
            ValueError: for an unknown vendor or profile; then nothing is changed.
        """
        wanted = faults.parse(text)
        for vendor, line in self.lines.items():
            line.profiles = wanted[vendor]
        self.boond.manners = faults.manners(wanted["boond"])
        self.bill.manners = faults.manners(wanted["bill"])

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answers a request.

        Raises:
            CutError: when a fault cuts the connection.
            HangError: when no answer ever comes.
        """
        _, mount, *rest = request.url.path.split("/", 2)
        path = f"/{rest[0]}" if rest else "/"
        vendors: dict[str, Callable[[httpx.Request, str], httpx.Response]] = {
            "boond": self.boond,
            "bill": self.bill,
        }
        try:
            if mount == "_sandbox":
                return control.answer(self, request, path)
            if mount not in vendors:
                raise missing(request.url.path)
            self.requests[f"{request.method} {request.url.path}"] += 1
            exchange = Exchange(
                request,
                lambda asked: vendors[mount](asked, path),
                {"boond": self.boond.forget_tokens, "bill": self.bill.forget_sessions}[mount],
                self.world.now,
            )
            return self.lines[mount].carry(exchange, path)
        except Refusal as error:
            return self._refusal(mount, error)

    def _refusal(self, mount: str, error: Refusal) -> httpx.Response:
        """Returns a refusal of the vendor's front, in the words of the dialect."""
        if mount == "boond" and isinstance(self.boond, BoondLive):
            response = refusal_of(self.boond, error)
            response.headers.update(error.headers)
            return response
        if mount == "bill" and isinstance(self.bill, BillLive):
            return bill_live.refusal(error, self.world.now())
        return refusal(error, self.world.now())

    def transport(self) -> httpx.MockTransport:
        """Returns the sandbox as a transport for httpx clients, sync and async."""

        def handle(request: httpx.Request) -> httpx.Response:
            try:
                return self.answer(request)
            except CutError as error:
                kind = httpx.ReadError if error.sent else httpx.ConnectError
                raise kind("connection cut", request=request) from error
            except HangError as error:
                if error.later:
                    error.later()
                raise httpx.ReadTimeout("no answer", request=request) from error

        return httpx.MockTransport(handle)

    async def asgi(self, scope: Message, receive: Receive, send: Send) -> None:
        """The sandbox as an ASGI application."""
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        with self._under_way(scope["path"]):
            await self._reply(_request(scope, body), receive, send)

    @contextlib.contextmanager
    def _under_way(self, path: str) -> Iterator[None]:
        """Counts what the live Bill.com is asked at once."""
        counted = (
            self.bill if isinstance(self.bill, BillLive) and path.startswith("/bill/") else None
        )
        if counted:
            counted.under_way += 1
        try:
            yield
        finally:
            if counted:
                counted.under_way -= 1

    async def _reply(self, request: httpx.Request, receive: Receive, send: Send) -> None:
        try:
            response = self.answer(request)
        except CutError:
            await _cut(receive)
            return
        except HangError as error:
            if error.later:
                asyncio.get_running_loop().call_later(LATE_S, error.later)
            await receive()  # until the caller gives up
            return
        start = {"status": response.status_code, "headers": response.headers.raw}
        await send({"type": "http.response.start", **start})
        for piece, seconds in pieces(response):
            await asyncio.sleep(seconds)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


def transport(world: World, *, limits: Limits | None = None) -> httpx.MockTransport:
    """Mounts a world in process: no limits unless told, as time need not pass there."""
    return Sandbox(world, limits=limits).transport()


def _request(scope: Message, body: bytes) -> httpx.Request:
    query = scope["query_string"]
    url = httpx.URL(
        scheme="http", host=HOST, raw_path=scope["raw_path"] + (b"?" + query if query else b"")
    )
    return httpx.Request(scope["method"], url, headers=scope["headers"], content=body)


async def _cut(receive: Receive) -> None:
    """Closes the caller's socket without an answer.

    ASGI has no word for it; uvicorn's `receive` is a method of the cycle that owns the socket.
    """
    cycle: Any = getattr(receive, "__self__", None)
    cycle.transport.abort()
    await receive()


def listen(port: int) -> socket.socket:
    """Returns a socket that listens on loopback, on a free port when told 0."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(128)
    return listener


def url_of(listener: socket.socket) -> str:
    """Returns the root under which a listening sandbox is reached."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def server(sandbox: Sandbox) -> uvicorn.Server:
    """Returns a server of the sandbox, which says nothing and adds no headers of its own."""
    config = uvicorn.Config(
        sandbox.asgi,
        interface="asgi3",
        proxy_headers=False,
        lifespan="off",
        log_level=logging.CRITICAL,
        access_log=False,
        date_header=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def serving(sandbox: Sandbox, port: int = 0) -> Iterator[str]:
    """Serves a sandbox from a thread of its own and yields its root URL."""
    listener, served = listen(port), server(sandbox)
    thread = threading.Thread(
        target=lambda: asyncio.run(served.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    try:
        yield url_of(listener)
    finally:
        served.should_exit = True
        thread.join(timeout=10)
        listener.close()
