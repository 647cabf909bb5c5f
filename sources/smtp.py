"""Mails over SMTP: one connection for all of a drain, TLS verified."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email.headerregistry import Address

import aiosmtplib
from aiosmtplib import SMTPException

from sources.errors import (
    Authentication,
    OutcomeUnknown,
    Secrets,
    SourceError,
    Transient,
    Validation,
)
from sources.mail import MailServer, Message, as_mail

SOURCE = "mail"
_PERMANENT = 500
_SECONDS = 30
_ADVICE = {
    "login": "See SMTP_URL.",
    "connect": "See SMTP_URL.",
    "sender": "See SMTP_URL and MAIL_FROM.",
}


class SmtpDoor:
    """The mail server that `SMTP_URL` names.

    Args:
        server: where it is, and who we are there.
        sender: who our mails are from.
        now: the clock.
        tls: how the server's certificate is verified.
        seconds: how long an answer is waited for.
    """

    may_repeat = True

    def __init__(
        self,
        server: MailServer,
        sender: Address,
        now: Callable[[], datetime],
        tls: ssl.SSLContext,
        *,
        seconds: float = _SECONDS,
    ) -> None:
        self._server = server
        self._sender = sender
        self._now = now
        self._tls = tls
        self._seconds = seconds
        self._secrets = Secrets(server.password)
        self._client: aiosmtplib.SMTP | None = None

    async def open(self) -> None:
        """Connects and logs in.

        Raises:
            Authentication: the server refuses user or password.
            Transient: it cannot be reached, or its certificate is not to be trusted.
        """
        self._client = await self._connected(self._server.user, self._server.password)

    async def greet(self) -> None:
        """Connects and says hello: no login, no mail.

        Raises:
            Transient: it cannot be reached, or its certificate is not to be trusted.
        """
        self._client = await self._connected(None, None)
        try:
            await self._client.ehlo()
        except (SMTPException, OSError) as error:
            raise self._error(Transient, "connect", error) from None
        finally:
            await self.aclose()

    async def _connected(self, user: str | None, password: str | None) -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            username=user,
            password=password,
            tls_context=self._tls,
            timeout=self._seconds,
        )
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise self._error(Authentication, "login", error) from None
        except (SMTPException, OSError, ssl.SSLError) as error:
            raise self._error(Transient, "connect", error) from None
        finally:
            if not client.is_connected:
                client.close()
        return client

    async def send(self, message: Message) -> None:
        """Sends one mail, over a new connection where the old one is gone.

        Raises:
            Authentication: the server refuses us as a sender, and so every mail.
            Validation: the server refuses recipient or content for good.
            Transient: it did not take the mail.
            OutcomeUnknown: the connection ended after the body; it may have been taken.
        """
        if self._client is None or not self._client.is_connected:
            await self.open()
        assert self._client is not None  # noqa: S101 - what open has just made
        client, content = self._client, as_mail(message, self._sender, self._now()).as_bytes()
        try:
            await client.mail(self._sender.addr_spec)
        except (SMTPException, OSError) as error:
            await self._reset()
            raise self._sender_refusal(error) from None
        try:
            await client.rcpt(message.to)
        except (SMTPException, OSError) as error:
            await self._reset()
            raise self._refusal("envelope", error) from None
        try:
            await client.data(content)
        except aiosmtplib.SMTPDataError as error:
            await self._reset()
            raise self._refusal("content", error) from None
        except (SMTPException, OSError) as error:
            raise self._error(OutcomeUnknown, "content", error) from None

    async def aclose(self) -> None:
        """Says goodbye."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(SMTPException, OSError):
                await client.quit()
            client.close()

    async def _reset(self) -> None:
        """Forgets the mail that was begun, so that the next one is not taken for it."""
        if self._client is not None and self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.rset()

    def _sender_refusal(self, error: Exception) -> SourceError:
        final = (_code(error) or 0) >= _PERMANENT
        return self._error(Authentication if final else Transient, "sender", error)

    def _refusal(self, operation: str, error: Exception) -> SourceError:
        final = (_code(error) or 0) >= _PERMANENT
        return self._error(Validation if final else Transient, operation, error)

    def _error(self, kind: type[SourceError], operation: str, error: Exception) -> SourceError:
        said = self._secrets.redact(str(getattr(error, "message", "") or error))
        code = _code(error)
        name = f"smtp_{code}" if code else type(error).__name__
        advice = _ADVICE.get(operation)
        return kind(SOURCE, operation, name, said or name, advice=advice, status=code)


def _code(error: Exception) -> int | None:
    """The server's reply code, where it gave one."""
    code = getattr(error, "code", None)
    return code if isinstance(code, int) and code > 0 else None
