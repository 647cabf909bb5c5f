"""The facts by which a client's row is decided, and what a person's word on them does.

`inputs` keeps every value that an outcome is computed from, and `replay_cra` computes it again by
the same expression. The fingerprint holds what a person decides on: what declaration, CRA and
contract say and the holds of billing, not what follows from a decision (an invoice, the status of a
CRA that ties, one sent back).
"""

import polars as pl

from transforms.clients import cra_outcomes as say
from transforms.clients.declared import AMBIGUOUS, FOUND, UNKNOWN
from transforms.clients.reported import OWN
from transforms.money import DAYS
from transforms.overrides import (
    APPROVED,
    DECISION,
    NOT_OVERRIDABLE,
    REJECTED,
    as_inputs,
    fingerprint,
    other_figures,
    overridden,
    stale_note,
    with_decisions,
)

COMPARED: dict[str, pl.DataType] = {
    "not_checked": pl.Boolean(),
    "client_id": pl.String(),
    "client_verdict": pl.String(),
    "person_verdict": pl.String(),
    "unsure": pl.Boolean(),
    "contract_ambiguous": pl.Boolean(),
    "declared_days": DAYS,
    "cra_days": DAYS,
    "draft_ids": pl.List(pl.String()),
    "inconsistent_ids": pl.List(pl.String()),
    "approved": pl.Boolean(),
}
"""What an outcome is computed from."""

_ALSO_TOLD = [
    "period",
    "consultant_id",
    "contract_id",
    "declaration_id",
    "cra_ids",
    "daily_rate",
    "currency",
    "rate_problem",
    "cras",
    "rejected",
    "decided_by",
    "decided_at",
    "billed_days",
    "billed_amount",
    "rest_days",
    "rest_amount",
    "billing_codes",
    "due",
]
DIFFERENCES = ["VALIDATED_CRA_DIFFERS", "CRA_CONFIRMED", "GAP_TOO_LARGE"]
"""Holds of a row that was compared and differs."""
_SEPARATOR = "-"


def difference() -> pl.Expr:
    """Declared days less CRA days; null where a side is absent."""
    return (pl.col("declared_days") - pl.col("cra_days")).cast(DAYS)


def outcome() -> pl.Expr:
    """The outcome of a row (reconciliation.md 1.2); the order of the cases is their precedence.

    An approval takes a line as read and a CRA by its lines. Of rows with the columns of COMPARED.
    """
    nobody = (pl.col("client_verdict") == FOUND) & (pl.col("person_verdict") == UNKNOWN)
    unsure = pl.col("unsure").fill_null(value=False) & ~pl.col("approved")
    unclear = (
        pl.col("client_id").is_null()
        | (pl.col("person_verdict") == AMBIGUOUS).fill_null(value=False)
        | unsure
    )
    inconsistent = (pl.col("inconsistent_ids").list.len() > 0) & ~pl.col("approved")
    unfit = (pl.col("draft_ids").list.len() > 0) | inconsistent
    return (
        pl.when("not_checked")
        .then(pl.lit(say.NOT_CHECKED))
        .when(unclear)
        .then(pl.lit(say.HELD))
        .when(nobody)
        .then(pl.lit(say.MISSING_ENTRY))
        .when("contract_ambiguous")
        .then(pl.lit(say.HELD))
        .when(pl.col("declared_days").is_null())
        .then(pl.lit(say.UNDECLARED))
        .when(pl.col("cra_days").is_null())
        .then(pl.lit(say.MISSING_CRA))
        .when(unfit)
        .then(pl.lit(say.HELD))
        .when(difference() == 0)
        .then(pl.lit(say.MATCHED))
        .when(difference() > 0)
        .then(pl.lit(say.OVER))
        .otherwise(pl.lit(say.UNDER))
    )


def replay_cra(inputs: str, policy: str) -> str:  # noqa: ARG001 - both sides replay alike
    """The outcome of a decision, computed again from what was kept of it.

    Args:
        inputs: JSON of `Billing.inputs`.
        policy: limits that it was made with; they hold rows back and decide no outcome.
    """
    kept = pl.Series("inputs", [inputs]).str.json_decode(pl.Struct(COMPARED))
    said: str = kept.struct.unnest().select(outcome()).item()
    return said


def own_fingerprint() -> pl.Expr:
    """The hash of what declaration, CRA and contract say of a row.

    CRAs count by their days: one that we validated, or sent back, is the same report.
    """
    return fingerprint(
        "client_id",
        "consultant_id",
        "contract_id",
        "client_verdict",
        "person_verdict",
        "contract_ambiguous",
        "unsure",
        "declared_days",
        "cra_days",
        "daily_rate",
        "currency",
        "rate_problem",
        "reported_elsewhere",
        "draft_ids",
        "said_days",
        "found_days",
        "confirmed_at",
    )


def judged(rows: pl.DataFrame, overrides: pl.DataFrame) -> pl.DataFrame:
    """Adds the person's decision on each row: DECISION, `own`, `made_on`, `approved`, `rejected`.

    It stands on the row's own facts here; the holds found on top of them are for `marked`.

    Args:
        rows: priced rows of `cra_matching`.
        overrides: OVERRIDES.
    """
    if overrides.is_empty():
        nobody = DECISION | {"made_on": pl.String(), "own": pl.String()}
        none = [pl.lit(None, dtype).alias(name) for name, dtype in nobody.items()]
        no = pl.lit(value=False)
        return rows.with_columns(*none, approved=no, rejected=no)
    about = rows.filter(pl.col("break_id").is_in(overrides["break_id"].to_list()))
    heads = overrides.with_columns(
        made_on="fingerprint", fingerprint=pl.col("fingerprint").str.split(_SEPARATOR).list.first()
    )
    made = heads.sort("decided_at").unique("break_id", keep="last").select("break_id", "made_on")
    told = (
        with_decisions(about.with_columns(fingerprint=own_fingerprint()), heads)
        .join(made, on="break_id", how="left")
        .select("break_id", *DECISION, "made_on", own="fingerprint")
    )
    stands = pl.col("stands").fill_null(value=False)
    return rows.join(told, on="break_id", how="left", maintain_order="left").with_columns(
        approved=(stands & (pl.col("decision") == APPROVED)).fill_null(value=False),
        rejected=(stands & (pl.col("decision") == REJECTED)).fill_null(value=False),
    )


def unread_judged(unread: pl.DataFrame, overrides: pl.DataFrame) -> pl.DataFrame:
    """Unreadable lines with `fingerprint`, DECISION, and `ignored`: a person lets it be."""
    own = fingerprint("declaration_id", "line_no", "line_text", "problem")
    told = with_decisions(unread.with_columns(fingerprint=own), overrides)
    ignored = pl.col("stands") & (pl.col("decision") == APPROVED).fill_null(value=False)
    return told.with_columns(ignored=ignored, approved=ignored)


def lifted(rows: pl.DataFrame, holds: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows with `found_mark`, and the holds of the comparison that no approval lifts.

    What keeps a row from being compared is lifted by an approval of its own facts; what the
    comparison then says of them only by one that knew of it.

    Args:
        rows: rows as `judged` left them.
        holds: their holds of the comparison.
    """
    differing = pl.col("code").is_in(DIFFERENCES)
    told = rows.join(
        _marks(holds.filter(differing), "found_mark"),
        on="break_id",
        how="left",
        maintain_order="left",
    )
    if told["decision"].null_count() == told.height:
        return told, holds
    left = pl.concat(
        [
            overridden(holds.filter(~differing), told.filter("approved")["break_id"]),
            overridden(holds.filter(differing), told.filter(_covers("found_mark"))["break_id"]),
        ]
    )
    return told, noted(left, told)


def noted(holds: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The holds, saying in `detail` that a decision was for other figures.

    A hold that could be lifted and is still there beside an approval is one that it did not know.
    """
    about = rows.filter(pl.col("decision").is_not_null())
    if about.is_empty() or holds.is_empty():
        return holds
    notes = about.select("break_id", "approved", stale=stale_note(), note=other_figures())
    unknown = pl.col("approved") & ~pl.col("code").is_in(list(NOT_OVERRIDABLE))
    note = pl.coalesce("stale", pl.when(unknown).then("note"))
    detail = pl.concat_str(note, "detail", separator="; ", ignore_nulls=True)
    return (
        holds.join(notes, on="break_id", how="left")
        .with_columns(detail=pl.when(note.is_not_null()).then(detail).otherwise("detail"))
        .select(holds.columns)
    )


def marked(rows: pl.DataFrame, found: pl.DataFrame, due: pl.DataFrame) -> pl.DataFrame:
    """Adds which holds of billing a person's approval covers: `covers`, `covers_due`.

    A decision covers what stood when it was made: `found_mark` and `due_mark` are the hashes of the
    holds of billing without and with the credit note that would be due.

    Args:
        rows: rows of billing, as `judged` left them.
        found: holds that keep a row from being billed.
        due: credit notes that would be due.
    """
    return (
        rows.join(_marks(found, "billing_mark"), on="break_id", how="left")
        .join(_marks(pl.concat([found, due]), "due_mark"), on="break_id", how="left")
        # a row that differs has nothing to bill, so that it has holds of one kind
        .with_columns(found_mark=pl.coalesce("found_mark", "billing_mark"))
        .drop("billing_mark")
        .with_columns(
            covers_due=_covers("due_mark"), covers=_covers("found_mark") | _covers("due_mark")
        )
    )


def _marks(holds: pl.DataFrame, name: str) -> pl.DataFrame:
    each = pl.struct("code", "subject_id", "expected", "actual")
    liftable = holds.filter(~pl.col("code").is_in(list(NOT_OVERRIDABLE)))
    if liftable.is_empty():
        return pl.DataFrame(schema={"break_id": pl.String, name: pl.String})
    return (
        liftable.sort("code", "subject_id", "expected", "actual")
        .group_by("break_id", maintain_order=True)
        .agg(told=each)
        .select("break_id", fingerprint("told").alias(name))
    )


def _covers(mark: str) -> pl.Expr:
    whole = pl.concat_str("own", mark, separator=_SEPARATOR)
    return (pl.col("approved") & (pl.col("made_on") == whole)).fill_null(value=False)


def settled(rows: pl.DataFrame) -> pl.DataFrame:
    """Sets whether the decision stands on all there is: on every hold that a person can lift.

    Args:
        rows: rows of billing with their final `holds`.
    """
    liftable = pl.col("holds").list.set_difference(list(NOT_OVERRIDABLE)).list.len() > 0
    return rows.with_columns(stands=pl.col("rejected") | (pl.col("approved") & ~liftable))


def decided(rows: pl.DataFrame) -> pl.DataFrame:
    """`break_id` and DECISION of the rows that a person decided on, or must decide on again.

    A row that waits for its consultant asks nobody, whatever was decided on it before.

    Args:
        rows: rows of billing, as `settled` left them.
    """
    asks = (pl.col("holds").list.len() > 0) & (pl.col("action") != say.WAIT_CONSULTANT)
    said = rows.filter(pl.col("decision").is_not_null(), pl.col("stands") | asks)
    return said.select("break_id", *DECISION).sort("break_id")


def inputs(rows: pl.DataFrame, reports: pl.DataFrame, unread: pl.DataFrame) -> pl.DataFrame:
    """What each row was decided on: `break_id`, `fingerprint`, `inputs` (JSON).

    A decision that stands keeps the fingerprint that it was made on.

    Args:
        rows: rows of billing, as `settled` left them.
        reports: CRA parts of each row, with `break_id`.
        unread: unreadable lines, as `unread_judged` left them.
    """
    cras = (
        reports.sort("cra_id", "part")
        .group_by("break_id", maintain_order=True)
        .agg(
            cras=pl.struct(
                "cra_id",
                "status",
                "updated_at",
                "month_days",
                "production_days",
                "total_days",
                "part_days",
                # the contract that these lines name, where the CRA names none for all of them
                part=pl.when(pl.col("part") != OWN).then("part"),
            )
        )
    )
    mark = pl.when("credit").then("due_mark").otherwise("found_mark")
    own = pl.concat_str(own_fingerprint(), mark, separator=_SEPARATOR, ignore_nulls=True)
    decided = rows.join(cras, on="break_id", how="left").select(
        "break_id",
        fingerprint=pl.when("stands").then("made_on").otherwise(own),
        inputs=as_inputs(*COMPARED, *_ALSO_TOLD),
    )
    lines = unread.select(
        "break_id",
        "fingerprint",
        inputs=as_inputs("declaration_id", "file_name", "line_no", "line_text", "problem"),
    )
    return pl.concat([decided, lines]).sort("break_id")
