"""Houses for tests: made once a session, copied for each test that changes something."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.settings import OUR_PREFIXES, Settings
from tests.flows.house import House

SMALL: dict[str, Any] = {"consultants": 3, "mistakes": False}
MakeHouse = Callable[..., House]


@pytest.fixture(scope="session", autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting of this machine, nor a `.env` of this folder, reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith((*OUR_PREFIXES, "PREFECT_")) or name in Settings.model_fields:
                patch.delenv(name)
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        yield


@pytest.fixture(scope="session")
def _synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synced")
    house = House(folder, vendors=SMALL)
    assert house.run("sync", sources=["boond", "bill", "declarations"], full=False).exit_code == 0
    return folder


@pytest.fixture(scope="session")
def _planned(tmp_path_factory: pytest.TempPathFactory, _synced: Path) -> Path:
    folder = tmp_path_factory.mktemp("planned")
    assert House(folder, template=_synced, vendors=SMALL).nightly().exit_code == 0
    return folder


@pytest.fixture(scope="session")
def dry_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a house of the default world, with every planted mistake, after a dry night."""
    folder = tmp_path_factory.mktemp("dry")
    House(folder).nightly()
    return folder


@pytest.fixture
def synced(_synced: Path, tmp_path: Path) -> House:
    """A small clean world that was read once; the vendors are a minute on."""
    return later(House(tmp_path / "house", template=_synced, vendors=SMALL))


@pytest.fixture
def planned(_planned: Path, tmp_path: Path) -> House:
    """A small clean world whose write-backs are planned and not sent."""
    return later(House(tmp_path / "house", template=_planned, vendors=SMALL))


@pytest.fixture
def make_house(tmp_path: Path) -> MakeHouse:
    """Makes a house of its own; settings and the vendors' world as told."""

    def make(**told: Any) -> House:
        return House(tmp_path / "house", **({"vendors": SMALL} | told))

    return make


def later(house: House) -> House:
    """A house made from a template, a minute on."""
    house.ticks += 60_000_000
    return house
