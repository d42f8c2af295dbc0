"""Benches: what han2x promises to be fast at, measured beside its peers."""
