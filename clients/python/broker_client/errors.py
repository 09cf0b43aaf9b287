"""What can go wrong, as one tree.

ClientError
├── BrokerError            the broker's problem+json; decide by `code`
│   ├── Unauthorized       401: the token is missing, not valid, or expired and not renewed
│   ├── Forbidden          403
│   ├── NotFound           404
│   ├── ObjectMissing      409 object_missing: the bucket does not hold the object
│   ├── ImageLimitReached  409 image_limit_reached
│   ├── UploadGone         410: expired, cancelled or deleted; a new ticket is needed
│   ├── ObjectMismatch     422 object_mismatch: other bytes than declared have arrived
│   ├── ValidationFailed   422 validation_error: see `errors`
│   └── Unavailable        5xx, after all tries
├── S3Refused              S3's own refusal, with what the broker advised
├── NetworkError           no answer, after all tries
├── FileChanged            the file was cut short while it was sent
├── WrongFile              not the file that the upload was declared for
└── UnknownType            nothing tells the file's content type

What the file itself raises (OSError) is left as it is.
"""

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Anything that this client raises by itself."""


class BrokerError(ClientError):
    """An answer of the broker's that is an error.

    `code` is the one of docs/errors.md, or `unexpected_answer` where something else than the
    broker answered. `errors` names fields; `retry_after` is in seconds.
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


class ObjectMismatch(BrokerError):
    """422 `object_mismatch`."""


class ValidationFailed(BrokerError):
    """422 `validation_error`."""


class Unavailable(BrokerError):
    """5xx."""


class S3Refused(ClientError):
    """S3 refused the bytes; `action` is the broker's advice that ended the try."""

    def __init__(self, code: str, status: int, message: str, action: str) -> None:
        super().__init__(f"S3 answered {status} {code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.action = action


class NetworkError(ClientError):
    """No answer came."""


class FileChanged(ClientError):
    """The file has fewer bytes than when it was declared."""


class WrongFile(ClientError):
    """The upload was declared for another file."""


class UnknownType(ClientError):
    """Neither name nor caller tells the content type."""


_BY_CODE: dict[str, type[BrokerError]] = {
    "object_missing": ObjectMissing,
    "image_limit_reached": ImageLimitReached,
    "object_mismatch": ObjectMismatch,
    "validation_error": ValidationFailed,
}
_BY_STATUS: dict[int, type[BrokerError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    410: UploadGone,
}


def error_class(code: str, status: int) -> type[BrokerError]:
    """Give the class for one code and status."""
    if status >= 500:
        return Unavailable
    return _BY_CODE.get(code) or _BY_STATUS.get(status, BrokerError)
