"""URLs that secrets may be sent to."""

import ipaddress
import re

# No sign that two parsers could read as two hosts: neither @ nor \ before the path.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?"
    r"(?:/[^?#\\\s]*)?",
    re.ASCII | re.IGNORECASE,
)
_PORTS = 65_536


def checked_url(url: str) -> str:
    """The URL without its last slash.

    Raises:
        ValueError: it is no http(s) URL, holds a user, a password or a query, or is plain http
            beyond loopback; the message holds nothing of it.
    """
    parts = _URL.fullmatch(url)
    if parts is None or not url.isprintable() or not 0 < int(parts["port"] or 1) < _PORTS:
        raise ValueError("https://host/path is wanted, without user, password or query")
    if parts["scheme"].lower() == "http" and not is_loopback(parts["host"].strip("[]")):
        raise ValueError("https is wanted; plain http:// is for loopback only")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
