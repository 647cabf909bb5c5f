"""The holds of the comparison, each with its figures (reconciliation.md 1.2)."""

import polars as pl

from transforms.clients.cra_outcomes import NO_HOLDS, OVER, UNDER, conform, holds_of
from transforms.clients.declared import AMBIGUOUS, FOUND, UNKNOWN
from transforms.declarations.forms import PERIOD_AMBIGUOUS, SENDER_UNKNOWN, UNREADABLE
from transforms.holds import HOLDS
from transforms.policy import Policy
from transforms.words.figures import days_text, limit_text, sentence

_PERCENT_UNITS = 10_000
_EXPECTED = {
    PERIOD_AMBIGUOUS: "one month with its year",
    SENDER_UNKNOWN: "an address among one client's contacts",
}


def _some(ids: str) -> pl.Expr:
    return pl.col(ids).list.len() > 0


def _units(value: pl.Expr) -> pl.Expr:
    return value.cast(pl.Decimal(38, 4)).to_physical().cast(pl.Int128)


def _gap(policy: Policy) -> pl.Expr:
    """Whether the gap goes beyond a limit; equal to it passes, `off` is not checked.

    The percent is compared in whole ten-thousandths, so that nothing is rounded.
    """
    beyond = []
    if policy.billing.gap_days != "off":
        beyond.append(pl.col("difference_days").abs() > pl.lit(policy.billing.gap_days))
    if policy.billing.gap_percent != "off":
        percent = int(policy.billing.gap_percent * _PERCENT_UNITS)
        allowed = _units(pl.col("contract_amount")) * percent
        beyond.append(_units(pl.col("difference_amount").abs()) * (100 * _PERCENT_UNITS) > allowed)
    return pl.any_horizontal(*beyond, pl.lit(value=False)).fill_null(value=False)


def _gap_limits(policy: Policy) -> str:
    return (
        f"{limit_text(policy.billing.gap_days, 'd')}, "
        f"{limit_text(policy.billing.gap_percent, '%')} of the contract's declared amount"
    )


def comparison_holds(decided: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Every hold of 1.1 and 1.2 on the rows, as recon.holds.

    Args:
        decided: decided rows of `cra_matching`.
        policy: limits of gaps.
    """
    found = [*_party_holds(decided), *_line_holds(decided), *_report_holds(decided)]
    return pl.concat([*found, *_difference_holds(decided, policy)])


def _line_holds(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """What the declared line leaves open: its reading, its contract."""
    unsure = holds_of(
        rows,
        "LOW_CONFIDENCE",
        pl.col("unsure").fill_null(value=False),
        tolerance="0.85",
        detail=pl.when(pl.col("doubt").list.len() > 0)
        .then(pl.lit("read with too little confidence: ") + pl.col("doubt").list.join("; "))
        .otherwise(pl.lit("the line was read with too little confidence")),
    )
    ambiguous = holds_of(
        rows,
        "CONTRACT_AMBIGUOUS",
        pl.col("contract_ambiguous") & (pl.col("consultant_id") != "unknown"),
        expected="one contract",
        actual=pl.coalesce("declared_contract", pl.lit("none named")),
        detail=pl.lit("among ") + pl.coalesce("contracts_text", pl.lit("none")),
    )
    return [unsure, ambiguous]


def _report_holds(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """CRAs of a declared row that cannot be compared yet."""
    paired = pl.col("declared_days").is_not_null() & pl.col("client_id").is_not_null()
    draft = holds_of(
        rows,
        "CRA_NOT_SUBMITTED",
        paired & _some("draft_ids"),
        expected="submitted",
        actual="draft",
        detail=pl.lit("CRA ") + pl.col("draft_ids").list.join(", "),
    )
    inconsistent = holds_of(
        rows,
        "CRA_TOTAL_INCONSISTENT",
        paired & _some("inconsistent_ids"),
        expected=days_text(pl.col("said_days")),
        actual=days_text(pl.col("found_days")),
        detail=pl.lit("its total against the production lines of CRA ")
        + pl.col("inconsistent_ids").list.join(", "),
    )
    return [draft, inconsistent]


def _difference_holds(rows: pl.DataFrame, policy: Policy) -> list[pl.DataFrame]:
    """Differences that a person decides on before, or instead of, an invalidation."""
    differs = pl.col("outcome").is_in([OVER, UNDER])
    sides = {
        "expected": days_text(pl.col("declared_days")),
        "actual": days_text(pl.col("cra_days")),
    }
    validated = holds_of(
        rows,
        "VALIDATED_CRA_DIFFERS",
        differs & _some("validated_ids"),
        **sides,
        detail=pl.lit("CRA ") + pl.col("validated_ids").list.join(", "),
    )
    confirmed = holds_of(
        rows,
        "CRA_CONFIRMED",
        differs & _some("confirmed_ids") & ~_some("dead_ids"),
        **sides,
        detail="resubmitted with the days for which it was invalidated",
    )
    gap = holds_of(
        rows,
        "GAP_TOO_LARGE",
        differs & _gap(policy),
        **sides,
        tolerance=_gap_limits(policy),
        detail=days_text(pl.col("difference_days").abs()) + pl.lit(" apart"),
    )
    return [validated, confirmed, gap]


def _party_holds(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Who is not known: the client, the consultant, or which of several."""
    said = pl.coalesce("client", pl.lit("a CRA without client"))
    several = pl.col("client_verdict") == AMBIGUOUS
    nobody = (pl.col("client_verdict") == FOUND) & (pl.col("person_verdict") == UNKNOWN)
    asked = pl.coalesce("candidates", pl.lit("no name that is 80 % alike"))
    return [
        holds_of(
            rows,
            "CLIENT_UNKNOWN",
            pl.col("client_id").is_null() & ~several.fill_null(value=False),
            expected="a client's id, reference or name",
            actual=said,
        ),
        holds_of(
            rows,
            "NAME_AMBIGUOUS",
            several | (pl.col("person_verdict") == AMBIGUOUS),
            expected="one person or client",
            actual=pl.when(several).then(pl.col("client")).otherwise(pl.col("declared_name")),
            detail=pl.when(several).then(pl.lit("several clients")).otherwise(asked),
        ),
        holds_of(
            rows,
            "MISSING_ENTRY",
            nobody,
            expected="a consultant",
            actual=pl.col("declared_name"),
            tolerance="score of 92 of 100 and 5 ahead",
            detail=asked,
        ),
    ]


def unread_holds(lines: pl.DataFrame) -> pl.DataFrame:
    """`DECLARATION_UNREADABLE` for every line or file that could not be read.

    `PERIOD_AMBIGUOUS` where only its month is not told, `SENDER_UNKNOWN` for a mail of nobody.

    Args:
        lines: unreadable declaration lines, with `break_id`.
    """
    no_month = pl.col("problem_code") == PERIOD_AMBIGUOUS
    of_line = sentence("the month of this line cannot be told: {}", "line_text")
    problem = pl.when(no_month & (pl.col("line_no") > 0)).then(of_line).otherwise("problem")
    if lines.is_empty():
        return NO_HOLDS
    held = lines.with_columns(
        subject=pl.lit("declaration"),
        subject_id=pl.col("declaration_id"),
        code=pl.col("problem_code").fill_null(UNREADABLE),
        severity=pl.lit("warning"),
        expected=pl.col("problem_code").replace_strict(
            _EXPECTED, default="client,consultant,period,days", return_dtype=pl.String
        ),
        actual=pl.col("line_text"),
        tolerance=pl.lit(None, dtype=pl.String),
        amount_at_stake=pl.col("amount"),
        detail=pl.when(pl.col("line_no") == 0)
        .then(sentence("{}, the whole file: {}", "file_name", problem))
        .otherwise(sentence("{}, line {}: {}", "file_name", "line_no", problem)),
    )
    return conform(held, HOLDS)
