"""The boxes of HEIF and AVIF files (ISO/IEC 14496-12, section 4.2)."""


def brands(head: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the major brand and the compatible brands of a file, from its first bytes.

    Return an empty major brand if the file does not start with an `ftyp` box.
    """
    size = int.from_bytes(head[:4], "big")
    if head[4:8] != b"ftyp" or size < 16:
        return b"", ()
    end = min(size, len(head))
    return head[8:12], tuple(head[at : at + 4] for at in range(16, end - 3, 4))
