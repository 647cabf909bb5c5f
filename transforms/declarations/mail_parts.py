"""A mail's bytes taken apart: who sent it, when, its texts and what is attached.

The standard library's older header rules are used (`compat32`): the newer ones raise on headers
that real mails carry.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime

from transforms.declarations.forms import UnreadableError, storable

_FAILED = re.compile(r"\b(dkim|spf|dmarc)\s*=\s*fail\b", re.IGNORECASE)
_ADDRESS = re.compile(r"[^@\s<>\"(),:;]+@[^@\s<>\"(),:;]+\.[^@\s<>\"(),:;.]+")
_SUFFIXES = {
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
_DEEPEST = 5
_MOST_PARTS = 500
_MOST_STEPS = 5_000_000
_LONGEST_HEADER = 10_000
_WIDE = ("utf-16", "utf-32", "utf16", "utf32")
_BROKEN = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Attached:
    """A file that hangs on a mail."""

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail.

    Attributes:
        sender: the address of its only author in lower case; None where there is no such one.
        sender_problem: why its own headers forbid to believe the sender.
        subject: as written.
        date: with the sender's own offset; None where it tells none that can be read.
        plain: its plain texts, put together.
        html: its HTML texts.
        attached: its files.
        within: mails that hang on it.
    """

    sender: str | None
    sender_problem: str | None
    subject: str
    date: datetime | None
    plain: str
    html: tuple[str, ...]
    attached: tuple[Attached, ...]
    within: tuple["Mail", ...]


def taken_apart(content: bytes) -> Mail:
    """The mail in these bytes.

    Raises:
        UnreadableError: no mail can be seen in them.
    """
    # the parser holds each line against the boundaries of all parts that it stands within
    if content.count(b"\n") * content.lower().count(b"boundary") > _MOST_STEPS:
        raise UnreadableError("too many parts within each other for so many lines")
    try:
        message = message_from_bytes(content)
        if not message.keys():
            raise UnreadableError("no mail: it has no headers")
        return _mail(message, 0)
    except _BROKEN as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"no readable mail: {type(error).__name__}") from None


def _mail(message: Message, depth: int) -> Mail:
    if depth > _DEEPEST:
        raise UnreadableError(f"more than {_DEEPEST} mails within each other")
    sender, problem = _sender(message)
    plain, html, attached, within = [], [], [], []
    for part in _leaves(message):
        kind = part.get_content_type()
        name = _name(part)
        hangs = name or part.get_content_disposition() == "attachment"
        if kind == "message/rfc822":
            within += [_mail(inner, depth + 1) for inner in _inner(part)]
        elif kind == "text/plain" and not hangs:
            plain.append(_text(part))
        elif kind == "text/html" and not hangs:
            html.append(_text(part))
        elif hangs or not kind.startswith("image/"):
            attached.append(Attached(_with_suffix(name or "unnamed", kind), _bytes(part)))
    return Mail(
        sender=sender,
        sender_problem=problem,
        subject=" ".join(_header(message, "Subject").split()),
        date=_date(message),
        plain="\n".join(plain),
        html=tuple(html),
        attached=tuple(attached),
        within=tuple(within),
    )


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something; a mail within is one of them."""
    waiting, seen = [message], 0
    while waiting:
        part = waiting.pop(0)
        seen += 1
        if seen > _MOST_PARTS:
            raise UnreadableError(f"more than {_MOST_PARTS} parts")
        if part.is_multipart() and part.get_content_type() != "message/rfc822":
            waiting = [*_inner(part), *waiting]
        else:
            yield part


def _inner(part: Message) -> list[Message]:
    inner = part.get_payload()
    return [one for one in inner if isinstance(one, Message)] if isinstance(inner, list) else []


def _sender(message: Message) -> tuple[str | None, str | None]:
    """The author's address, and what speaks against it.

    Addresses are told apart before encoded words are read: a name may not pretend to be one.
    """
    written = [str(value)[:_LONGEST_HEADER] for value in message.get_all("From", [])]
    results = " ".join(str(value) for value in message.get_all("Authentication-Results", []))
    # small letters of other scripts are others' letters: the Kelvin sign is no k
    addresses = [_small(address.strip()) for _, address in getaddresses(written) if address]
    if len(written) != 1 or len(addresses) != 1 or not _ADDRESS.fullmatch(addresses[0]):
        return None, "the mail names no single author"
    failed = sorted({found.lower() for found in _FAILED.findall(results)})
    received = [str(value).lstrip() for value in message.get_all("Received-SPF", [])]
    if not failed and any(value.lower().startswith("fail") for value in received):
        failed = ["spf"]
    problem = f"authentication failed: {', '.join(failed)}" if failed else None
    return storable(addresses[0]), problem


def _small(address: str) -> str:
    return address.lower() if address.isascii() else address


def _header(message: Message, name: str) -> str:
    raw = str(message.get(name, ""))[:_LONGEST_HEADER]
    try:
        parts = decode_header(raw)
        said = [
            part if isinstance(part, str) else _characters(part, charset) for part, charset in parts
        ]
    except (*_BROKEN, binascii.Error):
        said = [raw]
    return storable("".join(said))


def _date(message: Message) -> datetime | None:
    try:
        said = parsedate_to_datetime(str(message.get("Date", "")))
        told = said.replace(tzinfo=UTC) if said.tzinfo is None else said
        told.astimezone(UTC)  # an instant that UTC cannot tell is none
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    return told


def _name(part: Message) -> str | None:
    said = part.get_param("filename", None, "content-disposition")
    said = said or part.get_param("name", None, "content-type")
    if not said:
        return None
    try:
        text = collapse_rfc2231_value(said) if isinstance(said, tuple) else str(said)
        words = decode_header(text)
        return storable(
            "".join(word if isinstance(word, str) else _characters(word, c) for word, c in words)
        )
    except (*_BROKEN, binascii.Error):
        return storable(str(said))


def _with_suffix(name: str, kind: str) -> str:
    """The name with the suffix of its kind, where it has none of its own."""
    return name if "." in name else name + _SUFFIXES.get(kind, "")


def _bytes(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: Message) -> str:
    charset = part.get_param("charset", "")
    return _characters(_bytes(part), charset if isinstance(charset, str) else None)


def _characters(content: bytes, charset: str | None) -> str:
    """The text of bytes whose charset may be a lie: what is valid UTF-8 is UTF-8."""
    said = (charset or "").strip().lower()
    first = [said] if said.startswith(_WIDE) else []
    for encoding in [*first, "utf-8-sig", said, "cp1252"]:
        try:
            return content.decode(encoding or "ascii")
        except (UnicodeError, LookupError, ValueError, TypeError):
            continue
    return content.decode("latin-1")
