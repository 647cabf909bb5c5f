"""Whether a Prefect API is configured; imports no Prefect, which takes 2 s."""

import os
import tomllib
from pathlib import Path


def prefect_api() -> str | None:
    """The URL of the Prefect API, from the environment or the active profile; None without one."""
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    try:
        profiles = tomllib.loads((home / "profiles.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    active = os.environ.get("PREFECT_PROFILE", profiles.get("active", ""))
    return profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL") or None
