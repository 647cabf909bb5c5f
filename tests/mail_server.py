"""A real mail server on loopback for tests, in a thread of its own."""

import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
Answer = Callable[[str], str | None]


@dataclass
class Post:
    """What arrived, and what the server answers instead of `250` where a test says so.

    `on_rcpt` and `on_data` are asked with the address; what they return is the reply.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    connections: int = 0
    on_rcpt: Answer = lambda _: None
    on_data: Answer = lambda _: None

    async def handle_EHLO(  # noqa: N802 - the library's name
        self, _: SMTP, session: Session, __: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        """Counts connections."""
        self.connections += 1
        session.host_name = hostname
        return answers

    async def handle_RCPT(  # noqa: N802 - likewise
        self, _: SMTP, __: Session, envelope: Envelope, to: str, ___: list[str]
    ) -> str:
        """Takes or refuses an address."""
        said = self.on_rcpt(to)
        if said is None:
            envelope.rcpt_tos.append(to)
        return said or "250 OK"

    async def handle_DATA(  # noqa: N802 - likewise
        self, server: SMTP, _: Session, envelope: Envelope
    ) -> str:
        """Takes or refuses a mail; `cut` takes it and ends the connection without a word."""
        said = self.on_data(envelope.rcpt_tos[0])
        if said is None or said == "cut":
            mail = message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
            self.mails.append(mail)
        if said == "cut":
            server.transport.abort()
        return said or "250 OK"


def login(user: str, password: str) -> Callable[..., AuthResult]:
    """An authenticator that knows one user."""

    def check(
        server: SMTP, session: Session, envelope: Envelope, how: str, told: Any
    ) -> AuthResult:
        good = (told.login, told.password) == (user.encode(), password.encode())
        return AuthResult(success=good, handled=False)

    return check


@contextmanager
def mail_server(*, port: int = 0, **options: Any) -> Iterator[Post]:
    """Serves until the end of the block.

    Args:
        port: a free one unless told.
        options: of the server, such as `tls_context`, `require_starttls`, `authenticator`.
    """
    post = Post(port=port or free_port())
    serving = Controller(post, hostname=HOST, port=post.port, **options)
    serving.start()
    try:
        yield post
    finally:
        serving.stop()


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for 127.0.0.1, and the file of the authority that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, secret = folder / "ca.pem", folder / "key.pem"
    authority.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority, secret)
    return context, authority
