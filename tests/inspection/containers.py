"""Build image files from their parts: segments, chunks, blocks and boxes."""

import base64
import zlib
from functools import cache
from typing import Any

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# A WebP image of one transparent pixel, without its RIFF header: the VP8L chunk's content.
_PIXEL = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")[20:33]
_MIB = 1024 * 1024


@cache
def encoded(suffix: str, width: int = 64, height: int = 64, **options: Any) -> bytes:
    """Return a picture of coloured noise in a format, such as `.jpg`, as libvips writes it."""
    import pyvips

    noise = pyvips.Image.gaussnoise(width, height, mean=128, sigma=40, seed=7)
    image = noise.bandjoin([noise.invert(), noise * 0.5]).cast("uchar")
    buffer: bytes = image.copy(interpretation="srgb").write_to_buffer(suffix, **options)
    return buffer


def segment(marker: int, content: bytes) -> bytes:
    """Return a segment of a JPEG file."""
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def jpeg_with(content: bytes, jpeg: bytes | None = None) -> bytes:
    """Return a JPEG file with segments after SOI."""
    jpeg = jpeg or encoded(".jpg")
    return jpeg[:2] + content + jpeg[2:]


def resized_jpeg(width: int, height: int, jpeg: bytes | None = None) -> bytes:
    """Return a JPEG file whose frame header states another size."""
    jpeg = jpeg or encoded(".jpg")
    at = max(jpeg.find(b"\xff\xc0\x00\x11"), jpeg.find(b"\xff\xc2\x00\x11")) + 5
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return jpeg[:at] + size + jpeg[at + 4 :]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    crc = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + crc


def png(
    width: int = 64, height: int = 64, before: bytes = b"", tail: bytes = b"", end: bytes = b""
) -> bytes:
    """Return a PNG file, grey and 8 bits.

    `before` are chunks before the image's data, `tail` is data behind it in the same chunk, `end`
    is what follows IEND.
    """
    pixels = zlib.compress(b"".join(b"\0" + bytes(range(width)) for _ in range(height)))
    return png_file(width, height, before + png_chunk(b"IDAT", pixels + tail)) + end


def png_file(width: int, height: int, content: bytes) -> bytes:
    """Return a PNG file with these chunks between IHDR and IEND."""
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    header = png_chunk(b"IHDR", size + b"\x08\0\0\0\0")
    return PNG_SIGNATURE + header + content + png_chunk(b"IEND", b"")


def bomb(mebibytes: int) -> bytes:
    """Return a zlib stream that inflates to that many MiB of the letter A, about 1/1000 of them."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = compressor.compress(b"A" * _MIB) + compressor.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + block * mebibytes + compressor.flush()


def riff_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a WebP file."""
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) & 1)


def webp_file(content: bytes) -> bytes:
    """Return a WebP file with these chunks."""
    return b"RIFF" + (len(content) + 4).to_bytes(4, "little") + b"WEBP" + content


def webp_header(flags: int, width: int, height: int) -> bytes:
    """Return the VP8X chunk of a WebP file."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + size)


def animated_webp(frames: int, width: int = 4000, height: int = 4000, inside: bytes = b"") -> bytes:
    """Return an animation with frames of one pixel. `inside` are chunks in each frame."""
    head = webp_header(0x12, width, height) + riff_chunk(b"ANIM", bytes(6))
    frame = riff_chunk(b"ANMF", bytes(12) + b"\x64\0\0\0" + inside + riff_chunk(b"VP8L", _PIXEL))
    return webp_file(head + frame * frames)


def animated_gif(frames: int, width: int = 4000, height: int = 4000, before: bytes = b"") -> bytes:
    """Return an animation with frames of one pixel. `before` are blocks before the frames."""
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    head = b"GIF89a" + size + b"\x80\0\0" + bytes(3) + b"\xff" * 3
    frame = b"\x2c" + bytes(4) + b"\1\0\1\0" + b"\0" + b"\x02\x02\x44\x01\0"
    return head + before + frame * frames + b"\x3b"


def box(kind: bytes, content: bytes) -> bytes:
    """Return a box of a HEIF file."""
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def number(value: int, size: int = 2) -> bytes:
    """Return a number as HEIF and JPEG write it."""
    return value.to_bytes(size, "big")


def tiled_heic(
    rows: int,
    columns: int,
    tile: int = 64,
    kind: bytes = b"hvc1",
    after_size: bytes = b"",
    alpha: int = 0,
) -> bytes:
    """Return a HEIC file whose image is a grid of tiles. The tiles hold no data.

    `after_size` is one more property of the image, `alpha` the width of its square alpha channel.
    """
    tiles = rows * columns
    last = tiles + 2
    size = number(columns * tile, 4) + number(rows * tile, 4)
    kinds = [b"grid"] + [kind] * tiles + [b"hvc1"] * bool(alpha)
    infe = b"".join(
        box(b"infe", b"\2\0\0\0" + number(index) + b"\0\0" + each + b"\0")
        for index, each in enumerate(kinds, start=1)
    )
    iinf = box(b"iinf", bytes(4) + number(len(kinds)) + infe)
    parts = number(1) + number(tiles) + b"".join(map(number, range(2, last)))
    auxl = box(b"auxl", number(last) + number(1) + number(1)) if alpha else b""
    iref = box(b"iref", bytes(4) + box(b"dimg", parts) + auxl)
    sizes = b"".join(
        box(b"ispe", bytes(4) + each) for each in (size, number(tile, 4) * 2, number(alpha, 4) * 2)
    )
    ipco = box(b"ipco", sizes + (after_size or box(b"free", b"")))
    ipma = number(1) + b"\2\1\4" + b"".join(number(index) + b"\1\2" for index in range(2, last))
    ipma += number(last) + b"\1\3" if alpha else b""
    iprp = box(b"iprp", ipco + box(b"ipma", bytes(4) + number(len(kinds), 4) + ipma))
    grid = b"\0\1" + bytes([rows - 1, columns - 1]) + size
    place = number(1) + number(1) + number(0) + number(1) + number(0, 4) + number(len(grid), 4)
    iloc = box(b"iloc", b"\1\0\0\0" + b"\x44\0" + number(1) + place)
    hdlr = box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    pitm = box(b"pitm", bytes(4) + number(1))
    meta = hdlr + pitm + iinf + iref + iprp + iloc + box(b"idat", grid)
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(4) + meta)
