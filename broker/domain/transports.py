"""How the bytes of one upload travel."""

from enum import StrEnum

SINGLE_MAX_BYTES = 5 * 1024**3  # S3: the largest object of one POST, PUT or CopyObject


class Transport(StrEnum):
    """`post` is a policy form, `put` a raw body, `multipart` many parts that can be resumed."""

    POST = "post"
    PUT = "put"
    MULTIPART = "multipart"


def needs_promotion(transport: str, checksum_sha256: str | None) -> bool:
    """Tell whether an upload's bytes land below incoming/: a form or PUT that no digest pins.

    What is sent in parts does not: the broker alone completes it, once.
    """
    return transport != Transport.MULTIPART and checksum_sha256 is None


def choose(named: str | None, *, size: int, default: str, threshold: int) -> Transport:
    """Give the transport that a request names; where it names none, by size in bytes."""
    if named is not None:
        return Transport(named)
    return Transport.MULTIPART if size > threshold else Transport(default)
