"""The model of a request for tickets."""

from collections.abc import Callable
from datetime import datetime

from tests.fuzz.model import PLACES, ModelOwner


def issue(
    owner: ModelOwner,
    sizes: list[int],
    now: datetime,
    *,
    others: list[ModelOwner],
    backend: bool,
    end_stale: Callable[..., object],
) -> str | None:
    """Return the expected error of a request for tickets; None if all are issued.

    If slots or quota are short, `end_stale` is called for the owner, then for the user's others.
    """

    def within_quota() -> bool:
        return backend or owner.quota.fits(sizes, now)

    def room() -> bool:
        return within_quota() and (owner.kind == "user" or owner.places() + len(sizes) <= PLACES)

    if owner.deleted:
        return "not_found"
    if not room():
        end_stale([owner], now)
    if not room() and not backend:
        end_stale(others, now, only_of_user=True)
    if not room():
        return "image_limit_reached" if within_quota() else "quota_exceeded"
    if not backend:
        owner.quota.take(sizes, now)
    return None
