"""The kinds of owners that images belong to, one table row for each kind.

To add a kind, add a row here and one in `db/owner_tables.py` that names its table. No
other code compares kinds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from broker.domain.limits import Limits
from broker.domain.transports import TRANSPORTS, Transport


def _transport_ttl(limits: Limits, transport: Transport) -> timedelta:
    return transport.ttl(limits)


@dataclass(frozen=True, kw_only=True)
class OwnerKind:
    """A kind of owner.

    Attributes:
        name: the value in the rows.
        purpose: the name that clients use for its uploads.
        prefix: the start of its keys; the owner's id and a slash follow.
        keeps_one: a newly confirmed image replaces the one before.
        max_bytes: the largest image, in bytes.
        max_count: how many images an owner may have.
        variant_widths: the widths of the variants of its images, in pixels.
        ttl: how long a ticket may be used, for each transport.
    """

    name: str
    purpose: str
    prefix: str
    keeps_one: bool
    max_bytes: Callable[[Limits], int]
    max_count: Callable[[Limits], int]
    variant_widths: Callable[[Limits], tuple[int, ...]]
    ttl: Callable[[Limits, Transport], timedelta] = _transport_ttl


AD = OwnerKind(
    name="ad",
    purpose="ad_image",
    prefix="ads/ad_",
    keeps_one=False,
    max_bytes=lambda limits: limits.max_image_bytes,
    max_count=lambda limits: limits.max_images_per_ad,
    variant_widths=lambda limits: limits.ad_image_variants,
)
USER = OwnerKind(
    name="user",
    purpose="avatar",
    prefix="avatars/user_",
    keeps_one=True,
    max_bytes=lambda limits: limits.max_avatar_bytes,
    max_count=lambda limits: 1,
    variant_widths=lambda limits: limits.avatar_variants,
)
OWNER_KINDS = {kind.name: kind for kind in (AD, USER)}


def kind_named(name: str) -> OwnerKind:
    """Return the kind with this name; raise LookupError if there is no such kind."""
    try:
        return OWNER_KINDS[name]
    except KeyError:
        raise LookupError(f"unknown kind of owner {name!r}") from None


def signature_life(limits: Limits) -> timedelta:
    """Return how long a signature can still write, including slow uploads.

    Parts of a multipart upload are signed for `put_ttl`.
    """
    signed = [
        kind.ttl(limits, transport)
        for kind in OWNER_KINDS.values()
        for transport in TRANSPORTS.values()
        if not transport.has_parts
    ]
    return max(*signed, timedelta(seconds=limits.put_ttl)) + limits.grace


def longest_ticket_life(limits: Limits) -> timedelta:
    """Return the maximum age of an object that may still belong to a ticket."""
    return longest_ttl(limits) + limits.grace


def longest_ttl(limits: Limits) -> timedelta:
    """Return the longest time for which a ticket of any kind and transport may be used."""
    return max(
        kind.ttl(limits, transport)
        for kind in OWNER_KINDS.values()
        for transport in TRANSPORTS.values()
    )
