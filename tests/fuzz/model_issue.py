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
    end_stale: Callable[[list[ModelOwner], datetime], object],
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
    for whose in [[owner]] if backend else [[owner], others]:
        if not room():
            end_stale(whose, now)
    if not room():
        return "image_limit_reached" if within_quota() else "quota_exceeded"
    if not backend:
        owner.quota.take(sizes, now)
    return None
