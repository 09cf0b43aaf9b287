"""The format of times in responses and events."""

from datetime import datetime


def rfc3339(time: datetime) -> str:
    """Return an aware UTC time in the format of all responses."""
    return time.isoformat().replace("+00:00", "Z")
