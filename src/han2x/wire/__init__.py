"""Bytes from a meter to structured values. Pure: bytes in any cut in, frozen values out, nothing raised."""
