"""Which supplier a vendor is."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tests.transforms.supplier_facts import bill, frame, supplier, vendor
from transforms.suppliers.parties import company, company_number, link_vendors, unlike_vendor_names


def _links(
    vendors: list[dict[str, Any]], suppliers: list[dict[str, Any]], links: Any = ()
) -> list[dict[str, Any]]:
    return link_vendors(
        frame("core.vendors", vendors),
        frame("core.suppliers", suppliers),
        frame("core.party_links", links),
    ).to_dicts()


def _link(vendor_name: str, supplier_name: str) -> dict[str, Any]:
    return _links([vendor(name=vendor_name)], [supplier(name=supplier_name)])[0]


@pytest.mark.parametrize(
    ("ours", "theirs", "method"),
    [
        ("Acme", "ACME", "name"),
        ("Société Générale", "SOCIETE GENERALE", "name"),
        ("ACME SAS", "Acme", "legal_form"),
        ("A.C.M.E. S.A.R.L.", "ACME", "legal_form"),
        ("Acme, Inc.", "Acme GmbH", "legal_form"),
        ("SARL Dupont Conseil", "Dupont-Conseil", "legal_form"),
        ("Dupont Conseil Informatique", "Dupont Conseils Informatique", "fuzzy"),
    ],
)
def test_names_are_compared_in_order(ours: str, theirs: str, method: str) -> None:
    """The exact name comes first, then the one without legal form, then a like one."""
    assert _link(ours, theirs)["method"] == method


def test_an_unlike_name_is_nobody() -> None:
    """A vendor whose name nobody has has no link."""
    assert _links([vendor(name="Globex")], [supplier(name="Acme")]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FR 32 123456789", "123 456 789"),
        ("fr32123456789", "12345678900012"),
        ("123.456.789", "RCS Paris 123 456 789"),
        ("DE 123 456 789", "de123456789"),
        ("DE123456789", "123456789"),
    ],
)
def test_numbers_are_compared_without_their_dress(one: str, other: str) -> None:
    """Spaces, dots, case, country and the kind of French number do not tell numbers apart."""
    both = pl.DataFrame({"number": [one, other]}).select(company_number(pl.col("number")))
    assert both.to_series().n_unique() == 1


def test_a_number_without_digits_is_none() -> None:
    """`n/a` is no number that could differ."""
    assert (
        pl.DataFrame({"n": ["n/a", "-"]})
        .select(company_number(pl.col("n")))
        .to_series()
        .is_null()
        .all()
    )


def test_numbers_come_before_names() -> None:
    """The supplier with the vendor's number is taken, not the one with its name."""
    suppliers = [supplier("S1", "ACME"), supplier("S2", "Other", vat_number="FR32123456789")]
    [link] = _links([vendor(tax_id="123456789")], suppliers)
    assert (link["supplier_id"], link["method"]) == ("S2", "tax_id")


def test_numbers_that_differ_are_a_mismatch() -> None:
    """Equal names do not help when both carry a number and they differ."""
    [link] = _links([vendor(tax_id="123456789")], [supplier(registration_number="999999999")])
    assert link["mismatch"] == "123456789 against 999999999"


def test_a_fuzzy_link_waits_for_a_person() -> None:
    """A like name is unconfirmed until a person links the vendor."""
    vendors = [vendor(name="Dupont Conseil Informatique")]
    suppliers = [supplier(name="Dupont Conseils Informatique")]
    person = {
        "vendor_id": "V1",
        "supplier_id": "S1",
        "method": "person",
        "decided_by": "Ann",
        "decided_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    assert _links(vendors, suppliers)[0]["unconfirmed"] is not None
    assert _links(vendors, suppliers, [person])[0]["unconfirmed"] is None


def test_two_vendors_on_one_supplier_wait_for_a_person() -> None:
    """Neither of two vendors with one supplier's name is taken for it."""
    links = _links([vendor("V1"), vendor("V2", "Acme SAS")], [supplier()])
    assert [link["unconfirmed"] is None for link in links] == [False, False]


def test_two_suppliers_of_one_name_are_nobody_yet() -> None:
    """A name that two suppliers have names none of them."""
    [link] = _links([vendor()], [supplier("S1"), supplier("S2")])
    assert (link["supplier_id"], link["unconfirmed"]) == (None, "several suppliers answer: S1, S2")


def test_an_unlike_vendor_name_on_a_bill_is_found() -> None:
    """A bill under another name than its vendor's is told, one with a legal form more is not."""
    bills = frame(
        "core.bills", [bill("B1", vendor_name="Globex"), bill("B2", vendor_name="Acme SAS")]
    )
    assert unlike_vendor_names(bills, frame("core.vendors", [vendor()])).to_dicts() == [
        {"bill_id": "B1", "vendor_known_as": "ACME"}
    ]


def test_a_company_is_its_name_without_form() -> None:
    """Form and punctuation go, a name that is nothing but a form stays."""
    names = pl.DataFrame({"name": ["SAS Acme & Fils", "ACME S.A.S.", "SAS"]})
    assert names.select(company(pl.col("name"))).to_series().to_list() == [
        "acme fils",
        "acme",
        "sas",
    ]


def test_short_forms_before_a_name_belong_to_it() -> None:
    """AB Conseil and AS Conseil are two companies; a French form may stand before the name."""
    assert _links([vendor(name="AS Conseil")], [supplier(name="AB Conseil")]) == []
    assert _link("SAS Conseil", "Conseil")["method"] == "legal_form"


def test_a_link_to_a_supplier_that_is_gone_counts_no_more() -> None:
    """The vendor is looked for again among those that exist."""
    gone = supplier("S9", "Old", deleted_at=datetime(2026, 2, 1, tzinfo=UTC))
    person = {
        "vendor_id": "V1",
        "supplier_id": "S9",
        "method": "person",
        "decided_by": "Ann",
        "decided_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    assert [x["supplier_id"] for x in _links([vendor()], [supplier(), gone], [person])] == ["S1"]
