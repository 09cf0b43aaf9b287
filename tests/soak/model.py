"""The model of one client: its ads with their images, its avatar, and how its uploads ended."""

import hashlib
import random
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.soak.photos import PICTURES, picture, published_md5, with_comment

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
SMALLEST, LARGEST = 2_000, 30_000


@dataclass(frozen=True)
class Photo:
    """A photo with unique bytes. `md5` is that of the image that is published, if any is.

    S3 uses the MD5 as the ETag.
    """

    data: bytes
    md5: str = ""

    @classmethod
    def of(cls, chance: random.Random) -> "Photo":
        """Create a random photo; its bytes are unique because of its comment."""
        number = chance.randrange(PICTURES)
        comment = chance.randbytes(chance.randrange(SMALLEST, LARGEST))
        return cls(with_comment(picture(number), comment), published_md5(number))

    @classmethod
    def damaged(cls, chance: random.Random) -> "Photo":
        """Create a file that begins like a JPEG."""
        return cls(JPEG + chance.randbytes(chance.randrange(SMALLEST, LARGEST)))

    def other(self) -> "Photo":
        """Return a photo of the same size with other bytes."""
        return Photo(JPEG + bytes(255 - byte for byte in self.data[len(JPEG) :]))

    def declared(self) -> dict[str, Any]:
        """Return the body of a request for a ticket."""
        return {
            "file_name": "photo.jpg",
            "content_type": "image/jpeg",
            "size": len(self.data),
            "checksum_sha256": b64encode(hashlib.sha256(self.data).digest()).decode(),
        }


@dataclass(frozen=True)
class Kept:
    """An image that exists: its id, key, URL, and the MD5 of its photo."""

    id: int
    key: str
    url: str
    md5: str

    @classmethod
    def of(cls, image: dict[str, Any], photo: Photo) -> "Kept":
        """Return the image of a photo."""
        return cls(image["id"], image["image"], image["image_url"], photo.md5)


@dataclass
class Known:
    """The data that one client knows."""

    ads: dict[int, dict[int, Kept]] = field(default_factory=dict)
    avatar: Kept | None = None
    # The expected final state of each upload by id; `expired` for abandoned ones.
    ends: dict[str, str] = field(default_factory=dict)
    # How many images of each ad the reaper may publish, because their bytes were sent.
    left: Counter[int] = field(default_factory=Counter)

    @property
    def images(self) -> list[Kept]:
        """All images that must be in the bucket."""
        kept = [image for images in self.ads.values() for image in images.values()]
        return [*kept, self.avatar] if self.avatar else kept
