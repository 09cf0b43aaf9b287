"""The states of an upload. Every transition is one compare-and-set."""

from enum import StrEnum


class UploadState(StrEnum):
    """The state of an upload.

    `pending -> processing | confirmed | rejected | expired | cancelled`, and
    `processing -> confirmed | rejected | cancelled`.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


# The states of uploads that still hold a slot without having an image.
UNFINISHED = (UploadState.PENDING, UploadState.PROCESSING)
