"""The profile and the owner in a path: `/api/owners/<profile>/<owner>/…`."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from broker.api.problems.answers import answers
from broker.api.request.context import current
from broker.domain.errors import InvalidRequest, NotFound
from broker.domain.profiles import AD, USER, Profile

OWNER_PATH = "/<profile>/<owner>/"
# For `Blueprint.route(…, parameters=PARAMETERS)`.
PARAMETERS: list[dict[str, Any]] = [
    {
        "in": "path",
        "name": "profile",
        "schema": {"type": "string"},
        "description": "The name of a profile; see `GET /api/profiles/`.",
    },
    {
        "in": "path",
        "name": "owner",
        "schema": {"type": "string"},
        "description": (
            "1 to 64 characters `A-Z a-z 0-9 _ -`, compared byte by byte. For `ad_image` and "
            "`avatar` an integer without leading zeros."
        ),
    },
]
_NAME = "Must be 1 to 64 of these characters: A-Z a-z 0-9 _ -"
_INTEGER = "Must be an integer from 1 to 10^18 - 1, in decimal digits without leading zeros."
P = ParamSpec("P")
R = TypeVar("R")


def owner_of_path(profile: str, owner: str) -> tuple[Profile, str]:
    """Return the profile with this name, and the owner.

    Raises:
        NotFound: there is no such profile.
        InvalidRequest: the profile has no owners of this form.
    """
    found = current().limits.profiles.named(profile)
    if found is None:
        raise NotFound("There is no such profile; see GET /api/profiles/.")
    if not found.is_owner(owner):
        fault = _INTEGER if found.has_integer_owners else _NAME
        raise InvalidRequest("The profile has no owners of this form.", {"owner": [fault]})
    return found, owner


def names_owner(view: Callable[P, R]) -> Callable[P, R]:
    """Pass `profile` to a view as a Profile, and `owner` as text of the right form.

    Apply it below `requires_token` and above `may_create`, `idempotent` and `arguments`.
    """

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        names = str(kwargs["profile"]), str(kwargs["owner"])
        kwargs["profile"], kwargs["owner"] = owner_of_path(*names)
        return view(*args, **kwargs)

    return answers("not_found", "validation_error")(wrapper)


def names_ad(view: Callable[P, R]) -> Callable[P, R]:
    """Pass the ad of a path below `/api/ads/` to a view, as `names_owner` does."""
    return _of_integer(view, "ad_id", AD)


def names_user(view: Callable[P, R]) -> Callable[P, R]:
    """Pass the user of a path below `/api/users/` to a view, as `names_owner` does."""
    return _of_integer(view, "user_id", USER)


def _of_integer(view: Callable[P, R], parameter: str, owner_kind: str) -> Callable[P, R]:
    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        profile = current().limits.profiles.of_kind(owner_kind)
        owner = str(kwargs.pop(parameter))
        if not profile.is_owner(owner):
            raise NotFound("There is no owner with this id.")
        kwargs.update(profile=profile, owner=owner)
        return view(*args, **kwargs)

    return answers("not_found")(wrapper)
