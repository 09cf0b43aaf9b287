"""The limits that an operator sets, as one frozen value that services are handed."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Bytes for sizes, seconds for times; `location` is the first segment of every key."""

    location: str = "media"
    cache_control: str = "public, max-age=86400"
    default_acl: str | None = None
    ticket_ttl: int = 300
    ticket_grace: int = 900
    max_image_bytes: int = 64 * 1024 * 1024
    max_avatar_bytes: int = 8 * 1024 * 1024
    max_images_per_ad: int = 20
    require_checksum: bool = True
    default_transport: str = "post"

    @property
    def ttl(self) -> timedelta:
        """How long a form is accepted by the bucket."""
        return timedelta(seconds=self.ticket_ttl)

    @property
    def grace(self) -> timedelta:
        """How long after its form's expiry a pending upload keeps its place."""
        return timedelta(seconds=self.ticket_grace)
