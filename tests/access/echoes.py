"""Secrets that can be recognised in any spelling, and a vendor that echoes them everywhere."""

import base64
import html
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx

from sandbox.server import Sandbox
from store.publishing import read_published

# Signs that URLs, HTML, JSON, form bodies and Python each write in ways of their own.
NASTY = "q7\"\\/&<'+%=;:é€ z"
SECRETS = {
    "BOOND_CLIENT_SECRET": f"bc-{NASTY}-9Xk1",
    "BILL_COM_PASSWORD": f"bp-{NASTY}-8Yw2",
    "BILL_COM_DEV_KEY": f"bd-{NASTY}-7Zv3",
}
GRANTED = ("boond-access-", "boond-refresh-", "bill-session-")
"""How the sandbox's tokens and sessions begin."""


def keep_secrets(sandbox: Sandbox) -> None:
    """Gives the vendors credentials that can be recognised."""
    sandbox.boond.credentials = replace(
        sandbox.boond.credentials, client_secret=SECRETS["BOOND_CLIENT_SECRET"]
    )
    sandbox.bill.login = replace(
        sandbox.bill.login,
        password=SECRETS["BILL_COM_PASSWORD"],
        dev_key=SECRETS["BILL_COM_DEV_KEY"],
    )


def spellings(secret: str) -> set[str]:
    """The ways in which a text may hold a secret; told without asking the product."""
    raw = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        quote(quote(secret, safe=""), safe=""),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret).replace("/", "\\/")[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        repr(secret)[1:-1],
        ascii(secret)[1:-1],
        repr(raw)[2:-1],
    }


def codes(secret: str) -> set[str]:
    """Base64 texts that hold a secret, as logins and headers do."""
    whole = {base64.b64encode(before + secret.encode()).decode() for before in (b"", b"u:", b"u\0")}
    return whole | {code.translate(str.maketrans("+/", "-_")) for code in whole}


def leaks(secrets: Iterable[str], *texts: bytes) -> list[str]:
    """The spellings of secrets that stand in any of the texts."""
    spelled = {word for s in secrets for word in spellings(s)}
    # The first and last signs of a code tell also of what stood beside the secret.
    spelled |= {code[4:-4] for s in secrets for code in codes(s)}
    return [word for word in sorted(spelled) if any(word.encode() in text for text in texts)]


def files(folder: Path) -> Iterator[bytes]:
    """The bytes of all files below a folder, and their names."""
    for file in folder.rglob("*"):
        yield file.name.encode()
        if file.is_file():
            yield file.read_bytes()


def rows(published: Path) -> bytes:
    """All rows of all tables as text: DuckDB packs what it stores."""
    with read_published(published) as warehouse:
        tables = warehouse.rows(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables"
        )
        said = [str(value) for (t,) in tables for r in warehouse.rows(f"FROM {t}") for value in r]
    return "\n".join(said).encode()


class Echo:
    """The vendors of a sandbox, who put all that they know of a caller into what they answer.

    The first answer of each path is a refusal that holds it, one stream is never served, and every
    record has it in a field that is read and in one that is not.
    """

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer
        self._asked: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer, with echoes in it."""
        path, said = request.url.path, self._known_of(request)
        login = path.endswith(("/oauth/token", "/login"))
        if path.endswith("/suppliers") or (login and path not in self._asked):
            self._asked.add(path)
            return _page(said)
        if path not in self._asked:
            self._asked.add(path)
            return _refused(said)
        answer = self._answer(request)
        return answer if login or answer.status_code != httpx.codes.OK else _with(answer, said)

    def _known_of(self, request: httpx.Request) -> str:
        told = (str(request.url), request.content.decode(), *request.headers.values())
        return " ".join(w for s in (*SECRETS.values(), *told) for w in spellings(s) | codes(s))


def _refused(said: str) -> httpx.Response:
    """A refusal in JSON, with the echo in its headers and the place it redirects to."""
    body = {"errors": [{"code": "who", "detail": said}], "message": said}
    headers = {"Location": f"https://elsewhere.test/?next={quote(said)}", "X-Echo": quote(said)}
    return httpx.Response(401, json=body, headers=headers)


def _page(said: str) -> httpx.Response:
    return httpx.Response(500, html=f"<title>{said}</title><p>{html.escape(said)}</p>")


def _with(answer: httpx.Response, said: str) -> httpx.Response:
    """The answer with the echo in every record."""
    body: Any = json.loads(answer.content, parse_float=_Number, parse_int=_Number)
    for key in ("data", "response_data"):
        held = body.get(key)
        for record in held if isinstance(held, list) else [held] if held else []:
            record["echo"] = said
            if "description" in record:
                record["description"] = said
    headers = {"Date": answer.headers["Date"], "X-Echo": quote(said)}
    return httpx.Response(answer.status_code, text=_text(body), headers=headers)


class _Number(str):
    """Digits as they were written."""

    __slots__ = ()


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return str(value) if isinstance(value, _Number) else json.dumps(value)
