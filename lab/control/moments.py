"""Times as the status document has them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["elapsed", "iso"]


def iso(seconds: float) -> str:
    """Process seconds since the Unix epoch as ISO 8601 UTC with milliseconds."""
    stamp = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


def elapsed(since_s: float, now_s: float) -> float:
    """Seconds until now; 0 for a reader whose clock lags behind."""
    return round(max(now_s - since_s, 0.0), 3)
