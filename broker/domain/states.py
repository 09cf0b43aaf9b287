"""The states of an upload. Every transition is one compare-and-set from `pending`."""

from enum import StrEnum


class UploadState(StrEnum):
    """`pending -> confirmed | rejected | expired | cancelled`."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
