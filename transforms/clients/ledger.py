"""What was billed: our own ledger, and what the vendor's invoices prove (reconciliation.md 1.4)."""

from dataclasses import dataclass

import polars as pl

from transforms.money import DAYS, MONEY
from transforms.names import plain

LEDGER: dict[str, pl.DataType] = {
    "reference": pl.String(),
    "contract_id": pl.String(),
    "consultant_id": pl.String(),
    "period": pl.String(),
    "days": DAYS,
    "amount": MONEY,
    "currency": pl.String(),
    "invoice_id": pl.String(),
    "billed_at": pl.Datetime("us", "UTC"),
}
OUR_PREFIX = "RAP-"
_OUR_LINE = r"· (?P<period>\d{4}-(?:0[1-9]|1[0-2])) · (?P<consultant>\S+)\s*$"
_OUR_QUARTER = rf"^{OUR_PREFIX}(20\d{{2}})-Q([1-4])-"
_ISO_MONTH = r"\b20\d{2}-(?:0[1-9]|1[0-2])\b"
_MONTH_NAMES = [
    ("janvier", "january"),
    ("fevrier", "february"),
    ("mars", "march"),
    ("avril", "april"),
    ("mai", "may"),
    ("juin", "june"),
    ("juillet", "july"),
    ("aout", "august"),
    ("septembre", "september"),
    ("octobre", "october"),
    ("novembre", "november"),
    ("decembre", "december"),
]
_NUMBERS = {name: number for number, pair in enumerate(_MONTH_NAMES, 1) for name in pair}
_MONTH_NAME = rf"\b(?:{'|'.join(_NUMBERS)})\b(?: 20\d{{2}})?"
_SAME_MONTH_FROM = 25
_NAMED = ["contract_id", "client_id", "period", "reference"]
_MONTHS = {
    **dict.fromkeys(_NAMED, pl.String()),
    "gone_at": pl.Datetime("us", "UTC"),
    "invoice_id": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Everything billed, and what stands in the way of billing.

    Attributes:
        net: by `contract_id`, `consultant_id`, `period`: `billed_days`, `billed_amount`,
            `billed_currency` (several: joined), `last_billed_at`, `flight_reference` (an invoice of
            ours that may be on its way).
        new: ledger rows that the vendor's invoices prove and the stored ledger does not have.
        by_hand: invoices that are not ours, by month: `contract_id` (null: any of the client),
            `client_id`, `period`, `invoice_id`, `reference`, `gone_at` (null: it is there).
        unassigned: credit notes with a line that names no consultant and month, likewise.
        cancelled: invoices of ours that a person cancelled, likewise.
        references: every reference that was ever used.
    """

    net: pl.DataFrame
    new: pl.DataFrame
    by_hand: pl.DataFrame
    unassigned: pl.DataFrame
    cancelled: pl.DataFrame
    references: frozenset[str]


def read_ledger(
    billed: pl.DataFrame, in_flight: pl.DataFrame, invoices: pl.DataFrame, lines: pl.DataFrame
) -> Ledger:
    """Puts together what was billed.

    Args:
        billed: recon.billing_ledger as stored; empty on a lost warehouse.
        in_flight: lines of our invoices that may exist at the vendor.
        invoices: core.client_invoices, deleted ones too: their references stay used.
        lines: core.client_invoice_lines.
    """
    told = _told(invoices, lines)
    ours, credit, gone = pl.col("ours"), pl.col("credit"), pl.col("gone")
    standing = told.filter(~gone)
    unknown = ~ours & ~credit
    # one in flight is counted by its command until that is settled, and then stored by it
    written = pl.concat([table.select(list(LEDGER)) for table in (billed, in_flight)])
    unproven = ours & ~pl.col("all_read") & ~_in(written, "reference")
    new = _proven(standing, written)
    counted = _standing_rows(billed, invoices)
    flying = in_flight.join(told.filter(gone), on="reference", how="anti").join(
        billed, on="reference", how="anti"
    )
    rows = pl.concat(
        [
            pl.concat([counted, new]).with_columns(flight_reference=pl.lit(None, dtype=pl.String)),
            flying.select(list(LEDGER)).with_columns(flight_reference="reference"),
        ]
    )
    return Ledger(
        net=_net(_dated(rows, invoices)),
        new=new,
        by_hand=_by_month(standing.filter(unknown | unproven)),
        unassigned=_by_month(standing.filter(credit & ~pl.col("line_read"))),
        cancelled=_cancelled(told.filter(gone & ours), billed),
        references=frozenset(
            pl.concat([table["reference"] for table in (billed, in_flight, invoices)])
        ),
    )


def _in(billed: pl.DataFrame, column: str, own: str | None = None) -> pl.Expr:
    return pl.col(own or column).is_in(billed[column].drop_nulls().to_list())


def _told(invoices: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Every invoice line with what it says of consultant and month, and whose invoice it is.

    A negative total is a credit note, whatever its reference and however its lines are signed.
    """
    read = pl.col("description").str.extract_groups(_OUR_LINE)
    own = lines.select(
        "client_invoice_id", "line_no", "description", "quantity", total="total_excl_tax"
    )
    return (
        invoices.select(
            "id",
            "reference",
            "client_id",
            "contract_id",
            "issue_date",
            "total_excl_tax",
            "currency",
            "status",
            "deleted_at",
            "updated_at",
        )
        .join(own, left_on="id", right_on="client_invoice_id", how="left")
        .with_columns(
            line_period=read.struct.field("period"),
            line_consultant=read.struct.field("consultant"),
            credit=pl.col("total_excl_tax") < 0,
            gone=pl.col("deleted_at").is_not_null() | (pl.col("status") == "cancelled"),
            gone_at=pl.coalesce("deleted_at", "updated_at"),
        )
        .with_columns(
            ours=pl.col("reference").str.starts_with(OUR_PREFIX) & ~pl.col("credit"),
            line_read=pl.col("line_period").is_not_null()
            & pl.col("quantity").is_not_null()
            & pl.col("contract_id").is_not_null(),
        )
        .with_columns(all_read=pl.col("line_read").all().over("id"))
    )


def _proven(standing: pl.DataFrame, billed: pl.DataFrame) -> pl.DataFrame:
    """Ledger rows of our readable invoices and of credit notes by such lines, not stored yet.

    A second invoice under a reference of ours is a second invoice: somebody copied it.
    """
    unnamed = billed.filter(pl.col("invoice_id").is_null())
    ours_named = _in(billed, "invoice_id", "id") | _in(unnamed, "reference")
    days = pl.when("credit").then(-pl.col("quantity").abs()).otherwise("quantity")
    amount = pl.when("credit").then(-pl.col("total").abs()).otherwise("total")
    issued = pl.col("issue_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    fresh = (pl.col("ours") & pl.col("all_read") & ~ours_named) | (
        pl.col("credit") & pl.col("line_read") & ~_in(billed, "invoice_id", "id")
    )
    return (
        standing.filter(fresh)
        .select(
            "reference",
            "contract_id",
            "currency",
            consultant_id="line_consultant",
            period="line_period",
            days=days.cast(DAYS),
            amount=amount.cast(MONEY),
            invoice_id="id",
            billed_at=pl.coalesce("updated_at", issued),
        )
        .select(list(LEDGER))
        .sort("invoice_id", "period", "consultant_id", "amount")
    )


def _standing_rows(billed: pl.DataFrame, invoices: pl.DataFrame) -> pl.DataFrame:
    """Stored rows but those of invoices that were cancelled or deleted since."""
    gone = invoices.filter(pl.col("deleted_at").is_not_null() | (pl.col("status") == "cancelled"))
    alive = invoices.join(gone, on="id", how="anti")
    lost = gone.join(alive, on="reference", how="anti")
    by_id = pl.col("invoice_id").is_in(gone["id"].to_list()).fill_null(value=False)
    by_reference = pl.col("invoice_id").is_null() & pl.col("reference").is_in(
        lost["reference"].to_list()
    )
    return billed.select(list(LEDGER)).filter(~by_id & ~by_reference)


def _dated(rows: pl.DataFrame, invoices: pl.DataFrame) -> pl.DataFrame:
    """Adds when a row was billed at the latest.

    The time stamp of a vendor's invoice moves with every change: its issue date bounds it.
    """
    day = pl.col("issue_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    issued = invoices.select(invoice_id="id", day_over=day + pl.duration(days=1))
    at = pl.when(pl.col("days") > 0).then(pl.min_horizontal("billed_at", "day_over"))
    return rows.join(issued, on="invoice_id", how="left").with_columns(standing_at=at)


def _net(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("contract_id", "consultant_id", "period").agg(
        billed_days=pl.col("days").sum().cast(DAYS),
        billed_amount=pl.col("amount").sum().cast(MONEY),
        billed_currency=pl.col("currency")
        .drop_nulls()
        .unique()
        .sort()
        .str.join("+")
        .replace("", None),
        flight_reference=pl.col("flight_reference").max(),
        last_billed_at=pl.col("standing_at").max(),
    )


def _cancelled(gone: pl.DataFrame, billed: pl.DataFrame) -> pl.DataFrame:
    """The contracts and months of our cancelled invoices: by their lines, and by our ledger."""
    if gone.is_empty():
        return pl.DataFrame(schema=_MONTHS)
    stored = billed.select("reference", stored_period="period").unique()
    return (
        gone.join(stored, on="reference", how="left")
        .with_columns(period=pl.concat_list("line_period", "stored_period"))
        .explode("period")
        .with_columns(
            period=pl.coalesce(
                "period", pl.col("reference").str.extract(f"({_ISO_MONTH})"), _quarter_end()
            )
        )
        .drop_nulls("period")
        .select(*_NAMED, "gone_at", invoice_id="id")
        .unique()
    )


def _by_month(told: pl.DataFrame) -> pl.DataFrame:
    """The months that an invoice is for: those it names, else by its issue date.

    From the 25th on an invoice is for its own month, before that for the month before. A month
    name without a year is the latest such month by then.
    """
    if told.is_empty():
        return pl.DataFrame(schema=_MONTHS)
    issue = pl.col("issue_date")
    guessed = (
        pl.when(issue.dt.day() >= _SAME_MONTH_FROM)
        .then(issue)
        .otherwise(issue.dt.offset_by("-1mo"))
        .dt.strftime("%Y-%m")
    )
    text = pl.concat_str(
        "reference", pl.col("description").str.join(" "), separator=" ", ignore_nulls=True
    )
    return (
        told.group_by("id", "reference", "client_id", "contract_id", "issue_date")
        .agg(text=text.first())
        .with_columns(
            iso=pl.col("text").str.replace_all(r"[\p{L}_]", " ").str.extract_all(_ISO_MONTH),
            named=plain(pl.col("text")).str.extract_all(_MONTH_NAME),
        )
        .with_columns(named=pl.col("named").list.eval(_named_month()))
        .explode("named", empty_as_null=True)
        .with_columns(named=_with_year(pl.col("named"), issue))
        .with_columns(
            period=pl.concat_list("iso", pl.concat_list("named", _quarter_end()))
            .list.drop_nulls()
            .list.unique()
        )
        .with_columns(
            period=pl.when(pl.col("period").list.len() > 0)
            .then("period")
            .otherwise(pl.concat_list(guessed))
        )
        .explode("period")
        .select(*_NAMED, pl.lit(None, pl.Datetime("us", "UTC")).alias("gone_at"), invoice_id="id")
        .unique()
    )


def _quarter_end() -> pl.Expr:
    """The last month of the quarter that a reference of ours names (`RAP-2026-Q4-…`)."""
    quarter = pl.col("reference").str.extract(_OUR_QUARTER, 2).cast(pl.Int32)
    month = (quarter * 3).cast(pl.String).str.zfill(2)
    return pl.col("reference").str.extract(_OUR_QUARTER, 1) + "-" + month


def _named_month() -> pl.Expr:
    """`octobre 2026` as `2026-10`, `octobre` as `-10`."""
    name = pl.element().str.extract(r"^(\w+)")
    number = name.replace_strict(_NUMBERS, default=None, return_dtype=pl.Int64)
    year = pl.element().str.extract(r"(20\d{2})").fill_null("")
    return year + "-" + number.cast(pl.String).str.zfill(2)


def _with_year(month: pl.Expr, issue: pl.Expr) -> pl.Expr:
    number = month.str.slice(-2).cast(pl.Int32)
    year = issue.dt.year() - (number > issue.dt.month().cast(pl.Int32)).cast(pl.Int32)
    return (
        pl.when(month.str.len_chars() > len("-10"))
        .then(month)
        .otherwise(year.cast(pl.String) + month)
    )
