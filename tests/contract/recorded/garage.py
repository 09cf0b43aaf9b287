"""Garage 2.0.0, by its source: deuxfleurs-org/garage at 44587d29, June 2025.

Codes and statuses: src/api/s3/error.rs and src/api/common/common_error.rs, whose messages begin
with the kind. Elsewhere the file is named.
"""

from broker.domain.s3_failures import Advice
from broker.domain.storage_errors import (
    BucketMissing,
    InvalidParts,
    MultipartNotFound,
    ObjectNotFound,
    ObjectRefused,
    PreconditionFailed,
    StorageDenied,
    StorageUnavailable,
)
from broker.storage.bucket_setup import Outcome
from tests.contract.odd_server import Answer
from tests.contract.recorded import DIGEST, ErrorFormat, Recorded, ToBroker, ToClient, listing

_ERRORS = ErrorFormat(
    declaration='<?xml version="1.0" encoding="UTF-8"?>',
    further="<Resource>/media-bucket/a</Resource><Region>garage</Region>",
    headers={"Content-Type": "application/xml"},
)
_error = _ERRORS.error
_NOT_FOUND = _error(404, "NoSuchKey", "Key not found")
_UPLOAD_NOT_FOUND = _error(404, "NoSuchUpload", "Upload not found")
# s3/api_server.rs: every endpoint of the router that has no handler.
_NO_POLICY = _error(501, "NotImplemented", "Unimplemented action: GetBucketPolicy")
_NO_BLOCK = _error(501, "NotImplemented", "Unimplemented action: GetPublicAccessBlock")

GARAGE = Recorded(
    # common/signature/checksum.rs: there is no x-amz-checksum-type.
    checksum={"x-amz-checksum-sha256": DIGEST},
    # s3/list.rs and common/encoding.rs: slashes are encoded, too.
    listing=listing(_ERRORS.declaration, "media%2F%C3%A4%20b%2Bc.jpg", "2026-11-30T12:00:00.000Z"),
    to_broker={
        "HEAD of a missing key": ToBroker(
            call="head",
            answer=Answer(404, {"Content-Type": "application/xml"}),
            error=ObjectNotFound,
        ),
        # s3/delete.rs
        "DELETE of a missing key": ToBroker(call="delete", answer=Answer(204), error=None),
        # s3/get.rs: check_copy_source
        "copy of other bytes": ToBroker(
            call="copy",
            answer=_error(
                412,
                "PreconditionFailed",
                "At least one of the preconditions you specified did not hold",
            ),
            error=PreconditionFailed,
        ),
        "copy of a missing key": ToBroker(call="copy", answer=_NOT_FOUND, error=ObjectNotFound),
        # s3/multipart.rs: get_upload and decode_upload_id
        "ListParts of an ended upload": ToBroker(
            call="list_parts", answer=_UPLOAD_NOT_FOUND, error=MultipartNotFound
        ),
        "complete an ended upload": ToBroker(
            call="complete", answer=_UPLOAD_NOT_FOUND, error=MultipartNotFound
        ),
        "abort an ended upload": ToBroker(call="abort", answer=_UPLOAD_NOT_FOUND, error=None),
        "complete with a part that is not there": ToBroker(
            call="complete",
            answer=_error(
                400,
                "InvalidPart",
                "Parts given to CompleteMultipartUpload do not match uploaded parts",
            ),
            error=InvalidParts,
        ),
        # s3/multipart.rs: a part was sent without the digest that the completion names.
        "complete with another digest of a part": ToBroker(
            call="complete",
            answer=_error(
                400,
                "InvalidDigest",
                "Invalid digest: Invalid checksum for part 1: in request ="
                " Some(Sha256([44])), uploaded part = None",
            ),
            error=ObjectRefused,
        ),
        "a key without permission": ToBroker(
            call="list",
            answer=_error(403, "AccessDenied", "Forbidden: Operation is not allowed for this key."),
            error=StorageDenied,
        ),
        "the region is not that of the server": ToBroker(
            call="list",
            answer=_error(
                400,
                "AuthorizationHeaderMalformed",
                "Authorization header malformed, unexpected scope: 20261130/us-east-1/s3",
            ),
            error=StorageDenied,
        ),
        "a bucket that does not exist": ToBroker(
            call="create",
            answer=_error(404, "NoSuchBucket", "Bucket not found: media-bucket"),
            error=BucketMissing,
        ),
        "too few nodes answer": ToBroker(
            call="create",
            answer=_error(
                503,
                "ServiceUnavailable",
                "Internal error: Could not reach quorum of 2. 1 of 3 request succeeded",
            ),
            error=StorageUnavailable,
        ),
    },
    to_clients={
        # s3/post_object.rs
        "an expired form": ToClient(
            answer=_error(400, "InvalidRequest", "Bad request: Expiration date is in the past"),
            advice=Advice.RENEW,
        ),
        # common/signature/payload.rs
        "an expired URL": ToClient(
            answer=_error(400, "InvalidRequest", "Bad request: Date is too old"),
            advice=Advice.RENEW,
        ),
        # common/signature/checksum.rs
        "other bytes": ToClient(
            answer=_error(
                400,
                "InvalidDigest",
                "Invalid digest: Failed to validate checksum for algorithm Sha256: calculated"
                " Some(Sha256([45])), expected Sha256([44])",
            ),
            advice=Advice.RETRY,
        ),
        "another signature": ToClient(
            answer=_error(403, "AccessDenied", "Forbidden: Invalid signature"),
            advice=Advice.GIVE_UP,
        ),
        "a part of an ended upload": ToClient(answer=_UPLOAD_NOT_FOUND, advice=Advice.GIVE_UP),
        "too few nodes answer": ToClient(
            answer=_error(503, "ServiceUnavailable", "Internal error: Timeout"),
            advice=Advice.RETRY,
        ),
    },
    configuration={
        ("GET", "publicAccessBlock"): _NO_BLOCK,
        ("GET", "policy"): _NO_POLICY,
        # s3/cors.rs and s3/lifecycle.rs: without a configuration they have no body.
        ("GET", "cors"): Answer(204),
        ("GET", "lifecycle"): Answer(404),
    },
    outcomes={
        "Block Public Access": Outcome.NOT_SUPPORTED,
        "anyone may read": Outcome.NOT_SUPPORTED,
        "browsers may upload": Outcome.CHANGED,
        "is emptied after 30 days": Outcome.CHANGED,
        "are aborted after a day": Outcome.CHANGED,
    },
)
