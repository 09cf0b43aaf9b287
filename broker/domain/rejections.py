"""Why the worker rejects an upload. The codes are stable; clients and metrics use them."""

from enum import StrEnum


class RejectionReason(StrEnum):
    """The reason of a rejected upload."""

    NOT_AN_IMAGE = "not_an_image"
    TYPE_MISMATCH = "type_mismatch"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    CORRUPT = "corrupt"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    PROCESSING_FAILED = "processing_failed"


DETAILS = {
    RejectionReason.NOT_AN_IMAGE: "The file is not an image of a supported type.",
    RejectionReason.TYPE_MISMATCH: "The file is an image of another type than the declared one.",
    RejectionReason.TOO_MANY_PIXELS: "The image has too many pixels.",
    RejectionReason.TOO_MANY_FRAMES: "The animation has too many frames.",
    RejectionReason.CORRUPT: "The image is damaged or incomplete.",
    RejectionReason.CHECKSUM_MISMATCH: "The file is not the one that was declared.",
    RejectionReason.PROCESSING_FAILED: "The image could not be processed.",
}
