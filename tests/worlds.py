"""Several small worlds in one example of a property.

A look costs the same for one row as for hundred: what has nothing to do with each other is judged
side by side, which also shows that one world decides nothing in another. `side_by_side` draws at
least `WORLDS_AT_ONCE` worlds on average and `as_many_worlds` asks for that many times fewer
examples: with the profile `thorough` (500 examples) a property still sees more than 500 worlds that
differ. A failure shrinks to the worlds that it needs, mostly one.
"""

from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st

WORLDS_AT_ONCE = 5
MOST_AT_ONCE = 2 * WORLDS_AT_ONCE + 1
"""Lists are as long as the middle of their limits on average: six, for chance is uneven."""

T = TypeVar("T")


def side_by_side(world: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    """Worlds to be judged at once, no two the same."""
    # Hypothesis likes to repeat parts of an example: two of three worlds would be copies.
    return st.lists(world, min_size=1, max_size=MOST_AT_ONCE, unique_by=repr)


def as_many_worlds(examples: int | None = None) -> settings:
    """As many worlds as the profile, or the caller, wants examples."""
    wanted = examples or settings().max_examples
    return settings(max_examples=max(1, wanted // WORLDS_AT_ONCE))
