"""Mails as they travel, and the doors by which they go out."""

import socket
import ssl
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from sources import mail
from sources.errors import Authentication, OutcomeUnknown, SourceError, Transient, Validation
from sources.mail import Folder, Message, as_mail, mail_server, mailbox
from sources.smtp import SmtpDoor
from tests.mail_server import HOST, Post, certificate, free_port, login
from tests.mail_server import mail_server as serving

AT = datetime(2026, 11, 3, 4, tzinfo=UTC)
SENDER = mailbox("Rapproche <compta@esn.example>")
HELLO = Message(
    id="abc123",
    to="jean@client.example",
    subject="Votre CRA d'été",
    text="Bonjour,\n.\n20,5 j × 450,00 €\n",
    html="<p>Bonjour é</p>\n",
    language="fr",
)


def _door(url: str, tls: ssl.SSLContext | None = None, **more: Any) -> SmtpDoor:
    trusted = tls or ssl.create_default_context()
    return SmtpDoor(mail_server(url), SENDER, lambda: AT, trusted, **more)


async def _send(url: str, *messages: Message, tls: ssl.SSLContext | None = None) -> None:
    door = _door(url, tls)
    try:
        await door.open()
        for message in messages or (HELLO,):
            await door.send(message)
    finally:
        await door.aclose()


# Where a mail server is


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mail.example:2525", ("mail.example", 2525, "plain", None, None)),
        ("smtp://u:p%40ss@mail.example", ("mail.example", 25, "plain", "u", "p@ss")),
        ("smtp+starttls://u:p@mail.example", ("mail.example", 587, "starttls", "u", "p")),
        ("smtps://mail.example", ("mail.example", 465, "tls", None, None)),
    ],
)
def test_a_mail_server_is_read_from_its_url(url: str, found: tuple[Any, ...]) -> None:
    """Scheme, user and password (percent-encoded), host and port."""
    server = mail_server(url)
    assert (server.host, server.port, server.security, server.user, server.password) == found


@pytest.mark.parametrize(
    "url",
    [
        *("", "mail.example:25", "http://mail.example", "smtp://", "smtp://u@mail.example"),
        *("smtp://:secret@", "smtp://u:secret@mail.example/path", "smtp://h:notaport"),
        *("smtp://h:99999", "smtp://u:secret@mail.example?x=1", "smtp://u:sec ret@h"),
    ],
)
def test_another_url_is_refused_and_not_repeated(url: str) -> None:
    """The message says the forms, and nothing of what was written."""
    with pytest.raises(ValueError, match="is wanted") as refused:
        mail_server(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "nobody", "a@", "a@b\r\nBcc: c@d", "a b@c.example"])
def test_a_sender_is_an_address(text: str) -> None:
    """Nothing else goes into a header."""
    with pytest.raises(ValueError, match=r".+"):
        mailbox(text)


def test_a_server_does_not_print_its_password() -> None:
    """Its representation is blind."""
    assert "secret" not in repr(mail_server("smtp://u:secret@mail.example"))


# What travels


def test_a_mail_has_both_forms_and_says_what_it_is() -> None:
    """Text and HTML, a Message-ID out of the command, and that nobody wrote it by hand."""
    made = message_from_bytes(as_mail(HELLO, SENDER, AT).as_bytes(), policy=default)
    assert made["Message-ID"] == "<abc123@esn.example>"
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["Content-Language"] == "fr"
    assert made["From"] == "Rapproche <compta@esn.example>"
    for kind, said in (("plain", HELLO.text), ("html", HELLO.html)):
        body = made.get_body((kind,))
        assert body is not None
        assert body.get_content().replace("\r\n", "\n") == said


@pytest.mark.parametrize(
    "message",
    [
        Message("1", "a@b.example\r\nBcc: c@d.example", "t", "fr", "s", "h"),
        Message("1", "a@b.example, c@d.example", "t", "fr", "s", "h"),
        Message("1", "a@b.example", "t", "fr", "s\r\nBcc: c@d.example", "h"),
    ],
)
def test_a_header_cannot_be_smuggled_in(message: Message) -> None:
    """The last fence, whatever the transforms let through."""
    with pytest.raises(ValueError, match=r".+"):
        as_mail(message, SENDER, AT)


# Into a folder


async def test_a_folder_keeps_one_private_file_a_mail(tmp_path: Path) -> None:
    """Written again under its id, nothing is left over, and only its owner reads it."""
    folder = Folder(tmp_path / "outbox-mail", SENDER, lambda: AT)
    await folder.open()
    await folder.send(HELLO)
    first = (tmp_path / "outbox-mail" / "abc123.eml").read_bytes()
    await folder.send(HELLO)
    [file] = (tmp_path / "outbox-mail").iterdir()
    assert file.read_bytes() == first
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """Mails wait; the run goes on."""
    (tmp_path / "file").touch()
    with pytest.raises(Transient):
        await Folder(tmp_path / "file" / "outbox-mail", SENDER, lambda: AT).open()


# Over SMTP


async def test_a_mail_arrives_whole() -> None:
    """Accents, figures and a lone dot survive the way."""
    with serving() as post:
        await _send(f"smtp://{HOST}:{post.port}")
    [arrived] = post.mails
    assert arrived["Subject"] == HELLO.subject
    body = arrived.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == HELLO.text


async def test_one_connection_serves_all_mails() -> None:
    """A refused mail in between does not end it."""
    with serving() as post:
        post.on_rcpt = lambda to: "550 no such user" if "bad" in to else None
        door = _door(f"smtp://{HOST}:{post.port}")
        await door.open()
        await door.send(HELLO)
        with pytest.raises(Validation):
            await door.send(Message("2", "bad@client.example", "t", "fr", "s", "h"))
        await door.send(Message("3", "anne@client.example", "t", "fr", "s", "h"))
        await door.aclose()
    assert [mail["To"] for mail in post.mails] == ["jean@client.example", "anne@client.example"]
    assert post.connections == 1


@pytest.mark.parametrize(
    ("at", "reply", "kind"),
    [
        ("on_rcpt", "550 5.1.1 no such user", Validation),
        ("on_rcpt", "450 4.2.0 greylisted", Transient),
        ("on_data", "554 5.7.1 spam", Validation),
        ("on_data", "451 4.3.0 try later", Transient),
        ("on_data", "cut", OutcomeUnknown),
    ],
)
async def test_answers_are_named_by_what_follows(
    at: str, reply: str, kind: type[SourceError]
) -> None:
    """5xx is final, 4xx is for later, and a cut after the body may have been taken."""
    with serving() as post:
        setattr(post, at, lambda _: reply)
        with pytest.raises(kind) as told:
            await _send(f"smtp://{HOST}:{post.port}")
    assert type(told.value) is kind
    if reply != "cut":
        assert reply.split(maxsplit=1)[1] in told.value.message
        assert told.value.status == int(reply[:3])


async def test_a_server_that_is_down_has_taken_nothing() -> None:
    """And the message says which setting to look at, not the password."""
    with pytest.raises(Transient, match="SMTP_URL") as told:
        await _send(f"smtp://u:secret99@{HOST}:{free_port()}")
    assert "secret99" not in str(told.value)


async def test_a_silent_server_is_not_waited_for_for_ever() -> None:
    """The connection is opened and nothing is said."""
    with socket.create_server((HOST, 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(Transient):
            await _door(f"smtp://{HOST}:{port}", seconds=0.1).open()


# TLS and login


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS context, and a client's that trusts it."""
    server, authority = certificate(tmp_path_factory.mktemp("tls"))
    return server, ssl.create_default_context(cafile=authority)


def _guarded(keys: tuple[ssl.SSLContext, ssl.SSLContext]) -> Any:
    return serving(
        tls_context=keys[0],
        require_starttls=True,
        authenticator=login("u", "p@ss"),
        auth_required=True,
    )


async def test_starttls_and_login(keys: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """The password travels only inside TLS."""
    with _guarded(keys) as post:
        await _send(f"smtp+starttls://u:p%40ss@{HOST}:{post.port}", tls=keys[1])
    assert len(post.mails) == 1


async def test_a_server_that_refuses_us_refuses_no_mail(
    keys: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Without the login that it wants every mail waits; none is given up as wrong."""
    with serving(tls_context=keys[0], auth_required=True) as post:
        with pytest.raises(Authentication, match="MAIL_FROM"):
            await _send(f"smtp+starttls://{HOST}:{post.port}", tls=keys[1])
        assert post.mails == []


async def test_a_wrong_password_is_said_without_it(
    keys: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Authentication: nothing was sent, SMTP_URL is to be looked at."""
    with _guarded(keys) as post, pytest.raises(Authentication, match="SMTP_URL") as told:
        await _send(f"smtp+starttls://u:wrongsecret@{HOST}:{post.port}", tls=keys[1])
    assert "wrongsecret" not in str(told.value)
    assert post.mails == []


async def test_a_certificate_nobody_vouches_for_is_refused(
    keys: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """TLS is verified: no mail and no password goes to such a server."""
    with _guarded(keys) as post, pytest.raises(Transient):
        await _send(f"smtp+starttls://u:p%40ss@{HOST}:{post.port}")
    assert post.mails == []


async def test_a_server_without_starttls_gets_nothing() -> None:
    """No silent fall-back to plain text."""
    with serving() as post, pytest.raises(Transient):
        await _send(f"smtp+starttls://{HOST}:{post.port}")
    assert post.mails == []


def test_doors_say_whether_what_is_sent_again_arrives_again() -> None:
    """A file written again is the same file; a mail is not."""
    assert SmtpDoor.may_repeat
    assert not mail.Folder.may_repeat
    assert Post().mails == []
