"""What a client should do about an error that S3 gave it.

Codes are S3's own ("Error responses", Amazon S3 API reference). Servers differ: wrong bytes
are BadDigest on AWS and SeaweedFS, XAmzContentChecksumMismatch on MinIO.
"""

from enum import StrEnum

MAX_FAILURES = 5


class Advice(StrEnum):
    """`retry` the same form, `renew` for a fresh one, `confirm` what is there, or `give_up`."""

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
    """Choose the next step.

    Args:
        s3_code: the `Code` of S3's error, or `NetworkError` where no answer came.
        message: S3's `Message`; an expired policy shows in it alone, its code is AccessDenied.
        failures: how many failures this upload has had, this one included.
        expired: whether the form's time has passed by the broker's clock.
    """
    if s3_code == "PreconditionFailed":
        # A PUT is write-once: an earlier one, whose answer was lost, has arrived.
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
