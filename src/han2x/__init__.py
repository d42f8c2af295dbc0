"""han2x: a smart meter's HAN port as Modbus registers."""

__version__ = "0.1.0"

RELEASED = "2025-12-01"
"""A day on or before which this version was released: a clock that shows an earlier one is not set."""
