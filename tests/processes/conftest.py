"""How often runs are killed, and offices for tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import office


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/processes --kills N`: N more nights, each killed several times."""
    parser.addoption("--kills", type=int, default=0)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One case a seed."""
    if "kill_seed" in metafunc.fixturenames:
        metafunc.parametrize("kill_seed", range(metafunc.config.getoption("kills", 0)))


@pytest.fixture
def an_office(tmp_path: Path) -> Iterator[office.Office]:
    """An office in which nothing has run yet."""
    with office.opened(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[office.Office]:
    """An office after one undisturbed night, for tests that leave it as it is."""
    with office.opened(tmp_path_factory.mktemp("settled")) as opened:
        said = opened.run(*office.APPLIED)
        assert (said.code, said.err.count("Traceback")) == (0, 0), said.err
        yield opened


@pytest.fixture(scope="session")
def calm(settled: office.Office) -> office.State:
    """Where an undisturbed night leaves vendors and warehouse."""
    return settled.state()
