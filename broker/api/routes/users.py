"""Users: `/api/users/`."""

from typing import Any

from flask import Response

from broker.api.auth.owner_rights import may_create
from broker.api.auth.tokens import accepts_token, caller, principal, requires_token
from broker.api.problems.answers import STORAGE, answers
from broker.api.request.context import current
from broker.api.request.owners import names_user
from broker.api.request.parsing import Blueprint
from broker.api.request.view_marks import issues_tickets, public_read
from broker.api.routes import shapes
from broker.api.routes.idempotency import idempotent
from broker.api.routes.issue_tickets import issue_one
from broker.api.routes.tables import requires_users_table
from broker.domain.principal import ANYONE
from broker.domain.profiles import Profile
from broker.services.marketplace import users as service
from schemas import tickets, users

blueprint = Blueprint(
    "users", __name__, url_prefix="/api/users", description="Users, and tickets for avatars."
)
USER_PATH = "/<id:user_id>/"


@blueprint.route("/me/", methods=["GET"], strict_slashes=False)
@requires_token
@blueprint.response(200, users.User)
def get_own_user() -> dict[str, Any]:
    """Read the token's user. Its `id` is the id in the other paths."""
    with current().work(principal()) as work:
        return shapes.user(service.get_own_user(work), principal())


@blueprint.route("/", methods=["GET"], strict_slashes=False)
@answers("not_found", "forbidden")
@requires_token
@blueprint.arguments(users.UserQuery, location="query")
@blueprint.response(200, users.User)
def find_user(query: dict[str, str]) -> dict[str, Any]:
    """Find the user with a subject, for services. Its `id` is the id in the other paths."""
    with current().work(principal()) as work:
        return shapes.user(service.find_user(work, query["subject"]), principal())


@blueprint.route(USER_PATH, methods=["GET"], strict_slashes=False)
@requires_users_table
@answers("not_found")
@public_read
@accepts_token
@blueprint.response(200, users.User)
def get_user(user_id: int) -> dict[str, Any]:
    """Read a user."""
    with current().work(caller() or ANYONE) as work:
        return shapes.user(service.get_user(work, user_id), caller())


@blueprint.route(USER_PATH, methods=["PATCH"], strict_slashes=False)
@requires_users_table
@answers("not_found", "forbidden", "avatar_not_confirmed")
@requires_token
@blueprint.arguments(users.UserChanges)
@blueprint.response(200, users.User)
def edit_user(changes: dict[str, Any], user_id: int) -> dict[str, Any]:
    """Edit the token's user."""
    with current().work(principal()) as work:
        view = service.edit_user(work, user_id, changes)
    return shapes.user(view, principal())


@blueprint.route(USER_PATH + "upload_avatar/", methods=["POST"], strict_slashes=False)
@issues_tickets
@answers("not_found", "forbidden", "image_limit_reached", "quota_exceeded", *STORAGE)
@requires_token
@names_user
@may_create
@idempotent(blueprint)
@blueprint.arguments(tickets.AvatarFile)
@blueprint.response(201, tickets.Ticket)
def upload_avatar(file: dict[str, Any], profile: Profile, owner: str) -> Response:
    """Request a ticket for an avatar."""
    return issue_one(profile, owner, file)
