#!/usr/bin/env python3
"""Looks up what requirements.lock names for known vulnerabilities (pip-audit).

Ends with 1 where there are any. Where the service that knows them cannot be asked, it says so in
one line and ends with 0: a machine without the internet can still be checked.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
ASK = ("--disable-pip", "--no-deps", "--require-hashes", "--format", "json", "--aliases", "on")


def audited(command: str) -> list[dict[str, Any]] | None:
    """What the service says of each package; None where it could not be asked."""
    asked = [command, *ASK, "--progress-spinner", "off", "--timeout", "10", "-r", str(LOCK)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return packages if any("vulns" in package for package in packages) else None


def lines(packages: list[dict[str, Any]]) -> list[str]:
    """A line for each vulnerability."""
    return [
        f"{package['name']} {package['version']}: {found['id']},"
        f" mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for package in packages
        for found in package.get("vulns", [])
    ]


def main() -> int:
    """Audits the lock file; returns the exit code."""
    packages = audited(sys.argv[1])
    if packages is None:
        sys.stdout.write("audit: the advisory service could not be asked; nothing was audited\n")
        return 0
    found, skipped = lines(packages), sum("vulns" not in package for package in packages)
    for line in found:
        sys.stdout.write(f"audit: {line}\n")
    sys.stdout.write(
        f"audit: {len(packages) - skipped} packages audited, {skipped} not known to the service,"
        f" {len(found)} vulnerabilities\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
