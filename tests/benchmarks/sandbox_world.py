"""A sandbox on loopback without rate limits, and the settings that reach it."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values

from tests.benchmarks.measuring import free_port, server

AS_OF = "2026-11-03"
_UNLIMITED = "1000000"


@contextlib.contextmanager
def sandbox(folder: Path, *, consultants: int = 40) -> Iterator[dict[str, str]]:
    """A fresh world in a process of its own; yields the settings of a run against it."""
    port, env_file, declared = free_port(), folder / "sandbox.env", folder / "declarations"
    command = [sys.executable, "-m", "sandbox", "--port", f"{port}"]
    command += ["--consultants", f"{consultants}", "--as-of", AS_OF]
    command += ["--requests-per-minute", _UNLIMITED, "--burst-per-second", _UNLIMITED]
    command += ["--env-file", f"{env_file}", "--declarations", f"{declared}"]
    with server(command, f"http://127.0.0.1:{port}/_sandbox/state"):
        reached = {name: value or "" for name, value in dotenv_values(env_file).items()}
        yield reached | {
            "WAREHOUSE_PATH": str(folder / "data" / "rapproche.duckdb"),
            "DECLARATIONS_DIR": str(declared),
            "BOOND_REQUESTS_PER_MINUTE": _UNLIMITED,
            "BOOND_BURST_PER_SECOND": _UNLIMITED,
        }
