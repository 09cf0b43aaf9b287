"""The s3api of OpenStack Swift after 2.38.1, by its source: openstack/swift at d57c078e.

That is August 2026. Codes, statuses and messages: s3response.py in swift/common/middleware/s3api.
Elsewhere the file in that folder is named.
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
from tests.contract.recorded import ErrorFormat, Recorded, ToBroker, ToClient, listing

_ERRORS = ErrorFormat(
    declaration="<?xml version='1.0' encoding='UTF-8'?>\n",
    further="<RequestId>tx0c4b1a6f9d3e4e7c8f2a1-0069</RequestId>",
    headers={"Content-Type": "application/xml"},
)
_error = _ERRORS.error
_NOT_FOUND = _error(404, "NoSuchKey", "The specified key does not exist.", "<Key>a</Key>")
_UPLOAD_NOT_FOUND = _error(
    404,
    "NoSuchUpload",
    "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may"
    " have been aborted or completed.",
    "<UploadId>m</UploadId>",
)
# controllers/base.py: UnsupportedController, for the parameters in s3request.py: controller.
_UNSUPPORTED = _error(501, "NotImplemented", "The requested resource is not implemented")
# `lifecycle` is not among them, so GET lists the bucket and PUT creates it (controllers/bucket.py).
_LISTING = Answer(
    body=b"<?xml version='1.0' encoding='UTF-8'?>\n"
    b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>media-bucket</Name>'
    b"<Prefix/><Marker/><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
)

SWIFT = Recorded(
    # s3request.py checks a digest that was sent, and keeps none.
    checksum={},
    # controllers/bucket.py: _add_object
    listing=listing(_ERRORS.declaration, "media/%C3%A4%20b%2Bc.jpg", "2026-11-30T12:00:00.000Z"),
    to_broker={
        "HEAD of a missing key": ToBroker(
            call="head",
            answer=Answer(404, {"Content-Type": "application/xml"}),
            error=ObjectNotFound,
        ),
        # controllers/obj.py
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
        "copy of a missing key": ToBroker(call="copy", answer=_NOT_FOUND, error=ObjectNotFound),
        # controllers/multi_upload.py: _get_upload_info. Older releases answered NoSuchKey.
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
                "One or more of the specified parts could not be found.  The part might not have"
                " been uploaded, or the specified entity tag might not have matched the part's"
                " entity tag.",
                "<UploadId>m</UploadId><PartNumber>1</PartNumber>",
            ),
            error=InvalidParts,
        ),
        "complete with a small part": ToBroker(
            call="complete",
            answer=_error(
                400,
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed object size.",
            ),
            error=InvalidParts,
        ),
        "a key without permission": ToBroker(
            call="list",
            answer=_error(403, "AccessDenied", "Access Denied."),
            error=StorageDenied,
        ),
        "a bucket that does not exist": ToBroker(
            call="create",
            answer=_error(
                404,
                "NoSuchBucket",
                "The specified bucket does not exist.",
                "<BucketName>media-bucket</BucketName>",
            ),
            error=BucketMissing,
        ),
        "too many requests": ToBroker(
            call="create",
            answer=_error(503, "SlowDown", "Please reduce your request rate."),
            error=StorageUnavailable,
        ),
    },
    to_clients={
        # controllers/bucket.py: POST. It takes no forms.
        "a form": ToClient(
            answer=_error(501, "NotImplemented", "Not implemented."), advice=Advice.GIVE_UP
        ),
        # s3request.py
        "an expired URL": ToClient(
            answer=_error(403, "AccessDenied", "Request has expired"), advice=Advice.RENEW
        ),
        "another time than the server's": ToClient(
            answer=_error(
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            advice=Advice.RENEW,
        ),
        # s3request.py: translate_read_errors
        "other bytes": ToClient(
            answer=_error(
                400, "BadDigest", "The SHA256 you specified did not match the calculated checksum."
            ),
            advice=Advice.RETRY,
        ),
        "another signature": ToClient(
            answer=_error(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided."
                " Check your key and signing method.",
            ),
            advice=Advice.GIVE_UP,
        ),
        "a part of an ended upload": ToClient(answer=_UPLOAD_NOT_FOUND, advice=Advice.GIVE_UP),
    },
    configuration={
        ("GET", "publicAccessBlock"): _UNSUPPORTED,
        ("GET", "policy"): _UNSUPPORTED,
        ("GET", "cors"): _UNSUPPORTED,
        ("GET", "lifecycle"): _LISTING,
        ("PUT", "lifecycle"): _error(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published"
            " schema",
        ),
    },
    outcomes={
        "Block Public Access": Outcome.NOT_SUPPORTED,
        "anyone may read": Outcome.NOT_SUPPORTED,
        "browsers may upload": Outcome.NOT_SUPPORTED,
        "is emptied after 30 days": Outcome.FAILED,
        "are aborted after a day": Outcome.FAILED,
    },
)
