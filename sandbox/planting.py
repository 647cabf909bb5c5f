"""The believable month with planted mistakes, all in the first block of consultants.

The three large clients and eighteen bills of the month carry what goes wrong; the five small
clients and most other bills are clean.
"""

from sandbox.domain import Books
from sandbox.peopling import Scope
from sandbox.planting_bills import plant_bills
from sandbox.planting_days import plant_days


def plant(books: Books, scope: Scope) -> None:
    """Plants every mistake of both sides."""
    plant_days(books, scope)
    plant_bills(books, scope)
