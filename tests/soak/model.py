"""What one client knows that it did: its ads with their images, its avatar, how uploads ended."""

import hashlib
import random
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
SMALLEST, LARGEST = 2_000, 30_000


@dataclass(frozen=True)
class Photo:
    """Bytes that no other photo has."""

    data: bytes

    @classmethod
    def of(cls, chance: random.Random) -> "Photo":
        """Make one."""
        return cls(JPEG + chance.randbytes(chance.randrange(SMALLEST, LARGEST)))

    def other(self) -> "Photo":
        """Give as many other bytes."""
        return Photo(JPEG + bytes(255 - byte for byte in self.data[len(JPEG) :]))

    @property
    def md5(self) -> str:
        """What S3 calls its ETag."""
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()

    def declared(self) -> dict[str, Any]:
        """What a request for a ticket says of it."""
        return {
            "file_name": "photo.jpg",
            "content_type": "image/jpeg",
            "size": len(self.data),
            "checksum_sha256": b64encode(hashlib.sha256(self.data).digest()).decode(),
        }


@dataclass(frozen=True)
class Kept:
    """An image that is there: its id, its key, its URL, and the photo's MD5."""

    id: int
    key: str
    url: str
    md5: str


@dataclass
class Known:
    """Of one client."""

    ads: dict[int, dict[int, Kept]] = field(default_factory=dict)
    avatar: Kept | None = None
    # How each upload ends, by id; the reaper's `expired` for those that are given up.
    ends: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> list[Kept]:
        """All that must be in the bucket."""
        kept = [image for images in self.ads.values() for image in images.values()]
        return [*kept, self.avatar] if self.avatar else kept
