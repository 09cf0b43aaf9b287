"""Values that every store of rate limits returns or raises."""

from dataclasses import dataclass


class StoreUnavailable(Exception):
    """The store does not respond, or did not respond a moment ago. Nothing was counted."""


@dataclass(frozen=True)
class Count:
    """Requests in the current window, including this one, and the seconds until it ends."""

    used: int
    seconds_left: int


def whole_seconds(milliseconds: float) -> int:
    """Round up to whole seconds, so that a client that waits this long gets a new window."""
    return max(1, -int(-milliseconds // 1000))
