"""The login of Bill.com, the same in both of its dialects (bill.md)."""

from collections.abc import Mapping

from sources import json_text
from sources.errors import Authentication
from sources.exchange import Ask
from sources.http import Seam

_LOGIN_S = 10.0
_JSON = {"Content-Type": "application/json"}


async def session_of(seam: Seam, path: str, credentials: Mapping[str, str], attempt: int) -> str:
    """A new session.

    Args:
        seam: by which Bill.com is reached.
        path: of the login.
        credentials: `username`, `password`, `organizationId` and `devKey`.
        attempt: which login in a row it is.

    Raises:
        SourceError: the credentials are refused; an answer without a session is a refusal too, so
            that the same password is not tried again.
    """
    ask = Ask(
        "POST",
        path,
        headers=_JSON,
        content=json_text.encode(credentials),
        login=True,
        connect_s=_LOGIN_S,
        read_s=_LOGIN_S,
    )
    session = (await seam.log_in(ask, attempt)).member("sessionId")
    if not isinstance(session, str) or not session:
        raise Authentication(seam.source, ask.operation, "no_session", "no session was given.")
    seam.secrets.learn(session)
    return session
