"""Erase owners and users, for services, and read how far an erasure is."""

from datetime import datetime
from uuid import UUID

from broker.api.auth.erased_users import erased_users
from broker.api.auth.tokens import principal, requires_token
from broker.api.problems.answers import answers
from broker.api.request.context import current
from broker.api.request.owners import OWNER_PATH, PARAMETERS, names_owner
from broker.api.request.parsing import Blueprint
from broker.api.routes.users import USER_PATH
from broker.domain.profiles import Profile
from broker.services.erasure import erase_owner as owners
from broker.services.erasure import erase_user as users
from broker.services.erasure import erasures as service
from broker.services.erasure.erasures import ErasureView
from schemas.erasures import Erasure

blueprint = Blueprint(
    "erasures",
    __name__,
    url_prefix="/api",
    description="Erase users and owners with everything that the broker has of them.",
)
Accepted = tuple[ErasureView, dict[str, str]]


@blueprint.route(
    "/owners" + OWNER_PATH, methods=["DELETE"], strict_slashes=False, parameters=PARAMETERS
)
@answers("forbidden", "not_found")
@requires_token
@names_owner
@blueprint.response(202, Erasure)
def erase_owner(profile: Profile, owner: str) -> Accepted:
    """Erase an owner with its files and unfinished uploads, for services.

    Grants that were issued before count no more; a later one makes it an owner again. An ad is
    deleted. For an avatar in the broker's own table of users, the user is erased.
    """
    with current().work(principal()) as work:
        return _accepted(owners.erase_owner(work, profile, owner), work.now)


@blueprint.route("/users" + USER_PATH, methods=["DELETE"], strict_slashes=False)
@answers("forbidden", "not_found")
@requires_token
@blueprint.response(202, Erasure)
def erase_user(user_id: int) -> Accepted:
    """Erase a user with ads, avatar, unfinished uploads and personal data, for services.

    The user's tokens are refused from now on, unless they were issued later. Files of owners by
    token stay, because the rights to them belong to the owner.
    """
    with current().work(principal()) as work:
        return _accepted(users.erase_user(work, user_id), work.now)


@blueprint.route("/erasures/<uuid:erasure_id>/", methods=["GET"], strict_slashes=False)
@answers("forbidden", "not_found")
@requires_token
@blueprint.response(200, Erasure)
def get_erasure(erasure_id: UUID) -> ErasureView:
    """Read how many objects of an erasure are left, for services."""
    with current().work(principal()) as work:
        return service.get_erasure(work, erasure_id)


def _accepted(view: ErasureView, erased_at: datetime) -> Accepted:
    if view.user_id is not None:
        erased_users().add(view.user_id, erased_at)
    return view, {"Location": f"/api/erasures/{view.id}/"}
