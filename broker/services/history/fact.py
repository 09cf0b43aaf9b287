"""The parts of a history: facts with their time, and what is true now."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What happened at a time. `about` names the row, such as `image 5`."""

    time: datetime
    about: str
    text: str


@dataclass(kw_only=True)
class History:
    """What happened, in order.

    Attributes:
        title: what the history is of.
        facts: what happened.
        now: what is true now or is still to happen, each with what it is about.
        search: what to search for in the audit log and the request log.
    """

    title: str
    facts: list[Fact] = field(default_factory=list)
    now: list[tuple[str, str]] = field(default_factory=list)
    search: str


def stamp(time: datetime) -> str:
    """Return a time in seconds, as logs show it."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
