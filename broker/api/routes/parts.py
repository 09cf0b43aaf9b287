"""Parts of multipart uploads: sign, list, complete."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify

from broker.api.auth.tokens import principal, requires_token
from broker.api.problems.answers import ENDED, STORAGE, answers
from broker.api.request.context import current
from broker.api.request.parsing import Blueprint
from broker.api.request.view_marks import allows_large_body
from broker.api.routes import shapes
from broker.api.routes.metrics import counted
from broker.api.routes.recorded import may_be_processing
from broker.api.routes.uploads import UPLOAD_PATH
from broker.services.multipart.complete import complete
from broker.services.multipart.list_parts import list_parts
from broker.services.multipart.sign_parts import WantedPart, sign_parts
from broker.services.uploads.settled import Recorded
from broker.telemetry.metrics import CONFIRMS
from schemas import images, parts

blueprint = Blueprint(
    "parts",
    __name__,
    url_prefix="/api/uploads",
    description="Parts of multipart uploads: sign, list, complete.",
)


@blueprint.route(UPLOAD_PATH + "parts/", methods=["POST"], strict_slashes=False)
@allows_large_body
@answers("not_found", "not_multipart", "upload_settled", *ENDED, *STORAGE)
@requires_token
@blueprint.arguments(parts.WantedParts)
@blueprint.response(200, parts.SignedParts)
def sign_upload_parts(body: dict[str, Any], upload_id: UUID) -> Response:
    """Sign parts of a multipart upload. Any part can be signed again."""
    wanted = [WantedPart(**part) for part in body["parts"]]
    with current().work(principal()) as work:
        signed = sign_parts(work, upload_id, wanted)
    # Without a schema: it would take longer for a hundred parts than their signatures.
    return jsonify(
        {
            "parts": [
                {
                    "part_number": part.part_number,
                    "method": "PUT",
                    "url": put.url,
                    "headers": put.headers,
                    "size": part.size,
                }
                for part, put in signed.parts
            ],
            "expires_at": signed.expires_at,
            "server_time": work.now,
        }
    )


@blueprint.route(UPLOAD_PATH + "parts/", methods=["GET"], strict_slashes=False)
@answers("not_found", "not_multipart", "upload_settled", "object_missing", *ENDED, *STORAGE)
@requires_token
@blueprint.response(200, parts.Progress)
def list_upload_parts(upload_id: UUID) -> dict[str, Any]:
    """List the parts that have arrived, and the numbers of those that have not."""
    with current().work(principal()) as work:
        progress = list_parts(work, upload_id)
    return {**shapes.progress(progress), "server_time": work.now}


@blueprint.route(UPLOAD_PATH + "complete/", methods=["POST"], strict_slashes=False)
@allows_large_body
@answers(
    "not_found",
    "not_multipart",
    "parts_missing",
    "object_missing",
    "image_deleted",
    *ENDED,
    *STORAGE,
)
@requires_token
@blueprint.response(200, images.Image)
@may_be_processing(blueprint)
def complete_upload(upload_id: UUID) -> Recorded:
    """Complete the multipart upload and record the image. Repeating it is safe."""
    with counted(CONFIRMS), current().work(principal()) as work:
        return complete(work, upload_id)
