"""Moments as the API writes and reads them. Pure."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(unix_ms: int) -> str:
    """`2026-11-22T16:30:10.000Z`, whole seconds without a fraction."""
    moment = _EPOCH + timedelta(milliseconds=unix_ms)
    return moment.isoformat(timespec="milliseconds" if unix_ms % 1000 else "seconds").replace("+00:00", "Z")


def seconds(text: str) -> int:
    """Unix seconds of an ISO 8601 moment with Z or an offset; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs Z or an offset")
    try:
        return int((moment - _EPOCH).total_seconds())
    except OverflowError:
        raise ValueError("beyond all time") from None
