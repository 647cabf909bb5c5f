"""An empty warehouse, made once and copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.warehouse import Places, Warehouse


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated working file."""
    published = tmp_path_factory.mktemp("empty") / "r.duckdb"
    with Warehouse.open(published):
        pass
    return Places(published).working


@pytest.fixture
def published(empty_file: Path, tmp_path: Path) -> Path:
    """Where the published file is to lie, beside a working file that is migrated already."""
    path = tmp_path / "data" / "r.duckdb"
    path.parent.mkdir()
    shutil.copyfile(empty_file, Places(path).working)
    return path


@pytest.fixture
def warehouse(published: Path) -> Iterator[Warehouse]:
    """The open working file."""
    with Warehouse.open(published) as opened:
        yield opened
