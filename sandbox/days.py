"""What a day brings: a CRA submitted or corrected, a late receipt, a bill."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.domain import Activity, Books, Cra
from sandbox.months import bounds
from sandbox.peopling import Scope


def live(books: Books, scope: Scope, now: datetime) -> list[str]:
    """Lets one day's changes happen and returns them in words."""
    return [
        *_first(_submit(books, scope, now)),
        *_first(_correct(books, scope, now)),
        *_first(_receive(books, scope, now)),
        *_first(_bill(books, now)),
    ]


def _first(happening: Iterator[str]) -> list[str]:
    """At most one happening of a kind a day."""
    event = next(happening, None)
    return [event] if event else []


def _submit(books: Books, scope: Scope, now: datetime) -> Iterator[str]:
    for cra in _of_month(books, scope, "draft"):
        cra.status, cra.updated_at = "submitted", now
        yield f"CRA {cra.id} submitted"


def _correct(books: Books, scope: Scope, now: datetime) -> Iterator[str]:
    """Resubmits an invalidated CRA with the days that the client declared."""
    said = {line.consultant_id: line.days for line in books.declared}
    for cra in _of_month(books, scope, "invalidated"):
        _settle(cra, scope, said.get(cra.consultant_id))
        cra.status, cra.updated_at = "submitted", now
        yield f"CRA {cra.id} corrected and submitted again"


def _settle(cra: Cra, scope: Scope, wanted: Decimal | None) -> None:
    if wanted is None:
        return
    first, last = bounds(scope.month)
    short = wanted - cra.production_days(first, last)
    for activity in reversed(cra.activities):
        if short < 0 and activity.kind == "production" and activity.day >= first:
            activity.kind, activity.comment = "absence", "corrigé"
            short += activity.duration
    for activity in reversed(cra.activities):
        if short > 0 and activity.kind != "production" and activity.day >= first:
            activity.kind, activity.comment = "production", "corrigé"
            short -= activity.duration
    # An overshoot by part of a day, or days that no line has: one line makes up for it.
    if short < 0:
        _shorten(cra, -short)
    while short > 0:
        cra.activities.append(Activity(last, min(short, Decimal(1)), comment="corrigé"))
        short -= 1
    cra.total_days = sum((a.duration for a in cra.activities if a.kind == "production"), Decimal(0))


def _shorten(cra: Cra, by: Decimal) -> None:
    for activity in reversed(cra.activities):
        if activity.kind == "production" and activity.duration > by:
            activity.duration -= by
            return


def _receive(books: Books, scope: Scope, now: datetime) -> Iterator[str]:
    for cra in _of_month(books, scope, "submitted"):
        consultant = books.consultants[cra.consultant_id]
        if consultant.supplier_id:
            cra.status, cra.updated_at = "validated", now
            cra.validated_at, cra.validator = now, consultant.manager_id
            yield f"CRA {cra.id} validated by {consultant.manager_id}"


def _bill(books: Books, now: datetime) -> Iterator[str]:
    while books.coming_bills:
        bill = books.coming_bills.pop(0)
        bill.dated, bill.created_at, bill.updated_at = now.date(), now, now
        bill.due = bill.dated + timedelta(days=30)
        books.bills[bill.id] = bill
        yield f"bill {bill.id} received"


def _of_month(books: Books, scope: Scope, status: str) -> Iterator[Cra]:
    last = bounds(scope.month)[1]
    yield from (
        cra for cra in books.cras.values() if cra.status == status and cra.start <= last <= cra.end
    )
