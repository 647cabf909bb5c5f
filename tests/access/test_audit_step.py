"""The audit of the dependencies, whether or not the service that knows can be asked."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {
    "name": "b", "version": "2",
    "vulns": [{"id": "CVE-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": "x"}],
}  # fmt: skip
UNKNOWN = {"name": "c", "skip_reason": "not found"}


def audit(folder: Path, said: str, code: int) -> tuple[int, str]:
    """The step's exit code and words, with a stand-in for the tool that says something."""
    stand_in = folder / "pip-audit"
    stand_in.write_text(f"#!/bin/sh\ncat <<'E'\n{said}\nE\nexit {code}\n")
    stand_in.chmod(0o700)
    step = [sys.executable, str(ROOT / ".ci" / "audit.py"), str(stand_in)]
    done = subprocess.run(step, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    return done.returncode, done.stdout


def packages(*named: object) -> str:
    """The tool's answer."""
    return json.dumps({"dependencies": named, "fixes": []})


def test_a_vulnerability_fails_the_check(tmp_path: Path) -> None:
    """It is named with the version that mends it, whatever else could not be audited."""
    code, said = audit(tmp_path, packages(GOOD, BAD, UNKNOWN), 1)
    assert code == 1
    assert "b 2: CVE-2026-1, mended in 2.1" in said
    assert "2 packages audited, 1 not known to the service, 1 vulnerabilities" in said


def test_nothing_found_is_well(tmp_path: Path) -> None:
    """One line says how many were audited."""
    assert audit(tmp_path, packages(GOOD), 0)[0] == 0


@pytest.mark.parametrize("said", ["", packages(UNKNOWN, UNKNOWN), "no json"])
def test_a_service_that_cannot_be_asked_is_said_in_one_line(tmp_path: Path, said: str) -> None:
    """The check goes on; nobody takes it for an audit that found nothing."""
    code, words = audit(tmp_path, said, 1)
    assert (code, words.count("\n")) == (0, 1)
    assert "nothing was audited" in words


def test_every_dependency_is_locked_by_its_hash() -> None:
    """The lock names no package without one, and no host at all."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(blocks) > 50
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in lock
