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
# What the user can do. `docs/inspection.md` says the same.
ADVICE = {
    RejectionReason.NOT_AN_IMAGE: "Choose a photo.",
    RejectionReason.TYPE_MISMATCH: "Rename it, or let the app declare the real type.",
    RejectionReason.TOO_MANY_PIXELS: "Send a smaller version.",
    RejectionReason.TOO_MANY_FRAMES: "Send a shorter one, or a still image.",
    RejectionReason.CORRUPT: (
        "Open it on the device; if it is fine there, save it again and send that."
    ),
    RejectionReason.CHECKSUM_MISMATCH: (
        "Send it again; if it happens again, the app computes the digest of another file."
    ),
    RejectionReason.PROCESSING_FAILED: "Send it again later, or save it in another format.",
}
