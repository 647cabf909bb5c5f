"""P03 over real processes: what they print and leave, crashes among it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiosmtpd.smtp import AuthResult

from sandbox.server import Sandbox, serving
from sandbox.world import World
from tests.access.echoes import (
    GRANTED,
    NASTY,
    SECRETS,
    Echo,
    codes,
    files,
    keep_secrets,
    leaks,
    rows,
    spellings,
)
from tests.flows.house import AS_OF, reach
from tests.mail_server import HOST, mail_server

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
POST = f"sm-{NASTY}-6Us4"
EVERY = [*SECRETS.values(), POST, "sms-token-5Tr5"]


def _refuse(*told: Any) -> AuthResult:
    """A mail server that says what it was told."""
    said = " ".join(word for word in spellings(POST) | codes(POST) if word.isascii())
    return AuthResult(success=False, handled=False, message=f"535 no: {said}")


@pytest.fixture(scope="module")
def vendors() -> Iterator[tuple[Sandbox, str]]:
    """Vendors on loopback that echo everything."""
    sandbox = Sandbox(World.build(consultants=2, mistakes=False))
    keep_secrets(sandbox)
    sandbox.answer = Echo(sandbox.answer)  # type: ignore[method-assign]
    with serving(sandbox) as root:
        yield sandbox, root


@pytest.fixture
def environment(vendors: tuple[Sandbox, str], tmp_path: Path) -> dict[str, str]:
    """What reaches the vendors with secrets in it."""
    sandbox, root = vendors
    told = {name: str(value) for name, value in reach(sandbox, tmp_path / "data").items()}
    reached = {n: v.replace("http://127.0.0.1/", f"{root}/") for n, v in told.items()}
    sandbox.world.write_declarations(tmp_path / "data" / "declarations")
    return {
        **{n: v for n, v in os.environ.items() if not n.startswith("PREFECT_")},
        **reached,
        **SECRETS,
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "RAPPROCHE_RETRY_BASE": "0",
        "RAPPROCHE_LOG": "json",
        "MAIL_FROM": "compta@esn.example",
        "SMS_URL": f"json://{HOST}:1/sms-token-5Tr5",
    }


def _run(*code: str, environment: dict[str, str], folder: Path) -> tuple[int, bytes]:
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, *code], env=environment, cwd=folder, capture_output=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


RAPPROCHE = ("-c", "from flows.cli import main; main()")


def test_p03_a_process_over_echoing_vendors_shows_no_secret(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Neither on its standard output and error, nor in a file; the mail server echoes too."""
    with mail_server(authenticator=_refuse, auth_require_tls=False) as post:
        url = f"smtp://u:{quote(POST, safe='')}@{HOST}:{post.port}"
        code, said = _run(
            *(*RAPPROCHE, "nightly", "--as-of", AS_OF.isoformat(), "--apply"),
            environment={**environment, "SMTP_URL": url}, folder=tmp_path,
        )  # fmt: skip
    shown = [said, rows(tmp_path / "data" / "rapproche.duckdb"), *files(tmp_path)]
    assert code == 3, said
    assert b"smtp_535" in said
    assert leaks([*EVERY, url], *shown) == []
    assert [begins for begins in GRANTED if any(begins.encode() in text for text in shown)] == []


CRASH = """
from flows import cli, work
def crash(*_, **__):
    password = __import__("os").environ["BILL_COM_PASSWORD"]
    try:
        raise UnicodeEncodeError("utf-8", password, 0, 1, password)
    except ValueError as error:
        raise RuntimeError(repr({"password": password})) from error
work.run = crash
cli.main()
"""


def test_p03_a_crash_shows_where_and_no_secret(environment: dict[str, str], tmp_path: Path) -> None:
    """Exit code 70 with the traceback, its messages freed of the secrets of the settings."""
    code, said = _run("-c", CRASH, "match", environment=environment, folder=tmp_path)
    assert code == 70
    assert b"RuntimeError" in said
    assert b"in crash" in said
    assert leaks(EVERY, said) == []


def test_p03_a_file_of_settings_that_is_no_text_is_not_shown(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The codec's error holds the whole file; ours is one line and exit code 2."""
    secret = "pw-planted-in-the-file"
    (tmp_path / ".env").write_bytes(
        f"BOOND_API_KEY={secret}\nMAIL_FROM=Zoé <a@b.fr>".encode("cp1252")
    )
    code, said = _run(*RAPPROCHE, "status", environment=environment, folder=tmp_path)
    assert (code, said.count(b"\n")) == (2, 1)
    assert b".env" in said
    assert secret.encode() not in said
