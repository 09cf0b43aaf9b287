"""Clean a WebP file, animated or not: copy what a decoder needs, and nothing else."""

from collections.abc import Iterable
from mmap import mmap
from pathlib import Path
from typing import BinaryIO

from broker.inspection.icc import MAX_PROFILE, usable_profile
from broker.inspection.structure.mapped import corrupt, mapped
from broker.inspection.structure.webp import (
    ALPHA_FLAG,
    ANIMATION_FLAG,
    FRAME_HEADER,
    ICC_FLAG,
    MAX_FRAME_CHUNKS,
    Chunk,
    chunk,
    chunks,
    riff_end,
)

_IMAGE = (b"VP8 ", b"VP8L")


def clean(source: Path, target: Path) -> None:
    """Write the image of a WebP file without its metadata, without encoding it again.

    Kept are the image or its animation, and its ICC profile. EXIF data holds an orientation too,
    but Chromium and Firefox ignore it in WebP. Raise Rejected if the structure is broken.
    """
    with mapped(source) as data, target.open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBP")
        _copy(data, list(chunks(data, 12, riff_end(data))), file)
        length = file.tell() - 8
        file.seek(4)
        file.write(length.to_bytes(4, "little"))


def _copy(data: mmap, found: list[Chunk], file: BinaryIO) -> None:
    if not found:
        raise corrupt("no image")
    if found[0].kind in _IMAGE:
        _write(data, found[0], file)
        return
    first = {one.kind: one for one in reversed(found)}
    header = first.get(b"VP8X")
    if header is not found[0] or header.end - header.start < 10:
        raise corrupt("no header")
    profile = _profile(data, first.get(b"ICCP"))
    flags = data[header.start] & (ALPHA_FLAG | ANIMATION_FLAG) | (ICC_FLAG if profile else 0)
    file.write(chunk(b"VP8X", bytes([flags, 0, 0, 0]) + data[header.start + 4 : header.start + 10]))
    file.write(profile)
    if flags & ANIMATION_FLAG:
        _copy_frames(data, found, file)
    else:
        _copy_image(data, found, file, with_alpha=bool(flags & ALPHA_FLAG))


def _copy_frames(data: mmap, found: list[Chunk], file: BinaryIO) -> None:
    """Copy background and loop count, and the frames."""
    head = next((one for one in found if one.kind == b"ANIM"), None)
    if head is None or head.end - head.start < 6:
        raise corrupt("an animation without a header")
    file.write(chunk(b"ANIM", data[head.start : head.start + 6]))
    for frame in found:
        if frame.kind == b"ANMF":
            start = file.tell()
            file.write(b"ANMF\0\0\0\0" + data[frame.start : frame.start + FRAME_HEADER])
            inner = chunks(data, frame.start + FRAME_HEADER, frame.end, MAX_FRAME_CHUNKS)
            _copy_image(data, inner, file)
            end = file.tell()
            file.seek(start + 4)
            file.write((end - start - 8).to_bytes(4, "little"))
            file.seek(end)


def _copy_image(
    data: mmap, found: Iterable[Chunk], file: BinaryIO, *, with_alpha: bool = True
) -> None:
    """Copy the first image, and the alpha channel before it unless decoders ignore it."""
    alpha = None
    for one in found:
        if one.kind == b"ALPH" and alpha is None:
            alpha = one
        elif one.kind in _IMAGE:
            if alpha and with_alpha and one.kind == b"VP8 ":
                _write(data, alpha, file)
            _write(data, one, file)
            return
    raise corrupt("no image")


def _write(data: mmap, one: Chunk, file: BinaryIO) -> None:
    """Copy a chunk as it is."""
    with memoryview(data) as view, view[one.start - 8 : one.end] as encoded:
        file.write(encoded)
    file.write(bytes((one.end - one.start) & 1))


def _profile(data: mmap, one: Chunk | None) -> bytes:
    if one is None or one.end - one.start > 2 * MAX_PROFILE:
        return b""
    profile = usable_profile(data[one.start : one.end])
    return b"" if profile is None else chunk(b"ICCP", profile)
