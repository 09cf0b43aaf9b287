"""What the header of an image file says, before anything is decoded."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Header:
    """The header of an image file.

    Attributes:
        width, height: in pixels as stored, before the orientation is applied; of an animation,
            those of its canvas.
        frames: 1 for a still image. Counting stops just above the limit.
        orientation: 1 to 8 as in EXIF. For HEIC and AVIF it is what `irot` and `imir` say, which
            their decoder applies by itself; the mirroring of `imir` is left out.
        too_short: whether the file is certainly too short for that many pixels.
    """

    width: int
    height: int
    frames: int = 1
    orientation: int = 1
    too_short: bool = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """Return width and height after the orientation is applied."""
        if self.orientation >= 5:
            return self.height, self.width
        return self.width, self.height
