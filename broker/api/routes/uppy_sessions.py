"""Open and revoke Uppy sessions."""

from typing import Any
from uuid import UUID

from flask import Response

from broker.api.auth.capabilities import signed
from broker.api.auth.owner_rights import may_create
from broker.api.auth.tokens import principal, requires_token
from broker.api.middleware.hosts import base_url
from broker.api.problems.answers import answers
from broker.api.problems.handlers import UPPY_PATH
from broker.api.request.context import current
from broker.api.request.owners import names_ad, names_user
from broker.api.request.parsing import Blueprint
from broker.api.routes.ads import AD_PATH
from broker.api.routes.idempotency import Created, idempotent
from broker.api.routes.users import USER_PATH
from broker.db.models import UppySession
from broker.domain.profiles import Profile
from broker.services.uppy import sessions as service
from broker.services.work import utc_now
from schemas import uppy
from schemas.fields import the

blueprint = Blueprint(
    "uppy_sessions",
    __name__,
    url_prefix="/api",
    description="Endpoints for Uppy. Their URL is their authorization.",
)


@blueprint.route("/ads" + AD_PATH + "uppy_session/", methods=["POST"], strict_slashes=False)
@answers("not_found", "forbidden", "uppy_not_configured")
@requires_token
@names_ad
@may_create
@idempotent(blueprint)
@blueprint.arguments(uppy.SessionLimits)
@blueprint.response(201, uppy.Session)
def open_ad_uppy_session(limits: dict[str, int], profile: Profile, owner: str) -> Response:
    """Open an endpoint through which Uppy uploads images of an ad."""
    return open_session(profile, owner, limits)


@blueprint.route("/users" + USER_PATH + "uppy_session/", methods=["POST"], strict_slashes=False)
@answers("not_found", "forbidden", "uppy_not_configured")
@requires_token
@names_user
@may_create
@idempotent(blueprint)
@blueprint.arguments(uppy.SessionLimits)
@blueprint.response(201, uppy.Session)
def open_user_uppy_session(limits: dict[str, int], profile: Profile, owner: str) -> Response:
    """Open an endpoint through which Uppy uploads an avatar."""
    return open_session(profile, owner, limits)


@blueprint.route("/uppy_sessions/<uuid:session_id>/", methods=["DELETE"], strict_slashes=False)
@answers("not_found")
@requires_token
@blueprint.response(204)
def revoke_uppy_session(session_id: UUID) -> None:
    """Revoke an endpoint. Images that were confirmed through it remain."""
    with current().work(principal()) as work:
        service.revoke(work, session_id)


def open_session(profile: Profile, owner: str, limits: dict[str, int]) -> Response:
    """Open a session for an owner, and return its endpoint."""
    base, now = base_url(), utc_now()

    def shape(row: UppySession) -> dict[str, Any]:
        written: dict[str, Any] = the(uppy.Session).dump(
            {
                "id": row.id,
                "endpoint": f"{base}{UPPY_PATH}{signed(row.id)}/",
                "expires_at": row.expires_at,
                "server_time": now,
                "max_files": row.max_files,
                "max_bytes": row.max_bytes,
            }
        )
        return written

    created = Created(shape)
    with current().work(principal(), now=now) as work:
        asked = service.SessionLimits(**limits)
        row = service.open_session(work, profile, owner, asked, answer=created.answer)
    return created.response(row)
