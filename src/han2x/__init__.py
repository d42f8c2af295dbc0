"""han2x: a smart meter's HAN port as Modbus registers."""

__version__ = "0.1.0"
