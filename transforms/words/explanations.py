"""One sentence for each row of the comparison and of the three-way match, in French or English.

What is seen with its figures, the cause that the data show, and what holds the row. Sentences are
made for the rows that need them; the others share one for like figures.
"""

from collections.abc import Mapping

import polars as pl

from transforms.clients import cra_outcomes as say
from transforms.clients.billing import Billing
from transforms.overrides import with_words
from transforms.policy import Policy
from transforms.suppliers.po_matching import BillMatching
from transforms.words.cause_words import cause_words
from transforms.words.figures import sentence
from transforms.words.languages import Language, days_words, money_words
from transforms.words.legend import titles
from transforms.words.phrases import COLUMNS, NO_NAMES, Names, in_words, phrase_said
from transforms.words.sentences import BILL, CRA, HELD_BY, HOLD

_SAID_BY_OUTCOME = ["MISSING_ENTRY"]


def explained_cras(
    billing: Billing,
    causes: pl.DataFrame,
    policy: Policy,
    language: Language,
    names: Names = NO_NAMES,
) -> pl.DataFrame:
    """The rows of recon.cra_matches with their `explanation`.

    Args:
        billing: what the comparison and `propose_invoices` decided.
        causes: what `find_causes` says of it.
        policy: whose limits may be off, which the row says.
        language: of the sentences.
        names: what ids are called.
    """
    matches = billing.matches
    decided = pl.col("break_id").is_in(billing.decided.filter("stands")["break_id"].to_list())
    ties = (pl.col("outcome") == say.MATCHED) & (pl.col("holds").list.len() == 0)
    figures = matches.filter(ties).select("declared_days").unique()
    fits = sentence(CRA[language][say.MATCHED], _days("declared_days", language))
    same = matches.filter(ties).select("break_id", "declared_days")
    plain = same.join(
        figures.with_columns(explanation=fits), on="declared_days", nulls_equal=True
    ).select("break_id", "explanation")
    holds = in_words(_gravest(billing.holds), language, names)
    others = _with_reasons(matches.filter(~ties), holds, causes, language).with_columns(
        decided=decided
    )
    off = {"gap_days": policy.billing.gap_days, "gap_percent": policy.billing.gap_percent}
    unlimited = [name for name, limit in off.items() if limit == "off"]
    said = [
        others.filter(pl.col("outcome") == outcome).select("break_id", explanation=words)
        for outcome, words in _cra_sentences(language, unlimited, policy).items()
    ]
    told = _ended(_filled(matches, pl.concat([plain, *said])), "outcome", language)
    return with_words(told, billing.decided, language)


def _cra_sentences(
    language: Language, unlimited: list[str], policy: Policy
) -> Mapping[str, pl.Expr]:
    """The sentence of each outcome."""
    words = CRA[language]
    nothing, no_cra = pl.lit(words["nothing"]), pl.lit(words["no_cra"])
    declared = pl.coalesce(_days("declared_days", language), nothing)
    reported = pl.coalesce(_days("cra_days", language), no_cra)
    gap = pl.col("difference_days").abs()
    amount = money_words(pl.col("difference_amount").abs(), pl.col("currency"), language)
    worth = pl.coalesce(sentence(" ({})", amount), pl.lit(""))
    off = pl.lit(words["off"].format(", ".join(unlimited)) if unlimited else "")
    priceless = pl.col("difference_amount").is_null() & pl.lit(policy.billing.gap_percent != "off")
    unpriced = pl.when(priceless).then(pl.lit(words["unpriced"])).otherwise(pl.lit(""))
    apart = [declared, reported, days_words(gap, language)]
    tail, held = pl.col("cause_words"), _inside(pl.col("hold_words"))
    open_hold = pl.when(~pl.col("decided")).then(pl.lit(words["also"]) + held)
    also = pl.coalesce(open_hold, pl.lit(""))
    return {
        say.MATCHED: sentence(words[say.MATCHED], declared) + also,
        say.OVER: sentence(words[say.OVER], *apart) + worth + tail + also + off + unpriced,
        say.UNDER: sentence(words[say.UNDER], *apart) + worth + tail + also + off + unpriced,
        say.MISSING_CRA: sentence(words[say.MISSING_CRA], declared) + tail + also,
        say.MISSING_ENTRY: sentence(
            words[say.MISSING_ENTRY], declared, pl.coalesce("declared_name", pl.lit("?"))
        )
        + tail
        + also,
        say.UNDECLARED: sentence(words[say.UNDECLARED], reported) + tail + also,
        say.HELD: sentence(words[say.HELD], declared, reported, pl.coalesce(held, pl.lit("?")))
        + tail,
        say.NOT_CHECKED: pl.lit(words[say.NOT_CHECKED]),
    }


def explained_bills(
    matching: BillMatching, causes: pl.DataFrame, language: Language, names: Names = NO_NAMES
) -> pl.DataFrame:
    """The rows of recon.po_matches with their `explanation`.

    Args:
        matching: what `match_bills` decided.
        causes: what `find_bill_causes` says of it.
        language: of the sentences.
        names: what ids are called.
    """
    matches, remarks = matching.matches, matching.remarks
    decided = pl.col("break_id").is_in(matching.decided.filter("stands")["break_id"].to_list())
    words = BILL[language]
    proven = (pl.col("matchable_qty") == pl.col("invoiced_qty")) & (
        pl.col("received_qty") >= pl.col("invoiced_qty")
    )
    ties = (
        (pl.col("status") == "matched")
        & (pl.col("holds").list.len() == 0)
        & (proven & (pl.col("invoiced_amount") >= 0)).fill_null(value=False)
        & ~decided
    )
    price = money_words(pl.col("invoiced_price"), pl.col("currency"), language)
    fits = sentence(words["matched"], _days("invoiced_qty", language), price)
    keys = ["invoiced_qty", "invoiced_price", "currency"]
    same = matches.filter(ties).select("break_id", *keys)
    figures = same.select(keys).unique().with_columns(explanation=fits)
    plain = same.join(figures, on=keys, nulls_equal=True).select("break_id", "explanation")
    holds = in_words(_gravest(matching.holds), language, names)
    others = _with_reasons(matches.filter(~ties), holds, causes, language).join(
        remarks.select("break_id", "unchecked"), on="break_id", how="left"
    )
    said = others.with_columns(decided=decided).select(
        "break_id", explanation=_bill_sentence(language)
    )
    told = _remarked(_filled(matches, pl.concat([plain, said])), remarks, language)
    return with_words(_ended(told, "status", language), matching.decided, language)


def _bill_sentence(language: Language) -> pl.Expr:
    """What is said of a line that does not simply match."""
    words = BILL[language]
    invoiced = pl.coalesce(_days("invoiced_qty", language), pl.lit("?"))
    proven = money_words(pl.col("proven_amount"), pl.col("currency"), language)
    amount = money_words(pl.col("invoiced_amount").abs(), pl.col("currency"), language)
    part = sentence(words["partial"], _days("matchable_qty", language), invoiced, proven)
    own = pl.col("holds").list.len() > 0
    covered = (pl.col("matchable_qty") == pl.col("invoiced_qty")) & (
        pl.col("received_qty") < pl.col("invoiced_qty")
    )
    review = pl.col("status") == "review"
    known = pl.coalesce(proven, pl.lit(words["nothing"]))
    unchecked = pl.coalesce("unchecked", pl.lit("")).map_batches(
        lambda texts: texts.replace(
            {text: phrase_said(text, language) for text in texts.unique().to_list()}
        ),
        return_dtype=pl.String,
    )
    return (
        pl.when(pl.col("status") == "not_checked")
        .then(sentence(words["not_checked"], unchecked))
        .when(review & own)
        .then(pl.coalesce("hold_words", pl.lit("?")) + pl.col("cause_words"))
        .when(own & (pl.col("matchable_qty") > 0))
        .then(pl.coalesce(part, pl.lit("?")) + pl.col("cause_words"))
        .when(own)
        .then(sentence(words["pending_receipt"], invoiced) + pl.col("cause_words"))
        .when(pl.col("invoiced_amount") < 0)
        .then(sentence(words["credit"], amount))
        .when(covered & ~pl.col("decided"))
        .then(sentence(words["credited"], _days("received_qty", language), invoiced))
        .when("decided")
        .then(sentence(words["decided"], amount, known))
        .otherwise(pl.lit(words["beside"]))
    )


def _remarked(rows: pl.DataFrame, remarks: pl.DataFrame, language: Language) -> pl.DataFrame:
    """Adds that a bill is registered already, and what the policy leaves unchecked."""
    words = BILL[language]
    adopted = pl.when("registered").then(pl.lit(words["registered"])).otherwise(pl.lit(""))
    off = [
        pl.when(pl.col("off").list.contains(what)).then(pl.lit(said)).otherwise(pl.lit(""))
        for what, said in ((what, words[f"off_{what}"]) for what in ("price", "quantity", "totals"))
    ]
    told = remarks.select("break_id", remark=pl.concat_str(adopted, *off))
    return (
        rows.join(told, on="break_id", how="left", maintain_order="left")
        .with_columns(explanation=pl.concat_str("explanation", "remark", ignore_nulls=True))
        .drop("remark")
    )


def _filled(matches: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """The rows, in their order and form, with what is said of each."""
    return (
        matches.drop("explanation")
        .join(said, on="break_id", how="left", maintain_order="left")
        .select(matches.columns)
    )


def _ended(rows: pl.DataFrame, outcome: str, language: Language) -> pl.DataFrame:
    """The sentences with their full stop; a row without one says what its outcome is called."""
    title = pl.col(outcome).replace_strict(
        titles(language), default=pl.col(outcome), return_dtype=pl.String
    )
    return rows.with_columns(explanation=pl.coalesce("explanation", title) + pl.lit("."))


def _with_reasons(
    rows: pl.DataFrame, holds: pl.DataFrame, causes: pl.DataFrame, language: Language
) -> pl.DataFrame:
    """Adds `cause_words` (with what leads to them, or empty) and `hold_words` (or null)."""
    causes = causes.join(rows, on="break_id", how="semi")
    holds = holds.join(rows, on="break_id", how="semi")
    return (
        rows.join(cause_words(causes, language), on="break_id", how="left", maintain_order="left")
        .join(_hold_words(holds, language), on="break_id", how="left", maintain_order="left")
        .with_columns(pl.col("cause_words").fill_null(""))
    )


def _inside(words: pl.Expr) -> pl.Expr:
    """Words of a title inside a sentence; those that begin with an abbreviation stay."""
    small = words.str.head(1).str.to_lowercase() + words.str.slice(1)
    return pl.when(words.str.contains(r"^.\p{Lu}")).then(words).otherwise(small)


def _gravest(holds: pl.DataFrame) -> pl.DataFrame:
    """The gravest hold of each row, and how many others there are."""
    rank = pl.col("severity").replace_strict({name: at for at, name in enumerate(say.SEVERITIES)})
    return (
        holds.filter(~pl.col("code").is_in(_SAID_BY_OUTCOME))
        .sort(
            "break_id",
            rank,
            "amount_at_stake",
            "code",
            descending=[False, True, True, False],
            nulls_last=True,
        )
        .group_by("break_id", maintain_order=True)
        .agg(pl.col("code", *COLUMNS).first(), several=pl.len() - 1)
    )


def _hold_words(gravest: pl.DataFrame, language: Language) -> pl.DataFrame:
    """`break_id` and its gravest hold in words, with figures and how many others there are."""
    title = pl.col("code").replace_strict(
        titles(language), default=pl.col("code"), return_dtype=pl.String
    )
    figures = pl.lit(None, dtype=pl.String)
    for code, (words, *columns) in HOLD[language].items():
        told = sentence(words, *columns)
        figures = pl.when(pl.col("code") == code).then(told).otherwise(figures)
    one, many = HELD_BY[language]
    others = (
        pl.when(pl.col("several") == 1)
        .then(pl.lit(one))
        .when(pl.col("several") > 1)
        .then(sentence(many, "several"))
    )
    nothing = pl.lit("")
    return gravest.select(
        "break_id",
        hold_words=title + pl.coalesce(figures, nothing) + pl.coalesce(others, nothing),
    )


def _days(column: str, language: Language) -> pl.Expr:
    return days_words(pl.col(column), language)
