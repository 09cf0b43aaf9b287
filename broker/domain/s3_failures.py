"""Advice for a client that got an error from S3.

The codes are S3's own ("Error responses", Amazon S3 API reference). How a server says that a form
or a URL has expired is in its row of `s3_servers`.
"""

from enum import StrEnum

from broker.domain.s3_servers import OTHER, S3Server

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
# InvalidRequest is not final, because some servers use it for what may pass.
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


def advise(
    s3_code: str, message: str, *, failures: int, expired: bool, server: S3Server = OTHER
) -> Advice:
    """Return the client's next step.

    Args:
        s3_code: the `Code` of S3's error, or `NetworkError` if no answer came.
        message: S3's `Message`.
        failures: how many failures this upload has had, including this one.
        expired: whether the ticket has expired by the broker's clock.
        server: the row of the server that answered.
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
    if server.expiry.is_said_by(s3_code, message):
        return Advice.RENEW
    if s3_code in _FINAL:
        return Advice.GIVE_UP
    return Advice.RENEW if expired else Advice.RETRY
