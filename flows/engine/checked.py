"""What the doctor says of one thing: how it is, and what to do."""

from dataclasses import dataclass
from typing import Literal

ATTENTION, CONFIGURATION, SOURCE = 1, 2, 3
"""Exit codes of what is not in order (running.md)."""


@dataclass(frozen=True)
class Check:
    """One line of the doctor.

    Attributes:
        exit_code: with what the doctor ends because of it; 0 where it is in order.
    """

    what: str
    state: Literal["ok", "note", "warn", "fail"]
    said: str
    do: str = ""
    exit_code: int = 0


def ok(what: str, said: str) -> Check:
    """In order."""
    return Check(what, "ok", said)


def note(what: str, said: str) -> Check:
    """Not as it might be, and nothing is to be done about it."""
    return Check(what, "note", said)


def warn(what: str, said: str, do: str) -> Check:
    """Runs go on, and a person should look."""
    return Check(what, "warn", said, do, ATTENTION)


def fail(what: str, said: str, do: str, exit_code: int = CONFIGURATION) -> Check:
    """Runs cannot do their work so."""
    return Check(what, "fail", said, do, exit_code)
