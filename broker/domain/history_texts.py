"""What happened to an upload and what to do, in words for somebody who answers a seller."""

from broker.domain.rejections import ADVICE, DETAILS, RejectionReason
from broker.domain.s3_servers import DIGEST_ERRORS

CANCELLED = (
    "cancelled by the client, or because its owner was deleted or belongs to another user now."
    " If this was a mistake, upload the file again."
)
MISMATCH = (
    "rejected: the object in the bucket was not the declared file (size, type or SHA-256), and was"
    " deleted. Upload the file again; if it happens again, the app declares another file than it"
    " sends."
)
NEVER_ARRIVED = (
    "expired: the file never arrived in the bucket. The request to S3 was not sent, or it failed."
    " Upload the file again."
)
NOT_CONFIRMED = (
    "expired: the upload was not confirmed in time. If its object had arrived, it was deleted"
    " (BROKER_REAP=delete). Upload the file again."
)
IMAGE_GONE = "its image was deleted, or an image that was requested later replaced it."
# The codes that clients report most often. Others are shown without an explanation.
S3_CODES = {
    "NetworkError": "no answer from S3: the connection was lost, or CORS of the bucket is wrong",
    "AccessDenied": "S3 refused the request: the ticket had expired, or the bucket denies it",
    "EntityTooLarge": "the file is larger than declared",
    "EntityTooSmall": "the file is smaller than declared",
    **dict.fromkeys(
        (*DIGEST_ERRORS, "XAmzContentSHA256Mismatch"), "S3 received other bytes than declared"
    ),
    "SignatureDoesNotMatch": "a signed part of the request was changed on the way",
    "RequestTimeTooSkewed": "the clocks differ too much",
    "RequestTimeout": "the connection of the client was too slow",
    "SlowDown": "S3 received too many requests",
    "InternalError": "an error within S3",
    "ServiceUnavailable": "S3 was overloaded",
    "NoSuchUpload": "the multipart upload had ended",
    "PreconditionFailed": "an earlier request had arrived already",
}


def rejected(reason: str | None) -> str:
    """Return why a file was rejected; `reason` is None if a confirm has rejected it."""
    if reason is None:
        return MISMATCH
    code = RejectionReason(reason)
    return f"rejected, {code}: {DETAILS[code]} {ADVICE[code]}"


def reported(s3_code: str, advice: str) -> str:
    """Return what a client has reported."""
    meaning = f" ({S3_CODES[s3_code]})" if s3_code in S3_CODES else ""
    return f"the client reported {s3_code} from S3{meaning}; advice: {advice}"
