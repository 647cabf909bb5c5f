"""Short messages go to one phone each, through the service that a URL names."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from sources.errors import OutcomeUnknown
from sources.mail import Message
from sources.sms import SmsDoor, check, phone_url

# Apprise reads all of its services when one is looked for, and some are older than Python 3.13.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
HELLO = Message(id="1", to="+33600000001", text="Bonjour é", language="fr")


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("twilio://sid:token@+3312", "twilio://sid:token@+3312/33600000001"),
        ("d7sms://token/?batch=no", "d7sms://token/33600000001?batch=no"),
        ("json://host/send/{phone}/now", "json://host/send/33600000001/now"),
    ],
)
def test_the_phone_stands_in_the_url(url: str, made: str) -> None:
    """Where `{phone}` is, else at the end of the path."""
    assert phone_url(url, HELLO.to) == made


@pytest.mark.parametrize("url", ["", "secret", "nosuchservice://secret"])
def test_an_unknown_service_is_refused_and_not_repeated(url: str) -> None:
    """A URL that nothing would be sent by is no setting."""
    with pytest.raises(ValueError, match="is wanted") as refused:
        check(url)
    assert "secret" not in str(refused.value)


@pytest.fixture
def service() -> Iterator[Any]:
    """A service on loopback that answers with its `status` and keeps what it was sent."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            server.sent.append((self.path, json.loads(self.rfile.read(size))))  # type: ignore[attr-defined]
            self.send_response(server.status)  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Service) as server:
        server.sent, server.status = [], 200  # type: ignore[attr-defined]
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join()


async def test_a_message_goes_to_its_phone(service: Any) -> None:
    """One request, with the text and the number."""
    url = f"json://127.0.0.1:{service.server_port}/"
    check(url)
    await SmsDoor(url).send(HELLO)
    [(path, body)] = service.sent
    assert path.strip("/") == "33600000001"
    assert body["message"] == "Bonjour é"


async def test_what_the_service_does_not_confirm_may_have_been_sent(service: Any) -> None:
    """The library tells success or nothing: it is not sent again at once."""
    service.status = 500
    with pytest.raises(OutcomeUnknown, match="SMS_URL"):
        await SmsDoor(f"json://127.0.0.1:{service.server_port}/").send(HELLO)
