"""One pool of memory for all threads: glibc has one for each, and what large bodies leave in each stays."""

import contextlib

M_ARENA_MAX = -8
"""mallopt(3)."""


def share_memory() -> None:
    """Have threads that start from now on take memory from the pools that are there; glibc only."""
    import ctypes  # costs memory, and only the page needs it

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
