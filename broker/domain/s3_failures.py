"""Advice for a client that got an error from S3.

The codes are S3's own ("Error responses", Amazon S3 API reference). Servers differ: for wrong
bytes AWS and SeaweedFS answer BadDigest, and MinIO answers XAmzContentChecksumMismatch.
"""

from enum import StrEnum

MAX_FAILURES = 5


class Advice(StrEnum):
    """The client's next step.

    `retry`: send the same request again. `renew`: get a fresh ticket first. `confirm`: the object
    has arrived. `give_up`: stop.
    """

    RETRY = "retry"
    RENEW = "renew"
    CONFIRM = "confirm"
    GIVE_UP = "give_up"


# Sending the same bytes again cannot succeed. A code that is in neither list is retried, but at
# most MAX_FAILURES times: S3 has codes that this list does not name, and other servers have more.
# InvalidRequest is not final, because Garage also uses it for an expired form.
_FINAL = frozenset(
    {
        "AccessDenied",
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "AuthorizationQueryParametersError",
        "EntityTooLarge",
        "EntityTooSmall",
        "InvalidBucketName",
        "InvalidPolicyDocument",
        "KeyTooLongError",
        "MetadataTooLarge",
        "MethodNotAllowed",
        "MissingContentLength",
        "NoSuchBucket",
        "NoSuchUpload",
        "NotImplemented",
        "NotSignedUp",
        "PermanentRedirect",
        "SignatureDoesNotMatch",
    }
)
_RENEW = frozenset(
    {
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "InvalidTokenId",
        "RequestTimeTooSkewed",
        "TokenRefreshRequired",
    }
)
# Only the message says that a form or a URL has expired. The code is AccessDenied on AWS, SeaweedFS
# and MinIO, and InvalidRequest on Garage.
_SAYS_EXPIRED = ("expired", "expiration date is in the past", "date is too old")


def advise(s3_code: str, message: str, *, failures: int, expired: bool) -> Advice:
    """Return the client's next step.

    Args:
        s3_code: the `Code` of S3's error, or `NetworkError` if no answer came.
        message: S3's `Message`.
        failures: how many failures this upload has had, including this one.
        expired: whether the ticket has expired by the broker's clock.
    """
    if s3_code == "PreconditionFailed":
        # A PUT is write-once: an earlier PUT has arrived, and its answer was lost.
        return Advice.CONFIRM
    if failures > MAX_FAILURES:
        return Advice.GIVE_UP
    if s3_code in _RENEW:
        return Advice.RENEW
    if s3_code == "AccessDenied" and expired:
        return Advice.RENEW
    if s3_code in ("AccessDenied", "InvalidRequest") and _says_expired(message):
        return Advice.RENEW
    if s3_code in _FINAL:
        return Advice.GIVE_UP
    return Advice.RENEW if expired else Advice.RETRY


def _says_expired(message: str) -> bool:
    return any(text in message.lower() for text in _SAYS_EXPIRED)
