"""The houses of the flows' tests, for hostile vendors and clients."""

from tests.flows.conftest import _alone, _synced, make_house, synced

__all__ = ["_alone", "_synced", "make_house", "synced"]
