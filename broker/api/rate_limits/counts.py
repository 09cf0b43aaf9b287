"""What a store of rate limits answers, whichever store it is."""

from dataclasses import dataclass


class StoreUnavailable(Exception):
    """The store does not answer, or has not a moment ago: nothing was counted."""


@dataclass(frozen=True)
class Count:
    """How many requests came in the present window, this one included, and when it ends."""

    used: int
    seconds_left: int


def whole_seconds(milliseconds: float) -> int:
    """Round up: whoever waits so long finds a new window."""
    return max(1, -int(-milliseconds // 1000))
