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


_RETRY = frozenset(
    {
        "BadDigest",
        "IncompleteBody",
        "InternalError",
        "NetworkError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "TooManyRequests",
        "XAmzContentChecksumMismatch",
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


def advise(s3_code: str, message: str, *, failures: int, expired: bool) -> Advice:
    """Return the client's next step.

    Args:
        s3_code: the `Code` of S3's error, or `NetworkError` if no answer came.
        message: S3's `Message`. For an expired policy the code is AccessDenied, and only the
            message says why.
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
    if s3_code == "AccessDenied" and (expired or "expired" in message.lower()):
        return Advice.RENEW
    if s3_code in _RETRY:
        return Advice.RENEW if expired else Advice.RETRY
    return Advice.GIVE_UP
