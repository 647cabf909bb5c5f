"""The believable month with planted mistakes.

The first block of consultants carries one mistake of each kind: its three large clients and
eighteen bills of the month; the five small clients and most other bills are clean. A world of two
blocks or more has a second one with the causes of differing days, one of four a third with what
is rare. The blocks after it are clean, but for a bill that comes late.
"""

from sandbox.domain import Books
from sandbox.peopling import BLOCK, Scope
from sandbox.planting_bills import plant_bills
from sandbox.planting_causes import plant_causes
from sandbox.planting_days import Planter, plant_days
from sandbox.planting_rare import plant_rare

BLOCK_SIZE = sum(map(sum, BLOCK))


def plant(books: Books, scope: Scope) -> None:
    """Plants every mistake of both sides."""
    planter = Planter(books, scope)
    plant_days(planter)
    plant_bills(books, scope)
    if scope.consultants >= 2 * BLOCK_SIZE:
        plant_causes(planter)
    if scope.consultants >= 4 * BLOCK_SIZE:
        plant_rare(planter)
