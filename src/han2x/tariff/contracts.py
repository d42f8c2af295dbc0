"""By which contract power is bought: what the supplier asks, and what the state does to it."""

CONTRACTS = ("spot", "support", "norgespris", "norgespris-cabin")
"""Spot with nothing (cabins, businesses) or with the support of homes; the state's fixed price for a home or
a cabin."""

BY_SUPPLIER = ("fixed-price", "fixed-price-support")
"""A fixed price of the supplier's own, without or with the support, which goes by the spot price."""

SUPPORTED = frozenset({"support", "fixed-price-support"})
