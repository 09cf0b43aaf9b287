"""Close the views of our tables of ads and users if another system has the owners."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from broker.api.problems.answers import answers
from broker.api.request.context import current
from broker.domain.errors import NotFound
from broker.domain.profiles import AD, USER

P = ParamSpec("P")
R = TypeVar("R")


def requires_ads_table(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view if ads are rows of our table; otherwise raise NotFound."""
    return _requires_table(view, AD)


def requires_users_table(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view if avatars belong to our users; otherwise raise NotFound."""
    return _requires_table(view, USER)


def _requires_table(view: Callable[P, R], owner_kind: str) -> Callable[P, R]:
    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        profile = current().limits.profiles.of_kind(owner_kind)
        if profile.is_by_token:
            raise NotFound(
                f"The {owner_kind}s of this installation are in another system. Their files are "
                f"below /api/owners/{profile.name}/."
            )
        return view(*args, **kwargs)

    return answers("not_found")(wrapper)
