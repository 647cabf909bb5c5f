"""What finance may change, and what is refused by its name (write-back.md, policy.toml)."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from transforms.policy import Policy

SHIPPED = Path(__file__).parents[2] / "policy.toml"


def _read(text: str) -> Policy:
    return Policy.model_validate(tomllib.loads(text, parse_float=Decimal))


def test_the_shipped_file_says_the_defaults() -> None:
    """policy.toml as shipped changes nothing of what stands without it."""
    shipped, plain = _read(SHIPPED.read_text()), Policy()
    assert shipped.model_dump(exclude={"approval"}) == plain.model_dump(exclude={"approval"})
    assert set(shipped.approval.values()) == {"never"}


@pytest.mark.parametrize(
    "text",
    [
        "[tolerance]\nprice_percentage = 1",
        "[tolerance]\nprice_percent = -1",
        'tolerance.price_percent = "1 %"',
        "[tolerance]\nprice_percent = true",
        "[tolerance]\nprice_percent = 0.00001",
        "[tolerances]\nprice_percent = 1",
        '[tolerance.supplier."S1"]\nprice = 1',
        '[match]\nreceipts_from = ["draft"]',
        '[match]\nsince = "soon"',
        '[approval]\n"boond.invoice.delete" = "never"',
        '[approval]\n"boond.invoice.create" = "sometimes"',
        '[approval]\n"boond.invoice.create" = -5',
        "[freshness]\nconsultants = -1",
        "[freshness]\nconsultant = 60",
        "[billing]\npartial = 2",
    ],
)
def test_what_is_unknown_or_out_of_range_is_refused(text: str) -> None:
    """No key is ignored and no value is bent."""
    with pytest.raises(ValidationError):
        _read(text)


@pytest.mark.parametrize(("said", "meant"), [("0", Decimal(0)), ('"off"', "off"), ("0.5", "0.5")])
def test_a_limit_is_a_number_zero_or_off(said: str, meant: Any) -> None:
    """Zero is a limit and `off` is none; a number is what was written."""
    limit = _read(f"[tolerance]\nprice_percent = {said}").tolerance.price_percent
    assert str(limit) == str(meant)


def test_an_override_says_only_what_it_says() -> None:
    """A key that an override leaves out is absent, not a default."""
    policy = _read('[tolerance.supplier."S1"]\nprice_percent = 0')
    override = policy.tolerance.supplier["S1"]
    assert (override.price_percent, override.quantity_days) == (Decimal(0), None)


def test_an_amount_may_ask_for_a_person() -> None:
    """An approval is never, always, or an exact amount."""
    policy = _read('[approval]\n"boond.invoice.create" = 1000.10')
    assert policy.approval == {"boond.invoice.create": Decimal("1000.10")}
