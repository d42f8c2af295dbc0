"""The meter as Modbus registers."""
