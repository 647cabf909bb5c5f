"""Drives the other rooms: the only one that knows Prefect, the settings and the clock."""
