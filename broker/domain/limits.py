"""The limits that an operator sets, as one frozen value for the services."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from broker.domain.media_types import EXTENSIONS
from broker.domain.profiles import AD, AD_IMAGE, AVATAR, USER, Owners, Profile, Profiles
from broker.domain.s3_servers import OTHER, S3Server

# S3's canned ACLs with which not only the bucket's owner can read or write an object.
PUBLIC_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read"})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds; `location` is the first segment of every public key.

    `declared` has the profiles of the operator's file; the built-in ones have the limits below.
    """

    location: str = "media"
    cache_control: str = Profile.cache_control
    default_acl: str | None = None
    ticket_ttl: int = Profile.ticket_ttl
    ticket_grace: int = 900
    max_image_bytes: int = 64 * 1024 * 1024
    max_avatar_bytes: int = 8 * 1024 * 1024
    max_images_per_ad: int = 20
    require_checksum: bool = True
    return_origins: tuple[str, ...] = ()
    server: S3Server = OTHER
    default_transport: str = "post"
    put_ttl: int = Profile.put_ttl
    multipart_ttl: int = Profile.multipart_ttl
    multipart_threshold: int = 16 * 1024 * 1024
    part_size: int = 8 * 1024 * 1024
    uppy_session_ttl: int = 3600
    uppy_session_files: int = 50
    reap: str = "confirm"
    quota_window: int = 86400
    quota_bytes: int = 10 * 1024**3
    quota_files: int = 2000
    inspection: str = "required"
    ads_created_by: str = "user"
    max_pixels: int = Profile.max_pixels
    max_frames: int = Profile.max_frames
    ad_image_variants: tuple[int, ...] = (320, 800, 1600)
    avatar_variants: tuple[int, ...] = (320, 800, 1600)
    webhook_url: str | None = None
    events_retention: int = 30 * 86400
    uploads_retention: int = 90 * 86400
    declared: tuple[Profile, ...] = ()

    @cached_property
    def profiles(self) -> Profiles:
        """All profiles. A declared one takes the place of a built-in one with its name."""
        return Profiles({one.name: one for one in (*self.built_in, *self.declared)}.values())

    @property
    def built_in(self) -> tuple[Profile, Profile]:
        """The profiles of ads' images and of avatars, as the settings say."""
        ad_image = Profile(
            name=AD_IMAGE,
            owner_kind=AD,
            prefix="ads/ad_",
            owners=Owners.TABLE,
            users_create_owners=self.ads_created_by != "service",
            has_integer_owners=True,
            content_types=tuple(EXTENSIONS),
            max_bytes=self.max_image_bytes,
            max_count=self.max_images_per_ad,
            is_inspected=self.inspects,
            max_pixels=self.max_pixels,
            max_frames=self.max_frames,
            variant_widths=self.ad_image_variants,
            cache_control=self.cache_control,
            ticket_ttl=self.ticket_ttl,
            put_ttl=self.put_ttl,
            multipart_ttl=self.multipart_ttl,
        )
        avatar = replace(
            ad_image,
            name=AVATAR,
            owner_kind=USER,
            users_create_owners=False,
            prefix="avatars/user_",
            max_bytes=self.max_avatar_bytes,
            max_count=1,
            keeps_one=True,
            variant_widths=self.avatar_variants,
        )
        return ad_image, avatar

    @property
    def inspects(self) -> bool:
        """Check whether a worker inspects every image before it is published."""
        return self.inspection == "required"

    @property
    def has_quota(self) -> bool:
        """Check whether users have a quota; a limit of 0 means none."""
        return bool(self.quota_bytes or self.quota_files)

    @property
    def keeps_arrived(self) -> bool:
        """Check whether stale uploads are confirmed, not deleted, if their object has arrived."""
        return self.reap == "confirm"

    @property
    def incoming_acl(self) -> str | None:
        """Return the ACL of objects that must not be public, such as those below `incoming/`."""
        return None if self.default_acl in PUBLIC_ACLS else self.default_acl

    def acl_of(self, profile: Profile) -> str | None:
        """Return the ACL of a profile's published objects."""
        return self.incoming_acl if profile.is_private else self.default_acl

    @property
    def grace(self) -> timedelta:
        """Return how long a pending upload keeps its slot after its ticket has expired."""
        return timedelta(seconds=self.ticket_grace)

    @property
    def uploads_kept_for(self) -> timedelta:
        """Return how long uploads without an image are kept after they have ended.

        A quota counts them until its window is over, so they are kept at least that long.
        """
        return timedelta(seconds=max(self.uploads_retention, self.quota_window))

    @property
    def events_kept_for(self) -> timedelta:
        """Return how long delivered events are kept."""
        return timedelta(seconds=self.events_retention)
