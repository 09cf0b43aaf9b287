"""The limits that an operator sets, as one frozen value that services are handed."""

from dataclasses import dataclass
from datetime import timedelta

from broker.domain.transports import Transport


@dataclass(frozen=True, kw_only=True)
class Limits:
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
    return_origins: tuple[str, ...] = ()
    default_transport: str = "post"
    put_ttl: int = 3600
    multipart_ttl: int = 72000
    multipart_threshold: int = 16 * 1024 * 1024
    part_size: int = 8 * 1024 * 1024
    uppy_session_ttl: int = 3600
    uppy_session_files: int = 50
    reap: str = "delete"
    quota_window: int = 86400
    quota_bytes: int = 10 * 1024**3
    quota_files: int = 2000

    def ttl(self, transport: str) -> timedelta:
        """How long a ticket of this transport may be used before it is renewed."""
        match transport:
            case Transport.POST:
                return timedelta(seconds=self.ticket_ttl)
            case Transport.PUT:
                return timedelta(seconds=self.put_ttl)
            case _:
                return timedelta(seconds=self.multipart_ttl)

    @property
    def has_quota(self) -> bool:
        """Tell whether what a user reserves is counted; a limit of 0 is none."""
        return bool(self.quota_bytes or self.quota_files)

    @property
    def keeps_arrived(self) -> bool:
        """Tell whether a stale upload whose bytes are there is confirmed instead of removed."""
        return self.reap == "confirm"

    @property
    def signature_life(self) -> timedelta:
        """How long after it was signed anything may still write, slow bodies included."""
        return timedelta(seconds=max(self.ticket_ttl, self.put_ttl)) + self.grace

    @property
    def longest_ticket_life(self) -> timedelta:
        """How long after it was written an object may still belong to a ticket, of any kind."""
        seconds = max(self.ticket_ttl, self.put_ttl, self.multipart_ttl)
        return timedelta(seconds=seconds) + self.grace

    @property
    def grace(self) -> timedelta:
        """How long after its form's expiry a pending upload keeps its place."""
        return timedelta(seconds=self.ticket_grace)
