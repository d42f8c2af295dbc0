"""Vendors as people write them."""

import pytest

from han2x.model.vendor_names import vendor_name


@pytest.mark.parametrize(
    ("vendor", "name"),
    [
        ("aidon", "Aidon"),
        ("landisgyr", "Landis+Gyr"),
        ("emh", "EMH"),
        ("unknown vendor, SML", "Unknown vendor, SML"),
        ("unknown vendor, list of 9 values", "Unknown vendor, list of 9 values"),
        ("", ""),
    ],
)
def test_names(vendor: str, name: str) -> None:
    """A word of the table, else a capital first; the rest stays as it is."""
    assert vendor_name(vendor) == name
