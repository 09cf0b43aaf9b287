"""Tickets for the owners of any profile: `/api/owners/`."""

from typing import Any

from flask import Response

from broker.api.auth.owner_rights import may_create
from broker.api.auth.tokens import requires_token
from broker.api.problems.answers import STORAGE, answers
from broker.api.request.owners import OWNER_PATH, PARAMETERS, names_owner
from broker.api.request.parsing import Blueprint
from broker.api.request.view_marks import allows_large_body, issues_tickets
from broker.api.routes.idempotency import idempotent
from broker.api.routes.issue_tickets import issue_many, issue_one
from broker.api.routes.unfinished import unfinished
from broker.api.routes.uppy_sessions import open_session
from broker.domain.profiles import Profile
from schemas import tickets, uploads, uppy

blueprint = Blueprint(
    "owners",
    __name__,
    url_prefix="/api/owners",
    description="Tickets and files of the owners of a profile, such as a product or an order.",
)
UPLOADS_PATH = OWNER_PATH + "uploads/"


@blueprint.route(UPLOADS_PATH, methods=["POST"], strict_slashes=False, parameters=PARAMETERS)
@issues_tickets
@answers("not_found", "forbidden", "image_limit_reached", "quota_exceeded", *STORAGE)
@requires_token
@names_owner
@may_create
@idempotent(blueprint)
@blueprint.arguments(tickets.OwnerFile)
@blueprint.response(201, tickets.Ticket)
def create_upload(file: dict[str, Any], profile: Profile, owner: str) -> Response:
    """Request a ticket for one file."""
    return issue_one(profile, owner, file)


@blueprint.route(
    UPLOADS_PATH + "batch/", methods=["POST"], strict_slashes=False, parameters=PARAMETERS
)
@issues_tickets
@allows_large_body
@answers("not_found", "forbidden", "image_limit_reached", "quota_exceeded", *STORAGE)
@requires_token
@names_owner
@may_create
@idempotent(blueprint)
@blueprint.arguments(tickets.OwnerFiles)
@blueprint.response(201, tickets.TicketBatch)
def create_uploads(batch: dict[str, Any], profile: Profile, owner: str) -> Response:
    """Request tickets for up to 50 files. Either all are issued or none."""
    return issue_many(profile, owner, batch["files"])


@blueprint.route(UPLOADS_PATH, methods=["GET"], strict_slashes=False, parameters=PARAMETERS)
@answers("not_found", "forbidden")
@requires_token
@names_owner
@blueprint.arguments(uploads.UploadPageQuery, location="query")
@blueprint.response(200, uploads.UploadPage)
def list_uploads(
    query: dict[str, Any], profile: Profile, owner: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """List the owner's pending, processing and rejected uploads, newest first."""
    return unfinished(profile, owner, query)


@blueprint.route(
    OWNER_PATH + "uppy_session/", methods=["POST"], strict_slashes=False, parameters=PARAMETERS
)
@answers("not_found", "forbidden", "uppy_not_configured")
@requires_token
@names_owner
@may_create
@idempotent(blueprint)
@blueprint.arguments(uppy.SessionLimits)
@blueprint.response(201, uppy.Session)
def open_uppy_session(limits: dict[str, int], profile: Profile, owner: str) -> Response:
    """Open an endpoint through which Uppy uploads files of the owner."""
    return open_session(profile, owner, limits)
