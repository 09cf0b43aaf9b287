"""Profiles: what may be uploaded for one kind of owner, and where its objects are.

`ad_image` and `avatar` are built in (`limits.py`); BROKER_PROFILES_FILE changes them and adds more.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

PRIVATE = "private"
# Cache-Control of private objects, and of their downloads.
PRIVATE_CACHE_CONTROL = "private, no-store"
AD_IMAGE = "ad_image"
AVATAR = "avatar"
# The kinds of owners that have tables of their own.
AD = "ad"
USER = "user"
OWNER = "{owner}"
COUNT_MAX = 2**31 - 1
PROFILE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
OWNER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INTEGER = re.compile(r"[1-9][0-9]{0,17}")


class Owners(StrEnum):
    """Who knows a profile's owners: our tables of ads and users, or the issuer of the token."""

    TABLE = "table"
    TOKEN = "token"  # noqa: S105 - not a secret


class Visibility(StrEnum):
    """Who may read a profile's objects: anyone, or the holder of a presigned URL."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What may be uploaded for one kind of owner.

    Attributes:
        name: the name in requests, grants and the file of profiles.
        owner_kind: the value in the rows: `ad`, `user`, or the name.
        prefix: the start of the relative keys; the owner and a slash follow.
        owners: whether owners are rows of our tables, or named by grants.
        has_integer_owners: owners are integers, as those of ads and users.
        content_types: the accepted types.
        max_bytes: the largest file, in bytes.
        max_count: how many files an owner may have; 0 means any number.
        keeps_one: a newly confirmed file replaces the one before.
        visibility: whether objects are public, or below `private/`.
        is_inspected: a worker inspects each file before it is published.
        max_pixels: the largest width x height that the worker accepts.
        max_frames: the largest number of frames that the worker accepts.
        variant_widths: the widths of the variants, in pixels, in ascending order.
        cache_control: the Cache-Control of the objects.
        ticket_ttl: how long S3 accepts a form, in seconds.
        put_ttl: how long S3 accepts a presigned PUT of a file or a part, in seconds.
        multipart_ttl: how long a multipart upload may take, in seconds.
    """

    name: str
    owner_kind: str
    prefix: str
    owners: Owners = Owners.TOKEN
    users_create_owners: bool = False
    has_integer_owners: bool = False
    content_types: tuple[str, ...]
    max_bytes: int
    max_count: int = 20
    keeps_one: bool = False
    visibility: Visibility = Visibility.PUBLIC
    is_inspected: bool = True
    max_pixels: int = 100_000_000
    max_frames: int = 300
    variant_widths: tuple[int, ...] = ()
    cache_control: str = "public, max-age=86400"
    ticket_ttl: int = 300
    put_ttl: int = 3600
    multipart_ttl: int = 72000

    @property
    def is_private(self) -> bool:
        """Check whether the objects are read by presigned GET only."""
        return self.visibility is Visibility.PRIVATE

    @property
    def is_by_token(self) -> bool:
        """Check whether grants decide about owners, and no table of ours."""
        return self.owners is Owners.TOKEN

    @property
    def count_limit(self) -> int:
        """The largest number of files of an owner."""
        return self.max_count or COUNT_MAX

    def is_owner(self, owner: str) -> bool:
        """Check whether a text has the form of an owner of this profile."""
        return (_INTEGER if self.has_integer_owners else OWNER_NAME).fullmatch(owner) is not None

    def owner_in(self, key: str) -> str | None:
        """Return the owner in a relative key; None if the key is not one of this profile."""
        if not key.startswith(self.prefix):
            return None
        owner, slash, name = key.removeprefix(self.prefix).partition("/")
        if slash and name and not name.endswith("/") and self.is_owner(owner):
            return owner
        return None


class Profiles:
    """All profiles of an installation; their prefixes do not overlap."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._by_name = {profile.name: profile for profile in profiles}
        self._by_kind = {profile.owner_kind: profile for profile in self}
        self._private = tuple(profile.prefix for profile in self if profile.is_private)

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._by_name.values())

    @property
    def ad_image(self) -> Profile:
        """The profile of ads' images."""
        return self._by_name[AD_IMAGE]

    @property
    def avatar(self) -> Profile:
        """The profile of avatars."""
        return self._by_name[AVATAR]

    @property
    def owner_kinds(self) -> tuple[str, ...]:
        """The kinds of owners of all profiles."""
        return tuple(self._by_kind)

    def named(self, name: str) -> Profile | None:
        """Return the profile with this name, or None."""
        return self._by_name.get(name)

    def of_kind(self, owner_kind: str) -> Profile:
        """Return the profile of rows with this kind of owner; raise LookupError without one."""
        try:
            return self._by_kind[owner_kind]
        except KeyError:
            raise LookupError(f"no profile for owners of kind {owner_kind!r}") from None

    def of_row(self, owner_kind: str, key: str) -> Profile:
        """Return the profile of a row with a relative key.

        Raise LookupError if the profile has no such keys: nobody knows whether they are private.
        """
        profile = self.of_kind(owner_kind)
        if profile.owner_in(key) is None:
            raise LookupError(f"{key!r} is no key of the profile {profile.name}")
        return profile

    def of_key(self, key: str) -> tuple[Profile, str] | None:
        """Return the profile and the owner in a relative key; None if it contains none."""
        for profile in self:
            owner = profile.owner_in(key)
            if owner is not None:
                return profile, owner
        return None

    def label(self, owner_kind: str, key: str) -> str:
        """Return kind and owner of a row with a relative key, such as `ad/7`, for people."""
        return f"{owner_kind}/{self.of_kind(owner_kind).owner_in(key)}"

    @property
    def have_private(self) -> bool:
        """Check whether a profile is private."""
        return bool(self._private)

    def is_private(self, key: str) -> bool:
        """Check whether the object with a relative key is below `private/`."""
        return key.startswith(self._private) if self._private else False
