"""The engine: plain functions, driven by Prefect flows or directly, with the same results."""
