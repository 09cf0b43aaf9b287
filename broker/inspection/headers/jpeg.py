"""The header of a JPEG file."""

from pathlib import Path

from broker.inspection.headers.header import Header
from broker.inspection.jpeg_metadata import Metadata
from broker.inspection.structure.jpeg import (
    APP1,
    SOF_DECODED,
    SOF_OTHER,
    SOS,
    segments,
)
from broker.inspection.structure.jpeg_frame import PROGRESSIVE, Frame, read_frame
from broker.inspection.structure.mapped import corrupt, mapped

# Encoders write about 10 scans. libvips stops at 100 too: every scan is a pass over all pixels.
_MAX_SCANS = 100


def read_header(path: Path) -> Header:
    """Return the header of a JPEG file."""
    frame: Frame | None = None
    metadata = Metadata()
    scans = scan_bytes = 0
    with mapped(path) as data:
        for found in segments(data):
            if found.marker in SOF_DECODED and frame is None:
                frame = read_frame(found.marker, data[found.start : found.end])
            elif found.marker in SOF_OTHER:
                raise corrupt("a process that browsers do not decode")
            elif found.marker == APP1 and not scans:
                metadata.add(APP1, data[found.start : found.end])
            elif found.marker == SOS:
                scans += 1
                scan_bytes += found.data_end - found.end
                if scans > _MAX_SCANS:
                    raise corrupt(f"more than {_MAX_SCANS} scans")
    if frame is None:
        raise corrupt("no frame header")
    # A block of a baseline image has at least a code of one bit for DC and one for AC. In a
    # progressive image one code may stand for many blocks without AC coefficients.
    bits = 1 if frame.marker == PROGRESSIVE else 2
    return Header(
        width=frame.width,
        height=frame.height,
        orientation=metadata.orientation,
        too_short=8 * scan_bytes < bits * frame.blocks,
    )
