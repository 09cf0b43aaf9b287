"""Clean a PNG file, animated or not: copy what a decoder needs, and nothing else."""

import zlib
from mmap import mmap
from pathlib import Path
from typing import BinaryIO

from broker.inspection.icc import MAX_PROFILE, usable_profile
from broker.inspection.orientation import orientation_only
from broker.inspection.png_data import ImageData, image_chunk
from broker.inspection.structure.mapped import corrupt, mapped
from broker.inspection.structure.png import (
    FRAME_CONTROL,
    SIGNATURE,
    Chunk,
    chunk,
    chunks,
    png_orientation,
    read_image_header,
)

# The chunks that are kept once, with the lengths that they may have. Text may be in all others.
_LENGTHS = {
    b"tRNS": (2, 6),
    b"gAMA": (4,),
    b"cHRM": (32,),
    b"sRGB": (1,),
    b"cICP": (4,),
    b"mDCV": (24,),
    b"cLLI": (8,),
    b"sBIT": (1, 2, 3, 4),
    b"bKGD": (1, 2, 6),
    b"pHYs": (9,),
    b"acTL": (8,),
}
_PALETTE = 3 * 256
_PALETTE_ALPHA = 256


def clean(source: Path, target: Path) -> None:
    """Write the image of a PNG file without its metadata, without encoding it again.

    Kept are the image and its animation, what describes its colours, the density of its pixels
    and its orientation. Raise Rejected if the structure or a CRC is broken.
    """
    with mapped(source) as data, target.open("wb") as file:
        file.write(SIGNATURE)
        _copy(data, file)
        file.write(chunk(b"IEND", b""))


def _copy(data: mmap, file: BinaryIO) -> None:
    found = list(chunks(data))
    image = read_image_header(data, found[0] if found else None)
    _write(data, found[0], file)
    file.write(_orientation(data, found))
    written: set[bytes] = set()
    last = b""
    pixels = ImageData(image.data_size)
    for one in found[1:]:
        if one.kind == b"IDAT" != last and b"IDAT" in written:
            raise corrupt("image data in two places")
        if one.kind == b"IDAT":
            written.discard(b"fcTL")  # The data of a frame before IDAT is the image's.
            end = pixels.end_in(data, one)
            if one.start < end == one.end:
                _write(data, one, file)
            else:
                file.write(image_chunk(data, one, end))
        elif _is_copied(data, one, written, image.palette):
            _write(data, one, file)
        elif one.kind == b"iCCP" and not written & {b"iCCP", b"PLTE", b"IDAT"}:
            file.write(_profile(data[one.start : min(one.end, one.start + MAX_PROFILE)]))
        else:
            continue
        written.add(one.kind)
        last = one.kind
    pixels.finish()


def _is_copied(data: mmap, one: Chunk, written: set[bytes], has_palette: bool) -> bool:
    """Check whether a chunk is copied as it is, after the chunks that are written."""
    length = one.end - one.start
    if one.kind == b"fcTL":
        return b"acTL" in written and length == FRAME_CONTROL
    if one.kind == b"fdAT":
        return b"fcTL" in written and b"IDAT" in written
    if one.kind in written or b"IDAT" in written:
        return False
    if one.kind == b"PLTE":
        return has_palette and length <= _PALETTE
    if one.kind == b"tRNS" and has_palette:
        return 0 < length <= _PALETTE_ALPHA
    if one.kind == b"acTL" and not any(data[one.start : one.start + 4]):
        return False  # No frames, so nothing shows what fdAT chunks hold.
    return length in _LENGTHS.get(one.kind, ())


def _write(data: mmap, one: Chunk, file: BinaryIO) -> None:
    """Copy a chunk as it is."""
    with memoryview(data) as view, view[one.start - 8 : one.end + 4] as encoded:
        crc = int.from_bytes(encoded[-4:], "big")
        with encoded[4:-4] as checked:
            if zlib.crc32(checked) != crc:
                raise corrupt("a chunk has a wrong CRC")
        file.write(encoded)


def _profile(encoded: bytes) -> bytes:
    """Return a chunk with the ICC profile, or nothing if it is no profile or too large."""
    _, _, compressed = encoded.partition(b"\0")
    try:
        inflated = zlib.decompressobj().decompress(compressed[1:], MAX_PROFILE)
    except zlib.error:
        return b""
    profile = usable_profile(inflated)
    return b"" if profile is None else chunk(b"iCCP", b"icc\0\0" + zlib.compress(profile))


def _orientation(data: mmap, found: list[Chunk]) -> bytes:
    """Return a chunk with the orientation, or nothing if it is the usual one."""
    exif = next((one for one in found if one.kind == b"eXIf"), None)
    orientation = png_orientation(data, exif) if exif else 1
    return chunk(b"eXIf", orientation_only(orientation)) if orientation > 1 else b""
