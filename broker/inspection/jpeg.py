"""Clean a JPEG file: copy what a decoder needs, and nothing else.

The image is not encoded again. `jpeg_tail.py` removes what hides in the data of a scan.
"""

from mmap import mmap
from pathlib import Path
from typing import BinaryIO

from broker.inspection.jpeg_metadata import Metadata
from broker.inspection.jpeg_tables import Tables
from broker.inspection.structure.jpeg import (
    DHT,
    DQT,
    DRI,
    EOI,
    SOF_DECODED,
    SOF_OTHER,
    SOI,
    SOS,
    segment,
    segments,
)
from broker.inspection.structure.jpeg_frame import Frame, read_frame, read_scan
from broker.inspection.structure.mapped import corrupt, mapped


def clean(source: Path, target: Path) -> None:
    """Write the first image of a JPEG file without its metadata, without encoding it again.

    Kept are the image, its ICC profile, the density of its pixels, its orientation and Adobe's
    colour transform. Bytes that a decoder skips after the last MCU of a scan are copied, see
    `jpeg_tail.py`. Raise Rejected if the structure is broken.
    """
    with mapped(source) as data, target.open("wb") as file:
        file.write(bytes([0xFF, SOI]))
        if not _copy(data, file):
            raise corrupt("no scan")
        file.write(bytes([0xFF, EOI]))


def _copy(data: mmap, file: BinaryIO) -> int:
    """Copy the segments of an image and return the number of its scans."""
    metadata, tables = Metadata(), Tables()
    frame: Frame | None = None
    scans = 0
    for found in segments(data):
        if found.marker == SOS:
            if frame is None:
                raise corrupt("a scan before the frame header")
            parameters = data[found.start : found.end]
            new_tables = tables.used_by(read_scan(frame, parameters))
            if not scans:
                file.write(metadata.segments() + segment(frame.marker, frame.encoded))
            file.write(new_tables + segment(SOS, parameters))
            with memoryview(data)[found.end : found.data_end] as scan_data:
                file.write(scan_data)
            scans += 1
        elif found.marker in SOF_DECODED:
            if frame is not None:
                raise corrupt("two frame headers")
            frame = read_frame(found.marker, data[found.start : found.end])
        elif found.marker in SOF_OTHER:
            raise corrupt("a process that browsers do not decode")
        elif found.marker in (DQT, DHT, DRI):
            tables.define(found.marker, data[found.start : found.end])
        else:
            metadata.add(found.marker, data[found.start : found.end])
    return scans
