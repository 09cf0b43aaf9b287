"""What is kept of the metadata of a JPEG file: density, orientation, colour."""

from broker.inspection.icc import MAX_PROFILE, usable_profile
from broker.inspection.orientation import orientation_only, read_orientation
from broker.inspection.structure.jpeg import APP0, APP1, APP2, APP14, segment

_JFIF = b"JFIF\0"
_EXIF = b"Exif\0\0"
_ICC = b"ICC_PROFILE\0"
_ADOBE = b"Adobe"
# A segment holds 65,533 bytes; that of a profile has two counters.
_ICC_PART = 65_533 - len(_ICC) - 2


class Metadata:
    """The metadata before the first scan.

    Attributes:
        orientation: 1 to 8 as in EXIF.
    """

    def __init__(self) -> None:
        self.orientation = 1
        self._jfif = b""
        self._adobe = b""
        self._profile: dict[int, bytes] = {}
        self._profile_parts: set[int] = set()
        self._exif_seen = False

    def add(self, marker: int, parameters: bytes) -> None:
        """Take what is kept of an application segment."""
        if marker == APP0 and parameters.startswith(_JFIF) and len(parameters) >= 14:
            # Version 1.01, density, no thumbnail. libjpeg warns of versions that it does not know.
            self._jfif = segment(APP0, _JFIF + b"\1\1" + parameters[7:12] + bytes(2))
        elif marker == APP1 and parameters.startswith(_EXIF) and not self._exif_seen:
            self._exif_seen = True
            self.orientation = read_orientation(parameters[len(_EXIF) :])
        elif marker == APP14 and parameters.startswith(_ADOBE) and len(parameters) >= 12:
            # A version, two fields of flags that no decoder reads, and the colour transform.
            self._adobe = segment(APP14, _ADOBE + b"\0\x64" + bytes(4) + parameters[11:12])
        elif marker == APP2 and parameters.startswith(_ICC) and len(parameters) > len(_ICC) + 2:
            number, count = parameters[len(_ICC)], parameters[len(_ICC) + 1]
            self._profile.setdefault(number, parameters[len(_ICC) + 2 :])
            self._profile_parts.add(count)

    def segments(self) -> bytes:
        """Return the segments of the cleaned file."""
        exif = b""
        if self.orientation > 1:
            exif = segment(APP1, _EXIF + orientation_only(self.orientation))
        return self._jfif + exif + self._profile_segments() + self._adobe

    def _profile_segments(self) -> bytes:
        """Return the ICC profile (ICC.1, B.4) unless a part is missing or it is too large."""
        numbers = list(range(1, len(self._profile) + 1))
        whole = sorted(self._profile) == numbers and self._profile_parts == {len(numbers)}
        if not whole or sum(map(len, self._profile.values())) > 2 * MAX_PROFILE:
            return b""
        profile = usable_profile(b"".join(self._profile[number] for number in numbers))
        if profile is None:
            return b""
        parts = [profile[at : at + _ICC_PART] for at in range(0, len(profile), _ICC_PART)]
        return b"".join(
            segment(APP2, _ICC + bytes([number, len(parts)]) + part)
            for number, part in enumerate(parts, start=1)
        )
