"""What the state does to the price of power, by contract."""

CONTRACTS = ("spot", "support", "norgespris", "norgespris-cabin")
"""Nothing (cabins, businesses), the support of homes, or a fixed price for a home or a cabin."""
