"""An upload's states. Each change is one compare-and-set from `pending`; no other exists."""

from enum import StrEnum


class UploadState(StrEnum):
    """`pending -> confirmed | rejected | expired | cancelled`."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
