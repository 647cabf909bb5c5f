"""What every test stands on."""

import atexit
import logging
import os

# Frames of a few rows are slower on several threads, and the tests fill all cores already.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow, not wrong; what fails says how to be replayed.
settings.register_profile("rapproche", deadline=None, print_blob=True)
# The numbered properties run with this one in CI: the same examples for the same code, so that a
# failure is of the change that it appears with. `make explore` looks for new ones.
settings.register_profile(
    "thorough", settings.get_profile("rapproche"), max_examples=500, derandomize=True
)
settings.register_profile("explore", settings.get_profile("rapproche"), max_examples=5000)
settings.load_profile("rapproche")

OURS = ("RAPPROCHE_", "BOOND_", "BILL_COM_", "PREFECT_API_URL", "WAREHOUSE_", "DECLARATIONS_DIR")


@atexit.register
def _close_standard_error() -> None:
    """DuckDB's binding calls what a failed test's traceback holds a leak, in a hundred lines."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@pytest.fixture(autouse=True, scope="session")
def _own_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the settings or the caches of the machine it runs on."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(OURS)]:
            patch.delenv(name)
        cache: Path = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        yield


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """What a test, or a command that it runs, configures of our logger ends with it."""
    ours = logging.getLogger("rapproche")
    handlers, propagate, level = ours.handlers[:], ours.propagate, ours.level
    yield
    ours.handlers[:], ours.propagate = handlers, propagate
    ours.setLevel(level)
