"""Whom images belong to: one row a kind. A further kind, say products, is one more row here."""

from collections.abc import Callable
from dataclasses import dataclass

from broker.domain.limits import Limits


@dataclass(frozen=True, kw_only=True)
class OwnerKind:
    """A kind of owner: its name in the database, its purpose for clients, its keys and limits.

    `prefix` is followed by the owner's id and a slash. `keeps_one` means that a newly
    confirmed image takes the place of the one before.
    """

    name: str
    purpose: str
    prefix: str
    keeps_one: bool
    max_bytes: Callable[[Limits], int]
    max_count: Callable[[Limits], int]


AD = OwnerKind(
    name="ad",
    purpose="ad_image",
    prefix="ads/ad_",
    keeps_one=False,
    max_bytes=lambda limits: limits.max_image_bytes,
    max_count=lambda limits: limits.max_images_per_ad,
)
USER = OwnerKind(
    name="user",
    purpose="avatar",
    prefix="avatars/user_",
    keeps_one=True,
    max_bytes=lambda limits: limits.max_avatar_bytes,
    max_count=lambda limits: 1,
)
OWNER_KINDS = {kind.name: kind for kind in (AD, USER)}
