"""Refuse callers without a right to an owner before anything is written or a stored answer is sent.

`services/uploads/owners.py` decides; each service checks the right again, with our tables.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import request

from broker.api.auth.tokens import principal
from broker.api.problems.answers import answers
from broker.api.request.context import current
from broker.api.request.headers import IDEMPOTENCY_KEY
from broker.domain.grants import Action
from broker.domain.profiles import Profile
from broker.services.uploads.owners import refuse_older_grant, refuse_without_right

P = ParamSpec("P")
R = TypeVar("R")


def may_create(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view unless the caller certainly may not upload for the owner.

    Apply it above `idempotent`: a stored answer has a ticket, which a caller who has lost the grant
    must not get again. Without a stored answer, the service refuses older grants of erased owners.
    """

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        profile, owner = kwargs["profile"], str(kwargs["owner"])
        assert isinstance(profile, Profile)  # noqa: S101 - from `names_owner`
        refuse_without_right(principal(), profile, owner, Action.CREATE)
        if profile.is_by_token and IDEMPOTENCY_KEY in request.headers:
            with current().work(principal()) as work:
                refuse_older_grant(work, profile, owner)
        return view(*args, **kwargs)

    return answers("forbidden")(wrapper)
