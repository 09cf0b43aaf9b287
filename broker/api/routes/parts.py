"""Parts of multipart uploads: sign, list, complete."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify

from broker.api.auth.tokens import principal, requires_token
from broker.api.problems.answers import ENDED, STORAGE, answers
from broker.api.request.context import current, utc_now
from broker.api.request.parsing import Blueprint
from broker.api.request.view_marks import allows_large_body
from broker.api.routes import shapes
from broker.api.routes.metrics import counted
from broker.api.routes.uploads import UPLOAD_PATH
from broker.services.multipart.complete import complete
from broker.services.multipart.list_parts import list_parts
from broker.services.multipart.sign_parts import WantedPart, sign_parts
from broker.telemetry.metrics import CONFIRMS
from schemas import images, parts
from schemas.fields import rfc3339

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
    broker, now = current(), utc_now()
    wanted = [WantedPart(**part) for part in body["parts"]]
    with broker.database.session() as session:
        signed = sign_parts(
            session, broker.storage, broker.limits, principal(), upload_id, wanted, now=now
        )
    # Without a schema: dumping a hundred parts would take longer than signing them.
    return jsonify(
        {
            "parts": [
                {
                    "part_number": part.part_number,
                    "method": "PUT",
                    "url": part.put.url,
                    "headers": part.put.headers,
                    "size": part.size,
                }
                for part in signed.parts
            ],
            "expires_at": rfc3339(signed.expires_at),
            "server_time": rfc3339(now),
        }
    )


@blueprint.route(UPLOAD_PATH + "parts/", methods=["GET"], strict_slashes=False)
@answers("not_found", "not_multipart", "upload_settled", "object_missing", *ENDED, *STORAGE)
@requires_token
@blueprint.response(200, parts.Progress)
def list_upload_parts(upload_id: UUID) -> dict[str, Any]:
    """List the parts that have arrived, and the numbers of those that have not."""
    broker, now = current(), utc_now()
    with broker.database.session() as session:
        progress = list_parts(
            session, broker.storage, broker.limits, principal(), upload_id, now=now
        )
    return {**shapes.progress(progress), "server_time": now}


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
def complete_upload(upload_id: UUID) -> dict[str, Any]:
    """Complete the multipart upload and record the image. Repeating it is safe."""
    broker = current()
    with counted(CONFIRMS), broker.database.session() as session:
        row = complete(
            session, broker.storage, broker.limits, principal(), upload_id, now=utc_now()
        )
    return shapes.image(row)
