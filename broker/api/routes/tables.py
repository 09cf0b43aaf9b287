"""Close the views of our tables of ads and users if another system has the owners."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from broker.api.problems.answers import answers
from broker.api.request.context import current
from broker.domain.errors import NotFound
from broker.domain.profiles import AD_IMAGE, AVATAR

P = ParamSpec("P")
R = TypeVar("R")


def requires_ads_table(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view if ads are rows of our table; otherwise raise NotFound."""
    return _requires_table(view, AD_IMAGE, "ads")


def requires_users_table(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view if avatars belong to our users; otherwise raise NotFound."""
    return _requires_table(view, AVATAR, "users")


def _requires_table(view: Callable[P, R], name: str, things: str) -> Callable[P, R]:
    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        profile = current().limits.profiles.named(name)
        if profile is not None and profile.is_by_token:
            raise NotFound(
                f"The {things} of this installation are in another system. Their files are below "
                f"/api/owners/{name}/."
            )
        return view(*args, **kwargs)

    return answers("not_found")(wrapper)
