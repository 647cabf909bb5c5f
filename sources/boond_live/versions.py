"""What tells versions of a record apart where the vendor's own instant does not.

Such a version is made of another list, whose rows belong to the record. That those rows are all of
it is taken for granted by nobody: a record that holds more or less of them has no version, and is
asked for again.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

_NUMBERS = 1 << 128


@dataclass
class Tally:
    """How many rows belong to a record, and what they come to in whatever order they are served."""

    rows: int = 0
    sum: int = 0

    def add(self, row: Any) -> None:
        """Counts one row."""
        self.rows += 1
        self.sum = (self.sum + _number_of(row)) % _NUMBERS

    def version(self, row: Any) -> str:
        """The version of a record: of its own row in the list, and of the rows counted here."""
        return f"{text_of(row)} {self.rows} {self.sum:032x}"


def confirmed(version: str, rows: int) -> str:
    """The version of a record that holds so many rows; empty where another number was counted."""
    return version if version and version.split()[1] == str(rows) else ""


def text_of(value: Any) -> str:
    """A text that stands for a value."""
    return f"{_number_of(value):032x}"


def _number_of(value: Any) -> int:
    said = json.dumps(value, default=str, sort_keys=True).encode()
    return int.from_bytes(hashlib.blake2b(said, digest_size=16).digest())
