"""The tables of a JPEG file that its scans use. Others could hold anything, and are not kept."""

from broker.inspection.structure.jpeg import DHT, DQT, DRI, segment
from broker.inspection.structure.jpeg_frame import Scan
from broker.inspection.structure.mapped import corrupt

# There are at most 4 Huffman tables for DC, 4 for AC, and 4 quantization tables.
_MAX_TABLES = 8


class Tables:
    """The tables that were defined since a scan last used them. The last definition counts."""

    def __init__(self) -> None:
        self._quantization: dict[int, bytes] = {}
        self._huffman: dict[int, bytes] = {}
        self._restart_interval = b""

    def define(self, marker: int, parameters: bytes) -> None:
        """Read the tables of a DQT, DHT or DRI segment. Raise Rejected if one is cut off."""
        if marker == DRI:
            self._restart_interval = segment(DRI, parameters[:2])
            return
        at = 0
        for _ in range(_MAX_TABLES):
            if at >= len(parameters):
                return
            kind = parameters[at]
            if marker == DQT:
                end = at + 1 + (128 if kind >> 4 else 64)
                self._quantization[kind & 15] = parameters[at:end]
            else:
                end = at + 17 + sum(parameters[at + 1 : at + 17])
                self._huffman[kind] = parameters[at:end]
            if end > len(parameters):
                raise corrupt("a table is cut off")
            at = end
        raise corrupt(f"more than {_MAX_TABLES} tables in a segment")

    def used_by(self, scan: Scan) -> bytes:
        """Return segments with the new tables that a scan uses, and forget those tables."""
        written = self._restart_interval
        self._restart_interval = b""
        for identifier in sorted(scan.quantization & self._quantization.keys()):
            written += segment(DQT, self._quantization.pop(identifier))
        for identifier in sorted(scan.huffman & self._huffman.keys()):
            written += segment(DHT, self._huffman.pop(identifier))
        return written
