"""Uploads: `/api/uploads/`."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify

from broker.api.auth.tokens import principal, requires_token
from broker.api.problems.answers import ENDED, STORAGE, answers
from broker.api.request.context import current, utc_now
from broker.api.request.parsing import Blueprint
from broker.api.routes import shapes
from broker.api.routes.metrics import counted
from broker.services.confirm import confirm as confirming
from broker.services.tickets import cancel as cancelling
from broker.services.tickets import renew as renewing
from broker.services.tickets import report_failure as reporting
from broker.services.uploads import state as service
from broker.services.uploads.settled import image_of
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
def get_upload(upload_id: UUID) -> dict[str, Any]:
    """Read an upload and its state."""
    with current().database.session() as session:
        row = service.get_upload(session, principal(), upload_id)
        recorded = image_of(session, row)
    return {**shapes.upload(row, recorded), "server_time": utc_now()}


@blueprint.route(UPLOAD_PATH, methods=["DELETE"], strict_slashes=False)
@answers("not_found", "upload_settled")
@requires_token
@blueprint.response(204)
def cancel_upload(upload_id: UUID) -> None:
    """Cancel an upload. A multipart upload is aborted."""
    broker = current()
    with broker.database.session() as session:
        cancelling.cancel(
            session, broker.storage, broker.limits, principal(), upload_id, now=utc_now()
        )


@blueprint.route(UPLOAD_PATH + "confirm/", methods=["POST"], strict_slashes=False)
@answers("not_found", "object_missing", "image_deleted", *ENDED, *STORAGE)
@requires_token
@blueprint.response(200, images.Image)
def confirm_upload(upload_id: UUID) -> dict[str, Any]:
    """Verify the object and record the image. Repeating it is safe."""
    broker = current()
    with counted(CONFIRMS), broker.database.session() as session:
        row = confirming.confirm(
            session, broker.storage, broker.limits, principal(), upload_id, now=utc_now()
        )
    return shapes.image(row)


@blueprint.route(UPLOAD_PATH + "renew/", methods=["POST"], strict_slashes=False)
@answers("not_found", "upload_settled", *ENDED, *STORAGE)
@requires_token
@blueprint.response(200, tickets.Ticket)
def renew_upload(upload_id: UUID) -> Response:
    """Renew the ticket of a pending or just-expired upload."""
    broker = current()
    with broker.database.session() as session:
        ticket = renewing.renew(
            session, broker.storage.presigner, broker.limits, principal(), upload_id, now=utc_now()
        )
    return jsonify(shapes.ticket(ticket))


@blueprint.route(UPLOAD_PATH + "failures/", methods=["POST"], strict_slashes=False)
@answers("not_found")
@requires_token
@blueprint.arguments(uploads.Failure)
@blueprint.response(200, uploads.Advice)
def report_failure(failure: dict[str, Any], upload_id: UUID) -> dict[str, Any]:
    """Report an error from S3 and get advice."""
    with current().database.session() as session:
        advice = reporting.report_failure(
            session,
            principal(),
            upload_id,
            failure["code"],
            failure["message"],
            limits=current().limits,
            now=utc_now(),
        )
    FAILURES.labels(advice.value).inc()
    return {"action": advice.value}
