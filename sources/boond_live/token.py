"""The signed token in which BoondManager's live API takes credentials (boond.md, "Auth")."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from sources import json_text

HEADER = "X-Jwt-Client-BoondManager"


def signed(client_key: str, user_token: str, client_token: str, at: datetime) -> str:
    """A JWT of HS256 that says who asks, and when."""
    claims: dict[str, str | int] = {
        "userToken": user_token,
        "clientToken": client_token,
        "time": int(at.timestamp()),
        "mode": "normal",
    }
    said = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.new(client_key.encode(), said.encode(), hashlib.sha256).digest()
    return f"{said}.{_unpadded(signature)}"


def basic(user: str, password: str) -> str:
    """The value of the header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _part(value: Mapping[str, str | int]) -> str:
    return _unpadded(json_text.encode(value))


def _unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
