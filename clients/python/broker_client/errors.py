"""The exceptions that the client raises, as one tree.

ClientError
├── BrokerError            the broker's problem+json; check its `code`
│   ├── Unauthorized       401: the token is missing, not valid, or expired and not renewed
│   ├── Forbidden          403
│   ├── NotFound           404
│   ├── ObjectMissing      409 object_missing: the bucket does not hold the object
│   ├── ImageLimitReached  409 image_limit_reached
│   ├── UploadGone         410: expired, cancelled or deleted; a new ticket is needed
│   ├── UploadRejected     422 upload_rejected: the file was inspected; see `reason`
│   ├── ObjectMismatch     422 object_mismatch: other bytes than declared arrived
│   ├── ValidationFailed   422 validation_error: see `errors`
│   └── Unavailable        5xx, after all tries
├── S3Refused              S3 refused the file; with the broker's advice
├── NetworkError           no answer, after all tries
│   └── ProxyAnswered      a captive portal or a proxy answered instead of S3, after all tries
├── TokenFailed            the caller's `token` function raised an error, or returned no text
├── StillProcessing        the file has arrived, but the image was not ready in time
├── FileChanged            the file became shorter while it was sent
├── WrongFile              not the file that the upload was declared for
└── UnknownType            the file's content type is unknown

An OSError from reading the file is raised unchanged.
"""

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """The base class of this client's own exceptions."""


class BrokerError(ClientError):
    """An error answer.

    `code` is listed in docs/errors.md, or is `unexpected_answer` if another server answered, not
    the broker. `errors` has messages by field. `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: str,
        status: int,
        detail: str,
        errors: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.status = status
        self.detail = detail
        self.errors: Mapping[str, Any] = errors or {}
        self.retry_after = retry_after


class Unauthorized(BrokerError):
    """401."""


class Forbidden(BrokerError):
    """403."""


class NotFound(BrokerError):
    """404."""


class ObjectMissing(BrokerError):
    """409 `object_missing`."""


class ImageLimitReached(BrokerError):
    """409 `image_limit_reached`."""


class UploadGone(BrokerError):
    """410."""


class UploadRejected(BrokerError):
    """422 `upload_rejected`. `reason` is a code of docs/errors.md, for example `not_an_image`."""

    reason: str | None = None


class ObjectMismatch(BrokerError):
    """422 `object_mismatch`."""


class ValidationFailed(BrokerError):
    """422 `validation_error`."""


class Unavailable(BrokerError):
    """5xx."""


class S3Refused(ClientError):
    """S3 refused the bytes. `action` is the broker's last advice."""

    def __init__(self, code: str, status: int, message: str, action: str) -> None:
        super().__init__(f"S3 answered {status} {code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.action = action


class NetworkError(ClientError):
    """There was no answer."""


class ProxyAnswered(NetworkError):
    """Something between this machine and S3 answered, for example a captive portal."""

    def __init__(self, status: int) -> None:
        super().__init__(f"something between this machine and S3 answered {status}")
        self.status = status


class TokenFailed(ClientError):
    """The caller's `token` function raised an error, which is the cause, or returned no text."""


class StillProcessing(ClientError):
    """The file has arrived and is safe, but the broker has not finished with it in time."""

    def __init__(self, upload_id: str) -> None:
        super().__init__(f"upload {upload_id} has arrived and is still being processed")
        self.upload_id = upload_id


class FileChanged(ClientError):
    """The file has fewer bytes than when it was declared."""


class WrongFile(ClientError):
    """The upload was declared for another file."""


class UnknownType(ClientError):
    """No content type was given, and it cannot be derived from the file name."""


_BY_CODE: dict[str, type[BrokerError]] = {
    "object_missing": ObjectMissing,
    "image_limit_reached": ImageLimitReached,
    "object_mismatch": ObjectMismatch,
    "upload_rejected": UploadRejected,
    "validation_error": ValidationFailed,
}
_BY_STATUS: dict[int, type[BrokerError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    410: UploadGone,
}


def error_class(code: str, status: int) -> type[BrokerError]:
    """Return the exception class for a code and status."""
    if status >= 500:
        return Unavailable
    return _BY_CODE.get(code) or _BY_STATUS.get(status, BrokerError)
