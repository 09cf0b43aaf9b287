"""How long tickets and signatures live, over all profiles and transports."""

from datetime import timedelta

from broker.domain.limits import Limits
from broker.domain.transports import TRANSPORTS


def signature_life(limits: Limits) -> timedelta:
    """Return how long a signature can still write, including slow uploads.

    Parts of a multipart upload are signed for `put_ttl`.
    """
    signed = [
        transport.ttl(profile)
        for profile in limits.profiles
        for transport in TRANSPORTS.values()
        if not transport.has_parts
    ]
    return max(signed) + limits.grace


def longest_ticket_life(limits: Limits) -> timedelta:
    """Return the maximum age of an object that may still belong to a ticket."""
    return longest_ttl(limits) + limits.grace


def longest_ttl(limits: Limits) -> timedelta:
    """Return the longest time for which a ticket of any profile and transport may be used."""
    return max(
        transport.ttl(profile) for profile in limits.profiles for transport in TRANSPORTS.values()
    )
