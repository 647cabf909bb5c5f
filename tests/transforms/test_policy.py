"""What finance may write into policy.toml, and what is refused by its name."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from transforms.policy import Policy

SHIPPED = Path(__file__).parents[2] / "policy.toml"


def test_the_shipped_file_says_the_defaults() -> None:
    """Emptying policy.toml changes nothing."""
    shipped = tomllib.loads(SHIPPED.read_text(), parse_float=Decimal)
    policy = Policy.model_validate(shipped)
    assert policy.model_copy(update={"approval": {}}) == Policy()
    assert set(policy.approval.values()) == {"never"}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"tolerance": {"price_procent": 1}}, "price_procent"),
        ({"tolerance": {"price_percent": -1}}, "price_percent"),
        ({"tolerance": {"price_percent": True}}, "price_percent"),
        ({"tolerance": {"price_percent": "many"}}, "price_percent"),
        ({"tolerance": {"supplier": {"S": {"price": 1}}}}, "price"),
        ({"match": {"receipts_from": ["draft"]}}, "receipts_from"),
        ({"approval": {"boond.invoice.delete": "never"}}, "boond.invoice.delete"),
        ({"freshness": {"consultants": -5}}, "consultants"),
        ({"billng": {}}, "billng"),
    ],
)
def test_an_unknown_key_or_a_value_out_of_range_is_refused(
    content: dict[str, object], name: str
) -> None:
    """The refusal names the key."""
    with pytest.raises(ValidationError) as refusal:
        Policy.model_validate(content)
    assert any(name in map(str, error["loc"]) for error in refusal.value.errors())


def test_a_limit_is_the_decimal_that_was_written() -> None:
    """No binary float comes between the file and the comparison."""
    policy = Policy.model_validate(tomllib.loads("tolerance.price_percent = 0.1"))
    assert policy.tolerance.price_percent == Decimal("0.1")


def test_off_is_not_zero() -> None:
    """A limit of three values: a number, zero, and not checked."""
    policy = Policy.model_validate({"tolerance": {"price_percent": 0, "quantity_days": "off"}})
    assert (policy.tolerance.price_percent, policy.tolerance.quantity_days) == (0, "off")
