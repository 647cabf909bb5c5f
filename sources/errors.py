"""What can go wrong at a source, named by what the caller does next.

    SourceError
    ├── Transient        try again later; reads have been retried already
    ├── OutcomeUnknown   a write that may have reached the vendor: look before sending again
    ├── Validation       needs a correction; never retried, the item goes to a person
    ├── Authentication   the vendor refuses our credentials: stop and alert
    └── Critical         nobody foresaw this answer: stop and alert

Every error has one form (properties.md P11), whichever vendor it came from.
"""

import base64
import re
from functools import cache
from html.entities import html5
from typing import ClassVar

MASK = "***"
_BODY_SECRET_LENGTH = 8
_MESSAGE_LENGTH = 300
_URL_SAFE = str.maketrans("+/", "-_")
_LETTERS = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}
# Letters and digits that JSON need not escape: a vendor that does would hide a secret from us.
_NEEDLESS = re.compile(rb"\\u00(?:3\d|[46][1-9a-fA-F]|[57][\daA])")
_STRING_OR_NUMBER = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*', re.DOTALL)
# A word begins after what is no letter and no digit, and after the code of such a sign.
_BEGINS = r"(?:(?<![^\W_])|(?<=%[\da-f]{2})|(?<=\\[nrtbf])|(?<=\\x[\da-f]{2})|(?<=\\u[\da-f]{4}))"
_ENDS = r"(?![^\W_])"
_ESCAPE = re.compile(rb"\\(?:u00(3\d|[46][1-9a-fA-F]|[57][\daA])|.)", re.DOTALL)


class SourceError(Exception):
    """A call to a source that did not give what was asked.

    Attributes:
        kind: transient, validation, authentication or critical (properties.md P21).
        source: the vendor, such as `boond`.
        operation: what was asked, such as `GET /clients`.
        code: the case in one word, such as `rate_limit` or `http_503`.
        message: what happened, the vendor's words without secrets.
        advice: what to do next.
        retry_after: seconds that the vendor asked us to wait, where it did.
        status: the HTTP status, where the vendor answered.
    """

    kind: ClassVar[str] = "critical"
    advised: ClassVar[str] = "Stop and tell the operators."

    def __init__(
        self,
        source: str,
        operation: str,
        code: str,
        message: str,
        *,
        advice: str | None = None,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(source, operation, code, message)
        self.source = source
        self.operation = operation
        self.code = code
        self.message = message
        self.advice = advice or self.advised
        self.retry_after = retry_after
        self.status = status

    @property
    def settles(self) -> bool:
        """Whether its advice is its own, and not what is said of every error of its kind."""
        return self.advice != self.advised

    def __str__(self) -> str:
        return self.met_by(self.operation)

    def met_by(self, operations: str) -> str:
        """What is said of it, for operations that met it alike."""
        seconds = self.retry_after or 0
        wait = f" Retry after {seconds:.0f} s." if seconds >= 1 else ""
        said = self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."
        return f"{self.source}: {operations}: {self.code}: {said} {self.advice}{wait}"


class Transient(SourceError):  # noqa: N818 - named by what the caller does next
    """May go well at another time; nothing was changed at the vendor."""

    kind = "transient"
    advised = "Try again later."


class OutcomeUnknown(SourceError):  # noqa: N818 - named by what the caller does next
    """A write that the vendor may have carried out."""

    kind = "transient"
    advised = "Look what the vendor holds before sending again."


class Validation(SourceError):  # noqa: N818 - named by what the caller does next
    """The vendor refuses this one item."""

    kind = "validation"
    advised = "Correct the item; a person decides."


class Authentication(SourceError):  # noqa: N818 - named by what the caller does next
    """The vendor refuses our credentials."""

    kind = "authentication"
    advised = "Check the credentials in the settings."


class Critical(SourceError):  # noqa: N818 - named by what the caller does next
    """An answer that nobody foresaw."""


class Secrets:
    """The secrets of a run, and the texts and bodies freed of them (properties.md P03)."""

    def __init__(self, *secrets: str | None) -> None:
        self._known: list[_Secret] = []
        self.learn(*secrets)

    def learn(self, *secrets: str | None) -> None:
        """Adds secrets, such as a token that was just given to us."""
        new = {secret for secret in secrets if secret} - {known.text for known in self._known}
        self._known += map(_Secret, new)
        # The longest first: a secret within another must not leave the other's ends.
        self._known.sort(key=lambda known: len(known.text), reverse=True)

    def mask(self, text: str) -> str:
        """The text with every secret masked."""
        for known in self._known:
            text = known.in_text.sub(MASK, text)
        return text

    def redact(self, text: str) -> str:
        """The text on one line of printable characters, secrets masked, cut to 300 characters."""
        shown = "".join(sign if sign.isprintable() else " " for sign in self.mask(text))
        return " ".join(shown.split())[:_MESSAGE_LENGTH]

    def scrub(self, body: bytes) -> bytes:
        """The body with every secret of 8 characters or more masked."""
        if _NEEDLESS.search(body):
            body = _ESCAPE.sub(_unescaped, body)
        for known in self._known:
            if known.stands_in(body):
                body = known.masked(body)
        return body


class _Secret:
    """One secret and the patterns of its spellings."""

    def __init__(self, text: str) -> None:
        ways = _ways(text)
        pattern = "|".join(map(_spelled, ways))
        self.text = text
        self.in_text = re.compile(
            "|".join([_in_text(text), *map(_spelled, ways[1:])]), re.IGNORECASE
        )
        self.in_body = re.compile(pattern.encode("utf-8", "surrogatepass"))
        self._anchors = [_anchor(way) for way in ways]

    def stands_in(self, body: bytes) -> bool:
        """Whether it may: a pattern is slow, and asked only where a plain part of it stands.

        A short secret is a word that honest records hold: masking it there would damage them.
        """
        long = len(self.text) >= _BODY_SECRET_LENGTH
        return long and any(anchor in body for anchor in self._anchors)

    def masked(self, body: bytes) -> bytes:
        """The body without it; a number becomes a string, so that one record is odd and no page."""
        if self.text.isdecimal():
            body = _STRING_OR_NUMBER.sub(self._as_text, body)
        return self.in_body.sub(MASK.encode(), body)

    def _as_text(self, match: re.Match[bytes]) -> bytes:
        token = match.group()
        odd = token[:1] != b'"' and self.in_body.search(token)
        return b'"%s"' % MASK.encode() if odd else token


def _ways(secret: str) -> list[str]:
    """The secret, and what of it is always the same within any base64 text that holds it."""
    raw = secret.encode("utf-8", "surrogatepass")
    found = [secret]
    for before in range(3):
        whole = len(raw) + before
        code = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        core = code[-(-before * 4 // 3) : whole * 4 // 3]
        if len(core) >= _BODY_SECRET_LENGTH:
            found += {core, core.translate(_URL_SAFE)}
    return found


def _in_text(secret: str) -> str:
    """A pattern of it in texts; a short one is a part of honest words, so it must stand alone."""
    pattern = _spelled(secret)
    if len(secret) >= _BODY_SECRET_LENGTH:
        return pattern
    begins = _BEGINS if secret[0].isalnum() else ""
    return f"{begins}(?:{pattern}){_ENDS if secret[-1].isalnum() else ''}"


def _spelled(way: str) -> str:
    """A pattern of it, in which every sign but letters and digits may be escaped somehow."""
    return "".join(
        sign if sign.isascii() and sign.isalnum() else _sign(sign, begins=at == 0)
        for at, sign in enumerate(way)
    )


@cache
def _sign(sign: str, *, begins: bool) -> str:
    # A pattern that may begin anywhere within a thousand backslashes would try them all each time.
    some = r"(?<!\\)\\+" if begins else r"\\+"
    raw = sign.encode("utf-8", "surrogatepass")
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    escapes = [
        some + r"\\+".join(f"u{units[at : at + 4]}" for at in range(0, len(units), 4)),
        some + r"\\+".join(f"x{byte:02x}" for byte in raw),
        rf"{some}x{ord(sign):02x}",
        rf"{some}u{ord(sign):08x}",
    ]
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in raw)
    entities = [f"#0*{ord(sign)}", f"#x0*{ord(sign):x}"]
    entities += _names().get(sign, [])
    entity = f"&(?:amp;)*(?:{'|'.join(entities)});?"
    ways = [rf"(?:{some})?{re.escape(sign)}", f"(?i:{'|'.join([percent, *escapes, entity])})"]
    ways += [some + _LETTERS[sign]] if sign in _LETTERS else []
    ways += [r"\+"] if sign == " " else []
    return f"(?:{'|'.join(ways)})"


@cache
def _names() -> dict[str, list[str]]:
    """The names that HTML has for each sign."""
    named: dict[str, list[str]] = {}
    for name, sign in html5.items():
        named.setdefault(sign, []).append(name.rstrip(";"))
    return named


def _anchor(way: str) -> bytes:
    """The longest part of it that is spelled in one way only."""
    return max(re.findall("[0-9A-Za-z]+", way), key=len, default="").encode()


def _unescaped(match: re.Match[bytes]) -> bytes:
    """An escaped letter or digit as itself; any other escape as it stands."""
    code = match.group(1)
    return match.group() if code is None else bytes([int(code, 16)])
