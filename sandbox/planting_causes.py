"""Days that differ for a reason that the data show, in the second block of consultants.

Each CRA holds one possible reason and no other, and most gaps are of a day and a half: no single
holiday explains them, and no contract's month is so short that they are a tenth of it.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sandbox.domain import Activity, Consultant, Contract, Rate
from sandbox.months import bounds, business_days, closed_days, shifted
from sandbox.planting_days import Planter

# The large clients of the second block; the singles there who are employed, by position.
NORTH, SOUTH, EAST = "314", "315", "316"
HALF, ONE, GAP = Decimal("0.5"), Decimal(1), Decimal("1.5")
UNEXPLAINED = Decimal("0.75")
LARGE = ("GAP_TOO_LARGE",)
OVER, UNDER = "over_reported", "under_reported"


def plant_causes(planter: Planter) -> None:
    """Plants every cause, and gaps that have none."""
    _holidays(planter)
    _absences(planter)
    _contract_ends(planter)
    _contract_starts(planter)
    _half_days(planter)
    _neighbouring_month(planter)
    _second_mission(planter)
    _swap(planter)
    _without_cause(planter)


class Month:
    """One consultant's month of full days, to be changed and then declared otherwise."""

    def __init__(self, planter: Planter, client_id: str, position: int) -> None:
        self.planter, self.who = planter, planter.who(client_id, position)
        self.days = business_days(planter.month)
        self.full = Decimal(len(self.days))

    def reports(self, *more: Activity, without: tuple[date, ...] = ()) -> None:
        """A full day on each business day but those left out, and these lines."""
        full = [Activity(day, ONE) for day in self.days if day not in without]
        self.planter.report(self.who, [*full, *more])

    def declared(
        self,
        days: Decimal,
        cause: str,
        *dates: date,
        others: tuple[str, ...] = (),
        holds: tuple[str, ...] = (),
    ) -> None:
        """The client says so many days, for a cause whose days must be named."""
        planter = self.planter
        planter.declare(self.who, days=days)
        planter.blocks(self.who, f"days differ: {cause}")
        cra = planter.books.cra_of(self.who.id, planter.month)
        outcome = OVER if days > cra.production_days(*bounds(planter.month)) else UNDER
        code = cause.upper()
        planter.note(code, outcome, self.who, holds, cause=cause, dates=dates, others=others)


def _holidays(planter: Planter) -> None:
    """A holiday in the CRA that the client does not owe, and one that the client has counted."""
    closed = closed_days(planter.month)
    if not closed:
        return
    worked, counted = Month(planter, NORTH, 2), Month(planter, NORTH, 3)
    worked.reports(Activity(closed[0], ONE))
    worked.declared(worked.full, "public_holiday", closed[0])
    counted.reports()
    counted.declared(counted.full + 1, "public_holiday", closed[0])


def _absences(planter: Planter) -> None:
    """Leave that the client has counted as worked: a day and a half, and a whole week."""
    short, long = Month(planter, NORTH, 4), Month(planter, NORTH, 5)
    day, half = short.days[2], short.days[8]
    short.reports(
        Activity(day, ONE, "absence", "congés payés"),
        Activity(half, HALF),
        Activity(half, HALF, "absence", "RTT"),
        without=(day, half),
    )
    short.declared(short.full, "absence", day, half)
    week = long.days[3:8]
    long.reports(*(Activity(d, ONE, "absence", "congés payés") for d in week), without=week)
    long.declared(long.full, "absence", week[0], week[-1], holds=LARGE)


def _contract_ends(planter: Planter) -> None:
    """Days after the end of the contract: one, and a week."""
    for client_id, position, after, holds in ((NORTH, 6, 1, ()), (SOUTH, 1, 5, LARGE)):
        month = Month(planter, client_id, position)
        end = planter.contract(month.who).end = month.days[-1 - after]
        month.reports()
        month.declared(month.full - after, "mission_end", end, holds=holds)


def _contract_starts(planter: Planter) -> None:
    """A day before the contract begins."""
    month = Month(planter, SOUTH, 2)
    start = planter.contract(month.who).start = month.days[1]
    month.reports()
    month.declared(month.full - 1, "mission_start", start)


def _half_days(planter: Planter) -> None:
    """Three mornings that the client has counted as days."""
    month = Month(planter, SOUTH, 3)
    halves = month.days[1], month.days[6], month.days[11]
    month.reports(*(Activity(day, HALF) for day in halves), without=halves)
    month.declared(month.full, "half_days", *halves)


def _neighbouring_month(planter: Planter) -> None:
    """A CRA from the last days of the month before on, all of which the client has declared."""
    month = Month(planter, SOUTH, 5)
    books, who = planter.books, month.who
    before = books.cra_of(who.id, shifted(planter.month, -1))
    spanning = books.cra_of(who.id, planter.month)
    *_, half, day = business_days(shifted(planter.month, -1))
    before.activities = [a for a in before.activities if a.day < half]
    before.end, spanning.start = half - timedelta(days=1), half
    before.total_days = before.production_days(before.start, before.end)
    month.reports(Activity(half, HALF), Activity(day, ONE))
    month.declared(month.full + GAP, "neighbouring_month", half, day)


def _second_mission(planter: Planter) -> None:
    """A day and a half at another client, which has declared nothing yet and is not looked at."""
    month = Month(planter, SOUTH, 6)
    books, who = planter.books, month.who
    half, day = month.days[-2:]
    month.reports(Activity(half, HALF), without=(half, day))
    other = _other_client(planter, who)
    here = books.cra_of(who.id, planter.month)
    elsewhere = replace(
        here,
        id=f"{here.id}9",
        client_id=other.client_id,
        contract_id=other.id,
        mission_id=f"{here.mission_id}-2",
        mission=f"Mission ponctuelle {books.clients[other.client_id].name}",
        activities=[Activity(half, HALF), Activity(day, ONE)],
        total_days=GAP,
    )
    books.cras[elsewhere.id] = elsewhere
    told = books.clients[other.client_id].name
    month.declared(month.full, "second_mission", others=(told,))


def _other_client(planter: Planter, who: Consultant) -> Contract:
    """A client of a mission beside the others, with its contract."""
    books = planter.books
    client = replace(
        books.clients[EAST],
        id="390",
        reference="CLI-390",
        name="Chantiers Kerouan",
        vat_number="FR38514236781",
        contacts=[],
    )
    books.clients[client.id] = client
    contract = replace(
        planter.contract(who),
        id="5900",
        client_id=client.id,
        reference=f"CTR-{planter.scope.as_of.year}-900",
        rates=[Rate(profile="Consultant", daily_rate=books.missions[who.id].sale_rate)],
    )
    books.contracts[contract.id] = contract
    return contract


def _swap(planter: Planter) -> None:
    """Two people of one client, on contracts of their own, each with the other's days."""
    more, less = Month(planter, EAST, 1), Month(planter, EAST, 2)
    half, day = less.days[4], less.days[5]
    more.reports()
    less.reports(Activity(half, HALF), without=(half, day))
    more.declared(more.full - GAP, "swap", others=(less.who.name,))
    less.declared(less.full, "swap", others=(more.who.name,))


def _without_cause(planter: Planter) -> None:
    """Three quarters of a day that nothing explains, in either direction."""
    over, under = Month(planter, EAST, 3), Month(planter, EAST, 4)
    over.reports()
    under.reports()
    over.declared(over.full + UNEXPLAINED, "none_found")
    under.declared(under.full - UNEXPLAINED - HALF, "none_found")
