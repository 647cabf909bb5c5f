"""Contracts at every door: frames in, findings out."""
