"""Adopting what was in the bucket before the broker: what is claimed, and why some is left."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

EXAMPLES = 5


class Skipped(StrEnum):
    """Why an object was not recorded as an image."""

    KNOWN = "known"
    OURS = "ours"
    HAS_AVATAR = "has_avatar"
    NO_OWNER = "no_owner"
    NO_OBJECT = "no_object"
    NO_IMAGE = "no_image"
    OTHER_KEY = "other_key"


SKIPPED_DETAIL = {
    Skipped.KNOWN: "a row knows the key already",
    Skipped.OURS: "left by one of the broker's own uploads, or a copy of one",
    Skipped.HAS_AVATAR: "the user has an avatar, or a newer one was adopted",
    Skipped.NO_OWNER: "there is no such ad or user",
    Skipped.NO_OBJECT: "the bucket has no such object",
    Skipped.NO_IMAGE: "its Content-Type is none of the accepted ones",
    Skipped.OTHER_KEY: "the key names no ad or user, or is longer than 255 characters",
}
# What an operator has to look at; the rest is as it should be.
UNEXPECTED = frozenset(Skipped) - {Skipped.KNOWN, Skipped.OURS, Skipped.HAS_AVATAR}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A relative key that is to become an image, and what is said about it."""

    key: str
    alt_text: str = ""
    order: int = 0


@dataclass(kw_only=True)
class AdoptTally:
    """What one run did, with the first keys of each kind that was skipped."""

    adopted: int = 0
    skipped: Counter[Skipped] = field(default_factory=Counter)
    examples: dict[Skipped, list[str]] = field(default_factory=dict)

    def skip(self, reason: Skipped, key: str) -> None:
        """Count a key that is left as it is."""
        self.skipped[reason] += 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(key)

    @property
    def is_as_expected(self) -> bool:
        """Tell whether nothing was skipped that an operator has to look at."""
        return UNEXPECTED.isdisjoint(self.skipped)
