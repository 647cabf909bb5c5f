"""Receipts of purchase order lines: the production days of their consultant (reconciliation.md 2).

A day of a CRA that names a purchase order counts for that one alone. Another counts for the
person's order covering the date, the older first until its quantity is used; what is beyond all of
them counts for the newest. Days that an earlier decision has consumed stay with the order line
that consumed them. An order that is draft or cancelled receives only what no other order covers.

Quantities are Int64 ten-thousandths of a day; `order_line` numbers the lines of purchase orders.
"""

from collections.abc import Collection

import polars as pl

from transforms.money import DAYS, of_units
from transforms.names import best_fuzzy, prepared

_DAY = ["cra", "date"]
_RECEIPT = ["order_line", "cra", "date", "quantity", "pinned"]
_PLACE = ["order_line", "start_date", "end_date", "dead", "ordered", "age"]


def units(days: pl.Expr) -> pl.Expr:
    """Days or money of 4 places as an exact Int64 in ten-thousandths."""
    return days.to_physical().cast(pl.Int64)


def days(ten_thousandths: pl.Expr) -> pl.Expr:
    """Ten-thousandths as days."""
    return of_units(ten_thousandths).cast(DAYS)


def people(lines: pl.DataFrame, consultants: pl.DataFrame) -> pl.DataFrame:
    """Who the lines of purchase orders mean: by id, else by name as reconciliation.md 1.1 says.

    Args:
        lines: `core.purchase_order_lines`.
        consultants: `core.consultants`.

    Returns:
        `purchase_order_id`, `line_no`, `consultant_id` (null when nobody or several are meant)
        and `person` (the prepared name, null when there is none), in the row order of `lines`.
    """
    full_name = prepared(pl.concat_str("first_name", "last_name", separator=" "))
    known = consultants.filter(pl.col("deleted_at").is_null()).select(key="id", name=full_name)
    written = lines.select(
        "purchase_order_id",
        "line_no",
        "consultant_id",
        written=prepared(pl.col("consultant")).replace("", None),
    )
    names = written.filter(pl.col("consultant_id").is_null()).select(name="written").drop_nulls()
    found = _named(names.unique(), known)
    everyone = consultants.select(key="id", name=full_name).unique("key")
    return (
        written.join(found, left_on="written", right_on="name", how="left", maintain_order="left")
        .with_columns(consultant_id=pl.coalesce("consultant_id", "found"))
        .join(everyone, left_on="consultant_id", right_on="key", how="left", maintain_order="left")
        .select(
            "purchase_order_id",
            "line_no",
            "consultant_id",
            person=pl.coalesce("name", "written"),
        )
    )


def _named(names: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The consultant of each name: the exact and only one, else the one alike."""
    if names.is_empty():
        return names.with_columns(found="name")
    exact = names.join(known, on="name").group_by("name").agg(ids=pl.col("key").unique())
    others = names.join(exact, on="name", how="anti").select("name", key="name")
    alike = best_fuzzy(others, known).filter(pl.col("verdict") == "taken")
    one = exact.filter(pl.col("ids").list.len() == 1)
    return pl.concat(
        [
            one.select("name", found=pl.col("ids").list.first()),
            alike.select(name="key", found="candidate"),
        ]
    )


def receive(
    order_lines: pl.DataFrame,
    cras: pl.DataFrame,
    cra_days: pl.DataFrame,
    consumed: pl.DataFrame,
    statuses: Collection[str],
) -> pl.DataFrame:
    """The days that each line of a purchase order has received.

    Args:
        order_lines: `order_line`, `po_id`, `po_line`, `consultant_id`, `start_date`, `end_date`,
            `dead` (draft or cancelled), `ordered`.
        cras: `core.cras`.
        cra_days: `core.cra_days`.
        consumed: earlier `recon.receipt_consumption`.
        statuses: statuses in which a CRA is a receipt.

    Returns:
        `order_line`, `cra` (its place by id, from 0), `date`, `quantity`, `pinned` (consumed by an
        earlier decision); one row a CRA, date, order line and pinned.
    """
    reports = numbered(cras).filter(
        pl.col("deleted_at").is_null() & pl.col("status").is_in(list(statuses))
    )
    places = _places(reports, order_lines)
    worked = _worked(cra_days, reports, places, consumed)
    pinned = _pinned(
        worked, _consumed_net(_consumed_of(consumed, cras, reports, worked), order_lines)
    )
    free = _free(worked, pinned)
    received = [pinned.drop_nulls("order_line").select(_RECEIPT)]
    for said in (True, False):
        here = places.filter(pl.col("said") == said).drop("said")
        if not here.is_empty():
            received.append(_allotted(free, here, pl.concat(received)))
    return pl.concat(received)


def numbered(cras: pl.DataFrame) -> pl.DataFrame:
    """The CRAs with their place by id, so that no row order decides."""
    return cras.sort("id").with_row_index("cra")


def _places(reports: pl.DataFrame, order_lines: pl.DataFrame) -> pl.DataFrame:
    """Order lines that a CRA's days may count for; `said` where the CRA names the order."""
    lines = (
        order_lines.drop_nulls("consultant_id")
        .sort("start_date", "order_line")
        .with_columns(age=pl.int_range(pl.len()).over("consultant_id"), said_po="po_id")
        .select(*_PLACE, "consultant_id", "said_po")
    )
    by_name = reports.join(
        lines,
        left_on=["consultant_id", "purchase_order_id"],
        right_on=["consultant_id", "said_po"],
    )
    by_person = reports.filter(pl.col("purchase_order_id").is_null()).join(
        lines, on="consultant_id"
    )
    return pl.concat(
        [
            by_name.select("cra", *_PLACE, said=pl.lit(value=True)),
            by_person.select("cra", *_PLACE, said=pl.lit(value=False)),
        ]
    )


def _worked(
    cra_days: pl.DataFrame, reports: pl.DataFrame, places: pl.DataFrame, consumed: pl.DataFrame
) -> pl.DataFrame:
    """Production days by CRA and date, of CRAs that may be or were a receipt."""
    looked_at = reports.select("cra", cra_id="id").filter(
        pl.col("cra").is_in(places.get_column("cra").unique().implode())
        | pl.col("cra_id").is_in(consumed.get_column("cra_id").unique().implode())
    )
    return (
        cra_days.lazy()
        .filter((pl.col("type_code") == "production") & (pl.col("duration") > 0))
        .join(looked_at.lazy(), on="cra_id")
        .group_by("cra", "date")
        .agg(quantity=units(pl.col("duration")).sum())
        .collect()
    )


def _consumed_of(
    consumed: pl.DataFrame, cras: pl.DataFrame, reports: pl.DataFrame, worked: pl.DataFrame
) -> pl.DataFrame:
    """Consumption by the CRA that reports its day now.

    A day whose CRA was replaced by another is the same day: it must not be received once more.
    """
    standing = reports.select("cra", cra_id="id")
    kept = consumed.join(standing, on="cra_id")
    lost = consumed.join(standing, on="cra_id", how="anti")
    if lost.is_empty():
        return kept
    instead = (
        worked.join(reports.select("cra", "consultant_id"), on="cra")
        .sort("cra")
        .unique(["consultant_id", "date"], keep="first", maintain_order=True)
    )
    moved = lost.join(cras.select("consultant_id", cra_id="id"), on="cra_id").join(
        instead.select("consultant_id", "date", "cra"), on=["consultant_id", "date"]
    )
    return pl.concat([kept, moved.drop("consultant_id")], how="diagonal")


def _consumed_net(consumed: pl.DataFrame, order_lines: pl.DataFrame) -> pl.DataFrame:
    orders = order_lines.select("order_line", "po_line", purchase_order_id="po_id")
    return (
        consumed.join(orders, on=["purchase_order_id", "po_line"], how="left")
        .group_by("cra", "date", "purchase_order_id", "po_line", "order_line")
        .agg(net=units(pl.col("quantity")).sum())
        .filter(pl.col("net") > 0)
        .sort("cra", "date", "purchase_order_id", "po_line")
    )


def _pinned(worked: pl.DataFrame, net: pl.DataFrame) -> pl.DataFrame:
    """Consumed days, never more of a day than was worked."""
    left_over = pl.col("quantity") - (pl.col("net").cum_sum() - pl.col("net")).over(_DAY)
    held = pl.min_horizontal("net", pl.max_horizontal(0, left_over))
    return net.join(worked, on=_DAY, maintain_order="left").with_columns(
        quantity=held, pinned=pl.lit(value=True)
    )


def _free(worked: pl.DataFrame, pinned: pl.DataFrame) -> pl.DataFrame:
    if pinned.is_empty():
        return worked
    taken = pinned.group_by(_DAY).agg(taken=pl.col("quantity").sum())
    rest = pl.col("quantity") - pl.col("taken").fill_null(0)
    return (
        worked.join(taken, on=_DAY, how="left")
        .select(*_DAY, quantity=rest)
        .filter(pl.col("quantity") > 0)
    )


def _allotted(free: pl.DataFrame, places: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Days by order line; where several lines cover a day, the older until it is used."""
    pairs = free.join(places, on="cra").filter(pl.col("date").is_between("start_date", "end_date"))
    if pairs.get_column("dead").any():
        pairs = pairs.filter(~pl.col("dead") | pl.col("dead").all().over(_DAY))
    several = places.filter(pl.len().over("cra") > 1).select("cra").unique()
    crowd = (
        pairs.join(several, on="cra", how="semi")
        .filter(pl.len().over(_DAY) > 1)
        .select("order_line")
        .unique()
    )
    apart = pairs.join(crowd, on="order_line", how="anti").select(_RECEIPT[:-1])
    if not crowd.is_empty():
        # the whole of a line's days, for those that only it can take use it up as well
        shared = pairs.join(crowd, on="order_line", how="semi")
        apart = pl.concat([apart, _older_first(shared, before)])
    return apart.with_columns(pinned=pl.lit(value=False))


def _older_first(shared: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Rounds over whole frames: everyone's oldest line takes its days, then the next line.

    A day goes to the oldest line with room; that is each line in turn taking the earliest days
    that are left. One round a line of a person, never one a day.
    """
    used = before.group_by("order_line").agg(used=pl.col("quantity").sum())
    room = pl.max_horizontal(0, pl.col("ordered") - pl.col("used").fill_null(0))
    pairs = shared.join(used, on="order_line", how="left").with_columns(room=room)
    rest, taken = shared.select(*_DAY, "quantity").unique(), []
    for age in pairs.get_column("age").unique().sort():
        here = pairs.filter(pl.col("age") == age).drop("quantity").join(rest, on=_DAY)
        share = _share(here)
        taken.append(share.select(_RECEIPT[:-1]))
        left = pl.col("quantity") - pl.col("quantity_right").fill_null(0)
        rest = (
            rest.join(share, on=_DAY, how="left")
            .select(*_DAY, quantity=left)
            .filter(pl.col("quantity") > 0)
        )
    newest = pairs.filter(pl.col("age") == pl.col("age").max().over(_DAY)).drop("quantity")
    taken.append(newest.join(rest, on=_DAY).select(_RECEIPT[:-1]))
    return pl.concat(taken).group_by("order_line", *_DAY).agg(pl.col("quantity").sum())


def _share(here: pl.DataFrame) -> pl.DataFrame:
    earlier = (pl.col("quantity").cum_sum() - pl.col("quantity")).over("order_line")
    return (
        here.sort("order_line", "date", "cra")
        .with_columns(
            quantity=pl.min_horizontal("quantity", pl.max_horizontal(0, pl.col("room") - earlier))
        )
        .filter(pl.col("quantity") > 0)
    )
