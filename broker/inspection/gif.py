"""Clean a GIF file, animated or not: copy what a decoder needs, and nothing else."""

from mmap import mmap
from pathlib import Path

from broker.inspection.structure.gif import (
    APPLICATION,
    GRAPHIC_CONTROL,
    IMAGE,
    Block,
    blocks,
    header_end,
)
from broker.inspection.structure.mapped import corrupt, mapped

_TRAILER = b"\x3b"
_LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"
_LOOP_NAMES = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def clean(source: Path, target: Path) -> None:
    """Write the image of a GIF file without its metadata, without encoding it again.

    Kept are the frames, their times, and how often the animation repeats. Raise Rejected if the
    structure is broken.
    """
    frames = 0
    repeats = False
    control = b""
    with mapped(source) as data, memoryview(data) as view, target.open("wb") as file:
        found = blocks(data)
        file.write(data[: header_end(data)])
        for block in found:
            if block.kind == IMAGE:
                frames += 1
                file.write(control)
                control = b""
                with view[block.start : block.end] as encoded:
                    file.write(encoded)
            elif block.label == GRAPHIC_CONTROL and data[block.data] == 4:
                control = data[block.start : block.data + 5] + b"\0"
            elif block.label == APPLICATION and not repeats:
                loop = _loop(data, block)
                repeats = bool(loop)
                file.write(loop)
        if not frames:
            raise corrupt("no image")
        file.write(_TRAILER)


def _loop(data: mmap, block: Block) -> bytes:
    """Return the extension that repeats an animation, or nothing if this is another one."""
    content = data[block.data : min(block.end, block.data + 16)]
    if content[0] == 11 and content[1:12] in _LOOP_NAMES and content[12:14] == b"\x03\x01":
        return _LOOP + content[14:16] + b"\0"
    return b""
