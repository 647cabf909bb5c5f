"""Builders of mails of declared days; each takes only what a test is about."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from transforms.declarations.forms import Declaration, File
from transforms.declarations.reading import read

SENT = datetime(2026, 11, 2, 10, tzinfo=UTC)
NIGHT = datetime(2026, 11, 3, 3, tzinfo=UTC)


def mail(
    *body: str,
    subject: str = "Jours octobre 2026",
    sender: str = "achats@acme.fr",
    sent: datetime | None = SENT,
    html: str | None = None,
    attached: dict[str, bytes] | None = None,
) -> EmailMessage:
    """A mail of Acme's purchasing about October, of these lines."""
    made = EmailMessage()
    made["From"] = sender
    made["Subject"] = subject
    if sent:
        made["Date"] = format_datetime(sent)
    made.set_content("\n".join(body))
    if html:
        made.add_alternative(html, subtype="html")
    for name, content in (attached or {}).items():
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made


def read_as(content: bytes | EmailMessage, name: str = "a.eml") -> Declaration:
    """The declaration of a file."""
    held = content if isinstance(content, bytes) else content.as_bytes()
    return read(File(id="sha", name=name, time=NIGHT, content=held, read_at=NIGHT))


def told(*body: str, **more: object) -> list[tuple[object, ...]]:
    """Name, days and month of each line of a mail that was read."""
    lines = read_as(mail(*body, **more)).lines  # type: ignore[arg-type]
    rows = lines.filter(lines["problem"].is_null()).select("consultant", "days", "period")
    return [(name, f"{days.normalize():f}", period) for name, days, period in rows.iter_rows()]
