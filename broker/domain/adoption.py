"""Adopt objects that were in the bucket before the broker: claims, and reasons to skip them."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

EXAMPLES = 5


class Skipped(StrEnum):
    """The reason why a claim was not recorded as an image."""

    KNOWN = "known"
    OURS = "ours"
    HAS_AVATAR = "has_avatar"
    NO_OWNER = "no_owner"
    NO_OBJECT = "no_object"
    UNREADABLE = "unreadable"
    NO_IMAGE = "no_image"
    OTHER_KEY = "other_key"


SKIPPED_DETAIL = {
    Skipped.KNOWN: "an image, a variant, an unfinished upload or the outbox already has this key",
    Skipped.OURS: "written by one of the broker's own uploads, or a copy of such an object",
    Skipped.HAS_AVATAR: "the owner keeps one file and has it, or a newer one was adopted",
    Skipped.NO_OWNER: "the ad or user does not exist",
    Skipped.NO_OBJECT: "the bucket has no such object",
    Skipped.UNREADABLE: "the bucket refuses the HEAD of this object",
    Skipped.NO_IMAGE: "the object is empty, or its Content-Type is not accepted",
    Skipped.OTHER_KEY: "the key does not name an owner, or is longer than 255 characters",
}
# An operator must look at these. The other reasons are normal.
UNEXPECTED = frozenset(Skipped) - {Skipped.KNOWN, Skipped.OURS, Skipped.HAS_AVATAR}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A relative key to record as an image, with the image's alt text and order."""

    key: str
    alt_text: str = ""
    order: int = 0


@dataclass(kw_only=True)
class AdoptTally:
    """The counts of one run, with the first skipped keys of each reason."""

    adopted: int = 0
    skipped: Counter[Skipped] = field(default_factory=Counter)
    examples: dict[Skipped, list[str]] = field(default_factory=dict)

    def skip(self, reason: Skipped, key: str) -> None:
        """Count a skipped key."""
        self.skipped[reason] += 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(key)

    @property
    def is_as_expected(self) -> bool:
        """Check whether the run skipped nothing that an operator must look at."""
        return UNEXPECTED.isdisjoint(self.skipped)
