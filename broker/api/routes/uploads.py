"""Uploads: `/api/uploads/`."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify

from broker.api.auth.tokens import principal, requires_token
from broker.api.problems.answers import ENDED, STORAGE, answers
from broker.api.request.context import current
from broker.api.request.parsing import Blueprint
from broker.api.routes import shapes
from broker.api.routes.metrics import counted
from broker.api.routes.recorded import may_be_processing, retry_after
from broker.domain.states import UploadState
from broker.services.confirm.confirm import confirm
from broker.services.tickets.cancel import cancel
from broker.services.tickets.renew import renew
from broker.services.tickets.report_failure import report_failure as advise
from broker.services.uploads.find import find_uploads
from broker.services.uploads.settled import Recorded, image_of
from broker.services.uploads.state import get_upload as get
from broker.telemetry.metrics import CONFIRMS, FAILURES
from schemas import images, tickets, uploads

blueprint = Blueprint(
    "uploads",
    __name__,
    url_prefix="/api/uploads",
    description="Uploads: read, confirm, renew, cancel.",
)
UPLOAD_PATH = "/<uuid:upload_id>/"


@blueprint.route(UPLOAD_PATH, methods=["GET"], strict_slashes=False)
@answers("not_found")
@requires_token
@blueprint.response(200, uploads.Upload)
def get_upload(upload_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Read an upload and its state. `Retry-After` says when to read it again."""
    with current().work(principal()) as work:
        row = get(work, upload_id)
        # An upload that is confirmed between the two reads has no image yet.
        recorded = image_of(work, row) if row.state == UploadState.CONFIRMED else None
    return shapes.upload(row, recorded, work.now), retry_after([row])


@blueprint.route("/", methods=["GET"], strict_slashes=False)
@requires_token
@blueprint.arguments(uploads.UploadQuery, location="query")
@blueprint.response(200, uploads.UploadList)
def get_uploads(query: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Read up to 50 uploads. Those that do not exist or are not yours are left out."""
    with current().work(principal()) as work:
        views = find_uploads(work, query["ids"])
    found = [shapes.upload(view.upload, view.image, work.now) for view in views]
    return {"uploads": found}, retry_after([view.upload for view in views])


@blueprint.route(UPLOAD_PATH, methods=["DELETE"], strict_slashes=False)
@answers("not_found", "upload_settled")
@requires_token
@blueprint.response(204)
def cancel_upload(upload_id: UUID) -> None:
    """Cancel an upload. A multipart upload is aborted."""
    with current().work(principal()) as work:
        cancel(work, upload_id)


@blueprint.route(UPLOAD_PATH + "confirm/", methods=["POST"], strict_slashes=False)
@answers("not_found", "object_missing", "image_deleted", *ENDED, *STORAGE)
@requires_token
@blueprint.response(200, images.Image)
@may_be_processing(blueprint)
def confirm_upload(upload_id: UUID) -> Recorded:
    """Verify the object and record the image. Repeating it is safe."""
    with counted(CONFIRMS), current().work(principal()) as work:
        return confirm(work, upload_id)


@blueprint.route(UPLOAD_PATH + "renew/", methods=["POST"], strict_slashes=False)
@answers("not_found", "upload_settled", *ENDED, *STORAGE)
@requires_token
@blueprint.response(200, tickets.Ticket)
def renew_upload(upload_id: UUID) -> Response:
    """Renew the ticket of a pending or just-expired upload."""
    with current().work(principal()) as work:
        ticket = renew(work, upload_id)
    return jsonify(shapes.ticket(ticket))


@blueprint.route(UPLOAD_PATH + "failures/", methods=["POST"], strict_slashes=False)
@answers("not_found")
@requires_token
@blueprint.arguments(uploads.Failure)
@blueprint.response(200, uploads.Advice)
def report_failure(failure: dict[str, Any], upload_id: UUID) -> dict[str, Any]:
    """Report an error from S3 and get advice."""
    with current().work(principal()) as work:
        advice = advise(work, upload_id, failure["code"], failure["message"])
    FAILURES.labels(advice.value).inc()
    return {"action": advice.value}
