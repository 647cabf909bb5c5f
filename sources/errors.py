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
import html
import json
import re
from typing import ClassVar
from urllib.parse import quote, quote_plus

MASK = "***"
_BODY_SECRET_LENGTH = 8
_MESSAGE_LENGTH = 300


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

    def __str__(self) -> str:
        wait = "" if self.retry_after is None else f" Retry after {self.retry_after:g} s."
        said = self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."
        return f"{self.source}: {self.operation}: {self.code}: {said} {self.advice}{wait}"


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
    """The secrets of one source, and the texts and bodies freed of them (properties.md P03)."""

    def __init__(self, *secrets: str | None) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._body_patterns: tuple[bytes, ...] = ()
        self.learn(*secrets)

    def learn(self, *secrets: str | None) -> None:
        """Adds secrets, such as a token that was just given to us."""
        new = {secret for secret in secrets if secret} - self._known
        if not new:
            return
        self._known |= new
        spelled = sorted({s for k in self._known for s in _spellings(k)}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, spelled)), re.IGNORECASE)
        # A short secret is a word that honest records hold: masking it there would damage them.
        self._body_patterns = tuple(s.encode() for s in spelled if len(s) >= _BODY_SECRET_LENGTH)

    def redact(self, text: str) -> str:
        """The text on one line, secrets masked, cut to 300 characters."""
        masked = text if self._pattern is None else self._pattern.sub(MASK, text)
        return " ".join(masked.split())[:_MESSAGE_LENGTH]

    def scrub(self, body: bytes) -> bytes:
        """The body with every secret of 8 characters or more masked."""
        for secret in self._body_patterns:
            if secret in body:
                body = body.replace(secret, MASK.encode())
        return body


def _spellings(secret: str) -> set[str]:
    """The ways in which a vendor may echo a secret."""
    raw = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }
