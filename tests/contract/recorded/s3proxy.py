"""S3Proxy after 4.0.0, by its source: gaul/s3proxy at f8859ad6, August 2026.

Codes, statuses and messages: src/main/java/org/gaul/s3proxy/S3ErrorCode.java. All else is in
S3ProxyHandler.java, if no other file is named.
"""

from broker.domain.s3_failures import Advice
from broker.domain.storage_errors import (
    BucketMissing,
    InvalidParts,
    MultipartNotFound,
    ObjectNotFound,
    PreconditionFailed,
    StorageDenied,
    StorageUnavailable,
)
from broker.storage.bucket_setup import Outcome
from tests.contract.odd_server import Answer
from tests.contract.recorded import DIGEST, ErrorFormat, Recorded, ToBroker, ToClient, listing

_ERRORS = ErrorFormat(
    declaration='<?xml version="1.0" ?>',
    further="<RequestId>4442587FB7D0A2F9</RequestId>",
    headers={"Content-Type": "application/xml;charset=utf-8"},
)
_error = _ERRORS.error
_UPLOAD_NOT_FOUND = _error(404, "NoSuchUpload", "Not Found")
# For each name in UNSUPPORTED_PARAMETERS, and for `policy` if it writes.
_UNSUPPORTED = _error(
    501, "NotImplemented", "A header you provided implies functionality that is not implemented."
)

S3PROXY = Recorded(
    # addMetadataToResponse, for objects that were sent with a digest
    checksum={"x-amz-checksum-sha256": DIGEST, "x-amz-checksum-type": "FULL_OBJECT"},
    # encodeBlob
    listing=listing(_ERRORS.declaration, "media/%C3%A4%20b%2Bc.jpg", "2026-11-30T12:00:00Z"),
    to_broker={
        "HEAD of a missing key": ToBroker(
            call="head", answer=Answer(404, {"x-amz-delete-marker": "false"}), error=ObjectNotFound
        ),
        "DELETE of a missing key": ToBroker(call="delete", answer=Answer(204), error=None),
        "copy of other bytes": ToBroker(
            call="copy",
            answer=_error(
                412,
                "PreconditionFailed",
                "At least one of the preconditions you specified did not hold.",
            ),
            error=PreconditionFailed,
        ),
        "copy of a missing key": ToBroker(
            call="copy",
            answer=_error(404, "NoSuchKey", "The specified key does not exist."),
            error=ObjectNotFound,
        ),
        # handleListParts: many of its stores do not know which uploads exist.
        "ListParts of an ended upload": ToBroker(
            call="list_parts",
            answer=Answer(
                body=b'<?xml version="1.0" ?><ListPartsResult'
                b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>media-bucket</Bucket>'
                b"<Key>a</Key><UploadId>m</UploadId><StorageClass>STANDARD</StorageClass>"
                b"<PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>0"
                b"</NextPartNumberMarker><MaxParts>1000</MaxParts><IsTruncated>false</IsTruncated>"
                b"</ListPartsResult>"
            ),
            error=None,
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
                "One or more of the specified parts could not be found.  The part may not have been"
                " uploaded, or the specified entity tag may not match the part's entity tag.",
            ),
            error=InvalidParts,
        ),
        "a key without permission": ToBroker(
            call="list", answer=_error(403, "AccessDenied", "Forbidden"), error=StorageDenied
        ),
        # SUPPORTED_X_AMZ_HEADERS. Another try would not help.
        "a header that it does not know": ToBroker(
            call="create", answer=_UNSUPPORTED, error=StorageDenied
        ),
        "a bucket that does not exist": ToBroker(
            call="create",
            answer=_error(404, "NoSuchBucket", "The specified bucket does not exist"),
            error=BucketMissing,
        ),
        "its store fails": ToBroker(
            call="create",
            answer=_error(500, "InternalError", "An internal error occurred. Try again."),
            error=StorageUnavailable,
        ),
    },
    to_clients={
        # auth/PostPolicy.java
        "an expired form": ToClient(
            answer=_error(403, "AccessDenied", "Invalid according to Policy: Policy expired."),
            advice=Advice.RENEW,
        ),
        "an expired URL": ToClient(
            answer=_error(403, "AccessDenied", "Request has expired"), advice=Advice.RENEW
        ),
        "other bytes": ToClient(
            answer=_error(400, "BadDigest", "Bad Request"), advice=Advice.RETRY
        ),
        "a longer file": ToClient(
            answer=_error(
                400,
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed object size.",
            ),
            advice=Advice.GIVE_UP,
        ),
        "another signature": ToClient(
            answer=_error(403, "SignatureDoesNotMatch", "Forbidden"), advice=Advice.GIVE_UP
        ),
        "a second PUT": ToClient(
            answer=_error(
                412,
                "PreconditionFailed",
                "At least one of the preconditions you specified did not hold.",
            ),
            advice=Advice.CONFIRM,
        ),
        "a part of an ended upload": ToClient(answer=_UPLOAD_NOT_FOUND, advice=Advice.GIVE_UP),
    },
    configuration={
        ("GET", "publicAccessBlock"): _UNSUPPORTED,
        ("GET", "policy"): _error(
            404, "NoSuchPolicy", "The specified bucket does not have a bucket policy."
        ),
        ("PUT", "policy"): _UNSUPPORTED,
        ("GET", "cors"): _UNSUPPORTED,
        ("GET", "lifecycle"): _UNSUPPORTED,
    },
    outcomes={
        "Block Public Access": Outcome.NOT_SUPPORTED,
        "anyone may read": Outcome.NOT_SUPPORTED,
        "browsers may upload": Outcome.NOT_SUPPORTED,
        "is emptied after 30 days": Outcome.NOT_SUPPORTED,
        "are aborted after a day": Outcome.NOT_SUPPORTED,
    },
)
