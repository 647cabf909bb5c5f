"""Drives the other rooms: the only one that knows Prefect, the settings and the clock."""

import os

PRIVATE_FILES = 0o077
"""The umask of every process of ours: what it writes is its owner's alone."""

# Prefect reads these at its import; it must never reach out on its own (running.md, Prefect).
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "rapproche")
