"""Which supplier in BoondManager a Bill.com vendor is (reconciliation.md 2.1).

In this order: a person's link, the tax or registration number, the exact name, the name without
legal form and punctuation, a like name. Numbers are compared without spaces, punctuation and case;
`FR` + two signs + nine digits, a SIRET (14 digits) and a SIREN (9 digits) are compared by the SIREN
in them; another VAT number with or without its country. A number without any digit is no number.
Numbers that differ are a mismatch whatever the names, a person's link included.
"""

from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from transforms.names import LEAD, SCORE, TAKEN_FROM, best_fuzzy, candidates, plain
from transforms.words.figures import sentence

PERSON, TAX_ID, NAME, LEGAL_FORM, FUZZY = "person", "tax_id", "name", "legal_form", "fuzzy"
_METHODS = (PERSON, TAX_ID, NAME, LEGAL_FORM, FUZZY)

_FORMS = (
    r"(?:sasu|sas|sarl|eurl|earl|sa|snc|sci|scop|scea|selarl|selas|scp|sca|scs|gie|ei|eirl"
    r"|ltd|limited|llc|llp|lp|plc|inc|incorporated|corp|corporation|co|company|pty|pte"
    r"|gmbh|ag|kg|ohg|ug|mbh|bv|nv|bvba|srl|spa|sl|slu|sro|sp z o o|spzoo|oy|ab|as|aps|lda"
    r"|unipessoal"
    r"|societe par actions simplifiee(?: unipersonnelle)?|societe anonyme"
    r"|societe a responsabilite limitee)"
)
# the forms that stand before a name; `AB Conseil` and `AS Conseil` are two companies
_FORMS_BEFORE = (
    r"(?:sasu|sas|sarl|eurl|earl|sa|snc|sci|scop|scea|selarl|selas|scp|sca|scs|gie|ei|eirl"
    r"|societe par actions simplifiee(?: unipersonnelle)?|societe anonyme"
    r"|societe a responsabilite limitee)"
)
_LINK = ["vendor_id", "supplier_id", "method", "score", "mismatch", "unconfirmed"]


@dataclass(frozen=True)
class _Side:
    """Names and numbers of one vendor's parties, in long form."""

    names: pl.DataFrame
    numbers: pl.DataFrame


def company(name: pl.Expr) -> pl.Expr:
    """A company's name without legal form, punctuation, case and accents."""
    words = plain(name).str.replace_all(r"\.", "").str.replace_all(r"[^\p{L}\p{N}]+", " ")
    trimmed = words.str.strip_chars()
    bare = trimmed
    for _ in range(2):
        bare = bare.str.replace(rf" {_FORMS}$", "").str.replace(rf"^{_FORMS_BEFORE} ", "")
    return bare


def company_number(number: pl.Expr) -> pl.Expr:
    """A tax or registration number as it is compared; null where there is none."""
    signs = number.str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    bare = (
        signs.str.replace(r"^(?:SIREN|SIRET|TVA|VAT|RCS[A-Z]*)", "")
        .str.replace(r"^FR[A-Z0-9]{2}(\d{9})$", "$1")
        .str.replace(r"^(\d{9})\d{5}$", "$1")
        .str.replace(r"^(\d{9})RCS[A-Z]*$", "$1")
        .str.replace(r"^[A-Z]{2}([A-Z0-9]{8,})$", "$1")
    )
    return pl.when(bare.str.contains(r"\d")).then(bare)


def link_vendors(
    vendors: pl.DataFrame, suppliers: pl.DataFrame, party_links: pl.DataFrame
) -> pl.DataFrame:
    """The supplier of each vendor that has one or may have one.

    Args:
        vendors: `core.vendors`.
        suppliers: `core.suppliers`; deleted ones are nobody's.
        party_links: `core.party_links`; only what a person decided counts, the latest one that
            is about a supplier that still exists.

    Returns:
        One row a vendor, sorted: `vendor_id`, `supplier_id` (null when several suppliers answer
        equally), `method` (person, tax_id, name, legal_form or fuzzy), `score` (0 to 100),
        `mismatch` (the two numbers when they differ, else null), `unconfirmed` (why a person has
        to confirm, else null).
    """
    alive = suppliers.filter(pl.col("deleted_at").is_null())
    left, right = _vendor_side(vendors), _supplier_side(alive)
    chosen = _chosen(_candidates(vendors, left, right, party_links), left, right)
    return (
        chosen.join(_crowded(chosen, vendors), on="supplier_id", how="left")
        .with_columns(unconfirmed=_unconfirmed())
        .select(_LINK)
        .sort("vendor_id")
    )


def unlike_vendor_names(bills: pl.DataFrame, vendors: pl.DataFrame) -> pl.DataFrame:
    """Bills whose vendor name is unlike the name of their vendor (below 92 of 100).

    Returns:
        `bill_id` and `vendor_known_as`, the name on the vendor's record.
    """
    named = bills.select("id", "vendor_id", "vendor_name").join(
        vendors.select(vendor_id="id", vendor_known_as="name"), on="vendor_id"
    )
    differing = named.filter(pl.col("vendor_name").str.strip_chars() != pl.col("vendor_known_as"))
    if differing.is_empty():
        return differing.select("vendor_known_as", bill_id="id")
    pairs = (
        differing.select("vendor_name", "vendor_known_as")
        .unique()
        .filter(company(pl.col("vendor_name")) != company(pl.col("vendor_known_as")))
        .with_columns(key=sentence("{}\n{}", "vendor_name", "vendor_known_as"))
    )
    if pairs.is_empty():
        return named.clear().select("vendor_known_as", bill_id="id")
    alike = candidates(
        pairs.select("key", name=company(pl.col("vendor_name")), group="key"),
        pairs.select("key", name=company(pl.col("vendor_known_as")), group="key"),
    ).filter(pl.col("score") >= TAKEN_FROM)
    unlike = pairs.join(alike, on="key", how="anti")
    return named.join(unlike, on=["vendor_name", "vendor_known_as"]).select(
        "vendor_known_as", bill_id="id"
    )


def _vendor_side(vendors: pl.DataFrame) -> _Side:
    numbers = vendors.select(key="id", said="tax_id", number=company_number(pl.col("tax_id")))
    return _Side(_names(vendors), numbers.drop_nulls("number"))


def _supplier_side(suppliers: pl.DataFrame) -> _Side:
    columns = ("vat_number", "registration_number")
    numbers = [
        suppliers.select(key="id", said=column, number=company_number(pl.col(column)))
        for column in columns
    ]
    return _Side(_names(suppliers), pl.concat(numbers).drop_nulls("number"))


def _names(parties: pl.DataFrame) -> pl.DataFrame:
    name = pl.col("name")
    return parties.select(key="id", name="name", plain=plain(name), company=company(name))


def _candidates(
    vendors: pl.DataFrame, left: _Side, right: _Side, party_links: pl.DataFrame
) -> pl.DataFrame:
    """Every (vendor, supplier, rank of the method, score); fuzzy only where nothing else is."""
    by_person = (
        party_links.filter(pl.col("method") == PERSON)
        .join(vendors, left_on="vendor_id", right_on="id", how="semi")
        .join(right.names, left_on="supplier_id", right_on="key", how="semi")
        .sort("decided_at", "supplier_id")
        .unique("vendor_id", keep="last")
        .select(key="vendor_id", supplier_id="supplier_id")
    )
    exact = [
        by_person,
        left.numbers.join(right.numbers.select("number", supplier_id="key"), on="number"),
        left.names.join(right.names.select("plain", supplier_id="key"), on="plain"),
        left.names.filter(pl.col("company") != "").join(
            right.names.select("company", supplier_id="key"), on="company"
        ),
    ]
    found = pl.concat(
        side.select("key", "supplier_id", score=pl.lit(100).cast(SCORE), rank=pl.lit(rank))
        for rank, side in enumerate(exact)
    ).unique()
    rest = left.names.join(found, on="key", how="anti").select("key", name="company")
    if rest.is_empty():
        return found
    return pl.concat([found, _alike(rest, right.names.select("key", name="company"))])


def _alike(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Fuzzy candidates by reconciliation.md 1.1; several that close are all kept."""
    verdicts = best_fuzzy(left, right).filter(pl.col("verdict") != "none")
    scored = candidates(left, right).join(verdicts.select("key", "verdict", best="score"), on="key")
    near = pl.when(pl.col("verdict") == "taken").then(pl.lit(Decimal(0))).otherwise(pl.lit(LEAD))
    return (
        scored.filter(
            (pl.col("score") == pl.col("best")) | (pl.col("best") - pl.col("score") < near)
        )
        .select("key", "score", supplier_id="candidate", rank=pl.lit(_METHODS.index(FUZZY)))
        .select("key", "supplier_id", "score", "rank")
    )


def _chosen(found: pl.DataFrame, left: _Side, right: _Side) -> pl.DataFrame:
    """The best candidate of each vendor; nobody where the best are several."""
    numbered = (
        left.numbers.select("key", "number", vendor_number="said")
        .join(found, on="key")
        .join(right.numbers.rename({"key": "supplier_id", "number": "theirs"}), on="supplier_id")
        .group_by("key", "supplier_id")
        .agg(
            same=(pl.col("number") == pl.col("theirs")).any(),
            vendor_number=pl.col("vendor_number").first(),
            supplier_number=pl.col("said").unique().sort().str.join(", "),
        )
    )
    mismatch = pl.when(~pl.col("same")).then(
        sentence("{} against {}", "vendor_number", "supplier_number")
    )
    judged = found.join(numbered, on=["key", "supplier_id"], how="left").with_columns(
        mismatch=mismatch
    )
    best = judged.filter(_order() == _order().min().over("key"))
    several = pl.len() > 1
    return (
        best.sort("key", "supplier_id")
        .group_by("key", maintain_order=True)
        .agg(
            supplier_id=pl.when(~several).then(pl.col("supplier_id").first()),
            rank=pl.col("rank").first(),
            score=pl.col("score").max(),
            mismatch=pl.col("mismatch").first(),
            several=pl.when(several).then(pl.col("supplier_id").str.join(", ")),
        )
        .with_columns(
            method=pl.col("rank").replace_strict(dict(enumerate(_METHODS)), return_dtype=pl.String)
        )
        .rename({"key": "vendor_id"})
    )


def _order() -> pl.Expr:
    """By method, and among equals those whose numbers do not differ."""
    return pl.col("rank") * 2 + pl.col("mismatch").is_not_null().cast(pl.Int32)


def _crowded(chosen: pl.DataFrame, vendors: pl.DataFrame) -> pl.DataFrame:
    """Suppliers on which several vendors stand; one whose numbers differ, or deleted, is none."""
    alive = vendors.filter(pl.col("deleted_at").is_null())
    return (
        chosen.filter(pl.col("mismatch").is_null() & pl.col("supplier_id").is_not_null())
        .join(alive, left_on="vendor_id", right_on="id", how="semi")
        .group_by("supplier_id")
        .agg(crowd=pl.col("vendor_id").sort().str.join(", "), size=pl.len())
        .filter(pl.col("size") > 1)
        .drop("size")
    )


def _unconfirmed() -> pl.Expr:
    by_person = pl.col("method") == PERSON
    alike = pl.col("score").cast(pl.String).str.extract(r"^(\d+)")
    return (
        pl.when(by_person)
        .then(None)
        .when(pl.col("several").is_not_null())
        .then(sentence("several suppliers answer: {}", "several"))
        .when(pl.col("method") == FUZZY)
        .then(sentence("the names are only alike, {} of 100: {}", alike, "supplier_id"))
        .when(pl.col("crowd").is_not_null())
        .then(sentence("vendors on this supplier: {}", "crowd"))
    )
