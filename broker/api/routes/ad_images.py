"""Tickets for an ad's images, and the images themselves."""

from typing import Any

from flask import Response

from broker.api.auth.owner_rights import may_create
from broker.api.auth.tokens import principal, requires_token
from broker.api.problems.answers import STORAGE, answers
from broker.api.request.context import current
from broker.api.request.owners import names_ad
from broker.api.request.parsing import Blueprint
from broker.api.request.view_marks import allows_large_body, issues_tickets
from broker.api.routes import shapes
from broker.api.routes.ads import AD_PATH
from broker.api.routes.idempotency import idempotent
from broker.api.routes.issue_tickets import issue_many, issue_one
from broker.domain.profiles import Profile
from broker.services.uploads.files import delete_file, edit_file
from schemas import images, tickets

blueprint = Blueprint(
    "ad_images",
    __name__,
    url_prefix="/api/ads",
    description="Tickets for the images of an ad, and the images themselves.",
)
IMAGE_PATH = AD_PATH + "images/<id:image_id>/"


@blueprint.route(AD_PATH + "upload_image/", methods=["POST"], strict_slashes=False)
@issues_tickets
@answers("not_found", "forbidden", "image_limit_reached", "quota_exceeded", *STORAGE)
@requires_token
@names_ad
@may_create
@idempotent(blueprint)
@blueprint.arguments(tickets.ImageFile)
@blueprint.response(201, tickets.Ticket)
def upload_image(file: dict[str, Any], profile: Profile, owner: str) -> Response:
    """Request a ticket for one image."""
    return issue_one(profile, owner, file)


@blueprint.route(AD_PATH + "upload_images/", methods=["POST"], strict_slashes=False)
@issues_tickets
@allows_large_body
@answers("not_found", "forbidden", "image_limit_reached", "quota_exceeded", *STORAGE)
@requires_token
@names_ad
@may_create
@idempotent(blueprint)
@blueprint.arguments(tickets.ImageFiles)
@blueprint.response(201, tickets.TicketBatch)
def upload_images(batch: dict[str, Any], profile: Profile, owner: str) -> Response:
    """Request tickets for up to 50 images. Either all are issued or none."""
    return issue_many(profile, owner, batch["files"])


@blueprint.route(IMAGE_PATH, methods=["PATCH"], strict_slashes=False)
@answers("not_found", "forbidden")
@requires_token
@names_ad
@blueprint.arguments(images.ImageChanges)
@blueprint.response(200, images.Image)
def edit_image(
    changes: dict[str, Any], profile: Profile, owner: str, image_id: int
) -> dict[str, Any]:
    """Change the alt_text or the order of an image."""
    with current().work(principal()) as work:
        row = edit_file(work, profile, owner, image_id, changes)
    return shapes.image(row)


@blueprint.route(IMAGE_PATH, methods=["DELETE"], strict_slashes=False)
@answers("not_found", "forbidden")
@requires_token
@names_ad
@blueprint.response(204)
def delete_image(profile: Profile, owner: str, image_id: int) -> None:
    """Delete an image."""
    with current().work(principal()) as work:
        delete_file(work, profile, owner, image_id)
