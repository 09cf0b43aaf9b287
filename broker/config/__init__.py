"""The settings: read from the environment once, validated and frozen.

Credentials and region are not here; see `storage/aws_session.py`.
"""

import os
import warnings
from dataclasses import fields
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from broker.config.faults import SettingsError, lines_of
from broker.config.private_files import require_private_key
from broker.config.profiles import load_profiles
from broker.config.retention import require_long_retention
from broker.config.s3_server import S3ServerSettings
from broker.config.serving import PREFIX
from broker.config.tokens import HS256_SECRET_BYTES
from broker.config.values import (
    MAX_COUNT,
    HeaderValue,
    MaxBytes,
    MaxFrames,
    MaxPixels,
    MultipartTtl,
    OptionalPath,
    OptionalText,
    OptionalUrl,
    Origins,
    PutTtl,
    TicketTtl,
    Widths,
    host_name,
)
from broker.domain.limits import Limits
from broker.domain.part_plan import MAX_PART_BYTES, MIN_PART_BYTES
from broker.domain.profiles import Profile
from broker.domain.transports import SINGLE_MAX_BYTES

__all__ = ["LOOPBACK_HOSTS", "PREFIX", "Settings", "SettingsError"]

MIB = 1024 * 1024
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class Settings(S3ServerSettings):
    """All settings of the broker. Sizes are in bytes, times in seconds."""

    database_url: str = Field(description="SQLAlchemy URL: postgresql://… or sqlite:///FILE.")
    public_url: OptionalUrl = Field(
        default=None,
        description="URL at which clients reach the broker; links start with it.",
    )
    cache_control: HeaderValue = Field(
        default=Limits.cache_control, description="Cache-Control of every object."
    )
    default_acl: OptionalText = Field(
        default=Limits.default_acl,
        description="Canned ACL of images, for buckets created before April 2023.",
    )
    ticket_ttl: TicketTtl = Field(
        default=Limits.ticket_ttl, description="How long S3 accepts a form."
    )
    ticket_grace: int = Field(
        default=Limits.ticket_grace,
        ge=0,
        le=86400,
        description="How long after that an upload keeps its slot.",
    )
    put_ttl: PutTtl = Field(
        default=Limits.put_ttl,
        description="How long S3 accepts a presigned PUT of an object or a part.",
    )
    multipart_threshold: int = Field(
        default=Limits.multipart_threshold,
        ge=1,
        le=SINGLE_MAX_BYTES,
        description="Larger files get `multipart` if a request does not name a transport.",
    )
    multipart_ttl: MultipartTtl = Field(
        default=Limits.multipart_ttl, description="How long a multipart upload may take."
    )
    part_size: int = Field(
        default=Limits.part_size,
        ge=MIN_PART_BYTES,
        le=MAX_PART_BYTES,
        description="Size of a part; larger if a file would need more than 10 000 parts.",
    )
    max_image_bytes: MaxBytes = Field(
        default=Limits.max_image_bytes, description="Maximum size of an image of an ad."
    )
    max_avatar_bytes: MaxBytes = Field(
        default=Limits.max_avatar_bytes, description="Maximum size of an avatar."
    )
    max_images_per_ad: int = Field(
        default=Limits.max_images_per_ad,
        ge=1,
        le=MAX_COUNT,
        description="Maximum number of images of an ad, including pending uploads.",
    )
    require_checksum: bool = Field(
        default=Limits.require_checksum,
        description="Require checksum_sha256 in requests for tickets.",
    )
    cors_origins: Origins = Field(
        default=(), description="Origins of pages that may call the API, separated by commas."
    )
    return_origins: Origins = Field(
        default=Limits.return_origins,
        description="Origins to which plain forms may redirect, separated by commas.",
    )
    capability_secret: SecretStr | None = Field(
        default=None,
        description="Secret of Uppy endpoints, 32 bytes or more; required with RS256, ES256.",
    )
    uppy_session_ttl: int = Field(
        default=Limits.uppy_session_ttl,
        ge=60,
        le=86400,
        description="Maximum lifetime of an Uppy endpoint.",
    )
    uppy_session_files: int = Field(
        default=Limits.uppy_session_files,
        ge=1,
        le=10_000,
        description="Maximum number of files for one Uppy endpoint.",
    )
    bucket_notifications_secret: SecretStr | None = Field(
        default=None, description="Bearer token of bucket notifications, 32 bytes or more."
    )
    bucket_notifications_queue_url: OptionalUrl = Field(
        default=None, description="SQS queue that `broker consume-bucket-notifications` reads."
    )
    bucket_notifications_arn: OptionalText = Field(
        default=None,
        description="ARN to which the bucket sends its notifications.",
    )
    reap: Literal["confirm", "delete"] = Field(
        default="confirm",
        description="What happens to stale uploads whose object has arrived.",
    )
    inspection: Literal["required", "off"] = Field(
        default="required",
        description="Whether `broker worker` inspects every image before it is published.",
    )
    ads_created_by: Literal["user", "service"] = Field(
        default="user",
        description="Who may create ads: users and services, or only services.",
    )
    max_pixels: MaxPixels = Field(
        default=Limits.max_pixels, description="Maximum number of pixels of an image."
    )
    max_frames: MaxFrames = Field(
        default=Limits.max_frames, description="Maximum number of frames of an animation."
    )
    ad_image_variants: Widths = Field(
        default=Limits.ad_image_variants,
        description="Widths of the smaller versions of an ad's image, separated by commas.",
    )
    avatar_variants: Widths = Field(
        default=Limits.avatar_variants,
        description="Widths of the smaller versions of an avatar, separated by commas.",
    )
    profiles_file: OptionalPath = Field(
        default=None,
        description="TOML file that changes the profiles of ads and avatars, and adds others.",
    )
    dev: bool = Field(
        default=False, description="Set by `broker dev` only: the page signs in automatically."
    )

    _declared: tuple[Profile, ...] = PrivateAttr(default=())

    @field_validator("capability_secret", "bucket_notifications_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        if len(value.get_secret_value().encode()) < HS256_SECRET_BYTES:
            raise ValueError("must have 32 bytes or more")
        return value

    @model_validator(mode="after")
    def _counted_together(self) -> Self:
        url = self.rate_limit_storage_url
        if url is not None and url.get_secret_value() == "memory://" and not self.dev:
            raise ValueError(
                "BROKER_RATE_LIMIT_STORAGE_URL: memory:// counts within one process; it is only "
                "for `broker dev`"
            )
        return self

    @model_validator(mode="after")
    def _read_profiles(self) -> Self:
        if self.profiles_file is not None:
            self._declared = load_profiles(self.profiles_file, self.limits)
        return self

    # After the profiles are read.
    @model_validator(mode="after")
    def _quota_for_one(self) -> Self:
        largest = max(self.limits.profiles, key=lambda profile: profile.max_bytes)
        if 0 < self.quota_bytes < largest.max_bytes:
            raise ValueError(
                "BROKER_QUOTA_BYTES: must be 0, or at least the maximum file size of every "
                f"profile; that of {largest.name} is larger"
            )
        return self

    @model_validator(mode="after")
    def _kept_long_enough(self) -> Self:
        require_long_retention(self.limits)
        return self

    @model_validator(mode="after")
    def _key_for_private_profiles(self) -> Self:
        require_private_key(self, self.limits.profiles)
        return self

    @property
    def known_hosts(self) -> tuple[str, ...]:
        """The hosts that the API accepts. If it is empty, the API accepts any host."""
        own = (host_name(urlsplit(self.public_url).netloc),) if self.public_url else ()
        named = (*own, *self.allowed_hosts)
        return (*named, *LOOPBACK_HOSTS) if named or self.dev else ()

    @classmethod
    def load(cls) -> Self:
        """Read the settings from the environment.

        Raises:
            SettingsError: a setting is missing or invalid. The message never shows a value.
        """
        # BROKER_TOKEN is for `broker upload`, which is a client.
        known = {PREFIX + name.upper() for name in cls.model_fields} | {
            f"{PREFIX}TOKEN",
        }
        for name in sorted(os.environ):
            if name.startswith(PREFIX) and name not in known:
                warnings.warn(f"{name} is not a setting of the broker", stacklevel=2)
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError("\n".join(lines_of(error))) from None

    @property
    def limits(self) -> Limits:
        """The settings that services need, and the profiles of the file.

        Each other field is the setting of the same name.
        """
        others = ("location", "declared", "server", "default_transport")
        values = {
            one.name: getattr(self, one.name) for one in fields(Limits) if one.name not in others
        }
        return Limits(
            location=self.media_location,
            declared=self._declared,
            server=self.server,
            default_transport=self.default_transport or self.server.default_transport,
            **values,
        )
