"""Short messages to phones, through whichever service an Apprise URL names."""

import asyncio
import logging
from urllib.parse import quote

from apprise import Apprise, NotifyFormat

from sources.errors import OutcomeUnknown
from sources.mail import Message

SOURCE = "sms"
PLACE = "{phone}"
_TALKATIVE = ("apprise", "urllib3.connectionpool")


def _quieten() -> None:
    """Silences those who log the URL, and so its token (P03); what counts is said by our errors."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_nothing)


def _nothing(_record: logging.LogRecord) -> bool:
    return False


def phone_url(url: str, phone: str) -> str:
    """The URL for one phone: in the place of `{phone}`, else as the last part of its path."""
    number = quote(phone.lstrip("+"), safe="")
    if PLACE in url:
        return url.replace(PLACE, number)
    address, mark, options = url.partition("?")
    return f"{address.rstrip('/')}/{number}{mark}{options}"


def check(url: str) -> None:
    """Refuses a URL that no service is known for.

    Raises:
        ValueError: it is none; the message holds nothing of it.
    """
    _quieten()
    if Apprise.instantiate(phone_url(url, "+33600000000"), suppress_exceptions=True) is None:
        raise ValueError("an Apprise URL of a service for phones is wanted")


class SmsDoor:
    """The service that `SMS_URL` names; it tells success or nothing at all."""

    may_repeat = True

    def __init__(self, url: str) -> None:
        _quieten()
        self._url = url

    async def open(self) -> None:
        """Nothing is kept open."""

    async def send(self, message: Message) -> None:
        """Sends one message.

        Raises:
            OutcomeUnknown: the service did not confirm it, whatever became of it.
        """
        service = Apprise()
        service.add(phone_url(self._url, message.to))
        sent = await asyncio.to_thread(
            service.notify, body=message.text, body_format=NotifyFormat.TEXT
        )
        if not sent:
            said = "the service did not confirm the message"
            raise OutcomeUnknown(SOURCE, "send", "not_confirmed", said, advice="See SMS_URL.")

    async def aclose(self) -> None:
        """Nothing was opened."""
