"""The orientation in EXIF data, which is a TIFF file (CIPA DC-008, section 4.6.4)."""

_TAG = 0x0112
_SHORT = 3


def read_orientation(tiff: bytes) -> int:
    """Return the orientation, 1 to 8; 1 if there is none or the data is broken."""
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return 1

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if tiff[0] == 0x49 else "big")

    first = number(4, 4)
    entries = min(number(first, 2), (len(tiff) - first - 2) // 12)
    for index in range(entries):
        at = first + 2 + 12 * index
        if number(at, 2) == _TAG:
            value = number(at + 8, 2)
            is_short = number(at + 2, 2) == _SHORT and number(at + 4, 4) == 1
            return value if is_short and 1 <= value <= 8 else 1
    return 1


def orientation_only(orientation: int) -> bytes:
    """Return EXIF data that holds an orientation and nothing else, 26 bytes."""
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01" + bytes([0, orientation, 0, 0])
    return b"MM\0*\x00\x00\x00\x08" + b"\x00\x01" + entry + bytes(4)
