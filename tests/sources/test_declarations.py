"""Declaration files are read as they lie there."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sources import declarations
from sources.declarations import declared_files
from sources.errors import Critical


def test_files_come_by_name_with_time_and_digest(tmp_path: Path) -> None:
    """Each CSV comes with its UTC time, its bytes and their SHA-256."""
    (tmp_path / "b.CSV").write_bytes(b"two")
    (tmp_path / "a.csv").write_bytes(b"one")
    os.utime(tmp_path / "a.csv", (1_790_000_000, 1_790_000_000))
    first, second = declared_files(tmp_path)
    assert (first.name, first.content, second.name) == ("a.csv", b"one", "b.CSV")
    assert first.modified_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert first.id == hashlib.sha256(b"one").hexdigest()


def test_symlinks_hidden_and_special_files_are_left_alone(tmp_path: Path) -> None:
    """Neither links, pipes, hidden files nor the locks of office programs are declarations."""
    (tmp_path / "dir.csv").mkdir()
    (tmp_path / ".hidden.csv").write_text("x")
    (tmp_path / "~$open.xlsx").write_text("x")
    (tmp_path / "real.txt").write_text("x")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.txt")
    os.mkfifo(tmp_path / "pipe.csv")
    assert [file.name for file in declared_files(tmp_path)] == ["real.txt"]


def test_files_of_folders_below_are_named_by_their_path(tmp_path: Path) -> None:
    """Mails may lie in a folder of their own."""
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails" / "a.eml").write_text("x")
    assert [file.name for file in declared_files(tmp_path)] == ["mails/a.eml"]


def test_a_file_that_is_too_large_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file beyond the bound comes without content, says why, and is known again."""
    monkeypatch.setitem(declarations.LARGEST, ".csv", 3)
    (tmp_path / "a.csv").write_bytes(b"four")
    [found] = declared_files(tmp_path)
    assert (found.content, found.problem) == (None, "larger than 0 MB")
    assert found.id == hashlib.sha256(b"four").hexdigest()


def test_a_file_that_cannot_be_read_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that the system refuses comes without content and says why."""
    (tmp_path / "a.csv").write_bytes(b"x")

    def refuse(*_args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("sources.declarations.os.open", refuse)
    [found] = declared_files(tmp_path)
    assert (found.name, found.problem) == ("a.csv", "Permission denied")


def test_a_missing_directory_is_critical(tmp_path: Path) -> None:
    """A directory that is not there is not a directory without declarations."""
    with pytest.raises(Critical, match="no_directory"):
        list(declared_files(tmp_path / "none"))
