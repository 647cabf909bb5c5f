"""Mails: what one is, where a mail server is, and the folder that stands in for one.

A door for messages has `open`, `send` and `aclose`. It raises the errors of `sources.errors`:
Validation (refused for good), Transient (surely not taken), OutcomeUnknown (may have been taken),
Authentication.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import unquote, urlsplit

from sources.errors import Transient

Security = Literal["plain", "starttls", "tls"]
_SCHEMES: Mapping[str, tuple[Security, int]] = {
    "smtp": ("plain", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}
_FORMS = "smtp://[user:password@]host:port, smtp+starttls://… or smtps://… is wanted"
_PRIVATE = 0o600


@dataclass(frozen=True)
class Message:
    """One message to one person; `html` and `subject` are of mails only."""

    id: str
    to: str
    text: str
    language: str
    subject: str = ""
    html: str = ""


class MessageDoor(Protocol):
    """A way out for messages.

    `may_repeat` tells whether what is sent again arrives again: there is no look-up.
    """

    may_repeat: bool

    async def open(self) -> None:
        """Gets ready to send; nothing is sent when it fails."""

    async def send(self, message: Message) -> None:
        """Sends one message."""

    async def aclose(self) -> None:
        """Ends what was opened."""


@dataclass(frozen=True, repr=False)
class MailServer:
    """Where mails go out."""

    host: str
    port: int
    security: Security
    user: str | None
    password: str | None


def mail_server(url: str) -> MailServer:
    """The server that an `SMTP_URL` names.

    Raises:
        ValueError: it is none; the message holds nothing of it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(_FORMS) from None
    known = _SCHEMES.get(parts.scheme)
    beyond = parts.path not in {"", "/"} or parts.query or parts.fragment
    half = (parts.username is None) != (parts.password is None)
    if known is None or not parts.hostname or beyond or half or any(c.isspace() for c in url):
        raise ValueError(_FORMS)
    user, password = (unquote(p) if p else None for p in (parts.username, parts.password))
    return MailServer(parts.hostname, port or known[1], known[0], user, password)


def mailbox(text: str) -> Address:
    """A sender such as `Rapproche <compta@esn.example>`.

    Raises:
        ValueError: it is no address.
    """
    name, spec = parseaddr(text)
    user, at, domain = spec.rpartition("@")
    if not (at and user and domain) or any(ord(c) < ord(" ") for c in text) or " " in spec:
        raise ValueError("an e-mail address is wanted")
    return Address(display_name=name, username=user, domain=domain)


def as_mail(message: Message, sender: Address, at: datetime) -> EmailMessage:
    """The mail as it travels; its Message-ID tells a duplicate."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = Address(addr_spec=message.to)
    mail["Subject"] = message.subject
    mail["Date"] = at
    mail["Message-ID"] = f"<{message.id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = message.language
    mail.set_boundary(f"=_{message.id}")
    return mail


class Folder:
    """One `.eml` a mail under its id, where no mail server is set; written again it is the same."""

    may_repeat = False

    def __init__(self, folder: Path, sender: Address, now: Any) -> None:
        self._folder = folder
        self._sender = sender
        self._now = now

    async def open(self) -> None:
        """Makes the folder, for its owner alone.

        Raises:
            Transient: it cannot be made.
        """
        with _disk("folder"):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def send(self, message: Message) -> None:
        """Writes the mail as a whole file or not at all.

        Raises:
            Transient: the disk did not take it.
        """
        content = as_mail(message, self._sender, self._now()).as_bytes()
        with _disk("write"):
            self._write(message, content)

    def _write(self, message: Message, content: bytes) -> None:
        file = self._folder / f"{message.id}.eml"
        fresh = file.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)

    async def aclose(self) -> None:
        """Nothing stays open."""


@contextmanager
def _disk(operation: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = "Make the folder of the warehouse writable."
        name = type(error).__name__
        raise Transient("mail", operation, name, str(error), advice=advice) from None
