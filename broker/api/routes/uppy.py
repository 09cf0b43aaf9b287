"""Companion's S3 protocol for unmodified Uppy, and a route to confirm uploads.

The protocol was read from @uppy/aws-s3 6.3.1 (`src/s3-client/CompanionS3.ts`) and 5.1.0
(`src/index.ts`), and from the routes of @uppy/companion. The `uploadId` in responses is the id of
the upload in the broker.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from broker.api.auth.capabilities import requires_capability, uppy_session
from broker.api.problems.answers import ENDED, STORAGE, answers
from broker.api.request.context import current
from broker.api.request.parsing import Blueprint
from broker.api.request.view_marks import allows_large_body, issues_tickets
from broker.api.routes import shapes
from broker.api.routes.issue_tickets import one_file
from broker.api.routes.metrics import counted
from broker.api.routes.recorded import may_be_processing
from broker.db.models import Upload
from broker.domain.errors import InvalidRequest
from broker.domain.object_head import PresignedPost, PresignedPut
from broker.domain.object_keys import published_keys, written_key
from broker.domain.put_request import PartRequest
from broker.domain.transports import MULTIPART, POST, Transport
from broker.services.confirm.confirm import confirm
from broker.services.multipart.complete import complete
from broker.services.multipart.list_parts import list_parts
from broker.services.multipart.sign_parts import WantedPart, sign_parts
from broker.services.tickets.cancel import cancel
from broker.services.tickets.issue import FileRequest, issue
from broker.services.tickets.sign import Ticket
from broker.services.uploads.settled import Recorded
from broker.services.uppy import uploads as uppy_uploads
from broker.services.uppy.sessions import owner_of, principal_of
from broker.services.work import Work
from broker.telemetry.metrics import CONFIRMS
from schemas import images, uppy

blueprint = Blueprint(
    "uppy",
    __name__,
    url_prefix="/api/uppy",
    description=(
        "Companion's S3 protocol for Uppy. The URL is the authorization. Problems also have "
        "`error` and `message`, one line for people."
    ),
)
S3 = "/<capability:capability>/s3/"
MULTIPART_PATH = S3 + "multipart/<uuid:upload_id>"


@blueprint.route(S3 + "params", methods=["GET"], strict_slashes=False)
@issues_tickets
@answers(
    "not_found",
    "forbidden",
    "image_limit_reached",
    "quota_exceeded",
    "capability_exhausted",
    *STORAGE,
)
@requires_capability
@blueprint.arguments(uppy.File, location="query", unknown="exclude")
@blueprint.response(200, uppy.FormParameters)
def get_upload_parameters(file: dict[str, Any]) -> dict[str, Any]:
    """Request the form of a single upload."""
    ticket = _issue(file, file, POST)
    assert isinstance(ticket.transfer, PresignedPost)  # noqa: S101 - by its transport
    return {
        "method": "POST",
        "url": ticket.transfer.url,
        "fields_": ticket.transfer.fields,
        "expires": int((ticket.upload.expires_at - ticket.server_time).total_seconds()),
    }


@blueprint.route(S3 + "multipart", methods=["POST"], strict_slashes=False)
@issues_tickets
@answers(
    "not_found",
    "forbidden",
    "image_limit_reached",
    "quota_exceeded",
    "capability_exhausted",
    *STORAGE,
)
@requires_capability
@blueprint.arguments(uppy.MultipartFile, unknown="exclude")
@blueprint.response(200, uppy.MultipartCreated)
def create_multipart_upload(file: dict[str, Any]) -> dict[str, Any]:
    """Create a multipart upload."""
    upload = _issue(file, file["metadata"], MULTIPART).upload
    return {"key": written_key(current().limits, upload), "uploadId": str(upload.id)}


@blueprint.route(MULTIPART_PATH, methods=["GET"], strict_slashes=False)
@answers("not_found", "not_multipart", "upload_settled", "object_missing", *ENDED, *STORAGE)
@requires_capability
@blueprint.arguments(uppy.KeyQuery, location="query", unknown="exclude")
@blueprint.response(200, uppy.ListedPart(many=True))
def get_uploaded_parts(query: dict[str, str], upload_id: UUID) -> list[dict[str, Any]]:
    """List the parts that have arrived."""
    with _work() as work:
        uppy_uploads.by_id(work, uppy_session(), upload_id, query["key"])
        found = list_parts(work, upload_id)
    return [
        {"PartNumber": part.part_number, "Size": part.size, "ETag": f'"{part.etag}"'}
        for part in found.parts
    ]


@blueprint.route(MULTIPART_PATH + "/<int:part_number>", methods=["GET"], strict_slashes=False)
@answers("not_found", "not_multipart", "upload_settled", *ENDED, *STORAGE)
@requires_capability
@blueprint.arguments(uppy.KeyQuery, location="query", unknown="exclude")
@blueprint.response(200, uppy.PartUrl)
def sign_part_upload(query: dict[str, str], upload_id: UUID, part_number: int) -> dict[str, Any]:
    """Sign one part."""
    ((_, put),) = _sign(upload_id, query["key"], [part_number])
    return {
        "url": put.url,
        "expires": current().limits.profiles.of_kind(uppy_session().owner_kind).put_ttl,
    }


@blueprint.route(MULTIPART_PATH + "/batch", methods=["GET"], strict_slashes=False)
@answers("not_found", "not_multipart", "upload_settled", *ENDED, *STORAGE)
@requires_capability
@blueprint.arguments(uppy.BatchQuery, location="query", unknown="exclude")
@blueprint.response(200, uppy.PartUrls)
def batch_sign_parts_upload(query: dict[str, str], upload_id: UUID) -> dict[str, Any]:
    """Sign several parts."""
    numbers = [int(number) for number in query["partNumbers"].split(",")]
    parts = _sign(upload_id, query["key"], numbers)
    return {"presignedUrls": {str(part.part_number): put.url for part, put in parts}}


@blueprint.route(MULTIPART_PATH + "/complete", methods=["POST"], strict_slashes=False)
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
@requires_capability
@blueprint.arguments(uppy.KeyQuery, location="query", unknown="exclude")
@blueprint.arguments(uppy.NamedParts, unknown="exclude")
@blueprint.response(200, uppy.Completed)
def complete_multipart_upload(
    query: dict[str, str], body: dict[str, Any], upload_id: UUID
) -> dict[str, Any]:
    """Complete the multipart upload and record the image."""
    named = {part["PartNumber"]: part["ETag"].strip('"') for part in body["parts"]}
    if len(named) != len(body["parts"]):
        raise InvalidRequest("A part is named twice.", {"parts": ["Named twice."]})
    with counted(CONFIRMS), _work() as work:
        upload = uppy_uploads.by_id(work, uppy_session(), upload_id, query["key"])
        recorded = complete(work, upload.id, named=named)
    return {"location": shapes.image_url(_public_key(recorded)), "key": query["key"]}


@blueprint.route(MULTIPART_PATH, methods=["DELETE"], strict_slashes=False)
@answers("not_found", "upload_settled")
@requires_capability
@blueprint.arguments(uppy.KeyQuery, location="query", unknown="exclude")
@blueprint.response(200, uppy.Nothing)
def abort_multipart_upload(query: dict[str, str], upload_id: UUID) -> dict[str, Any]:
    """Abort a multipart upload."""
    with _work() as work:
        uppy_uploads.by_id(work, uppy_session(), upload_id, query["key"])
        cancel(work, upload_id)
    return {}


@blueprint.route("/<capability:capability>/confirm/", methods=["POST"], strict_slashes=False)
@answers("not_found", "object_missing", "image_deleted", *ENDED, *STORAGE)
@requires_capability
@blueprint.arguments(uppy.KeyBody, unknown="exclude")
@blueprint.response(200, images.Image)
@may_be_processing(blueprint)
def confirm_by_key(body: dict[str, str]) -> Recorded:
    """Confirm an upload by its object key, which Uppy reports. Repeating it is safe."""
    with counted(CONFIRMS), _work() as work:
        upload = uppy_uploads.by_key(work, uppy_session(), body["key"])
        return confirm(work, upload.id)


def _public_key(recorded: Recorded) -> str:
    """Return the key of the image, or the one that it gets if the worker's first attempt wins."""
    if isinstance(recorded, Upload):
        return published_keys(recorded)[-1][0]
    return recorded.key


def _work() -> AbstractContextManager[Work]:
    """Return the work of the session's user."""
    return current().work(principal_of(current().limits, uppy_session()))


def _issue(file: dict[str, Any], meta: dict[str, Any], transport: Transport) -> Ticket:
    row = uppy_session()
    request = FileRequest(
        file_name=file["filename"],
        content_type=file["type"],
        size=None,
        max_size=row.max_bytes - row.bytes_taken,
        alt_text=meta["alt_text"],
        order=meta["order"],
        transport=transport.name,
    )
    with one_file(), _work() as work:
        profile = work.limits.profiles.of_kind(row.owner_kind)
        (ticket,) = issue(work, profile, owner_of(row), [request], uppy_session_id=row.id)
    return ticket


def _sign(
    upload_id: UUID, key: str, numbers: list[int]
) -> Sequence[tuple[PartRequest, PresignedPut]]:
    with _work() as work:
        upload: Upload = uppy_uploads.by_id(work, uppy_session(), upload_id, key)
        wanted = [WantedPart(part_number=number) for number in numbers]
        signed = sign_parts(work, upload.id, wanted)
    return signed.parts
