"""What an event can say."""

from enum import StrEnum


class EventType(StrEnum):
    """What became true."""

    IMAGE_READY = "image.ready"
    IMAGE_REJECTED = "image.rejected"
    IMAGE_UPDATED = "image.updated"
    IMAGE_DELETED = "image.deleted"
    UPLOAD_EXPIRED = "upload.expired"
    OWNER_ERASED = "owner.erased"
